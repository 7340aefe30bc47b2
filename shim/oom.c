/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills by the OOM killer in the process's cgroup: the line "oom_kill N" of memory.events (v2) or
 * memory.oom_control (v1, 4.13). v2 says when it changes; v1 is looked at when the process ends.
 */
#include "base/clock.h"
#include "base/fd.h"
#include "shim/shim.h"
#include "shim/wire/oom_count.h"

void oom_check(struct shim *shim)
{
	struct session *s = &shim->session;
	uint64_t kills;

	if (s->conf.oom_fd >= 0 && oom_count_read(s->conf.oom_fd, &kills) && kills > s->oom_base &&
	    !s->oom) {
		session_look(shim);
		s->oom = true;
		history_add(&s->history, EVENT_OOM, clock_real_ns());
	}
}

static void stop(struct shim *shim)
{
	struct session *s = &shim->session;

	if (s->oom_epfd < 0)
		return;
	ev_io_stop(shim->loop, &s->oom_io);
	fd_reset(&s->oom_epfd);
}

static void on_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	pri_watch_take(shim->session.oom_epfd);
	oom_check(shim);
	/* Told once; and a cgroup that is gone signals for ever. */
	if (shim->session.oom || !oom_count_read(shim->session.conf.oom_fd, &(uint64_t){ 0 }))
		stop(shim);
}

static int begin(struct session *s, struct err *err)
{
	s->oom_epfd = FD_INVALID;
	if (s->conf.oom_fd < 0 || !oom_count_read(s->conf.oom_fd, &s->oom_base))
		return 0;
	/* Kills since the process was made count, whoever has watched then. */
	if (s->conf.oom_kills >= 0)
		s->oom_base = (uint64_t)s->conf.oom_kills;
	return pri_watch_open(s->conf.oom_fd, &s->oom_epfd, err);
}

int oom_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r = shim->resume ? 0 : begin(s, err);

	if (r == 0)
		pri_watch_start(shim, &s->oom_io, s->oom_epfd, on_event);
	if (r == 0 && s->conf.adopted)
		oom_check(shim);
	return r;
}
