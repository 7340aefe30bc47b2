/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills by the OOM killer in the process's cgroup: the line "oom_kill N" of memory.events (v2) or
 * memory.oom_control (v1, 4.13). v2 says when it changes; v1 is looked at when the process ends.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "shim/shim.h"

static bool read_kills(int fd, uint64_t *ret)
{
	char text[512], *p, *end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	/* At the start of a line: "oom_kill_disable" and "oom_group_kill" are others. */
	for (p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, "oom_kill ", 9) != 0)
			continue;
		p += 9;
		end = strchr(p, '\n');
		if (end)
			*end = '\0';
		return num_parse_u64(p, ret) == 0;
	}
	return false;
}

void oom_check(struct shim *shim)
{
	struct session *s = &shim->session;
	uint64_t kills;

	if (s->conf.oom_fd >= 0 && read_kills(s->conf.oom_fd, &kills) && kills > s->oom_base &&
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
	if (shim->session.oom || !read_kills(shim->session.conf.oom_fd, &(uint64_t){ 0 }))
		stop(shim);
}

static int begin(struct session *s, struct err *err)
{
	s->oom_epfd = FD_INVALID;
	if (s->conf.oom_fd < 0 || !read_kills(s->conf.oom_fd, &s->oom_base))
		return 0;
	return pri_watch_open(s->conf.oom_fd, &s->oom_epfd, err);
}

int oom_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r = shim->resume ? 0 : begin(s, err);

	if (r == 0)
		pri_watch_start(shim, &s->oom_io, s->oom_epfd, on_event);
	return r;
}
