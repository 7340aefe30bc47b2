/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions of checkpoint and restore: values of options, what a log says, external mounts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "container/criu.h"

static void test_mode(void **state)
{
	static const struct {
		const char *text;
		enum criu_cg_mode mode;
	} rows[] = { { NULL, CRIU_CG_SOFT },
		     { "soft", CRIU_CG_SOFT },
		     { "full", CRIU_CG_FULL },
		     { "strict", CRIU_CG_STRICT },
		     { "ignore", CRIU_CG_IGNORE } };
	struct err err = { 0 };
	enum criu_cg_mode mode;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(criu_parse_mode(rows[i].text, &mode, &err), 0);
		assert_int_equal(mode, rows[i].mode);
	}
	assert_int_equal(criu_parse_mode("Soft", &mode, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "invalid manage-cgroups-mode value"));
}

static void test_page_server(void **state)
{
	static const char *const bad[] = { "x",    ":1",   "x:",    "x:0",   "x:65536",
		                           "x:1 ", "x:-1", "x y:1", "x\ny:1" };
	char *address;
	int port;

	(void)state;
	assert_int_equal(criu_parse_page_server(NULL, &address, &port, NULL), 0);
	assert_null(address);
	assert_int_equal(criu_parse_page_server("10.0.0.1:27", &address, &port, NULL), 0);
	assert_string_equal(address, "10.0.0.1");
	assert_int_equal(port, 27);
	free(address);
	assert_int_equal(criu_parse_page_server("::1:65535", &address, &port, NULL), 0);
	assert_string_equal(address, "::1");
	assert_int_equal(port, 65535);
	free(address);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(criu_parse_page_server(bad[i], &address, &port, NULL), -EINVAL);
		assert_null(address);
	}
}

static void test_empty_ns(void **state)
{
	char network[] = "network", mnt[] = "mount";
	char *good[] = { network, network, NULL }, *bad[] = { network, mnt, NULL };

	(void)state;
	assert_int_equal(criu_check_empty_ns(NULL, NULL), 0);
	assert_int_equal(criu_check_empty_ns(good, NULL), 0);
	assert_int_equal(criu_check_empty_ns(bad, NULL), -EINVAL);
}

static void test_options(void **state)
{
	struct ctr_criu_opts o = { .image_path = "x", .status_fd = -1 };

	(void)state;
	assert_int_equal(ctr_criu_check(&o, NULL), 0);
	o.parent_path = "../a";
	assert_int_equal(ctr_criu_check(&o, NULL), 0);
	o.parent_path = "/a";
	assert_int_equal(ctr_criu_check(&o, NULL), -EINVAL);
	o.parent_path = NULL;
	o.status_fd = 999;
	assert_int_equal(ctr_criu_check(&o, NULL), -EBADF);
	o.status_fd = 0;
	assert_int_equal(ctr_criu_check(&o, NULL), 0);
}

static void test_config_log(void **state)
{
	static const struct {
		const char *text, *log;
	} rows[] = {
		{ "", NULL },
		{ "tcp-established\n", NULL },
		{ "log-file /a/b\n", "/a/b" },
		{ "log-file=/a/b", "/a/b" },
		{ "\n  log-file = c # why\n", "c" },
		{ "log-file a\nlog-file b\n", "b" },
		{ "#log-file a\n", NULL },
		{ "log-filex a\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *log = criu_config_log(rows[i].text);

		if (!rows[i].log)
			assert_null(log);
		else
			assert_string_equal(log, rows[i].log);
	}
}

static void test_log_error(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", NULL },
		{ "(0.1) fine\n(0.2) last\n", "(0.2) last" },
		{ "(0.1) Error (a.c:1): first\n(0.2) fine\n", "Error (a.c:1): first" },
		{ "(0.1) Error (a.c:1): first\n(0.2) Error (b.c:2): second\n",
		  "Error (b.c:2): second" },
		{ "(0.1) Error (a.c:1): cause\n(0.2) Error (cr-dump.c:9): Dumping FAILED.\n",
		  "Error (a.c:1): cause" },
		{ "(0.1) Error (sk-unix.c:1): cause\n(0.2) Error (cr-restore.c:9): 7 exited, "
		  "status=1\n"
		  "(0.3) Error (cgroup.c:9): cg: cgroupd: recv req error: No such file\n",
		  "Error (sk-unix.c:1): cause" },
		{ "(0.1) Error (files-reg.c:1): cause\n(0.2) Error (cr-dump.c:9): Dump files (pid: "
		  "7) "
		  "failed with -1\n(0.3) Error (cr-dump.c:9): Dumping FAILED.\n",
		  "Error (files-reg.c:1): cause" },
		{ "(0.1) Error (a.c:1): first\n(0.2) Error (b.c:2): second\n(0.3) exited, "
		  "status=0\n",
		  "Error (b.c:2): second" },
		{ "(0.1) Error (cr-restore.c:9): Restoring FAILED.\n",
		  "Error (cr-restore.c:9): Restoring FAILED." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *error = criu_log_error(rows[i].text);

		if (!rows[i].error)
			assert_null(error);
		else
			assert_string_equal(error, rows[i].error);
	}
}

static const struct criu_external *find(const struct criu_external *list, size_t n,
                                        const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].name, name))
			return &list[i];
	return NULL;
}

