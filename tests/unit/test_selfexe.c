/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own binary: when it needs protection, and the re-execution itself, with this program as the
 * one that is protected. main() has two lives more for that, chosen by argv[1].
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "kernel/syscalls.h"
#include "mount_util.h"
#include "security/security.h"

#define ADMIN (1ULL << CAP_SYS_ADMIN)

/* --- decision --- */

static void test_decide_host(void **state)
{
	struct spec spec = { 0 };
	struct spec_process process = { 0 }, *p = &process;

	(void)state;
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_READONLY);
	assert_int_equal(selfexe_decide(&spec, p, 0, true), SELFEXE_NONE);
	/* An ordinary user may become root by a program of the image. */
	process.user.uid = 1000;
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_READONLY);
	process.caps = (struct spec_caps){ .present = true, .effective = ~ADMIN };
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_READONLY);
	/* Who holds CAP_SYS_ADMIN, in any set, undoes what is only mounted read-only. */
	process.caps.bounding = ADMIN;
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_SEALED);
	assert_int_equal(selfexe_decide(&spec, p, 0, true), SELFEXE_SEALED);
	process.caps = (struct spec_caps){ .present = true, .ambient = ADMIN };
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_SEALED);
	process.caps.present = false;
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_READONLY);
	/* exec of a weak process in a container that has it. */
	spec.process.caps = (struct spec_caps){ .present = true, .permitted = ADMIN };
	assert_int_equal(selfexe_decide(&spec, p, 0, false), SELFEXE_SEALED);
}

static void test_decide_userns(void **state)
{
	struct spec_id_map maps[] = { { 0, 100000, 65536 }, { 65536, 1000, 1 } };
	struct spec spec = { .linux_ = { .uid_maps = maps, .n_uid_maps = 2 } };
	struct spec_process process = { .caps = { .present = true, .bounding = ADMIN } };
	static char path[] = "/proc/1/ns/user";

	(void)state;
	spec.linux_.namespaces[NS_USER].wanted = true;
	assert_int_equal(selfexe_decide(&spec, &process, 0, false), SELFEXE_NONE);
	assert_int_equal(selfexe_decide(&spec, &process, 165536, false), SELFEXE_NONE);
	assert_int_equal(selfexe_decide(&spec, &process, 100000, false), SELFEXE_READONLY);
	assert_int_equal(selfexe_decide(&spec, &process, 165535, false), SELFEXE_READONLY);
	/* A rootless user's own ~/bin/berth. */
	assert_int_equal(selfexe_decide(&spec, &process, 1000, false), SELFEXE_READONLY);
	assert_int_equal(selfexe_decide(&spec, &process, 1000, true), SELFEXE_NONE);
	/* A namespace that is joined maps what it likes. */
	spec.linux_.namespaces[NS_USER].path = path;
	assert_int_equal(selfexe_decide(&spec, &process, 0, false), SELFEXE_READONLY);
}

/* --- re-execution --- */

enum { CLONE = 40, COPY, STILL_WRITABLE, REFUSED, OTHER };

static enum selfexe_need need_of(const char *name)
{
	return streq(name, "sealed") ? SELFEXE_SEALED : SELFEXE_READONLY;
}

/* The life under test: protect, then see whether anybody could write what we run from. */
static int live(char *argv[])
{
	enum selfexe_need need = need_of(argv[2]);
	struct err err = { 0 };
	int r = selfexe_protect(need, argv, &err);
	_cleanup_close_ int fd = FD_INVALID;
	struct statvfs fs;
	char comm[16];

	if (r < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return r == -EPERM && strstr(err.msg, "after a re-execution") ? REFUSED : OTHER;
	}
	/* Only the re-executed one gets here, unless the build is on something that is read-only.
	 * Its arguments and environment are as they were. */
	if (!argv[3] || !streq(argv[3], "last") || argv[4] || !getenv("SELFEXE_TEST"))
		return OTHER;
	if (prctl(PR_GET_NAME, comm) < 0 || strncmp(comm, "test_selfexe", 12) != 0)
		return OTHER;
	fd = open("/proc/self/exe", O_RDWR | O_CLOEXEC); /* ETXTBSY alone would end with us */
	if (fd >= 0)
		return STILL_WRITABLE;
	if (statvfs("/proc/self/exe", &fs) == 0 && fs.f_flag & ST_RDONLY)
		return chmod("/proc/self/exe", 0755) < 0 && errno == EROFS ? CLONE : STILL_WRITABLE;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return fcntl(fd, F_GET_SEALS) > 0 && fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE ? COPY
	                                                                           : STILL_WRITABLE;
}

static int run(const char *need, void (*before)(void))
{
	char *argv[] = { (char *)"test_selfexe", (char *)"live", (char *)need, (char *)"last",
		         NULL };
	char path[4096] = "";
	int status;
	pid_t pid;

	/* By path: the link leads to the mount that we were started from, whatever `before` does.
	 */
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	pid = fork();
	if (pid == 0) {
		setenv("SELFEXE_TEST", "1", 1);
		if (before)
			before();
		execv(path, argv);
		_exit(OTHER);
	}
	assert_true(pid > 0);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return proc_exit_code(status);
}

static void test_sealed(void **state)
{
	(void)state;
	assert_int_equal(run("sealed", NULL), COPY);
}

static void private_mounts(void)
{
	char map[32];
	int fd;

	if (geteuid() == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			_exit(CHILD_SKIPPED);
		return;
	}
	/* Root of a user namespace, or execve would take the capabilities away. */
	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0)
		_exit(CHILD_SKIPPED);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		_exit(CHILD_SKIPPED);
	close(fd);
}

static void test_readonly(void **state)
{
	int r = run("readonly", private_mounts);

	(void)state;
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, CLONE);
}

static void lose_privileges(void)
{
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		_exit(OTHER);
}

/* No privilege over the mounts: a copy serves as well. */
static void test_fallback(void **state)
{
	(void)state;
	assert_int_equal(run("readonly", lose_privileges), COPY);
}

/* A program that runs from something like our own copy, but not sealed, would go on for ever. */
static void from_open_memfd(void)
{
	char *argv[] = { (char *)"test_selfexe", (char *)"live", (char *)"sealed", (char *)"last",
		         NULL };
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = k_memfd_create("berth", 0);
	struct stat st;

	if (exe < 0 || fd < 0 || fstat(exe, &st) < 0)
		_exit(OTHER);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(fd, exe, NULL, (size_t)left);

		if (n <= 0)
			_exit(OTHER);
		left -= n;
	}
	k_execveat(fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(OTHER);
}

static void test_no_loop(void **state)
{
	(void)state;
	assert_int_equal(run("sealed", from_open_memfd), REFUSED);
}

static void test_none(void **state)
{
	char *argv[] = { (char *)"/nowhere", NULL };

	(void)state;
	assert_int_equal(selfexe_protect(SELFEXE_NONE, argv, NULL), 0);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide_host), cmocka_unit_test(test_decide_userns),
		cmocka_unit_test(test_sealed),      cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_fallback),    cmocka_unit_test(test_no_loop),
		cmocka_unit_test(test_none),
	};

	if (argc > 2 && streq(argv[1], "live"))
		return live(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
