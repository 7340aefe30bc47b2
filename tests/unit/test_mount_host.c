/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the container's view meets the host's: propagation in both directions, the cgroup views,
 * the fall-back of sysfs, device nodes, the terminal.
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "mount/internal.h"
#include "mount_util.h"

/* ---- propagation */

/* The optional fields of the mount at `point` ("shared:1 master:2", ""), as mountinfo shows them.
 */
static char *optional_fields(const char *mountinfo, const char *point)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL, *found = NULL;

	CHECK(file_read_at(AT_FDCWD, mountinfo, 16 << 20, &text, NULL) == 0);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char at[512], rest[512];

		if (sscanf(l, "%*s %*s %*s %*s %511s %*s %511[^\n]", at, rest) != 2 ||
		    !streq(at, point))
			continue;
		free(found);
		found = xstrndup(
		    rest, strncmp(rest, "- ", 2) == 0 ? 0 : (size_t)(strstr(rest, " - ") - rest));
	}
	return found;
}

static size_t count_mounts(void)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;

	CHECK(file_read_at(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &text, NULL) == 0);
	for (char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static size_t mounts_before; /* before() and after() run in one process, the one that is the host */

/* The host: the scratch directory is a shared mount, the rootfs and a volume with it. */
static void before_shared(void *arg)
{
	struct box *box = arg;

	CHECK(mount(box->dir, box->dir, NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL) == 0);
	mounts_before = count_mounts();
}

static void after_shared(void *arg)
{
	(void)arg;
	CHECK(mounts_before && count_mounts() == mounts_before);
}

static void look_slave(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");
	char *data = optional_fields("/proc/self/mountinfo", "/data");
	char *priv = optional_fields("/proc/self/mountinfo", "/priv");

	(void)box;
	(void)ctx;
	CHECK(root && strncmp(root, "master:", 7) == 0);
	CHECK(data && strncmp(data, "master:", 7) == 0);
	CHECK(priv && *priv == '\0');
}

static void look_slave_root(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");

	(void)box;
	(void)ctx;
	CHECK(root && strncmp(root, "master:", 7) == 0);
}

static void look_private_root(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");

	(void)box;
	(void)ctx;
	CHECK(root && *root == '\0');
}

static void look_private(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");
	char *data = optional_fields("/proc/self/mountinfo", "/data");

	(void)box;
	(void)ctx;
	CHECK(root && *root == '\0');
	CHECK(data && *data == '\0');
}

static void look_shared(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");

	(void)box;
	(void)ctx;
	CHECK(root && strncmp(root, "shared:", 7) == 0);
	/* A mount made by the container: shared inside, but not with the host. */
	CHECK(mkdir("/inside", 0755) == 0);
	CHECK(mount("tmpfs", "/inside", "tmpfs", 0, NULL) == 0);
}

static void look_unbindable(struct box *box, struct mnt_ctx *ctx)
{
	char *root = optional_fields("/proc/self/mountinfo", "/");

	(void)box;
	(void)ctx;
	CHECK(root && streq(root, "unbindable"));
}

static unsigned long propagation_now;

static void prepare_propagation(struct box *box)
{
	host_sources(box);
	box->spec->linux_.rootfs_propagation = propagation_now;
	strv_add(&box->spec->linux_.masked_paths, "/proc/version");
	strv_add(&box->spec->linux_.masked_paths, "/proc/version");
	strv_add(&box->spec->linux_.masked_paths, "/masked");
	strv_add(&box->spec->linux_.readonly_paths, "/proc/sys");
}

static void test_propagation(void **state)
{
	static const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/masked", "tmpfs", "tmpfs", NULL },
		{ "/data", NULL, "HOST", "rbind" },
		{ "/priv", NULL, "HOST", "rbind,rprivate" },
	};
	static const struct {
		unsigned long flag;
		void (*look)(struct box *box, struct mnt_ctx *ctx);
		bool no_pivot;
	} cases[] = {
		{ 0, look_slave, false },
		{ MS_SLAVE | MS_REC, look_slave, false },
		{ MS_PRIVATE, look_private_root, false },
		{ MS_SLAVE, look_slave_root, false },
		{ MS_PRIVATE | MS_REC, look_private, false },
		{ MS_SHARED, look_shared, false },
		{ MS_SHARED | MS_REC, look_shared, false },
		{ MS_UNBINDABLE, look_unbindable, false },
		{ 0, look_slave, true },
		{ MS_SHARED | MS_REC, look_shared, true },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct box box = { .look = cases[i].look,
			           .no_pivot = cases[i].no_pivot,
			           .prepare = prepare_propagation,
			           .before = before_shared,
			           .after = after_shared };

		propagation_now = cases[i].flag;
		print_message("# %lx no_pivot %d\n", propagation_now, cases[i].no_pivot);
		box_run(&box, rows, ARRAY_SIZE(rows));
	}
}

