/* SPDX-License-Identifier: Apache-2.0 */
/* The lock-down of the shim: what is possible before is not afterwards, with Landlock and without. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>

#include <cmocka.h>

#include "base/fd.h"
#include "shim/shim.h"
#include "tests/unit/deny_call.h"
#include "tests/unit/work_dir.h"

#define OUTSIDE "/etc/passwd" /* is everywhere, and nobody loads programs from it */

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* As in a kernel that has it switched off. */
static int without_landlock(void)
{
	return deny_call(SYS_landlock_create_ruleset, EOPNOTSUPP);
}

/* 0 when it worked, else errno. */
static int try_open(int at, const char *name, int flags)
{
	int fd = openat(at, name, flags | O_CLOEXEC, 0600), error = errno;

	fd_close(fd);
	return fd < 0 ? error : 0;
}

/* What the filter denies, all with EPERM. 0, or the number of the first that it did not. */
static int try_calls(int in)
{
	struct rlimit lim = { 10, 10 };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 1;
	if (mkdirat(in, "made", 0700) == 0 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) >= 0 || errno != EPERM)
		return 3;
	if (setrlimit(RLIMIT_NOFILE, &lim) == 0 || errno != EPERM)
		return 4;
	if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EPERM)
		return 5;
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED)
		return 6;
	return 0;
}

static int try_files(int in, bool confined)
{
	if (try_open(AT_FDCWD, OUTSIDE, O_RDONLY) != (confined ? EACCES : 0))
		return 20;
	if (try_open(in, "../outside", O_RDWR | O_CREAT) != (confined ? EACCES : 0))
		return 21;
	if (try_open(in, "inside", O_RDWR | O_CREAT) != 0)
		return 22;
	if (unlinkat(in, "inside", 0) < 0)
		return 23;
	return 0;
}

static int try_rights(unsigned int may_keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0 || data[0].permitted & ~may_keep ||
	    data[1].permitted || data[0].effective & ~may_keep || data[1].effective)
		return 30;
	return 0;
}

/* The child's status: 0, or which of the above. */
static int in_child(bool landlock, bool helper)
{
	static struct shim shim;
	int in = openat(dir, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	pid_t pid = fork();

	assert_true(in >= 0 && pid >= 0);
	if (pid == 0) {
		int r;

		if (!landlock && without_landlock())
			_exit(40);
		/* Or the lock-down proves nothing. */
		if (try_files(in, false))
			_exit(41);
		shim.session.conf.dir_fd = in;
		shim.fdinfo_fd = FD_INVALID;
		r = helper ? lockdown_helper(in, NULL) : lockdown(&shim, NULL);
		if (r < 0)
			_exit(42);
		r = try_files(in, landlock);
		if (r == 0)
			r = try_calls(in);
		if (r == 0)
			r = try_rights(helper ? 0 : 1U << CAP_KILL);
		/* For _exit(), the address sanitizer makes a call that the filter denies. */
		(void)syscall(SYS_exit_group, r);
	}
	fd_close(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int setup(void **state)
{
	return work_dir_make(state) < 0 || mkdirat(dir, "in", 0700) < 0;
}

static void test_locked(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(in_child(true, false), 0);
	assert_int_equal(in_child(true, true), 0);
}

/* Everything else is in force all the same. */
static void test_without_landlock(void **state)
{
	(void)state;
	assert_int_equal(in_child(false, false), 0);
	assert_int_equal(in_child(false, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_without_landlock),
	};

	return cmocka_run_group_tests(tests, setup, work_dir_remove);
}
