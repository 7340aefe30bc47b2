/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: flags, ranges, stdio, re-opening, full reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"

/* Run a check in a child, where it may close what it likes. */
static void in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_close(void **state)
{
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	errno = ENOTTY;
	fd_close(p[0]);
	fd_close(p[0]); /* EBADF inside, errno kept */
	fd_close(FD_INVALID);
	assert_int_equal(errno, ENOTTY);
	assert_false(is_open(p[0]));
	fd_reset(&p[1]);
	assert_int_equal(p[1], FD_INVALID);
	fd_reset(&p[1]);
	{
		_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		int kept = take_fd(&fd);

		assert_int_equal(fd, FD_INVALID);
		assert_true(is_open(kept));
		fd = kept;
		p[0] = kept;
	}
	assert_false(is_open(p[0]));
}

static void test_flags(void **state)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(fd_cloexec(fd, true), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_cloexec(fd, false), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(fd_nonblock(fd, true), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_nonblock(fd, false), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_cloexec(FD_INVALID, true), -EBADF);
}

static int check_ranges(void)
{
	for (int fd = 50; fd < 60; fd++)
		if (dup2(1, fd) != fd)
			return 1;
	if (fd_cloexec_from(55) != 0)
		return 2;
	for (int fd = 50; fd < 60; fd++)
		if ((fcntl(fd, F_GETFD) == FD_CLOEXEC) != (fd >= 55))
			return 3;
	if (fd_close_from(53) != 0)
		return 4;
	for (int fd = 50; fd < 60; fd++)
		if (is_open(fd) != (fd < 53))
			return 5;
	return 0;
}

static int check_stdio(void)
{
	close(0);
	close(2);
	if (fd_ensure_stdio() != 0 || !is_open(0) || !is_open(1) || !is_open(2))
		return 1;
	if (fcntl(0, F_GETFD) || fcntl(2, F_GETFD)) /* has to survive exec */
		return 2;
	return write(2, "x", 1) == 1 ? 0 : 3;
}

static void test_ranges(void **state)
{
	(void)state;
	in_child(check_ranges);
}

static void test_stdio(void **state)
{
	(void)state;
	in_child(check_stdio);
}

static void test_reopen(void **state)
{
	_cleanup_close_ int path = open("/dev/null", O_PATH | O_CLOEXEC), fd = FD_INVALID;

	(void)state;
	assert_int_equal(write(path, "x", 1), -1);
	fd = fd_reopen(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_reopen(FD_INVALID, O_RDONLY), -ENOENT);
}

#define BULK 1000000

static int write_bulk(int fd)
{
	char *data = xmalloc(BULK);

	for (size_t i = 0; i < BULK; i++)
		data[i] = (char)(i % 251);
	return fd_write_all(fd, data, BULK);
}

/* More than a pipe holds, through a non-blocking descriptor: nothing is lost, nothing spins. */
static void test_bulk(void **state)
{
	_cleanup_free_ char *data = xmalloc(BULK + 1);
	int p[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0)
		_exit(write_bulk(p[1]) != 0);
	fd_close(p[1]);
	assert_int_equal(fd_read_all(p[0], data, BULK + 1), BULK); /* short at EOF */
	for (size_t i = 0; i < BULK; i++)
		if (data[i] != (char)(i % 251))
			fail_msg("byte %zu", i);
	assert_int_equal(fd_read_all(p[0], data, 1), 0);
	fd_close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_errors(void **state)
{
	char c;

	(void)state;
	assert_int_equal(fd_write_all(FD_INVALID, "x", 1), -EBADF);
	assert_int_equal(fd_read_all(FD_INVALID, &c, 1), -EBADF);
	assert_int_equal(fd_write_all(FD_INVALID, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close),  cmocka_unit_test(test_flags),
		cmocka_unit_test(test_ranges), cmocka_unit_test(test_stdio),
		cmocka_unit_test(test_reopen), cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
