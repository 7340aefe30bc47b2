/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session: created -> running -> exited. The end comes in steps, each seen at most once, and
 * what clients are told is in the history in the order in which it happened:
 *
 *	reaped     the wait status is known and on disk (exit.c)
 *	published  the output written before the exit has been read (or SHIM_DRAIN_S is over): waiters,
 *	           monitors and attached clients are told
 *	ended      all streams are at their end; with children that outlive the process this can be much
 *	           later. Attached clients are kept for it for conf.drain_ms, the log as long as the shim.
 *
 * The shim of a container stays after that; that of a kept exec goes when it is not needed any more
 * (conf.linger_ms): what it knew is on disk by then.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "shim/resume.h"
#include "shim/shim.h"

#define PF_FORKNOEXEC 0x40 /* of /proc/PID/stat: forked and not executed anything yet */

/* Is there nothing left that only this shim has, and nobody who asks for it? */
static bool is_done(const struct shim *shim)
{
	const struct session *s = &shim->session;

	return s->ended && s->conf.linger_ms >= 0 && !s->record_failed && shim->n_clients == 0 &&
	       logging_done(s);
}

static void on_drain(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;
	struct session *s = &shim->session;

	(void)events;
	if (shim->ending)
		ev_break(loop, EVBREAK_ALL);
	else if (s->ended)
		shim->shutdown = is_done(shim);
	else if (!s->published)
		s->out[0].emptied = s->out[1].emptied = true;
	else
		s->released = true;
}

static int begin(struct session *s, struct err *err)
{
	const struct shim_handover *conf = &s->conf;

	s->status = conf->started_ns ? SESSION_RUNNING : SESSION_CREATED;
	s->exit = exit_record_unknown();
	history_init(&s->history, (uint64_t)conf->sequence);
	if (conf->started_ns)
		history_add(&s->history, EVENT_STARTED, conf->started_ns);
	return logging_begin(s, err);
}

static int go_on(struct session *s, struct err *err)
{
	const struct shim_handover *conf = &s->conf;

	if (!s->reaped && conf->pidfd < 0)
		return err_text(err, -EINVAL, "hand-over: pidfd is missing");
	if (history_read(conf->events, &s->history) < 0)
		return err_text(err, -EINVAL, "hand-over: events are not understood");
	return logging_go_on(s, err);
}

int session_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r;

	s->started_ns = s->conf.started_ns;
	ev_timer_init(&s->drain_timer, on_drain, 0., 0.);
	s->drain_timer.data = shim;
	r = shim->resume ? go_on(s, err) : begin(s, err);
	if (r >= 0)
		r = stdio_init(shim, err);
	logging_watch(shim);
	if (r >= 0)
		r = oom_init(shim, err);
	if (r >= 0)
		r = freeze_init(shim, err);
	if (r < 0)
		return r;
	if (shim->resume)
		loop_timer_go_on(shim, &s->drain_timer, shim->resume->drain);
	if (!s->reaped)
		exit_watch(shim);
	return 0;
}

void session_started(struct shim *shim)
{
	struct session *s = &shim->session;

	if (s->started_ns || s->reaped)
		return;
	s->started_ns = clock_real_ns();
	s->status = SESSION_RUNNING;
	history_add(&s->history, EVENT_STARTED, s->started_ns);
	fd_reset(&s->conf.stat_fd);
}

/*
 * The runtime says Started when it has started the process; by then the process can have run out of
 * memory, been paused, or ended. Nothing of that may be told before the start, and nothing that was
 * never started may be said to have been: the kernel knows, until the process is reaped.
 */
void session_look(struct shim *shim)
{
	struct session *s = &shim->session;
	char text[512], *p;
	ssize_t n;

	if (s->started_ns || s->conf.stat_fd < 0)
		return;
	n = pread(s->conf.stat_fd, text, sizeof(text) - 1, 0);
	if (n <= 0) {
		fd_reset(&s->conf.stat_fd); /* somebody else has reaped it */
		return;
	}
	text[n] = '\0';
	/* "PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS ..."; a name may have blanks. */
	p = strrchr(text, ')');
	for (int field = 0; p && field < 7; field++)
		p = strchr(p + 1, ' ');
	if (p && !(strtoul(p, NULL, 10) & PF_FORKNOEXEC))
		session_started(shim);
}

static void start_drain_timer(struct shim *shim, double seconds)
{
	ev_timer *t = &shim->session.drain_timer;

	ev_timer_stop(shim->loop, t);
	ev_now_update(shim->loop);
	ev_timer_set(t, seconds, 0.);
	ev_timer_start(shim->loop, t);
}

void session_reaped(struct shim *shim)
{
	struct session *s = &shim->session;

	s->reaped = true;
	s->status = SESSION_EXITED;
	freeze_stop(shim);
	stdio_drain(shim);
	if (!stdio_emptied(s))
		start_drain_timer(shim, SHIM_DRAIN_S);
}

/* Nobody needs the shim any more: cut what is left and let the clients have what they are owed. */
static void begin_end(struct shim *shim)
{
	shim->ending = true;
	stdio_cut(shim);
	shim->session.released = true;
	logging_cut(shim);
	start_drain_timer(shim, SHIM_END_S);
}

void session_step(struct shim *shim)
{
	struct session *s = &shim->session;

	if (s->reaped && !s->published && stdio_emptied(s)) {
		s->published = true;
		history_add(&s->history, EVENT_EXITED, s->exit.exited_ns);
		/* From now on a pty without a process at its other side is at its end. */
		stdio_release_slave(shim);
		stdio_drain(shim);
		stdio_close_stdin(shim);
		if (!stdio_ended(s))
			start_drain_timer(shim, (double)s->conf.drain_ms / 1000.);
	}
	if (s->published && !s->released && stdio_ended(s)) {
		s->released = true;
		ev_timer_stop(shim->loop, &s->drain_timer);
	}
	if (s->published && !s->ended && stdio_ended(s)) {
		s->ended = true;
		history_add(&s->history, EVENT_ENDED, clock_real_ns());
	}
	if (s->published && !shim->ending && (shim->shutdown || shim->orphaned))
		begin_end(shim);
}

void session_linger(struct shim *shim)
{
	struct session *s = &shim->session;

	if (!shim->ending && !ev_is_active(&s->drain_timer) && is_done(shim))
		start_drain_timer(shim, (double)s->conf.linger_ms / 1000.);
}

const char *session_status_name(const struct session *s)
{
	static const char *const names[] = {
		[SESSION_CREATED] = "created",
		[SESSION_RUNNING] = "running",
		[SESSION_EXITED] = "exited",
	};

	return names[s->status];
}

int session_signal(struct shim *shim, int sig, bool all)
{
	struct session *s = &shim->session;

	if (all) {
		if (sig != SIGKILL || s->conf.cgroup_kill_fd < 0)
			return -EOPNOTSUPP;
		return write(s->conf.cgroup_kill_fd, "1", 1) < 0 ? -errno : 0;
	}
	if (s->reaped)
		return -ESRCH;
	return proc_pidfd_signal(s->conf.pidfd, sig);
}
