/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of a v2 cgroup says by POLLPRI that it has changed, and is readable all the time. So it is
 * watched through an epoll of its own, which becomes readable only by POLLPRI.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/fd.h"
#include "shim/shim.h"

int pri_watch_open(int fd, int *ret_epfd, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLPRI | EPOLLET };

	*ret_epfd = epoll_create1(EPOLL_CLOEXEC);
	if (*ret_epfd < 0)
		return err_set(err, -errno, "watch a cgroup");
	if (epoll_ctl(*ret_epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		fd_reset(ret_epfd); /* not pollable: v1 */
	return 0;
}

void pri_watch_start(struct shim *shim, ev_io *w, int epfd,
                     void (*on_event)(struct ev_loop *loop, ev_io *w, int events))
{
	if (epfd < 0)
		return;
	ev_io_init(w, on_event, epfd, EV_READ);
	w->data = shim;
	ev_io_start(shim->loop, w);
}

void pri_watch_take(int epfd)
{
	struct epoll_event ev;

	(void)epoll_wait(epfd, &ev, 1, 0);
}
