/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreground without a shim. One poll loop over a signalfd, the process's pidfd and, with a
 * terminal, the two ends of the relay. After the exit the terminal is read until it says EIO or
 * EAGAIN: reading flushes the kernel's queue, so nothing is lost.
 */
#include "runtime/foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "runtime/notify.h"
#include "runtime/tty.h"

struct relay {
	pid_t pid;
	int pidfd, master, signals, notify;
	bool stdin_open;
	struct tty tty; /* ours, while it is raw */
};

static void forwarded_set(sigset_t *set)
{
	static const int not_forwarded[] = { SIGCHLD, SIGURG,  SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
		                             SIGTRAP, SIGABRT, SIGSYS,  SIGTTIN, SIGTTOU, SIGPIPE };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(not_forwarded) / sizeof(not_forwarded[0]); i++)
		sigdelset(set, not_forwarded[i]);
}

void foreground_prepare(void)
{
	sigset_t set;

	forwarded_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void copy_size(const struct relay *r)
{
	struct winsize ws;

	if (ioctl(0, TIOCGWINSZ, &ws) == 0)
		(void)ioctl(r->master, TIOCSWINSZ, &ws);
}

static void enter_raw(struct relay *r)
{
	if (r->master < 0)
		return;
	r->stdin_open = true;
	/* Not a terminal: nothing to copy and nothing to restore. */
	if (tty_raw(0, &r->tty) == 0)
		copy_size(r);
}

static void take_signal(struct relay *r)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && r->master >= 0)
		copy_size(r);
	else
		(void)proc_pidfd_signal(r->pidfd, (int)info.ssi_signo);
}

/* false: nothing more to be had from this direction. */
static bool pump(int from, int to)
{
	char buf[16384];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && fd_write_all(to, buf, (size_t)n) == 0;
}

static void drain(struct relay *r)
{
	char buf[16384];
	ssize_t n;

	if (r->master < 0)
		return;
	(void)fd_nonblock(r->master, true);
	while ((n = read(r->master, buf, sizeof(buf))) > 0)
		if (fd_write_all(1, buf, (size_t)n) < 0)
			return;
}

static int loop(struct relay *r, struct err *err)
{
	bool output = r->master >= 0;

	for (;;) {
		struct pollfd p[5] = {
			{ .fd = r->pidfd, .events = POLLIN },
			{ .fd = r->signals, .events = POLLIN },
			{ .fd = output ? r->master : -1, .events = POLLIN },
			{ .fd = r->stdin_open ? 0 : -1, .events = POLLIN },
			{ .fd = r->notify, .events = POLLIN },
		};

		if (poll(p, 5, -1) < 0 && errno != EINTR)
			return err_set(err, -errno, "wait for the process");
		if (p[1].revents)
			take_signal(r);
		if (p[2].revents && !pump(r->master, 1))
			output = false;
		if (p[3].revents && !pump(0, r->master))
			r->stdin_open = false;
		if (p[4].revents && notify_take(r->notify, 0))
			r->notify = FD_INVALID;
		if (p[0].revents)
			return 0;
	}
}

int foreground_wait(pid_t pid, int pidfd, int master, struct err *err)
{
	return foreground_wait_notify(pid, pidfd, master, FD_INVALID, err);
}

int foreground_wait_notify(pid_t pid, int pidfd, int master, int notify, struct err *err)
{
	struct relay r = {
		.pid = pid, .pidfd = pidfd, .master = master, .notify = notify, .tty.fd = FD_INVALID
	};
	int status = 0, result;
	sigset_t set;

	forwarded_set(&set);
	r.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r.signals < 0)
		return err_set(err, -errno, "make a signalfd");
	enter_raw(&r);
	result = loop(&r, err);
	if (result == 0)
		result = proc_waitpid(pid, &status);
	drain(&r);
	tty_restore(&r.tty);
	fd_close(r.signals);
	return result < 0 ? err_set(err, result, "reap the process") : status;
}
