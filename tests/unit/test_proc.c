/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: identities that survive pid reuse, exit statuses, helper programs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"

/* A child that lives until it is killed. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0)
		pause();
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return status;
}

static void test_boot_id(void **state)
{
	char a[40], b[40];

	(void)state;
	memset(b, 'x', sizeof(b));
	assert_int_equal(proc_boot_id(a), 0);
	assert_int_equal(proc_boot_id(b), 0);
	assert_int_equal(strlen(a), 36);
	assert_memory_equal(a, b, 40); /* padded: records can be compared as bytes */
}

static void test_stat(void **state)
{
	uint64_t mine = 0, start = 0;
	char st = 0, was[16];
	pid_t ppid = 0, pid;

	(void)state;
	/* A name made to confuse the parser. */
	assert_int_equal(prctl(PR_GET_NAME, was), 0);
	assert_int_equal(prctl(PR_SET_NAME, "a) S 1 (b )"), 0);
	assert_int_equal(proc_stat(getpid(), &st, &mine, &ppid), 0);
	assert_int_equal(st, 'R');
	assert_int_equal(ppid, getppid());
	assert_true(mine > 0);
	assert_int_equal(prctl(PR_SET_NAME, was), 0);
	pid = sleeper();
	assert_int_equal(proc_stat(pid, NULL, &start, &ppid), 0);
	assert_int_equal(ppid, getpid());
	assert_true(start >= mine);
	finish(pid);
	assert_int_equal(proc_stat(pid, &st, NULL, NULL), -ESRCH);
	assert_int_equal(proc_stat(-1, &st, NULL, NULL), -ESRCH);
}

/* Killed, and held by its tracer where it would end: it can do nothing any more, but is there. */
static void test_dying(void **state)
{
	pid_t pid = sleeper();
	int status;
	char st;

	(void)state;
	assert_false(proc_is_dying(getpid()));
	assert_false(proc_is_dying(pid));
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_false(proc_is_dying(pid));
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT), 0);
	kill(pid, SIGKILL);
	do
		assert_int_equal(waitpid(pid, &status, 0), pid);
	while (status >> 8 != (SIGTRAP | (PTRACE_EVENT_EXIT << 8)));
	assert_int_equal(proc_stat(pid, &st, NULL, NULL), 0);
	assert_true(st != 'Z');
	assert_true(proc_is_dying(pid));
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	finish(pid);
	assert_true(proc_is_dying(pid));
	/* Ended, and not collected. */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_true(proc_is_dying(pid));
	assert_int_equal(proc_waitpid(pid, &status), 0);
}

