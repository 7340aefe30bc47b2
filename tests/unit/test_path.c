/* SPDX-License-Identifier: Apache-2.0 */
/* Path arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"

struct row {
	const char *in, *out;
};

static void test_clean(void **state)
{
	static const struct row rows[] = {
		{ "", "." },
		{ ".", "." },
		{ "./", "." },
		{ "/", "/" },
		{ "//", "/" },
		{ "/.", "/" },
		{ "/..", "/" },
		{ "/../..", "/" },
		{ "/../a", "/a" },
		{ "/a", "/a" },
		{ "/a/", "/a" },
		{ "/a//b", "/a/b" },
		{ "//a///b//", "/a/b" },
		{ "/a/./b", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/a/b/..", "/a" },
		{ "/a/b/../..", "/" },
		{ "/a/b/../../..", "/" },
		{ "/a/b/../../../c", "/c" },
		{ "/a/..b/...", "/a/..b/..." },
		{ "/a/.b/c.", "/a/.b/c." },
		{ "a", "a" },
		{ "a/", "a" },
		{ "a/..", "." },
		{ "a/../..", ".." },
		{ "a/../../b", "../b" },
		{ "..", ".." },
		{ "../..", "../.." },
		{ "../a/..", ".." },
		{ "../../a/../..", "../../.." },
		{ "./a/./b/.", "a/b" },
		{ "a/b/../c", "a/c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *out = path_clean(rows[i].in);
		_cleanup_free_ char *again = path_clean(out);

		assert_string_equal(out, rows[i].out);
		assert_string_equal(again, out); /* a fixed point */
	}
}

static void test_join(void **state)
{
	static const struct {
		const char *a, *b, *out;
	} rows[] = {
		{ "/a", "b", "/a/b" },     { "/a/", "b", "/a/b" }, { "/a", "/b", "/a/b" },
		{ "/a//", "//b", "/a/b" }, { "/", "b", "/b" },     { "/", "/b", "/b" },
		{ "a", "b/c/", "a/b/c/" }, { "", "b", "b" },       { "", "/b", "b" },
		{ "/a", "", "/a" },        { "/a/", "/", "/a" },   { "/", "", "/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *out = path_join(rows[i].a, rows[i].b);

		assert_string_equal(out, rows[i].out);
	}
}

static void test_under(void **state)
{
	static const struct {
		const char *path, *dir;
		bool under;
	} rows[] = {
		{ "/a", "/a", true },    { "/a/b", "/a", true }, { "/ab", "/a", false },
		{ "/a", "/a/b", false }, { "/", "/", true },     { "/a", "/", true },
		{ "a", "/", false },     { "a/b", "a", true },   { "/a/b/c", "/a/b", true },
		{ "/b/a", "/a", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(path_is_under(rows[i].path, rows[i].dir), rows[i].under);
}

static void test_parts(void **state)
{
	static const struct {
		const char *in, *dir, *base;
	} rows[] = {
		{ "/a/b", "/a", "b" }, { "a", ".", "a" },      { "/a", "/", "a" },
		{ "a/b", "a", "b" },   { "/a//b", "/a", "b" }, { "//a", "/", "a" },
		{ "/", "/", "" },      { "a/", "a", "" },      { "", ".", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *dir = path_dir(rows[i].in);

		assert_string_equal(dir, rows[i].dir);
		assert_string_equal(path_base(rows[i].in), rows[i].base);
	}
}

static void test_dotdot(void **state)
{
	static const char *const with[] = {
		"..", "/..", "../a", "a/..", "a/../b", "//..//", "/a/.."
	};
	static const char *const without[] = { "",    "/",   ".",          "...",
		                               "a..", "..a", "/a/..b/b..", "./a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		assert_true(path_has_dotdot(with[i]));
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		assert_false(path_has_dotdot(without[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),  cmocka_unit_test(test_join),
		cmocka_unit_test(test_under),  cmocka_unit_test(test_parts),
		cmocka_unit_test(test_dotdot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
