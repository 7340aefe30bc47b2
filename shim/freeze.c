/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paused and resumed. The kernel's word counts, whoever froze the cgroup: the line "frozen" of
 * cgroup.events (v2), which signals changes by POLLPRI, or freezer.state (v1), which never does. So
 * who freezes through the runtime is followed by a call that has us look, and is answered when we
 * have: a resume can then not overtake the news of the pause. Two changes by others between two
 * looks are none.
 */
#include <string.h>
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

	(void)loop;
	(void)events;
	pri_watch_take(shim->session.freeze_epfd);
	freeze_check(shim);
}

static int begin(struct session *s, struct err *err)
{
	s->freeze_epfd = FD_INVALID;
	if (s->conf.freeze_fd < 0 || !read_frozen(s->conf.freeze_fd, &s->frozen))
		return 0;
	return pri_watch_open(s->conf.freeze_fd, &s->freeze_epfd, err);
}

int freeze_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	int r = shim->resume ? 0 : begin(s, err);

	if (r == 0)
		pri_watch_start(shim, &s->freeze_io, s->freeze_epfd, on_event);
	return r;
}