static void test_pidfd(void **state)
{
	pid_t pid = sleeper();
	_cleanup_close_ int fd = proc_pidfd_open(pid);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(proc_pidfd_pid(fd), pid);
	assert_false(proc_pidfd_exited(fd));
	assert_int_equal(proc_pidfd_signal(fd, 0), 0);
	assert_int_equal(proc_pidfd_signal(fd, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(proc_pidfd_exited(fd));
	finish(pid);
	assert_true(proc_pidfd_exited(fd));
	assert_int_equal(proc_pidfd_pid(fd), -ESRCH);
	assert_int_equal(proc_pidfd_signal(fd, 0), -ESRCH);
	assert_int_equal(proc_pidfd_open(pid), -ESRCH);
	assert_int_equal(proc_pidfd_pid(0), -EINVAL); /* not a pidfd */
	assert_int_equal(proc_pidfd_pid(1000), -EBADF);
	assert_false(proc_pidfd_exited(FD_INVALID));
}

static void test_identity(void **state)
{
	pid_t pid = sleeper();
	_cleanup_close_ int fd = proc_pidfd_open(pid), again = FD_INVALID;
	struct proc_id id = { 0 }, other, with_fd = { 0 };

	(void)state;
	assert_int_equal(proc_id_get(pid, -1, &id), 0);
	assert_int_equal(proc_id_get(pid, fd, &with_fd), 0);
	assert_memory_equal(&id, &with_fd, sizeof(id));
	assert_int_equal(id.pid, pid);
	assert_true(id.start_time > 0);
	assert_int_equal(strlen(id.boot_id), 36);
	again = proc_id_open(&id);
	assert_true(again >= 0);
	assert_int_equal(proc_pidfd_pid(again), pid);
	assert_int_equal(fcntl(again, F_GETFD), FD_CLOEXEC);

	/* Another process with that pid, by either mark. */
	other = id;
	if (id.pidfs_ino) {
		other.pidfs_ino++;
		assert_int_equal(proc_id_open(&other), -ESRCH);
	}
	other = id;
	other.pidfs_ino = 0;
	fd_close(proc_id_open(&other));
	other.start_time++;
	assert_int_equal(proc_id_open(&other), -ESRCH);
	/* Another boot, unknown, none. */
	other = id;
	other.boot_id[0] ^= 1;
	assert_int_equal(proc_id_open(&other), -ESRCH);
	other = id;
	other.boot_id[0] = '\0';
	assert_int_equal(proc_id_open(&other), -ESRCH);
	other = id;
	other.start_time = other.pidfs_ino = 0;
	assert_int_equal(proc_id_open(&other), -ESRCH);
	other = (struct proc_id){ 0 };
	assert_int_equal(proc_id_open(&other), -ESRCH);
	other = id;
	other.pid = -1; /* never "every process" */
	assert_int_equal(proc_id_open(&other), -ESRCH);

	finish(pid);
	assert_int_equal(proc_id_open(&id), -ESRCH);
	assert_int_equal(proc_id_get(pid, fd, &other), -ESRCH);
	assert_int_equal(proc_id_get(pid, -1, &other), -ESRCH);
	assert_int_equal(proc_id_get(0, -1, &other), -ESRCH);
}

/* The start time alone finds the process, too, as on kernels without pidfs. */
static void test_identity_start_time(void **state)
{
	struct proc_id id;
	int fd;

	(void)state;
	assert_int_equal(proc_id_get(getpid(), -1, &id), 0);
	id.pidfs_ino = 0;
	fd = proc_id_open(&id);
	assert_true(fd >= 0);
	fd_close(fd);
}

static void test_exit_status(void **state)
{
	static const int codes[] = { 0, 1, 42, 255, -SIGKILL, -SIGTERM };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		_cleanup_close_ int fd = FD_INVALID;
		int status = 4711, waited = 0, r;
		pid_t pid = fork();

		if (pid == 0) {
			if (codes[i] >= 0)
				_exit(codes[i]);
			kill(getpid(), -codes[i]);
			for (;;)
				pause();
		}
		fd = proc_pidfd_open(pid);
		assert_true(fd >= 0);
		r = proc_pidfd_exit_status(fd, &status);
		if (r == -EOPNOTSUPP) { /* a kernel before 6.13 */
			finish(pid);
			skip();
		}
		assert_int_equal(r, -EAGAIN); /* nobody has reaped it yet */
		assert_int_equal(status, 4711);
		assert_int_equal(proc_waitpid(pid, &waited), 0);
		r = proc_pidfd_exit_status(fd, &status);
		if (r == -ESRCH) /* 6.13 and 6.14 have the call without the status */
			skip();
		assert_int_equal(r, 0);
		assert_int_equal(status, waited);
		assert_int_equal(proc_exit_code(status), codes[i] >= 0 ? codes[i] : 128 - codes[i]);
	}
	assert_int_equal(proc_pidfd_exit_status(0, NULL), -EOPNOTSUPP);
}

static void test_reset_signals(void **state)
{
	pid_t pid;
	sigset_t all;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0) {
		struct sigaction sa;

		signal(SIGTERM, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		proc_reset_signals();
		sigaction(SIGPIPE, NULL, &sa);
		if (sa.sa_handler != SIG_DFL)
			_exit(1);
		kill(getpid(), SIGTERM);
		_exit(2);
	}
	assert_int_equal(proc_waitpid(pid, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(proc_exit_code(status), 128 + SIGTERM);
	assert_int_equal(proc_waitpid(pid, &status), -ECHILD);
}

#define SH(script)                                                        \
	(char *[])                                                        \
	{                                                                 \
		(char *)"called-sh", (char *)"-c", (char *)(script), NULL \
	}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_run(void **state)
{
	char out[8192], *env[] = { (char *)"X=y z", NULL };
	char *missing[] = { (char *)"/none/such", NULL },
	     *noexec[] = { (char *)"/etc/passwd", NULL };
	int status;

	(void)state;
	assert_int_equal(proc_run("/bin/sh", SH("exit 0"), NULL, NULL, -1, NULL, 0), 0);
	status = proc_run("/bin/sh", SH("exit 7"), NULL, NULL, 10000, out, sizeof(out));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_string_equal(out, "");
	status = proc_run("/bin/sh", SH("kill -9 $$"), NULL, NULL, 10000, NULL, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(
	    proc_run("/bin/sh", SH("echo out; echo err >&2"), NULL, NULL, -1, out, sizeof(out)), 0);
	assert_string_equal(out, "out\nerr\n");
	assert_int_equal(
	    proc_run("/bin/sh", SH("echo \"$X:$HOME\""), env, NULL, -1, out, sizeof(out)), 0);
	assert_string_equal(out, "y z:\n");
	/* argv[0] is a name, the path decides. */
	assert_int_equal(proc_run("/bin/sh", SH("echo $0"), NULL, NULL, -1, out, sizeof(out)), 0);
	assert_string_equal(out, "called-sh\n");
	assert_int_equal(proc_run("/none/such", missing, NULL, NULL, -1, out, sizeof(out)),
	                 -ENOENT);
	assert_int_equal(proc_run("/etc/passwd", noexec, NULL, NULL, -1, out, sizeof(out)),
	                 -EACCES);
}

static void test_run_input(void **state)
{
	_cleanup_free_ char *big = xmalloc(300001);
	char out[64];

	(void)state;
	memset(big, 'i', 300000);
	big[300000] = '\0';
	assert_int_equal(proc_run("/bin/sh", SH("wc -c"), NULL, big, 60000, out, sizeof(out)), 0);
	assert_int_equal(atoi(out), 300000);
	/* Not read: neither SIGPIPE nor a wait. */
	assert_int_equal(proc_run("/bin/sh", SH("exit 0"), NULL, big, 60000, out, sizeof(out)), 0);
	assert_int_equal(proc_run("/bin/sh", SH("cat"), NULL, "", -1, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(proc_run("/bin/sh", SH("cat"), NULL, NULL, -1, out, sizeof(out)),
	                 0); /* /dev/null */
	assert_int_equal(
	    proc_run("/bin/sh", SH("cat /dev/stdin"), NULL, "again", -1, out, sizeof(out)), 0);
	assert_string_equal(out, "again");
}

static void test_run_output(void **state)
{
	static char out[8192];
	char tiny[4] = "???";

	(void)state;
	/* Far more than is kept and than a pipe holds: the helper is not held up. */
	assert_int_equal(proc_run("/bin/sh", SH("head -c 500000 /dev/zero | tr '\\0' o"), NULL,
	                          NULL, 60000, out, sizeof(out)),
	                 0);
	assert_int_equal(strlen(out), 4096);
	assert_int_equal(out[4095], 'o');
	assert_int_equal(proc_run("/bin/sh", SH("echo abcdef"), NULL, NULL, -1, tiny, sizeof(tiny)),
	                 0);
	assert_string_equal(tiny, "abc");
	tiny[0] = '?';
	assert_int_equal(proc_run("/bin/sh", SH("echo x"), NULL, NULL, -1, tiny, 0), 0);
	assert_int_equal(tiny[0], '?');
}

/* The deadline ends the whole group, also under a flood of output. */
static void test_run_timeout(void **state)
{
	static const char *const scripts[] = { "sleep 1000; :", "while :; do echo flood; done",
		                               "trap '' TERM INT; sleep 1000 & wait" };
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		int64_t begin = now_ms();

		assert_int_equal(
		    proc_run("/bin/sh", SH(scripts[i]), NULL, NULL, 50, out, sizeof(out)),
		    -ETIMEDOUT);
		assert_true(now_ms() - begin >= 50);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing left unreaped */
	assert_int_equal(errno, ECHILD);
}

/* A daemon that keeps the pipe does not keep us. It tells its pid, and we end it. */
static void test_run_daemon(void **state)
{
	char out[64] = "";

	(void)state;
	assert_int_equal(
	    proc_run("/bin/sh", SH("sleep 1000 & echo $!"), NULL, NULL, 60000, out, sizeof(out)),
	    0);
	assert_true(atoi(out) > 1);
	assert_int_equal(kill(atoi(out), SIGKILL), 0); /* it was alive when we came back */
}

/* Nothing of ours but 0..2 reaches the helper, and we keep what we had. */
static void test_run_fds(void **state)
{
	char out[256];
	int fd;

	(void)state;
	fd = dup2(1, 77); /* not close-on-exec */
	assert_int_equal(fd, 77);
	/* The shell's own descriptor of the directory may be there. */
	assert_int_equal(proc_run("/bin/sh", SH("test -e /proc/$$/fd/77 || echo none"), NULL, NULL,
	                          -1, out, sizeof(out)),
	                 0);
	assert_string_equal(out, "none\n");
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_id),     cmocka_unit_test(test_stat),
		cmocka_unit_test(test_dying),       cmocka_unit_test(test_pidfd),
		cmocka_unit_test(test_identity),    cmocka_unit_test(test_identity_start_time),
		cmocka_unit_test(test_exit_status), cmocka_unit_test(test_reset_signals),
		cmocka_unit_test(test_run),         cmocka_unit_test(test_run_input),
		cmocka_unit_test(test_run_output),  cmocka_unit_test(test_run_timeout),
		cmocka_unit_test(test_run_daemon),  cmocka_unit_test(test_run_fds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
