/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of a shim that has served, to and from text: see resume.h. To add a field to the hand-over
 * is to add a row here; names must stay when C identifiers change.
 *
 * Reading trusts nothing that could make the loop read or write out of bounds: offsets and lengths
 * are checked against rings and limits.
 */
#include "shim/resume.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/* ---- the tables */

#define R(name, field, kind, lo, hi, ...) \
	MEMBER(name, struct shim, field, kind, lo, hi, __VA_ARGS__)
#define FLAG(name, field)  R(name, field, K_BOOL, 0, 1)
#define COUNT(name, field) R(name, field, K_U64, 0, 0)
#define FD(name, field)    R(name, field, K_FD, 0, 0)

#define STREAM(name, i)                                                                         \
	FLAG(name "_open", session.out[i].open), FLAG(name "_emptied", session.out[i].emptied), \
	    R(name "_size", session.out[i].ring.size, K_SIZE, 0, 64 * 1024 * 1024),             \
	    COUNT(name "_head", session.out[i].ring.head),                                      \
	    COUNT(name "_origin", session.out[i].ring.origin),                                  \
	    COUNT(name "_logged", session.out[i].logged.offset),                                \
	    COUNT(name "_part_head", session.out[i].part_head)

static const struct member shim_rows[] = {
	COUNT("arrivals", arrivals),
	R("next_input", next_input, K_INT, 0, SHIM_CLIENTS_MAX - 1),
	FD("dir_inotify", dir_inotify),
	FD("fdinfo_fd", fdinfo_fd),
	R("depth", depth, K_INT, 0, INT_MAX),
	FLAG("orphaned", orphaned),
	FLAG("shutdown", shutdown),
	FLAG("ending", ending),
	R("lock_level", lock_level, K_INT, LOCK_OLDEST, INT_MAX),

	R("status", session.status, K_INT, SESSION_CREATED, SESSION_EXITED),
	FD("slave_fd", session.slave_fd),
	FLAG("stdin_blocked", session.stdin_blocked),
	STREAM("stdout", 0),
	STREAM("stderr", 1),

	FLAG("log", session.has_log),
	FD("log_dir_fd", session.log.dir_fd),
	FD("log_fd", session.log.fd),
	COUNT("log_size", session.log.size),
	COUNT("log_written", session.log.written),
	COUNT("log_lost", session.log.lost),
	COUNT("log_lost_total", session.log.lost_total),
	R("log_error", session.log.error, K_INT, INT_MIN, 0),
	R("log_retry_ns", session.log.retry_ns, K_I64, 0, INT64_MAX),
	R("log_last_ns", session.log.last_ns, K_I64, 0, INT64_MAX),
	R("must-log_way", session.log.way, K_INT, LOG_TO_FILE, LOG_TO_JOURNAL),
	FD("log_out_fd", session.log.out_fd),
	FD("log_helper_pidfd", session.log.helper_pidfd),
	R("log_helper_version", session.log.helper_version, K_INT, 0, LOG_HELPER_VERSION),
	COUNT("log_handed", session.log.handed),
	COUNT("log_handled", session.log.handled),
	COUNT("log_helper_lost", session.log.helper_lost),

	FLAG("reaped", session.reaped),
	FLAG("published", session.published),
	FLAG("record_failed", session.record_failed),
	FLAG("released", session.released),
	FLAG("exit_known", session.exit.known),
	R("exit_code", session.exit.code, K_INT, -1, 255),
	R("exit_signal", session.exit.signal, K_INT, 0, 127),
	FLAG("exit_core", session.exit.core),
	FLAG("exit_oom", session.exit.oom),
	R("exit_started_ns", session.exit.started_ns, K_I64, 0, INT64_MAX),
	R("exit_ns", session.exit.exited_ns, K_I64, 0, INT64_MAX),
	FLAG("ended", session.ended),
	R("seen_ended_ns", session.ended_ns, K_I64, 0, INT64_MAX),

	FD("oom_epfd", session.oom_epfd),
	COUNT("oom_base", session.oom_base),
	FLAG("oom", session.oom),
	FD("freeze_epfd", session.freeze_epfd),
	FD("helper_fd", session.helper_fd),
	FLAG("frozen", session.frozen),
#ifdef SHIM_TEST_LAYOUT
	R("test_layout", test_number, K_INT, 0, INT_MAX),
#endif
#ifdef SHIM_TEST_MUST
	R("must-test", test_number, K_INT, 0, INT_MAX, .since = SHIM_TEST_MUST),
#endif
};

#define SECONDS(name, type, field) MEMBER(name, type, field, K_SECONDS, INT64_MIN, INT64_MAX)
#define W(name, field, kind)       MEMBER(name, struct resume, field, kind, 0, 1)

