/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over: everything that a shim needs to know, as JSON in a memfd, plus the open
 * descriptors that it names by number. Who writes it then execs `berth-shim --handover N`: process
 * id, children and descriptors stay, memory goes. That is the runtime's keeper, for a process that
 * has just been made, or a shim that is replaced by another build of itself: then the text has an
 * object "resume" too (shim/resume.h).
 *
 * What the keeper has done before: own session, cgroup, umask 077, working directory "/", stdio on
 * /dev/null, `shim.sock` bound and listening in the session directory (mode 0600), the exit record
 * reserved there (exit_record_reserve_at()). The process in question is a child of the keeper, and
 * so of the shim.
 *
 * Versions. A reader takes its own version and the one before; a writer knows both too. What is
 * added is a row of the table (rules in shim/wire/members.h) and no new version; a new version is
 * needed when the meaning of a member changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"
#include "shim/wire/log_driver.h"
#include "shim/wire/members.h"

#ifndef HANDOVER_VERSION /* the tests build shims with others */
#define HANDOVER_VERSION 1
#endif
#define HANDOVER_OLDEST (HANDOVER_VERSION > 1 ? HANDOVER_VERSION - 1 : 1) /* that can be read */
#define HANDOVER_MAX    (512 * 1024)                                      /* bytes of JSON */

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
#ifdef SHIM_TEST_LAYOUT
	char test_layout[SHIM_TEST_LAYOUT];
#endif
	int version;              /* that it is, or is to be, written in */
	const char *id;           /* container id */
	const char *name;         /* name of an exec session; "" for the container's own */
	const char *session_path; /* absolute directory, for messages */
	const char *log_path;     /* absolute; NULL or "": no log file */
	const char *journal;      /* socket of the journal; NULL or "": the usual one */
	pid_t pid;

	/* Descriptors; negative: none. Borrowed by handover_write(), owned after handover_parse().
	 */
	int dir_fd;    /* session directory */
	int pidfd;     /* of the process, a child */
	int listen_fd; /* shim.sock, listening, stream */
	int stdin_fd;  /* write end of its stdin */
	int stdout_fd; /* read ends */
	int stderr_fd;
	int pty_fd;          /* master; then the three above are invalid */
	int oom_fd;          /* memory.events (v2) or memory.oom_control (v1), read-only */
	int cgroup_kill_fd;  /* cgroup.kill of a cgroup that is the container's alone, writable */
	int freeze_fd;       /* cgroup.events (v2) or freezer.state (v1), read-only */
	int stat_fd;         /* /proc/PID/stat of the process: has it executed its program? */
	int exit_command_fd; /* the exit command's file (shim/wire/exit_command.h), for both */
	int ready_fd;        /* told "1" when the shim serves, else why it does not */

	bool terminal;
	uint16_t rows, cols; /* of the terminal at start; 0: unknown */
	enum shim_stdin_mode stdin_mode;
	int64_t created_ns; /* CLOCK_REALTIME */
	int64_t started_ns; /* 0: not started yet */
	int64_t sequence;   /* of events: an earlier shim of this session cannot have got further */
	const char *events; /* ... so far (shim/history.h), from a shim that has served */
	int64_t origin;     /* of the streams' offsets; likewise */
	int64_t oom_kills;  /* that had been counted when the process was made; -1: unknown */

	bool adopted;       /* the process is somebody else's child: an earlier shim was killed */
	bool terminal_lost; /* ... and its terminal with it */

	enum log_driver log_format;
	size_t log_max;   /* bytes per file */
	int log_files;    /* with the current one, >= 1 */
	size_t ring_size; /* bytes kept per stream for replay */
	int64_t drain_ms; /* how long clients are kept for output after the exit */
	/* How long the shim stays when process and output have ended, all is on disk, and nobody is
	 * connected; negative: until Shutdown. */
	int64_t linger_ms;

	void *owned; /* storage of the strings after handover_parse() */
};

/* All defaults; every descriptor FD_INVALID, every string "". */
void handover_init(struct shim_handover *h);

/* Write it into a new memfd (close-on-exec), positioned at 0. 0 or -errno. */
int handover_write(const struct shim_handover *h, int *ret_memfd, struct err *err);

/* Append the text without its last brace, in version h->version. 0, -ENOMEM, -EFBIG. */
int handover_put(struct buf *b, const struct shim_handover *h);

/* Call fn for each valid descriptor of h. */
int handover_each_fd(const struct shim_handover *h, int (*fn)(int fd, void *arg), void *arg);

/* Let the memfd and every descriptor of h survive the exec. 0 or -errno. */
int handover_keep_fds(const struct shim_handover *h, int memfd);

/*
 * The shim's side, in steps. Load: the text in fd as a tree; its length (+ 1) is room for all
 * strings. Parse: the members that are in every hand-over; refuses a version that is too old or too
 * new. Check: is it whole, and are the descriptors what they should be? Errors name the member.
 */
int handover_load(int fd, cJSON **ret, size_t *ret_len, struct err *err);
int handover_parse(const cJSON *root, size_t len, struct claims *claims, struct shim_handover *ret,
                   struct err *err);
int handover_check(const struct shim_handover *h, bool resumed, struct err *err);

/*
 * All of it for a fresh process: fd is closed, close-on-exec is set on what the text names and
 * every other descriptor from 3 on is closed; on failure nothing is.
 */
int handover_read(int fd, struct shim_handover *ret, struct err *err);

/* Free the strings. Descriptors are left alone. */
void handover_done(struct shim_handover *h);
