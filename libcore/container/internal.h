/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of container/ share: the prepared plan of a creation, the messages between a
 * creator and its init, the last stretch of every container process, and the records.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/describe.h"
#include "berth/container.h"
#include "cgroup/cgroup.h"
#include "cgroup/resctrl.h"
#include "mount/mount.h"
#include "namespace/namespace.h"
#include "security/lsm.h"
#include "security/schedule.h"
#include "security/security.h"

#define CTR_STATE_MAX (4u << 20)

/* --- plan.c: everything that can be decided before the first side effect --- */
struct ctr_plan {
	struct spec *spec;           /* borrowed */
	const struct ctr_root *root; /* borrowed: for the cache of filters; NULL: none */
	bool rootless;
	bool restore; /* of processes in images; else a creation */
	struct ns_plan ns;
	struct mnt_plan *mnt;
	struct seccomp_filter filter;
	char **env; /* of the process; HOME is added by init */
	struct lsm_host lsm;
};

/* A plan as far as there can be one: each refusal becomes a note. */
struct ctr_plan *ctr_plan_describe(struct spec *spec, bool rootless, struct desc *d);

/* --- ctr.c --- */
bool ctr_same_boot(const struct ctr *ctr);
/* A short link to <root>/<session>/shim.sock where that is too long for sun_path, else NULL. */
char *ctr_shim_link(const struct ctr_root *root, const char *session);

int ctr_seccomp_cache(const struct ctr_root *root);

/* --- record.c: intent.json and state.json --- */
int record_write_intent(const struct ctr *ctr, struct err *err);
int record_write_state(const struct ctr *ctr, struct err *err);
int record_read(struct ctr *ctr, struct err *err); /* what is there; missing files are not errors */

void record_put_identity(struct buf *b, const char *key, const struct ctr_identity *id);
void record_get_identity(const cJSON *parent, const char *key, struct ctr_identity *ret);

/* --- cgroup.c --- */
/* Limits and owner of a cgroup that is there. */
int cgroup_apply(const struct ctr_plan *plan, struct cg *cg, struct err *err);

/* --- update.c --- */
/* Put the resources of the last update in place of those of config.json. */
int update_overlay(const struct ctr *ctr, struct spec *spec, struct err *err);

/* --- delete.c --- */
/* Kill by identity and wait for the end; gone or never known is success. */
int end_process(const struct ctr_identity *identity, const char *what, struct err *err);

/* --- sync.c: one SOCK_SEQPACKET pair between a creator and its child --- */
enum sync_type {
	SYNC_GO = 1,     /* creator: you are in your cgroup, ids are mapped */
	SYNC_PIDFD,      /* joiner: here is init (one descriptor) */
	SYNC_ASK_SOURCE, /* init: open the source of mount number payload in my mount namespace (one
	                    descriptor) */
	SYNC_SOURCE,     /* creator: here it is (one descriptor) */
	SYNC_MOUNTED,    /* init: namespaces and mounts are ready; hooks may run */
	SYNC_HOOKS_DONE, /* creator */
	SYNC_CONSOLE,    /* init: the pty master (one descriptor); payload is its name */
	SYNC_READY,      /* init: everything that the creator must see or add to is done */
	SYNC_RELEASE,  /* creator: limits are set, the state is written; you live on your own now */
	SYNC_LISTENER, /* init's helper: the seccomp listener (one descriptor); init: its number */
	SYNC_LISTENED, /* creator: the agent has it */
	SYNC_CREATED,  /* init: about to wait for start */
	SYNC_ERROR,    /* either: payload is a struct err */
	SYNC_TYPES
};
const char *sync_name(enum sync_type type);
int sync_pair(int ret[2], struct err *err);
int sync_send(int sock, enum sync_type type, const void *data, size_t len, int fd, struct err *err);
/* Wait for `want`. SYNC_ERROR fills err and returns its code; EOF gives -EPIPE. fd/data may be
 * NULL. */
int sync_expect(int sock, enum sync_type want, void *data, size_t size, int *ret_fd,
                struct err *err);
