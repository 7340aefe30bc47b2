/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets. sun_path holds 107 bytes and state directories can be deeper, so addresses go
 * through /proc/self/fd/<dirfd>/<name>: short, and bound to the very directory that was opened and
 * checked.
 */
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"

#define FDS_MAX 253 /* SCM_MAX_FD: more are never in one message */

union control {
	char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

static int address_at(int dirfd, const char *name, struct sockaddr_un *ret)
{
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (dirfd == AT_FDCWD || *name == '/')
		n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", name);
	else
		n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd,
		             name);
	return n < 0 || (size_t)n >= sizeof(ret->sun_path) ? -ENAMETOOLONG : 0;
}

int sock_listen_at(int dirfd, const char *name, int backlog)
{
	struct sockaddr_un sa;
	_cleanup_close_ int fd = FD_INVALID;
	mode_t old;
	int r = address_at(dirfd, name, &sa);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old = umask(knocked_out("private-modes") ? 0 : 0177);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(old);
	if (r < 0)
		return r;
	if (listen(fd, backlog) < 0)
		return -errno;
	return take_fd(&fd);
}

static int set_timeout(int fd, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

static int connect_at(int dirfd, const char *name, int type, int timeout_ms)
{
	struct sockaddr_un sa;
	_cleanup_close_ int fd = FD_INVALID;
	int r = address_at(dirfd, name, &sa);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (timeout_ms > 0) {
		r = set_timeout(fd, timeout_ms);
		if (r < 0)
			return r;
	}
	/* Interrupted while the backlog is full, nothing has happened yet: once more. */
	do
		r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r < 0 ? r : take_fd(&fd);
}

int sock_connect_at(int dirfd, const char *name, int type)
{
	return connect_at(dirfd, name, type, 0);
}

int sock_connect_path(const char *path, int type)
{
	return sock_connect_path_timeout(path, type, 0);
}

int sock_connect_path_timeout(const char *path, int type, int timeout_ms)
{
	_cleanup_close_ int dir = FD_INVALID;
	_cleanup_free_ char *parent = NULL;

	if (strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return connect_at(AT_FDCWD, path, type, timeout_ms);
	parent = path_dir(path);
	dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return connect_at(dir, path_base(path), type, timeout_ms);
}

/* sendmsg that outlasts signals and, once a message has begun, a full buffer. */
static ssize_t send_retry(int sock, const struct msghdr *mh, bool wait)
{
	for (;;) {
		ssize_t n = sendmsg(sock, mh, MSG_NOSIGNAL);

		if (n >= 0)
			return n;
		if (errno == EAGAIN && wait) {
			struct pollfd p = { .fd = sock, .events = POLLOUT };

			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
}

int sock_send_fds(int sock, const void *data, size_t len, const int *fds, size_t nfds)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };
	bool begun = false;

	if (len == 0)
		return -EINVAL; /* descriptors travel only with data */
	if (nfds > FDS_MAX)
		return -E2BIG;
	if (nfds > 0) {
		struct cmsghdr *c;

		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	while (iov.iov_len > 0) {
		ssize_t n = send_retry(sock, &mh, begun);

		if (n < 0)
			return (int)n;
		begun = true;
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		mh.msg_control = NULL; /* the descriptors went with the first byte */
		mh.msg_controllen = 0;
	}
	return 0;
}

/* Distribute the descriptors of one control message; what nobody asked for is closed. */
static void collect(const struct cmsghdr *c, int *ret_fds, size_t nfds, size_t *got)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (*got < nfds)
			ret_fds[(*got)++] = fd;
		else
			fd_close(fd);
	}
}

ssize_t sock_recv_fds(int sock, void *data, size_t len, int *ret_fds, size_t nfds, size_t *ret_nfds)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	union control control;
	struct msghdr mh = { .msg_iov = &iov,
		             .msg_iovlen = 1,
		             .msg_control = &control,
		             .msg_controllen = sizeof(control) };
	size_t got = 0;
	ssize_t n;

	for (size_t i = 0; i < nfds; i++)
		ret_fds[i] = FD_INVALID;
	if (ret_nfds)
		*ret_nfds = 0;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			collect(c, ret_fds, nfds, &got);
	if (mh.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		while (got > 0)
			fd_reset(&ret_fds[--got]);
		return -EMSGSIZE;
	}
	if (ret_nfds)
		*ret_nfds = got;
	return n;
}

int sock_peer_cred(int sock, struct ucred *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, ret, &len) < 0 ? -errno : 0;
}
