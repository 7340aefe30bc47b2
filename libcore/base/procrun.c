/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc_run(): one helper program (a hook, newuidmap, modprobe), its input, the head of its output
 * and a deadline. The input is a memfd, so that it needs no writer: no deadlock with a program that
 * does not read, no SIGPIPE. What ends the wait is the helper's own end, seen through a pidfd;
 * daemons that it leaves behind may keep the output pipe as long as they like.
 */
#include "base/clock.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define OUTPUT_MAX  4096
#define DRAIN_TURNS 32 /* more than a pipe of the default size holds */

struct run {
	pid_t pid;
	int pidfd;
	int in;           /* the helper's stdin, until it is started */
	int out[2];       /* pipe of its stdout and stderr */
	int fail[2];      /* errno of a failed exec */
	int64_t deadline; /* CLOCK_MONOTONIC ms, -1: none */
	char *output;     /* borrowed; NULL: nobody wants it */
	size_t room, len;
};

static void run_done(struct run *run)
{
	fd_reset(&run->pidfd);
	fd_reset(&run->in);
	for (int i = 0; i < 2; i++) {
		fd_reset(&run->out[i]);
		fd_reset(&run->fail[i]);
	}
}

static int open_input(const char *input)
{
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	if (!input) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return fd < 0 ? -errno : take_fd(&fd);
	}
	fd = memfd_create("stdin", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, input, strlen(input));
	if (r < 0)
		return r;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : take_fd(&fd);
}

static _Noreturn void child(const struct run *run, const char *path, char *const argv[],
                            char *const env[])
{
	int fail, e;

	setpgid(0, 0);
	/* Out of the way of 0..2 first, wherever the parent's descriptors happen to be. */
	fail = fcntl(run->fail[1], F_DUPFD_CLOEXEC, 3);
	if (fail < 0 || dup2(run->in, 0) < 0 || dup2(run->out[1], 1) < 0 ||
	    dup2(run->out[1], 2) < 0)
		_exit(127);
	fd_cloexec_from(3);
	proc_reset_signals();
	execve(path, argv, env ? env : environ);
	e = errno;
	if (write(fail, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

/* Fork and exec; afterwards only pid, pidfd and out[0] are in use. -errno also of a failed exec. */
static int start(struct run *run, const char *path, char *const argv[], char *const env[])
{
	int e = 0;
	ssize_t n;

	if (pipe2(run->out, O_CLOEXEC) < 0 || pipe2(run->fail, O_CLOEXEC) < 0)
		return -errno;
	/* dup2() onto itself would keep close-on-exec, so none of ours may sit on 0..2. */
	if (run->in <= 2 || run->out[1] <= 2)
		return -EBADF;
	run->pid = fork();
	if (run->pid < 0)
		return -errno;
	if (run->pid == 0)
		child(run, path, argv, env);
	setpgid(run->pid, run->pid); /* whoever comes first; the loser's error is harmless */
	fd_reset(&run->in);
	fd_reset(&run->out[1]);
	fd_reset(&run->fail[1]);
	n = fd_read_all(run->fail[0], &e, sizeof(e)); /* EOF: the exec closed it */
	fd_reset(&run->fail[0]);
	if (n == sizeof(e)) {
		proc_waitpid(run->pid, NULL);
		return e > 0 ? -e : -EIO;
	}
	run->pidfd = proc_pidfd_open(run->pid);
	if (run->pidfd < 0) {
		kill(-run->pid, SIGKILL);
		proc_waitpid(run->pid, NULL);
		return run->pidfd;
	}
	return fd_nonblock(run->out[0], true);
}

/*
 * Take what the pipe holds now; beyond our room it is dropped. Closes the pipe at its end. Bounded,
 * so that a flood of output can keep us neither from the deadline nor from seeing the helper's end.
 */
static void drain(struct run *run)
{
	char chunk[OUTPUT_MAX];

	for (int turn = 0; run->out[0] >= 0 && turn < DRAIN_TURNS; turn++) {
		ssize_t n = read(run->out[0], chunk, sizeof(chunk));
		size_t keep = n > 0 ? (size_t)n : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0 || errno != EAGAIN)
				fd_reset(&run->out[0]);
			return;
		}
		if (keep > run->room - run->len)
			keep = run->room - run->len;
		if (keep > 0)
			memcpy(run->output + run->len, chunk, keep);
		run->len += keep;
	}
}

/* Wait for the helper's end or the deadline; output is read meanwhile. 0 or -ETIMEDOUT. */
static int supervise(struct run *run)
{
	for (;;) {
		struct pollfd p[] = { { .fd = run->pidfd, .events = POLLIN },
			              { .fd = run->out[0], .events = POLLIN } };
		int timeout = -1;

		if (run->deadline >= 0) {
			int64_t left = run->deadline - clock_ms();

			if (left <= 0 && !proc_pidfd_exited(run->pidfd))
				return -ETIMEDOUT;
			timeout = left <= 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
		}
		if (poll(p, 2, timeout) < 0) {
			if (errno != EINTR)
				return -errno;
			continue;
		}
		if (p[0].revents) {
			drain(run);
			return 0;
		}
		if (p[1].revents)
			drain(run);
	}
}

int proc_run(const char *path, char *const argv[], char *const env[], const char *input,
             int64_t timeout_ms, char *output, size_t cap)
{
	_cleanup_(run_done)
	struct run run = { .pidfd = FD_INVALID,
		           .in = FD_INVALID,
		           .out = { FD_INVALID, FD_INVALID },
		           .fail = { FD_INVALID, FD_INVALID },
		           .deadline = -1,
		           .output = output };
	int status, r, wr;

	if (output && cap > 0) {
		output[0] = '\0';
		run.room = cap - 1 < OUTPUT_MAX ? cap - 1 : OUTPUT_MAX;
	}
	if (timeout_ms >= 0)
		run.deadline = clock_ms() + timeout_ms;
	run.in = open_input(input);
	if (run.in < 0)
		return run.in;
	r = start(&run, path, argv, env);
	if (r < 0)
		return r;
	r = supervise(&run);
	if (r < 0) { /* not yet reaped, so the group's number is still its own */
		kill(-run.pid, SIGKILL);
		proc_pidfd_signal(run.pidfd, SIGKILL); /* should it have left its group */
	}
	wr = proc_waitpid(run.pid, &status);
	if (output && run.room > 0)
		output[run.len] = '\0';
	if (r < 0)
		return r;
	return wr < 0 ? wr : status;
}
