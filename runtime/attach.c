/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attached client: one poll loop over the connection, our input, our outputs, and signals (read
 * from a signalfd, so that nothing happens between a signal and the restored terminal). Nothing
 * here blocks but poll: a pipe nobody reads must not keep us from seeing the detach keys or
 * SIGTERM.
 */
#include "runtime/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/detach_keys.h"
#include "runtime/replay_filter.h"
#include "runtime/term_modes.h"
#include "runtime/tty.h"
#include "shim/wire/client.h"
#include "shim/wire/exit_record.h"
#include "shim/wire/frame.h"

#define CHUNK     4096 /* PIPE_BUF: what a pipe that polls writable takes without blocking */
#define BUFFER_IN (FRAME_HEADER + FRAME_PAYLOAD)
#define QUEUE_MAX (64 * 1024)

static const int leaving[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT };
/* Ours in any case: PIPE is seen as an error of write(), a stop would only fill buffers. */
static const int own[] = { SIGHUP, SIGWINCH, SIGPIPE, SIGTSTP };
/* Not even looked at. */
static const int left_alone[] = { SIGCHLD, SIGURG,  SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
	                          SIGTRAP, SIGABRT, SIGSYS,  SIGTTIN, SIGTTOU, SIGCONT };

struct attach {
	const struct attach_opts *opts;
	struct attach_result *result;
	struct shim_client conn;
	struct tty tty;
	int signal_fd;
	sigset_t old_mask;
	bool forward; /* signals go to the process */
	struct detach_keys keys;
	int64_t held_until;             /* keys that are held back are input then */
	bool input_open;                /* we still read our stdin */
	bool output_broken[STREAM_MAX]; /* nobody reads our output: drop it */
	struct buf out;                 /* frames for the shim */
	/* the DATA frame that is being written out */
	enum frame_stream stream;
	const char *data; /* in conn.in, or filtered */
	size_t data_len;
	size_t frame_len; /* bytes of conn.in that go with it */
	/* what was written before we came, where our output is a terminal: bytes that are left */
	uint64_t replay_left[STREAM_MAX];
	struct replay_filter filter[STREAM_MAX];
	char filtered[FRAME_PAYLOAD + 2 * REPLAY_HELD_MAX];
	struct term_modes modes; /* what the process has made of our terminal */
	struct exit_record exit;
	bool exited, done, lost;
};

enum { POLL_CONN, POLL_SIGNAL, POLL_INPUT, POLL_OUTPUT, POLL_STDOUT, POLL_MAX };

static int put_frame(struct attach *a, enum frame_type type, const void *data, size_t len)
{
	uint8_t head[FRAME_HEADER];
	int r;

	frame_header(head, type, STREAM_STDIN, len);
	r = buf_add(&a->out, head, sizeof(head));
	return r < 0 ? r : buf_add(&a->out, data, len);
}

static void put_input(struct attach *a, const uint8_t *data, size_t len)
{
	if (len)
		(void)put_frame(a, FRAME_DATA, data, len);
}

static void leave(struct attach *a, int sig)
{
	a->result->detached = true;
	a->result->signal = sig;
	a->done = true;
	(void)put_frame(a, FRAME_DETACH, "", 0);
	(void)send(a->conn.fd, a->out.data, a->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A line of our own among the output. */
static void notice(struct attach *a, const char *text)
{
	const char *end = a->tty.fd >= 0 ? "\r\n" : "\n";

	dprintf(STDERR_FILENO, "%sberth: %s%s", a->tty.fd >= 0 ? end : "", text, end);
}

static bool has_signal(const int *list, size_t n, int sig)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == sig)
			return true;
	return false;
}

