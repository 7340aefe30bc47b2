/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: the notation, and that no input is lost or reordered around a half-typed sequence.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/detach_keys.h"

static void test_parse(void **state)
{
	struct detach_keys k;

	(void)state;
	assert_int_equal(detach_keys_parse("ctrl-p,ctrl-q", &k, NULL), 0);
	assert_int_equal(k.len, 2);
	assert_memory_equal(k.seq, "\x10\x11", 2);
	assert_int_equal(detach_keys_parse("ctrl-]", &k, NULL), 0);
	assert_memory_equal(k.seq, "\x1d", 1);
	assert_int_equal(detach_keys_parse("ctrl-@,ctrl-_,ctrl-A,a,~", &k, NULL), 0);
	assert_int_equal(k.len, 5);
	assert_memory_equal(k.seq,
	                    "\0\x1f\x01"
	                    "a~",
	                    5);
	assert_int_equal(detach_keys_parse(",,a", &k, NULL), 0);
	assert_memory_equal(k.seq, ",a", 2);
	assert_int_equal(detach_keys_parse("", &k, NULL), 0);
	assert_int_equal(k.len, 0);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "ctrl-",
		                           "ctrl-1",
		                           "ctrl-pp",
		                           "a,",
		                           "ab",
		                           "ctrl-p,",
		                           " ",
		                           "\x01",
		                           "Ctrl-p",
		                           "ctrl-p,,ctrl-q",
		                           "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a" };
	struct detach_keys k;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&err);
		assert_int_equal(detach_keys_parse(bad[i], &k, &err), -EINVAL);
		assert_true(err.msg[0]);
	}
}

/* Feed in one piece and byte by byte: the same must come out. */
static void check(const char *spec, const char *in, const char *expect, bool expect_detach)
{
	for (size_t piece = 1; piece <= strlen(in); piece++) {
		struct detach_keys k;
		uint8_t out[256];
		size_t n = 0;
		bool detach = false;

		assert_int_equal(detach_keys_parse(spec, &k, NULL), 0);
		for (size_t i = 0; i < strlen(in) && !detach; i += piece) {
			size_t len = strlen(in) - i < piece ? strlen(in) - i : piece;

			n += detach_keys_feed(&k, (const uint8_t *)in + i, len, out + n, &detach);
		}
		n += detach_keys_flush(&k, out + n);
		assert_int_equal(detach, expect_detach);
		assert_int_equal(n, strlen(expect));
		assert_memory_equal(out, expect, n);
	}
}

static void test_feed(void **state)
{
	(void)state;
	check("a,b", "xyz", "xyz", false);
	check("a,b", "xaby", "x", true);
	check("a,b", "xa", "xa", false);
	check("a,b", "aab", "a", true);
	check("a,b", "acab", "ac", true);
	check("a,a,b", "aaab", "a", true);
	check("a,b,a,c", "ababac", "ab", true);
	check("a,b,a,c", "abab", "abab", false);
	check("a", "xa", "x", true);
	check("", "xab", "xab", false);
}

static void test_held(void **state)
{
	struct detach_keys k;
	uint8_t out[DETACH_KEYS_MAX + 4];
	bool detach;

	(void)state;
	assert_int_equal(detach_keys_parse("ctrl-p,ctrl-q", &k, NULL), 0);
	assert_int_equal(detach_keys_feed(&k, (const uint8_t *)"\x10", 1, out, &detach), 0);
	assert_int_equal(k.matched, 1);
	assert_int_equal(detach_keys_flush(&k, out), 1); /* time is over: ctrl-p was meant */
	assert_int_equal(out[0], 0x10);
	assert_int_equal(detach_keys_feed(&k, (const uint8_t *)"\x11", 1, out, &detach), 1);
	assert_false(detach);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
