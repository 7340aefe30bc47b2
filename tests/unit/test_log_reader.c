/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log back: what log_feed() wrote comes out again, also while files are rotated. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "runtime/log_reader.h"
#include "shim/log_sink.h"

static char dir_name[] = "/tmp/test-reader-XXXXXX";
static char path[64];
static struct ring ring;
static struct log_cursor cursor;
static struct log_sink sink;

static int setup(void **state)
{
	(void)state;
	strcpy(dir_name + sizeof(dir_name) - 7, "XXXXXX");
	if (!mkdtemp(dir_name) || ring_init(&ring, 65536) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir_name);
	cursor.offset = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_sink_close(&sink);
	ring_done(&ring);
	return file_remove_tree_at(AT_FDCWD, dir_name);
}

static void feed(const char *text, size_t len, enum log_flush flush)
{
	struct iovec iov[2];
	int n = ring_space(&ring, len, iov);

	for (int i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, text, iov[i].iov_len);
		text += iov[i].iov_len;
	}
	ring_commit(&ring, len);
	log_feed(&sink, &cursor, &ring, STREAM_STDOUT, 1, flush);
}

static int collect(void *ctx, const struct log_line *line)
{
	struct buf *b = ctx;

	assert_int_equal(buf_add(b, line->text, line->len), 0);
	return line->full ? buf_add(b, "\n", 1) : 0;
}

static void test_lines(void **state)
{
	struct log_line l;

	(void)state;
	assert_int_equal(log_line_parse("t stdout F a b", 14, &l), 0);
	assert_true(l.stream == STREAM_STDOUT && l.full && !l.lost && l.len == 3);
	assert_memory_equal(l.text, "a b", 3);
	assert_int_equal(log_line_parse("t stderr P ", 11, &l), 0);
	assert_true(l.stream == STREAM_STDERR && !l.full && l.len == 0);
	assert_int_equal(log_line_parse("t stderr F:lost x", 17, &l), 0);
	assert_true(l.full && l.lost);
	assert_int_equal(log_line_parse("", 0, &l), -EBADMSG);
	assert_int_equal(log_line_parse("t stdout F", 10, &l), -EBADMSG);
	assert_int_equal(log_line_parse("t stdin F x", 11, &l), -EBADMSG);
	assert_int_equal(log_line_parse("t stdout X x", 12, &l), -EBADMSG);
	assert_int_equal(log_line_parse("t stdout FX x", 13, &l), -EBADMSG);
	assert_int_equal(log_line_parse("t stdout  x", 11, &l), -EBADMSG);
	assert_int_equal(log_line_parse(" stdout F x", 11, &l), -EBADMSG);
}

static void test_round_trip(void **state)
{
	_cleanup_buf_ struct buf got = BUF_INIT(1 << 24), sent = BUF_INIT(1 << 24);
	struct log_reader r;
	unsigned int seed = 7;
	char text[3000];

	(void)state;
	assert_int_equal(log_sink_open(path, 20000, 100, &sink, NULL), 0);
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	for (int i = 0; i < 300; i++) {
		size_t len = 1 + (size_t)rand_r(&seed) % (sizeof(text) - 1);

		for (size_t k = 0; k < len; k++)
			text[k] = rand_r(&seed) % 300 ? (char)rand_r(&seed) : '\n';
		feed(text, len, LOG_FLUSH_NO);
		assert_int_equal(buf_add(&sent, text, len), 0);
		if (i % 7 == 0)
			assert_int_equal(log_reader_read(&r, collect, &got, NULL), 0);
	}
	feed("end\n", 4, LOG_FLUSH_END);
	assert_int_equal(buf_puts(&sent, "end\n"), 0);
	assert_int_equal(log_reader_read(&r, collect, &got, NULL), 0);
	assert_int_equal(got.len, sent.len);
	assert_memory_equal(got.data, sent.data, sent.len);
	log_reader_done(&r);

	/* From the start, when all is there. */
	got.len = 0;
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	assert_int_equal(log_reader_read(&r, collect, &got, NULL), 0);
	assert_int_equal(got.len, sent.len);
	assert_memory_equal(got.data, sent.data, sent.len);
	log_reader_done(&r);
}

static void test_missing(void **state)
{
	struct log_reader r;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(log_reader_open(path, &r, &err), -ENOENT);
	assert_true(err.msg[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