static void on_signal(struct attach *a)
{
	struct signalfd_siginfo si;
	uint8_t frame[FRAME_RESIZE_SIZE];
	uint16_t rows, cols;
	char params[32];

	if (read(a->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH) {
		if (tty_size(STDIN_FILENO, &rows, &cols))
			(void)buf_add(&a->out, frame, frame_resize(frame, rows, cols));
	} else if (a->forward && !has_signal(own, ARRAY_SIZE(own), (int)si.ssi_signo)) {
		snprintf(params, sizeof(params), "{\"signal\":%u}", si.ssi_signo);
		(void)shim_call(a->opts->session_fd, "Signal", params, NULL, NULL);
	} else if (has_signal(leaving, ARRAY_SIZE(leaving), (int)si.ssi_signo)) {
		leave(a, (int)si.ssi_signo);
	}
}

static void on_input(struct attach *a)
{
	uint8_t in[CHUNK], out[CHUNK + DETACH_KEYS_MAX];
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	bool detach = false;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		a->input_open = false;
		put_input(a, out, detach_keys_flush(&a->keys, out));
		/* A terminal that is gone is no end of input: it takes us with it. */
		if (a->tty.fd >= 0)
			leave(a, SIGHUP);
		else
			(void)put_frame(a, FRAME_EOF, "", 0);
		return;
	}
	put_input(a, out, detach_keys_feed(&a->keys, in, (size_t)n, out, &detach));
	a->held_until = clock_ms() + DETACH_KEYS_MS;
	if (detach)
		leave(a, 0);
}

/* Milliseconds until keys that are held back have to go; -1: there are none. */
static int held_for(const struct attach *a)
{
	int64_t left = a->held_until - clock_ms();

	if (!a->keys.matched)
		return -1;
	return left > 0 ? (int)left : 0;
}

static void let_go_of_held(struct attach *a)
{
	uint8_t held[DETACH_KEYS_MAX];

	put_input(a, held, detach_keys_flush(&a->keys, held));
}

/* Nobody is asked again what the replay asks: its end is where bytes pass as they are. */
static void take_data(struct attach *a, const struct frame *f)
{
	uint64_t *left = &a->replay_left[f->stream];
	struct replay_filter *filter = &a->filter[f->stream];
	const char *data = (const char *)f->payload;
	size_t old = f->len < *left ? f->len : (size_t)*left, n;

	a->stream = f->stream;
	a->data = data;
	a->data_len = f->len;
	if (!old)
		return;
	n = replay_filter(filter, data, old, a->filtered);
	*left -= old;
	if (!*left)
		n += replay_filter_end(filter, a->filtered + n);
	memcpy(a->filtered + n, data + old, f->len - old);
	a->data = a->filtered;
	a->data_len = n + f->len - old;
}

static void take_gap(struct attach *a, const struct frame *f)
{
	uint64_t lost = frame_gap_lost(f), *left = &a->replay_left[f->stream];

	*left -= lost < *left ? lost : *left;
}

/* One frame from the shim. Data stays in the buffer until our output has taken it. */
static int on_frame(struct attach *a, const struct frame *f)
{
	char text[96];

	switch (f->type) {
	case FRAME_DATA:
		if (f->stream == STREAM_STDIN)
			return -EBADMSG;
		take_data(a, f);
		return a->data_len > 0;
	case FRAME_GAP:
		take_gap(a, f);
		snprintf(text, sizeof(text), "%llu bytes of output were skipped",
		         (unsigned long long)frame_gap_lost(f));
		notice(a, text);
		return 0;
	case FRAME_EXIT:
		frame_exit_record(f, &a->exit);
		a->exited = true;
		return 0;
	case FRAME_EOF:
		return 0;
	default:
		return -EBADMSG;
	}
}

/* Handle what has been received, up to data that must be written first. */
static int handle_frames(struct attach *a)
{
	while (!a->data_len && a->conn.in.len) {
		struct frame f;
		ssize_t n = frame_parse((const uint8_t *)a->conn.in.data, a->conn.in.len, &f);
		int r;

		if (n <= 0)
			return (int)n;
		r = on_frame(a, &f);
		if (r < 0)
			return r;
		a->frame_len = (size_t)n;
		if (r == 0)
			buf_consume(&a->conn.in, (size_t)n);
		else if (a->output_broken[a->stream]) {
			a->data_len = 0;
			buf_consume(&a->conn.in, (size_t)n);
		}
	}
	return 0;
}