/* Wait for `want`, which is without payload and descriptor, or for `other`, which has exactly size
 * bytes and a descriptor. Returns which it was. */
int sync_expect_either(int sock, enum sync_type want, enum sync_type other, void *data, size_t size,
                       int *ret_fd, struct err *err);
void sync_send_error(int sock, const struct err *err);
/* Wait for `want` with a descriptor, or with the number of one instead (*ret_fd stays as it is). */
int sync_expect_fd_or_number(int sock, enum sync_type want, int *ret_fd, int *ret_number,
                             struct err *err);
/* Wait for a message without payload with nothing but read(2). */
int sync_read_plain(int sock, enum sync_type want);
/* Send with nothing but write(2); -errno. */
int sync_write_plain(int sock, enum sync_type type, const void *data, size_t len);

/* --- steps.c: named, timed steps --- */
struct explain;
struct step {
	const char *name;
	int (*run)(void *arg, struct err *err);
	const char *what; /* a line for `explain`: what the step does */
	/* Items of the plan that the step carries out; NULL: the line says it all. */
	void (*describe)(const struct explain *x);
};
/* The two sides of a creation; rows end with a NULL name. */
extern const struct step create_steps[], init_steps[];
/* Run rows up to the one without a name; errors get the step's name as prefix only when `prefix` is
 * set; durations are logged at debug. */
int steps_run(const char *side, const struct step *steps, void *arg, struct err *err);

/* --- process.c: what init and exec's process have in common --- */
struct process_ctx {
	const struct spec_process *process;
	const struct ctr_process_io *io;
	struct seccomp_filter *filter; /* n = 0: none */
	char **env;
	int sync;     /* closed on exec */
	int sys_fd;   /* not used by exec */
	int slave_fd; /* terminal, else FD_INVALID */
	bool setgroups_denied;
	struct lsm_host lsm;
	struct lsm_labels labels;
	const struct spec_personality *personality;
	const struct spec_memory_policy *memory_policy;
	struct mnt_ctx *mnt;  /* for its private procfs */
	char exec_path[4096]; /* found by process_lookup */
	/* Further descriptors that stay open until exec: FIFOs, nsask; FD_INVALID ends. */
	int keep[5 + NS_TYPES];
};
int process_stdio(struct process_ctx *p,
                  struct err *err); /* terminal or the given descriptors on 0, 1, 2 */
/* Close every descriptor from first on but the n in keep (sorted in place), and stop logging. */
int close_all_but(int first, int *keep, size_t n, struct err *err);
int process_close_others(struct process_ctx *p, struct err *err);
int process_environment(struct process_ctx *p, struct err *err); /* HOME, LISTEN_FDS */
int process_credentials(
    struct process_ctx *p,
    struct err *err); /* early seccomp, chdir, bounding set, ids, capabilities, cwd check */
int process_lookup(struct process_ctx *p,
                   struct err *err); /* PATH of the container's env; messages that callers match */
int process_late_seccomp(struct process_ctx *p, struct err *err);
int process_exec(struct process_ctx *p, struct err *err); /* returns only on failure */

/* --- attributes.c: the same for both, inside the namespaces and before the descriptors close ---
 */
/* Labels of a process, those of `rest` where it has none (may be NULL). Borrowed. */
struct lsm_labels process_labels_of(const struct spec_process *process,
                                    const struct spec_process *rest);
/* Open the private procfs if labels are to be written; while /proc is still the host's. */
int process_open_procfs(struct process_ctx *p, struct err *err);
/* A session keyring "_ses.<id>", labelled like the process. */
int process_keyring(struct process_ctx *p, const char *id, struct err *err);
int process_labels(struct process_ctx *p, struct err *err);
/* Personality and memory policy. */
int process_memory(struct process_ctx *p, struct err *err);
/* Creator side, for a process that is ready: limits, scheduler, I/O priority; those of `rest` where
 * it has none (may be NULL). */
int process_schedule(pid_t pid, const struct spec_process *process, const struct spec_process *rest,
                     const struct spec_linux *lin, struct err *err);

