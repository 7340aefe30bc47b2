/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps: text, arguments, host ids; writing them with privilege, without, and by helpers. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "mount_util.h"
#include "namespace/internal.h"
#include "namespace/namespace.h"

static const struct spec_id_map two[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

static void test_text(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(NS_MAP_TEXT_MAX);
	_cleanup_buf_ struct buf full = BUF_INIT(NS_MAP_TEXT_MAX);
	_cleanup_free_ struct spec_id_map *many = xcalloc(341, sizeof(*many));

	(void)state;
	assert_int_equal(ns_map_text(two, 2, &text), 0);
	assert_string_equal(text.data, "0 1000 1\n1 100000 65536\n");
	assert_int_equal(ns_map_text(many, 341, &full), -E2BIG);
	assert_int_equal(ns_map_text(many, 340, &full), 0);
	/* Few enough lines, too many bytes for one write. */
	for (int i = 0; i < 341; i++)
		many[i] = (struct spec_id_map){ 4000000000u, 4000000000u, 1 };
	buf_consume(&full, full.len);
	assert_int_equal(ns_map_text(many, 340, &full), -E2BIG);
}

static void test_argv(void **state)
{
	static const char *const want[] = { "newuidmap", "42", "0",      "1000",
		                            "1",         "1",  "100000", "65536" };
	_cleanup_strv_ char **argv = ns_map_argv("newuidmap", 42, two, 2);

	(void)state;
	assert_int_equal(strv_len(argv), ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_string_equal(argv[i], want[i]);
}

static void test_is_own(void **state)
{
	(void)state;
	assert_true(ns_map_is_own(two, 1, 1000));
	assert_false(ns_map_is_own(two, 1, 1001));
	assert_false(ns_map_is_own(two, 2, 1000));
	assert_false(ns_map_is_own(two + 1, 1, 100000));
	assert_ptr_equal(ns_map_first_foreign(two, 2, 1000), two + 1);
	assert_ptr_equal(ns_map_first_foreign(two, 2, 5), two);
	assert_null(ns_map_first_foreign(two, 1, 1000));
}

static void test_equals(void **state)
{
	(void)state;
	assert_true(ns_map_equals("         0       1000          1\n"
	                          "         1     100000      65536\n",
	                          two, 2));
	assert_true(ns_map_equals("1 100000 65536\n0 1000 1\n", two, 2));
	assert_true(ns_map_equals("", two, 0));
	assert_false(ns_map_equals("0 1000 1\n", two, 2));
	assert_false(ns_map_equals("0 1000 1\n1 100000 65536\n", two, 1));
	assert_false(ns_map_equals("0 1000 1\n1 100000 65535\n", two, 2));
	assert_false(ns_map_equals("", two, 2));
	assert_false(ns_map_equals("x", two, 0));
}

static void test_host_id(void **state)
{
	static const struct spec_id_map top = { 10, 4294967290u, 4 };

	(void)state;
	assert_int_equal(ns_host_id(NULL, 0, 77), 77);
	assert_int_equal(ns_host_id(two, 2, 0), 1000);
	assert_int_equal(ns_host_id(two, 2, 1), 100000);
	assert_int_equal(ns_host_id(two, 2, 65536), 165535);
	assert_int_equal(ns_host_id(two, 2, 65537), UINT32_MAX);
	assert_int_equal(ns_host_id(&top, 1, 13), 4294967293u);
	assert_int_equal(ns_host_id(&top, 1, 14), UINT32_MAX);
	assert_int_equal(ns_host_id(&top, 1, 9), UINT32_MAX);
}

/* --- with a process --- */

struct target {
	pid_t pid;
	int pidfd;
	int hold; /* closing it lets the process end */
};

/* A process in a new user namespace that waits; false: not to be had here. */
static bool target_make(struct target *t)
{
	int pipe_fds[2];
	char c;

	CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0);
	t->pid = ns_clone(CLONE_NEWUSER, FD_INVALID, false, &t->pidfd, NULL, NULL);
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipe_fds[1]);
		(void)!read(pipe_fds[0], &c, 1);
		_exit(0);
	}
	close(pipe_fds[0]);
	t->hold = pipe_fds[1];
	return t->pid > 0;
}

static void target_done(struct target *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->pidfd);
	close(t->hold);
}

static char *target_file(const struct target *t, const char *name)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/%s", t->pid, name);
	char *text = NULL;

	CHECK(file_read_at(AT_FDCWD, path, 4096, &text, NULL) == 0);
	return text;
}

static void check_map(const struct target *t, const char *name, uint32_t in, uint32_t out,
                      uint32_t size)
{
	_cleanup_free_ char *text = target_file(t, name);
	uint32_t a, b, c;

	CHECK(sscanf(text, "%u %u %u", &a, &b, &c) == 3);
	CHECK(a == in && b == out && c == size);
}

/* An ordinary user whose processes are his own in /proc. */
static void become_user(void)
{
	if (geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(65534, 65534, 65534) == 0);
		CHECK(setresuid(65534, 65534, 65534) == 0);
	}
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static int in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return proc_exit_code(status);
}

