/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: the lifecycle. The only layer that knows the order of things.
 *
 * A container is a directory <root>/<id>, 0700, made with an exclusive mkdir and locked by flock
 * while a command works on it. An intent record is in it before the first side effect, state.json
 * once init is complete; whether init waits or has started is the kernel's to say (exec.fifo).
 * Everything that is ever undone is undone from these records by ctr_destroy(), which is
 * idempotent, so that a crash at any point is cleaned by one delete.
 *
 * libcore never prints and never exits (except in children that it made itself).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"
#include "berth/spec.h"

struct cg;            /* cgroup/cgroup.h */
struct mnt_host_root; /* mount/mount.h */

enum ctr_status { CTR_CREATING, CTR_CREATED, CTR_RUNNING, CTR_PAUSED, CTR_STOPPED };
const char *ctr_status_name(enum ctr_status status);

/* --- state root --- */
struct ctr_root {
	char *path; /* absolute */
	int fd;     /* directory; 0700, ours: verified */
};
/* Default place: /run/berth, or $XDG_RUNTIME_DIR/berth for who is not root. Caller frees; NULL with
 * err when there is none. */
char *ctr_root_default(struct err *err);
/* Open (create: make it with mode 0700 first). -ENOENT, -EPERM when somebody else owns it or others
 * may write it. */
int ctr_root_open(const char *path, bool create, struct ctr_root *ret, struct err *err);
void ctr_root_done(struct ctr_root *root);
/* systemd keeps this user's processes and XDG_RUNTIME_DIR when he is not logged in. */
bool ctr_user_lingers(uid_t uid);
/* It will not, and we are in his log-in or his manager: XDG_RUNTIME_DIR is theirs. */
bool ctr_ends_with_login(uid_t uid);
bool ctr_id_valid(const char *id, struct err *err);

/* --- one container --- */
struct ctr_identity {
	pid_t pid;
	uint64_t start_time, pidfs_ino;
	char boot_id[40];
};

struct ctr {
	char *id;
	const struct ctr_root *root; /* borrowed */
	int dir_fd;                  /* <root>/<id>; carries the flock when locked */
	bool locked;
	bool has_state; /* state.json was there: creation got as far as "created" */
	/* from intent.json */
	char *bundle, *created; /* created: RFC 3339 with nanoseconds, UTC */
	uid_t owner;
	char boot_id[40];
	struct ctr_identity creator;
	struct cg *cgroup, *shim_cgroup; /* may be NULL */
	char *shim_link;                 /* <root>/.s/<16 hex> or NULL */
	struct mnt_host_root *host_root; /* mounts on the host: a container without a mount
	                                    namespace; NULL: none */
	char *rdt_group, *rdt_monitor;   /* resctrl groups that are ours to remove; NULL: none */
	/* from state.json */
	char *oci_version, *rootfs;
	struct spec_kv *annotations;
	size_t n_annotations;
	struct ctr_identity init;
	bool private_pidns, terminal;
	unsigned int hooks;            /* bit 1 << kind: the spec has hooks of that kind */
	bool stdio_kept;               /* the shim holds stdio */
	bool no_new_keyring;           /* no session keyring of its own, for exec neither */
	struct ctr_identity shim;      /* pid 0: no shim */
	char *shim_address, *log_path; /* NULL: none */
};

/*
 * Reserve an id: exclusive mkdir, lock, intent. cg/shim_cg are taken over (may be NULL). -EEXIST:
 * "container with given ID already exists".
 */
int ctr_reserve(const struct ctr_root *root, const char *id, const struct spec *spec, struct cg *cg,
                struct cg *shim_cg, struct ctr **ret, struct err *err);
/* Open an existing one; lock waits up to 10 s for the command that works on it. -ENOENT: "container
 * \"x\" does not exist". A directory without intent opens with everything empty. */
int ctr_open(const struct ctr_root *root, const char *id, bool lock, struct ctr **ret,
             struct err *err);
/* The same, locked, for delete --force: a record that cannot be read counts as missing. */
int ctr_open_damaged(const struct ctr_root *root, const char *id, struct ctr **ret,
                     struct err *err);