/* --- listener.c: seccomp filters whose calls an agent answers --- */
bool listener_wanted(const struct seccomp_filter *filter);
/* In the process: load the filter and return when the agent has the listener. SIGCHLD is set so
 * that children need not be waited for: see listener_wait_for_children(). */
int listener_load(const struct seccomp_filter *filter, int sock, struct err *err);
/* Undo that, for who has children of its own to wait for. */
void listener_wait_for_children(void);
struct listener_handover {
	const struct ctr *ctr;
	const struct spec *spec;
	enum ctr_status status;
	pid_t init_pid, pid; /* pid: of the process that has the filter */
	int sock;            /* the creator's end */
};
/* In the creator: take the listener, send it to linux.seccomp.listenerPath, let the process go on.
 */
int listener_deliver(const struct listener_handover *h, struct err *err);

/* --- readback.c --- */
struct readback_args {
	const struct spec_process *process;
	const struct spec_id_map *uid_maps, *gid_maps;
	size_t n_uid_maps, n_gid_maps;
	const struct seccomp_filter *filter;
	bool userns;        /* capabilities are those of a user namespace of its own */
	bool ids_unchecked; /* a joined user namespace: its maps are not ours to know */
};
/* Compare what /proc says of a process with what was asked for. */
int process_read_back(int proc_fd, pid_t pid, const struct readback_args *args, struct err *err);
/* setgroups(2) is denied in the user namespace of `pid` ("self" or a number). */
bool setgroups_is_denied(int proc_fd, const char *pid);

/* --- create.c --- */
/* What state.json says beside init's identity. */
void ctr_describe(struct ctr *ctr, const struct ctr_plan *plan, const struct ctr_create_opts *opts);
/* Give the pty's master to whom it belongs: console socket or caller; sets the size first. */
int console_deliver(const struct spec_process *process, const struct ctr_process_io *io,
                    int *master, const char *name, struct err *err);
int await_created(int sock, int pidfd, struct err *err);

/* --- init.c --- */
/* --- nsask.c: exec into an init that waits for start and may not be looked at --- */
#define NSASK_QUESTION 'n' /* through exec.fifo; anything else is "go" */
struct nsask {
	int sock; /* FD_INVALID: nobody will ask */
	int fd[NS_TYPES];
	size_t n;
};
/* In the creator, an ordinary user: the socket to answer by. */
int nsask_open(struct nsask *ask, struct err *err);
/* In init, while /proc is the host's and its namespaces are all there: hold them. */
void nsask_hold(struct nsask *ask);
/* In init, when NSASK_QUESTION has been read: with nothing but read(2) and sendmsg(2). */
void nsask_answer(const struct nsask *ask, int fifo);
/* In exec: ask, wait for at most some seconds. */
int nsask(const struct ctr *ctr, const struct spec_seccomp *seccomp, int pidfd, struct ns_plan *ret,
          struct err *err);

struct init_args {
	struct ctr *ctr;
	struct ctr_plan *plan;
	const struct ctr_create_opts *opts;
	const struct mnt_cgroup_view *cgroups;
	int sync;
	int sys_fd; /* O_PATH of the host's /proc/sys */
	int fifo_fd, report_fd;
	struct nsask ask;
	pid_t host_pid; /* init's pid as the host sees it, for the hooks' state */
	struct mnt_ctx mnt;
	struct process_ctx process;
	char console_name[32];
};
static inline mode_t init_umask(const struct spec_process *process)
{
	return process->user.umask.set ? (mode_t)process->user.umask.v : 0022;
}
/* Never returns. */
void init_main(struct init_args *args) __attribute__((noreturn));

/* --- joiner.c --- */
/*
 * Clone a child by way of a joiner when the plan needs one, else directly. In the child returns 0;
 * in the caller the child's pid with *ret_pidfd. sock[0] is the creator's end, sock[1] the child's.
 * before_go runs in the creator with the first process's pid (joiner or child) so that it can be
 * moved into its cgroup.
 */