static void own_id(void *arg)
{
	struct spec_id_map uids = { 0, 0, 1 }, gids = { 0, 0, 1 };
	struct spec spec = {
		.linux_ = { .uid_maps = &uids, .gid_maps = &gids, .n_uid_maps = 1, .n_gid_maps = 1 }
	};
	_cleanup_free_ char *groups = NULL;
	struct target t;
	struct err err = { 0 };

	(void)arg;
	become_user();
	uids.host_id = geteuid();
	gids.host_id = getegid();
	if (!target_make(&t))
		_exit(CHILD_SKIPPED);
	CHECK(ns_write_maps(t.pid, &spec, &err) == 0);
	check_map(&t, "uid_map", 0, geteuid(), 1);
	check_map(&t, "gid_map", 0, getegid(), 1);
	groups = target_file(&t, "setgroups");
	CHECK(strcmp(groups, "deny\n") == 0);
	CHECK(ns_check_maps(t.pid, &spec, &err) == 0);
	gids.container_id = 1;
	CHECK(ns_check_maps(t.pid, &spec, &err) == -EINVAL && strstr(err.msg, "gidMappings"));
	spec.linux_.n_gid_maps = 0; /* nothing said */
	CHECK(ns_check_maps(t.pid, &spec, &err) == 0);
	/* They can't be written twice: an error that names the file. */
	CHECK(ns_write_maps(t.pid, &spec, &err) < 0);
	CHECK(strstr(err.msg, "uidMappings"));
	target_done(&t);
}

static void test_own_id(void **state)
{
	int r = in_child(own_id, NULL);

	(void)state;
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void many_ids(void *arg)
{
	struct spec_id_map maps[] = { { 0, 100000, 1000 }, { 1000, 5, 1 } };
	struct spec spec = {
		.linux_ = { .uid_maps = maps, .gid_maps = maps, .n_uid_maps = 2, .n_gid_maps = 2 }
	};
	_cleanup_free_ char *groups = NULL, *text = NULL;
	struct target t;
	struct err err = { 0 };

	(void)arg;
	if (!target_make(&t))
		_exit(CHILD_SKIPPED);
	CHECK(ns_write_maps(t.pid, &spec, &err) == 0);
	check_map(&t, "uid_map", 0, 100000, 1000);
	text = target_file(&t, "gid_map");
	CHECK(strchr(text, '\n') != strrchr(text, '\n'));
	groups = target_file(&t, "setgroups");
	CHECK(strcmp(groups, "allow\n") == 0);
	target_done(&t);
}

static void test_privileged(void **state)
{
	int r;

	(void)state;
	if (geteuid() != 0)
		skip();
	r = in_child(many_ids, NULL);
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void script(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(dir, name);

	scratch_file(dir, name, text);
	CHECK(chmod(path, 0755) == 0);
}

static void helpers(void *arg)
{
	const char *dir = arg;
	struct spec_id_map maps[] = { { 0, 100000, 65536 } };
	struct spec spec = {
		.linux_ = { .uid_maps = maps, .gid_maps = maps, .n_uid_maps = 1, .n_gid_maps = 1 }
	};
	_cleanup_free_ char *want = NULL, *log = path_join(dir, "log");
	_cleanup_free_ char *text = NULL;
	struct target t;
	struct err err = { 0 };

	become_user();
	CHECK(setenv("PATH", dir, 1) == 0 && setenv("LOG", log, 1) == 0);
	if (!target_make(&t))
		_exit(CHILD_SKIPPED);
	/* The one for users works, the one for groups does not. */
	CHECK(ns_write_maps(t.pid, &spec, &err) == -EPERM);
	CHECK(file_read_at(AT_FDCWD, log, 4096, &text, NULL) == 0);
	want = xasprintf("uid %d 0 100000 65536\ngid %d 0 100000 65536\n", t.pid, t.pid);
	CHECK(strcmp(text, want) == 0);
	CHECK(strstr(err.msg, "linux.gidMappings"));
	CHECK(strstr(err.msg, "no such range"));
	CHECK(strstr(err.msg, "/etc/subgid"));
	CHECK(strstr(err.msg, ":100000:65536"));
	target_done(&t);
}

static void test_helpers(void **state)
{
	char *dir = scratch_make();
	_cleanup_free_ char *log = path_join(dir, "log");
	int r;

	(void)state;
	script(dir, "newuidmap", "#!/bin/sh\necho uid \"$@\" >>\"$LOG\"\n");
	script(dir, "newgidmap",
	       "#!/bin/sh\necho gid \"$@\" >>\"$LOG\"\necho no such range >&2\nexit 1\n");
	scratch_file(dir, "log", "");
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(log, 0666), 0);
	r = in_child(helpers, dir);
	scratch_remove(dir);
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void test_refused(void **state)
{
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(ns_write_maps(getpid(), &spec, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "linux.uidMappings"));
	assert_true(ns_write_maps(0x7ffffff0, &spec, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals),     cmocka_unit_test(test_text),
		cmocka_unit_test(test_argv),       cmocka_unit_test(test_is_own),
		cmocka_unit_test(test_host_id),    cmocka_unit_test(test_own_id),
		cmocka_unit_test(test_privileged), cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
