/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect: our own user or root, and nobody from inside a container. The socket's directory
 * is 0700, so a container gets at it only when it was mounted into one, by mistake or malice; and
 * root in a container without a user namespace has the uid of root.
 *
 * The kernel hands out a pidfd of the peer (SO_PEERPIDFD, 6.5), whose fdinfo lists the peer's pid
 * in each pid namespace from ours inwards: one number more than ours has, and the peer is in a
 * nested one. (The peer's namespaces and cgroup themselves can't be asked for without the rights of
 * ptrace, which the locked shim has not.) A peer that shares the host's pid namespace passes: such
 * a container has the host's processes anyway. Older kernels: by user alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/proc.h"
#include "base/sock.h"
#include "shim/shim.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define OVERFLOW_UID 65534 /* what a user without a name here looks like: nobody in particular */

/* Numbers in the line "NSpid:" of a pidfd's fdinfo; 0: the process is gone (then it says -1). */
static int depth_of(int fdinfo_fd, int pidfd)
{
	char name[16], text[1024], *p;
	_cleanup_close_ int fd = FD_INVALID;
	ssize_t len;
	int n = 0;

	snprintf(name, sizeof(name), "%d", pidfd);
	fd = openat(fdinfo_fd, name, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	p = strstr(text, "\nNSpid:");
	if (!p || strncmp(p, "\nNSpid:\t-1", 10) == 0)
		return 0;
	for (p += 7; *p && *p != '\n'; p++)
		n += *p != '\t' && (p[-1] == '\t' || p[-1] == ':');
	return n;
}

void peer_init(struct shim *shim)
{
	_cleanup_close_ int self = proc_pidfd_open(getpid());

	shim->fdinfo_fd = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (shim->fdinfo_fd < 0)
		return;
	shim->depth = depth_of(shim->fdinfo_fd, self);
	if (!shim->depth)
		fd_reset(&shim->fdinfo_fd);
}

static enum peer look_at(const struct shim *shim, int fd)
{
	_cleanup_close_ int pidfd = FD_INVALID;
	socklen_t len = sizeof(pidfd);
	int depth;

	if (shim->fdinfo_fd < 0)
		return PEER_ALLOWED;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0) {
		pidfd = FD_INVALID;
		return errno == ENOPROTOOPT ? PEER_ALLOWED : PEER_GONE;
	}
	depth = depth_of(shim->fdinfo_fd, pidfd);
	if (!depth)
		return PEER_GONE;
	return depth == shim->depth ? PEER_ALLOWED : PEER_REFUSED;
}

enum peer peer_check(const struct shim *shim, int fd)
{
	struct ucred cred;

	if (knocked_out("peer-check"))
		return PEER_ALLOWED;
	if (sock_peer_cred(fd, &cred) < 0)
		return PEER_REFUSED;
	if (cred.uid == OVERFLOW_UID && geteuid() != OVERFLOW_UID)
		return PEER_REFUSED;
	if (cred.uid != 0 && cred.uid != geteuid())
		return PEER_REFUSED;
	return look_at(shim, fd);
}
