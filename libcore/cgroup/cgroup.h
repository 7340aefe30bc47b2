/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups, v2, v1 and hybrid, with the cgroupfs driver and the systemd driver.
 *
 * cg_host says what this host has. cg_plan decides the container's directories (pure, given the
 * host). The caller journals the plan (cg_to_json) before cg_create makes anything, so that a crash
 * at any point leaves a record from which cg_destroy can clean. Paths are opened below the verified
 * hierarchy root with RESOLVE_BENEATH|NO_SYMLINKS; the root cgroup and the caller's own ancestors
 * are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/describe.h"
#include "berth/err.h"
#include "berth/spec.h"

enum cg_mode { CG_NONE, CG_V1, CG_HYBRID, CG_V2 };

struct cg_hier {     /* one mounted hierarchy */
	char *name;  /* v1: "cpu,cpuacct", "systemd" for name=systemd; "" for the unified one */
	char *mount; /* mount point */
	char *own;   /* the calling process's path in it */
	char *mount_root; /* field 4 of mountinfo, usually "/" */
	bool v2;
};

struct cg_host {
	enum cg_mode mode;
	struct cg_hier *hiers;
	size_t n_hiers;
};

int cg_host_detect(struct cg_host **ret,
                   struct err *err); /* from /proc/self/{mountinfo,cgroup}; CG_NONE is success */
void cg_host_free(struct cg_host *host);

struct cg_dir {     /* the container's directory in one hierarchy */
	char *name; /* as cg_hier.name */
	char *mount;
	char *path; /* "/berth/c1" */
	bool v2;
	unsigned int ours; /* how many trailing components did not exist at plan time: those are
	                      removed again */
};

struct cg_unit; /* cgroup/systemd.h */

struct cg {
	enum cg_mode mode;
	struct cg_dir *dirs; /* empty: no cgroup could be made and none was asked for */
	size_t n_dirs;
	bool usable;   /* false: runs without a cgroup (rootless without delegation), see why */
	bool optional; /* nothing was asked for that needs a cgroup: errors of permission in
	                  cg_create lead to !usable */
	bool rootless; /* words an error of permission */
	bool strict;   /* limits that this host's cgroups have no file for are an error */
	char why[256];
	struct cg_unit *unit; /* systemd driver: the unit whose cgroup it is; NULL: cgroupfs */
};

struct cg_request {
	const char *id;
	const char *cgroups_path; /* linux.cgroupsPath or NULL */
	bool limits_wanted;       /* resources that need a cgroup were asked for */
	bool rootless; /* no privilege over the host's cgroups is expected: errors of permission are
	                  tolerated unless limits_wanted */
	bool below_own; /* default place below the caller's own cgroup rather than at the top of
	                   what is delegated */
	bool disabled; /* none is to be made: cgroups_path counts for nothing, limits are refused */
	/* The systemd driver: cgroups_path is slice:prefix:name. Limits and annotations
	 * (org.systemd.property.NAME) become properties of the unit, and are refused here. */
	bool systemd;
	bool user_manager;       /* the user's systemd rather than the system's */
	const char *shim_place;  /* cg_plan_shim: below this cgroup, or in this slice; NULL: auto */
	const char *unit_prefix; /* in the default name; NULL: "berth" */
	const struct spec_resources *resources; /* may be NULL */
	const struct spec_kv *annotations;
	size_t n_annotations;
};

/*
 * Decide the directories. Default place: "/berth/<id>" for root (v2: at the hierarchy root;
 * relative cgroupsPath likewise below it); rootless: below the highest ancestor of our own cgroup
 * that we may write. Refuses "..", control characters, the root cgroup, our own cgroup and its
 * ancestors (as target), a cgroup that has processes ("container's cgroup is not empty") or is
 * frozen ("container's cgroup unexpectedly frozen").
 */
int cg_plan(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
            struct err *err);
