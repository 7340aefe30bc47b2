/* SPDX-License-Identifier: Apache-2.0 */
/* Checked allocation and scope clean-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int cleaned;

static void count_clean(int *v)
{
	cleaned += *v;
}

static void test_alloc(void **state)
{
	char *p = xmalloc(0);
	int *v = xcalloc(3, sizeof(int));

	(void)state;
	assert_non_null(p);
	free(p);
	for (int i = 0; i < 3; i++)
		assert_int_equal(v[i], 0);
	v[2] = 7;
	v = xreallocarray(v, 1000, sizeof(int));
	assert_int_equal(v[2], 7);
	v = xreallocarray(v, 0, sizeof(int)); /* does not free */
	assert_non_null(v);
	free(v);
}

static void test_strings(void **state)
{
	char *a = xstrdup("abc"), *b = xstrndup("abc", 2), *c = xasprintf("%s-%d", "x", 5);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "ab");
	assert_string_equal(c, "x-5");
	assert_null(xstrdup(NULL));
	assert_null(xstrndup(NULL, 3));
	free(a);
	free(b);
	free(c);
}

static char *hand_over(void)
{
	_cleanup_free_ char *p = xstrdup("kept");
	_cleanup_free_ char *gone = xstrdup("freed");
	_cleanup_(count_clean)
	int one = 1;

	(void)gone;
	(void)one;
	return take_ptr(p);
}

static void test_cleanup(void **state)
{
	char *p = hand_over(), *q = take_ptr(p);

	(void)state;
	assert_null(p);
	assert_string_equal(q, "kept");
	assert_int_equal(cleaned, 1);
	free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
