/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroups go, what is refused, and the record of it. */
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
#include "cgroup/internal.h"

static struct cg_hier v2_hiers[] = {
	{ (char *)"", (char *)"/sys/fs/cgroup",
	  (char *)"/user.slice/user-7.slice/user@7.service/app.slice/x.scope", (char *)"/", true },
};
static const struct cg_host v2_host = { CG_V2, v2_hiers, 1 };

static struct cg_hier hybrid_hiers[] = {
	{ (char *)"memory", (char *)"/sys/fs/cgroup/memory", (char *)"/api/a", (char *)"/", false },
	{ (char *)"pids", (char *)"/sys/fs/cgroup/pids", (char *)"/", (char *)"/", false },
	{ (char *)"", (char *)"/sys/fs/cgroup/unified", (char *)"/", (char *)"/", true },
};
static const struct cg_host hybrid_host = { CG_HYBRID, hybrid_hiers, 3 };

/* ctx: the path at and below which we may write; NULL: nowhere. */
static bool may_write(const struct cg_hier *h, const char *path, void *ctx)
{
	(void)h;
	return ctx && strncmp(path, ctx, strlen(ctx)) == 0;
}

static int place(const struct cg_host *host, const struct cg_request *req, const char *writable,
                 struct cg **ret, struct err *err)
{
	char where[128];

	snprintf(where, sizeof(where), "%s", writable ? writable : "");
	*err = (struct err){ 0 };
	*ret = NULL;
	return cg_place(host, req, CG_PARENT_NAME, may_write, writable ? where : NULL, ret, err);
}

static void expect(const struct cg_host *host, const struct cg_request *req, const char *writable,
                   const char *path)
{
	struct err err;
	struct cg *cg;

	assert_int_equal(place(host, req, writable, &cg, &err), 0);
	assert_true(cg->usable);
	assert_true(cg->n_dirs > 0);
	for (size_t i = 0; i < cg->n_dirs; i++)
		assert_string_equal(cg->dirs[i].path, path);
	cg_free(cg);
}

static void refuse(const struct cg_host *host, const struct cg_request *req, const char *writable,
                   int code, const char *text)
{
	struct err err;
	struct cg *cg;

	assert_int_equal(place(host, req, writable, &cg, &err), code);
	if (!strstr(err.msg, text))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, text);
}

static void test_default_place(void **state)
{
	struct cg_request req = { .id = "c1" };
	struct err err;
	struct cg *cg;

	(void)state;
	expect(&v2_host, &req, NULL, "/berth/c1");
	expect(&hybrid_host, &req, NULL, "/berth/c1");
	req.cgroups_path = "";
	expect(&v2_host, &req, NULL, "/berth/c1");
	assert_int_equal(place(&hybrid_host, &req, NULL, &cg, &err), 0);
	assert_int_equal(cg->n_dirs, 3);
	assert_int_equal(cg->dirs[0].ours, 2);
	assert_true(cg->dirs[2].v2);
	assert_true(cg->optional);
	cg_free(cg);
	req.below_own = true;
	expect(&v2_host, &req, NULL,
	       "/user.slice/user-7.slice/user@7.service/app.slice/x.scope/berth/c1");
}

static void test_explicit_place(void **state)
{
	struct cg_request req = { .id = "c1", .cgroups_path = "/a//b/./c/" };
	struct err err;
	struct cg *cg;

	(void)state;
	expect(&v2_host, &req, NULL, "/a/b/c");
	assert_int_equal(place(&v2_host, &req, NULL, &cg, &err), 0);
	assert_false(cg->optional); /* asked for by name */
	cg_free(cg);
	req.cgroups_path = "rel/x";
	expect(&v2_host, &req, NULL, "/rel/x");
	req.cgroups_path = "system.slice:berth:c1"; /* no driver for it: just a name */
	expect(&v2_host, &req, NULL, "/system.slice:berth:c1");
}

