/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection. It starts with Varlink calls, answered strictly in order: while one waits for an
 * event the next stay in the buffer. Attach turns it into a stream of frames (attach.c).
 *
 * A peer that has only shut down its writing side still gets its answers; one that is gone, sends
 * garbage, too much, or half a message for too long is closed, and nobody else notices. One that
 * calls without end is throttled (rate.h): its calls stay in the buffer, and once that is full in
 * its socket, and the throttled ones get in turn what comes in.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "shim/answer.h"
#include "shim/shim.h"

#define READ_CHUNK 4096

static void update_watcher(struct client *c)
{
	int events = 0;

	if (!c->in_eof && !c->finishing && !c->starved && !c->throttled && c->in.len < c->in.max)
		events |= EV_READ;
	if (!c->writable)
		events |= EV_WRITE;
	if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(c->shim->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	if (events)
		ev_io_start(c->shim->loop, &c->io);
}

void client_drop_fds(struct client *c)
{
	for (int i = 0; i < SHIM_CALL_FDS; i++)
		fd_reset(&c->fds[i]);
}

void client_close(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	client_drop_fds(c);
	ev_io_stop(c->shim->loop, &c->io);
	fd_reset(&c->fd);
	c->shim->n_clients--;
	if (c->mode == CLIENT_ATTACHED)
		attach_gone(c);
}

static void on_call_timer(struct ev_loop *loop, ev_timer *w, int events);

static void start_call_timer(struct shim *shim)
{
	if (ev_is_active(&shim->call_timer))
		return;
	ev_timer_init(&shim->call_timer, on_call_timer, SHIM_CALLS_TICK_S, 0.);
	shim->call_timer.data = shim;
	ev_timer_start(shim->loop, &shim->call_timer);
}

static bool take_token(struct client *c)
{
	struct shim *shim = c->shim;
	double now = ev_now(shim->loop);
	double there = rate_level(&shim->calls, now, SHIM_CALLS_PER_S, SHIM_CALLS);

	if (there < 1 ||
	    (there < SHIM_CALLS_KEPT && !rate_take(&c->own, now, SHIM_OWN_CALLS, SHIM_OWN_CALLS)))
		return false;
	return rate_take(&shim->calls, now, SHIM_CALLS_PER_S, SHIM_CALLS);
}

bool client_may_ask(struct client *c)
{
	struct shim *shim = c->shim;

	if (shim->share != 0 && take_token(c)) {
		if (shim->share > 0)
			shim->share--;
		return true;
	}
	c->throttled = true;
	start_call_timer(shim);
	return false;
}

/* Calls in the buffer, until one has to wait or switches to frames. */
static void handle_messages(struct client *c)
{
	while (!c->dead && !c->finishing && c->mode == CLIENT_CALLS && c->pending == PENDING_NONE) {
		_cleanup_varlink_call_ struct varlink_call call = { NULL };
		const char *end = c->in.len ? memchr(c->in.data, '\0', c->in.len) : NULL;
		size_t len;

		if (!end)
			break;
		if (!client_may_ask(c))
			break;
		len = (size_t)(end - c->in.data);
		if (varlink_call_parse(c->in.data, len, &call) < 0) {
			client_close(c);
			return;
		}
		buf_consume(&c->in, len + 1);
		ops_dispatch(c, &call);
		if (c->pending != PENDING_UPGRADE)
			client_drop_fds(c);
	}
	if (!c->dead && c->mode == CLIENT_ATTACHED)
		attach_input(c);
}

static void on_message_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;
	ev_tstamp oldest = 0;

	(void)events;
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];

		if (!c || c->dead || c->since == 0)
			continue;
		if (ev_now(loop) - c->since >= SHIM_MESSAGE_S)
			client_close(c);
		else if (oldest == 0 || c->since < oldest)
			oldest = c->since;
	}
	if (oldest != 0) {
		ev_timer_set(w, oldest + SHIM_MESSAGE_S - ev_now(loop), 0.);
		ev_timer_start(loop, w);
	}
}

/* Does the peer owe us the rest of a message? Then it must come in time. */
static void start_message_timer(struct shim *shim, double seconds)
{
	ev_timer_init(&shim->message_timer, on_message_timer, seconds, 0.);
	shim->message_timer.data = shim;
	ev_timer_start(shim->loop, &shim->message_timer);
}

