/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paused and resumed. The kernel's word counts, whoever froze the cgroup: the line "frozen" of
 * cgroup.events (v2), which signals changes by POLLPRI, or freezer.state (v1), which never does. So
 * who freezes through the runtime is followed by a call that has us look, and is answered when we
 * have: a resume can then not overtake the news of the pause. Two changes by others between two
 * looks are none.
 *
 * v2's file is always readable, so it is watched through an epoll of its own, as in oom.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "shim/shim.h"

/* false: the cgroup is gone. */
static bool read_frozen(int fd, bool *ret)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	*ret = strstr(text, "frozen 1") || strncmp(text, "FROZEN", 6) == 0;
	return true;
}

void freeze_stop(struct shim *shim)
{
	struct session *s = &shim->session;

	if (s->freeze_epfd >= 0)
		ev_io_stop(shim->loop, &s->freeze_io);
	fd_reset(&s->freeze_epfd);
	fd_reset(&s->conf.freeze_fd);
	s->frozen = false;
}

void freeze_check(struct shim *shim)
{
	struct session *s = &shim->session;
	bool frozen;

	if (s->conf.freeze_fd < 0 || s->reaped)
		return;
	if (!read_frozen(s->conf.freeze_fd, &frozen)) {
		freeze_stop(shim);
		return;
	}
	if (frozen == s->frozen)
		return;
	session_look(shim);
	s->frozen = frozen;
	history_add(&s->history, frozen ? EVENT_PAUSED : EVENT_RESUMED, clock_real_ns());
}

static void on_event(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;
	struct epoll_event ev;

	(void)loop;
	(void)events;
	/* Taking the event re-arms it; reading the file acknowledges it. */
	(void)epoll_wait(shim->session.freeze_epfd, &ev, 1, 0);
	freeze_check(shim);
}

static int begin(struct session *s, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };

	s->freeze_epfd = FD_INVALID;
	if (s->conf.freeze_fd < 0 || !read_frozen(s->conf.freeze_fd, &s->frozen))
		return 0;
	s->freeze_epfd = epoll_create1(EPOLL_CLOEXEC);
	if (s->freeze_epfd < 0)
		return err_set(err, -errno, "watch the freezer");
	if (epoll_ctl(s->freeze_epfd, EPOLL_CTL_ADD, s->conf.freeze_fd, &ev) < 0)
		fd_reset(&s->freeze_epfd); /* not pollable: v1 */
	return 0;
}

int freeze_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r = shim->resume ? 0 : begin(s, err);

	if (r < 0 || s->freeze_epfd < 0)
		return r;
	ev_io_init(&s->freeze_io, on_event, s->freeze_epfd, EV_READ);
	s->freeze_io.data = shim;
	ev_io_start(shim->loop, &s->freeze_io);
	return 0;
}
