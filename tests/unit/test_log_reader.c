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
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "runtime/log_reader.h"
#include "shim/log_sink.h"

static char dir_name[] = "/tmp/test-reader-XXXXXX";
static char path[64];
static struct ring ring;
static struct log_cursor cursor;
static struct log_sink sink;

static int open_sink(const char *where, size_t max, int files)
{
	struct log_conf conf = { .path = where, .max = max, .files = files };

	return log_sink_open(&conf, &sink, NULL);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir_name + sizeof(dir_name) - 7, "XXXXXX");
	sink = (struct log_sink){ .fd = FD_INVALID, .dir_fd = FD_INVALID };
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

static void test_round_trip(void **state)
{
	_cleanup_buf_ struct buf got = BUF_INIT(1 << 24), sent = BUF_INIT(1 << 24);
	struct log_reader r;
	unsigned int seed = 7;
	char text[3000];

	(void)state;
	assert_int_equal(open_sink(path, 20000, 100), 0);
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

/* Read what there is; it must be this. */
static void expect_read(struct log_reader *r, const char *expected)
{
	_cleanup_buf_ struct buf got = BUF_INIT(1 << 20);

	assert_int_equal(buf_puts(&got, ""), 0);
	assert_int_equal(log_reader_read(r, collect, &got, NULL), 0);
	assert_string_equal(got.data, expected);
}

static void put(const char *name, const char *text, int flags)
{
	char file[96];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", dir_name, name);
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(fd);
}

static void move(const char *from, const char *to)
{
	char a[96], b[96];

	snprintf(a, sizeof(a), "%s/%s", dir_name, from);
	snprintf(b, sizeof(b), "%s/%s", dir_name, to);
	assert_int_equal(rename(a, b), 0);
}

#define R(n) "2026-01-02T03:04:05.00000000" n "Z stdout F " n "\n"

/* Cut by somebody while we read: what is written from then on is not missed. */
static void test_cut(void **state)
{
	struct log_reader r;

	(void)state;
	put("log", R("1") R("2"), 0);
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	expect_read(&r, "1\n2\n");
	put("log", "", O_TRUNC);
	expect_read(&r, "");
	put("log", R("3"), 0);
	expect_read(&r, "3\n");
	/* Cut, and as long as before again when we look, and longer. */
	put("log", R("4"), O_TRUNC);
	expect_read(&r, "4\n");
	put("log", R("5") R("6"), O_TRUNC);
	expect_read(&r, "5\n6\n");
	expect_read(&r, "");
	log_reader_done(&r);
}

/* Renamed by somebody, who makes the new file before the writer uses it. */
static void test_renamed(void **state)
{
	struct log_reader r;

	(void)state;
	put("log.1", R("0"), 0);
	put("log", R("1"), 0);
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	expect_read(&r, "0\n1\n");
	move("log", "old");
	put("log", "", 0);
	put("old", R("2"), 0);
	expect_read(&r, "2\n");
	put("old", R("3"), 0);
	put("log", R("4"), 0);
	expect_read(&r, "3\n4\n");
	log_reader_done(&r);
}

/* Files that are gone before they are read, but not before they are seen. */
static void test_removed(void **state)
{
	struct log_reader r;

	(void)state;
	put("log", R("1"), 0);
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	assert_int_equal(log_reader_watch(&r, NULL), 0);
	assert_false(log_reader_missed(&r));
	for (int i = 0; i < 3; i++) {
		char file[96];

		snprintf(file, sizeof(file), "%s/log", dir_name);
		assert_int_equal(unlink(file), 0);
		put("log", i == 0 ? R("2") : i == 1 ? R("3") : R("4"), O_EXCL);
		assert_false(log_reader_missed(&r));
	}
	expect_read(&r, "1\n2\n3\n4\n");
	/* Two between two looks: one of them is missed, and that is said once. */
	for (int i = 0; i < 2; i++) {
		char file[96];

		snprintf(file, sizeof(file), "%s/log", dir_name);
		assert_int_equal(unlink(file), 0);
		put("log", i ? R("6") : R("5"), O_EXCL);
	}
	assert_true(log_reader_missed(&r));
	expect_read(&r, "6\n");
	assert_false(log_reader_missed(&r));
	log_reader_done(&r);
}

/* Twice from the beginning, for --tail; and not beyond what was there. */
static void test_rewind(void **state)
{
	struct log_reader r;

	(void)state;
	put("log.1", R("1"), 0);
	put("log", R("2"), 0);
	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	assert_int_equal(log_reader_rewind(&r), -EINVAL);
	r.keep = true;
	expect_read(&r, "1\n2\n");
	move("log.1", "log.2");
	move("log", "log.1");
	put("log", R("3"), 0);
	assert_int_equal(log_reader_rewind(&r), 0);
	expect_read(&r, "1\n2\n3\n");
	log_reader_done(&r);

	assert_int_equal(log_reader_open(path, &r, NULL), 0);
	assert_int_equal(log_reader_limit(&r), 0);
	put("log", R("4"), 0);
	expect_read(&r, "1\n2\n3\n");
	expect_read(&r, "");
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
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rewind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