static void test_rootless(void **state)
{
	struct cg_request req = { .id = "c1", .rootless = true };
	const char *delegated = "/user.slice/user-7.slice/user@7.service";
	struct err err;
	struct cg *cg;

	(void)state;
	/* The highest that is ours, so that nothing above the common ancestor is needed. */
	expect(&v2_host, &req, delegated, "/user.slice/user-7.slice/user@7.service/berth/c1");
	expect(&v2_host, &req, "/", "/berth/c1");
	req.cgroups_path = "rel";
	expect(&v2_host, &req, delegated, "/user.slice/user-7.slice/user@7.service/rel");
	req.cgroups_path = NULL;

	/* Nothing granted: fine without limits, by name with them. */
	assert_int_equal(place(&v2_host, &req, NULL, &cg, &err), 0);
	assert_false(cg->usable);
	assert_int_equal(cg->n_dirs, 0);
	assert_true(cg->why[0]);
	cg_free(cg);
	req.limits_wanted = true;
	refuse(
	    &v2_host, &req, NULL, -EACCES,
	    "rootless needs no limits + no cgrouppath when no permission is granted for cgroups");
	refuse(&v2_host, &req, NULL, -EACCES, "unable to apply cgroup configuration");
	refuse(&v2_host, &req, NULL, -EACCES, "Permission denied");
}

static void test_no_hierarchy(void **state)
{
	static const struct cg_host none = { CG_NONE, NULL, 0 };
	struct cg_request req = { .id = "c1" };
	struct err err;
	struct cg *cg;

	(void)state;
	assert_int_equal(place(&none, &req, NULL, &cg, &err), 0);
	assert_false(cg->usable);
	cg_free(cg);
	req.limits_wanted = true;
	refuse(&none, &req, NULL, -ENOENT, "no cgroup hierarchy is mounted");
	req = (struct cg_request){ .id = "c1", .cgroups_path = "/x" };
	refuse(&none, &req, NULL, -ENOENT, "no cgroup hierarchy is mounted");
}

static void test_disabled(void **state)
{
	struct cg_request req = { .id = "c1", .disabled = true, .cgroups_path = "/x" };
	struct err err;
	struct cg *cg;

	(void)state;
	assert_int_equal(place(&hybrid_host, &req, "/", &cg, &err), 0);
	assert_false(cg->usable);
	assert_int_equal(cg->n_dirs, 0);
	assert_string_equal(cg->why, "cgroups are disabled");
	cg_free(cg);
	req.limits_wanted = true;
	refuse(&hybrid_host, &req, "/", -EINVAL, "cgroups are disabled");
}

static void test_refused_paths(void **state)
{
	static const struct {
		const char *path, *text;
		int code;
	} bad[] = {
		{ "../../x", "\"..\"", -EINVAL },
		{ "/x/../../y", "\"..\"", -EINVAL },
		{ "/a/..", "\"..\"", -EINVAL },
		{ "/", "root cgroup", -EINVAL },
		{ "//", "root cgroup", -EINVAL },
		{ "/./", "root cgroup", -EINVAL },
		{ ".", "root cgroup", -EINVAL },
		{ "/a\nb", "control character", -EINVAL },
		{ "/a\x7f", "control character", -EINVAL },
		/* our own cgroup and those above it, in any hierarchy */
		{ "/api/a", "own cgroup", -EBUSY },
		{ "/api", "own cgroup", -EBUSY },
		{ "api", "own cgroup", -EBUSY },
	};
	struct cg_request req = { .id = "c1" };
	char name[300], *deep = calloc(1, 8192);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		req.cgroups_path = bad[i].path;
		refuse(&hybrid_host, &req, NULL, bad[i].code, bad[i].text);
	}
	memset(name, 'n', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	req.cgroups_path = name;
	refuse(&hybrid_host, &req, NULL, -ENAMETOOLONG, "cgroupsPath");
	for (int i = 0; i < 2000; i++)
		strcat(deep, "/d");
	req.cgroups_path = deep;
	refuse(&hybrid_host, &req, NULL, -ENAMETOOLONG, "cgroupsPath");
	free(deep);
	/* A name that only begins like ours is another one. */
	req.cgroups_path = "/ap";
	expect(&hybrid_host, &req, NULL, "/ap");
	req.cgroups_path = "/api/a/sub";
	expect(&hybrid_host, &req, NULL, "/api/a/sub");
}

static struct cg *round_trip(const char *text, int want)
{
	struct err err = { 0 };
	struct cg *cg = NULL;
	cJSON *j = NULL;

	assert_int_equal(json_parse(text, strlen(text), &j, &err), 0);
	assert_int_equal(cg_from_json(j, &cg, &err), want);
	json_free_ptr(&j);
	return cg;
}