static const struct member resume_rows[] = {
	W("data_fd", data_fd, K_FD),
	W("stdout_at", ring_at[0], K_U64),
	W("stderr_at", ring_at[1], K_U64),
	SECONDS("drain_left", struct resume, drain),
	SECONDS("part_left", struct resume, part),
	SECONDS("reopen_left", struct resume, reopen),
	SECONDS("redraw_left", struct resume, redraw),
	W("accept_waits", accept_waits, K_BOOL),
};

#define C(name, field, kind, lo, hi, ...) \
	MEMBER(name, struct client, field, kind, lo, hi, __VA_ARGS__)
#define CFLAG(name, field)  C(name, field, K_BOOL, 0, 1)
#define CCOUNT(name, field) C(name, field, K_U64, 0, 0)

static const struct member client_rows[] = {
	C("fd", fd, K_FD, 0, 0, .required = true),
	C("mode", mode, K_INT, CLIENT_CALLS, CLIENT_ATTACHED),
	CFLAG("gone", gone),
	CFLAG("in_eof", in_eof),
	CFLAG("finishing", finishing),
	CCOUNT("order", order),
	CFLAG("writable", writable),
	SECONDS("since", struct client, since),

	C("pending", pending, K_INT, PENDING_NONE, PENDING_MAX),
	CFLAG("more", more),
	CFLAG("oneway", oneway),
	CFLAG("state_told", state_told),
	CFLAG("missed", missed),
	CCOUNT("sequence", sequence),

	CFLAG("writer", writer),
	CFLAG("readonly", readonly),
	CFLAG("ends_stdin", ends_stdin),
	CFLAG("starved", starved),
	C("frame_off", frame_off, K_SIZE, 0, FRAME_PAYLOAD),
	CCOUNT("stdout_next", cursor[0]),
	CCOUNT("stderr_next", cursor[1]),
	CFLAG("stdout_eof_told", eof_told[0]),
	CFLAG("stderr_eof_told", eof_told[1]),
	CFLAG("exit_told", exit_told),
	C("rows", rows, K_U16, 0, UINT16_MAX),
	C("cols", cols, K_U16, 0, UINT16_MAX),
	CFLAG("slow", slow),
	SECONDS("patience", struct client, patience),
	SECONDS("refilled", struct client, refilled),
	SECONDS("stalled", struct client, stalled),
};

/* Of a client, beside its fields. */
struct client_extra {
	int slot;
	uint64_t in_at, in_len, out_at, out_len;
	bool once_owner, mid_frame;
};

#define X(name, field, kind, hi) MEMBER(name, struct client_extra, field, kind, 0, hi)

static const struct member extra_rows[] = {
	X("slot", slot, K_INT, SHIM_CLIENTS_MAX - 1),
	X("in_at", in_at, K_I64, INT64_MAX),
	X("in_len", in_len, K_I64, VARLINK_MESSAGE_MAX),
	X("out_at", out_at, K_I64, INT64_MAX),
	X("out_len", out_len, K_I64, SHIM_OUT_MAX),
	X("once_owner", once_owner, K_BOOL, 1),
	X("mid_frame", mid_frame, K_BOOL, 1),
};

#define ROWS(table) (table), ARRAY_SIZE(table)

_Static_assert(sizeof(enum session_status) == sizeof(int) &&
                   sizeof(enum client_mode) == sizeof(int) &&
                   sizeof(enum client_pending) == sizeof(int),
               "enums are handled as int");
_Static_assert(sizeof(ev_tstamp) == sizeof(double), "times are handled as double");

/* ---- writing */

struct writer {
	struct buf text;
	int version, data_fd;
	uint64_t at; /* bytes of data so far */
};

static int put_data(struct writer *w, const void *data, size_t len, uint64_t *ret_at)
{
	*ret_at = w->at;
	w->at += len;
	return fd_write_all(w->data_fd, data, len);
}

static int put_ring(struct writer *w, const struct ring *ring, uint64_t *ret_at)
{
	struct iovec iov[2];
	uint64_t at;
	int r = 0, n;

	*ret_at = w->at;
	if (!ring->size)
		return 0;
	n = ring_peek(ring, ring_tail(ring), ring->size, iov);
	for (int i = 0; i < n && r >= 0; i++)
		r = put_data(w, iov[i].iov_base, iov[i].iov_len, &at);
	return r;
}

