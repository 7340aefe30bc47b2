/* SPDX-License-Identifier: Apache-2.0 */
/* Walking, reading and waiting, on an ordinary directory: the parts that need no cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "cgroup/internal.h"

static char dir[] = "/tmp/berth-cgroup-XXXXXX";
static int root = -1;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || mkdirat(root, "a", 0755) || mkdirat(root, "a/b", 0755) ||
	       mkdirat(root, "a/b/c", 0755) || mkdirat(root, "a/d", 0755) ||
	       symlinkat("/etc", root, "a/link") || symlinkat("b", root, "a/short");
}

static int teardown(void **state)
{
	(void)state;
	close(root);
	return file_remove_tree_at(AT_FDCWD, dir);
}

static void put(const char *name, const char *text)
{
	int fd = openat(root, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int try_open(const char *path)
{
	int fd = cg_openat(root, path, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void test_open_stays_beneath(void **state)
{
	(void)state;
	assert_int_equal(try_open("/"), 0);
	assert_int_equal(try_open(""), 0);
	assert_int_equal(try_open("/a/b/c"), 0);
	assert_int_equal(try_open("a/b"), 0);
	assert_int_equal(try_open("/a/none"), -ENOENT);
	assert_int_equal(try_open("/a/link"), -ELOOP);
	assert_int_equal(try_open("/a/short/c"), -ELOOP);
	assert_int_equal(try_open("a/../../etc"), -EXDEV);
	assert_int_equal(try_open(".."), -EXDEV);
}

static void test_mount_must_be_a_cgroup(void **state)
{
	struct err err = { 0 };
	struct cg_dir d = { (char *)"", dir, (char *)"/a", true, 1 };
	struct cg cg = { .mode = CG_V2, .dirs = &d, .n_dirs = 1, .usable = true };

	(void)state;
	assert_int_equal(cg_open_mount(dir, true, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "not a cgroup file system"));
	assert_int_equal(cg_open_mount(dir, false, NULL), -ENOTDIR);
	/* A record that names an ordinary directory removes nothing. */
	assert_int_equal(cg_destroy(&cg, 0, &err), -ENOTDIR);
	assert_int_equal(try_open("/a/b/c"), 0);
	assert_int_equal(cg_create(&cg, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "unable to apply cgroup configuration"));
}

static void test_subtree(void **state)
{
	_cleanup_strv_ char **paths = NULL;
	int fd = cg_openat(root, "/", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(cg_subtree(fd, &paths), 0);
	close(fd);
	assert_int_equal(strv_len(paths), 5);
	assert_string_equal(paths[0], "");
	assert_string_equal(paths[1], "a");
	assert_true(strv_contains(paths, "a/b"));
	assert_true(strv_contains(paths, "a/d"));
	assert_string_equal(paths[4], "a/b/c");
}

/* Deeper than any path may be long, with more levels than descriptors. */
static void test_deep(void **state)
{
	char name[201];
	char **paths = NULL;
	int fd = openat(root, "a/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC), top;
	size_t n;

	(void)state;
	memset(name, 'x', 200);
	name[200] = '\0';
	for (int i = 0; i < 60; i++) {
		int next;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	top = cg_openat(root, "a/d", O_RDONLY | O_DIRECTORY);
	assert_int_equal(cg_subtree(top, &paths), 0);
	n = strv_len(paths);
	assert_int_equal(n, 61);
	assert_true(strlen(paths[60]) > 2 * PATH_MAX);
	fd = cg_openat(top, paths[60], O_PATH | O_DIRECTORY);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = n; i-- > 1;) {
		_cleanup_free_ char *up = path_dir(paths[i]);

		fd = cg_openat(top, strcmp(up, ".") ? up : "", O_PATH | O_DIRECTORY);
		assert_true(fd >= 0);
		assert_int_equal(unlinkat(fd, path_base(paths[i]), AT_REMOVEDIR), 0);
		close(fd);
	}
	close(top);
	strv_free(paths);
}

static void test_files(void **state)
{
	char *text = NULL;
	uint64_t v = 7;

	(void)state;
	put("number", "12\n");
	assert_int_equal(cg_read(root, "number", &text), 0);
	assert_string_equal(text, "12");
	free(text);
	assert_int_equal(cg_read_number(root, "number", &v), 0);
	assert_int_equal(v, 12);
	assert_int_equal(cg_write_file(root, "number", "99"), 0);
	assert_int_equal(cg_read(root, "number", &text), 0);
	assert_string_equal(text, "99");
	free(text);
	assert_int_equal(cg_write_file(root, "none", "1"), -ENOENT);
	assert_int_equal(cg_write_file(root, "a/link/passwd", "1"), -ELOOP);
}

static void test_keys(void **state)
{
	const char *text =
	    "populated 1\nfrozen 0\noom 3\noom_kill 18446744073709551615\nbad x\nlast 5";
	uint64_t v = 7;

	(void)state;
	assert_int_equal(cg_text_key(text, "frozen", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(cg_text_key(text, "oom", &v), 0);
	assert_int_equal(v, 3);
	assert_int_equal(cg_text_key(text, "oom_kill", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(cg_text_key(text, "last", &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(cg_text_key(text, "bad", &v), -EINVAL);
	assert_int_equal(cg_text_key(text, "pop", &v), -ENOENT);
	assert_int_equal(cg_text_key("", "x", &v), -ENOENT);
}

static void test_waiting(void **state)
{
	unsigned int step = 0;
	int64_t deadline;

	(void)state;
	put("cgroup.events", "populated 0\nfrozen 0\n");
	assert_int_equal(cg_wait_event(root, "populated", 0, cg_deadline(1000)), 0);
	/* Whoever was to freeze has died: the kernel leaves it at "frozen 0" for ever. */
	assert_int_equal(cg_wait_event(root, "frozen", 1, cg_deadline(0)), 0);
	put("cgroup.events", "populated 1\nfrozen 0\n");
	assert_int_equal(cg_wait_event(root, "populated", 0, cg_deadline(0)), -ETIMEDOUT);
	assert_int_equal(cg_wait_event(root, "frozen", 1, cg_deadline(0)), -ETIMEDOUT);
	assert_int_equal(cg_wait_event(root, "none", 1, cg_deadline(1000)), -ENOENT);
	assert_int_equal(cg_remaining(cg_deadline(-5)), 0);
	assert_true(cg_remaining(cg_deadline(100000)) > 1000);
	deadline = cg_deadline(50);
	while (cg_remaining(deadline) > 0)
		cg_backoff(&step, deadline);
	assert_true(step > 1 && step < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_stays_beneath),
		cmocka_unit_test(test_mount_must_be_a_cgroup),
		cmocka_unit_test(test_subtree),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_waiting),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
