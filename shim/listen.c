/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket, and the directory it is in. Peers are checked per connection (peer.c). Abstract names
 * are never used.
 *
 * When the socket's name is removed nobody can come any more: the shim then ends as soon as the
 * process has ended. (Watching the directory itself would not do: we hold it open, and the kernel
 * reports its removal only when the last holder is gone.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "shim/resume.h"
#include "shim/shim.h"

#define ACCEPTS_PER_TURN 16
#define ACCEPT_PAUSE_S   1.   /* when out of descriptors */
#define ACCEPT_TICK_S    0.02 /* when too many come */
#define SOCKET_NAME      "shim.sock"

static void serve(struct shim *shim, int fd)
{
	enum peer peer = peer_check(shim, fd);
	struct client *c, *victim;

	if (peer == PEER_REFUSED) {
		fd_close(fd);
		return;
	}
	if (shim->n_clients >= SHIM_CLIENTS_MAX - 1) {
		client_sweep(shim);
		victim = client_idlest(shim);
		if (shim->n_clients >= SHIM_CLIENTS_MAX - 1 && victim)
			client_close(victim);
		client_reap(shim);
	}
	c = client_new(shim, fd);
	if (!c) {
		fd_close(fd);
		return;
	}
	c->gone = peer == PEER_GONE;
	if (shim->n_clients >= SHIM_CLIENTS_MAX)
		ops_refuse(c); /* the last slot is for saying so */
}

static void on_accept_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;

	(void)events;
	ev_io_start(loop, &shim->listen_io);
}

/* Connections that wait in the socket's queue stay there. */
static void pause_accept(struct shim *shim, double seconds)
{
	ev_io_stop(shim->loop, &shim->listen_io);
	ev_timer_set(&shim->accept_timer, seconds, 0.);
	ev_timer_start(shim->loop, &shim->accept_timer);
}

static void on_listen(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd;

		if (rate_level(&shim->accepts, ev_now(loop), SHIM_ACCEPTS_PER_S, SHIM_ACCEPTS) <
		    1) {
			pause_accept(shim, ACCEPT_TICK_S);
			return;
		}
		fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			(void)rate_take(&shim->accepts, ev_now(loop), SHIM_ACCEPTS_PER_S,
			                SHIM_ACCEPTS);
			serve(shim, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN) /* out of descriptors or memory */
			pause_accept(shim, ACCEPT_PAUSE_S);
		return;
	}
}

static bool socket_is_there(const struct shim *shim)
{
	return faccessat(shim->session.conf.dir_fd, SOCKET_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void on_dir(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;
	char chunk[4096];

	(void)events;
	while (read(w->fd, chunk, sizeof(chunk)) > 0)
		;
	if (socket_is_there(shim))
		return;
	shim->orphaned = true;
	ev_io_stop(loop, w);
}

/* Without inotify (its instances are limited per user) only Shutdown ends the shim. */
static void watch_dir(struct shim *shim)
{
	char path[64];

	shim->dir_inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", shim->session.conf.dir_fd);
	if (shim->dir_inotify >= 0 &&
	    inotify_add_watch(shim->dir_inotify, path, IN_DELETE | IN_MOVED_FROM) < 0)
		fd_reset(&shim->dir_inotify);
}

static void start_dir(struct shim *shim)
{
	if (shim->dir_inotify < 0)
		return;
	ev_io_init(&shim->dir_io, on_dir, shim->dir_inotify, EV_READ);
	shim->dir_io.data = shim;
	if (!shim->orphaned)
		ev_io_start(shim->loop, &shim->dir_io);
}

int listen_init(struct shim *shim, struct err *err)
{
	int fd = shim->session.conf.listen_fd, r;

	r = fd_nonblock(fd, true);
	if (r < 0)
		return err_set(err, r, "prepare the socket");
	ev_timer_init(&shim->accept_timer, on_accept_timer, 0., 0.);
	shim->accept_timer.data = shim;
	ev_io_init(&shim->listen_io, on_listen, fd, EV_READ);
	shim->listen_io.data = shim;
	if (shim->resume && shim->resume->accept_waits)
		loop_timer_go_on(shim, &shim->accept_timer, ACCEPT_PAUSE_S);
	else
		ev_io_start(shim->loop, &shim->listen_io);

	if (!shim->resume) {
		peer_init(shim);
		watch_dir(shim);
	}
	start_dir(shim);
	return 0;
}
