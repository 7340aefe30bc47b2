/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attached clients: frames out of the rings, frames into stdin.
 *
 * Output. A client has one offset per stream and nothing queued but the rest of a frame that was
 * sent in part. Should the ring overtake it, it gets a GAP frame with the number of bytes. A client
 * that keeps up on the whole is waited for: reading pauses while the next read would cost it bytes,
 * until its patience (SHIM_PATIENCE_S in all, slowly regained) is used up. Then it is "slow" and
 * gets gaps until it has caught up. So a client that does not read costs the process one short
 * pause.
 *
 * Input. Frames stay in the client's buffer until stdin takes them; one that is half written goes
 * first, so that frames of several clients do not mix.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/shim.h"

/* A read shorter than this is not worth its system call: wait for room instead. */
#define ROOM_MIN 4096

void attach_begin(struct client *c)
{
	struct shim *shim = c->shim;

	c->mode = CLIENT_ATTACHED;
	c->in.max = FRAME_HEADER + FRAME_PAYLOAD;
	c->patience = SHIM_PATIENCE_S;
	c->refilled = ev_now(shim->loop);
	c->order = ++shim->arrivals;
	shim->n_attached++;
	if (c->writer && !shim->once_owner && shim->session.conf.stdin_mode == SHIM_STDIN_ONCE)
		shim->once_owner = c;
}

static void input_finished(struct client *c)
{
	if (c->shim->once_owner == c)
		(void)stdio_close_stdin(c->shim);
}

void attach_gone(struct client *c)
{
	struct shim *shim = c->shim;

	shim->n_attached--;
	input_finished(c);
	if (shim->once_owner == c)
		shim->once_owner = NULL; /* there is no stdin any more, and soon no client */
	if (shim->mid_frame == c)
		shim->mid_frame = NULL;
	size_gone(c);
	client_input_ready(shim);
}

/* Hand the rest of a DATA frame to stdin. false: it has to wait. */
static bool write_frame(struct client *c, const struct frame *f)
{
	struct shim *shim = c->shim;

	if (!c->writer)
		return true;
	if (shim->mid_frame && shim->mid_frame != c) {
		c->starved = true;
		return false;
	}
	while (c->frame_off < f->len) {
		ssize_t n = stdio_write(shim, f->payload + c->frame_off, f->len - c->frame_off);

		if (n < 0)
			break; /* nobody reads it any more */
		if (n == 0) {
			if (c->frame_off)
				shim->mid_frame = c;
			c->starved = true;
			return false;
		}
		c->frame_off += (size_t)n;
	}
	c->frame_off = 0;
	shim->mid_frame = NULL;
	return true;
}

/* false: stop here (waits, or closed). */
static bool handle_frame(struct client *c, const struct frame *f)
{
	uint16_t rows, cols;

	/* Data is held up by who reads it. */
	if (f->type != FRAME_DATA && f->type != FRAME_DETACH && !client_may_ask(c))
		return false;
	switch (f->type) {
	case FRAME_DATA:
		if (f->stream != STREAM_STDIN)
			break;
		return write_frame(c, f);
	case FRAME_EOF:
		if (f->stream != STREAM_STDIN)
			break;
		input_finished(c);
		if (c->writer && c->ends_stdin)
			(void)stdio_close_stdin(c->shim);
		return true;
	case FRAME_RESIZE:
		frame_resize_size(f, &rows, &cols);
		size_say(c, rows, cols, false);
		return true;
	case FRAME_DETACH:
		c->finishing = true;
		return false;
	default:
		break;
	}
	client_close(c);
	return false;
}

void attach_input(struct client *c)
{
	size_t used = 0;
	ssize_t n = 0;

	while (!c->dead && !c->finishing && used < c->in.len) {
		struct frame f;

		n = frame_parse((const uint8_t *)c->in.data + used, c->in.len - used, &f);
		if (n <= 0 || !handle_frame(c, &f))
			break;
		used += (size_t)n;
	}
	if (c->dead)
		return;
	if (n < 0)
		client_close(c);
	else
		buf_consume(&c->in, used);
}

/* Send header and payload; what the socket does not take is queued. false: stop sending. */
static bool send_frame(struct client *c, const uint8_t *head, size_t head_len, struct iovec *data,
                       int n_data)
{
	struct iovec iov[3] = { { (void *)head, head_len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 + (size_t)n_data };
	ssize_t n;

	for (int i = 0; i < n_data; i++)
		iov[1 + i] = data[i];
	do
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN) {
		client_close(c);
		return false;
	}
	if (n < 0) {
		c->writable = false;
		n = 0;
	}
	for (size_t i = 0; i < msg.msg_iovlen; i++) {
		size_t skip = (size_t)n < iov[i].iov_len ? (size_t)n : iov[i].iov_len;

		n -= (ssize_t)skip;
		if (skip == iov[i].iov_len)
			continue;
		if (buf_add(&c->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip) < 0) {
			client_close(c);
			return false;
		}
	}
	return c->writable && !c->out.len;
}

