/* SPDX-License-Identifier: Apache-2.0 */
/* Documents named on the command line: see input.h. */
#include "runtime/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "berth/spec.h"

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

int input_read(const char *path, bool dash_is_stdin, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SPEC_FILE_MAX);
	_cleanup_close_ int fd = FD_INVALID;
	bool is_stdin = dash_is_stdin && streq(path, "-");
	int r;

	if (!is_stdin) {
		fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			return err_set(err, -errno, "open \"%s\"", path);
	}
	r = read_all(is_stdin ? STDIN_FILENO : fd, &b);
	if (r < 0)
		return err_set(err, r, "read %s%s%s", is_stdin ? "standard input" : "\"",
		               is_stdin ? "" : path, is_stdin ? "" : "\"");
	*ret_len = b.len;
	*ret = buf_steal(&b);
	return 0;
}