/* ---- cgroups */

static struct mnt_cgroup_dir cgroup_dirs[2];
static struct mnt_cgroup_view cgroup_view = { .dirs = cgroup_dirs };

static const struct mount_row cgroup_rows[] = {
	{ "/proc", "proc", "proc", NULL },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
};

static void before_v2(void *arg)
{
	struct box *box = arg;
	char *at = in_dir(box, "cg2");

	CHECK(mkdir(at, 0755) == 0);
	CHECK(mount("cgroup2", at, "cgroup2", 0, NULL) == 0);
	cgroup_dirs[0] = (struct mnt_cgroup_dir){ NULL, NULL, at, "/" };
	cgroup_view.n_dirs = 1;
	cgroup_view.v2 = true;
}

static long fs_type(const char *path)
{
	struct statfs s;

	CHECK(statfs(path, &s) == 0);
	return (long)s.f_type;
}

static void look_v2(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK(fs_type("/sys/fs/cgroup") == CGROUP2_SUPER_MAGIC);
	CHECK((flags_of("/sys/fs/cgroup") & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)) ==
	      (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
	CHECK(access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0);
	CHECK(mkdir("/sys/fs/cgroup/x", 0755) < 0 && errno == EROFS);
}

static void test_cgroup_v2(void **state)
{
	static const unsigned int flags[] = { 0, IN_CGROUPNS, IN_CGROUPNS | IN_USERNS, IN_USERNS };

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct box box = { .look = look_v2,
			           .before = before_v2,
			           .view = &cgroup_view,
			           .flags = flags[i] };

		cgroup_view.cgroupns = flags[i] & IN_CGROUPNS;
		box_run(&box, cgroup_rows, ARRAY_SIZE(cgroup_rows));
	}
}

static void look_v1(struct box *box, struct mnt_ctx *ctx)
{
	char text[16] = "";

	(void)box;
	(void)ctx;
	CHECK(fs_type("/sys/fs/cgroup") == TMPFS_MAGIC && readonly("/sys/fs/cgroup"));
	CHECK(fs_type("/sys/fs/cgroup/pids,fake") == CGROUP_SUPER_MAGIC);
	CHECK(readonly("/sys/fs/cgroup/pids,fake"));
	CHECK(readlink("/sys/fs/cgroup/fake", text, sizeof(text)) == 9);
	CHECK(access("/sys/fs/cgroup/pids/cgroup.procs", F_OK) == 0);
	CHECK(fs_type("/sys/fs/cgroup/unified") == CGROUP2_SUPER_MAGIC);
	CHECK(readonly("/sys/fs/cgroup/unified"));
	CHECK(mkdir("/sys/fs/cgroup/pids/x", 0755) < 0 && errno == EROFS);
}

