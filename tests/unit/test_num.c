/* SPDX-License-Identifier: Apache-2.0 */
/* Number parsing: whole strings or nothing; the result stays alone on failure. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"

#define UNTOUCHED 4711

/* What no parser here accepts. */
static const char *const garbage[] = {
	"",     " ",         "+1",   " 1",  "1 ",  "\t1", "1\n", "0x1",  "0X1", "1e3",
	"1.0x", "--1",       "-",    "+",   "a",   "1a",  "1,0", "1_0",  "0b1", "١",
	"１",   "1\xc2\xa0", "\xff", "nan", "inf", "1 2", "- 1", "NULL", "1:",  ":1",
};

static void test_u64(void **state)
{
	static const struct {
		const char *in;
		uint64_t out;
	} good[] = { { "0", 0 },
		     { "00", 0 },
		     { "007", 7 },
		     { "9007199254740993", 9007199254740993ULL },
		     { "18446744073709551615", UINT64_MAX } };
	static const char *const range[] = { "18446744073709551616", "18446744073709551620",
		                             "99999999999999999999", "100000000000000000000000" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(num_parse_u64(good[i].in, &v), 0);
		assert_true(v == good[i].out);
	}
	v = UNTOUCHED;
	for (size_t i = 0; i < ARRAY_SIZE(range); i++)
		assert_int_equal(num_parse_u64(range[i], &v), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(num_parse_u64(garbage[i], &v), -EINVAL);
	assert_int_equal(num_parse_u64("-1", &v), -EINVAL);
	assert_int_equal(num_parse_u64("99999999999999999999x", &v), -EINVAL);
	assert_int_equal(num_parse_u64(NULL, &v), -EINVAL);
	assert_int_equal(v, UNTOUCHED);
}

static void test_i64(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(num_parse_i64("-9223372036854775808", &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(num_parse_i64("9223372036854775807", &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(num_parse_i64("-0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(num_parse_i64("-17", &v), 0);
	assert_int_equal(v, -17);
	v = UNTOUCHED;
	assert_int_equal(num_parse_i64("9223372036854775808", &v), -ERANGE);
	assert_int_equal(num_parse_i64("-9223372036854775809", &v), -ERANGE);
	assert_int_equal(num_parse_i64("18446744073709551616", &v), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(num_parse_i64(garbage[i], &v), -EINVAL);
	assert_int_equal(num_parse_i64(NULL, &v), -EINVAL);
	assert_int_equal(v, UNTOUCHED);
}

static void test_small(void **state)
{
	uint32_t u = UNTOUCHED;
	unsigned int o = UNTOUCHED;
	int i = UNTOUCHED;

	(void)state;
	assert_int_equal(num_parse_u32("4294967296", &u), -ERANGE);
	assert_int_equal(num_parse_u32("-1", &u), -EINVAL);
	assert_int_equal(u, UNTOUCHED);
	assert_int_equal(num_parse_u32("4294967295", &u), 0);
	assert_true(u == UINT32_MAX);
	assert_int_equal(num_parse_int("2147483648", &i), -ERANGE);
	assert_int_equal(num_parse_int("-2147483649", &i), -ERANGE);
	assert_int_equal(i, UNTOUCHED);
	assert_int_equal(num_parse_int("-2147483648", &i), 0);
	assert_true(i == INT_MIN);
	assert_int_equal(num_parse_octal("8", &o), -EINVAL);
	assert_int_equal(num_parse_octal("0o17", &o), -EINVAL);
	assert_int_equal(num_parse_octal("40000000000", &o), -ERANGE);
	assert_int_equal(o, UNTOUCHED);
	assert_int_equal(num_parse_octal("0755", &o), 0);
	assert_int_equal(o, 0755);
	assert_int_equal(num_parse_octal("7", &o), 0);
	assert_int_equal(o, 7);
}

static void test_size(void **state)
{
	static const struct {
		const char *in;
		int64_t out;
	} good[] = {
		{ "0", 0 },
		{ "-1", -1 },
		{ "10", 10 },
		{ "10b", 10 },
		{ "10B", 10 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "1kb", 1024 },
		{ "1KiB", 1024 },
		{ "1Kib", 1024 },
		{ "2m", 2 << 20 },
		{ "3G", 3LL << 30 },
		{ "1t", 1LL << 40 },
		{ "8388607t", 8388607LL << 40 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const bad[] = { "",    "-",   "-2",   "k",    "1kk", "1ki",
		                           "1bb", "1ib", "1.5g", "1 k",  "+1k", "1p",
		                           "1bk", "-1k", "0x10", "1kb ", "K1",  "1\x0b" };
	static const char *const range[] = { "9223372036854775808", "8388608t", "8589934592g",
		                             "18446744073709551616k", "99999999999999999999b" };
	int64_t v = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(num_parse_size(bad[i], &v), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(range); i++)
		assert_int_equal(num_parse_size(range[i], &v), -ERANGE);
	assert_int_equal(num_parse_size(NULL, &v), -EINVAL);
	assert_int_equal(v, UNTOUCHED);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(num_parse_size(good[i].in, &v), 0);
		assert_true(v == good[i].out);
	}
}

static void test_duration(void **state)
{
	static const struct {
		const char *in;
		int64_t out;
	} good[] = {
		{ "0", 0 },
		{ "10", 10000 },
		{ "1.5", 1500 },
		{ "500ms", 500 },
		{ "10s", 10000 },
		{ "2m", 120000 },
		{ "1h30m", 5400000 },
		{ "1h1ms", 3600001 },
		{ "1.5h", 5400000 },
		{ "0.0019", 1 },
		{ "1m0.25s", 60250 },
		{ "0.1ms", 0 },
		{ "1.0000000000000001s", 1000 },
	};
	static const char *const bad[] = { "",     " ",   "s",   "ms",  "-1",  "+1",    "1.",
		                           ".5",   "1.s", "1x",  "1 s", "1s ", "1m1",   "30m1h",
		                           "1s1s", "1hm", "1ss", "1d",  "1e3", "1.5.5", "1smm" };
	int64_t v = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(num_parse_duration_ms(bad[i], &v), -EINVAL);
	assert_int_equal(num_parse_duration_ms("9223372036854776h", &v), -ERANGE);
	assert_int_equal(num_parse_duration_ms("9223372036854775807", &v), -ERANGE);
	assert_int_equal(num_parse_duration_ms("99999999999999999999", &v), -ERANGE);
	assert_int_equal(num_parse_duration_ms(NULL, &v), -EINVAL);
	assert_int_equal(v, UNTOUCHED);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(num_parse_duration_ms(good[i].in, &v), 0);
		assert_true(v == good[i].out);
	}
}

/* `exec -u`: a string is the ids it says, or an error; it is never uid 0 by accident. */
static void test_user(void **state)
{
	enum { NONE = UNTOUCHED };
	static const struct {
		const char *in;
		int r;
		uid_t uid;
		gid_t gid;
	} rows[] = {
		{ "0", 0, 0, NONE },
		{ "1", 0, 1, NONE },
		{ "1:2", 0, 1, 2 },
		{ "0:0", 0, 0, 0 },
		{ "1000:0", 0, 1000, 0 },
		{ "65534:65534", 0, 65534, 65534 },
		{ "2147483647", 0, 2147483647, NONE },
		{ "2147483648", 0, 2147483648U, NONE },
		{ "4294967294", 0, 4294967294U, NONE },
		{ "4294967294:4294967294", 0, 4294967294U, 4294967294U },
		{ "007:08", 0, 7, 8 },
		{ "4294967295", -ERANGE, 0, 0 },
		{ "4294967296", -ERANGE, 0, 0 },
		{ "4294967297", -ERANGE, 0, 0 },
		{ "1:4294967295", -ERANGE, 0, 0 },
		{ "1:4294967296", -ERANGE, 0, 0 },
		{ "9223372036854775807", -ERANGE, 0, 0 },
		{ "9223372036854775808", -ERANGE, 0, 0 },
		{ "18446744073709551615", -ERANGE, 0, 0 },
		{ "18446744073709551616", -ERANGE, 0, 0 },
		{ "18446744073709551617:1", -ERANGE, 0, 0 },
		{ "1:18446744073709551617", -ERANGE, 0, 0 },
		{ "", -EINVAL, 0, 0 },
		{ ":", -EINVAL, 0, 0 },
		{ ":5", -EINVAL, 0, 0 },
		{ "1:", -EINVAL, 0, 0 },
		{ "-1", -EINVAL, 0, 0 },
		{ "-0", -EINVAL, 0, 0 },
		{ "+1", -EINVAL, 0, 0 },
		{ " 1", -EINVAL, 0, 0 },
		{ "1 ", -EINVAL, 0, 0 },
		{ "1 :2", -EINVAL, 0, 0 },
		{ "1: 2", -EINVAL, 0, 0 },
		{ "1:2 ", -EINVAL, 0, 0 },
		{ "1:-2", -EINVAL, 0, 0 },
		{ "1:+2", -EINVAL, 0, 0 },
		{ "1:2:3", -EINVAL, 0, 0 },
		{ "1::2", -EINVAL, 0, 0 },
		{ "1:2:", -EINVAL, 0, 0 },
		{ "0x1", -EINVAL, 0, 0 },
		{ "1:0x2", -EINVAL, 0, 0 },
		{ "1e3", -EINVAL, 0, 0 },
		{ "1.0", -EINVAL, 0, 0 },
		{ "1,2", -EINVAL, 0, 0 },
		{ "1.2", -EINVAL, 0, 0 },
		{ "a", -EINVAL, 0, 0 },
		{ "root", -EINVAL, 0, 0 },
		{ "a:b", -EINVAL, 0, 0 },
		{ "1:b", -EINVAL, 0, 0 },
		{ "1a", -EINVAL, 0, 0 },
		{ "1:2a", -EINVAL, 0, 0 },
		{ "4294967296a", -EINVAL, 0, 0 },
		{ "\n1", -EINVAL, 0, 0 },
		{ "1\n", -EINVAL, 0, 0 },
		{ "\xd9\xa1", -EINVAL, 0, 0 },     /* ARABIC-INDIC DIGIT ONE */
		{ "\xef\xbc\x91", -EINVAL, 0, 0 }, /* FULLWIDTH DIGIT ONE */
		{ "1\xef\xbc\x9a"
		  "2",
		  -EINVAL, 0, 0 }, /* FULLWIDTH COLON */
		{ "\xff", -EINVAL, 0, 0 },
	};

	(void)state;
	_Static_assert(ARRAY_SIZE(rows) >= 40, "the table is the point");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uid_t uid = UNTOUCHED;
		gid_t gid = UNTOUCHED;

		if (num_parse_user(rows[i].in, &uid, &gid) != rows[i].r)
			fail_msg("\"%s\": wrong result", rows[i].in);
		if (rows[i].r < 0) {
			assert_int_equal(uid, UNTOUCHED);
			assert_int_equal(gid, UNTOUCHED);
		} else {
			assert_int_equal(uid, rows[i].uid);
			assert_int_equal(gid, rows[i].gid);
		}
	}
	assert_int_equal(num_parse_user(NULL, NULL, NULL), -EINVAL);
}

/* What was accepted prints as it was read, for strings over the alphabet that matters. */
static void test_user_property(void **state)
{
	static const char alphabet[] = "0129:-+ x";
	const size_t base = sizeof(alphabet) - 1;
	unsigned int accepted = 0;

	(void)state;
	for (size_t n = 0; n < base * base * base * base * base; n++) {
		char s[6], back[32];
		uid_t uid = UNTOUCHED;
		gid_t gid = UNTOUCHED;
		size_t rest = n;

		for (size_t i = 0; i < 5; i++, rest /= base)
			s[i] = alphabet[rest % base];
		s[5] = '\0';
		if (num_parse_user(s, &uid, &gid) < 0)
			continue;
		accepted++;
		if (s[0] == '0' || strstr(s, ":0")) /* leading zeros don't print back */
			continue;
		if (strchr(s, ':'))
			snprintf(back, sizeof(back), "%u:%u", uid, gid);
		else
			snprintf(back, sizeof(back), "%u", uid);
		assert_string_equal(back, s);
	}
	/* 4^5 plain numbers, and 4^4 for each of the three places of a colon. */
	assert_int_equal(accepted, 1024 + 3 * 256);
}

static void test_set(void **state)
{
	static const struct {
		const char *in;
		int r;
		uint64_t first, second; /* words */
	} rows[] = {
		{ "", 0, 0, 0 },
		{ "0", 1, 1, 0 },
		{ "0-1,3", 3, 0xb, 0 },
		{ "3, 1 , 1", 2, 0xa, 0 },
		{ "0-63", 64, UINT64_MAX, 0 },
		{ "63-64", 2, UINT64_C(1) << 63, 1 },
		{ "127,", 1, 0, UINT64_C(1) << 63 },
		{ "128", -ERANGE, 0, 0 },
		{ "0-128", -ERANGE, 0, 0 },
		{ "18446744073709551616", -ERANGE, 0, 0 },
		{ "1-0", -EINVAL, 0, 0 },
		{ "-1", -EINVAL, 0, 0 },
		{ "1-", -EINVAL, 0, 0 },
		{ "1-2-3", -EINVAL, 0, 0 },
		{ "0x1", -EINVAL, 0, 0 },
		{ "a", -EINVAL, 0, 0 },
		{ "1\n", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bits[2] = { 7, 7 };
		int r = num_parse_set(rows[i].in, bits, 128);

		if (r != rows[i].r ||
		    (r >= 0 && (bits[0] != rows[i].first || bits[1] != rows[i].second)))
			fail_msg("\"%s\": %d", rows[i].in, r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),  cmocka_unit_test(test_u64),
		cmocka_unit_test(test_i64),  cmocka_unit_test(test_small),
		cmocka_unit_test(test_size), cmocka_unit_test(test_duration),
		cmocka_unit_test(test_user), cmocka_unit_test(test_user_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
