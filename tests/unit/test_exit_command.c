/* SPDX-License-Identifier: Apache-2.0 */
/* The exit command's file: there and back, damaged ones, and who has the lock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "shim/wire/exit_command.h"
#include "work_dir.h"

static void test_round_trip(void **state)
{
	static const char *const argv[] = { "/bin/x", "", "a b\n", NULL }, *const env[] = {
		"A=1", "B=", NULL
	};
	struct exit_command c = { .timeout_ms = 1234, .argv = (char **)argv, .env = (char **)env },
	                    got;
	int fd = exit_command_write_at(dir, &c);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(exit_command_write_at(dir, &c), -EEXIST);
	assert_int_equal(exit_command_read_fd(fd, &got), 0);
	assert_int_equal(got.timeout_ms, 1234);
	for (int i = 0; i < 3; i++)
		assert_string_equal(got.argv[i], argv[i]);
	assert_null(got.argv[3]);
	assert_string_equal(got.env[0], "A=1");
	assert_string_equal(got.env[1], "B=");
	assert_null(got.env[2]);
	exit_command_done(&got);
	fd_close(fd);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		{ "", 0 },
		{ "1\0005\0001\0/x", 7 },   /* no NUL at the end */
		{ "2\0005\0001\0/x\0", 9 }, /* another version */
		{ "1\0000\0001\0/x\0", 9 }, /* no time */
		{ "1\0005\0000\0/x\0", 9 }, /* no argument */
		{ "1\0005\0002\0/x\0", 9 }, /* fewer than said */
		{ "1\0005\0001\0x\0", 8 },  /* not absolute */
		{ "1\0005\000x\0/x\0", 9 },
		{ "1\0005\0", 4 },
	};
	struct exit_command got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = open(dir_name, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, bad[i].text, bad[i].len), bad[i].len);
		assert_int_equal(exit_command_read_fd(fd, &got), -EINVAL);
		assert_null(got.owned);
		fd_close(fd);
	}
}

static void test_lock(void **state)
{
	static const char *const argv[] = { "/bin/x", NULL };
	struct exit_command c = { .timeout_ms = 99, .argv = (char **)argv };
	int64_t timeout = 0;
	int fd, go[2], ready[2];
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(exit_command_holder_at(dir, &timeout), -ENOENT);
	fd = exit_command_write_at(dir, &c);
	assert_true(fd >= 0);
	assert_int_equal(exit_command_holder_at(dir, &timeout), 0);
	assert_int_equal(timeout, 99);
	assert_int_equal(pipe2(go, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (exit_command_lock(fd) == 0 && write(ready[1], "1", 1) == 1)
			(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	assert_true(pid > 0);
	fd_close(fd);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(exit_command_holder_at(dir, &timeout), pid);
	for (int i = 0; i < 2; i++) {
		fd_close(go[i]);
		fd_close(ready[i]);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(exit_command_holder_at(dir, &timeout), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, work_dir_make, work_dir_remove),
		cmocka_unit_test_setup_teardown(test_damaged, work_dir_make, work_dir_remove),
		cmocka_unit_test_setup_teardown(test_lock, work_dir_make, work_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