static int put_client(struct writer *w, const struct client *c, int slot)
{
	struct client_extra x = {
		.slot = slot,
		.in_len = c->in.len,
		.out_len = c->out.len - c->out_off,
		.once_owner = c->shim->once_owner == c,
		.mid_frame = c->shim->mid_frame == c,
	};
	bool first = true;
	int r = put_data(w, c->in.data, c->in.len, &x.in_at);

	if (r >= 0 && x.out_len)
		r = put_data(w, c->out.data + c->out_off, x.out_len, &x.out_at);
	if (r >= 0)
		r = members_write(&w->text, ROWS(client_rows), c, w->version, &first);
	return r < 0 ? r : members_write(&w->text, ROWS(extra_rows), &x, w->version, &first);
}

static int put_clients(struct writer *w, const struct shim *shim)
{
	bool first = true;
	int r = buf_puts(&w->text, ",\n\"clients\":[");

	for (int i = 0; i < SHIM_CLIENTS_MAX && r >= 0; i++) {
		const struct client *c = shim->clients[i];

		if (!c || c->dead)
			continue;
		r = buf_puts(&w->text, first ? "{" : "},\n{");
		first = false;
		if (r >= 0)
			r = put_client(w, c, i);
	}
	return r < 0 ? r : buf_puts(&w->text, first ? "]" : "}]");
}

/* The object's members; its braces are the caller's. */
static int put_resume(struct writer *w, const struct shim *shim)
{
	const struct session *s = &shim->session;
	struct resume resume = {
		.data_fd = w->data_fd,
		.drain = loop_timer_left(shim, &s->drain_timer),
		.part = loop_timer_left(shim, &s->part_timer),
		.reopen = loop_timer_left(shim, &s->reopen_timer),
		.redraw = loop_timer_left(shim, &s->redraw_timer),
		.accept_waits = ev_is_active(&shim->accept_timer),
	};
	bool first = true;
	int r = 0;

	for (int i = 0; i < 2 && r >= 0; i++)
		r = put_ring(w, &s->out[i].ring, &resume.ring_at[i]);
	if (r >= 0)
		r = members_write(&w->text, ROWS(resume_rows), &resume, w->version, &first);
	if (r >= 0)
		r = members_write(&w->text, ROWS(shim_rows), shim, w->version, &first);
	return r < 0 ? r : put_clients(w, shim);
}

/* What was handed over to us, less what has been closed since. */
static struct shim_handover current_conf(const struct shim *shim)
{
	const struct session *s = &shim->session;
	struct shim_handover h = s->conf;

	h.rows = s->rows;
	h.cols = s->cols;
	h.started_ns = s->started_ns;
	if (!h.terminal) {
		h.stdout_fd = s->out[0].open ? s->out[0].fd : FD_INVALID;
		h.stderr_fd = s->out[1].open ? s->out[1].fd : FD_INVALID;
	}
	return h;
}

int resume_write(const struct shim *shim, int version, int text_fd, int data_fd)
{
	struct writer w = { .text = BUF_INIT(HANDOVER_MAX),
		            .version = version,
		            .data_fd = data_fd };
	struct buf events = BUF_INIT(HANDOVER_MAX);
	struct shim_handover h = current_conf(shim);
	int r = history_write(&shim->session.history, &events);

	h.version = version;
	h.events = events.data;
	if (r >= 0)
		r = handover_put(&w.text, &h);
	if (r >= 0)
		r = buf_puts(&w.text, ",\n\"resume\":{");
	if (r >= 0)
		r = put_resume(&w, shim);
	if (r >= 0)
		r = buf_puts(&w.text, "}}\n");
	if (r >= 0)
		r = fd_write_all(text_fd, w.text.data, w.text.len);
	buf_done(&w.text);
	buf_done(&events);
	return r < 0 ? r : 0;
}

int resume_each_fd(const struct shim *shim, int (*fn)(int fd, void *arg), void *arg)
{
	struct shim_handover h = current_conf(shim);
	int r = handover_each_fd(&h, fn, arg);

	if (r >= 0)
		r = members_each_fd(ROWS(shim_rows), shim, fn, arg);
	for (int i = 0; i < SHIM_CLIENTS_MAX && r >= 0; i++)
		if (shim->clients[i] && !shim->clients[i]->dead)
			r = members_each_fd(ROWS(client_rows), shim->clients[i], fn, arg);
	return r;
}

/* ---- reading */

