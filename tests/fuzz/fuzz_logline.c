/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log that others may have written, or damaged: `berth logs` reads it. The input is the file, with
 * a line each.
 *
 * Holds: a record's text lies in its line or in the scratch buffer, its time is one that can be
 * written again, its stream is one of output; a line that is one in CRI's format is written again
 * as the same line, if it has the form that we write.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "runtime/log_line.h"
#include "shim/log_format.h"

static bool is_inside(const struct log_line *l, const char *start, size_t len)
{
	return l->text >= start && l->text + l->len <= start + len;
}

static void check_again(const char *line, size_t len, const struct log_line *l)
{
	char prefix[LOG_PREFIX_SIZE];
	size_t n = log_prefix(prefix, l->ns, l->stream, l->lost ? "F:lost" : l->full ? "F" : "P");
	struct log_line again = { 0 };
	struct buf none = BUF_INIT(1);

	CHECK(n < LOG_PREFIX_SIZE);
	if (len >= n && memcmp(line, prefix, n) == 0)
		CHECK(l->text == line + n && l->len == len - n);
	/* Without a text it is a record still. */
	CHECK(log_line_parse(prefix, n, &none, &again) == 0);
	CHECK(again.ns == l->ns && again.stream == l->stream && again.full == l->full &&
	      again.lost == l->lost && again.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf scratch = BUF_INIT(1 << 20);
	const char *p = (const char *)data, *end = p + size;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		struct log_line l = { 0 };
		int r = log_line_parse(p, len, &scratch, &l);

		CHECK(r == 0 || r == -EBADMSG || r == -EFBIG);
		if (r == 0) {
			CHECK(l.stream == STREAM_STDOUT || l.stream == STREAM_STDERR);
			CHECK(l.ns >= 0);
			CHECK(is_inside(&l, p, len) ||
			      is_inside(&l, scratch.data, scratch.len + 1));
			if (p[0] != '{')
				check_again(p, len, &l);
		}
		p += len + 1;
	}
	return 0;
}
