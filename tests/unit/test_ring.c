/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: every byte is where its absolute offset says, also around the edge. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/ring.h"

static uint8_t value(uint64_t offset)
{
	return (uint8_t)(offset * 7 + offset / 251);
}

static void put(struct ring *r, size_t n)
{
	struct iovec iov[2];
	uint64_t o = r->head;
	int k = ring_space(r, n, iov);

	for (int i = 0; i < k; i++)
		for (size_t j = 0; j < iov[i].iov_len; j++)
			((uint8_t *)iov[i].iov_base)[j] = value(o++);
	assert_int_equal(o - r->head, n);
	ring_commit(r, n);
}

static void check(const struct ring *r, uint64_t from, size_t max, size_t expect)
{
	struct iovec iov[2];
	uint64_t o = from;
	int k = ring_peek(r, from, max, iov);

	for (int i = 0; i < k; i++) {
		assert_true(iov[i].iov_len > 0);
		for (size_t j = 0; j < iov[i].iov_len; j++)
			assert_int_equal(((uint8_t *)iov[i].iov_base)[j], value(o++));
	}
	assert_int_equal(o - from, expect);
}

static void test_offsets(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 4000), 0);
	assert_int_equal(r.size, 4096);
	assert_int_equal(ring_tail(&r), 0);
	check(&r, 0, 100, 0);
	for (size_t n = 1; r.head < 100000; n = n % 4096 + 13) {
		if (n > r.size)
			n = r.size;
		put(&r, n);
		assert_int_equal(ring_tail(&r), r.head > 4096 ? r.head - 4096 : 0);
		check(&r, ring_tail(&r), SIZE_MAX, r.head - ring_tail(&r));
		check(&r, r.head - n, n, n);
		check(&r, r.head, 10, 0);
		if (r.head > 5)
			check(&r, r.head - 5, 3, 3);
	}
	ring_done(&r);
}

/* The bytes of somebody before us count, and are not there. */
static void test_origin(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 4096), 0);
	r.origin = r.head = (UINT64_C(1) << 60) + 17;
	assert_true(ring_tail(&r) == r.origin);
	put(&r, 100);
	assert_true(ring_tail(&r) == r.origin);
	check(&r, r.origin, SIZE_MAX, 100);
	put(&r, 4000);
	assert_true(ring_tail(&r) == r.head - 4096);
	check(&r, ring_tail(&r), SIZE_MAX, 4096);
	ring_done(&r);
}

static void test_space_is_bounded(void **state)
{
	struct ring r;
	struct iovec iov[2];
	int n;

	(void)state;
	assert_int_equal(ring_init(&r, 4096), 0);
	put(&r, 10);
	n = ring_space(&r, 1 << 20, iov);
	assert_int_equal(n, 2);
	assert_int_equal(iov[0].iov_len + iov[1].iov_len, 4096);
	assert_ptr_equal((uint8_t *)iov[0].iov_base, r.data + 10);
	assert_ptr_equal((uint8_t *)iov[1].iov_base, r.data);
	ring_done(&r);
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_space_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
