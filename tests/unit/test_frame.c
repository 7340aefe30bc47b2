/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: the exact bytes, round trips, every prefix, every wrong header. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/wire/frame.h"

static void test_layout(void **state)
{
	uint8_t b[64];
	static const uint8_t head[] = { 1, 2, 0, 0, 0, 0, 0x12, 0x34 };
	static const uint8_t gap[] = { 2, 1, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t size[] = { 4, 0, 0, 0, 0, 0, 0, 4, 0, 24, 1, 0 };
	static const uint8_t end[] = { 6, 0, 0, 0,   0, 0, 0, 16, 7, 0, 0,   11,
		                       0, 0, 0, 139, 0, 0, 0, 0,  0, 0, 0x3, 0xe8 };
	struct exit_record rec = { .known = true,
		                   .code = 139,
		                   .signal = 11,
		                   .core = true,
		                   .oom = true,
		                   .exited_ns = 1000 };

	(void)state;
	frame_header(b, FRAME_DATA, STREAM_STDERR, 0x1234);
	assert_memory_equal(b, head, sizeof(head));
	assert_int_equal(frame_gap(b, STREAM_STDOUT, UINT64_C(0x0102030405060708)), sizeof(gap));
	assert_memory_equal(b, gap, sizeof(gap));
	assert_int_equal(frame_resize(b, 24, 256), sizeof(size));
	assert_memory_equal(b, size, sizeof(size));
	assert_int_equal(frame_exit(b, &rec), sizeof(end));
	assert_memory_equal(b, end, sizeof(end));
}

static void test_round_trip(void **state)
{
	uint8_t b[64];
	struct frame f;
	uint16_t rows, cols;
	struct exit_record rec = { .known = true, .code = 255, .exited_ns = INT64_MAX }, got;

	(void)state;
	assert_int_equal(frame_parse(b, frame_gap(b, STREAM_STDERR, UINT64_MAX), &f),
	                 FRAME_GAP_SIZE);
	assert_int_equal(f.type, FRAME_GAP);
	assert_int_equal(f.stream, STREAM_STDERR);
	assert_true(frame_gap_lost(&f) == UINT64_MAX);

	assert_int_equal(frame_parse(b, frame_resize(b, 65535, 1), &f), FRAME_RESIZE_SIZE);
	frame_resize_size(&f, &rows, &cols);
	assert_int_equal(rows, 65535);
	assert_int_equal(cols, 1);

	assert_int_equal(frame_parse(b, frame_exit(b, &rec), &f), FRAME_EXIT_SIZE);
	frame_exit_record(&f, &got);
	assert_true(got.known);
	assert_int_equal(got.code, 255);
	assert_int_equal(got.signal, 0);
	assert_false(got.core || got.oom);
	assert_true(got.exited_ns == INT64_MAX);
}

static void test_unknown_exit(void **state)
{
	struct exit_record rec = exit_record_unknown(), got;
	uint8_t b[64];
	struct frame f;

	(void)state;
	assert_int_equal(frame_parse(b, frame_exit(b, &rec), &f), FRAME_EXIT_SIZE);
	frame_exit_record(&f, &got);
	assert_false(got.known);
	assert_int_equal(got.code, -1);
}

/* A frame that is cut anywhere is incomplete, never wrong and never read beyond its end. */
static void test_every_prefix(void **state)
{
	static uint8_t b[FRAME_HEADER + 100];
	struct frame f;

	(void)state;
	frame_header(b, FRAME_DATA, STREAM_STDIN, 100);
	for (size_t n = 0; n < sizeof(b); n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, b, n);
		assert_int_equal(frame_parse(copy, n, &f), 0);
		free(copy);
	}
	assert_int_equal(frame_parse(b, sizeof(b), &f), sizeof(b));
	assert_int_equal(f.len, 100);
	assert_ptr_equal(f.payload, b + FRAME_HEADER);
}

static void expect_bad(uint8_t type, uint8_t stream, uint8_t zero, uint32_t len)
{
	uint8_t b[FRAME_HEADER + 32] = { type, stream, zero, 0 };
	struct frame f;

	for (int i = 0; i < 4; i++)
		b[4 + i] = (uint8_t)(len >> (24 - 8 * i));
	assert_int_equal(frame_parse(b, sizeof(b), &f), -EBADMSG);
}

static void test_bad(void **state)
{
	(void)state;
	expect_bad(0, 0, 0, 0);
	expect_bad(7, 0, 0, 0);
	expect_bad(255, 0, 0, 0);
	expect_bad(FRAME_DATA, 3, 0, 1);
	expect_bad(FRAME_DATA, 0, 1, 1);
	expect_bad(FRAME_DATA, 0, 0, 0);
	expect_bad(FRAME_DATA, 0, 0, FRAME_PAYLOAD + 1);
	expect_bad(FRAME_DATA, 0, 0, UINT32_MAX);
	expect_bad(FRAME_EOF, 0, 0, 1);
	expect_bad(FRAME_DETACH, 0, 0, 1);
	expect_bad(FRAME_RESIZE, 0, 0, 3);
	expect_bad(FRAME_RESIZE, 0, 0, 5);
	expect_bad(FRAME_GAP, 1, 0, 7);
	expect_bad(FRAME_EXIT, 0, 0, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),       cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unknown_exit), cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