/*
 * The place of the shim itself: "/berth.shim/<id>" by the same rules; one directory (v2 or, on
 * v1/hybrid, systemd + unified + those that exist). Under the systemd driver a scope of its own. Of
 * the request only id, rootless, systemd, user_manager and shim_place count. shim_place is a cgroup
 * that exists (in the hierarchies that have it; -ENOENT when none has), or a slice; then
 * cg_create() fails rather than to do without.
 */
int cg_plan_shim(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                 struct err *err);
/* Pure: what is started from here is in a unit of systemd's, which ends with all that is in it. */
bool cg_host_in_unit(const struct cg_host *host);
void cg_free(struct cg *cg);
int cg_to_json(const struct cg *cg, struct buf *b); /* one JSON object */
int cg_from_json(const cJSON *j, struct cg **ret,
                 struct err *err); /* our own file, still validated */

/* Make the directories, enable controllers on v2. Nothing with the systemd driver: there the unit
 * starts with the first process that is attached, and cg_apply() comes after that. */
int cg_create(struct cg *cg, struct err *err);
/*
 * A copy that stands for cgroups below the container's own: args (NULL-terminated) are PATH, all
 * hierarchies, or CONTROLLER[,CONTROLLER]:PATH (v1). -EINVAL: "unknown controller", "bad sub cgroup
 * path" for one that leads out. Whether they exist shows when a process is attached. Pure.
 */
int cg_sub(const struct cg *cg, char *const *args, struct cg **ret, struct err *err);
/*
 * A copy that stands for the cgroup that process pid is in, if that is below the container's own:
 * on v2 a container that has given its own cgroup controllers can take no process there any more.
 * gone: the container's own is not there any more, so that any place of pid's is right.
 * -ENOENT: it is not, or this is not v2.
 */
int cg_follow(const struct cg *cg, pid_t pid, bool gone, struct cg **ret);

/* Limits: spec resources -> files (conversions are pure functions in v1.c, v2.c, convert.c). Device
 * rules included: v1 files, v2 eBPF. */
int cg_apply(struct cg *cg, const struct spec_resources *res, bool rootless, bool userns,
             struct err *err);
/*
 * Is the container to own its cgroup: a new cgroup namespace, and cgroups mounted for writing on
 * /sys/fs/cgroup (config-linux.md, "Cgroup ownership"). Pure.
 */
bool cg_owner_wanted(const struct spec *spec);
/* The directory and the files that the kernel calls delegable, to a user of the host. v2 alone;
 * nothing where it is his already. */
int cg_set_owner(const struct cg *cg, uid_t uid, struct err *err);
/* The limits alone, device rules left as they are: what `update` means. When one of them can't be
 * set, those that were are put back. Of a unit, its properties too. */
int cg_update(struct cg *cg, const struct spec_resources *res, struct err *err);
/* Was anything asked for that needs a cgroup (cg_request.limits_wanted); device rules count except
 * rootless. Pure. */
bool cg_limits_wanted(const struct spec_resources *res, bool rootless);
/* O_PATH... directory fd usable for CLONE_INTO_CGROUP, or -EOPNOTSUPP when there is no v2 dir with
 * the controllers' process (v1 hosts: attach by cg_attach). */
int cg_v2_fd(const struct cg *cg);
/*
 * fork(2) whose child is born in the cgroup where v2 makes that possible (5.7): moving it
 * afterwards waits for a grace period, 10 ms and more. *ret_inside, in both processes: it is; else
 * the child has to be attached. -errno.
 */
pid_t cg_fork(const struct cg *cg, bool *ret_inside);
/*
 * Write cgroup.procs in every dir (skip v2 when into_v2 already done: harmless). systemd driver:
 * starts the unit when it has not been started; when that fails because the unit is somebody
 * else's, cg is left without directories and unit, and the journal is to be written again.
 */
int cg_attach(struct cg *cg, pid_t pid, struct err *err);

/*
 * Start the unit (systemd driver) with a child that does nothing, for who needs the cgroup before
 * there is a process to be in it. The child ends with us; the caller kills and reaps it.
 */
