/* SPDX-License-Identifier: Apache-2.0 */
/* linux.intelRdt against a tree of plain files in the place of the resctrl file system. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "cgroup/resctrl.h"
#include "spec_edit.h"

static char *new_tree(void)
{
	char *path = xstrdup("/tmp/berth-rdt-XXXXXX");

	assert_non_null(mkdtemp(path));
	return path;
}

static void drop_tree(char **path)
{
	(void)file_remove_tree_at(AT_FDCWD, *path);
	free(*path);
}

/* What the kernel puts into a new group. */
static void put(const char *root, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, name);
	char *slash = strrchr(path, '/');
	int fd;

	*slash = '\0';
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(fd);
}

static void assert_file(const char *root, const char *name, const char *want)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, name), *text = NULL;

	assert_int_equal(file_read_at(AT_FDCWD, path, 4096, &text, NULL), 0);
	assert_string_equal(text, want);
}

static bool exists(const char *root, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, name);

	return access(path, F_OK) == 0;
}

static void test_find_root(void **state)
{
	char *root;

	(void)state;
	assert_null(rdt_find_root(""));
	assert_null(rdt_find_root("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"));
	root =
	    rdt_find_root("31 23 0:28 / /a rw - tmpfs resctrl rw\n"
	                  "32 23 0:29 /grp /b rw - resctrl resctrl rw\n"
	                  "33 23 0:29 / /sys/fs/my\\040resctrl rw shared:1 - resctrl resctrl rw\n");
	assert_string_equal(root, "/sys/fs/my resctrl");
	free(root);
}

static void test_absent(void **state)
{
	const struct spec_intel_rdt none = { 0 };
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct rdt rdt;

	(void)state;
	assert_int_equal(rdt_plan(root, &none, "c1", &rdt, NULL), 0);
	assert_null(rdt.group);
	assert_int_equal(rdt_make(&rdt, &none, NULL), 0);
	assert_int_equal(rdt_join(&rdt, 1, NULL), 0);
}

/* Without a name the group is the container's own. */
static void test_own_group(void **state)
{
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct spec *spec = spec_with(
	    "/linux/intelRdt", "{\"l3CacheSchema\":\"L3:0=f;1=f0\",\"memBwSchema\":\"MB:0=20\","
	                       "\"schemata\":[\"L2:0=3\",\"L3CODE:0=f\"]}");
	const struct spec_intel_rdt *in = &spec->linux_.intel_rdt;
	struct err err = { 0 };
	struct rdt rdt;

	(void)state;
	assert_int_equal(rdt_plan(root, in, "c1", &rdt, &err), 0);
	assert_true(rdt.make && rdt.ours && !rdt.monitor);
	assert_false(exists(root, "c1"));
	put(root, "c1/schemata", "");
	put(root, "c1/tasks", "");
	assert_int_equal(rdt_make(&rdt, in, &err), 0);
	assert_file(root, "c1/schemata", "L3:0=f;1=f0\nMB:0=20\nL2:0=3\nL3CODE:0=f\n");
	assert_int_equal(rdt_join(&rdt, 4711, &err), 0);
	assert_file(root, "c1/tasks", "4711");
	rdt_done(&rdt);
	/* One that was there before is not ours. */
	assert_int_equal(rdt_plan(root, in, "c1", &rdt, &err), 0);
	assert_true(!rdt.make && !rdt.ours);
	rdt_done(&rdt);
	spec_free(spec);
}

static void test_made_and_removed(void **state)
{
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct spec *spec = spec_with("/linux/intelRdt", "{}");
	struct err err = { 0 };
	struct rdt rdt;

	(void)state;
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_int_equal(rdt_make(&rdt, &spec->linux_.intel_rdt, &err), 0);
	assert_true(exists(root, "c1"));
	/* Again, as after a crash. */
	assert_int_equal(rdt_make(&rdt, &spec->linux_.intel_rdt, &err), 0);
	assert_int_equal(rdt_remove(rdt.group, &err), 0);
	assert_false(exists(root, "c1"));
	assert_int_equal(rdt_remove(rdt.group, &err), 0);
	assert_int_equal(rdt_remove(NULL, &err), 0);
	rdt_done(&rdt);
	spec_free(spec);
}

