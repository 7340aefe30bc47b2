/* SPDX-License-Identifier: Apache-2.0 */
/* System call wrappers and probes; the probes also under a filter that takes calls away. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "kernel/probe.h"
#include "kernel/syscalls.h"

static void test_openat2(void **state)
{
	_cleanup_close_ int etc = k_openat2(AT_FDCWD, "/etc", O_PATH | O_DIRECTORY, 0, 0),
	                    fd = FD_INVALID;

	(void)state;
	assert_true(etc >= 0);
	assert_int_equal(fcntl(etc, F_GETFD), FD_CLOEXEC);
	/* Absolute and dotted paths stay inside. */
	fd = k_openat2(etc, "/../../passwd", O_RDONLY, 0, RESOLVE_IN_ROOT);
	assert_true(fd >= 0);
	assert_int_equal(k_openat2(etc, "../etc/passwd", O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
	assert_int_equal(k_openat2(etc, "/etc/passwd", O_RDONLY, 0, RESOLVE_IN_ROOT), -ENOENT);
	assert_int_equal(k_openat2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS),
	                 -ELOOP);
	assert_int_equal(k_openat2(AT_FDCWD, "/", O_RDONLY, 0600, 0), -EINVAL);
}

static void test_clone3(void **state)
{
	int pidfd = FD_INVALID, status;
	struct clone_args args = { .flags = CLONE_PIDFD,
		                   .pidfd = (uintptr_t)&pidfd,
		                   .exit_signal = SIGCHLD };
	pid_t pid = k_clone3(&args, sizeof(args));

	(void)state;
	if (pid == 0)
		_exit(3);
	assert_true(pid > 0);
	assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	assert_int_equal(k_pidfd_send_signal(pidfd, 0), -ESRCH);
	fd_close(pidfd);
	assert_int_equal(k_clone3(NULL, 0), -EINVAL);
}

static void test_descriptors(void **state)
{
	int self = k_pidfd_open(getpid(), 0), null = open("/dev/null", O_RDONLY), copy;
	int mem = k_memfd_create("x", MFD_ALLOW_SEALING);

	(void)state;
	assert_true(self >= 0 && null >= 0 && mem >= 0);
	assert_int_equal(fcntl(self, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(mem, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE), 0);
	copy = k_pidfd_getfd(self, null);
	assert_true(copy >= 0 && copy != null);
	assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
	assert_int_equal(k_close_range((unsigned int)copy, (unsigned int)copy, 0), 0);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	assert_int_equal(k_pidfd_open(-1, 0), -EINVAL);
	fd_close(self);
	fd_close(null);
	fd_close(mem);
}

static void test_mount_id(void **state)
{
	uint64_t root = 0, proc = 0;

	(void)state;
	assert_int_equal(k_mount_id(AT_FDCWD, "/", 0, &root), 0);
	assert_int_equal(k_mount_id(AT_FDCWD, "/proc", 0, &proc), 0);
	assert_true(root != proc);
	assert_int_equal(k_mount_id(AT_FDCWD, "/none", 0, &root), -ENOENT);
	assert_int_equal(k_mount_id(FD_INVALID, "x", 0, &root), -EBADF);
}

static void test_errors(void **state)
{
	char *argv[] = { (char *)"x", NULL };
	char log[64] = "x";

	(void)state;
	assert_int_equal(k_execveat(AT_FDCWD, "/none", argv, argv, 0), -ENOENT);
	assert_true(k_fsmount(FD_INVALID, 0) < 0);
	assert_true(k_fsconfig_string(FD_INVALID, "a", "b") < 0);
	assert_true(k_move_mount_fd(FD_INVALID, FD_INVALID) < 0);
	assert_true(k_pivot_root("/none", "/none") < 0);
	assert_true(k_bpf(INT_MAX, NULL, 0) < 0);
	assert_int_equal(k_fs_log(FD_INVALID, log, sizeof(log)), 0);
	assert_string_equal(log, "");
	assert_int_equal(k_fs_log(FD_INVALID, NULL, 0), 0);
}

/* The mount calls need privileges: in a user and mount namespace of a child. */
static int mount_child(uid_t uid, gid_t gid)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	char log[128], map[64];
	int fs, mnt, dir;

	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (file_write_at(AT_FDCWD, "/proc/self/uid_map", map) < 0 ||
	    file_write_at(AT_FDCWD, "/proc/self/setgroups", "deny") < 0)
		return 8;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (file_write_at(AT_FDCWD, "/proc/self/gid_map", map) < 0)
		return 9;
	fs = k_fsopen("tmpfs");
	if (fs < 0)
		return 10;
	if (k_fsconfig_string(fs, "size", "64k") < 0)
		return 11;
	if (k_fsconfig_string(fs, "bogus", "1") != -EINVAL)
		return 12;
	if (k_fs_log(fs, log, sizeof(log)) == 0 || !strstr(log, "bogus") || strchr(log, '\n'))
		return 13;
	if (k_fsconfig_create(fs) < 0)
		return 14;
	mnt = k_fsmount(fs, MOUNT_ATTR_NOSUID);
	if (mnt < 0 || fcntl(mnt, F_GETFD) != FD_CLOEXEC)
		return 15;
	dir = mkdirat(mnt, "d", 0700) == 0 ? openat(mnt, "d", O_RDONLY | O_CLOEXEC) : -1;
	if (dir < 0)
		return 16;
	if (k_mount_setattr(mnt, "", AT_EMPTY_PATH, &attr) < 0)
		return 17;
	if (mkdirat(mnt, "e", 0700) == 0 || errno != EROFS)
		return 18;
	if (k_move_mount_fd(mnt, dir) == 0) /* onto itself: refused */
		return 19;
	dir = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (k_move_mount_fd(mnt, dir) < 0)
		return 20;
	if (access("/tmp/d", F_OK) < 0)
		return 21;
	mnt = k_open_tree(AT_FDCWD, "/tmp", OPEN_TREE_CLONE | AT_RECURSIVE);
	return mnt >= 0 && fcntl(mnt, F_GETFD) == FD_CLOEXEC ? 0 : 22;
}

