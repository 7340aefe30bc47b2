/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes among the descriptors of others: see recover_pipes.h. */
#include "runtime/recover_pipes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"

struct search {
	const struct keep_pipe *pipes;
	int *found;
};

static int flags_of(int i)
{
	return (i == 0 ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
}

/* fd is one end, whichever: open the one that we want. */
static int open_end(const struct search *s, int i, int fd, struct err *err)
{
	int end = fd_reopen(fd, flags_of(i));

	if (end < 0)
		return err_set(err, end, "open the pipe of the container's descriptor %d", i);
	s->found[i] = end;
	return 0;
}

/* Opened as a path first: what is looked at is then what is opened, whatever the process does. */
static int look(const struct search *s, int dir, const char *name, struct err *err)
{
	_cleanup_close_ int fd = openat(dir, name, O_PATH | O_CLOEXEC);

	for (int i = 0; i < 3 && fd >= 0; i++) {
		int r;

		if (s->found[i] >= 0 || !keep_pipe_is(&s->pipes[i], fd))
			continue;
		r = open_end(s, i, fd, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_done(const struct search *s)
{
	for (int i = 0; i < 3; i++)
		if (s->pipes[i].ino && s->found[i] < 0)
			return false;
	return true;
}

static int look_at_process(const struct search *s, pid_t pid, struct err *err)
{
	struct dirent *de;
	char path[32];
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT || errno == ESRCH
		           ? 0 /* it has ended */
		           : err_set(err, -errno, "look at \"%s\"", path);
	while (r == 0 && !is_done(s) && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			r = look(s, dirfd(dir), de->d_name, err);
	closedir(dir);
	return r;
}

static int search(const struct search *s, const pid_t *pids, size_t n, struct err *err)
{
	int r = 0;

	for (int i = 0; i < 3; i++)
		s->found[i] = FD_INVALID;
	for (size_t i = 0; i < n && r == 0 && !is_done(s); i++)
		r = look_at_process(s, pids[i], err);
	for (int i = 0; i < 3 && r < 0; i++)
		fd_reset(&s->found[i]);
	return r;
}

struct answer {
	int r;
	bool found[3]; /* which of the descriptors these are */
	struct err err;
};

static _Noreturn void search_inside(int sock, int userns, const struct search *s, const pid_t *pids,
                                    size_t n)
{
	struct answer a = { .r = 0 };
	int fds[3];
	size_t n_fds = 0;

	if (setns(userns, CLONE_NEWUSER) < 0)
		a.r = err_set(&a.err, -errno, "enter the container's user namespace");
	else
		a.r = search(s, pids, n, &a.err);
	for (int i = 0; i < 3 && a.r == 0; i++) {
		a.found[i] = s->found[i] >= 0;
		if (a.found[i])
			fds[n_fds++] = s->found[i];
	}
	(void)sock_send_fds(sock, &a, sizeof(a), fds, n_fds);
	_exit(0);
}

/*
 * A process and its pipes belong to the user that it runs as. An ordinary user whose container has
 * several may look at them only with the rights that he has in the container's user namespace.
 */
static int search_as_owner(int userns, const struct search *s, const pid_t *pids, size_t n,
                           struct err *err)
{
	_cleanup_close_ int ours = FD_INVALID, theirs = FD_INVALID;
	int sock[2], fds[3];
	struct answer a;
	size_t n_fds = 0;
	ssize_t got;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_set(err, -errno, "make a socket");
	ours = sock[0];
	theirs = sock[1];
	pid = fork();
	if (pid == 0)
		search_inside(theirs, userns, s, pids, n);
	if (pid < 0)
		return err_set(err, -errno, "fork");
	fd_reset(&theirs);
	got = sock_recv_fds(ours, &a, sizeof(a), fds, 3, &n_fds);
	(void)proc_waitpid(pid, NULL);
	if (got != sizeof(a))
		return err_text(err, -EPIPE, "the search for the container's pipes was cut off");
	if (a.r < 0) {
		*err = a.err;
		return a.r;
	}
	for (size_t i = 0, k = 0; i < 3; i++)
		if (a.found[i] && k < n_fds)
			s->found[i] = fds[k++];
	return 0;
}

int recover_pipes(const struct keep_pipe pipes[static 3], const pid_t *pids, size_t n, int userns,
                  int ret[static 3], struct err *err)
{
	struct search s = { .pipes = pipes, .found = ret };
	int r = search(&s, pids, n, err);

	if (r != -EACCES || userns < 0)
		return r;
	err_clear(err);
	return search_as_owner(userns, &s, pids, n, err);
}
