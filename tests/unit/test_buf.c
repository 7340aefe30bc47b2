/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer: growth, limit, consumption. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_grow(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_add(&b, "abc", 3), 0);
		assert_int_equal(b.len, 3 * (i + 1));
		assert_int_equal(b.data[b.len], '\0');
	}
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.data[i], "abc"[i % 3]);
}

/* Exactly max fits; one more fails and changes nothing. */
static void test_max(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_puts(&b, "0123456"), 0);
	assert_int_equal(buf_add(&b, "abcd", 4), -EFBIG);
	assert_int_equal(buf_printf(&b, "%d", 1234), -EFBIG);
	assert_int_equal(buf_add(&b, "x", SIZE_MAX), -EFBIG);
	assert_string_equal(b.data, "0123456");
	assert_int_equal(buf_printf(&b, "%d", 789), 0);
	assert_string_equal(b.data, "0123456789");
	assert_int_equal(buf_puts(&b, "x"), -EFBIG);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(b.len, 10);
}

static void test_no_max(void **state)
{
	_cleanup_buf_ struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_puts(&b, "x"), -EFBIG);
	assert_null(b.data);
}

static void test_binary(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
}

static void test_consume(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(100);

	(void)state;
	buf_consume(&b, 5); /* of nothing */
	buf_puts(&b, "hello world");
	buf_consume(&b, 0);
	assert_string_equal(b.data, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(b.data, "world");
	assert_int_equal(b.len, 5);
	buf_consume(&b, 99);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_printf(&b, "%s", "again");
	assert_string_equal(b.data, "again");
}

static void test_steal(void **state)
{
	struct buf b = BUF_INIT(100);
	char *p = buf_steal(&b);

	(void)state;
	assert_string_equal(p, "");
	free(p);
	buf_puts(&b, "x");
	p = buf_steal(&b);
	assert_string_equal(p, "x");
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
	assert_int_equal(b.max, 100);
	free(p);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),    cmocka_unit_test(test_max),
		cmocka_unit_test(test_no_max),  cmocka_unit_test(test_binary),
		cmocka_unit_test(test_consume), cmocka_unit_test(test_steal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