static void on_output(struct attach *a)
{
	int fd = a->stream == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	size_t len = a->data_len < CHUNK ? a->data_len : CHUNK;
	ssize_t n = write(fd, a->data, len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) {
		/* As a program of its own would: without a reader there is nothing to attach for.
		 */
		a->output_broken[a->stream] = true;
		n = (ssize_t)a->data_len;
		if (errno == EPIPE && a->stream == STREAM_STDOUT)
			leave(a, SIGPIPE);
	}
	if (a->tty.fd >= 0)
		term_modes_see(&a->modes, a->data, (size_t)n);
	a->data += n;
	a->data_len -= (size_t)n;
	if (!a->data_len)
		buf_consume(&a->conn.in, a->frame_len);
}

static void lost(struct attach *a)
{
	a->done = true;
	/* The shim may have ended without a word; its record may still tell. */
	if (!a->exited && exit_record_read_at(a->opts->session_fd, &a->exit) < 0)
		a->lost = true;
	a->result->known = a->exit.known;
	a->result->code = a->exit.code;
}

static int on_connection(struct attach *a, short revents)
{
	char chunk[BUFFER_IN];
	ssize_t n;

	if (revents & POLLOUT && a->out.len) {
		n = send(a->conn.fd, a->out.data, a->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			buf_consume(&a->out, (size_t)n);
	}
	if (!(revents & (POLLIN | POLLHUP | POLLERR)) || a->data_len)
		return 0;
	n = recv(a->conn.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n > 0)
		return buf_add(&a->conn.in, chunk, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		lost(a);
	return 0;
}

static int turn(struct attach *a)
{
	struct pollfd p[POLL_MAX] = {
		[POLL_CONN] = { .fd = a->conn.fd },
		[POLL_SIGNAL] = { .fd = a->signal_fd, .events = POLLIN },
		[POLL_INPUT] = { .fd = -1, .events = POLLIN },
		[POLL_OUTPUT] = { .fd = -1, .events = POLLOUT },
		/* Only for its error: a reader that has left, though nothing is to be written. */
		[POLL_STDOUT] = { .fd = STDOUT_FILENO },
	};
	int r;

	p[POLL_CONN].events = (short)((a->data_len ? 0 : POLLIN) | (a->out.len ? POLLOUT : 0));
	if (a->data_len && !a->out.len)
		p[POLL_CONN].fd = -1; /* a hang-up must not spin while we still write */
	if (a->input_open && a->out.len < QUEUE_MAX / 4)
		p[POLL_INPUT].fd = STDIN_FILENO;
	if (a->data_len)
		p[POLL_OUTPUT].fd = a->stream == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	r = poll(p, POLL_MAX, held_for(a));
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	/* Not when the next key is there already: it may only be us who are late. */
	if (held_for(a) == 0 && !p[POLL_INPUT].revents)
		let_go_of_held(a);
	if (p[POLL_SIGNAL].revents)
		on_signal(a);
	if (p[POLL_STDOUT].revents & (POLLERR | POLLHUP) && !a->done)
		leave(a, SIGPIPE);
	if (p[POLL_INPUT].revents && !a->done)
		on_input(a);
	if (p[POLL_OUTPUT].revents && !a->done)
		on_output(a);
	if (p[POLL_CONN].revents && !a->done) {
		r = on_connection(a, p[POLL_CONN].revents);
		if (r < 0)
			return r;
	}
	return a->done ? 0 : handle_frames(a);
}

/* A terminal of ours would answer what the replay asks; unless nobody has been there to answer. */
static void expect_replay(struct attach *a, const cJSON *parameters)
{
	static const struct {
		enum frame_stream stream;
		const char *name;
		int fd;
	} streams[] = { { STREAM_STDOUT, "stdout", STDOUT_FILENO },
		        { STREAM_STDERR, "stderr", STDERR_FILENO } };

	for (size_t i = 0; i < ARRAY_SIZE(streams) && !a->opts->fresh; i++) {
		const cJSON *s = json_get(parameters, streams[i].name);
		uint64_t first = json_get_uint(s, "first", 0), next = json_get_uint(s, "next", 0);

		if (s && next > first && isatty(streams[i].fd))
			a->replay_left[streams[i].stream] = next - first;
	}
}

/* Ask for the switch to frames; the size goes along, so that the first drawing fits. */
static int begin(struct attach *a, struct err *err)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	_cleanup_free_ char *size = NULL, *params = NULL;
	uint16_t rows = 0, cols = 0;
	int r;

	r = shim_connect(a->opts->session_fd, &a->conn, err);
	if (r < 0)
		return r;
	if (a->opts->terminal && !a->opts->no_stdin && tty_size(STDIN_FILENO, &rows, &cols))
		size = xasprintf(",\"rows\":%u,\"cols\":%u,\"redraw\":%s", rows, cols,
		                 a->opts->fresh ? "false" : "true");
	params = xasprintf("{\"stdin\":%s%s%s%s}", a->opts->no_stdin ? "false" : "true",
	                   a->opts->close_stdin ? ",\"close_stdin\":true" : "", size ? size : "",
	                   a->opts->replay ? a->opts->replay : "");
	r = shim_send(&a->conn, "Attach", params, VARLINK_UPGRADE, err);
	if (r >= 0)
		r = shim_receive(&a->conn, SHIM_CALL_MS, &reply, err);
	if (r < 0)
		return r;
	expect_replay(a, reply.parameters);
	a->input_open = json_get_bool(reply.parameters, "stdin", false);
	if (a->input_open && a->opts->terminal && isatty(STDIN_FILENO)) {
		r = tty_raw(STDIN_FILENO, &a->tty);
		if (r < 0)
			return err_set(err, r, "set the terminal to raw mode");
	}
	if (a->tty.fd < 0)
		a->keys.len = 0; /* keys are pressed on terminals only */
	return 0;
}

static int watch_signals(struct attach *a, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	if (a->forward)
		sigfillset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(left_alone); i++)
		sigdelset(&set, left_alone[i]);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		sigaddset(&set, own[i]);
	for (size_t i = 0; i < ARRAY_SIZE(leaving); i++)
		sigaddset(&set, leaving[i]);
	sigprocmask(SIG_BLOCK, &set, &a->old_mask);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signal_fd < 0 ? err_set(err, -errno, "watch signals") : 0;
}

