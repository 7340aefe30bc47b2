/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of tokens: how many are served at once, and how many over time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shim/rate.h"

static int take_all(struct rate *r, double now)
{
	int n = 0;

	while (rate_take(r, now, 100, 50))
		n++;
	return n;
}

static void test_burst_and_rate(void **state)
{
	struct rate r = { 0 };

	(void)state;
	assert_int_equal(take_all(&r, 1000), 50);
	assert_int_equal(take_all(&r, 1000), 0);
	assert_int_equal(take_all(&r, 1000.105), 10);
	assert_int_equal(take_all(&r, 5000), 50); /* never more than it holds */
}

static void test_flood(void **state)
{
	struct rate r = { 0 };
	int n = 0;

	(void)state;
	for (int ms = 0; ms < 10000; ms++)
		n += take_all(&r, 7 + ms / 1000.);
	assert_in_range(n, 1045, 1050); /* 50 and 10 s of 100 */
}

static void test_level(void **state)
{
	struct rate r = { .spent = 40, .at = 10 };

	(void)state;
	assert_true(rate_level(&r, 10, 100, 50) == 10);
	assert_true(rate_level(&r, 10.25, 100, 50) == 35);
	assert_true(rate_level(&r, 11, 100, 50) == 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
