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

struct box {
	char *dir; /* scratch directory; dir/root is the rootfs, dir/host belongs to the host */
	struct spec *spec;
	bool userns, no_pivot;
	void (*look)(struct box *box, struct mnt_ctx *ctx);
	int want;              /* expected failure of mnt_mount_all or mnt_make_devices, 0: none */
	const char *want_text; /* part of its message */
};

static char *in_dir(const struct box *box, const char *name)
{
	return xasprintf("%s/%s", box->dir, name);
}

static bool readonly(const char *path)
{
	struct statvfs s;

	CHECK(statvfs(path, &s) == 0);
	return s.f_flag & ST_RDONLY;
}

static bool is_char(const char *path, unsigned int ma, unsigned int mi)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(ma, mi);
}

static bool expected_failure(struct box *box, int r, struct err *err)
{
	if (r >= 0 || box->want == 0)
		return false;
	if (r != box->want || !strstr(err->msg, box->want_text)) {
		fprintf(stderr, "got %d %s, expected %d ...%s...\n", r, err->msg, box->want,
		        box->want_text);
		_exit(1);
	}
	return true;
}

static void child(void *arg)
{
	struct box *box = arg;
	struct mnt_ctx ctx = MNT_CTX_INIT;
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };
	int r;

	box->spec->linux_.namespaces[NS_USER].wanted = box->userns;
	if (box->userns) {
		static struct spec_id_map map = { 0, 0, 1 };

		box->spec->linux_.uid_maps = box->spec->linux_.gid_maps = &map;
		box->spec->linux_.n_uid_maps = box->spec->linux_.n_gid_maps = 1;
	}
	CHECK_OK(mnt_check_rootfs(box->spec, &err), &err);
	r = mnt_plan_build(box->spec, &plan, &err);
	if (expected_failure(box, r, &err))
		_exit(0);
	CHECK_OK(r, &err);
	CHECK_OK(mnt_prepare_root(&ctx, plan, &err), &err);
	r = mnt_mount_all(&ctx, plan, NULL, &err);
	if (r == 0)
		r = mnt_make_devices(&ctx, plan, &err);
	if (expected_failure(box, r, &err))
		_exit(0);
	CHECK_OK(r, &err);
	CHECK_OK(mnt_change_root(&ctx, plan, box->no_pivot, &err), &err);
	CHECK_OK(mnt_finish_root(&ctx, plan, &err), &err);
	r = mnt_mask_paths(&ctx, plan, &err);
	if (expected_failure(box, r, &err))
		_exit(0);
	CHECK_OK(r, &err);
	CHECK(box->want == 0);
	box->look(box, &ctx);
	mnt_ctx_done(&ctx);
	mnt_plan_free(plan);
	_exit(0);
}

/* One run with these mounts; `prepare` may change the box before the child starts. */
static void run(const struct mount_row *rows, size_t n, bool userns, struct box *box,
                void (*prepare)(struct box *box))
{
	char *root, *host;
	int r;

	box->dir = scratch_make();
	box->userns = userns;
	root = in_dir(box, "root");
	host = in_dir(box, "host");
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(mkdir(host, 0755), 0);
	scratch_file(host, "secret", "untouched");
	box->spec = spec_by_hand(root, rows, n);
	if (prepare)
		prepare(box);
	r = in_namespaces(userns ? IN_USERNS : 0, child, box);
	if (!box->want)
		assert_int_equal(access(root, F_OK), 0);
	spec_by_hand_free(box->spec);
	scratch_remove(box->dir);
	free(root);
	free(host);
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

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
	CHECK(open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC) < 0 && errno == EROFS);
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
	struct box box = { .look = look_template };

	(void)state;
	if (geteuid() != 0)
		skip();
	run(template_rows, n_template_rows, false, &box, prepare_template);
}

static void test_template_userns(void **state)
{
	struct box box = { .look = look_template };

	(void)state;
	run(template_rows, n_template_rows, true, &box, prepare_template);
}

static void test_template_no_pivot(void **state)
{
	struct box box = { .look = look_template, .no_pivot = true };

	(void)state;
	if (geteuid() != 0)
		skip();
	run(template_rows, n_template_rows, false, &box, prepare_template);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_userns),
		cmocka_unit_test(test_template_no_pivot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