void ctr_close(struct ctr *ctr);                /* also unlocks */
int ctr_lock(struct ctr *ctr, struct err *err); /* -ENOENT when it was deleted meanwhile */
void ctr_unlock(struct ctr *ctr);
void ctr_close_ptr(struct ctr **ctr);
#define _cleanup_ctr_ __attribute__((cleanup(ctr_close_ptr)))
enum ctr_status ctr_status(const struct ctr *ctr);
/* pidfd of init, verified; -ESRCH when it is gone. */
int ctr_init_pidfd(const struct ctr *ctr);
/* Identity of a live process (pidfd may be -1), and back: a verified pidfd, or -ESRCH. */
int ctr_identity_of(pid_t pid, int pidfd, struct ctr_identity *ret);
int ctr_identity_open(const struct ctr_identity *identity);
/* Has it not ended? A zombie has. */
bool ctr_identity_alive(const struct ctr_identity *identity);
bool ctr_shim_alive(const struct ctr *ctr);
/* Another shim has taken the container over: record it. The lock must be held. */
int ctr_set_shim(struct ctr *ctr, const struct ctr_identity *shim, struct err *err);
/* The container had no shim, now processes of its do: record where they will live, before it is made.
 * Takes over shim_cg, also when it fails. The lock must be held. */
int ctr_set_shim_cgroup(struct ctr *ctr, struct cg *shim_cg, struct err *err);
/* When the container's init was told to execute its program (CLOCK_REALTIME, ns), as its FIFO
 * remembers to a few milliseconds; 0: not yet, or unknown. */
int64_t ctr_started_ns(const struct ctr *ctr);
/* The spec that the container was created from (copy in the state directory), with the resources of
 * the last update. */
int ctr_load_spec(const struct ctr *ctr, struct spec **ret, struct err *err);
/* The state document (spec runtime.md "State" plus rootfs, created, owner, shim); owner_name may be
 * "". Caller frees. */
char *ctr_state_json(const struct ctr *ctr, const char *owner_name, bool pretty);
/* All ids, sorted; NULL-terminated; caller frees with strv_free. */
int ctr_list_ids(const struct ctr_root *root, char ***ret, struct err *err);
/* Directory of a session: "ID" is the container's own, "ID/NAME" a kept exec's. Holds shim.sock,
 * exit.json, log. */
int ctr_session_open(const struct ctr_root *root, const char *ref, int *ret_dirfd, struct err *err);

/* --- kept exec processes --- */
#define CTR_SESSION_FOR_LIFE (-1)

struct ctr_session {
	struct ctr_identity process, shim; /* pid 0: not made yet */
	const char *link;                  /* short path of the socket; NULL: none */
	const char *log_path;              /* NULL: none */
	char **args;   /* of the process; the record keeps the first 4 KiB; NULL: unknown */
	bool args_cut; /* out: there were more */
	bool terminal;
	int64_t started_ns; /* CLOCK_REALTIME; 0: not yet */
	/* How long the record stays after the end of the process, or CTR_SESSION_FOR_LIFE: of the
	 * container. */
	int64_t ttl_ms;
	void *owned; /* storage of what was read */
};
/*
 * A name for one that was given none: "exec-1", "exec-2" and so on, in the order in which they were
 * made; no number is used twice while the container lives. The container must be locked. Caller
 * frees; NULL with err.
 */
char *ctr_session_name(struct ctr *ctr, struct err *err);
/* Make the directory of session `name`. *ret_path absolute, *ret_link a short socket path or NULL;
 * the caller frees both. -EEXIST. */
int ctr_session_make(struct ctr *ctr, const char *name, int *ret_dirfd, char **ret_path,
                     char **ret_link, struct err *err);
int ctr_session_record(int session_fd, const struct ctr_session *session, struct err *err);
int ctr_session_read(const struct ctr *ctr, const char *name, struct ctr_session *ret);
void ctr_session_done(struct ctr_session *session);
/* Names of all kept execs, sorted; NULL-terminated; caller frees with strv_free. */
int ctr_list_sessions(const struct ctr *ctr, char ***ret);
/* Directory of one; -errno. */
int ctr_session_dir(const struct ctr *ctr, const char *name);
/* End its process and shim and remove its directory. */
void ctr_session_remove(struct ctr *ctr, const char *name);

