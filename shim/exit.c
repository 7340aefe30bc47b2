/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the process: reaped here and nowhere else, by its pidfd. The record is on disk before
 * anybody can be told. Of the child of somebody else (the process of a shim that was killed) the kernel is asked,
 * which knows (6.15) as soon as the parent has collected it. Whether that ever happens is up to the
 * parent, so it is waited for only so long. What nobody can say is unknown.
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

/* It has ended, and how can't be known. */
static struct exit_record unknown(const struct session *s)
{
	return (struct exit_record){ .code = -1, .exited_ns = s->ended_ns };
}

/* Somebody else's child. -EAGAIN: it has ended, and its parent has not collected it yet. */
static int ask(struct session *s)
{
	int status, r = proc_pidfd_exit_status(s->conf.pidfd, &status);

	if (!s->ended_ns)
		s->ended_ns = clock_real_ns();
	if (r == -EAGAIN && s->conf.adopted && s->reap_wait < SHIM_REAP_S)
		return -EAGAIN;
	s->exit = r == 0 ? exit_record_from_status(status, s->ended_ns) : unknown(s);
	return 1;
}

/* 1: exit is filled in; 0: it has not ended; -EAGAIN. */
static int reap(struct session *s)
{
	siginfo_t si = { .si_pid = 0 };

	/* __WALL: it may have been cloned with another exit signal than SIGCHLD. */
	if (waitid(P_PIDFD, (id_t)s->conf.pidfd, &si, WEXITED | WNOHANG | __WALL) < 0)
		return errno == ECHILD ? ask(s) : 0;
	if (!si.si_pid)
		return 0;
	s->exit = exit_record_from_status(wait_status(&si), clock_real_ns());
	return 1;
}

/* A pidfd is readable as long as a zombie is there, and can't be waited on for more than that. */
static void ask_later(struct shim *shim)
{
	struct session *s = &shim->session;
	double after = SHIM_REAP_MIN_S;

	ev_io_stop(shim->loop, &s->pid_io);
	if (s->reap_wait > 0)
		after = s->reap_wait < SHIM_REAP_MAX_S ? s->reap_wait : SHIM_REAP_MAX_S;
	s->reap_wait += after;
	ev_timer_set(&s->reap_timer, after, 0.);
	ev_timer_start(shim->loop, &s->reap_timer);
}

static void look(struct shim *shim)
{
	struct session *s = &shim->session;
	int r;

	session_look(shim); /* the zombie still tells */
	r = reap(s);
	if (r == -EAGAIN)
		ask_later(shim);
	if (r <= 0)
		return;
	ev_io_stop(shim->loop, &s->pid_io);
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

static void on_pid(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	look(w->data);
}

static void on_reap_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	look(w->data);
}

void exit_watch(struct shim *shim)
{
	ev_io *w = &shim->session.pid_io;

	ev_io_init(w, on_pid, shim->session.conf.pidfd, EV_READ);
	w->data = shim;
	ev_timer_init(&shim->session.reap_timer, on_reap_timer, 0., 0.);
	shim->session.reap_timer.data = shim;
	ev_io_start(shim->loop, w);
}
