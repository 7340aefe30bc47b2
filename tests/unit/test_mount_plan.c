/* SPDX-License-Identifier: Apache-2.0 */
/* mounts[] to operations: options, refusals, what is late. Pure, so no root is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "base/strv.h"
#include "mount/internal.h"
#include "mount_util.h"

static struct mnt_plan *plan_of(struct spec **spec, const struct mount_row *row)
{
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };

	*spec = spec_by_hand("/r", row, 1);
	if (mnt_plan_build(*spec, &plan, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(plan->n_ops, 1);
	return plan;
}

static void done(struct spec *spec, struct mnt_plan *plan)
{
	mnt_plan_free(plan);
	spec_by_hand_free(spec);
}

#define ATIME (MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME)

/* Naming one attribute takes the others away. */
static void test_bind_implied(void **state)
{
	const uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
	                     MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
	const struct {
		const char *options;
		uint64_t implied;
	} rows[] = {
		{ "bind", 0 },
		{ "bind,rprivate", 0 },
		{ "rbind,rro,rnosuid", 0 },
		{ "bind,ro", all & ~(uint64_t)MOUNT_ATTR_RDONLY },
		{ "bind,dev", all & ~(uint64_t)MOUNT_ATTR_NODEV },
		{ "bind,noatime", all },
		{ "bind,norelatime", all },
		{ "remount,bind,ro", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { "/x", "none", "/s", rows[i].options };
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &row);

		if (plan->ops[0].implied_clr != rows[i].implied)
			fail_msg("%s: %llx", rows[i].options,
			         (unsigned long long)plan->ops[0].implied_clr);
		done(spec, plan);
	}
}

static void test_strip_root(void **state)
{
	static const struct {
		const char *destination, *want;
	} rows[] = {
		{ "/x", "/x" },
		{ "/r/x/y", "/x/y" },
		{ "/r", "/r" },
		{ "/rx", "/rx" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { rows[i].destination, "tmpfs", "t", NULL };
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &row);

		assert_string_equal(plan->ops[0].destination, rows[i].want);
		done(spec, plan);
	}
}

