/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is logged is what was written: streams of bytes through the sink into files that are rotated,
 * and back through the reader of `berth logs`. Random streams in random pieces with random limits
 * (LOG_STREAMS=1000000 and LOG_SEED for another number of them, and for the same ones again), and
 * one stream with the file's limit at each of its offsets. In CRI's format it is the same byte for
 * byte; in json-file what is no UTF-8 is U+FFFD.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "runtime/log_reader.h"
#include "shim/log_sink.h"

#define FILES        24 /* never fewer than a stream has records */
#define STREAM_BYTES 48000
#define RECORDS      20

static char dir_name[64], path[80];
static int dir_fd;
static struct ring ring;
static uint64_t seed;

static uint32_t next(void) /* xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static size_t below(size_t n)
{
	return next() % n;
}

static uint64_t from_env(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir_name, sizeof(dir_name), "%s/test-log-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir_name) || ring_init(&ring, 65536) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir_name);
	dir_fd = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(dir_fd);
	ring_done(&ring);
	return file_remove_tree_at(AT_FDCWD, dir_name);
}

static void open_sink(struct log_sink *sink, enum log_driver format)
{
	struct log_conf conf = { .path = path, .max = 4096, .files = FILES, .format = format };

	assert_int_equal(log_sink_open(&conf, sink, NULL), 0);
	assert_int_equal(sink->way, LOG_TO_FILE);
}

/* No file but an empty one. */
static void empty(struct log_sink *sink)
{
	char name[32];

	for (int i = 1; i < FILES; i++) {
		snprintf(name, sizeof(name), "log.%d", i);
		if (unlinkat(dir_fd, name, 0) < 0)
			break; /* they have no gaps */
	}
	(void)unlinkat(dir_fd, "log", 0);
	assert_int_equal(log_reopen(sink), 0);
}

static void put(const char *data, size_t len)
{
	struct iovec iov[2];
	int n = ring_space(&ring, len, iov);

	for (int i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, data, iov[i].iov_len);
		data += iov[i].iov_len;
	}
	ring_commit(&ring, len);
}

static int collect(void *ctx, const struct log_line *line)
{
	struct buf *b = ctx;
	int r;

	if (line->lost || line->stream != STREAM_STDOUT)
		return -EIO;
	r = buf_add(b, line->text, line->len);
	return r == 0 && line->full ? buf_add(b, "\n", 1) : r;
}

static void read_back(struct buf *b)
{
	struct log_reader reader;
	struct err err = { 0 };

	if (log_reader_open(path, &reader, &err) < 0 ||
	    log_reader_read(&reader, collect, b, &err) < 0)
		fail_msg("%s", err.msg);
	log_reader_done(&reader);
}

static void as_utf8(const char *data, size_t len, struct buf *ret)
{
	while (len > 0) {
		size_t n = text_utf8(data, len), used = n ? n : 1;

		buf_add(ret, n ? data : "\xef\xbf\xbd", n ? n : 3);
		data += used;
		len -= used;
	}
}

/* parts: the beginnings of lines may have been logged before their ends were there. */
static void check(const struct log_sink *sink, const char *data, size_t len, bool parts,
                  const char *what)
{
	_cleanup_buf_ struct buf got = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);

	if (sink->format == LOG_JSON_FILE)
		as_utf8(data, len, &want);
	else
		buf_add(&want, data, len);
	read_back(&got);
	/* The last record is whole ("F"), so it is printed as a line, unless all of it was logged
	 * before the end was known. */
	if (len && data[len - 1] != '\n' && !(parts && got.len == want.len))
		buf_puts(&want, "\n");
	assert_int_equal(sink->lost_total, 0);
	if (got.len != want.len || (got.len && memcmp(got.data, want.data, got.len) != 0))
		fail_msg("%s: %zu bytes became %zu: not what was written", what, want.len, got.len);
}

