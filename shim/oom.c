/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills by the OOM killer in the process's cgroup: the line "oom_kill N" of memory.events (v2) or
 * memory.oom_control (v1, 4.13). A v2 file signals changes by POLLPRI but is always readable, so it
 * is watched through an epoll of its own, which becomes readable only by POLLPRI. v1 is looked at
 * when the process ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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
	struct epoll_event ev;

	(void)loop;
	(void)events;
	/* Taking the event re-arms it; reading the file acknowledges it. */
	(void)epoll_wait(shim->session.oom_epfd, &ev, 1, 0);
	oom_check(shim);
	/* Told once; and a cgroup that is gone signals for ever. */
	if (shim->session.oom || !read_kills(shim->session.conf.oom_fd, &(uint64_t){ 0 }))
		stop(shim);
}

static int begin(struct session *s, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };

	s->oom_epfd = FD_INVALID;
	if (s->conf.oom_fd < 0 || !read_kills(s->conf.oom_fd, &s->oom_base))
		return 0;
	s->oom_epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s->oom_epfd < 0)
		return err_set(err, -errno, "watch memory events");
	if (epoll_ctl(s->oom_epfd, EPOLL_CTL_ADD, s->conf.oom_fd, &ev) < 0)
		fd_reset(&s->oom_epfd); /* not pollable: v1 */
	return 0;
}

int oom_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r = shim->resume ? 0 : begin(s, err);

	if (r < 0 || s->oom_epfd < 0)
		return r;
	ev_io_init(&s->oom_io, on_event, s->oom_epfd, EV_READ);
	s->oom_io.data = shim;
	ev_io_start(shim->loop, &s->oom_io);
	return 0;
}