static void test_externals(void **state)
{
	static const char text[] =
	    "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\","
	    "\"args\":[\"x\"]},\"mounts\":["
	    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
	    "{\"destination\":\"/t\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	    "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv/d\",\"options\":"
	    "[\"rbind\"]},"
	    "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv/d\",\"options\":"
	    "[\"bind\",\"remount\",\"ro\"]}],"
	    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"maskedPaths\":[\"/proc/kcore\"]}}";
	struct criu_external *list = NULL;
	_cleanup_spec_ struct spec *spec = NULL;
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(spec_load_text(text, strlen(text), "/b", &spec, &err), 0);
	assert_int_equal(mnt_plan_build(spec, &plan, &err), 0);
	criu_externals(spec, plan, NULL, &list, &n);
	assert_null(find(list, n, "/proc"));
	assert_null(find(list, n, "/t"));
	assert_string_equal(find(list, n, "/data")->source, "/srv/d");
	assert_false(find(list, n, "/data")->masked);
	assert_true(find(list, n, "/data")->recursive);
	assert_string_equal(find(list, n, "/proc/kcore")->source, "/dev/null");
	assert_true(find(list, n, "/proc/kcore")->masked);
	assert_string_equal(find(list, n, "/dev/zero")->source, "/dev/zero");
	criu_externals_free(list, n);
	mnt_plan_free(plan);
}

/* The mount of type cgroup: a bind without a cgroup namespace, the container's own with one. */
static void test_external_cgroup(void **state)
{
	static const char format[] =
	    "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\","
	    "\"args\":[\"x\"]},\"mounts\":[{\"destination\":\"/sys/fs/cgroup\",\"type\":"
	    "\"cgroup\",\"source\":\"cgroup\"}],\"linux\":{\"namespaces\":[%s{\"type\":"
	    "\"mount\"}]}}";
	char name[] = "", mount[] = "/m", path[] = "/berth/x", v1[] = "pids";
	struct cg_dir dirs[] = { { .name = name, .mount = mount, .path = path, .v2 = true } };
	struct cg cg = { .mode = CG_V2, .dirs = dirs, .n_dirs = 1, .usable = true };

	(void)state;
	for (int i = 0; i < 3; i++) {
		_cleanup_free_ char *text =
		    xasprintf(format, i == 1 ? "{\"type\":\"cgroup\"}," : "");
		_cleanup_spec_ struct spec *spec = NULL;
		struct criu_external *list;
		struct mnt_plan *plan = NULL;
		size_t n;

		if (i == 2) {
			cg.mode = CG_V1;
			dirs[0].v2 = false;
			dirs[0].name = v1;
		}
		assert_int_equal(spec_load_text(text, strlen(text), "/b", &spec, NULL), 0);
		assert_int_equal(mnt_plan_build(spec, &plan, NULL), 0);
		criu_externals(spec, plan, &cg, &list, &n);
		if (i == 0)
			assert_string_equal(find(list, n, "/sys/fs/cgroup")->source, "/m/berth/x");
		else
			assert_null(find(list, n, "/sys/fs/cgroup"));
		if (i == 2)
			assert_string_equal(find(list, n, "/sys/fs/cgroup/pids")->source,
			                    "/m/berth/x");
		criu_externals_free(list, n);
		mnt_plan_free(plan);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),       cmocka_unit_test(test_page_server),
		cmocka_unit_test(test_empty_ns),   cmocka_unit_test(test_options),
		cmocka_unit_test(test_config_log), cmocka_unit_test(test_log_error),
		cmocka_unit_test(test_externals),  cmocka_unit_test(test_external_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