/* Bytes below 0x80 only: then unfinished lines may be logged at any place in json-file too. */
static size_t make_stream(char *data, bool ascii)
{
	static const char *const pieces[] = {
		"2026-01-02T03:04:05.000000006Z stdout F fake",
		"2026-01-02T03:04:05Z stderr F:lost x",
		"{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"\r\x1b[31m\\\"/",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	};
	size_t len = 0, want = below(100) ? below(200) : below(STREAM_BYTES - 100), lines = 0;

	while (len < want) {
		const char *p = pieces[below(ascii ? 4 : 5)];

		switch (below(8)) {
		case 0:
			if (++lines > RECORDS - STREAM_BYTES / LOG_LINE_MAX - 6)
				return len;
			data[len++] = '\n';
			break;
		case 1:
			memcpy(data + len, p, strlen(p));
			len += strlen(p);
			break;
		case 2:
			if (want > 1000) {
				size_t n = below(want - len + 1);

				memset(data + len, 'x', n);
				len += n;
			}
			break;
		default:
			data[len] = (char)(next() & (ascii ? 0x7f : 0xff));
			if (data[len] != '\n')
				len++;
		}
	}
	return len;
}

static void log_all(struct log_sink *sink, const char *data, size_t len, bool parts)
{
	struct log_cursor cursor = { ring.head };
	int n_parts = 0;

	for (size_t at = 0; at < len;) {
		size_t n = 1 + below(len - at < 16384 ? len - at : 16384);
		enum log_flush flush = LOG_FLUSH_NO;

		if (parts && n_parts < 4 && below(3) == 0) {
			flush = LOG_FLUSH_PART;
			n_parts++;
		}
		put(data + at, n);
		at += n;
		assert_true(log_feed(sink, &cursor, &ring, STREAM_STDOUT, 1 + (int64_t)at, flush));
	}
	assert_true(log_feed(sink, &cursor, &ring, STREAM_STDOUT, 1 << 20, LOG_FLUSH_END));
	assert_int_equal(cursor.offset, ring.head);
}

static void test_random_streams(void **state)
{
	static const enum log_driver formats[] = { LOG_CRI, LOG_JSON_FILE };
	uint64_t n = from_env("LOG_STREAMS", 1500), first;
	char *data = xmalloc(STREAM_BYTES + 1000);
	struct log_sink sinks[ARRAY_SIZE(formats)];
	bool rotated = false;

	(void)state;
	seed = first = from_env("LOG_SEED", (uint64_t)time(NULL) * 2 + 1);
	printf("# LOG_SEED=%llu LOG_STREAMS=%llu\n", (unsigned long long)first,
	       (unsigned long long)n);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		open_sink(&sinks[i], formats[i]);
	for (uint64_t i = 0; i < n; i++) {
		struct log_sink *sink = &sinks[i % ARRAY_SIZE(formats)];
		bool parts = below(2), ascii = sink->format == LOG_JSON_FILE && parts;
		size_t len = make_stream(data, ascii);
		char what[64];

		snprintf(what, sizeof(what), "stream %llu of seed %llu", (unsigned long long)i,
		         (unsigned long long)first);
		empty(sink);
		sink->max = 1 + below(below(2) ? 300 : 2 * len + 300);
		log_all(sink, data, len, parts);
		rotated |= faccessat(dir_fd, "log.3", F_OK, 0) == 0;
		check(sink, data, len, parts, what);
	}
	assert_true(rotated);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		log_sink_close(&sinks[i]);
	free(data);
}

static void test_every_offset(void **state)
{
	static const char data[] = "one\n\ntwo \xc3\xa9\n\xff{}\nlast\n\n";
	static const enum log_driver formats[] = { LOG_CRI, LOG_JSON_FILE };

	(void)state;
	seed = 1;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct log_sink sink;
		int files_before = 0, changes = 0;

		open_sink(&sink, formats[i]);
		for (size_t max = 1; max < 700; max++) {
			char what[32];
			int files = 0;

			snprintf(what, sizeof(what), "limit %zu", max);
			empty(&sink);
			sink.max = max;
			log_all(&sink, data, sizeof(data) - 1, false);
			check(&sink, data, sizeof(data) - 1, false, what);
			for (char name[32]; files < FILES; files++) {
				snprintf(name, sizeof(name), "log.%d", files + 1);
				if (faccessat(dir_fd, name, F_OK, 0) < 0)
					break;
			}
			changes += files != files_before;
			files_before = files;
		}
		assert_int_equal(files_before, 0); /* all of it fitted in the end */
		assert_true(changes > 2);
		log_sink_close(&sink);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_offset, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