static void watch_incomplete(struct client *c)
{
	struct shim *shim = c->shim;
	bool incomplete = c->in.len && !c->starved && !c->throttled && c->pending == PENDING_NONE;

	if (!incomplete) {
		c->since = 0;
		return;
	}
	if (c->since != 0)
		return;
	c->since = ev_now(shim->loop);
	if (!ev_is_active(&shim->message_timer))
		start_message_timer(shim, SHIM_MESSAGE_S);
}

static void input_changed(struct client *c)
{
	if (c->dead)
		return;
	handle_messages(c);
	if (c->dead)
		return;
	if (!c->in.len)
		buf_done(&c->in);
	else if (c->in.len >= c->in.max && !c->starved && !c->throttled &&
	         c->pending == PENDING_NONE)
		client_close(c); /* a message that can't be complete within the limit */
	if (!c->dead)
		watch_incomplete(c);
}

/* It will send no more, and has all answers. */
static void finish_calls(struct client *c)
{
	if (!c->dead && c->in_eof && c->mode == CLIENT_CALLS && c->pending == PENDING_NONE &&
	    !c->throttled)
		c->finishing = true;
}

/* One thing for each that waits, in turn, and again as long as there are tokens. */
static void on_call_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;
	bool served;

	(void)loop;
	(void)events;
	do {
		int first = shim->next_call;

		served = false;
		for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
			int slot = (first + i) % SHIM_CLIENTS_MAX;
			struct client *c = shim->clients[slot];

			if (!c || c->dead || !c->throttled)
				continue;
			c->throttled = false;
			shim->share = 1;
			input_changed(c);
			finish_calls(c);
			if (shim->share > 0)
				continue;
			served = true;
			shim->next_call = (slot + 1) % SHIM_CLIENTS_MAX;
		}
	} while (served);
	shim->share = -1;
}

/* The peer will send no more; has it gone altogether? */
static void input_ended(struct client *c)
{
	struct pollfd p = { .fd = c->fd };

	c->in_eof = true;
	c->since = 0;
	if (poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR))
		client_close(c);
	else
		finish_calls(c);
}

/* Descriptors wait for the message that they came with; more than that can use are closed. */
static void take_fds(struct client *c, struct msghdr *msg)
{
	int fd, slot = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; h->cmsg_len >= CMSG_LEN(at + sizeof(fd)); at += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(h) + at, sizeof(fd));
			while (slot < SHIM_CALL_FDS && c->fds[slot] >= 0)
				slot++;
			if (slot < SHIM_CALL_FDS && c->mode == CLIENT_CALLS)
				c->fds[slot] = fd;
			else
				fd_close(fd);
		}
	}
}

