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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_longest_line),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
