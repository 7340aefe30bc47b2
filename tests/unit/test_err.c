/* SPDX-License-Identifier: Apache-2.0 */
/* The error type: codes, escaping, truncation, prefixes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "berth/err.h"

static void test_set(void **state)
{
	struct err e = { .exit_status = 9 };

	(void)state;
	assert_int_equal(err_set(&e, -ENOENT, "open %s", "/x"), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_int_equal(e.exit_status, 0);
	assert_string_equal(e.msg, "open /x: No such file or directory");
	assert_int_equal(err_set(&e, EPERM, "a"), -EPERM);
	assert_string_equal(e.msg, "a: Operation not permitted");
	assert_int_equal(err_text(&e, -EINVAL, "no such thing as \"%s\"", "b"), -EINVAL);
	assert_string_equal(e.msg, "no such thing as \"b\"");
	err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.msg, "");
}

/* Whatever the caller passes, `return err_set()` is a failure. */
static void test_never_success(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_true(err_set(&e, 0, "x") < 0);
	assert_true(e.code < 0);
	assert_true(err_text(NULL, 0, "x") < 0);
}

static void test_null(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(err_text(NULL, EIO, "x"), -EIO);
	assert_int_equal(err_prefix(NULL, "x"), -EINVAL);
	err_clear(NULL);
}

static void test_prefix(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_prefix(&e, "nothing set"), -EINVAL);
	assert_string_equal(e.msg, "");
	err_set(&e, -EACCES, "open %s", "f");
	assert_int_equal(err_prefix(&e, "mount %d", 3), -EACCES);
	assert_int_equal(err_prefix(&e, "create"), -EACCES);
	assert_string_equal(e.msg, "create: mount 3: open f: Permission denied");
}

/* An argument may point into the error itself. */
static void test_alias(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_text(&e, -EIO, "inner");
	err_set(&e, -EIO, "outer (%s)", e.msg);
	assert_string_equal(e.msg, "outer (inner): Input/output error");
	err_text(&e, -EIO, "x");
	err_prefix(&e, "<%s>", e.msg);
	assert_string_equal(e.msg, "<x>: x");
}

static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\nb", "a\\nb" },
		{ "\r\t", "\\r\\t" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "\x01\x7f", "\\x01\\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac \xf0\x9f\x90\xb3", "\xe2\x82\xac \xf0\x9f\x90\xb3" },
		{ "\xc2\x9b[", "\\u009b[" }, /* C1: CSI */
		{ "\xff", "\\xff" },
		{ "\xc3", "\\xc3" },                            /* cut off */
		{ "\xc0\xaf", "\\xc0\\xaf" },                   /* over-long */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "q\"b\\", "q\"b\\" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = { 0 };

		err_text(&e, -EIO, "%s", rows[i].in);
		assert_string_equal(e.msg, rows[i].out);
		/* Prefixing does not escape what is escaped already. */
		err_prefix(&e, "%s", rows[i].in);
		assert_int_equal(strlen(e.msg), 2 * strlen(rows[i].out) + 2);
	}
}

/* At every length around the limit: terminated, whole characters, cause kept, cut marked. */
static void test_truncate(void **state)
{
	static const char cause[] = ": No such file or directory";
	char in[3 * ERR_MSG_MAX];

	(void)state;
	for (size_t n = ERR_MSG_MAX / 2 - 40; n < ERR_MSG_MAX / 2 + 40; n++) {
		for (size_t shift = 0; shift < 2; shift++) {
			struct err e = { 0 };
			size_t len = shift;

			memset(in, 'x', shift);
			for (size_t i = 0; i < n; i++, len += 2)
				memcpy(in + len, "\xc3\xbc", 2);
			in[len] = '\0';
			err_set(&e, -ENOENT, "%s", in);
			assert_null(strstr(e.msg, "\\x")); /* no half character */
			assert_true(strlen(e.msg) < ERR_MSG_MAX);
			assert_string_equal(e.msg + strlen(e.msg) - strlen(cause), cause);
			if (len + strlen(cause) < ERR_MSG_MAX)
				assert_int_equal(strlen(e.msg), len + strlen(cause));
			else
				assert_non_null(strstr(e.msg, "...: No such"));
		}
	}
}

static void test_prefix_overflow(void **state)
{
	struct err e = { 0 };
	char in[2 * ERR_MSG_MAX];

	(void)state;
	memset(in, 'y', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	err_set(&e, -ENOENT, "root");
	err_prefix(&e, "%s", in);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	assert_non_null(strstr(e.msg, "...: root: No such file or directory"));
	for (int i = 0; i < 10; i++)
		assert_int_equal(err_prefix(&e, "%s", in), -ENOENT);
	assert_non_null(strstr(e.msg, ": root: No such file or directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),      cmocka_unit_test(test_never_success),
		cmocka_unit_test(test_null),     cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_alias),    cmocka_unit_test(test_escape),
		cmocka_unit_test(test_truncate), cmocka_unit_test(test_prefix_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