static void test_attributes(void **state)
{
	static const struct {
		const char *options;
		uint64_t set, clr, rec_set, rec_clr;
	} rows[] = {
		{ "bind", 0, 0, 0, 0 },
		{ "bind,ro,nosuid", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0 },
		{ "bind,ro,rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
		{ "bind,rw,ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
		{ "bind,nodev,exec,dev", 0, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0 },
		{ "bind,noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
		{ "bind,noatime,strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
		{ "bind,relatime", 0, ATIME, 0, 0 },
		{ "bind,relatime,norelatime", 0, 0, 0, 0 },
		{ "bind,atime,diratime,nostrictatime", 0, 0, 0, 0 },
		{ "bind,nodiratime,noatime", MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOATIME,
		  MOUNT_ATTR__ATIME, 0, 0 },
		{ "rbind,rro", 0, 0, MOUNT_ATTR_RDONLY, 0 },
		{ "rbind,ro,rrw", MOUNT_ATTR_RDONLY, 0, 0, MOUNT_ATTR_RDONLY },
		{ "rbind,rnoatime,rnodev", 0, 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODEV,
		  MOUNT_ATTR__ATIME },
		{ "bind,nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { "/x", "none", "/s", rows[i].options };
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &row);
		struct mnt_op *op = &plan->ops[0];

		if (op->attr_set != rows[i].set || op->attr_clr != rows[i].clr ||
		    op->rec_set != rows[i].rec_set || op->rec_clr != rows[i].rec_clr)
			fail_msg("%s: %llx %llx %llx %llx", rows[i].options,
			         (unsigned long long)op->attr_set, (unsigned long long)op->attr_clr,
			         (unsigned long long)op->rec_set, (unsigned long long)op->rec_clr);
		assert_true(op->bind);
		assert_int_equal(op->recursive, strncmp(rows[i].options, "rbind", 5) == 0);
		assert_string_equal(op->fstype, "bind");
		done(spec, plan);
	}
}

static void test_readonly_is_the_last_word(void **state)
{
	struct mnt_op op = { .attr_set = MOUNT_ATTR_RDONLY };

	(void)state;
	assert_true(mnt_op_readonly(&op));
	op.rec_clr = MOUNT_ATTR_RDONLY;
	assert_false(mnt_op_readonly(&op));
	op.rec_set = MOUNT_ATTR_RDONLY;
	assert_true(mnt_op_readonly(&op));
}

static void test_data(void **state)
{
	struct mount_row row = { "/x", "tmpfs", "tmpfs",
		                 "defaults,size=65536k,loud,mode=755,sync,acl,async" };
	struct spec *spec;
	struct mnt_plan *plan = plan_of(&spec, &row);
	char **super = plan->ops[0].super;

	(void)state;
	assert_int_equal(strv_len(super), 3);
	assert_string_equal(super[0], "size=65536k");
	assert_string_equal(super[1], "mode=755");
	assert_string_equal(super[2], "acl");
	done(spec, plan);
}

/* The last one wins; only a remount needs the word that ends a flag. */
static void test_super_flags(void **state)
{
	static const struct {
		const char *options, *want;
	} rows[] = {
		{ "async,sync", "sync" },
		{ "sync,async", "" },
		{ "lazytime,nolazytime,lazytime", "lazytime" },
		{ "iversion,mand,nomand,noiversion", "" },
		{ "dirsync", "dirsync" },
		{ "remount,sync,async,nolazytime,noiversion", "async nolazytime" },
		{ "async,remount,mand", "async mand" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { "/x", "tmpfs", "tmpfs", rows[i].options };
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &row);
		char words[128] = "";

		for (char **p = plan->ops[0].super; p && *p; p++)
			sprintf(words + strlen(words), "%s%s", words[0] ? " " : "", *p);
		assert_string_equal(words, rows[i].want);
		done(spec, plan);
	}
}

static void test_readonly_superblock(void **state)
{
	struct mount_row ext4 = { "/x", "ext4", "/dev/x", "ro" };
	struct mount_row sysfs = { "/sys", "sysfs", "sysfs", "ro" };
	struct spec *spec;
	struct mnt_plan *plan = plan_of(&spec, &ext4);

	(void)state;
	assert_true(strv_contains(plan->ops[0].super, "ro"));
	done(spec, plan);
	plan = plan_of(&spec, &sysfs);
	assert_int_equal(strv_len(plan->ops[0].super), 0);
	assert_true(plan->ops[0].on_sys);
	done(spec, plan);
}

static void test_propagation(void **state)
{
	struct mount_row row = { "/x", NULL, "/s", "rbind,rslave,shared" };
	struct spec *spec;
	struct mnt_plan *plan = plan_of(&spec, &row);

	(void)state;
	assert_int_equal(plan->ops[0].propagation[0], MS_SLAVE | MS_REC);
	assert_int_equal(plan->ops[0].propagation[1], MS_SHARED);
	assert_int_equal(plan->ops[0].propagation[2], 0);
	done(spec, plan);
}

static void test_late(void **state)
{
	static const struct {
		struct mount_row row;
		bool late;
	} rows[] = {
		{ { "/dev", "tmpfs", "tmpfs", "ro" }, true },
		{ { "/run", "tmpfs", "tmpfs", "ro" }, true },
		{ { "/run", "tmpfs", "tmpfs", "rro" }, true },
		{ { "/run", "tmpfs", "tmpfs", "ro,rw" }, false },
		{ { "/dev", "devtmpfs", "devtmpfs", "ro" }, true },
		{ { "/dev", NULL, "/dev", "rbind,ro" }, false },
		{ { "/sys", "sysfs", "sysfs", "ro" }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &rows[i].row);

		assert_int_equal(plan->ops[0].late_readonly, rows[i].late);
		assert_int_equal(plan->dev_is_bind, rows[i].row.type == NULL);
		done(spec, plan);
	}
}

static void test_refused(void **state)
{
	static const struct {
		struct mount_row row;
		int code;
		const char *text;
	} rows[] = {
		{ { "/", "tmpfs", "tmpfs", NULL }, -EINVAL, "root of the container" },
		{ { "/x", NULL, "/s", NULL }, -EINVAL, "type is missing" },
		{ { "/x", NULL, NULL, "bind" }, -EINVAL, "source is missing" },
		{ { "/x", NULL, "/s", "bind,size=1" }, -EINVAL, "\"size=1\": bind mounts cannot" },
		{ { "/x", NULL, "/s", "bind,nonsense" }, -EINVAL, "nonsense" },
		{ { "/x", NULL, "/s", "bind,idmap" }, -EINVAL, "both uid and gid mappings" },
		{ { "/x", "sysfs", "t", "tmpcopyup" }, -EINVAL, "tmpcopyup" },
		{ { "/x", NULL, "/s", "bind,shared,slave,private,shared,slave" },
		  -EINVAL,
		  "propagation" },
		{ { "/proc", "tmpfs", "tmpfs", NULL }, -EPERM, "not of type proc" },
		{ { "/proc/sys", "tmpfs", "tmpfs", NULL }, -EPERM, "inside /proc" },
		{ { "/proc/1", "proc", "proc", NULL }, -EPERM, "inside /proc" },
		{ { "/proc/sys/kernel", NULL, "/s", "bind" }, -EPERM, "inside /proc" },
		{ { "/proc/self/attr/exec", NULL, "/s", "bind" }, -EPERM, "inside /proc" },
		{ { "/proc/cpuinfo", "tmpfs", "tmpfs", NULL }, -EPERM, "inside /proc" },
		{ { "/proc/meminfo2", NULL, "/s", "bind" }, -EPERM, "inside /proc" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec = spec_by_hand("/r", &rows[i].row, 1);
		struct mnt_plan *plan = NULL;
		struct err err = { 0 };

		assert_int_equal(mnt_plan_build(spec, &plan, &err), rows[i].code);
		assert_null(plan);
		assert_non_null(strstr(err.msg, rows[i].text));
		assert_non_null(strstr(err.msg, "mounts[0]"));
		spec_by_hand_free(spec);
	}
}

static void test_accepted(void **state)
{
	static const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/proc", NULL, "/proc", "rbind" },
		{ "/proc/cpuinfo", NULL, "/s", "bind" },
		{ "/proc/sys/kernel/ns_last_pid", NULL, "/s", "bind" },
		{ "/procfoo", "tmpfs", "t", NULL },
		{ "/x", NULL, "/s", "bind,sync,lazytime" },
		{ "/proc", NULL, NULL, "remount,ro" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec;
		struct mnt_plan *plan = plan_of(&spec, &rows[i]);

		assert_int_equal(plan->ops[0].on_proc,
		                 strncmp(rows[i].destination, "/proc", 5) == 0 && i != 4);
		assert_int_equal(plan->ops[0].remount, i == 6);
		if (plan->ops[0].bind)
			assert_int_equal(strv_len(plan->ops[0].super), 0);
		done(spec, plan);
	}
}

static const char *last_param(const struct mnt_op *op)
{
	size_t n = strv_len(op->super);

	return n ? op->super[n - 1] : NULL;
}

static void test_mount_label(void **state)
{
	static char label[] = "a:b:c:s0:c1,c2";
	static const struct {
		struct mount_row row;
		const char *last; /* parameter */
	} rows[] = {
		{ { "/x", "tmpfs", "t", "nosuid,size=1m" }, "context=a:b:c:s0:c1,c2" },
		{ { "/dev/pts", "devpts", "t", NULL }, "context=a:b:c:s0:c1,c2" },
		{ { "/x", "tmpfs", "t", "context=own" }, "context=own" },
		{ { "/x", "tmpfs", "t", "remount,size=1m" }, "size=1m" },
		{ { "/x", NULL, "/s", "bind" }, NULL },
		{ { "/proc", "proc", "p", NULL }, NULL },
		{ { "/sys", "sysfs", "s", NULL }, NULL },
		{ { "/x", "mqueue", "q", NULL }, NULL },
		{ { "/x", "cgroup", "c", NULL }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec = spec_by_hand("/r", &rows[i].row, 1);
		struct mnt_plan *plan = NULL;
		const char *last;

		spec->linux_.mount_label = label;
		assert_int_equal(mnt_plan_build(spec, &plan, NULL), 0);
		last = last_param(&plan->ops[0]);
		if (!last != !rows[i].last || (last && !streq(last, rows[i].last)))
			fail_msg("row %zu: %s", i, last ? last : "none");
		done(spec, plan);
	}
}

static void test_unmapped_ids(void **state)
{
	struct mount_row row = { "/dev/pts", "devpts", "devpts", "newinstance,gid=5" };
	struct spec_id_map map = { 0, 1000, 5 };
	struct spec *spec = spec_by_hand("/r", &row, 1);
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };

	(void)state;
	spec->linux_.namespaces[NS_USER].wanted = true;
	spec->linux_.gid_maps = spec->linux_.uid_maps = &map;
	spec->linux_.n_gid_maps = spec->linux_.n_uid_maps = 1;
	assert_int_equal(mnt_plan_build(spec, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "\"gid=5\": the id is not mapped"));
	map.size = 6;
	assert_int_equal(mnt_plan_build(spec, &plan, &err), 0);
	assert_true(plan->has_userns);
	done(spec, plan);
}

static void test_masks_need_a_namespace(void **state)
{
	struct spec *spec = spec_by_hand("/r", NULL, 0);
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };

	(void)state;
	strv_add(&spec->linux_.masked_paths, "/proc/kcore");
	spec->linux_.namespaces[NS_MOUNT].wanted = false;
	assert_int_equal(mnt_plan_build(spec, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "private MNT namespace"));
	strv_free(take_ptr(spec->linux_.masked_paths));
	assert_int_equal(mnt_plan_build(spec, &plan, &err), 0);
	assert_true(plan->on_host);
	assert_false(plan->has_mountns);
	assert_true(mnt_plan_mounts(plan));
	mnt_plan_free(plan);
	spec->linux_.namespaces[NS_MOUNT].wanted = true;
	spec->linux_.namespaces[NS_MOUNT].path = xstrdup("/proc/1/ns/mnt");
	assert_int_equal(mnt_plan_build(spec, &plan, &err), 0);
	assert_false(plan->has_mountns);
	assert_false(plan->on_host);
	assert_false(mnt_plan_mounts(plan));
	mnt_plan_free(plan);
	free(spec->linux_.namespaces[NS_MOUNT].path);
	spec_by_hand_free(spec);
}

static void test_mountinfo_id(void **state)
{
	static const struct {
		const char *line;
		uint64_t id;
		const char *point; /* NULL: not a line of that file */
	} rows[] = {
		{ "132 131 254:0 /r /b/rootfs ro,relatime - ext4 /dev/vda rw", 132, "/b/rootfs" },
		{ "7 1 0:40 / /a\\040b\\134 rw shared:21 - tmpfs t rw", 7, "/a b\\" },
		{ "7 1 0:40 /", 0, NULL },
		{ "x 1 0:40 / /a rw - tmpfs t rw", 0, NULL },
		{ "-1 1 0:40 / /a rw - tmpfs t rw", 0, NULL },
		{ "", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *line = xstrdup(rows[i].line);
		uint64_t id = 0;
		char *point = NULL;

		assert_int_equal(mnt_mountinfo_id(line, &id, &point), rows[i].point != NULL);
		if (!rows[i].point)
			continue;
		assert_int_equal(id, rows[i].id);
		assert_string_equal(point, rows[i].point);
	}
}

static void test_mountinfo(void **state)
{
	static const struct {
		const char *line, *point;
	} rows[] = {
		{ "22 27 0:21 / /proc rw,relatime - proc proc rw", "/proc" },
		{ "22 27 0:21 / /a\\040b\\134c rw shared:1 master:2 - sysfs sysfs rw", "/a b\\c" },
		{ "22 27 0:21 /sys /proc/sys ro - proc proc rw", NULL },
		{ "22 27 0:21 / /x rw - tmpfs proc rw", NULL },
		{ "22 27 0:21 / /x rw", NULL },
		{ "22 - proc proc rw", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *line = xstrdup(rows[i].line);
		char *point = NULL;

		assert_int_equal(mnt_mountinfo_full(line, &point), rows[i].point != NULL);
		if (rows[i].point)
			assert_string_equal(point, rows[i].point);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_bind_implied),
		cmocka_unit_test(test_strip_root),
		cmocka_unit_test(test_readonly_is_the_last_word),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_super_flags),
		cmocka_unit_test(test_readonly_superblock),
		cmocka_unit_test(test_propagation),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_mount_label),
		cmocka_unit_test(test_unmapped_ids),
		cmocka_unit_test(test_masks_need_a_namespace),
		cmocka_unit_test(test_mountinfo),
		cmocka_unit_test(test_mountinfo_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