struct spawn_opts {
	const struct ns_plan *ns;
	const struct spec *spec; /* of which the joiner's id maps are, with user_first */
	int cgroup_fd;           /* v2: born inside; FD_INVALID */
	struct cg
	    *cgroup;  /* v1, systemd: moved by the creator before it does anything; may be NULL */
	pid_t follow; /* where cgroup takes no process: into the one of this process; 0: an error */
	int *sock;
	const int *close_fds; /* FD_INVALID ends: closed in all children (the lock) */
	/* exec: the container is hostile by now, so the joiner enters it with nothing but these
	 * standard files, the first preserve_fds from 3 on, and its socket. NULL: create. */
	const struct ctr_process_io *only;
	/* What the joiner changes its root to after the joins: a container without a mount
	 * namespace; FD_INVALID: the root is that of the namespace. */
	int root_fd;
};
pid_t spawn_process(const struct spawn_opts *opts, int *ret_pidfd, struct err *err);

/* --- hooks.c --- */
int hooks_run(const struct spec_hooks *hooks, enum spec_hook_kind kind, const char *state_json,
              char *const *default_env, struct err *err);

/* --- document.c --- */
char *state_document(const struct ctr *ctr, const struct spec *spec, enum ctr_status status,
                     pid_t pid); /* for hooks; compact */

/* --- sysctl.c --- */
int sysctl_apply(int sys_fd, const struct spec *spec, struct err *err);
int sysctl_check(const struct spec *spec, const struct ns_plan *ns,
                 struct err *err); /* a joined net namespace must not be the host's */

/* --- fifo.c --- */
int fifo_make(int dir_fd, int *ret_fifo, int *ret_report, struct err *err);
/* 1: init waits for start, 0: it does not (started or dead), -errno. */
int fifo_init_waits(int dir_fd);

/* --- mntview.c --- */
struct cg_view_store {
	struct mnt_cgroup_view view;
	struct mnt_cgroup_dir dirs[32];
	char *strings[64];
	size_t n_strings;
};
void cg_view_build(const struct cg *cg, const struct cg_host *host, bool cgroupns,
                   struct cg_view_store *ret);
void cg_view_done(struct cg_view_store *store);

/* --- explain.c, explain_notes.c: the plan in words --- */
struct explain {
	const struct ctr_plan *plan; /* what could not be planned is absent: mnt NULL */
	const struct ctr_explain_args *args;
	const struct cg_view_store *view; /* NULL: unknown */
	const cJSON *config;              /* the text of the spec again, for array indices */
	struct desc *d;
};
void explain_cgroup(const struct explain *x);
void explain_sources(const struct explain *x);
void explain_host_root(const struct explain *x);
void explain_clone(const struct explain *x);
void explain_late_sources(const struct explain *x);
void explain_unit(const struct explain *x);
void explain_classes(const struct explain *x);
void explain_maps(const struct explain *x);
void explain_host_hooks(const struct explain *x);
void explain_console(const struct explain *x);
void explain_limits(const struct explain *x);
void explain_listener(const struct explain *x);
void explain_net_devices(const struct explain *x);
void explain_session(const struct explain *x);
void explain_cgroup_namespace(const struct explain *x);
void explain_network(const struct explain *x);
void explain_root(const struct explain *x);
void explain_mounts(const struct explain *x);
void explain_devices(const struct explain *x);
void explain_container_hooks(const struct explain *x);
void explain_change_root(const struct explain *x);
void explain_names(const struct explain *x);
void explain_labels(const struct explain *x);
void explain_sysctl(const struct explain *x);
void explain_masks(const struct explain *x);
void explain_stdio(const struct explain *x);
void explain_credentials(const struct explain *x);
void explain_program(const struct explain *x);
void explain_seccomp(const struct explain *x);
/* explain_schedule.c: parts of steps */
void explain_scheduler(const struct explain *x);
void explain_memory(const struct explain *x);
void explain_time(const struct explain *x);
/* What is dangerous, or of no use here. */
void explain_notes(const struct explain *x);