static void test_named_group(void **state)
{
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct spec *spec = spec_with("/linux/intelRdt", "{\"closID\":\"shared\"}");
	struct err err = { 0 };
	struct rdt rdt;

	(void)state;
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "linux.intelRdt.closID: group"));
	put(root, "shared/tasks", "");
	put(root, "shared/schemata", "L3:0=1\n");
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_true(!rdt.make && !rdt.ours);
	assert_int_equal(rdt_make(&rdt, &spec->linux_.intel_rdt, &err), 0);
	assert_file(root, "shared/schemata", "L3:0=1\n");
	assert_int_equal(rdt_join(&rdt, 7, &err), 0);
	assert_file(root, "shared/tasks", "7");
	rdt_done(&rdt);
	spec_free(spec);
	/* With a schema it is made where it is missing, and stays. */
	spec = spec_with("/linux/intelRdt", "{\"closID\":\"new\",\"schemata\":[\"L3:0=1\"]}");
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_true(rdt.make && !rdt.ours);
	rdt_done(&rdt);
	spec_free(spec);
	spec = spec_with("/linux/intelRdt", "{\"closID\":\"/\"}");
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_string_equal(rdt.group, root);
	assert_true(!rdt.make && !rdt.ours);
	rdt_done(&rdt);
	spec_free(spec);
}

static void test_monitoring(void **state)
{
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct spec *spec =
	    spec_with("/linux/intelRdt", "{\"closID\":\"shared\",\"enableMonitoring\":true}");
	struct err err = { 0 };
	struct rdt rdt;

	(void)state;
	put(root, "shared/tasks", "");
	assert_int_equal(mkdir(strcat(strcpy((char[128]){ 0 }, root), "/shared/mon_groups"), 0755),
	                 0);
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_non_null(rdt.monitor);
	assert_int_equal(rdt_make(&rdt, &spec->linux_.intel_rdt, &err), 0);
	assert_true(exists(root, "shared/mon_groups/c1"));
	put(root, "shared/mon_groups/c1/tasks", "");
	assert_int_equal(rdt_join(&rdt, 12, &err), 0);
	assert_file(root, "shared/mon_groups/c1/tasks", "12");
	rdt_done(&rdt);
	spec_free(spec);
}

static void test_errors_say_why(void **state)
{
	_cleanup_(drop_tree)
	char *root = new_tree();
	struct spec *spec = spec_with("/linux/intelRdt", "{\"closID\":\"g\",\"schemata\":[\"X\"]}");
	struct err err = { 0 };
	struct rdt rdt;

	(void)state;
	put(root, "info/last_cmd_status", "Unknown or unsupported resource name 'X'\n");
	put(root, "g/tasks", "");
	assert_int_equal(rdt_plan(root, &spec->linux_.intel_rdt, "c1", &rdt, &err), 0);
	assert_int_equal(rdt_make(&rdt, &spec->linux_.intel_rdt, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "linux.intelRdt: write "));
	assert_non_null(strstr(err.msg, "/g/schemata (Unknown or unsupported resource name 'X')"));
	rdt_done(&rdt);
	spec_free(spec);
}

static void test_spec(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/intelRdt", "null"),
		OK("/linux/intelRdt",
		   "{\"closID\":\"a-b_c.1\",\"l3CacheSchema\":\"L3:0=f\\nL3:1=f\"}"),
		OK("/linux/intelRdt", "{\"closID\":\"/\"}"),
		BAD("/linux/intelRdt", "[]", "linux.intelRdt: expected an object"),
		BAD("/linux/intelRdt", "{\"closID\":\"..\"}",
		    "linux.intelRdt.closID: invalid name *"),
		BAD("/linux/intelRdt", "{\"closID\":\"a/b\"}",
		    "linux.intelRdt.closID: invalid name \"a/b\""),
		BAD("/linux/intelRdt", "{\"closID\":\"/a\"}",
		    "linux.intelRdt.closID: invalid name *"),
		BAD("/linux/intelRdt", "{\"closID\":\"info\"}",
		    "linux.intelRdt.closID: \"info\" is not a group"),
		BAD("/linux/intelRdt", "{\"schemata\":[\"a\\nb\"]}",
		    "linux.intelRdt.schemata: control character"),
		BAD("/linux/intelRdt", "{\"memBwSchema\":\"a\\u0001\"}",
		    "linux.intelRdt.memBwSchema: control character"),
		BAD("/linux/intelRdt", "{\"enableMonitoring\":\"yes\"}",
		    "linux.intelRdt.enableMonitoring: expected true or false"),
	};

	(void)state;
	check_edits(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_root),      cmocka_unit_test(test_absent),
		cmocka_unit_test(test_own_group),      cmocka_unit_test(test_made_and_removed),
		cmocka_unit_test(test_named_group),    cmocka_unit_test(test_monitoring),
		cmocka_unit_test(test_errors_say_why), cmocka_unit_test(test_spec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