/* One step of stream i: a gap, some data, or its end. 1: sent, 0: nothing to send, -1: stop. */
static int send_stream(struct client *c, int i)
{
	struct source *src = &c->shim->session.out[i];
	uint8_t head[FRAME_GAP_SIZE];
	struct iovec iov[2];
	size_t len = 0;
	int n;

	if (c->cursor[i] < ring_tail(&src->ring)) {
		frame_gap(head, src->stream, ring_tail(&src->ring) - c->cursor[i]);
		c->cursor[i] = ring_tail(&src->ring);
		return send_frame(c, head, FRAME_GAP_SIZE, NULL, 0) ? 1 : -1;
	}
	if (c->cursor[i] < src->ring.head) {
		n = ring_peek(&src->ring, c->cursor[i], FRAME_PAYLOAD, iov);
		for (int k = 0; k < n; k++)
			len += iov[k].iov_len;
		frame_header(head, FRAME_DATA, src->stream, len);
		c->cursor[i] += len;
		return send_frame(c, head, FRAME_HEADER, iov, n) ? 1 : -1;
	}
	if (!src->open && src->ring.size && !c->eof_told[i]) {
		c->eof_told[i] = true;
		frame_header(head, FRAME_EOF, src->stream, 0);
		return send_frame(c, head, FRAME_HEADER, NULL, 0) ? 1 : -1;
	}
	return 0;
}

void attach_output(struct client *c)
{
	struct session *s = &c->shim->session;
	uint8_t head[FRAME_EXIT_SIZE];
	int a, b;

	if (!c->writable || c->finishing)
		return;
	do {
		a = send_stream(c, 0);
		b = a < 0 ? a : send_stream(c, 1);
		if (b < 0)
			return;
	} while (a || b);
	if (s->published && !c->exit_told) {
		c->exit_told = true;
		frame_exit(head, &s->exit);
		if (!send_frame(c, head, FRAME_EXIT_SIZE, NULL, 0) && c->dead)
			return;
	}
	if (c->exit_told && s->released)
		c->finishing = true;
}

/* Bytes that source i may take before the client's next byte is overwritten. */
static uint64_t room_for(const struct client *c, int i)
{
	const struct ring *ring = &c->shim->session.out[i].ring;

	return c->cursor[i] + ring->size > ring->head ? c->cursor[i] + ring->size - ring->head : 0;
}

static bool counts(const struct client *c)
{
	return c && !c->dead && c->mode == CLIENT_ATTACHED && !c->slow && !c->finishing;
}

size_t attach_room(struct shim *shim, int i, size_t want)
{
	if (!shim->n_attached)
		return want;
	for (int k = 0; k < SHIM_CLIENTS_MAX; k++) {
		struct client *c = shim->clients[k];
		uint64_t room;

		if (!counts(c))
			continue;
		room = room_for(c, i);
		if (room < ROOM_MIN)
			return 0;
		if (room < want)
			want = (size_t)room;
	}
	return want;
}

static bool holds_up(const struct client *c)
{
	const struct session *s = &c->shim->session;

	for (int i = 0; i < 2; i++)
		if (s->out[i].open && room_for(c, i) < ROOM_MIN)
			return true;
	return false;
}

static bool caught_up(const struct client *c)
{
	return c->cursor[0] == c->shim->session.out[0].ring.head &&
	       c->cursor[1] == c->shim->session.out[1].ring.head;
}

/* Charge the client for the time that it has held things up; then give some back. */
static void account(struct client *c, ev_tstamp now)
{
	if (c->stalled != 0)
		c->patience -= now - c->stalled;
	c->stalled = 0;
	c->patience += (now - c->refilled) * SHIM_PATIENCE_REFILL;
	c->refilled = now;
	if (c->patience > SHIM_PATIENCE_S)
		c->patience = SHIM_PATIENCE_S;
	if (c->patience <= 0)
		c->slow = true;
	else if (c->slow && caught_up(c))
		c->slow = false;
}

void attach_patience(struct shim *shim)
{
	ev_timer *t = &shim->session.patience_timer;
	double least = SHIM_PATIENCE_S;
	bool stalled = false;
	ev_tstamp now;

	ev_timer_stop(shim->loop, t);
	if (!shim->n_attached || stdio_ended(&shim->session))
		return;
	ev_now_update(shim->loop);
	now = ev_now(shim->loop);
	for (int k = 0; k < SHIM_CLIENTS_MAX; k++) {
		struct client *c = shim->clients[k];

		if (!c || c->dead || c->mode != CLIENT_ATTACHED)
			continue;
		account(c, now);
		if (!counts(c) || !holds_up(c))
			continue;
		c->stalled = now;
		stalled = true;
		if (c->patience < least)
			least = c->patience;
	}
	if (!stalled)
		return;
	ev_timer_set(t, least, 0.);
	ev_timer_start(shim->loop, t);
}
