/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step in a process of its own: what would change the namespace or the working directory of the
 * caller, who goes on afterwards as if nothing had been.
 *
 * The answer is one message: the error as it is, with a descriptor where one was asked for.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/sock.h"
#include "mount/internal.h"

struct answer {
	int result;
	struct err err;
};

static void answer(int (*fn)(void *arg, struct err *err), void *arg, bool wants_fd, int sock)
{
	struct answer a = { 0 };
	int fd;

	fd = a.result = fn(arg, &a.err);
	_exit(sock_send_fds(sock, &a, sizeof(a), &fd, wants_fd && fd >= 0 ? 1 : 0) < 0);
}

int mnt_in_child(int (*fn)(void *arg, struct err *err), void *arg, bool wants_fd, struct err *err)
{
	_cleanup_close_ int ours = FD_INVALID, theirs = FD_INVALID, fd = FD_INVALID;
	pid_t parent = getpid(), pid;
	struct answer a = { 0 };
	size_t n_fds = 0;
	int pair[2];
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "create a socket");
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "create a process");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			_exit(1);
		answer(fn, arg, wants_fd, theirs);
	}
	fd_reset(&theirs);
	n = sock_recv_fds(ours, &a, sizeof(a), &fd, 1, &n_fds);
	(void)proc_waitpid(pid, NULL);
	if (n != sizeof(a))
		return err_set(err, n < 0 ? (int)n : -EPIPE, "wait for a helper process");
	if (a.result < 0 && err)
		*err = a.err;
	if (a.result < 0 || !wants_fd)
		return a.result;
	return n_fds == 1 ? take_fd(&fd) : err_set(err, -EPROTO, "no descriptor from a helper");
}
