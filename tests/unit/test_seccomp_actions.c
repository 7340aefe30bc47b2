/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every action, comparison and flag, and the machine's other ABIs, by what the kernel makes of the
 * filter: a child loads it, makes one raw system call and tells what came of it by its end.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/mem.h"
#include "security/security.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define EACCES_ACTION SCMP_ACT_ERRNO(EACCES)
#define NAMES(...)    ((char **)(const char *[]){ __VA_ARGS__, NULL })
#define TRAPPED       200 /* exit status of a child whose SIGSYS was caught */
#define NOT_LOADED    201

static struct spec_seccomp profile(struct spec_seccomp_rule *rule)
{
	return (struct spec_seccomp){
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = rule, .n_rules = 1
	};
}

static struct seccomp_filter compile(const struct spec_seccomp *spec)
{
	struct seccomp_filter f;
	struct err err = { 0 };

	if (seccomp_compile(spec, &f, &err) < 0 || seccomp_check_kernel(&f, &err) < 0)
		fail_msg("%s", err.msg);
	return f;
}

static void on_sigsys(int sig)
{
	(void)sig;
	_exit(TRAPPED);
}

/* The test program's own handlers would take a child back into the tests. */
static void in_child(bool caught)
{
	signal(SIGSYS, caught ? on_sigsys : SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	alarm(20);
}

/* Wait status of a child that makes the call: exit status 0, or the errno. */
static int call_under(const struct spec_seccomp *spec, long nr, unsigned long arg, bool caught)
{
	struct seccomp_filter f = compile(spec);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long r;

		in_child(caught);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_filter_load(&f, NULL) < 0)
			_exit(NOT_LOADED);
		r = syscall(nr, arg, 0, 0, 0, 0, 0);
		/* Not _exit(): a sanitizer would look for leaks first, under the filter. */
		syscall(SYS_exit_group, r < 0 ? errno : 0);
		__builtin_unreachable();
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_filter_done(&f);
	return status;
}

static void test_actions(void **state)
{
	static const struct {
		uint32_t action;
		bool caught;
		int exit, signal; /* exit -1: ended by the signal */
	} rows[] = {
		{ SCMP_ACT_ERRNO(28), false, 28, 0 },
		{ SCMP_ACT_ERRNO(0), false, 0, 0 },
		{ SCMP_ACT_KILL_PROCESS, true, -1, SIGSYS },
		{ SCMP_ACT_KILL_THREAD, true, -1, SIGSYS },
		{ SCMP_ACT_TRAP, true, TRAPPED, 0 },
		{ SCMP_ACT_TRAP, false, -1, SIGSYS },
		{ SCMP_ACT_TRACE(7), false, ENOSYS, 0 }, /* nobody traces */
		{ SCMP_ACT_LOG, false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec_seccomp_rule rule = { NAMES("getppid"), rows[i].action, NULL, 0 };
		struct spec_seccomp spec = profile(&rule);
		int status = call_under(&spec, SYS_getppid, 0, rows[i].caught);

		if (rows[i].exit < 0) {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), rows[i].signal);
		} else {
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), rows[i].exit);
		}
		/* What is not named is not touched. */
		assert_int_equal(call_under(&spec, SYS_getpid, 0, false), 0);
	}
}

static void test_comparisons(void **state)
{
	static const uint64_t big = 0x100000005;
	static const struct {
		struct spec_seccomp_arg arg;
		unsigned long value;
		bool match;
	} rows[] = {
		{ { 0, 5, 0, SCMP_CMP_NE }, 5, false },
		{ { 0, 5, 0, SCMP_CMP_NE }, 6, true },
		{ { 0, 5, 0, SCMP_CMP_LT }, 4, true },
		{ { 0, 5, 0, SCMP_CMP_LT }, 5, false },
		{ { 0, 5, 0, SCMP_CMP_LE }, 5, true },
		{ { 0, 5, 0, SCMP_CMP_LE }, 6, false },
		{ { 0, 5, 0, SCMP_CMP_EQ }, 5, true },
		{ { 0, 5, 0, SCMP_CMP_EQ }, 4, false },
		{ { 0, 5, 0, SCMP_CMP_GE }, 5, true },
		{ { 0, 5, 0, SCMP_CMP_GE }, 4, false },
		{ { 0, 5, 0, SCMP_CMP_GT }, 6, true },
		{ { 0, 5, 0, SCMP_CMP_GT }, 5, false },
		{ { 0, 0xf0, 0x50, SCMP_CMP_MASKED_EQ }, 0xf5f, true },
		{ { 0, 0xf0, 0x50, SCMP_CMP_MASKED_EQ }, 0xf6f, false },
		/* All 64 bits count. */
		{ { 0, 0x100000005, 0, SCMP_CMP_EQ }, 5, false },
		{ { 0, 0x100000005, 0, SCMP_CMP_EQ }, big, true },
		{ { 0, 0x100000005, 0, SCMP_CMP_LT }, 6, true },
		{ { 0, 5, 0, SCMP_CMP_GT }, 0x100000000, true },
		{ { 0, 0xf00000000, 0x300000000, SCMP_CMP_MASKED_EQ }, 0x300000001, true },
		{ { 0, UINT64_MAX, 0, SCMP_CMP_EQ }, UINT64_MAX, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec_seccomp_arg arg = rows[i].arg;
		struct spec_seccomp_rule rule = { NAMES("getpgid"), EACCES_ACTION, &arg, 1 };
		struct spec_seccomp spec = profile(&rule);
		int status = call_under(&spec, SYS_getpgid, rows[i].value, false);

		assert_true(WIFEXITED(status));
		if ((WEXITSTATUS(status) == EACCES) != rows[i].match)
			fail_msg("row %zu: %d", i, WEXITSTATUS(status));
	}
}

static void test_flags(void **state)
{
	struct spec_seccomp_rule rule = { NAMES("getppid"), EACCES_ACTION, NULL, 0 };
	struct spec_seccomp spec = profile(&rule);
	struct seccomp_filter f;

	(void)state;
	spec.flags_present = true;
	spec.flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
	             SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	f = compile(&spec);
	assert_int_equal(f.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	seccomp_filter_done(&f);
	assert_int_equal(WEXITSTATUS(call_under(&spec, SYS_getppid, 0, false)), EACCES);
	rule.action = SCMP_ACT_NOTIFY;
	assert_int_equal(seccomp_compile(&spec, &f, NULL), 0);
	assert_int_equal(f.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
	                              SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
	                              SECCOMP_FILTER_FLAG_NEW_LISTENER);
	seccomp_filter_done(&f);
}

/* In a child: the filter's listener answers for a grandchild. */
static void answer_for_child(const struct seccomp_filter *f)
{
	struct seccomp_notif_resp tell = { .error = -EXDEV };
	int listener, status;
	struct seccomp_notif ask;
	pid_t pid;

	in_child(false);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(NOT_LOADED);
	listener = seccomp_filter_load(f, NULL);
	if (listener < 3)
		_exit(NOT_LOADED);
	pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_getppid) < 0 ? errno : 0);
	memset(&ask, 0, sizeof(ask));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0 || ask.data.nr != SYS_getppid)
		_exit(1);
	tell.id = ask.id;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &tell) < 0 || waitpid(pid, &status, 0) != pid)
		_exit(2);
	_exit(WEXITSTATUS(status));
}

