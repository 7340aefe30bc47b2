/* SPDX-License-Identifier: Apache-2.0 */
/* One record of a log, in either format, and times as people write them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runtime/log_line.h"

#define S INT64_C(1000000000)
#define Z "2026-01-02T03:04:05.000000006Z "

static struct buf scratch = BUF_INIT(1 << 16);

static int parse(const char *line, struct log_line *l)
{
	return log_line_parse(line, strlen(line), &scratch, l);
}

static void test_cri(void **state)
{
	struct log_line l;

	(void)state;
	assert_int_equal(parse(Z "stdout F a b", &l), 0);
	assert_true(l.stream == STREAM_STDOUT && l.full && !l.lost && l.len == 3);
	assert_memory_equal(l.text, "a b", 3);
	assert_int_equal(l.ns, INT64_C(1767323045000000006));
	assert_int_equal(parse(Z "stderr P ", &l), 0);
	assert_true(l.stream == STREAM_STDERR && !l.full && l.len == 0);
	assert_int_equal(parse(Z "stdout F:lost x", &l), 0);
	assert_true(l.full && l.lost);
	assert_int_equal(parse("2026-01-02T03:04:05+01:00 stdout F x", &l), 0);
	assert_int_equal(l.ns, INT64_C(1767319445) * S);
	assert_int_equal(parse("", &l), -EBADMSG);
	assert_int_equal(parse(Z "stdout F", &l), -EBADMSG);
	assert_int_equal(parse(Z "stdin F x", &l), -EBADMSG);
	assert_int_equal(parse(Z "stdout X x", &l), -EBADMSG);
	assert_int_equal(parse(Z "stdout FX x", &l), -EBADMSG);
	assert_int_equal(parse(Z "stdout  x", &l), -EBADMSG);
	assert_int_equal(parse(" stdout F x", &l), -EBADMSG);
	assert_int_equal(parse("yesterday stdout F x", &l), -EBADMSG);
}

#define J(log) "{\"log\":" log ",\"stream\":\"stderr\",\"time\":\"2026-01-02T03:04:05Z\"}"

static void expect_text(const char *line, const char *text, size_t len, bool full)
{
	struct log_line l;

	assert_int_equal(parse(line, &l), 0);
	assert_int_equal(l.stream, STREAM_STDERR);
	assert_int_equal(l.ns, INT64_C(1767323045) * S);
	assert_int_equal(l.len, len);
	assert_memory_equal(l.text, text, len);
	assert_int_equal(l.full, full);
	assert_false(l.lost);
}

static void test_json(void **state)
{
	struct log_line l;

	(void)state;
	expect_text(J("\"a b\\n\""), "a b", 3, true);
	expect_text(J("\"a b\""), "a b", 3, false);
	expect_text(J("\"\\n\""), "", 0, true);
	expect_text(J("\"\""), "", 0, false);
	expect_text(J("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t", 8, false);
	expect_text(J("\"a\\u0000b\""), "a\0b", 3, false);
	expect_text(J("\"\\u00e9\\u20AC\\ud83d\\ude00\""), "\303\251\342\202\254\360\237\230\200",
	            9, false);
	expect_text(J("\"\\ud83d\\n\""), "\357\277\275", 3, true);
	expect_text(J("\"\\ude00\""), "\357\277\275", 3, false);
	/* what others add, in any order */
	expect_text("{ \"time\" : \"2026-01-02T03:04:05Z\" , \"attrs\":{\"a\":[\"}\\\"\",1]},"
	            "\"partial\":true,\"stream\":\"stderr\",\"log\":\"x\"}",
	            "x", 1, false);
	assert_int_equal(
	    parse("{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\","
	          "\"lost\":7}",
	          &l),
	    0);
	assert_true(l.lost && l.full && l.stream == STREAM_STDOUT);
}

