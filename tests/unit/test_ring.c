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

static void write_text(struct ring *r, const char *text)
{
	struct iovec iov[2];

	for (; *text; text++) {
		assert_int_equal(ring_space(r, 1, iov), 1);
		*(char *)iov[0].iov_base = *text;
		ring_commit(r, 1);
	}
}

static void test_last_lines(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 4096), 0);
	assert_int_equal(ring_last_lines(&r, 0), 0);
	assert_int_equal(ring_last_lines(&r, 5), 0);
	write_text(&r, "\n");
	assert_int_equal(ring_last_lines(&r, 0), 1);
	assert_int_equal(ring_last_lines(&r, 1), 0);
	write_text(&r, "one\n\nthree\n"); /* 1, 5, 6; 12 in all */
	assert_int_equal(ring_last_lines(&r, 0), 12);
	assert_int_equal(ring_last_lines(&r, 1), 6);
	assert_int_equal(ring_last_lines(&r, 2), 5);
	assert_int_equal(ring_last_lines(&r, 3), 1);
	assert_int_equal(ring_last_lines(&r, 4), 0);
	assert_int_equal(ring_last_lines(&r, 5), 0);
	assert_int_equal(ring_last_lines(&r, UINT64_MAX), 0);
	write_text(&r, "unfinished");
	assert_int_equal(ring_last_lines(&r, 1), 12);
	assert_int_equal(ring_last_lines(&r, 2), 6);
	ring_done(&r);
}

/* Lines of 100 bytes in a ring whose edge they cross at every position. */
static void test_last_lines_around(void **state)
{
	char line[101];
	struct ring r;

	(void)state;
	assert_int_equal(ring_init(&r, 4096), 0);
	memset(line, 'x', 99);
	memcpy(line + 99, "\n", 2);
	for (int shift = 0; shift < 100; shift++) {
		write_text(&r, "y");
		for (int i = 0; i < 50; i++)
			write_text(&r, line);
		for (unsigned int n = 0; n <= 40; n++)
			assert_int_equal(ring_last_lines(&r, n), r.head - n * 100);
		assert_int_equal(ring_last_lines(&r, 41), ring_tail(&r));
		assert_int_equal(ring_last_lines(&r, 1000), ring_tail(&r));
	}
	/* None in sight, and the oldest byte that is kept is one. */
	for (int i = 0; i < 4096; i++)
		write_text(&r, "z");
	assert_int_equal(ring_last_lines(&r, 1), ring_tail(&r));
	write_text(&r, line);
	for (int i = 0; i < 4096 - 1; i++)
		write_text(&r, "z");
	assert_int_equal(ring_last_lines(&r, 1), ring_tail(&r) + 1);
	assert_int_equal(ring_last_lines(&r, 2), ring_tail(&r));
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),           cmocka_unit_test(test_origin),
		cmocka_unit_test(test_space_is_bounded),  cmocka_unit_test(test_last_lines),
		cmocka_unit_test(test_last_lines_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
