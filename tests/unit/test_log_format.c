/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting into records: borders of lines and of spans, and that parse(format(bytes)) == bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "runtime/log_line.h"
#include "shim/log_format.h"

static bool next(const char *text, size_t len, size_t split, enum log_flush flush,
                 struct log_piece *p)
{
	struct iovec iov[2] = { { (void *)text, split }, { (void *)(text + split), len - split } };

	if (!split)
		return log_next(iov + 1, len ? 1 : 0, flush, p);
	return log_next(iov, split < len ? 2 : 1, flush, p);
}

static void test_lines(void **state)
{
	struct log_piece p;

	(void)state;
	for (size_t split = 0; split <= 7; split++) {
		assert_true(next("abc\ndef", 7, split, LOG_FLUSH_NO, &p));
		assert_true(p.text == 3 && p.consumed == 4 && p.full);
	}
	assert_true(next("\n", 1, 0, LOG_FLUSH_NO, &p));
	assert_true(p.text == 0 && p.consumed == 1 && p.full);
	assert_false(next("abc", 3, 1, LOG_FLUSH_NO, &p));
	assert_true(next("abc", 3, 1, LOG_FLUSH_PART, &p));
	assert_true(p.text == 3 && p.consumed == 3 && !p.full);
	assert_true(next("abc", 3, 1, LOG_FLUSH_END, &p));
	assert_true(p.text == 3 && p.consumed == 3 && p.full);
	/* never an empty record at the end */
	assert_false(next("", 0, 0, LOG_FLUSH_END, &p));
	assert_false(next("", 0, 0, LOG_FLUSH_PART, &p));
}

static void test_longest_line(void **state)
{
	static char text[LOG_LINE_MAX + 2];
	struct log_piece p;

	(void)state;
	memset(text, 'x', sizeof(text));
	/* exactly the limit: its newline may still come */
	assert_false(next(text, LOG_LINE_MAX, 100, LOG_FLUSH_NO, &p));
	text[LOG_LINE_MAX] = '\n';
	assert_true(next(text, LOG_LINE_MAX + 1, 100, LOG_FLUSH_NO, &p));
	assert_true(p.text == LOG_LINE_MAX && p.consumed == LOG_LINE_MAX + 1 && p.full);
	text[LOG_LINE_MAX] = 'x';
	assert_true(next(text, LOG_LINE_MAX + 1, 100, LOG_FLUSH_NO, &p));
	assert_true(p.text == LOG_LINE_MAX && p.consumed == LOG_LINE_MAX && !p.full);
	text[LOG_LINE_MAX + 1] = '\n';
	assert_true(next(text, LOG_LINE_MAX + 2, 100, LOG_FLUSH_END, &p));
	assert_true(p.consumed == LOG_LINE_MAX && !p.full);
}

static void test_prefix(void **state)
{
	char b[LOG_PREFIX_SIZE];

	(void)state;
	assert_int_equal(log_prefix(b, INT64_C(1767323045000000006), STREAM_STDOUT, "F"), 40);
	assert_string_equal(b, "2026-01-02T03:04:05.000000006Z stdout F ");
	log_prefix(b, 1, STREAM_STDERR, "P");
	assert_string_equal(b, "1970-01-01T00:00:00.000000001Z stderr P ");
}

/* Random bytes, many newlines, random splits: the pieces put together are the input. */
static void test_random(void **state)
{
	static char text[40000], got[40000];
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(text), pos = 0, out = 0;
		int rare = 1 + rand_r(&seed) % 20000;
		struct log_piece p;

		for (size_t i = 0; i < len; i++)
			text[i] = rand_r(&seed) % rare ? (char)rand_r(&seed) : '\n';
		while (next(text + pos, len - pos, (size_t)rand_r(&seed) % (len - pos + 1),
		            LOG_FLUSH_END, &p)) {
			assert_true(p.text <= LOG_LINE_MAX && p.consumed >= 1);
			assert_null(memchr(text + pos, '\n', p.text));
			memcpy(got + out, text + pos, p.text);
			out += p.text;
			if (p.consumed > p.text)
				got[out++] = '\n';
			pos += p.consumed;
		}
		assert_int_equal(pos, len);
		assert_int_equal(out, len);
		assert_memory_equal(got, text, len);
	}
}

static size_t json(const char *text, size_t len, size_t split, bool full, char *ret, size_t size)
{
	struct iovec iov[2] = { { (void *)text, split }, { (void *)(text + split), len - split } };
	struct log_piece piece = { .text = len, .consumed = len, .full = full };

	return log_json(ret, size, iov, 2, &piece, 1, STREAM_STDERR);
}

#define JSON_END "\",\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:00.000000001Z\""

static void test_json(void **state)
{
	char got[512];
	size_t n;

	(void)state;
	n = json("a\"b", 3, 1, true, got, sizeof(got));
	got[n] = '\0';
	assert_string_equal(got, "{\"log\":\"a\\\"b\\n" JSON_END "}\n");
	n = json("", 0, 0, false, got, sizeof(got));
	got[n] = '\0';
	assert_string_equal(got, "{\"log\":\"" JSON_END ",\"partial\":true}\n");
	n = json("\377\0", 2, 1, true, got, sizeof(got));
	got[n] = '\0';
	assert_string_equal(got, "{\"log\":\"\357\277\275\\u0000\\n" JSON_END "}\n");
	for (size_t size = 0; size < n; size++)
		assert_int_equal(json("\377\0", 2, 1, true, got, size), 0);
}