static void before_v1(void *arg)
{
	before_v2(arg);
	cgroup_dirs[1] = cgroup_dirs[0];
	cgroup_dirs[1].name = "unified";
	cgroup_dirs[0] = (struct mnt_cgroup_dir){ "pids,fake", "pids", "/sys/fs/cgroup/pids", "/" };
	cgroup_view.n_dirs = 2;
	cgroup_view.v2 = false;
}

static void test_cgroup_v1(void **state)
{
	static const unsigned int flags[] = { 0, IN_CGROUPNS, IN_CGROUPNS | IN_USERNS, IN_USERNS };
	struct statfs s;

	(void)state;
	if (geteuid() != 0 || statfs("/sys/fs/cgroup/pids", &s) < 0 ||
	    s.f_type != CGROUP_SUPER_MAGIC)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct box box = { .look = look_v1,
			           .before = before_v1,
			           .view = &cgroup_view,
			           .flags = flags[i] };

		cgroup_view.cgroupns = flags[i] & IN_CGROUPNS;
		box_run(&box, cgroup_rows, ARRAY_SIZE(cgroup_rows));
	}
}

static void look_no_cgroup(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK(fs_type("/sys/fs/cgroup") == TMPFS_MAGIC && readonly("/sys/fs/cgroup"));
	CHECK(access("/sys/fs/cgroup/pids", F_OK) < 0);
}

static void test_no_cgroup(void **state)
{
	struct box box = { .look = look_no_cgroup, .flags = IN_USERNS };

	(void)state;
	box_run(&box, cgroup_rows, ARRAY_SIZE(cgroup_rows));
}

/* ---- sysfs without a network namespace of one's own */

static void look_sysfs(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK(fs_type("/sys") == SYSFS_MAGIC);
	CHECK((flags_of("/sys") & (ST_RDONLY | ST_NOSUID)) == (ST_RDONLY | ST_NOSUID));
	/* The host's submounts are there, and closed as well. */
	CHECK(access("/sys/fs/cgroup", F_OK) < 0 || readonly("/sys/fs/cgroup"));
}

static void test_sysfs_fallback(void **state)
{
	static const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	};
	struct box box = { .look = look_sysfs, .flags = IN_USERNS | IN_HOST_NET };

	(void)state;
	box_run(&box, rows, ARRAY_SIZE(rows));
}

/* ---- devices */

static struct spec_device devices[5];

static void prepare_devices(struct box *box)
{
	static char kmsg[] = "/dev/deep/er/zero", fifo[] = "/dev/fifo", null[] = "/dev/null",
	            disk[] = "/dev/disk";

	devices[0] = (struct spec_device){ kmsg, 'c', 1, 5, 0640, 7, 8 };
	devices[1] = (struct spec_device){ fifo, 'p', 0, 0, 0602, 0, 0 };
	devices[2] = (struct spec_device){ null, 'c', 1, 3, 0600, 0, 9 };
	devices[3] = (struct spec_device){ disk, 'b', 7, 200, 0666, 0, 0 };
	box->spec->linux_.devices = devices;
	box->spec->linux_.n_devices = 4;
	umask(077);
}