static void test_record(void **state)
{
	struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);
	struct cg_request req = { .id = "c1", .cgroups_path = "/we\"ird/\xc3\xa9" };
	struct err err;
	struct cg *cg, *copy;

	(void)state;
	assert_int_equal(place(&hybrid_host, &req, NULL, &cg, &err), 0);
	cg->dirs[1].ours = 2;
	assert_int_equal(cg_to_json(cg, &a), 0);
	copy = round_trip(a.data, 0);
	assert_int_equal(copy->mode, CG_HYBRID);
	assert_int_equal(copy->n_dirs, 3);
	assert_true(copy->usable);
	assert_string_equal(copy->dirs[0].path, "/we\"ird/\xc3\xa9");
	assert_int_equal(copy->dirs[1].ours, 2);
	assert_true(copy->dirs[2].v2);
	assert_int_equal(cg_to_json(copy, &b), 0);
	assert_string_equal(a.data, b.data);
	cg_free(cg);
	cg_free(copy);
	buf_done(&a);
	buf_done(&b);
}

static void test_damaged_record(void **state)
{
#define DIR_JSON(name, mount, path, v2, ours)                                            \
	"{\"mode\":\"v2\",\"usable\":true,\"dirs\":[{\"name\":" name ",\"mount\":" mount \
	",\"path\":" path ",\"v2\":" v2 ",\"ours\":" ours "}]}"
	static const char *const bad[] = {
		"{}",
		"[]",
		"{\"mode\":\"v3\",\"dirs\":[]}",
		"{\"mode\":\"v2\",\"dirs\":{}}",
		DIR_JSON("\"\"", "\"/c\"", "\"/a/../b\"", "true", "0"),
		DIR_JSON("\"\"", "\"/c\"", "\"/\"", "true", "0"),
		DIR_JSON("\"\"", "\"/c\"", "\"a\"", "true", "0"),
		DIR_JSON("\"\"", "\"/c\"", "\"/a//b\"", "true", "0"),
		DIR_JSON("\"\"", "\"c\"", "\"/a\"", "true", "0"),
		DIR_JSON("\"\"", "\"/c/..\"", "\"/a\"", "true", "0"),
		DIR_JSON("\"\"", "\"/c\"", "\"/a/b\"", "true", "3"),
		DIR_JSON("\"\"", "\"/c\"", "\"/a/b\"", "true", "-1"),
		DIR_JSON("\"\"", "\"/c\"", "\"/a/b\"", "true", "\"1\""),
		DIR_JSON("\"memory\"", "\"/c\"", "\"/a/b\"", "true", "1"),
		DIR_JSON("\"\"", "\"/c\"", "\"/a/b\"", "false", "1"),
		DIR_JSON("null", "\"/c\"", "\"/a/b\"", "true", "1"),
		DIR_JSON("\"\"", "7", "\"/a/b\"", "true", "1"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_null(round_trip(bad[i], -EBADMSG));
	cg_free(round_trip(DIR_JSON("\"\"", "\"/c\"", "\"/a/b\"", "true", "2"), 0));
}

static void test_in_unit(void **state)
{
	static const struct {
		const char *own;
		bool want;
	} cases[] = {
		{ "/", false },
		{ "/a.slice/b", false },
		{ "/system.slice/x.service", true },
		{ "/user.slice/session-3.scope/below", true },
		{ "/x.services", false },
		{ "/service", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cg_hier hiers[] = {
			{ (char *)"memory", (char *)"/m", (char *)"/x.service", (char *)"/",
			  false },
			{ (char *)"systemd", (char *)"/s", (char *)cases[i].own, (char *)"/",
			  false },
		};
		struct cg_host host = { CG_V1, hiers, 2 };

		assert_int_equal(cg_host_in_unit(&host), cases[i].want);
		hiers[1].name = (char *)"";
		hiers[1].v2 = true;
		assert_int_equal(cg_host_in_unit(&host), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_place), cmocka_unit_test(test_explicit_place),
		cmocka_unit_test(test_rootless),      cmocka_unit_test(test_no_hierarchy),
		cmocka_unit_test(test_disabled),      cmocka_unit_test(test_refused_paths),
		cmocka_unit_test(test_record),        cmocka_unit_test(test_damaged_record),
		cmocka_unit_test(test_in_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
