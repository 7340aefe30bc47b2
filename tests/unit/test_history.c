/* SPDX-License-Identifier: Apache-2.0 */
/* A session's events: numbers, what is kept, and the text that a later shim reads. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/history.h"

static void test_numbers(void **state)
{
	struct history h;

	(void)state;
	history_init(&h, 0);
	assert_null(history_get(&h, 0));
	assert_null(history_get(&h, 1));
	history_add(&h, EVENT_STARTED, 5);
	history_add(&h, EVENT_EXITED, 6);
	assert_int_equal(h.last, 2);
	assert_null(history_get(&h, 0));
	assert_int_equal(history_get(&h, 1)->kind, EVENT_STARTED);
	assert_int_equal(history_get(&h, 2)->kind, EVENT_EXITED);
	assert_int_equal(history_get(&h, 2)->at_ns, 6);
	assert_null(history_get(&h, 3));
}

static void test_oldest_go(void **state)
{
	struct history h;

	(void)state;
	history_init(&h, 1000);
	for (int i = 1; i <= HISTORY_MAX + 3; i++)
		history_add(&h, i % 2 ? EVENT_PAUSED : EVENT_RESUMED, i);
	assert_int_equal(h.last, 1000 + HISTORY_MAX + 3);
	assert_int_equal(h.before, 1003);
	assert_null(history_get(&h, 1003));
	for (int i = 4; i <= HISTORY_MAX + 3; i++)
		assert_int_equal(history_get(&h, (uint64_t)(1000 + i))->at_ns, i);
}

static void test_text(void **state)
{
	static const enum event_kind all[] = { EVENT_STARTED, EVENT_OOM,    EVENT_PAUSED,
		                               EVENT_RESUMED, EVENT_EXITED, EVENT_ENDED };
	struct buf b = BUF_INIT(16384);
	struct history h, got;

	(void)state;
	for (size_t times = 0; times < 30; times++) {
		history_init(&h, 7);
		for (size_t i = 0; i < times; i++)
			for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
				history_add(&h, all[k],
				            INT64_C(1795303260483312487) + (int)(i + k));
		buf_done(&b);
		assert_int_equal(history_write(&h, &b), 0);
		assert_int_equal(history_read(b.data, &got), 0);
		assert_int_equal(got.before, h.before);
		assert_int_equal(got.last, h.last);
		for (uint64_t n = h.before + 1; n <= h.last; n++) {
			assert_int_equal(history_get(&got, n)->kind, history_get(&h, n)->kind);
			assert_true(history_get(&got, n)->at_ns == history_get(&h, n)->at_ns);
		}
	}
	buf_done(&b);
}

static void test_bad_text(void **state)
{
	static const char *const bad[] = {
		"", "x", "0 started", "0 begun 5", "0 started x", "0 5 5"
	};
	struct history h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(history_read(bad[i], &h), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_oldest_go),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
