/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the process: reaped here and nowhere else, by its pidfd. The record is on disk before
 * anybody can be told. A status that somebody else has collected is asked of the kernel (6.15), and
 * unknown where it can't say.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "shim/shim.h"

static int wait_status(const siginfo_t *si)
{
	switch (si->si_code) {
	case CLD_EXITED:
		return (si->si_status & 0xff) << 8;
	case CLD_DUMPED:
		return si->si_status | 0x80;
	default:
		return si->si_status;
	}
}

/* false: it has not ended. */
static bool reap(struct session *s)
{
	siginfo_t si = { .si_pid = 0 };
	int status;

	/* __WALL: it may have been cloned with another exit signal than SIGCHLD. */
	if (waitid(P_PIDFD, (id_t)s->conf.pidfd, &si, WEXITED | WNOHANG | __WALL) < 0) {
		if (errno != ECHILD)
			return false;
		if (proc_pidfd_exit_status(s->conf.pidfd, &status) == 0)
			s->exit = exit_record_from_status(status, clock_real_ns());
		else
			s->exit = (struct exit_record){ .code = -1, .exited_ns = clock_real_ns() };
	} else if (si.si_pid) {
		s->exit = exit_record_from_status(wait_status(&si), clock_real_ns());
	} else {
		return false;
	}
	return true;
}

static void on_pid(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;
	struct session *s = &shim->session;

	(void)events;
	session_look(shim); /* the zombie still tells */
	if (!reap(s))
		return;
	ev_io_stop(loop, w);
	/* Where it could not tell: what was never started ends by a signal only. */
	if (s->conf.stat_fd < 0 && s->exit.known && !s->exit.signal)
		session_started(shim);
	oom_check(shim);
	s->exit.oom = s->oom;
	s->exit.started_ns = s->started_ns;
	s->record_failed = exit_record_write_at(s->conf.dir_fd, &s->exit) < 0;
	helper_tell(shim);
	fd_reset(&s->conf.pidfd);
	fd_reset(&s->conf.stat_fd);
	session_reaped(shim);
}

void exit_watch(struct shim *shim)
{
	ev_io *w = &shim->session.pid_io;

	ev_io_init(w, on_pid, shim->session.conf.pidfd, EV_READ);
	w->data = shim;
	ev_io_start(shim->loop, w);
}
