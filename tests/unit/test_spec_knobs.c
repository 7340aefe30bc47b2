/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.resources as JSON to cgroup files and their values: what docs/SPEC.md names as the
 * proof of those properties that few hosts have the controller, device or memory node for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup/internal.h"
#include "spec_edit.h"

/* The writes that a document with these resources leads to, as "file=value" lines. */
static char *writes(const struct cg_knob *knobs, const char *resources)
{
	struct spec *spec = spec_with("/linux/resources", resources);
	struct cg_writes w = { 0 };
	struct err err = { 0 };
	char *text = calloc(1, 16384);

	assert_non_null(text);
	if (cg_emit(knobs, &spec->linux_.resources, NULL, NULL, &w, &err) < 0)
		fail_msg("%s: %s", resources, err.msg);
	for (size_t i = 0; i < w.n; i++)
		sprintf(text + strlen(text), "%s=%s\n", w.list[i].file, w.list[i].value);
	cg_writes_done(&w);
	spec_free(spec);
	return text;
}

static void expect(const char *resources, const char *v1, const char *v2)
{
	char *got = writes(cg_knobs_v1, resources);

	assert_string_equal(got, v1);
	free(got);
	if (!v2)
		return;
	got = writes(cg_knobs_v2, resources);
	assert_string_equal(got, v2);
	free(got);
}

static void test_memory(void **state)
{
	(void)state;
	expect("{\"memory\":{\"limit\":1000,\"reservation\":500,\"swap\":3000,\"swappiness\":7,"
	       "\"disableOOMKiller\":true}}",
	       "memory.limit_in_bytes=1000\nmemory.memsw.limit_in_bytes=3000\n"
	       "memory.soft_limit_in_bytes=500\nmemory.swappiness=7\nmemory.oom_control=1\n",
	       "memory.swap.max=2000\nmemory.max=1000\nmemory.low=500\n");
}

static void test_check_before_update(void **state)
{
	struct spec *spec =
	    spec_with("/linux/resources/memory", "{\"limit\":1000,\"checkBeforeUpdate\":true}");
	struct err err = { 0 };

	(void)state;
	assert_int_equal(cg_memory_check(&spec->linux_.resources, 1000, 0, &err), 0);
	assert_int_equal(cg_memory_check(&spec->linux_.resources, 1001, 0, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "rejecting memory limit 1000"));
	spec_free(spec);
}

static void test_cpu(void **state)
{
	(void)state;
	expect("{\"cpu\":{\"shares\":512,\"quota\":5000,\"period\":20000,\"burst\":300,"
	       "\"cpus\":\"0-1\",\"mems\":\"2\"}}",
	       "cpuset.cpus=0-1\ncpuset.mems=2\ncpu.shares=512\ncpu.cfs_period_us=20000\n"
	       "cpu.cfs_quota_us=5000\ncpu.cfs_burst_us=300\n",
	       "cpuset.cpus=0-1\ncpuset.mems=2\ncpu.weight=59\ncpu.max=5000 20000\n"
	       "cpu.max.burst=300\n");
	expect("{\"cpu\":{\"idle\":1}}", "cpu.idle=1\n", "cpu.idle=1\n");
	expect("{\"cpu\":{\"realtimeRuntime\":900,\"realtimePeriod\":1000}}",
	       "cpu.rt_period_us=1000\ncpu.rt_runtime_us=900\n", NULL);
}

static void test_block_io(void **state)
{
	(void)state;
	expect("{\"blockIO\":{\"weight\":750,\"leafWeight\":40,\"weightDevice\":["
	       "{\"major\":8,\"minor\":3,\"weight\":20,\"leafWeight\":30}]}}",
	       "blkio.weight=750\nblkio.bfq.weight=750\nblkio.leaf_weight=40\n"
	       "blkio.weight_device=8:3 20\nblkio.bfq.weight_device=8:3 20\n"
	       "blkio.leaf_weight_device=8:3 30\n",
	       "io.bfq.weight=default 750\nio.weight=default 7475\nio.bfq.weight=8:3 20\n");
	expect(
	    "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":11}],"
	    "\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":2,\"rate\":12}],"
	    "\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":3,\"rate\":13}],"
	    "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":4,\"rate\":14}]}}",
	    "blkio.throttle.read_bps_device=8:1 11\nblkio.throttle.write_bps_device=8:2 12\n"
	    "blkio.throttle.read_iops_device=8:3 13\nblkio.throttle.write_iops_device=8:4 14\n",
	    "io.max=8:1 rbps=11\nio.max=8:2 wbps=12\nio.max=8:3 riops=13\nio.max=8:4 wiops=14\n");
}

static void test_hugepages(void **state)
{
	(void)state;
	expect("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},"
	       "{\"pageSize\":\"1GB\",\"limit\":0}]}",
	       "hugetlb.2MB.limit_in_bytes=4194304\nhugetlb.1GB.limit_in_bytes=0\n"
	       "hugetlb.2MB.rsvd.limit_in_bytes=4194304\nhugetlb.1GB.rsvd.limit_in_bytes=0\n",
	       "hugetlb.2MB.max=4194304\nhugetlb.1GB.max=0\n"
	       "hugetlb.2MB.rsvd.max=4194304\nhugetlb.1GB.rsvd.max=0\n");
}

static void test_rdma(void **state)
{
	(void)state;
	expect("{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":4294967295},"
	       "\"hfi1\":{\"hcaObjects\":0}}}",
	       "rdma.max=mlx5_1 hca_handle=3 hca_object=4294967295\nrdma.max=hfi1 hca_object=0\n",
	       "rdma.max=mlx5_1 hca_handle=3 hca_object=4294967295\nrdma.max=hfi1 hca_object=0\n");
}

static void test_network(void **state)
{
	static const char *const wanted[] = { "{\"network\":{\"classID\":1048577}}",
		                              "{\"network\":{\"priorities\":[{\"name\":\"lo\","
		                              "\"priority\":1}]}}" };

	(void)state;
	expect("{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\","
	       "\"priority\":500},{\"name\":\"lo\",\"priority\":0}]}}",
	       "net_cls.classid=1048577\nnet_prio.ifpriomap=eth0 500\n"
	       "net_prio.ifpriomap=lo 0\n",
	       NULL);
	/* Version 2 has no such files: an error, since nothing else would keep the promise. */
	for (size_t i = 0; i < 2; i++) {
		struct spec *spec = spec_with("/linux/resources", wanted[i]);
		struct cg_writes w = { 0 };
		struct err err = { 0 };

		assert_int_equal(
		    cg_emit(cg_knobs_v2, &spec->linux_.resources, NULL, NULL, &w, &err),
		    -EOPNOTSUPP);
		assert_non_null(strstr(err.msg, "cannot set network"));
		cg_writes_done(&w);
		spec_free(spec);
	}
	expect("{\"network\":{}}", "", "");
}

static void test_unified(void **state)
{
	char *got = writes(cg_knobs_v2, "{\"unified\":{\"memory.high\":\"123\",\"io.max\":"
	                                "\"8:0 rbps=1\\n8:16 rbps=2\"}}");

	(void)state;
	assert_string_equal(got, "memory.high=123\nio.max=8:0 rbps=1\nio.max=8:16 rbps=2\n");
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_check_before_update),
		cmocka_unit_test(test_block_io),
		cmocka_unit_test(test_hugepages),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_rdma),
		cmocka_unit_test(test_unified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
