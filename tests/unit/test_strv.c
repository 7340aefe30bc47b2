/* SPDX-License-Identifier: Apache-2.0 */
/* String vectors and environments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/strv.h"

/* Every length up to some powers of two and around: contents, order, terminator. */
static void test_add(void **state)
{
	_cleanup_strv_ char **v = NULL;
	char s[16];

	(void)state;
	assert_int_equal(strv_len(NULL), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(s, sizeof(s), "s%d", i);
		strv_add(&v, s);
		assert_int_equal(strv_len(v), i + 1);
		assert_string_equal(v[i], s);
		assert_string_equal(v[0], "s0");
	}
	assert_true(strv_contains(v, "s299"));
	assert_false(strv_contains(v, "s300"));
	assert_false(strv_contains(NULL, "s0"));
}

/* A copy of any length can be grown. */
static void test_dup(void **state)
{
	char *src[20] = { 0 };
	char word[] = "w";

	(void)state;
	for (size_t n = 0; n < 18; n++) {
		_cleanup_strv_ char **v = strv_dup(n ? src : NULL);

		assert_int_equal(strv_len(v), n);
		for (size_t more = 1; more < 12; more++) {
			strv_add(&v, "x");
			assert_int_equal(strv_len(v), n + more);
		}
		src[n] = word;
	}
}

/* Quadratic time would take minutes under valgrind or a sanitizer. */
static void test_many(void **state)
{
	_cleanup_strv_ char **v = NULL;

	(void)state;
	for (int i = 0; i < 200000; i++)
		strv_add(&v, "A=b");
	assert_int_equal(strv_len(v), 200000);
}

static void test_env(void **state)
{
	_cleanup_strv_ char **env = NULL;

	(void)state;
	assert_null(env_get(NULL, "A"));
	env_set(&env, "A", "1");
	strv_add(&env, "PATH=/bin");
	strv_add(&env, "AB=2");
	strv_add(&env, "NOVALUE");
	strv_add(&env, "A=3");
	strv_add(&env, "E=");
	assert_string_equal(env_get(env, "A"), "3"); /* the last one wins */
	assert_string_equal(env_get(env, "AB"), "2");
	assert_string_equal(env_get(env, "E"), "");
	assert_null(env_get(env, "NOVALUE"));
	assert_null(env_get(env, "PAT"));
	env_set(&env, "A", "x=y");
	assert_string_equal(env_get(env, "A"), "x=y");
	assert_int_equal(strv_len(env), 5);
	assert_string_equal(env[0], "A=x=y"); /* in the place of the first */
	assert_false(strv_contains(env, "A=3"));
	env_set(&env, "A", env_get(env, "PATH")); /* a value out of the vector itself */
	assert_string_equal(env_get(env, "A"), "/bin");
	env_set(&env, "NEW", "n");
	assert_string_equal(env[5], "NEW=n");
	for (int i = 0; i < 40; i++) /* grows after having shrunk */
		strv_add(&env, "Z=z");
	env_set(&env, "Z", "1");
	assert_int_equal(strv_len(env), 7);
	for (int i = 0; i < 40; i++)
		strv_add(&env, "Y=y");
	assert_int_equal(strv_len(env), 47);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