static int get_data(int fd, void *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pread(fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		data = (char *)data + n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int get_buf(int fd, struct buf *b, uint64_t len, uint64_t at)
{
	char chunk[4096];
	int r = 0;

	while (len && r >= 0) {
		size_t n = len < sizeof(chunk) ? (size_t)len : sizeof(chunk);

		r = get_data(fd, chunk, n, at);
		if (r >= 0)
			r = buf_add(b, chunk, n);
		len -= n;
		at += n;
	}
	return r;
}

static int get_ring(int fd, struct source *src, uint64_t at, const char *name, struct err *err)
{
	uint64_t head = src->ring.head, origin = src->ring.origin, from;
	size_t size = src->ring.size;
	struct iovec iov[2];
	int r, n;

	if (!size) {
		if (src->open || head)
			return err_text(err, -EINVAL, "hand-over: %s_size is missing", name);
		return 0;
	}
	if (src->logged.offset > head || src->part_head > head || origin > head)
		return err_text(err, -EINVAL, "hand-over: %s_head is before what was logged", name);
	r = ring_init(&src->ring, size);
	if (r < 0)
		return err_set(err, r, "make the buffer of %s", name);
	if (src->ring.size != size)
		return err_text(err, -EINVAL, "hand-over: %s_size is not whole pages", name);
	src->ring.head = head;
	src->ring.origin = origin;
	from = ring_tail(&src->ring);
	n = ring_peek(&src->ring, from, size, iov);
	for (int i = 0; i < n && r >= 0; i++) {
		r = get_data(fd, iov[i].iov_base, iov[i].iov_len, at);
		at += iov[i].iov_len;
	}
	return r < 0 ? err_set(err, r, "hand-over: read the bytes of %s", name) : 0;
}

static int check_client(const struct client *c, const struct shim *shim,
                        const struct client_extra *x, struct err *err)
{
	if (shim->clients[x->slot])
		return err_text(err, -EINVAL, "hand-over: two clients in slot %d", x->slot);
	for (int i = 0; i < 2; i++)
		if (c->cursor[i] > shim->session.out[i].ring.head)
			return err_text(err, -EINVAL, "hand-over: %s_next is beyond its head",
			                i ? "stderr" : "stdout");
	if (c->mode == CLIENT_ATTACHED && c->pending != PENDING_NONE)
		return err_text(err, -EINVAL, "hand-over: pending while attached");
	return 0;
}

static int get_client(const cJSON *j, int data_fd, struct claims *claims, struct shim *shim,
                      struct err *err)
{
	struct client_extra x = { .slot = 0 };
	struct client *c;
	int r;

	c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(err, -ENOMEM, "hand-over: clients");
	r = members_check_known(j, ROWS(client_rows), ROWS(extra_rows), err);
	if (r >= 0)
		r = members_read(j, ROWS(client_rows), c, claims, NULL, err);
	if (r >= 0)
		r = members_read(j, ROWS(extra_rows), &x, claims, NULL, err);
	if (r >= 0)
		r = check_client(c, shim, &x, err);
	if (r < 0) {
		free(c);
		return r;
	}
	client_resume(shim, c, x.slot);
	if (x.once_owner)
		shim->once_owner = c;
	if (x.mid_frame)
		shim->mid_frame = c;
	r = get_buf(data_fd, &c->in, x.in_len, x.in_at);
	if (r >= 0)
		r = get_buf(data_fd, &c->out, x.out_len, x.out_at);
	/* Frames behind a call are more than those alone may be. */
	c->in.max = c->mode == CLIENT_ATTACHED ? FRAME_HEADER + FRAME_PAYLOAD : c->in.max;
	return r < 0 ? err_set(err, r, "hand-over: bytes of a client") : 0;
}

static void blank_fds(const struct member *rows, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == K_FD)
			*(int *)((char *)base + rows[i].offset) = FD_INVALID;
}

int resume_read(const cJSON *object, int data_fd, struct claims *claims, struct shim *shim,
                struct resume *ret, struct err *err)
{
	const cJSON *clients = json_get(object, "clients"), *j;
	struct session *s = &shim->session;
	int r;

	*ret = (struct resume){ .data_fd = FD_INVALID };
	blank_fds(ROWS(shim_rows), shim);
	r = members_check_known(object, ROWS(shim_rows), ROWS(resume_rows), err);
	if (r >= 0)
		r = members_read(object, ROWS(resume_rows), ret, claims, NULL, err);
	if (r >= 0)
		r = members_read(object, ROWS(shim_rows), shim, claims, NULL, err);
	if (data_fd < 0)
		data_fd = ret->data_fd;
	for (int i = 0; i < 2 && r >= 0; i++)
		r = get_ring(data_fd, &s->out[i], ret->ring_at[i], i ? "stderr" : "stdout", err);
	if (r >= 0 && clients && !cJSON_IsArray(clients))
		r = err_text(err, -EINVAL, "hand-over: clients is not an array");
	if (r < 0)
		return r;
	cJSON_ArrayForEach (j, clients) {
		r = get_client(j, data_fd, claims, shim, err);
		if (r < 0)
			return r;
	}
	return 0;
}
