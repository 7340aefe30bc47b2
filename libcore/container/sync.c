/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between a creator and its init.
 *
 * One SOCK_SEQPACKET pair: message boundaries come from the kernel, EOF tells each side that the
 * other is gone. Every rendezvous has a name. Init runs with the image's file system in reach, so
 * what the creator receives is untrusted: the type must be the expected one, sizes are checked, at
 * most one descriptor is taken, and an error's text is terminated before use.
 */
#include "container/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "berth/log.h"

#define ERRNO_MAX 4095 /* MAX_ERRNO of the kernel */

struct sync_msg {
	uint32_t type;
	uint32_t len;
	char data[sizeof(struct err)];
};

static const char *const sync_names[SYNC_TYPES] = {
	[SYNC_GO] = "go",
	[SYNC_PIDFD] = "pidfd",
	[SYNC_ASK_SOURCE] = "ask for a source",
	[SYNC_SOURCE] = "source",
	[SYNC_MOUNTED] = "mounted",
	[SYNC_HOOKS_DONE] = "hooks done",
	[SYNC_CONSOLE] = "console",
	[SYNC_READY] = "ready",
	[SYNC_RELEASE] = "release",
	[SYNC_LISTENER] = "listener",
	[SYNC_LISTENED] = "listened",
	[SYNC_CREATED] = "created",
	[SYNC_ERROR] = "error",
};

const char *sync_name(enum sync_type type)
{
	return type > 0 && type < SYNC_TYPES ? sync_names[type] : "?";
}

int sync_pair(int ret[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return err_set(err, -errno, "create the sync socket");
	return 0;
}

int sync_send(int sock, enum sync_type type, const void *data, size_t len, int fd, struct err *err)
{
	struct sync_msg msg = { .type = type, .len = (uint32_t)len };
	size_t size = offsetof(struct sync_msg, data) + len;
	int r;

	if (len > sizeof(msg.data))
		return err_set(err, -EMSGSIZE, "sync message \"%s\"", sync_name(type));
	if (len > 0)
		memcpy(msg.data, data, len);
	if (fd >= 0)
		r = sock_send_fds(sock, &msg, size, &fd, 1);
	else
		r = send(sock, &msg, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (r < 0)
		return err_set(err, r, "send sync message \"%s\"", sync_name(type));
	return 0;
}

void sync_send_error(int sock, const struct err *err)
{
	(void)sync_send(sock, SYNC_ERROR, err, sizeof(*err), FD_INVALID, NULL);
}

static int take_error(struct sync_msg *msg, struct err *err)
{
	struct err theirs;

	if (msg->len != sizeof(theirs))
		return err_text(err, -EPROTO, "malformed error message from init");
	memcpy(&theirs, msg->data, sizeof(theirs));
	theirs.msg[sizeof(theirs.msg) - 1] = '\0';
	if (theirs.code >= 0 || theirs.code < -ERRNO_MAX)
		theirs.code = -EPROTO;
	/* Printed again by way of err_text so that control characters are escaped by us. */
	err_text(err, theirs.code, "%s", theirs.msg[0] ? theirs.msg : "error without a text");
	if (err)
		err->exit_status = theirs.exit_status & 0xff;
	return theirs.code;
}

/* A message of one of the two types, or an error; *ret_fd: the descriptor that came with it. */
static int receive(int sock, enum sync_type want, enum sync_type other, struct sync_msg *msg,
                   int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	size_t n_fds = 0;
	ssize_t n;

	n = sock_recv_fds(sock, msg, sizeof(*msg), &fd, 1, &n_fds);
	if (n < 0)
		return err_set(err, (int)n, "wait for sync message \"%s\"", sync_name(want));
	if (n == 0)
		return err_text(err, -EPIPE, "the other side ended before \"%s\"", sync_name(want));
	if ((size_t)n < offsetof(struct sync_msg, data) ||
	    msg->len != (size_t)n - offsetof(struct sync_msg, data))
		return err_text(err, -EPROTO, "malformed sync message");
	if (msg->type == SYNC_ERROR)
		return take_error(msg, err);
	if (msg->type != want && msg->type != other)
		return err_text(err, -EPROTO, "sync message \"%s\" while waiting for \"%s\"",
		                sync_name(msg->type), sync_name(want));
	*ret_fd = n_fds == 1 ? take_fd(&fd) : FD_INVALID;
	return 0;
}

int sync_expect(int sock, enum sync_type want, void *data, size_t size, int *ret_fd,
                struct err *err)
{
	struct sync_msg msg = { 0 };
	_cleanup_close_ int fd = FD_INVALID;
	int r = receive(sock, want, want, &msg, &fd, err);

	if (r < 0)
		return r;
	if (msg.len > size)
		return err_text(err, -EPROTO, "sync message \"%s\" is too long", sync_name(want));
	if (data && msg.len > 0)
		memcpy(data, msg.data, msg.len);
	if (ret_fd) {
		if (fd < 0)
			return err_text(err, -EPROTO, "sync message \"%s\" without its descriptor",
			                sync_name(want));
		*ret_fd = take_fd(&fd);
	}
	return 0;
}

int sync_expect_either(int sock, enum sync_type want, enum sync_type other, void *data, size_t size,
                       int *ret_fd, struct err *err)
{
	struct sync_msg msg = { 0 };
	_cleanup_close_ int fd = FD_INVALID;
	int r = receive(sock, want, other, &msg, &fd, err);

	if (r < 0)
		return r;
	if (msg.type == other) {
		if (msg.len != size || fd < 0)
			return err_text(err, -EPROTO, "malformed sync message \"%s\"",
			                sync_name(other));
		memcpy(data, msg.data, size);
		*ret_fd = take_fd(&fd);
	} else if (msg.len > 0) {
		return err_text(err, -EPROTO, "sync message \"%s\" is too long", sync_name(want));
	}
	return (int)msg.type;
}

int sync_expect_fd_or_number(int sock, enum sync_type want, int *ret_fd, int *ret_number,
                             struct err *err)
{
	struct sync_msg msg = { 0 };
	_cleanup_close_ int fd = FD_INVALID;
	int r = receive(sock, want, want, &msg, &fd, err);

	if (r < 0)
		return r;
	if (msg.len != (fd >= 0 ? 0 : sizeof(*ret_number)))
		return err_text(err, -EPROTO, "malformed sync message \"%s\"", sync_name(want));
	if (fd >= 0)
		*ret_fd = take_fd(&fd);
	else
		memcpy(ret_number, msg.data, sizeof(*ret_number));
	return 0;
}

int sync_write_plain(int sock, enum sync_type type, const void *data, size_t len)
{
	struct sync_msg msg = { .type = type, .len = (uint32_t)len };
	ssize_t size = (ssize_t)(offsetof(struct sync_msg, data) + len);

	if (len > sizeof(msg.data))
		return -EMSGSIZE;
	memcpy(msg.data, data, len);
	return write(sock, &msg, (size_t)size) == size ? 0 : -errno;
}

int sync_read_plain(int sock, enum sync_type want)
{
	struct sync_msg msg = { 0 };
	ssize_t n;

	do
		n = read(sock, &msg, sizeof(msg));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == offsetof(struct sync_msg, data) && msg.type == want ? 0 : -EPROTO;
}