static ssize_t receive(struct client *c, void *data, size_t len)
{
	union {
		char bytes[CMSG_SPACE(SHIM_CALL_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_fds(c, &msg);
	return n;
}

static void read_input(struct client *c)
{
	char chunk[READ_CHUNK];
	size_t room = c->in.max - c->in.len;
	ssize_t n;

	n = receive(c, chunk, room < sizeof(chunk) ? room : sizeof(chunk));
	if (n > 0) {
		if (buf_add(&c->in, chunk, (size_t)n) < 0)
			client_close(c);
		else
			input_changed(c);
	} else if (n == 0) {
		input_ended(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		client_close(c);
	}
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct client *c = w->data;

	(void)loop;
	if (events & EV_WRITE)
		c->writable = true; /* the flush point goes on */
	if (events & EV_READ)
		read_input(c);
}

static void enter(struct shim *shim, struct client *c, int slot)
{
	c->shim = shim;
	c->in.max = VARLINK_MESSAGE_MAX;
	c->out.max = SHIM_OUT_MAX;
	for (int i = 0; i < SHIM_CALL_FDS; i++)
		c->fds[i] = FD_INVALID;
	ev_io_init(&c->io, on_io, c->fd, EV_READ);
	c->io.data = c;
	shim->clients[slot] = c;
	shim->n_clients++;
}

struct client *client_new(struct shim *shim, int fd)
{
	struct client *c;
	int slot = 0;

	while (slot < SHIM_CLIENTS_MAX && shim->clients[slot])
		slot++;
	c = slot < SHIM_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	c->fd = fd;
	c->writable = true;
	c->order = ++shim->arrivals;
	enter(shim, c, slot);
	return c;
}

void client_resume(struct shim *shim, struct client *c, int slot)
{
	enter(shim, c, slot);
	shim->n_attached += c->mode == CLIENT_ATTACHED;
}

void client_resumed_all(struct shim *shim)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];

		if (!c || c->dead)
			continue;
		/* What has been received is looked at once; it may have been throttled there. */
		if (c->in.len && !c->starved && c->pending == PENDING_NONE) {
			c->throttled = true;
			start_call_timer(shim);
		}
		/* The timer finds out for itself how long it has to wait for the next. */
		if (c->since != 0 && !ev_is_active(&shim->message_timer))
			start_message_timer(shim, 0.01);
	}
}

/* Send what is queued. true: all of it is gone. */
bool client_send_queued(struct client *c)
{
	while (c->writable && c->out_off < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + c->out_off, c->out.len - c->out_off,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			c->out_off += (size_t)n;
		else if (errno == EAGAIN)
			c->writable = false;
		else if (errno != EINTR) {
			client_close(c);
			return false;
		}
	}
	if (c->out_off < c->out.len)
		return false;
	buf_done(&c->out);
	c->out_off = 0;
	return true;
}

static void flush_one(struct client *c)
{
	while (!c->dead && c->mode == CLIENT_CALLS && c->pending != PENDING_NONE) {
		answer_pending(c);
		if (c->dead || c->pending != PENDING_NONE)
			break;
		input_changed(c); /* the calls behind it, which may have their answers too */
		finish_calls(c);
	}
	if (c->dead)
		return;
	if (client_send_queued(c) && c->mode == CLIENT_ATTACHED)
		attach_output(c);
	if (c->dead)
		return;
	if (c->finishing && c->out_off >= c->out.len)
		client_close(c);
	else
		update_watcher(c);
}

void client_flush_all(struct shim *shim)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		if (shim->clients[i] && !shim->clients[i]->dead)
			flush_one(shim->clients[i]);
}

bool client_all_sent(const struct shim *shim)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		const struct client *c = shim->clients[i];

		if (c && !c->dead && (c->out.len || c->mode == CLIENT_ATTACHED))
			return false;
	}
	return true;
}

void client_reap(struct shim *shim)
{
	bool freed = false;
	int left = 0;

	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];

		left += c && !c->dead;
		if (!c || !c->dead)
			continue;
		buf_done(&c->in);
		buf_done(&c->out);
		free(c);
		shim->clients[i] = NULL;
		freed = true;
	}
	if (freed && left == 0)
		trim_later(shim);
}

void client_input_ready(struct shim *shim)
{
	struct client *first = shim->mid_frame;

	if (first) {
		first->starved = false;
		input_changed(first);
	}
	/* Start behind the one that was served last, so that a busy one does not lock out the rest.
	 */
	for (int i = 0; i < SHIM_CLIENTS_MAX && !shim->session.stdin_blocked; i++) {
		int slot = (shim->next_input + i) % SHIM_CLIENTS_MAX;
		struct client *c = shim->clients[slot];

		if (!c || c->dead || !c->starved || shim->mid_frame)
			continue;
		c->starved = false;
		input_changed(c);
		if (c->starved)
			shim->next_input = (slot + 1) % SHIM_CLIENTS_MAX;
	}
}

/* Close connections whose peer is gone but could not be noticed, since nothing is read from them.
 */
void client_sweep(struct shim *shim)
{
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];
		struct pollfd p = { .fd = c && !c->dead ? c->fd : -1 };

		if (p.fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR))
			client_close(c);
	}
}

/* The connection that has been idle between calls for the longest time. */
struct client *client_idlest(struct shim *shim)
{
	struct client *found = NULL;

	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];

		if (c && !c->dead && c->mode == CLIENT_CALLS && c->pending == PENDING_NONE &&
		    !c->out.len && (!found || c->order < found->order))
			found = c;
	}
	return found;
}
