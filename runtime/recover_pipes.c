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
	int userns;
	int *found;
};

static int flags_of(int i)
{
	return (i == 0 ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
}

static _Noreturn void open_inside(int sock, int userns, int fd, int flags)
{
	int end = setns(userns, CLONE_NEWUSER) < 0 ? -errno : fd_reopen(fd, flags);

	if (end >= 0)
		(void)sock_send_fds(sock, "1", 1, &end, 1);
	_exit(end < 0);
}

/*
 * A pipe belongs to the user that the process runs as. An ordinary user whose container has several
 * may open it only with the rights that he has in the container's user namespace.
 */
static int open_as_owner(int userns, int fd, int flags)
{
	_cleanup_close_ int ours = FD_INVALID, theirs = FD_INVALID;
	int sock[2], end = FD_INVALID;
	size_t n = 0;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return -errno;
	ours = sock[0];
	theirs = sock[1];
	pid = fork();
	if (pid == 0)
		open_inside(theirs, userns, fd, flags);
	if (pid < 0)
		return -errno;
	fd_reset(&theirs);
	(void)sock_recv_fds(ours, &byte, 1, &end, 1, &n);
	(void)proc_waitpid(pid, NULL);
	return n == 1 ? end : -EACCES;
}

/* fd is one end, whichever: open the one that we want. */
static int open_end(const struct search *s, int i, int fd, struct err *err)
{
	int end = fd_reopen(fd, flags_of(i));

	if (end == -EACCES)
		end = open_as_owner(s->userns, fd, flags_of(i));
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

int recover_pipes(const struct keep_pipe pipes[static 3], const pid_t *pids, size_t n, int userns,
                  int ret[static 3], struct err *err)
{
	struct search s = { .pipes = pipes, .userns = userns, .found = ret };
	int r = 0;

	for (int i = 0; i < 3; i++)
		ret[i] = FD_INVALID;
	for (size_t i = 0; i < n && r == 0 && !is_done(&s); i++)
		r = look_at_process(&s, pids[i], err);
	for (int i = 0; i < 3 && r < 0; i++)
		fd_reset(&ret[i]);
	return r;
}