static void test_mount(void **state)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWNS, .exit_signal = SIGCHLD };
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid;
	int status;

	(void)state;
	if (!probe_user_ns())
		skip();
	pid = k_clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(mount_child(uid, gid));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

/* Make one call answer with an error, as an old kernel or a sandbox would. */
static int deny(unsigned int nr, unsigned int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return k_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static int require_child(unsigned int nr, unsigned int error, const char *name)
{
	struct err err = { 0 };

	if (deny(nr, error) < 0)
		return 1;
	if (probe_require(&err) != -ENOSYS)
		return 2;
	if (!strstr(err.msg, name) || !strstr(err.msg, "5.12"))
		return 3;
	return 0;
}

static void test_require(void **state)
{
	static const struct {
		unsigned int nr;
		const char *name;
	} rows[] = {
		{ SYS_openat2, "openat2" },         { SYS_mount_setattr, "mount_setattr" },
		{ SYS_close_range, "close_range" }, { SYS_pidfd_open, "pidfd_open" },
		{ SYS_open_tree, "open_tree" },     { SYS_fsconfig, "fsopen" },
	};
	static const unsigned int errors[] = { ENOSYS, EPERM };

	(void)state;
	if (!probe_seccomp())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t e = 0; e < ARRAY_SIZE(errors); e++) {
			pid_t pid = fork();
			int status;

			if (pid == 0)
				_exit(require_child(rows[i].nr, errors[e], rows[i].name));
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_int_equal(status, 0);
		}
	}
}

static int without_clone3(void)
{
	struct err err = { 0 };

	if (deny(SYS_clone3, ENOSYS) < 0)
		return 1;
	/* There is clone(2): nothing that could not run. */
	if (probe_clone3() || probe_clone3_into_cgroup() || probe_require(&err) < 0)
		return 2;
	return probe_unshare(0) == 0 && probe_unshare(UINT32_MAX) < 0 ? 0 : 3;
}

static void test_without_clone3(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (!probe_seccomp())
		skip();
	pid = fork();
	if (pid == 0)
		_exit(without_clone3());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Here and now everything is there; asking twice gives the same; errno is kept. */
static void test_probes(void **state)
{
	struct err err = { 0 };
	size_t required = 0;

	(void)state;
	assert_int_equal(probe_require(&err), 0);
	assert_string_equal(err.msg, "");
	for (const struct probe_row *row = probe_table; row->name; row++) {
		bool first;

		errno = ENOTTY;
		first = row->have();
		assert_int_equal(errno, ENOTTY);
		assert_int_equal(row->have(), first);
		assert_true(first || !row->required);
		assert_non_null(row->without);
		required += row->required;
	}
	assert_int_equal(required, 6);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* no child left */
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_clone3),
		cmocka_unit_test(test_require), /* first: forks inherit the cache */
		cmocka_unit_test(test_openat2),
		cmocka_unit_test(test_clone3),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_mount_id),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
