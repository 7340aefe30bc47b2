/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole connection to a shim, as a stranger speaks on it: calls, then perhaps frames. The first
 * byte of the input says what stdin's mode is, whether process and output end halfway, and how much
 * comes at a time; the rest is what the peer sends.
 *
 * Holds: whatever comes, the shim answers with whole Varlink replies and, after an Attach, with
 * whole frames and nothing else; the process gets on stdin no byte that was not in a frame, and none
 * if it has none; when the peer has gone, so has the connection, with all that belongs to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fuzz.h"
#include "shim/shim.h"

#define STDIN_MODE  0x03
#define EXIT_MIDWAY 0x04
#define CUT_MIDWAY  0x08
#define PIECE_SHIFT 4
#define OUTPUT      "some output\nand a line that is not complete"
#define ANSWERS_MAX (4u << 20)

struct world {
	struct shim shim;
	int peer;    /* our end of the connection */
	int in_read; /* the process's ends */
	int out_write[2];
	struct buf answers;
	size_t stdin_bytes;
};

static void make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	CHECK(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
	*ret_read = fds[0];
	*ret_write = fds[1];
}

static void begin(struct world *w, uint8_t how)
{
	struct shim_handover *h = &w->shim.session.conf;
	struct err err = { 0 };
	int pair[2];

	CHECK(loop_init(&w->shim, &err) == 0);
	handover_init(h);
	h->id = "c1";
	h->session_path = "/run/c1";
	h->pid = 4242;
	h->dir_fd = FD_INVALID;
	/* Never readable, and no process that a signal could reach. */
	h->pidfd = eventfd(0, EFD_CLOEXEC);
	h->ring_size = 32768;
	h->stdin_mode = (enum shim_stdin_mode)((how & STDIN_MODE) % 3);
	make_pipe(&w->in_read, &h->stdin_fd);
	make_pipe(&h->stdout_fd, &w->out_write[0]);
	make_pipe(&h->stderr_fd, &w->out_write[1]);
	w->shim.session.helper_fd = w->shim.session.oom_epfd = FD_INVALID;
	w->shim.fdinfo_fd = w->shim.dir_inotify = FD_INVALID;
	CHECK(session_init(&w->shim, &err) == 0);
	CHECK(fd_write_all(w->out_write[0], OUTPUT, strlen(OUTPUT)) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	w->peer = pair[0];
	CHECK(client_new(&w->shim, pair[1]));
	w->answers.max = ANSWERS_MAX;
}

static void drain(struct world *w)
{
	char chunk[65536];
	ssize_t n;

	while (w->peer >= 0 && (n = read(w->peer, chunk, sizeof(chunk))) > 0)
		CHECK(buf_add(&w->answers, chunk, (size_t)n) == 0);
	while ((n = read(w->in_read, chunk, sizeof(chunk))) > 0)
		w->stdin_bytes += (size_t)n;
}

static void turn(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		ev_run(w->shim.loop, EVRUN_NOWAIT);
		drain(w);
	}
}

static void midway(struct world *w, uint8_t how)
{
	if (how & CUT_MIDWAY) {
		fd_reset(&w->out_write[0]);
		fd_reset(&w->out_write[1]);
	}
	if (how & EXIT_MIDWAY) {
		w->shim.session.exit = exit_record_from_status(3 << 8, 5);
		session_reaped(&w->shim);
	}
}

static void talk(struct world *w, const uint8_t *data, size_t size, uint8_t how)
{
	size_t piece = (size_t)1 << (how >> PIECE_SHIFT) % 16, half = size / 2;
	bool over = false;

	if (piece < size / 64) /* turns are what takes the time */
		piece = size / 64;
	for (size_t at = 0; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;

		if (send(w->peer, data + at, len, MSG_NOSIGNAL) < (ssize_t)len)
			break; /* closed, or more than it wants to read */
		if (!over && at >= half) {
			midway(w, how);
			over = true;
		}
		turn(w);
	}
	if (!over)
		midway(w, how);
	turn(w);
}

static void check_answers(const struct world *w)
{
	const char *p = w->answers.data ? w->answers.data : "", *end = p + w->answers.len;
	bool frames = false;

	while (p < end) {
		struct varlink_reply reply;
		struct frame f;
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		ssize_t n;

		if (*p == '{') {
			CHECK(!frames);
			if (!nul)
				break;
			CHECK(varlink_reply_parse(p, (size_t)(nul - p), &reply) == 0);
			varlink_reply_done(&reply);
			p = nul + 1;
			continue;
		}
		frames = true;
		n = frame_parse((const uint8_t *)p, (size_t)(end - p), &f);
		CHECK(n >= 0 && (n == 0 || f.stream != STREAM_STDIN || f.type == FRAME_EXIT ||
		                 f.type == FRAME_EOF));
		if (n == 0)
			break;
		p += n;
	}
}

static void end(struct world *w, const uint8_t *data, size_t size)
{
	struct shim *shim = &w->shim;
	struct shim_handover *h = &shim->session.conf;

	fd_reset(&w->peer);
	/* What waits for stdin keeps a connection until it is looked for. */
	for (int i = 0; i < 8 && shim->n_clients > 0; i++) {
		client_sweep(shim);
		turn(w);
	}
	CHECK(shim->n_clients == 0 && shim->n_attached == 0);
	CHECK(!shim->once_owner && !shim->mid_frame);
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++)
		CHECK(!shim->clients[i]);
	CHECK(w->stdin_bytes <= size && (size == 0 || data));
	if (h->stdin_mode == SHIM_STDIN_NEVER)
		CHECK(w->stdin_bytes == 0);
	check_answers(w);

	buf_done(&w->answers);
	for (int i = 0; i < 2; i++) {
		ring_done(&shim->session.out[i].ring);
		fd_reset(&shim->session.out[i].fd);
		fd_reset(&w->out_write[i]);
	}
	fd_reset(&w->in_read);
	fd_reset(&h->stdin_fd);
	fd_reset(&h->pidfd);
	loop_done(shim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	uint8_t how;

	if (size < 2)
		return 0;
	how = data[0];
	memset(&w, 0, sizeof(w));
	begin(&w, how);
	talk(&w, data + 1, size - 1, how);
	end(&w, data + 1, size - 1);
	return 0;
}
