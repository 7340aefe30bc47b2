/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over from keeper to shim: everything that the shim needs to know, as JSON in a memfd,
 * plus the open descriptors that it names by number. The keeper writes it and execs `berth-shim
 * --handover N`; process id, children and descriptors stay, memory goes.
 *
 * What the keeper has done before: own session, cgroup, umask 077, working directory "/", stdio on
 * /dev/null, `shim.sock` bound and listening in the session directory (mode 0600), the exit record
 * reserved there (exit_record_reserve_at()). The process in question is a child of the keeper, and
 * so of the shim.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"

#define HANDOVER_VERSION 1
#define HANDOVER_MAX     65536 /* bytes of JSON */

#define SHIM_LOG_MAX_DEFAULT   (1024 * 1024)
#define SHIM_LOG_FILES_DEFAULT 2
#define SHIM_RING_DEFAULT      (128 * 1024)
#define SHIM_DRAIN_MS_DEFAULT  2000

/* What happens to the process's stdin. Frame EOF: "no more input from me" of an attached client. */
enum shim_stdin_mode {
	SHIM_STDIN_NEVER, /* there is none (stdin_fd invalid), or nobody may write */
	SHIM_STDIN_ONCE,  /* closed by the first client's EOF, or when that client leaves */
	SHIM_STDIN_KEEP   /* closed only by the method CloseStdin */
};

struct shim_handover {
	int version;              /* HANDOVER_VERSION */
	const char *id;           /* container id */
	const char *name;         /* name of an exec session; "" for the container's own */
	const char *session_path; /* absolute directory, for messages */
	const char *log_path;     /* absolute; NULL or "": no log */
	pid_t pid;

	/* Descriptors; negative: none. Borrowed by handover_write(), owned after handover_read().
	 */
	int dir_fd;    /* session directory */
	int pidfd;     /* of the process, a child */
	int listen_fd; /* shim.sock, listening, stream */
	int stdin_fd;  /* write end of its stdin */
	int stdout_fd; /* read ends */
	int stderr_fd;
	int pty_fd;         /* master; then the three above are invalid */
	int oom_fd;         /* memory.events (v2) or memory.oom_control (v1), read-only */
	int cgroup_kill_fd; /* cgroup.kill of a cgroup that is the container's alone, writable */
	int ready_fd;       /* gets one byte when the shim serves, then is closed */

	bool terminal;
	uint16_t rows, cols; /* of the terminal at start; 0: unknown */
	enum shim_stdin_mode stdin_mode;
	int64_t created_ns; /* CLOCK_REALTIME */
	int64_t started_ns; /* 0: not started yet */

	size_t log_max;   /* bytes per file */
	int log_files;    /* with the current one, >= 1 */
	size_t ring_size; /* bytes kept per stream for replay */
	int64_t drain_ms; /* how long clients are kept for output after the exit */

	void *owned; /* storage of the strings after handover_read() */
};

/* All defaults; every descriptor FD_INVALID, every string "". */
void handover_init(struct shim_handover *h);

/* Write it into a new memfd (close-on-exec), positioned at 0. 0 or -errno. */
int handover_write(const struct shim_handover *h, int *ret_memfd, struct err *err);

/* Let the memfd and every descriptor of h survive the exec. 0 or -errno. */
int handover_keep_fds(const struct shim_handover *h, int memfd);

/*
 * The shim's side: read and check the text in fd, close fd, set close-on-exec on what it names and
 * close every other descriptor from 3 on. -EINVAL with the name of the member that is wrong.
 */
int handover_read(int fd, struct shim_handover *ret, struct err *err);

/* Free the strings. Descriptors are left alone. */
void handover_done(struct shim_handover *h);
