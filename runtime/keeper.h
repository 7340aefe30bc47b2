/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: the child of the runtime that becomes a container's (or a kept exec's) shim.
 *
 *     runtime R ──fork──► keeper K: setsid, own cgroup, pipes, socket listening, make()
 *               ◄─report── K
 *                          └─execve──► berth-shim (same pid)
 *               ◄─serves───────────────
 *
 * K makes the process itself, so that the process is its child, and then turns into the shim, which
 * costs none of the runtime's memory. It is tied to R by PDEATHSIG until it has reported; an error
 * crosses the report socket as it is. The shim inherits that socket, and says on it that it serves or
 * why it can't: so nobody is told of a container that nobody keeps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/container.h"
#include "berth/err.h"
#include "runtime/log_choice.h"
#include "shim/wire/exit_command.h"
#include "shim/wire/handover.h"
#include "shim/wire/keep_record.h"

enum stdio_mode { STDIO_KEEP, STDIO_INHERIT, STDIO_NULL };

struct keeper_job {
	const char *id, *name;    /* name "" for the container itself */
	const char *session_path; /* absolute */
	int session_fd;           /* directory: shim.sock, exit.json, log */
	const char *shim_link;    /* short path to the socket, or NULL */
	const char *log_path;     /* absolute, LOG_IN_JOURNAL, or NULL: no log */
	struct log_choice log;
	const char *root_path;             /* state root */
	struct exit_command *exit_command; /* argv NULL: none */
	const struct spec_process *process;
	enum stdio_mode stdio;
	enum shim_stdin_mode stdin_mode; /* with STDIO_KEEP */
	int preserve_fds;
	int console_socket; /* FD_INVALID */
	int shim_exe_fd;
	struct cg *cgroup, *shim_cgroup; /* may be NULL */
	bool must_be_there;              /* in shim_cgroup, that is: it was asked for by name */
	bool started;                    /* the process runs as soon as it is made (exec) */
	int64_t started_ns;              /* ... by make()'s clock; 0: when that has returned */
	int64_t linger_ms; /* of a shim that nobody needs any more; negative: for ever */
	/* Make the process; fill shim's identity in where it is recorded. */
	int (*make)(struct keeper_job *job, const struct ctr_process_io *io,
	            const struct ctr_identity *shim, pid_t *ret_pid, int *ret_pidfd,
	            struct err *err);
	void *arg;
	/* A process that there is already, and what was found of it: make() only records it. */
	const struct shim_handover *found; /* borrowed; NULL: a new process */
	int report_fd;                     /* set by keeper_run: children of make() must close it */
	bool in_shim_cgroup;               /* set by keeper_run: K was born there */
};

/* Open berth-shim beside our own binary (or BERTH_SHIM_PATH). -errno with a hint. */
int keeper_open_shim(struct err *err);
/* R's side: fork K, wait for its report and for the shim that it becomes. *ret_pid: the made process,
 * which the caller ends when this fails. A K that was killed is -EPIPE. */
int keeper_run(struct keeper_job *job, pid_t *ret_pid, pid_t *ret_keeper, struct err *err);
/* "shim.sock" by a name that fits into sun_path: session_path/shim.sock or the link. Caller frees.
 */
char *keeper_address(const char *session_path, const char *shim_link);
