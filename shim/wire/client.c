/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the native protocol. */
#include "shim/wire/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sock.h"

#define PREFIX "io.berth.Shim."

/* The shim's answers can be longer than what it accepts: GetInterfaceDescription. */
#define ANSWER_MAX (256 * 1024)

static const struct {
	const char *name;
	int code;
	const char *text;
} errors[] = {
	{ PREFIX "StillRunning", -EBUSY, "the process is still running" },
	{ PREFIX "AlreadyExited", -ESRCH, "the process has already exited" },
	{ PREFIX "NoTerminal", -ENOTTY, "the process has no terminal" },
	{ PREFIX "NoStdin", -EBADF, "the process has no stdin, or it is closed" },
	{ PREFIX "NotSupported", -EOPNOTSUPP, "not supported by this shim" },
	{ PREFIX "TooManyClients", -EUSERS, "too many clients are connected" },
};

int shim_connect(int dir_fd, struct shim_client *ret, struct err *err)
{
	int fd = sock_connect_at(dir_fd, SHIM_SOCKET_NAME, SOCK_STREAM);

	if (fd < 0)
		return err_set(err, fd, "connect to the shim");
	*ret = (struct shim_client){ .fd = fd, .in = BUF_INIT(ANSWER_MAX) };
	return 0;
}

void shim_disconnect(struct shim_client *c)
{
	fd_reset(&c->fd);
	buf_done(&c->in);
}

/* A shim that is gone must give an error, not SIGPIPE. */
static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE ? -ECONNRESET : -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int shim_send_fds(struct shim_client *c, const char *method, const char *parameters, const int *fds,
                  size_t n_fds, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(VARLINK_MESSAGE_MAX);
	_cleanup_free_ char *full = xasprintf(PREFIX "%s", method);
	int r = varlink_put_call(&b, full, parameters, 0);

	if (r >= 0)
		r = sock_send_fds(c->fd, b.data, b.len, fds, n_fds);
	return r < 0 ? err_set(err, r, "call %s of the shim", method) : 0;
}

int shim_send(struct shim_client *c, const char *method, const char *parameters, unsigned int flags,
              struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(VARLINK_MESSAGE_MAX);
	_cleanup_free_ char *full = xasprintf(PREFIX "%s", method);
	int r = varlink_put_call(&b, full, parameters, flags);

	if (r >= 0)
		r = send_all(c->fd, b.data, b.len);
	return r < 0 ? err_set(err, r, "call %s of the shim", method) : 0;
}

/* Read until there is a whole message; its length without the NUL. */
static ssize_t receive(struct shim_client *c, int timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;
	size_t seen = 0;

	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		const char *end =
		    c->in.len > seen ? memchr(c->in.data + seen, '\0', c->in.len - seen) : NULL;
		int64_t left = timeout_ms < 0 ? -1 : deadline - clock_ms();
		char chunk[4096];
		ssize_t n;
		int r;

		if (end)
			return end - c->in.data;
		seen = c->in.len;
		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		r = poll(&p, 1, (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		n = read(c->fd, chunk, sizeof(chunk));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		r = buf_add(&c->in, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

static int map_error(const struct varlink_reply *reply, struct err *err)
{
	/* Of SystemError and of InvalidParameter. */
	const char *text = json_get_str(reply->parameters, "message",
	                                json_get_str(reply->parameters, "parameter", NULL));

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (streq(errors[i].name, reply->error))
			return err_text(err, errors[i].code, "%s", errors[i].text);
	return err_text(err, -EREMOTEIO, "the shim answered %s%s%s", reply->error, text ? ": " : "",
	                text ? text : "");
}

int shim_receive(struct shim_client *c, int timeout_ms, struct varlink_reply *ret, struct err *err)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	ssize_t len = receive(c, timeout_ms);
	int r;

	if (len < 0)
		return err_set(err, (int)len, "wait for the shim's answer");
	r = varlink_reply_parse(c->in.data, (size_t)len, &reply);
	buf_consume(&c->in, (size_t)len + 1);
	if (r < 0)
		return err_set(err, r, "understand the shim's answer");
	if (reply.error)
		r = map_error(&reply, err);
	if (ret) {
		*ret = reply;
		reply.root = NULL;
	}
	return r;
}

int shim_call(int dir_fd, const char *method, const char *parameters, struct varlink_reply *ret,
              struct err *err)
{
	_cleanup_shim_client_ struct shim_client c = { .fd = FD_INVALID };
	int r;

	r = shim_connect(dir_fd, &c, err);
	if (r >= 0)
		r = shim_send(&c, method, parameters, 0, err);
	if (r >= 0)
		r = shim_receive(&c, SHIM_CALL_MS, ret, err);
	return r;
}
