/* SPDX-License-Identifier: Apache-2.0 */
/* Name tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/names.h"

static const struct name_value table[] = {
	{ "one", 1 }, { "two", 2 }, { "uno", 1 }, { "big", INT64_MAX }, { "neg", -1 }, { 0 },
};

static void test_value(void **state)
{
	int64_t v = 42;

	(void)state;
	assert_int_equal(names_value(table, "two", &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(names_value(table, "big", &v), 0);
	assert_true(v == INT64_MAX);
	v = 42;
	assert_int_equal(names_value(table, "Two", &v), -ENOENT);
	assert_int_equal(names_value(table, "tw", &v), -ENOENT);
	assert_int_equal(names_value(table, "twoo", &v), -ENOENT);
	assert_int_equal(names_value(table, "", &v), -ENOENT);
	assert_int_equal(v, 42);
}

static void test_name(void **state)
{
	(void)state;
	assert_string_equal(names_name(table, 1), "one");
	assert_string_equal(names_name(table, -1), "neg");
	assert_null(names_name(table, 0)); /* not the end row */
	assert_null(names_name(table, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
