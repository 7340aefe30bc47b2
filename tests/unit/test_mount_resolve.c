/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names inside the root: what is found, what is made, what is refused, and that nothing outside is
 * ever touched. Works on a scratch directory without any privilege.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "mount/internal.h"
#include "mount_util.h"

struct tree {
	char *dir;
	int dir_fd, root; /* root is dir/root, beside dir/host */
};

static int setup(void **state)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	t->dir = scratch_make();
	t->dir_fd = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(t->dir_fd, "root", 0755) < 0 || mkdirat(t->dir_fd, "host", 0755) < 0)
		return -1;
	t->root = openat(t->dir_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->root < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;

	close(t->root);
	close(t->dir_fd);
	scratch_remove(t->dir);
	free(t);
	return 0;
}

static size_t host_entries(const struct tree *t)
{
	int fd = openat(t->dir_fd, "host", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += !streq(e->d_name, ".") && !streq(e->d_name, "..");
	closedir(d);
	return n;
}

static void test_make(void **state)
{
	struct tree *t = *state;
	mode_t saved = umask(0); /* as the public functions have it */
	struct stat st;
	bool created = false;
	int fd = mnt_resolve(t->root, "/a/b/c", MNT_CREATE_DIR, &created);

	umask(saved);
	assert_true(fd >= 0 && created);
	close(fd);
	assert_int_equal(fstatat(t->root, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	fd = mnt_resolve(t->root, "/a/b/c", MNT_CREATE_DIR, &created);
	assert_true(fd >= 0 && !created);
	close(fd);
	fd = mnt_resolve(t->root, "/a/f/file", MNT_CREATE_FILE, &created);
	assert_true(fd >= 0 && created);
	close(fd);
	assert_int_equal(fstatat(t->root, "a/f/file", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
	assert_int_equal(mnt_resolve(t->root, "/a/f/file/x", MNT_CREATE_DIR, NULL), -ENOTDIR);
	assert_int_equal(mnt_resolve(t->root, "/none", 0, NULL), -ENOENT);
	fd = mnt_resolve(t->root, "/", MNT_CREATE_DIR, &created);
	assert_true(fd >= 0 && !created && mnt_same_place(fd, t->root));
	close(fd);
}

/* A link `link` -> target in the root; resolving `path` must end at `at` below the root, or fail.
 */
static void test_links(void **state)
{
	static const struct {
		const char *target, *path, *at;
		int code;
	} rows[] = {
		{ "real", "/l/x", "real/x", 0 },
		{ "/real", "/l/x", "real/x", 0 },
		{ "../../../real", "/l/x", "real/x", 0 },
		{ "../../host", "/l/x", "host/x", 0 }, /* the root's own host, made there */
		{ "/../host/new", "/l", "host/new", 0 },
		{ "dangling/deep", "/l/x/y", "dangling/deep/x/y", 0 },
		{ "/dangling", "/l", "dangling", 0 },
		{ "real/../other", "/l/x", "other/x", 0 },
		{ "./real/.", "/l//x", "real/x", 0 },
		{ "l", "/l/x", NULL, -ELOOP },
		{ "/l", "/l", NULL, -ELOOP },
		{ "file", "/l/x", NULL, -ENOTDIR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_close_ int want = FD_INVALID, fd = FD_INVALID;
		void *s = NULL;
		struct tree *t;

		assert_int_equal(setup(&s), 0);
		t = s;
		assert_int_equal(mkdirat(t->root, "real", 0755), 0);
		fd = openat(t->root, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		fd_reset(&fd);
		assert_int_equal(symlinkat(rows[i].target, t->root, "l"), 0);
		assert_int_equal(
		    mnt_resolve(t->root, rows[i].path, MNT_CREATE_DIR | MNT_NO_SYMLINKS, NULL),
		    -ELOOP);
		fd = mnt_resolve(t->root, rows[i].path, MNT_CREATE_DIR, NULL);
		if (rows[i].code) {
			if (fd != rows[i].code)
				fail_msg("row %zu: %d", i, fd);
		} else {
			want = openat(t->root, rows[i].at, O_PATH | O_CLOEXEC);
			if (fd < 0 || want < 0 || !mnt_same_place(fd, want))
				fail_msg("row %zu: %d %d", i, fd, want);
		}
		assert_int_equal(host_entries(t), 0);
		assert_int_equal(teardown(&s), 0);
	}
}

static void test_file_is_never_made_through_a_link(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *outside = xasprintf("%s/host/new", t->dir);
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;

	assert_int_equal(symlinkat(outside, t->root, "l"), 0);
	assert_int_equal(symlinkat("../host/new", t->root, "m"), 0);
	/* Links stay in the root: the same text is made there. */
	fd = mnt_resolve(t->root, "/l", MNT_CREATE_FILE, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	fd_reset(&fd);
	fd = mnt_resolve(t->root, "/m", MNT_CREATE_FILE, NULL);
	assert_true(fd >= 0);
	assert_int_equal(host_entries(t), 0);
	assert_int_equal(faccessat(t->root, "host/new", F_OK, 0), 0);
}

static void test_magic_links(void **state)
{
	_cleanup_close_ int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(mnt_resolve(slash, "/proc/self/root/tmp", 0, NULL), -ELOOP);
	assert_int_equal(mnt_resolve(slash, "/proc/self/cwd/none/x", MNT_CREATE_DIR, NULL), -ELOOP);
}

static void test_parent(void **state)
{
	struct tree *t = *state;
	_cleanup_close_ int fd = FD_INVALID, dir = FD_INVALID;
	const char *name = NULL;

	fd = mnt_resolve_parent(t->root, "/dev/net/tun", 0, &name);
	assert_true(fd >= 0);
	assert_string_equal(name, "tun");
	dir = openat(t->root, "dev/net", O_PATH | O_CLOEXEC);
	assert_true(mnt_same_place(fd, dir));
	assert_int_equal(mnt_resolve_parent(t->root, "/", 0, &name), -EINVAL);
	assert_int_equal(mnt_resolve_parent(t->root, "/dev/..", 0, &name), -EINVAL);
	assert_int_equal(mnt_resolve_parent(t->root, "/dev/.", 0, &name), -EINVAL);
	assert_int_equal(mnt_resolve_parent(t->root, "/dev/", 0, &name), -EINVAL);
	assert_int_equal(symlinkat("../../host", t->root, "l"), 0);
	assert_int_equal(mnt_resolve_parent(t->root, "/l/x", MNT_NO_SYMLINKS, &name), -ELOOP);
}

static void test_open(void **state)
{
	struct tree *t = *state;
	struct err err = { 0 };
	_cleanup_close_ int fd = FD_INVALID;
	char text[8] = "";

	assert_int_equal(mkfifoat(t->root, "fifo", 0666), 0);
	assert_int_equal(mkdirat(t->root, "etc", 0755), 0);
	assert_int_equal(symlinkat("/etc/real", t->root, "etc/passwd"), 0);
	assert_int_equal(symlinkat("/../../host/secret", t->root, "etc/group"), 0);
	fd = openat(t->root, "etc/real", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "inside", 6), 6);
	fd_reset(&fd);
	assert_int_equal(mnt_open_in_root(t->root, "/fifo", O_RDONLY, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not a regular file"));
	assert_int_equal(mnt_open_in_root(t->root, "/etc", O_RDONLY, &err), -EISDIR);
	assert_int_equal(mnt_open_in_root(t->root, "/etc/group", O_RDONLY, &err), -ENOENT);
	fd = mnt_open_in_root(t->root, "/etc/passwd", O_RDONLY, &err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_string_equal(text, "inside");
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Somebody swaps a directory for a link to the host while paths below it are made. */
static void test_race(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *outside = xasprintf("%s/host", t->dir);
	size_t made = 0;
	pid_t pid;

	assert_int_equal(mkdirat(t->root, "a", 0755), 0);
	assert_int_equal(symlinkat(outside, t->root, "b"), 0);
	assert_int_equal(symlinkat("../../../../host", t->root, "c"), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned int i = 0;; i++)
			renameat2(t->root, "a", t->root, i % 2 ? "b" : "c", RENAME_EXCHANGE);
	}
	assert_true(pid > 0);
	for (int i = 0; i < 3000; i++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/a/%d/x", i);
		fd = mnt_resolve(t->root, path, i % 2 ? MNT_CREATE_DIR : MNT_CREATE_FILE, NULL);
		made += fd >= 0;
		fd_close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(host_entries(t), 0);
	assert_true(made > 0);
}

static bool is_kind(int dir, const char *path, mode_t kind)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* Mount points that a restore needs: on the root, or in the source of the bind that covers them. */
static void test_points(void **state)
{
	struct tree *t = *state;
	_cleanup_free_ char *root = xasprintf("%s/root", t->dir);
	_cleanup_free_ char *host = xasprintf("%s/host", t->dir);
	_cleanup_free_ char *read = xasprintf("%s/read", t->dir);
	const struct mount_row rows[] = {
		{ "/a", "bind", host, "bind" },
		{ "/a/dir/sub", "bind", "/", "bind" },
		{ "/a/file", "bind", "/proc/self/status", "bind" },
		{ "/a", "none", NULL, "remount,bind,nodev" },
		{ "/a/later", "tmpfs", "tmpfs", "" },
		{ "/r", "bind", read, "bind,ro" },
		{ "/r/none", "bind", "/", "bind" },
		{ "/t", "tmpfs", "tmpfs", "" },
		{ "/t/none", "bind", "/", "bind" },
		{ "/a/dir/sub/tmp", "bind", read, "bind" },
	};
	struct spec *spec = spec_by_hand(root, rows, ARRAY_SIZE(rows));
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };

	assert_int_equal(mkdirat(t->dir_fd, "read", 0755), 0);
	if (mnt_plan_build(spec, &plan, &err) < 0 || mnt_make_mount_points(plan, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(is_kind(t->root, "a", S_IFDIR));
	assert_true(is_kind(t->root, "r", S_IFDIR));
	assert_true(is_kind(t->root, "t", S_IFDIR));
	assert_false(is_kind(t->root, "a/dir", S_IFDIR));
	assert_false(is_kind(t->root, "t/none", S_IFDIR));
	assert_true(is_kind(t->dir_fd, "host/dir/sub", S_IFDIR));
	assert_true(is_kind(t->dir_fd, "host/file", S_IFREG));
	assert_true(is_kind(t->dir_fd, "host/later", S_IFDIR));
	assert_false(is_kind(t->dir_fd, "host/dir/sub/tmp", S_IFDIR));
	assert_false(is_kind(t->dir_fd, "read/none", S_IFDIR));
	mnt_plan_free(plan);
	spec_by_hand_free(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make, setup, teardown),
		cmocka_unit_test(test_links),
		cmocka_unit_test_setup_teardown(test_file_is_never_made_through_a_link, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_magic_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_points, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