/* The program that we leave behind does not see us go: its screen and cursor are ours to undo. */
static void leave_screen(const struct attach *a)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
	char reset[TERM_MODES_OUT];
	size_t n = term_modes_reset(&a->modes, reset);

	if (a->tty.fd < 0 || !a->result->detached || !n)
		return;
	if (poll(&p, 1, 0) > 0 && p.revents == POLLOUT)
		(void)!write(STDOUT_FILENO, reset, n);
}

int attach_run(const struct attach_opts *opts, struct attach_result *ret, struct err *err)
{
	struct attach a = {
		.opts = opts,
		.result = ret,
		.conn = { .fd = FD_INVALID },
		.tty = { .fd = FD_INVALID },
		.signal_fd = FD_INVALID,
		.out = BUF_INIT(QUEUE_MAX),
		.exit = exit_record_unknown(),
	};
	int r;

	*ret = (struct attach_result){ .code = -1 };
	a.forward = opts->sig_proxy ? opts->sig_proxy > 0 : !opts->terminal && !opts->no_stdin;
	r = detach_keys_parse(opts->detach_keys ? opts->detach_keys : DETACH_KEYS_DEFAULT, &a.keys,
	                      err);
	if (r < 0)
		return r;
	r = watch_signals(&a, err);
	if (r >= 0)
		r = begin(&a, err);
	if (r >= 0) {
		r = handle_frames(&a);
		while (r >= 0 && !a.done)
			r = turn(&a);
		if (r < 0)
			err_set(err, r, "attached connection");
		else if (a.lost)
			r = err_text(err, -ECONNRESET,
			             "the shim is gone and has left no exit record");
	}
	if (r < 0)
		err_prefix(err, "attach to %s", opts->name);
	leave_screen(&a);
	tty_restore(&a.tty);
	fd_close(a.signal_fd);
	sigprocmask(SIG_SETMASK, &a.old_mask, NULL);
	shim_disconnect(&a.conn);
	buf_done(&a.out);
	return r < 0 ? r : 0;
}

int attach_status(const struct attach_opts *opts, const struct attach_result *result,
                  struct err *err)
{
	if (result->detached)
		return result->signal ? 128 + result->signal : 0;
	if (result->known)
		return result->code;
	return err_text(err, -ENODATA, "%s has ended; its exit status is unknown", opts->name);
}
