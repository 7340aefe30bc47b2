/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors. Invalid is -EBADF, so that returning one by accident is an error code. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FD_INVALID      (-9) /* -EBADF */
#define _cleanup_close_ __attribute__((cleanup(fd_close_ptr)))

void fd_close(int fd); /* ignores negative; preserves errno */
void fd_close_ptr(int *fd);
void fd_reset(int *fd); /* close and set to FD_INVALID */

static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = FD_INVALID;
	return v;
}

int fd_cloexec(int fd, bool on); /* 0, -errno */
int fd_nonblock(int fd, bool on);
/* Mark everything from first upwards close-on-exec (close_range(2), 5.11; falls back to
 * /proc/self/fd). */
int fd_cloexec_from(unsigned int first);
int fd_close_from(unsigned int first);
/* As many descriptors as we may have: the default limit is for select(2), which is not used here. */
void fd_raise_limit(void);
/* Make sure 0, 1 and 2 are open (on /dev/null where they were closed). */
int fd_ensure_stdio(void);
/* Re-open fd with other flags through /proc/self/fd. -errno on failure. */
int fd_reopen(int fd, int flags);
/* Full read/write, EINTR-safe. fd_write_all: 0 or -errno. fd_read_all: bytes read (< len at EOF) or
 * -errno. */
int fd_write_all(int fd, const void *data, size_t len);
ssize_t fd_read_all(int fd, void *data, size_t len);