static void test_bad_json(void **state)
{
	static const char *const bad[] = {
		"{",
		"{}",
		"{\"log\"}",
		"{\"log\":\"x\"}",
		"{\"log\":1,\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"{\"log\":\"x\",\"stream\":\"stdin\",\"time\":\"2026-01-02T03:04:05Z\"}",
		"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"today\"}",
		"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z\"",
		"{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-01-02T03:04:05Z",
		J("\"\\x\""),
		J("\"\\u12\""),
		J("\"\\u12g4\""),
		J("\"\\ud83d\\u0041\""),
		J("x\""),
		J("{\"a\":1"),
	};
	struct log_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], &l), -EBADMSG);
}

/* Whatever stands in a log: an answer, and none beyond the line's end (the sanitizers look on). */
static void test_garbage(void **state)
{
	static const char whole[] = J("\"a\\u00e9\\ud83d\\ude00\\n\"");
	unsigned int seed = 3;
	struct log_line l;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(whole);
		_cleanup_free_ char *line = xmalloc(len + 1);
		int r;

		memcpy(line, whole, len);
		for (int i = rand_r(&seed) % 4; len && i; i--)
			line[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
		r = log_line_parse(line, len, &scratch, &l);
		assert_true(r == 0 || r == -EBADMSG);
	}
}

static int64_t when(const char *text)
{
	int64_t ns;
	int r = log_when_parse(text, INT64_C(1000000) * S, &ns);

	return r < 0 ? r : ns;
}

static void test_when(void **state)
{
	(void)state;
	setenv("TZ", "UTC-1", 1);
	tzset();
	assert_int_equal(when("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(when("2000-03-01T00:00:00Z"), 951868800 * S);
	assert_int_equal(when("2024-02-29T23:59:59.25Z"), INT64_C(1709251199250000000));
	assert_int_equal(when("2026-01-02T03:04:05.1234567891Z"), INT64_C(1767323045123456789));
	assert_int_equal(when("2026-01-02t03:04:05-00:30"), INT64_C(1767324845) * S);
	/* local time, one hour ahead of UTC */
	assert_int_equal(when("2026-01-02T03:04:05"), INT64_C(1767319445) * S);
	assert_int_equal(when("2026-01-02T03:04"), INT64_C(1767319440) * S);
	assert_int_equal(when("2026-01-02"), INT64_C(1767308400) * S);
	assert_int_equal(when("0"), 0);
	assert_int_equal(when("1767323045"), INT64_C(1767323045) * S);
	assert_int_equal(when("1767323045.5"), INT64_C(1767323045500000000));
	assert_int_equal(when("10m"), 999400 * S);
	assert_int_equal(when("1h30m"), 994600 * S);
	assert_int_equal(when("500ms"), 1000000 * S - S / 2);
	assert_int_equal(when("1000h"), 0);
	assert_int_equal(when(""), -EINVAL);
	assert_int_equal(when("now"), -EINVAL);
	assert_int_equal(when("-10m"), -EINVAL);
	assert_int_equal(when("-1"), -EINVAL);
	assert_int_equal(when("1."), -EINVAL);
	assert_int_equal(when("2023-02-29T00:00:00Z"), -EINVAL);
	assert_int_equal(when("2026-13-01T00:00:00Z"), -EINVAL);
	assert_int_equal(when("2026-00-01T00:00:00Z"), -EINVAL);
	assert_int_equal(when("2026-01-01T24:00:00Z"), -EINVAL);
	assert_int_equal(when("2026-01-01T00:00:00+1:00"), -EINVAL);
	assert_int_equal(when("2026-01-01T00:00:00.Z"), -EINVAL);
	assert_int_equal(when("2026-01-01T00:00:00Zx"), -EINVAL);
	assert_int_equal(when("1969-12-31T23:59:59Z"), -ERANGE);
	assert_int_equal(when("9999-01-01T00:00:00Z"), -ERANGE);
	assert_int_equal(when("99999999999999999999"), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cri),      cmocka_unit_test(test_json),
		cmocka_unit_test(test_bad_json), cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_when),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&scratch);
	return r;
}
