/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces of an init that may not be looked at.
 *
 * Until execve(2) init is not dumpable, and its memory counts as its creator's: who wants to open
 * its namespaces needs CAP_SYS_PTRACE where the creator lives. An ordinary user has none, so his
 * `exec` into a container that is created and not started asks init itself. Making init dumpable
 * instead would open it to whatever has capabilities in its user namespace.
 *
 *     exec                                             init, in read(2) on exec.fifo
 *     a datagram socket, named by the kernel
 *     'n' and the name, into exec.fifo ------------->  read the name
 *     descriptors; is the sender init?  <------------  sendmsg(2)
 *
 * Init of an ordinary user holds its namespaces and a socket of the creator's network namespace for
 * this, all closed by execve(2). Whoever may write to exec.fifo may as well start the container.
 * The socket's name can be seen by others, who might send, too: hence the credentials.
 *
 * A seccomp profile is in force by then. One that forbids sendmsg(2) with an error leaves the
 * question without an answer; one that may kill for it is not put to the test.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/strv.h"
#include "tables/namespaces.h"

#define NAME_LEN   5 /* what unix(7) calls autobind: NUL and five hexadecimal digits */
#define ADDR_LEN   ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + NAME_LEN))
#define TIMEOUT_MS 5000

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(NS_TYPES * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

/* --- init's side --- */

int nsask_open(struct nsask *ask, struct err *err)
{
	ask->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return ask->sock < 0 ? err_set(err, -errno, "open a socket for exec") : 0;
}

void nsask_hold(struct nsask *ask)
{
	if (ask->sock < 0)
		return;
	for (int t = 0; t < NS_TYPES; t++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", ns_table[t].proc);
		ask->fd[ask->n] = open(path, O_RDONLY | O_CLOEXEC);
		if (ask->fd[ask->n] >= 0) /* else a kernel without this type */
			ask->n++;
	}
}

void nsask_answer(const struct nsask *ask, int fifo)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char nothing = 0;
	struct iovec iov = { .iov_base = &nothing, .iov_len = 1 };
	union control control = { 0 };
	struct msghdr mh = { .msg_name = &to,
		             .msg_namelen = ADDR_LEN,
		             .msg_iov = &iov,
		             .msg_iovlen = 1,
		             .msg_control = control.buf,
		             .msg_controllen = CMSG_SPACE(ask->n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	/* Written in one piece with what has been read. */
	if (read(fifo, to.sun_path + 1, NAME_LEN) != NAME_LEN || ask->sock < 0 || ask->n == 0)
		return;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(ask->n * sizeof(int));
	memcpy(CMSG_DATA(c), ask->fd, ask->n * sizeof(int));
	(void)sendmsg(ask->sock, &mh, MSG_NOSIGNAL);
}

/* --- exec's side --- */

static bool kills(uint32_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD ||
	       action == SECCOMP_RET_TRAP;
}

/* By default, or by a rule on what the answer takes. */
static bool may_kill(const struct spec_seccomp *seccomp)
{
	if (!seccomp->present)
		return false;
	for (size_t i = 0; i < seccomp->n_rules; i++)
		if (kills(seccomp->rules[i].action) &&
		    strv_contains(seccomp->rules[i].names, "sendmsg"))
			return true;
	return kills(seccomp->default_action);
}

static int open_named(char ret_name[static NAME_LEN], int *ret)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa.sun_family)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	if (len != ADDR_LEN)
		return -EPROTO;
	memcpy(ret_name, sa.sun_path + 1, NAME_LEN);
	*ret = take_fd(&fd);
	return 0;
}

static int send_question(const struct ctr *ctr, const char name[static NAME_LEN])
{
	_cleanup_close_ int fifo =
	    openat(ctr->dir_fd, "exec.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	char question[1 + NAME_LEN] = { NSASK_QUESTION };

	if (fifo < 0)
		return -errno;
	memcpy(question + 1, name, NAME_LEN);
	return write(fifo, question, sizeof(question)) == sizeof(question) ? 0 : -EIO;
}

/* One datagram: its descriptors, n of them, if pid has sent it; none, if somebody else. */
static int receive(int sock, pid_t pid, int fds[static NS_TYPES], size_t *ret_n)
{
	char nothing;
	struct iovec iov = { .iov_base = &nothing, .iov_len = 1 };
	union control control = { 0 };
	struct msghdr mh = { .msg_iov = &iov,
		             .msg_iovlen = 1,
		             .msg_control = control.buf,
		             .msg_controllen = sizeof(control.buf) };
	struct ucred sender = { 0 };
	size_t n = 0;

	*ret_n = 0;
	if (recvmsg(sock, &mh, MSG_CMSG_CLOEXEC) < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_type == SCM_CREDENTIALS && len == sizeof(sender)) {
			memcpy(&sender, CMSG_DATA(c), sizeof(sender));
		} else if (c->cmsg_type == SCM_RIGHTS && n == 0) {
			n = len / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	}
	if (sender.pid == pid && !(mh.msg_flags & MSG_CTRUNC)) {
		*ret_n = n;
		return 0;
	}
	while (n > 0)
		fd_close(fds[--n]);
	return 0;
}

static int wait_for_answer(int sock, pid_t pid, int pidfd, int fds[static NS_TYPES], size_t *ret_n)
{
	int64_t deadline = clock_ms() + TIMEOUT_MS;
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
		               { .fd = pidfd, .events = POLLIN } };

	for (;;) {
		int64_t left = deadline - clock_ms();
		int r = left > 0 ? poll(p, 2, (int)left) : 0;

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		r = receive(sock, pid, fds, ret_n);
		if (r < 0 || *ret_n > 0)
			return r;
		if (p[1].revents)
			return -ESRCH;
	}
}

int nsask(const struct ctr *ctr, const struct spec_seccomp *seccomp, int pidfd, struct ns_plan *ret,
          struct err *err)
{
	_cleanup_close_ int sock = FD_INVALID;
	char name[NAME_LEN];
	int fds[NS_TYPES];
	size_t n = 0;
	int r;

	if (may_kill(seccomp))
		return err_text(err, -EPERM,
		                "its seccomp profile may kill it for the answer: start it first");
	r = open_named(name, &sock);
	if (r == 0)
		r = send_question(ctr, name);
	if (r == 0)
		r = wait_for_answer(sock, ctr->init.pid, pidfd, fds, &n);
	if (r < 0)
		return err_set(err, r, "ask init for its namespaces: start it first");
	r = ns_plan_from_fds(fds, n, ret, err);
	if (r == 0 && proc_pidfd_exited(pidfd)) {
		ns_plan_done(ret);
		r = err_text(err, -ESRCH, "process %d has exited", ctr->init.pid);
	}
	return r;
}
