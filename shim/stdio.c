/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's streams. Reading goes straight into the ring, then to the log, in one turn. Reading
 * pauses only for an attached client that keeps up and would otherwise lose bytes, and for a log
 * that does not take more at the moment, both only as long as our patience lasts (attach.c,
 * logging.c).
 *
 * Pipes end by EOF. A pty master says EIO while no slave is open, which is not the end of the
 * output as long as the process lives (it may hang its own terminal up and open it again), and poll
 * then reports HUP without pause. So the shim holds a slave itself (TIOCGPTPEER, 4.13) until the
 * process is gone and the master was read until EAGAIN; after that EIO is the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "shim/resume.h"
#include "shim/shim.h"

/* A read of so many bytes has taken memory for them. */
#define BURST 4096

static void close_pty(struct shim *shim)
{
	struct session *s = &shim->session;

	ev_io_stop(shim->loop, &s->stdin_io);
	ev_timer_stop(shim->loop, &s->reopen_timer);
	ev_timer_stop(shim->loop, &s->redraw_timer);
	fd_reset(&s->slave_fd);
	s->conf.pty_fd = FD_INVALID;
}

static void end_source(struct source *src)
{
	struct session *s = &src->shim->session;

	if (!src->open)
		return;
	ev_io_stop(src->shim->loop, &src->io);
	if (s->conf.terminal)
		close_pty(src->shim);
	src->open = false;
	src->emptied = true;
	fd_reset(&src->fd);
	logging_feed(src);
}