/* Valid text comes back as it was, wherever the ring ends, and whatever the record's length. */
static void test_json_round_trip(void **state)
{
	static const char *const some[] = {
		"a",    "\"",       "\\", "\1", "\303\251", "\342\202\254", "\360\237\230\200",
		"\177", "\302\205", " "
	};
	static char got[LOG_JSON_MAX];
	_cleanup_buf_ struct buf scratch = BUF_INIT(1 << 20);
	unsigned int seed = 5;

	(void)state;
	for (int round = 0; round < 500; round++) {
		_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
		struct log_line line;
		size_t n;

		assert_int_equal(buf_puts(&text, ""), 0);
		for (int i = rand_r(&seed) % 200; i; i--)
			assert_int_equal(
			    buf_puts(&text, some[(size_t)rand_r(&seed) % ARRAY_SIZE(some)]), 0);
		n = json(text.data, text.len, (size_t)rand_r(&seed) % (text.len + 1), round & 1,
		         got, sizeof(got));
		assert_true(n > 0 && got[n - 1] == '\n');
		assert_int_equal(log_line_parse(got, n - 1, &scratch, &line), 0);
		assert_int_equal(line.len, text.len);
		assert_memory_equal(line.text, text.data, text.len);
		assert_int_equal(line.full, round & 1);
		assert_true(line.stream == STREAM_STDERR && line.ns == 1 && !line.lost);
	}
}

/* The longest line of the worst bytes fits. */
static void test_json_longest(void **state)
{
	static char text[LOG_LINE_MAX], got[LOG_JSON_MAX];

	(void)state;
	memset(text, 1, sizeof(text));
	assert_in_range(json(text, sizeof(text), 77, false, got, sizeof(got)), 6 * LOG_LINE_MAX,
	                LOG_JSON_MAX);
}

static size_t trim(const char *text, size_t len, size_t split)
{
	struct iovec iov[2] = { { (void *)text, split }, { (void *)(text + split), len - split } };
	struct log_piece piece = { .text = len, .consumed = len };

	log_trim(iov, 2, &piece);
	assert_int_equal(piece.text, piece.consumed);
	return piece.text;
}

static void test_trim(void **state)
{
	(void)state;
	for (size_t split = 0; split <= 4; split++) {
		assert_int_equal(trim("ab\303\251", 4, split), 4);
		assert_int_equal(trim("abc\303", 4, split), 3);
		assert_int_equal(trim("ab\342\202", 4, split), 2);
		assert_int_equal(trim("a\360\237\230", 4, split), 1);
		assert_int_equal(trim("a\342\202\254", 4, split), 4);
		/* nothing that could become one, and nothing else to log */
		assert_int_equal(trim("a\200\200\200", 4, split), 4);
	}
	assert_int_equal(trim("\303", 1, 0), 1);
	assert_int_equal(trim("", 0, 0), 0);
}

static void test_journal(void **state)
{
	struct log_piece piece = { .text = 0x0102, .consumed = 0x0103, .full = true };
	char got[256];
	size_t n = log_journal(got, sizeof(got), "A=b\n", &piece, STREAM_STDOUT);

	(void)state;
	assert_int_equal(n, 4 + strlen("PRIORITY=6\nCONTAINER_STREAM=stdout\nMESSAGE\n") + 8);
	assert_memory_equal(
	    got, "A=b\nPRIORITY=6\nCONTAINER_STREAM=stdout\nMESSAGE\n\2\1\0\0\0\0\0\0", n);
	for (size_t size = 0; size < n; size++)
		assert_int_equal(log_journal(got, size, "A=b\n", &piece, STREAM_STDOUT), 0);
	piece.full = false;
	n = log_journal(got, sizeof(got), "", &piece, STREAM_STDERR);
	got[n - 8] = '\0';
	assert_string_equal(got, "PRIORITY=3\nCONTAINER_STREAM=stderr\n"
	                         "CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE\n");
}

static void test_lost(void **state)
{
	_cleanup_buf_ struct buf scratch = BUF_INIT(1 << 16);
	char got[LOG_LOST_MAX];
	struct log_line line;
	size_t n;

	(void)state;
	for (int driver = LOG_CRI; driver <= LOG_JSON_FILE; driver++) {
		n = log_lost(got, (enum log_driver)driver, "", 77, -ENOSPC, 9, STREAM_STDOUT);
		assert_true(n > 0 && got[n - 1] == '\n');
		assert_int_equal(log_line_parse(got, n - 1, &scratch, &line), 0);
		assert_true(line.lost && line.full && line.ns == 9);
		assert_memory_equal(line.text, "berth: 77 bytes of output lost: No space", 40);
	}
	n = log_lost(got, LOG_JOURNALD, "A=b\n", 77, 0, 9, STREAM_STDOUT);
	got[n] = '\0';
	assert_string_equal(got,
	                    "A=b\nPRIORITY=4\nCONTAINER_STREAM=stdout\nCONTAINER_LOST_BYTES=77\n"
	                    "MESSAGE=berth: 77 bytes of output lost: unknown\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_prefix),       cmocka_unit_test(test_random),
		cmocka_unit_test(test_json),         cmocka_unit_test(test_json_round_trip),
		cmocka_unit_test(test_json_longest), cmocka_unit_test(test_trim),
		cmocka_unit_test(test_journal),      cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
