/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting output into log records. Works on the ring's spans: nothing is copied. */
#include "shim/log_format.h"

#include <stdio.h>
#include <string.h>

/* Position of the first newline within max bytes; max when there is none. */
static size_t find_newline(const struct iovec *iov, int n, size_t max)
{
	size_t before = 0;

	for (int i = 0; i < n && before < max; i++) {
		size_t len = iov[i].iov_len < max - before ? iov[i].iov_len : max - before;
		const char *p = memchr(iov[i].iov_base, '\n', len);

		if (p)
			return before + (size_t)(p - (const char *)iov[i].iov_base);
		before += len;
	}
	return max;
}

bool log_next(const struct iovec *iov, int n, enum log_flush flush, struct log_piece *ret)
{
	size_t len = 0, window, pos;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	/* One byte more than a line may have: its newline. */
	window = len < LOG_LINE_MAX + 1 ? len : LOG_LINE_MAX + 1;
	pos = find_newline(iov, n, window);
	if (pos < window)
		*ret = (struct log_piece){ .text = pos, .consumed = pos + 1, .full = true };
	else if (len > LOG_LINE_MAX)
		*ret = (struct log_piece){ .text = LOG_LINE_MAX, .consumed = LOG_LINE_MAX };
	else if (len && flush != LOG_FLUSH_NO)
		*ret = (struct log_piece){ .text = len,
			                   .consumed = len,
			                   .full = flush == LOG_FLUSH_END };
	else
		return false;
	return true;
}

size_t log_prefix(char ret[static LOG_PREFIX_SIZE], int64_t ns, enum frame_stream stream,
                  const char *tag)
{
	char when[EXIT_TIME_SIZE];
	int n;

	exit_time_format(ns, when);
	n = snprintf(ret, LOG_PREFIX_SIZE, "%s %s %s ", when,
	             stream == STREAM_STDERR ? "stderr" : "stdout", tag);
	return n < LOG_PREFIX_SIZE ? (size_t)n : LOG_PREFIX_SIZE - 1;
}
