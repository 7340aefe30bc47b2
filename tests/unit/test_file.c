/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: limits, links and FIFOs refused, atomic replacement, tree removal. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"

static char top[] = "/tmp/test_file.XXXXXX";
static int dir = FD_INVALID;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(dir);
	return file_remove_tree_at(AT_FDCWD, top);
}

static void put(const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static bool exists(const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Every size around the limit and around the buffer's steps. */
static void test_read_limit(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 16384, 16385, 100000 };
	_cleanup_free_ char *text = xmalloc(100001);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = sizes[i];

		memset(text, 'z', n);
		text[n] = '\0';
		put("f", text);
		for (size_t max = n > 2 ? n - 2 : 0; max < n + 3; max++) {
			_cleanup_free_ char *got = NULL;
			size_t len = 4711;
			int r = file_read_at(dir, "f", max, &got, &len);

			assert_int_equal(r, max >= n ? 0 : -EFBIG);
			if (r < 0) {
				assert_null(got);
				assert_int_equal(len, 4711);
				continue;
			}
			assert_int_equal(len, n);
			assert_memory_equal(got, text, n + 1);
		}
	}
}

static void test_read_kernel(void **state)
{
	_cleanup_free_ char *got = NULL;

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/stat", 8192, &got, NULL), 0);
	assert_int_equal(atoi(got), getpid());
}

