/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount layer from prepare to mask, in namespaces of its own: as root and in a user namespace.
 * Each test is a child that ends up in the new root and looks around; without the namespaces it is
 * skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "mount/internal.h"
#include "mount_util.h"

/* ---- the default container */

static void prepare_template(struct box *box)
{
	static const char *const masked[] = { "/proc/acpi",    "/proc/kcore",  "/proc/keys",
		                              "/sys/firmware", "/proc/scsi",   "/proc/none",
		                              "/proc/uptime",  "/proc/version" };
	static const char *const ro[] = { "/proc/bus", "/proc/fs", "/proc/sys", "/none" };

	for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
		strv_add(&box->spec->linux_.masked_paths, masked[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ro); i++)
		strv_add(&box->spec->linux_.readonly_paths, ro[i]);
	box->spec->root.readonly = true;
}

static void look_template(struct box *box, struct mnt_ctx *ctx)
{
	struct err err = { 0 };
	char name[32], text[128] = "";
	struct stat st;
	int master, slave;

	CHECK(getcwd(text, sizeof(text)) && streq(text, "/"));
	CHECK(access(box->dir, F_OK) < 0 && errno == ENOENT);
	CHECK(ctx->pivoted);
	CHECK(readonly("/") && readonly("/sys") && !readonly("/dev") && !readonly("/proc"));
	CHECK(readonly("/proc/sys") && readonly("/proc/bus"));
	CHECK(open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC) < 0);
	CHECK(access("/proc/kcore", F_OK) < 0 || is_char("/proc/kcore", 1, 3));
	CHECK(is_char("/proc/version", 1, 3) && is_char("/proc/uptime", 1, 3));
	CHECK(chmod("/proc/version", 0600) < 0 && errno == EROFS);
	CHECK(stat("/sys/firmware", &st) < 0 || readonly("/sys/firmware"));
	CHECK(is_char("/dev/null", 1, 3) && is_char("/dev/tty", 5, 0) &&
	      is_char("/dev/urandom", 1, 9));
	CHECK(stat("/dev/null", &st) == 0 && (st.st_mode & 07777) == 0666);
	CHECK(readlink("/dev/ptmx", text, sizeof(text)) == 8);
	CHECK(readlink("/dev/fd", text, sizeof(text)) == 13);
	CHECK(stat("/dev/shm", &st) == 0 && (st.st_mode & 07777) == 01777);
	CHECK(readlink("/proc/self", text, sizeof(text)) == 1 && text[0] == '1');

	CHECK_OK(mnt_open_pty(ctx, &master, &slave, name, &err), &err);
	CHECK(streq(name, "/dev/pts/0"));
	CHECK_OK(mnt_bind_console(ctx, slave, &err), &err);
	CHECK(is_char("/dev/console", 136, 0));
	close(master);
	close(slave);

	/* Its own cwd is found or made; nothing leads out through a magic link. */
	CHECK_OK(mnt_make_cwd(ctx, "/dev/shm/a/b", &err), &err);
	CHECK(stat("/dev/shm/a/b", &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(mnt_make_cwd(ctx, "/proc/self/fd/3", &err) < 0);
}

static void test_template(void **state)
{
	struct box box = { .look = look_template, .prepare = prepare_template };

	(void)state;
	if (geteuid() != 0)
		skip();
	box_run(&box, template_rows, n_template_rows);
}

static void test_template_userns(void **state)
{
	struct box box = { .look = look_template, .prepare = prepare_template, .flags = IN_USERNS };

	(void)state;
	box_run(&box, template_rows, n_template_rows);
}

static void test_template_no_pivot(void **state)
{
	struct box box = { .look = look_template, .prepare = prepare_template, .no_pivot = true };

	(void)state;
	if (geteuid() != 0)
		skip();
	box_run(&box, template_rows, n_template_rows);
}

/* ---- binds */

static void look_binds(struct box *box, struct mnt_ctx *ctx)
{
	char text[16] = "";
	int fd = open("/etc/deep/file", O_RDONLY | O_CLOEXEC);

	(void)box;
	(void)ctx;
	CHECK(read(fd, text, sizeof(text)) == 9 && streq(text, "untouched"));
	CHECK(access("/data/secret", F_OK) == 0);
	CHECK((flags_of("/data") & (ST_RDONLY | ST_NOSUID | ST_NODEV)) ==
	      (ST_RDONLY | ST_NOSUID | ST_NODEV));
	CHECK(!(flags_of("/etc/deep/file") & ST_RDONLY) &&
	      (flags_of("/etc/deep/file") & ST_NOEXEC));
	CHECK(open("/data/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno == EROFS);
	CHECK(readonly("/ro") && readonly("/late") && !readonly("/late/inner"));
	CHECK(access("/run/inner/secret", F_OK) == 0);
}

static void prepare_binds(struct box *box)
{
	char *link = in_dir(box, "root/var");

	host_sources(box);
	assert_int_equal(mkdir(link, 0755), 0);
	free(link);
	link = in_dir(box, "root/var/run");
	assert_int_equal(symlink("../run", link), 0);
	free(link);
}

static void test_binds(void **state)
{
	static const struct mount_row rows[] = {
		{ "/data", "ext4", "HOST", "bind,ro,nosuid,nodev" },
		{ "/etc/deep/file", NULL, "HOST/secret", "bind,noexec,sync" },
		{ "/ro", NULL, "HOST", "rbind,rro,rprivate" },
		{ "/late", "tmpfs", "tmpfs", "ro,size=4k" },
		{ "/late/inner", "tmpfs", "tmpfs", "" },
		{ "/var/run/inner", NULL, "HOST", "rbind,ro" },
	};

	(void)state;
	for (unsigned int flags = geteuid() == 0 ? 0 : IN_USERNS; flags <= IN_USERNS; flags++) {
		struct box box = { .look = look_binds, .prepare = prepare_binds, .flags = flags };

		box_run(&box, rows, ARRAY_SIZE(rows));
	}
}

/* A source on a mount of the host that is nosuid and noexec, seen from a user namespace. */
static void before_locked(void *arg)
{
	struct box *box = arg;
	char *host = in_dir(box, "host");

	CHECK(mount("tmpfs", host, "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NOATIME, "mode=755") == 0);
	scratch_file(host, "there", "x");
	free(host);
}

static void look_locked(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK((flags_of("/data") & (ST_RDONLY | ST_NOSUID | ST_NOEXEC | ST_NOATIME)) ==
	      (ST_RDONLY | ST_NOSUID | ST_NOEXEC | ST_NOATIME));
	CHECK(access("/data/there", F_OK) == 0);
}

/* What the container's root may not reach by itself: the creator has opened it. */
static void prepare_closed(struct box *box)
{
	char *host = in_dir(box, "host");

	host_sources(box);
	assert_int_equal(chown(host, 12345, 12345), 0);
	assert_int_equal(chmod(host, 0700), 0);
	free(host);
}

static void look_closed(struct box *box, struct mnt_ctx *ctx)
{
	char text[16] = "";
	int fd = open("/file", O_RDONLY | O_CLOEXEC);

	(void)box;
	(void)ctx;
	CHECK(read(fd, text, sizeof(text)) == 9 && streq(text, "untouched"));
	CHECK(flags_of("/file") & ST_RDONLY);
}

static void test_closed_source(void **state)
{
	static const struct mount_row row = { "/file", NULL, "HOST/secret", "bind,ro" };
	struct box box = { .look = look_closed, .prepare = prepare_closed, .flags = IN_USERNS };

	(void)state;
	if (geteuid() != 0)
		skip();
	box_run(&box, &row, 1);
}

/* tmpcopyup of a directory with all that a directory can hold. */
static void prepare_copy_up(struct box *box)
{
	_cleanup_free_ char *etc = in_dir(box, "root/etc");
	_cleanup_free_ char *secret = in_dir(box, "host/secret");
	struct timespec old[2] = { { 1000000, 0 }, { 1000000, 0 } };
	int dir, fd;

	assert_int_equal(mkdir(etc, 0750), 0);
	assert_int_equal(chmod(etc, 0750), 0);
	dir = open(etc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir, "sub", 0700), 0);
	scratch_file(etc, "sub/file", "inner");
	assert_int_equal(fchmodat(dir, "sub/file", 04711, 0), 0);
	assert_int_equal(utimensat(dir, "sub/file", old, 0), 0);
	assert_int_equal(utimensat(dir, "sub", old, 0), 0);
	assert_int_equal(symlinkat(secret, dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	/* Larger than any tmpfs, but with nothing in it. */
	fd = openat(dir, "sparse", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(pwrite(fd, "x", 1, 1LL << 39), 1);
	close(fd);
	close(dir);
}

static void look_copy_up(struct box *box, struct mnt_ctx *ctx)
{
	struct stat st;
	char text[16] = "";
	int fd = open("/etc/sub/file", O_RDONLY | O_CLOEXEC);

	(void)box;
	(void)ctx;
	CHECK(read(fd, text, sizeof(text)) == 5 && streq(text, "inner"));
	close(fd);
	CHECK(stat("/etc", &st) == 0 && (st.st_mode & 07777) == 0750);
	CHECK(stat("/etc/sub", &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(st.st_mtim.tv_sec == 1000000);
	CHECK(stat("/etc/sub/file", &st) == 0 && (st.st_mode & 07777) == 04711);
	CHECK(st.st_mtim.tv_sec == 1000000);
	CHECK(lstat("/etc/link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(lstat("/etc/fifo", &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600);
	CHECK(stat("/etc/sparse", &st) == 0 && st.st_size == 1LL << 40 && st.st_blocks <= 16);
	CHECK(readonly("/etc") && readonly("/new"));
}

static void test_copy_up(void **state)
{
	static const struct mount_row rows[] = {
		{ "/etc", "tmpfs", "tmpfs", "ro,tmpcopyup,size=1m" },
		{ "/new", "tmpfs", "tmpfs", "ro,tmpcopyup,size=1m" },
	};
	struct box box = { .look = look_copy_up, .prepare = prepare_copy_up, .flags = IN_USERNS };

	(void)state;
	box_run(&box, rows, ARRAY_SIZE(rows));
}

static void prepare_copy_much(struct box *box)
{
	_cleanup_free_ char *etc = in_dir(box, "root/etc");
	_cleanup_free_ char *big = xmalloc(1 << 20);

	memset(big, 'x', 1 << 20);
	big[(1 << 20) - 1] = '\0';
	assert_int_equal(mkdir(etc, 0755), 0);
	scratch_file(etc, "big", big);
}

static void test_copy_up_full(void **state)
{
	static const struct mount_row row = { "/etc", "tmpfs", "tmpfs", "tmpcopyup,size=64k" };
	struct box box = { .look = look_copy_up,
		           .prepare = prepare_copy_much,
		           .flags = IN_USERNS,
		           .want = -ENOSPC,
		           .want_text = "tmpcopyup of \"/etc\"" };

	(void)state;
	box_run(&box, &row, 1);
}

/* A path that cannot be looked at cannot be masked, and that is not "missing". */
static void prepare_closed_mask(struct box *box)
{
	char *dir = in_dir(box, "root/closed");

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chown(dir, 12345, 12345), 0);
	free(dir);
	strv_add(&box->spec->linux_.masked_paths, "/closed/secret");
}

static void test_closed_mask(void **state)
{
	struct box box = { .look = look_closed,
		           .prepare = prepare_closed_mask,
		           .flags = IN_USERNS,
		           .want = -EACCES,
		           .want_text = "maskedPaths" };

	(void)state;
	if (geteuid() != 0)
		skip();
	box_run(&box, template_rows, n_template_rows);
}

/* Many entries, most of them double: each is covered, none twice as slow as the one before. */
static void prepare_many(struct box *box)
{
	for (int i = 0; i < 1000; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/none%d", i);
		strv_add(&box->spec->linux_.masked_paths, path);
		strv_add(&box->spec->linux_.masked_paths, i % 2 ? "/proc/version" : "/proc/fs");
		strv_add(&box->spec->linux_.readonly_paths, "/proc/sys");
	}
}

static void look_many(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK(is_char("/proc/version", 1, 3) && readonly("/proc/fs") && readonly("/proc/sys"));
}

static void test_many_masks(void **state)
{
	struct box box = { .look = look_many, .prepare = prepare_many, .flags = IN_USERNS };

	(void)state;
	box_run(&box, template_rows, n_template_rows);
}

static void test_locked_flags(void **state)
{
	static const struct {
		const char *options;
		int want;
		const char *text;
	} rows[] = {
		{ "bind,ro", 0, NULL },
		{ "bind,ro,dev,noatime", 0, NULL },
		{ "bind,suid", -EPERM, "cannot clear locked flags nosuid" },
		{ "bind,exec,ro", -EPERM, "cannot clear locked flags noexec" },
		{ "rbind,rsuid", -EPERM, "cannot clear locked flags nosuid" },
		{ "bind,strictatime", -EPERM, "cannot clear locked flags noatime" },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { "/data", NULL, "HOST", rows[i].options };
		struct box box = { .look = look_locked,
			           .prepare = host_sources,
			           .before = before_locked,
			           .flags = IN_USERNS,
			           .want = rows[i].want,
			           .want_text = rows[i].text };

		box_run(&box, &row, 1);
	}
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_userns),
		cmocka_unit_test(test_template_no_pivot),
		cmocka_unit_test(test_binds),
		cmocka_unit_test(test_locked_flags),
		cmocka_unit_test(test_closed_source),
		cmocka_unit_test(test_closed_mask),
		cmocka_unit_test(test_many_masks),
		cmocka_unit_test(test_copy_up),
		cmocka_unit_test(test_copy_up_full),
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
