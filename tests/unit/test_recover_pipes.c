/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes found among the descriptors of a process, here our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "runtime/recover_pipes.h"

static int flags(int fd)
{
	return fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK);
}

static void test_found(void **state)
{
	struct keep_pipe pipes[3];
	pid_t pids[] = { 1 << 30, getpid() };
	int in[2], out[2], found[3];
	char c;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pipes[0] = keep_pipe_of(in[0]);
	pipes[1] = keep_pipe_of(out[0]);
	pipes[2] = (struct keep_pipe){ 0 };
	/* As a container has them: it reads the one, writes the other. A process that is gone does
	 * not matter. */
	fd_close(in[1]);
	fd_close(out[0]);
	assert_int_equal(write(out[1], "x", 0), 0);
	assert_int_equal(recover_pipes(pipes, pids, 2, FD_INVALID, found, NULL), 0);
	assert_int_equal(flags(found[0]), O_WRONLY | O_NONBLOCK);
	assert_int_equal(flags(found[1]), O_RDONLY | O_NONBLOCK);
	assert_int_equal(found[2], FD_INVALID);
	assert_int_equal(write(found[0], "i", 1), 1);
	assert_int_equal(read(in[0], &c, 1), 1);
	assert_int_equal(write(out[1], "o", 1), 1);
	assert_int_equal(read(found[1], &c, 1), 1);
	assert_int_equal(c, 'o');
	fd_close(found[0]);
	fd_close(found[1]);
	fd_close(in[0]);
	fd_close(out[1]);
}

static void test_gone(void **state)
{
	struct keep_pipe pipes[3] = { { 0 } };
	pid_t pid = getpid();
	int out[2], found[3] = { 0 };

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pipes[1] = keep_pipe_of(out[0]);
	fd_close(out[0]);
	fd_close(out[1]);
	assert_int_equal(recover_pipes(pipes, &pid, 1, FD_INVALID, found, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(found[i], FD_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
