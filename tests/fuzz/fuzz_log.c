/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: output of a container becomes records (shim/log_format.c) and is read back
 * (runtime/log_line.c). The first two bytes of the input choose where the ring wraps and how much
 * comes at a time; the rest is the output, which may try to look like records.
 *
 * Holds: put together again, the texts of the records are the output, byte for byte in CRI, and in
 * json-file with what is no UTF-8 as U+FFFD; each record is one line of its bounds that has no
 * newline inside, in json-file no control character either; it is taken for nothing but a record
 * of its stream and time, never for one that says that something was lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "runtime/log_line.h"
#include "shim/log_format.h"

#define WHEN INT64_C(1795303260483312487)

struct encoder {
	enum log_driver format;
	bool parts; /* the beginning of a line is logged before the rest is there */
	struct buf scratch, out;
	char *record;
};

/* len bytes from data on, as a ring has them that wraps there. */
static int spans(const uint8_t *data, size_t len, size_t wrap, struct iovec iov[2])
{
	size_t first = wrap && wrap < len ? wrap : len;

	iov[0] = (struct iovec){ (void *)data, first };
	iov[1] = (struct iovec){ (void *)(data + first), len - first };
	return len == 0 ? 0 : first < len ? 2 : 1;
}

static size_t encode(struct encoder *e, const struct iovec *iov, int n, const struct log_piece *p)
{
	size_t len, left = p->text;

	if (e->format == LOG_JSON_FILE)
		return log_json(e->record, LOG_JSON_MAX, iov, n, p, WHEN, STREAM_STDERR);
	len = log_prefix(e->record, WHEN, STREAM_STDERR, p->full ? "F" : "P");
	for (int i = 0; i < n && left > 0; i++) {
		size_t take = iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(e->record + len, iov[i].iov_base, take);
		len += take;
		left -= take;
	}
	e->record[len++] = '\n';
	return len;
}

static void check_record(struct encoder *e, const struct log_piece *p, size_t len)
{
	struct log_line line = { 0 };

	CHECK(len > 1 && len <= LOG_JSON_MAX && e->record[len - 1] == '\n');
	CHECK(!memchr(e->record, '\n', len - 1));
	if (e->format == LOG_JSON_FILE)
		CHECK(fuzz_is_printable(e->record, len - 1));
	CHECK(log_line_parse(e->record, len - 1, &e->scratch, &line) == 0);
	CHECK(line.ns == WHEN && line.stream == STREAM_STDERR && !line.lost);
	CHECK(line.full == p->full);
	CHECK(buf_add(&e->out, line.text, line.len) == 0);
	/* At the end of all output there is no newline, but the record is whole. */
	if (line.full && p->consumed > p->text)
		CHECK(buf_add(&e->out, "\n", 1) == 0);
}

static void run(struct encoder *e, const uint8_t *data, size_t size, size_t wrap, size_t step)
{
	size_t from = 0, there = 0;

	while (from < size) {
		struct log_piece piece;
		struct iovec iov[2];
		enum log_flush flush;
		int n;

		there = there + step < size ? there + step : size;
		flush = there == size ? LOG_FLUSH_END : e->parts ? LOG_FLUSH_PART : LOG_FLUSH_NO;
		for (;;) {
			n = spans(data + from, there - from, wrap, iov);
			if (!log_next(iov, n, flush, &piece))
				break;
			CHECK(piece.text <= LOG_LINE_MAX && piece.text <= there - from);
			CHECK(piece.consumed == piece.text || piece.consumed == piece.text + 1);
			log_trim(iov, n, &piece);
			CHECK(piece.consumed > 0);
			check_record(e, &piece, encode(e, iov, n, &piece));
			from += piece.consumed;
		}
		CHECK(there < size || from == size);
	}
}

/* What json-file keeps of it. */
static void as_utf8(const uint8_t *data, size_t size, struct buf *ret)
{
	for (size_t i = 0; i < size;) {
		size_t n = text_utf8((const char *)data + i, size - i);

		CHECK((n ? buf_add(ret, data + i, n) : buf_puts(ret, "\xef\xbf\xbd")) == 0);
		i += n ? n : 1;
	}
}

static void check_format(enum log_driver format, const uint8_t *data, size_t size, size_t wrap,
                         uint8_t how)
{
	_cleanup_buf_ struct buf want = BUF_INIT(1 << 24);
	size_t step = 1 + (size_t)how * how;
	struct encoder e = { .format = format,
		             .scratch = BUF_INIT(1 << 20),
		             .out = BUF_INIT(1 << 24),
		             .record = xmalloc(LOG_JSON_MAX) };

	/* In json-file a character that is logged in two parts is none: not with such bytes. */
	e.parts = how & 1;
	for (size_t i = 0; i < size && format == LOG_JSON_FILE; i++)
		e.parts = e.parts && data[i] < 0x80;
	run(&e, data, size, wrap, step);
	if (format == LOG_JSON_FILE)
		as_utf8(data, size, &want);
	else
		CHECK(buf_add(&want, data, size) == 0);
	CHECK(e.out.len == want.len);
	CHECK(want.len == 0 || memcmp(e.out.data, want.data, want.len) == 0);
	buf_done(&e.scratch);
	buf_done(&e.out);
	free(e.record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wrap;

	if (size < 3)
		return 0;
	wrap = data[0];
	check_format(LOG_CRI, data + 2, size - 2, wrap, data[1]);
	check_format(LOG_JSON_FILE, data + 2, size - 2, wrap, data[1]);
	return 0;
}
