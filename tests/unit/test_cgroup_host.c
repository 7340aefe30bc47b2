/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of mountinfo and /proc/self/cgroup, on texts of the kinds of hosts that exist. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup/internal.h"

static struct cg_host *parse(const char *mountinfo, const char *cgroup)
{
	struct err err = { 0 };
	struct cg_host *host = NULL;

	assert_int_equal(cg_host_parse(mountinfo, cgroup, &host, &err), 0);
	assert_non_null(host);
	return host;
}

static const struct cg_hier *hier(const struct cg_host *host, const char *name)
{
	for (size_t i = 0; i < host->n_hiers; i++)
		if (strcmp(host->hiers[i].name, name) == 0)
			return &host->hiers[i];
	return NULL;
}

static void check_own(const struct cg_hier *h, const char *want)
{
	char *own = cg_hier_own(h);

	if (want)
		assert_string_equal(own, want);
	else
		assert_null(own);
	free(own);
}

#define ROOT_FS \
	"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n23 27 0:22 / /sys rw - sysfs sysfs rw\n"
#define HYBRID_MOUNTS                                                                   \
	ROOT_FS                                                                         \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"           \
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup " \
	"rw,cpu,cpuacct\n"                                                              \
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"    \
	"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup "              \
	"rw,xattr,name=systemd\n"                                                       \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID_CGROUP                                                                        \
	"9:name=systemd:/user.slice\n4:memory:/api/51b6\n2:cpu,cpuacct:/\n7:hugetlb:/\n0::/" \
	"user.slice/s.scope\n"