int cg_hold(struct cg *cg, pid_t *ret, struct err *err);

/* All pids in the subtree, host view; caller frees. Handles threaded cgroups. */
int cg_pids(const struct cg *cg, pid_t **ret, size_t *ret_n, struct err *err);
/* SIGKILL everything: cgroup.kill (5.14) else freeze+signal+thaw loops. Other signals: one pass
 * over the pids. Our own process is never hit. */
int cg_kill(const struct cg *cg, int sig, struct err *err);
int cg_freeze(const struct cg *cg, bool frozen,
              struct err *err); /* waits for the state, bounded 10 s, undone on failure */
bool cg_is_frozen(const struct cg *cg);
/* Path of the file that says so (v2 cgroup.events: pollable; v1 freezer.state), NULL: none. In the
 * caller's buffer. */
const char *cg_freeze_file(const struct cg *cg, char *buf, size_t size);
bool cg_has_self(const struct cg *cg); /* the calling process is in the subtree */
bool cg_is_populated(const struct cg *cg);
/* Move all processes of the subtree up, out of our levels; -errno when they can't go. */
int cg_evacuate(const struct cg *cg);
/*
 * Kill what is left, wait for "populated 0" (events, not sleeps; bound in ms), remove
 * sub-directories and then our levels leaf-up. A directory that is already gone is success; a level
 * that others use is left. -EBUSY when processes remain.
 */
int cg_destroy(const struct cg *cg, int timeout_ms, struct err *err);

struct cg_oom {
	uint64_t oom, oom_kill; /* counters; v1: oom_kill of memory.oom_control */
};
int cg_oom_read(const struct cg *cg, struct cg_oom *ret);
/*
 * To be woken when the container runs out of memory: poll fd for events, then ask
 * cg_oom_watch_take() how many are new. -EOPNOTSUPP: nobody counts memory here.
 */
struct cg_oom_watch {
	int fd;
	short events; /* POLLPRI on memory.events of v2, POLLIN on an eventfd for v1 */
	const struct cg *cg;
	uint64_t seen;
};
int cg_oom_watch_open(const struct cg *cg, struct cg_oom_watch *ret, struct err *err);
uint64_t cg_oom_watch_take(struct cg_oom_watch *watch);
void cg_oom_watch_close(struct cg_oom_watch *watch);
/* Path of the file that counts OOM kills (v2 memory.events: pollable; v1 memory.oom_control), NULL:
 * none. Borrowed storage in the caller's buffer. */
const char *cg_oom_file(const struct cg *cg, char *buf, size_t size);

/*
 * What cg_create() and cg_apply() would do, in words; what they would refuse becomes a note. cg may
 * be NULL. path: the JSON path of the place, NULL for the default one. Looks at the host (which
 * controllers a new directory would get), changes nothing.
 */
void cg_describe(const struct cg *cg, const struct spec_resources *res, const char *path,
                 struct desc *d);
/* The unit of the systemd driver with the properties it is started with; false: it is not that. */
bool cg_describe_unit(const struct cg *cg, struct desc *d);

/* --- for `check` --- */
/* The controllers that a new v2 directory would have, comma-separated; NULL: none. Caller frees. */
char *cg_controllers_below(const struct cg *cg);
/* Where a controller ("io" is v1's "blkio" too) is; v2 has "devices" and "freezer" without one.
 * NULL: nowhere. Borrowed. */
const char *cg_controller_of(const struct cg *cg, const char *v2_controllers,
                             const char *controller);
/* May the missing levels be made: 0 or -errno (-EROFS, -EACCES ...), by the nearest that is there.
 */
int cg_may_make(const struct cg_dir *dir);
bool cg_has_kill(const struct cg *cg); /* cgroup.kill, 5.14 */
/* Can the manager be spoken to: 0, or -errno with what is missing. */
int cg_systemd_check(bool user, struct err *err);
