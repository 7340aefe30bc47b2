/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors. close(2) is never retried: on Linux the number is free again even after EINTR,
 * and a second try could close somebody else's file.
 */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define RANGE_CLOEXEC (1U << 2) /* CLOSE_RANGE_CLOEXEC, 5.11 */

void fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void fd_close_ptr(int *fd)
{
	fd_close(*fd);
}

void fd_reset(int *fd)
{
	fd_close(*fd);
	*fd = FD_INVALID;
}

/* Set or clear one flag by a get/set pair of fcntl commands. */
static int change_flag(int fd, int get, int set, int flag, bool on)
{
	int old = fcntl(fd, get), new;

	if (old < 0)
		return -errno;
	new = on ? old | flag : old & ~flag;
	return new == old || fcntl(fd, set, new) == 0 ? 0 : -errno;
}

int fd_cloexec(int fd, bool on)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int fd_nonblock(int fd, bool on)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

/* For outer sandboxes that refuse close_range(2): walk our own descriptor directory. */
static int walk_from(unsigned int first, bool do_close)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *de;
	int r = 0;

	if (!dir)
		return -errno;
	while ((de = readdir(dir))) {
		int fd;

		if (num_parse_int(de->d_name, &fd) < 0 || (unsigned int)fd < first ||
		    fd == dirfd(dir))
			continue;
		if (do_close)
			close(fd);
		else if (r == 0)
			r = fd_cloexec(fd, true);
	}
	closedir(dir);
	return r;
}

int fd_cloexec_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, UINT32_MAX, RANGE_CLOEXEC) == 0)
		return 0;
	return walk_from(first, false);
}

int fd_close_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, UINT32_MAX, 0) == 0)
		return 0;
	return walk_from(first, true);
}

void fd_raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

int fd_ensure_stdio(void)
{
	for (int want = 0; want <= 2; want++) {
		int fd;

		if (fcntl(want, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* All below are open, so this gets the number wanted; it has to survive exec. */
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
		if (fd != want) {
			close(fd);
			return -EBADF;
		}
	}
	return 0;
}

int fd_reopen(int fd, int flags)
{
	char path[32];
	int new;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	new = open(path, flags | O_CLOEXEC);
	return new < 0 ? -errno : new;
}

/* A descriptor shared with others may be non-blocking against our will: wait instead of losing
 * data. */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			int r = wait_for(fd, POLLOUT);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)data + done, len - done);

		if (n == 0)
			break;
		if (n > 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			int r = wait_for(fd, POLLIN);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return (ssize_t)done;
}
