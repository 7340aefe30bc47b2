/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups below a container's own: named by a caller, or chosen by the container's init. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cgroup/internal.h"

static struct cg_dir v1_dirs[] = {
	{ .name = (char *)"memory", .mount = (char *)"/m", .path = (char *)"/top/c", .ours = 2 },
	{ .name = (char *)"cpu,cpuacct", .mount = (char *)"/c", .path = (char *)"/top/c" },
	{ .name = (char *)"", .mount = (char *)"/u", .path = (char *)"/top/c", .v2 = true },
};
static struct cg_dir v2_dirs[] = {
	{ .name = (char *)"", .mount = (char *)"/s", .path = (char *)"/top/c", .v2 = true },
};
static const struct cg v1 = { .mode = CG_HYBRID, .dirs = v1_dirs, .n_dirs = 3, .usable = true };
static const struct cg v2 = { .mode = CG_V2, .dirs = v2_dirs, .n_dirs = 1, .usable = true };

/* The paths, space-separated, or the message. */
static char *sub(const struct cg *cg, const char *a, const char *b)
{
	char *args[] = { (char *)a, (char *)b, NULL };
	_cleanup_buf_ struct buf out = BUF_INIT(4096);
	struct err err = { 0 };
	struct cg *c;

	if (cg_sub(cg, args, &c, &err) < 0)
		return xstrdup(err.msg);
	for (size_t i = 0; i < c->n_dirs; i++) {
		buf_printf(&out, "%s%s", i ? " " : "", c->dirs[i].path);
		/* Nothing of it is ever removed through the copy. */
		assert_int_equal(c->dirs[i].ours, 0);
	}
	cg_free(c);
	return buf_steal(&out);
}

static void test_sub(void **state)
{
	static const struct {
		const struct cg *cg;
		const char *a, *b, *want;
	} t[] = {
		{ &v2, "x", NULL, "/top/c/x" },
		{ &v2, "/x/y/", NULL, "/top/c/x/y" },
		{ &v2, ".", NULL, "/top/c" },
		{ &v2, "x/../y", NULL, "/top/c/y" },
		{ &v2, "..", NULL, "bad sub cgroup path" },
		{ &v2, "x/../../d", NULL, "bad sub cgroup path" },
		{ &v2, "../cc", NULL, "bad sub cgroup path" },
		{ &v2, "a\nb", NULL, "bad sub cgroup path" },
		{ &v2, "memory:x", NULL, "unknown controller" },
		{ &v2, ":x", NULL, "unknown controller" },
		{ &v2, "x", "y", "names no controller" },
		{ &v1, "x", NULL, "/top/c/x /top/c/x /top/c/x" },
		{ &v1, "memory:x", NULL, "/top/c/x /top/c /top/c" },
		{ &v1, "cpuacct:x", "memory:y", "/top/c/y /top/c/x /top/c" },
		{ &v1, "cpu,memory:/x", NULL, "/top/c/x /top/c/x /top/c" },
		{ &v1, "memory:../..", NULL, "bad sub cgroup path" },
		{ &v1, "nosuch:x", NULL, "unknown controller \"nosuch\"" },
		{ &v1, "memory:x", "y", "names no controller" },
	};
	static const struct cg none = { .usable = false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_free_ char *got = sub(t[i].cg, t[i].a, t[i].b);

		if (t[i].want[0] == '/' ? !streq(got, t[i].want) : !strstr(got, t[i].want))
			fail_msg("%s %s: %s", t[i].a, t[i].b ? t[i].b : "", got);
	}
	_cleanup_free_ char *got = sub(&none, "x", NULL);
	assert_non_null(strstr(got, "has no cgroup"));
}

static void follow_gone(const struct cg *cg, const char *text, bool gone, const char *want)
{
	struct cg *c = NULL;
	int r = cg_follow_text(cg, text, gone, &c);

	if (!want) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(c->dirs[0].path, want);
	cg_free(c);
}

static void follow(const struct cg *cg, const char *text, const char *want)
{
	follow_gone(cg, text, false, want);
}

static void test_follow(void **state)
{
	(void)state;
	follow(&v2, "0::/top/c/init\n", "/top/c/init");
	follow(&v2, "1:name=systemd:/x\n0::/top/c/a/b\n", "/top/c/a/b");
	follow(&v2, "0::/top/c\n", NULL);
	follow(&v2, "0::/top/cc\n", NULL);
	follow(&v2, "0::/elsewhere\n", NULL);
	follow(&v2, "0::/top/c/../d\n", NULL);
	follow(&v2, "", NULL);
	follow(&v1, "0::/top/c/init\n", NULL);
	/* The container's own cgroup is not there any more. */
	follow_gone(&v2, "0::/elsewhere\n", true, "/elsewhere");
	follow_gone(&v2, "0::/\n", true, "/");
	follow_gone(&v2, "0::/top/c\n", true, NULL);
	follow_gone(&v2, "0::/../elsewhere\n", true, NULL);
	follow_gone(&v2, "0::\n", true, NULL);
	follow_gone(&v1, "0::/elsewhere\n", true, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sub),
		                            cmocka_unit_test(test_follow) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
