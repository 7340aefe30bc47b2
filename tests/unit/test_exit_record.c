/* SPDX-License-Identifier: Apache-2.0 */
/* The exit record: what a wait status becomes, the file, and that "unknown" never reads as 0. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "shim/wire/exit_record.h"
#include "work_dir.h"

static void test_status(void **state)
{
	struct exit_record r;

	(void)state;
	r = exit_record_from_status(42 << 8, 5);
	assert_true(r.known && r.code == 42 && r.signal == 0 && !r.core && r.exited_ns == 5);
	r = exit_record_from_status(SIGKILL, 0);
	assert_true(r.known && r.code == 137 && r.signal == SIGKILL && !r.core);
	r = exit_record_from_status(SIGSEGV | 0x80, 0);
	assert_true(r.known && r.code == 139 && r.signal == SIGSEGV && r.core);
	r = exit_record_from_status(0x137f, 0); /* stopped: no end at all */
	assert_true(!r.known && r.code == -1);
}

static void test_time(void **state)
{
	char text[EXIT_TIME_SIZE];

	(void)state;
	exit_time_format(INT64_C(1767323045000000006), text);
	assert_string_equal(text, "2026-01-02T03:04:05.000000006Z");
	exit_time_format(INT64_MAX, text);
	assert_string_equal(text, "2262-04-11T23:47:16.854775807Z");
	/* every day of a period with all kinds of leap years, against libc */
	for (int64_t day = 0; day < 366 * 280; day++) {
		time_t t = (time_t)(day * 86400 + 86399);
		char expect[EXIT_TIME_SIZE];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(expect, sizeof(expect), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
		exit_time_format(t * INT64_C(1000000000), text);
		assert_string_equal(text, expect);
	}
}

static void test_text(void **state)
{
	struct exit_record rec = { .known = true,
		                   .code = 139,
		                   .signal = 11,
		                   .core = true,
		                   .oom = true,
		                   .started_ns = INT64_C(1767323045000000001),
		                   .exited_ns = INT64_C(1767323045123456789) },
	                   got;
	char text[EXIT_RECORD_SIZE];
	size_t len = exit_record_format(&rec, text);

	(void)state;
	assert_int_equal(exit_record_parse(text, len, &got), 0);
	assert_true(got.known && got.core && got.oom);
	assert_int_equal(got.code, 139);
	assert_int_equal(got.signal, 11);
	assert_true(got.exited_ns == rec.exited_ns && got.started_ns == rec.started_ns);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"x",
		"[]",
		"{}",
		"{\"known\":true}",
		"{\"known\":true,\"code\":0}",
		"{\"known\":1,\"code\":0,\"signal\":0}",
		"{\"known\":true,\"code\":\"0\",\"signal\":0}",
		"{\"known\":true,\"code\":256,\"signal\":0}",
		"{\"known\":true,\"code\":-1,\"signal\":0}",
		"{\"known\":true,\"code\":0,\"signal\":9}",
		"{\"known\":true,\"code\":0,\"signal\":0",
	};
	static const char unknown[] = "{\"known\":false,\"code\":0,\"signal\":0}";
	struct exit_record got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(exit_record_parse(bad[i], strlen(bad[i]), &got), -EINVAL);
	assert_int_equal(exit_record_parse("   \n", 4, &got), -ENODATA);
	assert_int_equal(exit_record_parse("", 0, &got), -ENODATA);
	assert_int_equal(exit_record_parse(unknown, strlen(unknown), &got), 0);
	assert_int_equal(got.code, -1);
}

static void test_file(void **state)
{
	struct exit_record rec = exit_record_from_status(7 << 8, 1), got;
	struct stat st;

	(void)state;
	assert_int_equal(exit_record_read_at(dir, &got), -ENOENT);
	assert_int_equal(exit_record_reserve_at(dir), 0);
	assert_int_equal(exit_record_reserve_at(dir), -EEXIST);
	assert_int_equal(exit_record_read_at(dir, &got), -ENODATA);
	assert_int_equal(exit_record_write_at(dir, &rec), 0);
	assert_int_equal(exit_record_read_at(dir, &got), 0);
	assert_int_equal(got.code, 7);
	assert_int_equal(fstatat(dir, EXIT_RECORD_NAME, &st, 0), 0);
	assert_int_equal(st.st_size, EXIT_RECORD_SIZE);
	assert_int_equal(st.st_mode & 07777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test_setup_teardown(test_file, work_dir_make, work_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