/* --- create --- */
struct ctr_plan; /* everything that is decided before the first side effect */
/*
 * Decide and check all of it: namespaces (paths opened and checked), mounts, root file system,
 * seccomp filter (through the cache in root, which may be NULL). spec is borrowed for the plan's
 * life. Makes nothing. restore: for ctr_restore(), so without what comes from the images.
 */
int ctr_plan_new(struct spec *spec, const struct ctr_root *root, bool rootless, bool restore,
                 struct ctr_plan **ret, struct err *err);
/* --no-pivot: can this plan be carried out without pivot_root(2)? Pure. */
int ctr_plan_check_no_pivot(const struct ctr_plan *plan, struct err *err);
/* Does the spec ask for limits that need a cgroup? Device rules alone, the default of every config,
 * do not count. */
bool ctr_wants_limits(const struct spec *spec);
void ctr_plan_free(struct ctr_plan *plan);

struct ctr_process_io {
	int stdio[3];       /* for a process without terminal; borrowed; FD_INVALID: /dev/null */
	int preserve_fds;   /* 3 .. 3+n-1 are passed on */
	int console_socket; /* connected; gets the master; FD_INVALID */
	int *ret_master;    /* with terminal and no console socket: the master comes here */
};
struct ctr_create_opts {
	bool no_pivot, no_new_keyring;
	bool rootless;
	struct ctr_process_io io;
	struct ctr_identity shim; /* recorded in state.json; pid 0: none */
	const char *shim_address, *log_path;
	bool stdio_kept;
	int keep_fd; /* one more descriptor that children must close: the report pipe; FD_INVALID */
};
/*
 * Bring a reserved container to "created": runs in the process that is to be init's parent. On
 * failure init is dead; the caller undoes the rest with ctr_destroy(). *ret_pidfd: init's pidfd.
 */
int ctr_create(struct ctr *ctr, struct ctr_plan *plan, const struct ctr_create_opts *opts,
               int *ret_pidfd, struct err *err);
/* Read the records again: for the process that reserved an id when another one has created the
 * container. */
int ctr_reload(struct ctr *ctr, struct err *err);
int ctr_start(struct ctr *ctr, struct err *err);

/* --- the rest of the lifecycle --- */
struct ctr_exec_opts {
	const struct spec_process *process;
	struct ctr_process_io io;
	bool ignore_paused;
	char *const *cgroups; /* sub-cgroups, as cg_sub() takes them; NULL: the container's own */
	int keep_fd;
};
/* Start one more process; the caller is (or becomes through CLONE_PARENT) its parent. *ret_pid:
 * host pid. Errors before the process started have err->exit_status 255. */
int ctr_exec(struct ctr *ctr, const struct ctr_exec_opts *opts, pid_t *ret_pid, int *ret_pidfd,
             struct err *err);
int ctr_kill(struct ctr *ctr, int sig, bool all, struct err *err);
int ctr_kill_and_wait(struct ctr *ctr); /* SIGKILL everything and wait for init's end, bounded */
int ctr_pause(struct ctr *ctr, bool pause, struct err *err);
/*
 * Lay `patch`, the JSON text of a linux.resources object, over the resources in force: written to
 * the cgroup, all of it or nothing, and remembered. Device rules in it are left out.
 */
int ctr_update(struct ctr *ctr, const char *patch, struct err *err);
/* New schemata for a container that was created with linux.intelRdt; NULL: left as they are. */
int ctr_update_classes(struct ctr *ctr, const char *l3_cache, const char *mem_bw, struct err *err);
int ctr_pids(const struct ctr *ctr, pid_t **ret, size_t *ret_n, struct err *err);
/*
 * Remove everything that the records name: processes, cgroups, links, directory; poststop hooks.
 * Works without state.json. force: kill first, else refuses a container that is not stopped (a
 * created one is killed). Idempotent.
 */
int ctr_delete(struct ctr *ctr, bool force, struct err *err);
/* The same without status check and hooks: undo of a failed create. */
int ctr_destroy(struct ctr *ctr, bool poststop, struct err *err);
/* Is this directory an aborted creation (no living creator holds the lock, no state)? Used by gc.
 */
bool ctr_is_aborted(const struct ctr *ctr);