/* Open a slave of our own, so that the master does not hang up. */
static bool hold_slave(struct session *s)
{
	fd_reset(&s->slave_fd);
	s->slave_fd = ioctl(s->conf.pty_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return s->slave_fd >= 0;
}

/* The terminal was hung up under a living process (vhangup): a fresh slave revives the master. */
static void revive_pty(struct source *src)
{
	struct session *s = &src->shim->session;

	if (hold_slave(s))
		return;
	ev_io_stop(src->shim->loop, &src->io);
	ev_timer_set(&s->reopen_timer, SHIM_PART_S, 0.);
	ev_timer_start(src->shim->loop, &s->reopen_timer);
}

static void on_reopen(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	if (shim->session.out[0].open && !shim->session.reaped)
		revive_pty(&shim->session.out[0]);
}

/* One read. true: there may be more. */
static bool read_source(struct source *src)
{
	struct session *s = &src->shim->session;
	struct iovec iov[2];
	size_t want = SHIM_READ_MAX;
	ssize_t n;

	/* An unfinished line must stay in the ring until it is logged. */
	if (want > src->ring.size - LOG_LINE_MAX)
		want = src->ring.size - LOG_LINE_MAX;
	if (want > logging_room(src))
		want = logging_room(src);
	want = attach_room(src->shim, (int)(src - s->out), want);
	if (!want)
		return false;
	n = readv(src->fd, iov, ring_space(&src->ring, want, iov));
	if (n > 0) {
		ring_commit(&src->ring, (size_t)n);
		logging_feed(src);
		if (n >= BURST)
			trim_later(src->shim);
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		src->emptied = s->reaped;
	else if (n < 0 && errno == EIO && s->conf.terminal && !s->reaped)
		revive_pty(src);
	else
		end_source(src);
	return false;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct source *src = w->data;

	(void)loop;
	(void)events;
	/* The rest comes in the next turn; but after the exit, find out whether that was all. */
	if (read_source(src) && src->shim->session.reaped && src->open)
		read_source(src);
}

static void on_patience(struct ev_loop *loop, ev_timer *w, int events)
{
	/* The flush point that follows looks at everybody's patience. */
	(void)loop;
	(void)w;
	(void)events;
}

static int set_size(const struct session *s, uint16_t rows, uint16_t cols)
{
	struct winsize ws = { .ws_row = rows, .ws_col = cols };

	return ioctl(s->conf.pty_fd, TIOCSWINSZ, &ws) < 0 ? -errno : 0;
}

static void on_redraw(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	(void)set_size(&shim->session, shim->session.rows, shim->session.cols);
}

static void on_stdin_room(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;

	(void)events;
	ev_io_stop(loop, w);
	shim->session.stdin_blocked = false;
	client_input_ready(shim);
}

static int begin_source(struct source *src)
{
	int r;

	src->emptied = src->fd < 0;
	if (src->fd < 0)
		return 0;
	r = ring_init(&src->ring, src->shim->session.conf.ring_size);
	src->ring.origin = src->ring.head = (uint64_t)src->shim->session.conf.origin;
	src->logged.offset = src->ring.head;
	if (r >= 0)
		r = fd_nonblock(src->fd, true);
	src->open = true;
	return r;
}

static int init_source(struct shim *shim, int i, int fd, struct err *err)
{
	struct source *src = &shim->session.out[i];
	int r = 0;

	src->shim = shim;
	src->stream = i ? STREAM_STDERR : STREAM_STDOUT;
	src->fd = fd;
	if (!shim->resume)
		r = begin_source(src);
	else if (src->open != (fd >= 0))
		r = -EINVAL;
	if (r < 0)
		return err_set(err, r, "prepare stream %s", i ? "stderr" : "stdout");
	ev_io_init(&src->io, on_readable, fd, EV_READ);
	src->io.data = src;
	return 0;
}

int stdio_init(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	struct shim_handover *h = &s->conf;
	int in = h->terminal ? h->pty_fd : h->stdin_fd, r;

	s->rows = h->rows;
	s->cols = h->cols;
	ev_timer_init(&s->reopen_timer, on_reopen, 0., 0.);
	ev_timer_init(&s->redraw_timer, on_redraw, 0., 0.);
	ev_timer_init(&s->patience_timer, on_patience, 0., 0.);
	ev_io_init(&s->stdin_io, on_stdin_room, in, EV_WRITE);
	s->reopen_timer.data = s->redraw_timer.data = s->patience_timer.data = shim;
	s->stdin_io.data = shim;

	r = init_source(shim, 0, h->terminal ? h->pty_fd : h->stdout_fd, err);
	if (r >= 0)
		r = init_source(shim, 1, h->terminal ? FD_INVALID : h->stderr_fd, err);
	if (r < 0)
		return r;
	if (in >= 0 && fd_nonblock(in, true) < 0)
		return err_set(err, -errno, "prepare stdin");
	if (shim->resume) {
		loop_timer_go_on(shim, &s->reopen_timer, shim->resume->reopen);
		loop_timer_go_on(shim, &s->redraw_timer, shim->resume->redraw);
		if (s->stdin_blocked && in >= 0)
			ev_io_start(shim->loop, &s->stdin_io);
		return 0;
	}
	s->slave_fd = FD_INVALID;
	if (h->terminal)
		hold_slave(s);
	return 0;
}

void stdio_update(struct shim *shim)
{
	struct session *s = &shim->session;

	attach_patience(shim);
	for (int i = 0; i < 2; i++) {
		struct source *src = &s->out[i];

		if (!src->open || ev_is_active(&s->reopen_timer))
			continue;
		if (attach_room(shim, i, SHIM_READ_MAX) && logging_room(src))
			ev_io_start(shim->loop, &src->io);
		else
			ev_io_stop(shim->loop, &src->io);
	}
}

bool stdio_emptied(const struct session *s)
{
	return s->out[0].emptied && s->out[1].emptied;
}

bool stdio_ended(const struct session *s)
{
	return !s->out[0].open && !s->out[1].open;
}

void stdio_drain(struct shim *shim)
{
	for (int i = 0; i < 2; i++) {
		struct source *src = &shim->session.out[i];

		/* A pipe or pty can't hold more than this; who writes on is a child. */
		for (int turn = 0; src->open && turn < 64 && read_source(src); turn++)
			;
	}
}

void stdio_cut(struct shim *shim)
{
	for (int i = 0; i < 2; i++)
		end_source(&shim->session.out[i]);
	stdio_close_stdin(shim);
}

void stdio_release_slave(struct shim *shim)
{
	fd_reset(&shim->session.slave_fd);
}

bool stdio_has_input(const struct session *s)
{
	if (s->conf.stdin_mode == SHIM_STDIN_NEVER)
		return false;
	return s->conf.terminal ? s->conf.pty_fd >= 0 : s->conf.stdin_fd >= 0;
}

static void close_stdin(struct shim *shim)
{
	ev_io_stop(shim->loop, &shim->session.stdin_io);
	fd_reset(&shim->session.conf.stdin_fd);
	shim->session.stdin_blocked = false;
}

ssize_t stdio_write(struct shim *shim, const uint8_t *data, size_t len)
{
	struct session *s = &shim->session;
	ssize_t n;

	if (!stdio_has_input(s))
		return -EPIPE;
	if (s->stdin_blocked)
		return 0;
	do
		n = write(s->conf.terminal ? s->conf.pty_fd : s->conf.stdin_fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0 || errno == EAGAIN) {
		s->stdin_blocked = true;
		ev_io_start(shim->loop, &s->stdin_io);
		return 0;
	}
	if (!s->conf.terminal)
		close_stdin(shim);
	return -EPIPE;
}

int stdio_close_stdin(struct shim *shim)
{
	if (shim->session.conf.terminal)
		return -ENOTTY;
	if (shim->session.conf.stdin_fd < 0)
		return -EBADF;
	close_stdin(shim);
	return 0;
}

/*
 * The kernel tells the process of changes only, and many programs draw only when they then find
 * another size than before: so who asks for a redraw gets a change, and back when the program has
 * had the time to look.
 */
int stdio_resize(struct shim *shim, uint16_t rows, uint16_t cols, bool redraw)
{
	struct session *s = &shim->session;
	bool flip = redraw && rows == s->rows && cols == s->cols;
	int r;

	if (s->conf.pty_fd < 0)
		return -ENOTTY;
	ev_timer_stop(shim->loop, &s->redraw_timer);
	r = set_size(s, !flip ? rows : rows > 1 ? rows - 1 : 2, cols);
	if (r < 0)
		return r;
	s->rows = rows;
	s->cols = cols;
	if (!flip)
		return 0;
	ev_timer_set(&s->redraw_timer, SHIM_REDRAW_S, 0.);
	ev_timer_start(shim->loop, &s->redraw_timer);
	return 0;
}