static void look_devices(struct box *box, struct mnt_ctx *ctx)
{
	struct stat st;

	(void)box;
	(void)ctx;
	CHECK(is_char("/dev/deep/er/zero", 1, 5) && stat("/dev/deep/er/zero", &st) == 0);
	CHECK((st.st_mode & 07777) == 0640 && st.st_uid == 7 && st.st_gid == 8);
	CHECK(stat("/dev/deep", &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(lstat("/dev/fifo", &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0602);
	CHECK(is_char("/dev/null", 1, 3) && stat("/dev/null", &st) == 0);
	CHECK((st.st_mode & 07777) == 0600 && st.st_gid == 9);
	CHECK(stat("/dev/disk", &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == makedev(7, 200));
	CHECK(is_char("/dev/full", 1, 7) && stat("/dev/full", &st) == 0);
	CHECK((st.st_mode & 07777) == 0666);
	CHECK(umask(022) == 077);
}

static void test_devices(void **state)
{
	static const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/dev", "tmpfs", "tmpfs", "nosuid,mode=755" },
	};
	struct box box = { .look = look_devices, .prepare = prepare_devices };
	mode_t saved = umask(022);

	(void)state;
	if (geteuid() == 0)
		box_run(&box, rows, ARRAY_SIZE(rows));
	umask(saved);
	if (geteuid() != 0)
		skip();
}

static void prepare_foreign(struct box *box)
{
	static char path[] = "/dev/zero";

	/* The host's node of that name is another device: it must not be bound in its place. */
	devices[0] = (struct spec_device){ path, 'c', 1, 11, 0666, 0, 0 };
	box->spec->linux_.devices = devices;
	box->spec->linux_.n_devices = 1;
}

static void look_nothing(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
}

static void test_foreign_device(void **state)
{
	static const struct mount_row rows[] = { { "/dev", "tmpfs", "tmpfs", NULL } };
	struct box box = { .look = look_nothing,
		           .prepare = prepare_foreign,
		           .flags = IN_USERNS,
		           .want = -ENODEV,
		           .want_text = "is not device c 1:11" };

	(void)state;
	box_run(&box, rows, ARRAY_SIZE(rows));
}

static void look_bound_dev(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
	CHECK(access("/dev/secret", F_OK) == 0);
	CHECK(access("/dev/null", F_OK) < 0 && access("/dev/ptmx", F_OK) < 0);
	CHECK(readonly("/dev"));
}

static void test_bound_dev(void **state)
{
	static const struct mount_row rows[] = { { "/dev", NULL, "HOST", "bind,ro" } };
	struct box box = { .look = look_bound_dev, .prepare = host_sources, .flags = IN_USERNS };

	(void)state;
	box_run(&box, rows, ARRAY_SIZE(rows));
}

/* ---- the terminal */

static void look_console(struct box *box, struct mnt_ctx *ctx)
{
	struct err err = { 0 };
	char name[32];
	int master, slave, null;

	(void)box;
	CHECK_OK(mnt_open_pty(ctx, &master, &slave, name, &err), &err);
	/* Not a pty: refused whatever it is called. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(mnt_bind_console(ctx, null, &err) == -ENODEV);
	CHECK(symlink("/secret", "/dev/console") == 0);
	CHECK(mnt_bind_console(ctx, slave, &err) == -ELOOP);
	CHECK(access("/secret", F_OK) < 0);
	CHECK(unlink("/dev/console") == 0 && mkdir("/dev/console", 0700) == 0);
	CHECK(mnt_bind_console(ctx, slave, &err) == -EEXIST);
	CHECK(rmdir("/dev/console") == 0);
	CHECK_OK(mnt_bind_console(ctx, slave, &err), &err);
	CHECK(is_char("/dev/console", 136, 0));
	/* Something over the multiplexer, then something over all of devpts. */
	CHECK(mount("/dev/null", "/dev/pts/ptmx", NULL, MS_BIND, NULL) == 0);
	CHECK(mnt_open_pty(ctx, &master, &slave, name, &err) == -EXDEV);
	CHECK(mount("tmpfs", "/dev/pts", "tmpfs", 0, NULL) == 0);
	CHECK(mnt_open_pty(ctx, &master, &slave, name, &err) == -ENODEV);
}

static void test_console(void **state)
{
	struct box box = { .look = look_console, .flags = IN_USERNS };

	(void)state;
	box_run(&box, template_rows, n_template_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_propagation),    cmocka_unit_test(test_cgroup_v2),
		cmocka_unit_test(test_cgroup_v1),      cmocka_unit_test(test_no_cgroup),
		cmocka_unit_test(test_sysfs_fallback), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_foreign_device), cmocka_unit_test(test_bound_dev),
		cmocka_unit_test(test_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