/* What is not a regular file is refused, and none of it hangs. */
static void test_read_refused(void **state)
{
	char *got = NULL;

	(void)state;
	put("f", "x");
	assert_int_equal(symlinkat("f", dir, "link"), 0);
	assert_int_equal(symlinkat("loop", dir, "loop"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(file_read_at(dir, "none", 10, &got, NULL), -ENOENT);
	assert_int_equal(file_read_at(dir, "link", 10, &got, NULL), -ELOOP);
	assert_int_equal(file_read_at(dir, "loop", 10, &got, NULL), -ELOOP);
	assert_int_equal(file_read_at(dir, "fifo", 10, &got, NULL), -EINVAL);
	assert_int_equal(file_read_at(dir, "d", 10, &got, NULL), -EISDIR);
	assert_int_equal(file_read_at(AT_FDCWD, "/dev/zero", 10, &got, NULL), -EINVAL);
	assert_null(got);
}

static void test_write(void **state)
{
	_cleanup_free_ char *got = NULL;

	(void)state;
	put("w", "12345");
	assert_int_equal(file_write_at(dir, "w", "ab"), 0); /* no truncation: for kernel files */
	assert_int_equal(file_read_at(dir, "w", 10, &got, NULL), 0);
	assert_string_equal(got, "ab345");
	assert_int_equal(file_write_at(dir, "missing", "x"), -ENOENT);
	assert_false(exists("missing"));
	assert_int_equal(file_write_at(dir, "link", "x"), -ELOOP);
	assert_int_equal(file_write_at(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

static int count_entries(void)
{
	_cleanup_free_ char *cmd = xasprintf("ls -A %s | wc -l", top);
	FILE *f = popen(cmd, "r");
	int n = -1;

	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

static void test_replace(void **state)
{
	_cleanup_free_ char *got = NULL, *victim = NULL;
	struct stat before, after;
	mode_t old = umask(077);
	int entries;

	(void)state;
	put("r", "old");
	put("victim", "safe");
	entries = count_entries();
	assert_int_equal(fstatat(dir, "r", &before, 0), 0);
	assert_int_equal(file_replace_at(dir, "r", "n\0w", 3, 0644, true), 0);
	umask(old);
	assert_int_equal(fstatat(dir, "r", &after, 0), 0);
	assert_int_equal(after.st_mode & 07777, 0644); /* whatever the umask is */
	assert_true(after.st_ino != before.st_ino);
	assert_int_equal(after.st_size, 3);
	/* A link in the place of the file is replaced, not followed. */
	assert_int_equal(unlinkat(dir, "r", 0), 0);
	assert_int_equal(symlinkat("victim", dir, "r"), 0);
	assert_int_equal(file_replace_at(dir, "r", "new", 3, 0600, false), 0);
	assert_int_equal(file_read_at(dir, "r", 10, &got, NULL), 0);
	assert_string_equal(got, "new");
	assert_int_equal(file_read_at(dir, "victim", 10, &victim, NULL), 0);
	assert_string_equal(victim, "safe");
	/* Failure leaves no temporary file. */
	assert_int_equal(mkdirat(dir, "rd", 0700), 0);
	assert_int_equal(file_replace_at(dir, "rd", "x", 1, 0600, false), -EISDIR);
	assert_int_equal(file_replace_at(dir, "no/such", "x", 1, 0600, false), -ENOENT);
	assert_int_equal(count_entries(), entries + 1);
	/* A name with a directory: the temporary file is there, too. */
	assert_int_equal(file_replace_at(dir, "rd/in", "x", 1, 0600, false), 0);
	assert_true(exists("rd/in"));
}

static void test_remove_tree(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[64];

	(void)state;
	assert_int_equal(mkdirat(dir, "t", 0700), 0);
	assert_int_equal(mkdirat(dir, "t/a", 0700), 0);
	assert_int_equal(mkdirat(dir, "t/a/b", 0700), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "t/a/file-with-a-rather-long-name-%d", i);
		put(name, "");
	}
	put("outside", "x");
	assert_int_equal(mkdirat(dir, "kept", 0700), 0);
	put("kept/f", "x");
	assert_int_equal(symlinkat("../outside", dir, "t/l1"), 0);
	assert_int_equal(symlinkat("../kept", dir, "t/a/b/l2"), 0);
	assert_int_equal(mkfifoat(dir, "t/fifo", 0600), 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/t/sock", top);
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(file_remove_tree_at(dir, "t"), 0);
	assert_false(exists("t"));
	assert_true(exists("outside"));
	assert_true(exists("kept/f"));
	assert_int_equal(file_remove_tree_at(dir, "t"), 0); /* missing is success */
	/* A file and a link are trees as well; the link's target is not touched. */
	assert_int_equal(symlinkat("kept", dir, "l"), 0);
	assert_int_equal(file_remove_tree_at(dir, "l"), 0);
	assert_int_equal(file_remove_tree_at(dir, "outside"), 0);
	assert_true(exists("kept/f"));
	assert_false(exists("l"));
	assert_false(exists("outside"));
}

/* Deeper than we follow: an error, no overflow; and what is at the limit goes. */
static void test_remove_deep(void **state)
{
	_cleanup_close_ int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int depth = 200;

	(void)state;
	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(at, "n", 0700), 0);
		next = openat(at, "n", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_close(at);
		at = next;
	}
	assert_int_equal(file_remove_tree_at(dir, "n"), -ELOOP);
	/* Shorten it from above until it can be removed. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(renameat(dir, "n/n", dir, "m"), 0);
		assert_int_equal(file_remove_tree_at(dir, "n"), 0);
		assert_int_equal(renameat(dir, "m", dir, "n"), 0);
	}
	assert_int_equal(file_remove_tree_at(dir, "n"), 0);
	assert_false(exists("n"));
}

static void test_remove_mount(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* already the first unlink is refused */
	assert_int_equal(file_remove_tree_at(AT_FDCWD, "/proc"), -EXDEV);
}

static void test_mkdir_p(void **state)
{
	_cleanup_free_ char *deep = xasprintf("%s/p/q//r/", top), *file = xasprintf("%s/pf", top),
	                    *below = xasprintf("%s/pf/x", top);
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdir_p(deep, 0750), 0);
	assert_int_equal(fstatat(dir, "p/q", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(file_mkdir_p(deep, 0700), 0); /* again */
	put("pf", "");
	assert_int_equal(file_mkdir_p(file, 0700), -ENOTDIR);
	assert_int_equal(file_mkdir_p(below, 0700), -ENOTDIR);
	assert_int_equal(file_mkdir_p("", 0700), -ENOENT);
	assert_int_equal(file_mkdir_p("/", 0700), 0);
	assert_int_equal(file_mkdir_p(".", 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_limit),   cmocka_unit_test(test_read_kernel),
		cmocka_unit_test(test_read_refused), cmocka_unit_test(test_write),
		cmocka_unit_test(test_replace),      cmocka_unit_test(test_remove_tree),
		cmocka_unit_test(test_remove_deep),  cmocka_unit_test(test_remove_mount),
		cmocka_unit_test(test_mkdir_p),
	};

	umask(022);
	return cmocka_run_group_tests(tests, setup, teardown);
}
