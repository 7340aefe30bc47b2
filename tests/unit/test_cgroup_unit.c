/* SPDX-License-Identifier: Apache-2.0 */
/* Units of the systemd driver: names, slices, places, and their record. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "cgroup/systemd.h"

static void expect_slice(const char *slice, const char *path)
{
	char *got = NULL;
	struct err err = { 0 };
	int r = cg_slice_path(slice, &got, &err);

	if (path) {
		assert_int_equal(r, 0);
		assert_string_equal(got, path);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_non_null(strstr(err.msg, "invalid slice name"));
	}
	free(got);
}

static void test_slices(void **state)
{
	(void)state;
	expect_slice("-.slice", "/");
	expect_slice("system.slice", "/system.slice");
	expect_slice("a-b.slice", "/a.slice/a-b.slice");
	expect_slice("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice");
	expect_slice("kubepods-pod_1.2.slice", "/kubepods.slice/kubepods-pod_1.2.slice");
	expect_slice("", NULL);
	expect_slice(".slice", NULL);
	expect_slice("system", NULL);
	expect_slice("a.scope", NULL);
	expect_slice("-a.slice", NULL);
	expect_slice("a-.slice", NULL);
	expect_slice("a--b.slice", NULL);
	expect_slice("a/b.slice", NULL);
	expect_slice("a b.slice", NULL);
	expect_slice("../a.slice", NULL);
}

/* path NULL: refused, with `unit` in the message */
static void expect_names(struct cg_request req, const char *cgroups_path, const char *unit,
                         const char *slice, const char *path)
{
	char *got_unit = NULL, *got_slice = NULL, *got_path = NULL;
	struct err err = { 0 };
	int r;

	req.cgroups_path = cgroups_path;
	r = cg_unit_names(&req, &got_unit, &got_slice, &got_path, &err);
	if (path) {
		assert_int_equal(r, 0);
		assert_string_equal(got_unit, unit);
		assert_string_equal(got_slice, slice);
		assert_string_equal(got_path, path);
	} else {
		assert_int_equal(r, -EINVAL);
		if (!strstr(err.msg, unit))
			fail_msg("\"%s\" lacks \"%s\"", err.msg, unit);
	}
	free(got_unit);
	free(got_slice);
	free(got_path);
}

static void test_names(void **state)
{
	struct cg_request root = { .id = "c1" }, user = { .id = "c1", .rootless = true };
	struct cg_request odd = { .id = "a+b" }, shim = { .id = "c1", .unit_prefix = "berth-shim" };
	char longest[300];

	(void)state;
	expect_names(root, NULL, "berth-c1.scope", "system.slice", "/system.slice/berth-c1.scope");
	expect_names(root, "", "berth-c1.scope", "system.slice", "/system.slice/berth-c1.scope");
	expect_names(user, NULL, "berth-c1.scope", "user.slice", "/user.slice/berth-c1.scope");
	expect_names(shim, NULL, "berth-shim-c1.scope", "system.slice",
	             "/system.slice/berth-shim-c1.scope");
	expect_names(odd, NULL, "berth-a\\x2bb.scope", "system.slice",
	             "/system.slice/berth-a\\x2bb.scope");
	expect_names(root, "machine.slice:libpod:0123", "libpod-0123.scope", "machine.slice",
	             "/machine.slice/libpod-0123.scope");
	expect_names(root, "a-b.slice:p:n", "p-n.scope", "a-b.slice",
	             "/a.slice/a-b.slice/p-n.scope");
	expect_names(root, "::n", "n.scope", "system.slice", "/system.slice/n.scope");
	expect_names(user, "::n", "n.scope", "user.slice", "/user.slice/n.scope");
	expect_names(root, "-.slice:p:n", "p-n.scope", "-.slice", "/p-n.scope");
	expect_names(root, "a.slice:p:a-b.slice", "a-b.slice", "a.slice", "/a.slice/a-b.slice");
	expect_names(root, "/berth/c1",
	             "expected cgroupsPath to be of format \"slice:prefix:name\"", NULL, NULL);
	expect_names(root, "a.slice:n", "got \"a.slice:n\" instead", NULL, NULL);
	expect_names(root, "a.slice:p:n:m", "slice:prefix:name", NULL, NULL);
	expect_names(root, "a.slice:p:", "slice:prefix:name", NULL, NULL);
	expect_names(root, "a:p:n", "invalid slice name: a", NULL, NULL);
	expect_names(root, "a.slice:p:n/m", "no name of a systemd unit", NULL, NULL);
	expect_names(root, "a.slice:p:n m", "no name of a systemd unit", NULL, NULL);
	expect_names(root, "a.slice:p:-.slice", "root slice", NULL, NULL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "::", 2);
	expect_names(root, longest, "no name of a systemd unit", NULL, NULL);
}

static void test_record(void **state)
{
	struct cg_dir dir = { (char *)"", (char *)"/sys/fs/cgroup",
		              (char *)"/system.slice/berth-c1.scope", true, 1 };
	struct cg_unit unit = { .name = (char *)"berth-c1.scope", .user = true };
	struct cg cg = { .mode = CG_V2, .dirs = &dir, .n_dirs = 1, .usable = true, .unit = &unit };
	static const char *const bad[] = { "ssh.service", "../x.scope", "a b.scope", "", ".scope" };
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	_cleanup_json_ cJSON *j = NULL;
	struct cg *back = NULL;

	(void)state;
	assert_int_equal(cg_to_json(&cg, &b), 0);
	assert_int_equal(json_parse(b.data, b.len, &j, NULL), 0);
	assert_int_equal(cg_from_json(j, &back, NULL), 0);
	assert_non_null(back->unit);
	assert_string_equal(back->unit->name, "berth-c1.scope");
	assert_true(back->unit->user);
	assert_true(back->unit->started);
	assert_string_equal(back->dirs[0].path, dir.path);
	cg_free(back);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct buf b2 = BUF_INIT(65536);
		_cleanup_json_ cJSON *j2 = NULL;

		unit.name = (char *)bad[i];
		assert_int_equal(cg_to_json(&cg, &b2), 0);
		assert_int_equal(json_parse(b2.data, b2.len, &j2, NULL), 0);
		assert_int_equal(cg_from_json(j2, &back, NULL), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