/* --- checkpoint and restore (CRIU) --- */
struct ctr_criu_opts {
	const char *image_path;   /* directory of the images; made with mode 0700 */
	const char *work_path;    /* logs and temporary files; NULL: image_path */
	const char *parent_path;  /* earlier images, relative to image_path; NULL: none */
	const char *page_server;  /* "ADDRESS:PORT"; NULL: none */
	const char *cgroups_mode; /* soft, full, strict, ignore; NULL: soft */
	const char *lsm_profile, *lsm_mount_context;
	char **empty_ns; /* "network" */
	bool leave_running, pre_dump, tcp_established, tcp_skip_in_flight, ext_unix_sk, shell_job,
	    file_locks, link_remap, auto_dedup, lazy_pages;
	int status_fd; /* gets a byte when the page server serves; negative: none */
};
/* All that can be refused by looking at the options alone. */
int ctr_criu_check(const struct ctr_criu_opts *opts, struct err *err);
/* Is criu here, program and library? -ENOENT with one line that says what to install. */
int ctr_criu_find(struct err *err);
/*
 * Write the images of a running or paused container. Unless it is left running its processes are
 * gone then and ctr_delete() is the caller's next step. On failure it runs on.
 */
int ctr_checkpoint(struct ctr *ctr, const struct ctr_criu_opts *opts, struct err *err);
/* Add what the shim has logged to the images, once it has ended or at any time before; no log is
 * success. */
int ctr_checkpoint_log(const struct ctr *ctr, const struct ctr_criu_opts *opts, struct err *err);
/*
 * ctr_create() and ctr_start() in one, from images: the restored init is a child of the caller. No
 * poststart hooks yet: those are ctr_restored()'s. On failure the caller destroys.
 */
int ctr_restore(struct ctr *ctr, struct ctr_plan *plan, const struct ctr_create_opts *opts,
                const struct ctr_criu_opts *criu, int *ret_pidfd, struct err *err);
/* Hooks that belong behind the start of a restored container. */
int ctr_restored(const struct ctr *ctr, const struct spec *spec, struct err *err);

/* hooks: run one kind on the host side with the state document on stdin. */
int ctr_run_hooks(const struct ctr *ctr, const struct spec *spec, enum spec_hook_kind kind,
                  enum ctr_status status, pid_t pid, struct err *err);

/* --- explain --- */
struct desc; /* base/describe.h */
struct ctr_explain_args {
	const char *id;
	struct spec *spec;
	bool rootless;
	const struct ctr_create_opts *opts;
	const struct cg *cgroup; /* as planned; NULL: could not be, and d says why */
	const char *cgroup_path; /* JSON path of its place; NULL: the default one */
};
/*
 * Put into d what ctr_create() would do with this spec: every row of the step tables with what the
 * plan holds for it, then start and delete. All of ctr_plan_new()'s checks run, and each refusal
 * becomes a note; nothing is made and no privilege is needed.
 */
void ctr_explain(const struct ctr_explain_args *args, struct desc *d);

/* The features document. Caller frees. */
char *ctr_features_json(const char *version, const char *commit);

/* --- check: what this host can do --- */
enum ctr_check_state { CTR_CHECK_OK, CTR_CHECK_LIMITED, CTR_CHECK_MISSING };
const char *ctr_check_state_name(enum ctr_check_state state);

struct ctr_check {
	const char *group, *name;
	bool required; /* missing: no container can run */
	enum ctr_check_state state;
	char *detail; /* what was found; owned, may be NULL */
	/* For people: what it is like without, and what helps. They hold when it is not ok. */
	const char *consequence;
	char *remedy; /* owned */
};
struct ctr_checks {
	struct ctr_check *list;
	size_t n;
};
/*
 * Look at all rows of the table, by trying where that leaves no trace. rootless: as for
 * ctr_plan_new(); root_path: the state root, NULL: the default one. Works for every user.
 */
void ctr_check_host(bool rootless, const char *root_path, struct ctr_checks *ret);
/* One more row, by a caller that has a look of its own. Literals but detail, which may be NULL. */
void ctr_check_add(struct ctr_checks *checks, const struct ctr_check *row, const char *detail,
                   const char *remedy);
bool ctr_checks_usable(const struct ctr_checks *checks); /* nothing required is missing */
void ctr_checks_done(struct ctr_checks *checks);
