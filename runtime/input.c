/* SPDX-License-Identifier: Apache-2.0 */
/* Documents named on the command line: see input.h. */
#include "runtime/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "berth/spec.h"

/*
 * A pipe can be read once and a number in /dev/fd means something once, but berth may execute
 * itself anew (self_protect()) and then reads its command line a second time: the text waits in a
 * memfd.
 */
#define KEPT_VARIABLE "_BERTH_INPUT"

static int kept_fd = FD_INVALID;

static void keep(const struct buf *b)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	/* Without it the second reading finds what it finds. */
	if (fd < 0 || fd_write_all(fd, b->data, b->len) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		fd_close(fd);
		return;
	}
	fd_reset(&kept_fd);
	kept_fd = fd;
}

static int take_kept(void)
{
	const char *number = getenv(KEPT_VARIABLE);
	uint32_t fd;

	if (!number || num_parse_u32(number, &fd) < 0 || fd < 3 || fcntl((int)fd, F_GETFD) < 0)
		return FD_INVALID;
	unsetenv(KEPT_VARIABLE);
	return (int)fd;
}

void input_survive(bool on)
{
	char number[16];

	if (kept_fd < 0)
		return;
	(void)fd_cloexec(kept_fd, !on);
	snprintf(number, sizeof(number), "%d", kept_fd);
	if (on)
		setenv(KEPT_VARIABLE, number, 1);
	else
		unsetenv(KEPT_VARIABLE);
}

static int read_all(int fd, struct buf *b)
{
	char chunk[8192];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		int r;

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = buf_add(b, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
}

/*
 * A FIFO without a writer is the end of its text, not something to wait for; one that has a writer
 * is waited for as any pipe is.
 */
static int open_input(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	if (fcntl(fd, F_SETFL, 0) < 0) {
		int r = -errno;

		fd_close(fd);
		return err_set(err, r, "open \"%s\"", path);
	}
	return fd;
}

int input_read(const char *path, bool dash_is_stdin, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SPEC_FILE_MAX);
	_cleanup_close_ int fd = FD_INVALID;
	bool is_stdin = dash_is_stdin && streq(path, "-");
	int r;

	fd = take_kept();
	if (fd >= 0) {
		is_stdin = false;
	} else if (!is_stdin) {
		fd = open_input(path, err);
		if (fd < 0)
			return fd;
	}
	r = read_all(is_stdin ? STDIN_FILENO : fd, &b);
	if (r < 0)
		return err_set(err, r, "read %s%s%s", is_stdin ? "standard input" : "\"",
		               is_stdin ? "" : path, is_stdin ? "" : "\"");
	keep(&b);
	*ret_len = b.len;
	*ret = buf_steal(&b);
	return 0;
}
