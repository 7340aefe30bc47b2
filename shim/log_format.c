/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting output into log records. Works on the ring's spans: nothing is copied. */
#include "shim/log_format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "shim/wire/exit_record.h"

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

static const char *stream_name(enum frame_stream stream)
{
	return stream == STREAM_STDERR ? "stderr" : "stdout";
}

size_t log_prefix(char ret[static LOG_PREFIX_SIZE], int64_t ns, enum frame_stream stream,
                  const char *tag)
{
	char when[EXIT_TIME_SIZE];
	int n;

	exit_time_format(ns, when);
	n = snprintf(ret, LOG_PREFIX_SIZE, "%s %s %s ", when, stream_name(stream), tag);
	return n < LOG_PREFIX_SIZE ? (size_t)n : LOG_PREFIX_SIZE - 1;
}

/* ---- text formats */

/* Up to 4 bytes from pos on, of which there are at most end; how many. */
static size_t peek(const struct iovec *iov, int n, size_t pos, size_t end, char ret[static 4])
{
	size_t got = 0;

	for (int i = 0; i < n; i++) {
		const char *p = iov[i].iov_base;

		for (; pos < iov[i].iov_len && got < 4 && got < end; got++)
			ret[got] = p[pos++];
		pos -= pos < iov[i].iov_len ? pos : iov[i].iov_len;
	}
	return got;
}

/* How many bytes a character has that begins so; 0: none begins so. */
static size_t utf8_length(unsigned char c)
{
	return c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;
}

void log_trim(const struct iovec *iov, int n, struct log_piece *piece)
{
	if (piece->full || piece->consumed != piece->text)
		return;
	for (size_t back = 1; back < 4 && back < piece->text; back++) {
		char c[4];

		(void)peek(iov, n, piece->text - back, 1, c);
		if (((unsigned char)c[0] & 0xc0) == 0x80)
			continue;
		if (utf8_length((unsigned char)c[0]) > back)
			piece->text = piece->consumed = piece->text - back;
		return;
	}
}

/* Bytes that stand for themselves within a JSON string. */
static size_t plain(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] >= 0x20 && p[n] < 0x7f && p[n] != '"' && p[n] != '\\')
		n++;
	return n;
}

/* len bytes of input as the inside of a JSON string; SIZE_MAX: more than size bytes. */
static size_t escape(char *ret, size_t size, const struct iovec *iov, int n, size_t len)
{
	size_t out = 0, pos = 0, before = 0;

	for (int i = 0; i < n; before += iov[i].iov_len, i++) {
		const char *base = iov[i].iov_base;
		size_t end = before + iov[i].iov_len < len ? before + iov[i].iov_len : len;

		while (pos < end) {
			size_t run = plain(base + (pos - before), end - pos), used;
			char unit[TEXT_UNIT_MAX], next[4];

			if (run > size - out)
				return SIZE_MAX;
			memcpy(ret + out, base + (pos - before), run);
			out += run;
			pos += run;
			if (pos == end)
				break;
			/* A character can have its end in the other span. */
			used = peek(iov, n, pos, len - pos, next);
			run = text_escape_one(unit, next, used, TEXT_JSON, &used);
			if (run > size - out)
				return SIZE_MAX;
			memcpy(ret + out, unit, run);
			out += run;
			pos += used;
		}
	}
	return out;
}

/* What printf would add at `at`; SIZE_MAX when there is no room for it, or was none before. */
__attribute__((format(printf, 4, 5))) static size_t add(char *ret, size_t size, size_t at,
                                                        const char *fmt, ...)
{
	va_list ap;
	int n;

	if (at >= size)
		return SIZE_MAX;
	va_start(ap, fmt);
	n = vsnprintf(ret + at, size - at, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= size - at ? SIZE_MAX : at + (size_t)n;
}

size_t log_json(char *ret, size_t size, const struct iovec *iov, int n,
                const struct log_piece *piece, int64_t ns, enum frame_stream stream)
{
	char when[EXIT_TIME_SIZE];
	size_t len = add(ret, size, 0, "{\"log\":\""), text;

	exit_time_format(ns, when);
	if (len == SIZE_MAX)
		return 0;
	text = escape(ret + len, size - len, iov, n, piece->text);
	if (text == SIZE_MAX)
		return 0;
	len = add(ret, size, len + text, "%s\",\"stream\":\"%s\",\"time\":\"%s\"%s}\n",
	          piece->full ? "\\n" : "", stream_name(stream), when,
	          piece->full ? "" : ",\"partial\":true");
	return len == SIZE_MAX ? 0 : len;
}

/* ---- journald: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */

size_t log_journal(char *ret, size_t size, const char *ident, const struct log_piece *piece,
                   enum frame_stream stream)
{
	/* With its length, since there may be anything in it. */
	size_t len = add(ret, size, 0, "%sPRIORITY=%d\nCONTAINER_STREAM=%s\n%sMESSAGE\n", ident,
	                 stream == STREAM_STDERR ? 3 : 6, stream_name(stream),
	                 piece->full ? "" : "CONTAINER_PARTIAL_MESSAGE=true\n");

	if (len == SIZE_MAX || size - len < 8)
		return 0;
	for (int i = 0; i < 8; i++)
		ret[len++] = (char)((uint64_t)piece->text >> 8 * i);
	return len;
}

size_t log_lost(char ret[static LOG_LOST_MAX], enum log_driver format, const char *ident,
                uint64_t bytes, int error, int64_t ns, enum frame_stream stream)
{
	const char *why = error ? strerrordesc_np(-error) : NULL;
	char what[128], when[EXIT_TIME_SIZE];
	size_t len = SIZE_MAX;

	snprintf(what, sizeof(what), "berth: %" PRIu64 " bytes of output lost: %s", bytes,
	         why ? why : "unknown");
	exit_time_format(ns, when);
	switch (format) {
	case LOG_JSON_FILE:
		len = add(ret, LOG_LOST_MAX, 0,
		          "{\"log\":\"%s\\n\",\"stream\":\"%s\",\"time\":\"%s\",\"lost\":%" PRIu64
		          "}\n",
		          what, stream_name(stream), when, bytes);
		break;
	case LOG_JOURNALD:
		len = add(ret, LOG_LOST_MAX, 0,
		          "%sPRIORITY=4\nCONTAINER_STREAM=%s\nCONTAINER_LOST_BYTES=%" PRIu64
		          "\nMESSAGE=%s\n",
		          ident, stream_name(stream), bytes, what);
		break;
	case LOG_CRI:
	case LOG_DRIVERS:
		len =
		    add(ret, LOG_LOST_MAX, 0, "%s %s F:lost %s\n", when, stream_name(stream), what);
		break;
	}
	return len == SIZE_MAX ? 0 : len;
}