static void test_notify(void **state)
{
	struct spec_seccomp_rule rule = { NAMES("getppid"), SCMP_ACT_NOTIFY, NULL, 0 };
	struct spec_seccomp spec = profile(&rule);
	struct seccomp_filter f = compile(&spec);
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		answer_for_child(&f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXDEV);
	seccomp_filter_done(&f);
}

#ifdef __x86_64__
#define X32_BIT     0x40000000
#define I386_GETPID 20

/* getpid by the entry of 32-bit programs. */
static long call_i386(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(I386_GETPID) : "memory");
	return r;
}

/* Wait status of a child that makes the call under a filter with these architectures. */
static int i386_under(uint32_t *arches, size_t n, bool loaded)
{
	struct spec_seccomp_rule rule = { NAMES("getpid"), EACCES_ACTION, NULL, 0 };
	struct spec_seccomp spec = profile(&rule);
	struct seccomp_filter f;
	int status;
	pid_t pid;

	spec.architectures = arches;
	spec.n_architectures = n;
	f = compile(&spec);
	pid = fork();
	if (pid == 0) {
		in_child(false);
		if (loaded && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		               seccomp_filter_load(&f, NULL) < 0))
			_exit(NOT_LOADED);
		_exit(call_i386() == -EACCES ? EACCES : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_filter_done(&f);
	return status;
}

static void test_i386(void **state)
{
	uint32_t arches[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
	int status = i386_under(arches, 3, false);

	(void)state;
	if (!WIFEXITED(status))
		skip(); /* a kernel without the entry */
	status = i386_under(arches, 3, true);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
	/* Not listed: nobody may come in that way. */
	status = i386_under(arches, 1, true);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_x32(void **state)
{
	struct spec_seccomp_rule rule = { NAMES("getppid"), EACCES_ACTION, NULL, 0 };
	uint32_t arches[] = { SCMP_ARCH_X86, SCMP_ARCH_X86_64, SCMP_ARCH_X32 };
	struct spec_seccomp spec = profile(&rule);
	int status;

	(void)state;
	spec.architectures = arches;
	spec.n_architectures = 3;
	/* The filter has its say whether the kernel knows the ABI or not. */
	status = call_under(&spec, X32_BIT | SYS_getppid, 0, false);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
	spec.n_architectures = 2;
	status = call_under(&spec, X32_BIT | SYS_getppid, 0, false);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* The stub goes by the numbers of each ABI. */
static void test_newer_by_abi(void **state)
{
	struct spec_seccomp_rule rule = { NAMES("exit_group", "exit", "getpid"), SCMP_ACT_ALLOW,
		                          NULL, 0 };
	uint32_t arches[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
	struct spec_seccomp spec = profile(&rule);

	(void)state;
	spec.default_action = SCMP_ACT_ERRNO(EXDEV);
	spec.architectures = arches;
	spec.n_architectures = 3;
	assert_int_equal(WEXITSTATUS(call_under(&spec, SYS_getppid, 0, false)), EXDEV);
	assert_int_equal(WEXITSTATUS(call_under(&spec, 400, 0, false)), ENOSYS);
	assert_int_equal(WEXITSTATUS(call_under(&spec, X32_BIT | SYS_getppid, 0, false)), EXDEV);
	assert_int_equal(WEXITSTATUS(call_under(&spec, X32_BIT | 400, 0, false)), ENOSYS);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),      cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_flags),        cmocka_unit_test(test_notify),
#ifdef __x86_64__
		cmocka_unit_test(test_i386),         cmocka_unit_test(test_x32),
		cmocka_unit_test(test_newer_by_abi),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