static void test_hybrid(void **state)
{
	struct cg_host *host = parse(HYBRID_MOUNTS, HYBRID_CGROUP);

	(void)state;
	assert_int_equal(host->mode, CG_HYBRID);
	assert_int_equal(host->n_hiers, 4); /* hugetlb exists and is not mounted */
	assert_string_equal(hier(host, "cpu,cpuacct")->mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(hier(host, "memory")->own, "/api/51b6");
	assert_false(hier(host, "memory")->v2);
	assert_string_equal(hier(host, "systemd")->mount, "/sys/fs/cgroup/systemd");
	assert_string_equal(hier(host, "")->mount, "/sys/fs/cgroup/unified");
	assert_true(hier(host, "")->v2);
	check_own(hier(host, ""), "/user.slice/s.scope");
	cg_host_free(host);
}

static void test_v1(void **state)
{
	struct cg_host *host = parse(
	    ROOT_FS
	    "31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
	    "33 31 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	    "34 31 0:31 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio\n",
	    "3:net_cls,net_prio:/\n2:pids:/\n");

	(void)state;
	assert_int_equal(host->mode, CG_V1);
	assert_int_equal(host->n_hiers, 2);
	assert_string_equal(hier(host, "net_cls,net_prio")->mount,
	                    "/sys/fs/cgroup/net_cls,net_prio");
	cg_host_free(host);
}

static void test_v2_systemd(void **state)
{
	struct cg_host *host = parse(
	    ROOT_FS "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - "
	            "cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
	            /* what a running container's bind of its own part looks like on the host */
	            "95 27 0:26 /m/c1 /var/lib/x/rootfs/sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
	    "0::/user.slice/user-1000.slice/session-3.scope\n");

	(void)state;
	assert_int_equal(host->mode, CG_V2);
	assert_int_equal(host->n_hiers, 1);
	assert_string_equal(host->hiers[0].mount, "/sys/fs/cgroup");
	assert_string_equal(host->hiers[0].mount_root, "/");
	check_own(&host->hiers[0], "/user.slice/user-1000.slice/session-3.scope");
	cg_host_free(host);
}

static void test_named_hierarchy_beside_v2(void **state)
{
	struct cg_host *host =
	    parse(ROOT_FS "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw\n"
	                  "31 30 0:27 / /sys/fs/cgroup/elogind rw - cgroup cg rw,name=elogind\n",
	          "1:name=elogind:/3\n0::/\n");

	(void)state;
	assert_int_equal(host->mode, CG_V2);
	assert_non_null(hier(host, "elogind"));
	cg_host_free(host);
}

/* cgroup2 mounted over the tmpfs that held the v1 mounts: these are still listed, out of reach. */
static void test_covered_mounts(void **state)
{
	struct cg_host *host =
	    parse(HYBRID_MOUNTS "90 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 none rw\n",
	          HYBRID_CGROUP);

	(void)state;
	assert_int_equal(host->mode, CG_V2);
	assert_int_equal(host->n_hiers, 1);
	assert_string_equal(host->hiers[0].mount, "/sys/fs/cgroup");
	cg_host_free(host);

	/* One on top of the very mount. */
	host = parse(HYBRID_MOUNTS "91 35 0:50 / /sys/fs/cgroup/memory ro - tmpfs tmpfs ro\n",
	             HYBRID_CGROUP);
	assert_null(hier(host, "memory"));
	assert_non_null(hier(host, "cpu,cpuacct"));
	cg_host_free(host);

	/* A mount on a directory above, under another name: covers nothing. */
	host = parse(HYBRID_MOUNTS "92 27 0:50 / /sys/fs/cgroupish rw - tmpfs tmpfs rw\n",
	             HYBRID_CGROUP);
	assert_int_equal(host->n_hiers, 4);
	cg_host_free(host);
}

static void test_inside_a_container(void **state)
{
	/* v1, no cgroup namespace: the mount shows only the container's part. */
	struct cg_host *host = parse(
	    ROOT_FS "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
	            "33 31 0:30 /docker/ab /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
	            "34 31 0:31 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
	    "3:pids:/docker/ab\n2:memory:/docker/ab/sub\n");

	(void)state;
	check_own(hier(host, "pids"), "/");
	check_own(hier(host, "memory"), "/sub");
	cg_host_free(host);

	/* A new cgroup namespace with the old mount: how both relate is not to be seen. */
	host = parse(ROOT_FS "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/\n");
	check_own(&host->hiers[0], NULL);
	cg_host_free(host);

	/* We were moved out of our namespace's part. */
	host =
	    parse(ROOT_FS "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/../other\n");
	check_own(&host->hiers[0], NULL);
	cg_host_free(host);

	/* A mount of one part while we live in another. */
	host = parse(ROOT_FS "30 23 0:26 /a /sys/fs/cgroup rw - cgroup2 none rw\n", "0::/ab\n");
	check_own(&host->hiers[0], NULL);
	cg_host_free(host);
}

static void test_escapes_and_none(void **state)
{
	struct cg_host *host =
	    parse(ROOT_FS "30 27 0:26 / /c\\040g\\134x rw - cgroup2 none rw\n", "0::/we:ird\n");

	(void)state;
	assert_string_equal(host->hiers[0].mount, "/c g\\x");
	assert_string_equal(host->hiers[0].own, "/we:ird");
	cg_host_free(host);

	host = parse(ROOT_FS, "0::/\n");
	assert_int_equal(host->mode, CG_NONE);
	assert_int_equal(host->n_hiers, 0);
	cg_host_free(host);
	host = parse("", "");
	assert_int_equal(host->mode, CG_NONE);
	cg_host_free(host);
}

static void test_damage(void **state)
{
	static const char *const bad[] = { "x\n", "1:memory\n", "1:memory:relative\n", "::\n" };
	/* Cut off, circular and garbage mount tables must only be survived. */
	static const char *const mounts[] = {
		"1 2 0:1 / /sys/fs/cgroup rw - cgroup2",
		"1 2 0:1 / /sys/fs/cgroup rw -\n",
		"1 2 0:1 / /sys/fs/cgroup rw\n",
		"1 2 0:1 / /a rw - cgroup2 none rw\n2 1 0:1 / /a rw - tmpfs t rw\n",
		"7 7 0:1 / /a rw - cgroup2 none rw\n8 7 0:1 / /a rw - tmpfs t rw\n",
		"\n\n \n- - -\n99999999999 1 0:1 / /a rw - cgroup2 none rw\n",
	};
	struct cg_host *host = NULL;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(cg_host_parse(HYBRID_MOUNTS, bad[i], &host, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "/proc/self/cgroup"));
	}
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		cg_host_free(parse(mounts[i], "0::/\n"));
}

static void test_names(void **state)
{
	(void)state;
	assert_true(cg_names_have("cpu,cpuacct", "cpu"));
	assert_true(cg_names_have("cpu,cpuacct", "cpuacct"));
	assert_false(cg_names_have("cpuacct", "cpu"));
	assert_false(cg_names_have("cpuset", "cpu"));
	assert_false(cg_names_have("", "cpu"));
}

/* The machine that the test runs on, whatever it is. */
static void test_this_host(void **state)
{
	struct cg_host *host = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(cg_host_detect(&host, &err), 0);
	for (size_t i = 0; i < host->n_hiers; i++)
		assert_int_equal(host->hiers[i].mount[0], '/');
	cg_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hybrid),
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v2_systemd),
		cmocka_unit_test(test_named_hierarchy_beside_v2),
		cmocka_unit_test(test_covered_mounts),
		cmocka_unit_test(test_inside_a_container),
		cmocka_unit_test(test_escapes_and_none),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
