/* SPDX-License-Identifier: Apache-2.0 */
/* From resources to files and values, for both versions. */
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

#define MIB     (1024LL * 1024)
#define I64(x)  ((struct opt_i64){ true, (x) })
#define U64(x)  ((struct opt_u64){ true, (x) })
#define UNSET_I ((struct opt_i64){ false, 0 })

static void test_cpu_weight(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} t[] = { { 0, 0 },
		  { 1, 1 },
		  { 2, 1 },
		  { 3, 2 },
		  { 10, 4 },
		  { 102, 17 },
		  { 256, 35 },
		  { 512, 59 },
		  { 1000, 99 },
		  { 1023, 100 },
		  { 1024, 100 },
		  { 1025, 101 },
		  { 2048, 174 },
		  { 4096, 303 },
		  { 10000, 627 },
		  { 65536, 3023 },
		  { 262143, 10000 },
		  { 262144, 10000 },
		  { 1ULL << 40, 10000 } };
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (cg_weight_from_shares(t[i].shares) != t[i].weight)
			fail_msg("%llu shares: %llu, not %llu", (unsigned long long)t[i].shares,
			         (unsigned long long)cg_weight_from_shares(t[i].shares),
			         (unsigned long long)t[i].weight);
	for (uint64_t s = 1; s <= 262200; s++) {
		uint64_t w = cg_weight_from_shares(s);

		assert_true(w >= before && w >= 1 && w <= 10000);
		before = w;
	}
}

static void test_io_weight(void **state)
{
	(void)state;
	assert_int_equal(cg_io_weight_from_blkio(0), 0);
	assert_int_equal(cg_io_weight_from_blkio(10), 1);
	assert_int_equal(cg_io_weight_from_blkio(750), 7475);
	assert_int_equal(cg_io_weight_from_blkio(1000), 10000);
	assert_int_equal(cg_io_weight_from_blkio(100000), 10000);
}

static void test_swap(void **state)
{
	static const struct {
		struct opt_i64 limit, swap;
		bool set;
		int64_t value;
	} good[] = {
		{ { false, 0 }, { false, 0 }, false, 0 },
		{ { true, 100 }, { false, 0 }, false, 0 },
		{ { true, 100 }, { true, 0 }, false, 0 },
		{ { true, -1 }, { false, 0 }, true, -1 },
		{ { true, -1 }, { true, 0 }, true, -1 },
		{ { true, 100 }, { true, -1 }, true, -1 },
		{ { false, 0 }, { true, -1 }, true, -1 },
		{ { true, 100 }, { true, 100 }, true, 0 },
		{ { true, 100 }, { true, 250 }, true, 150 },
	};
	struct err err = { 0 };
	int64_t value;
	bool set;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(cg_swap_v2(good[i].limit, good[i].swap, &set, &value, &err), 0);
		assert_int_equal(set, good[i].set);
		if (set)
			assert_int_equal(value, good[i].value);
	}
	assert_int_equal(cg_swap_v2(I64(100), I64(99), &set, &value, &err), -EINVAL);
	assert_string_equal(err.msg, "memory+swap limit should be >= memory limit");
	assert_int_equal(cg_swap_v2(UNSET_I, I64(100), &set, &value, &err), -EINVAL);
	assert_string_equal(err.msg, "unable to set swap limit without memory limit");
	assert_int_equal(cg_swap_v2(I64(-1), I64(100), &set, &value, &err), -EINVAL);
}

static int memory_check(struct opt_i64 limit, struct opt_i64 swap, uint64_t usage,
                        uint64_t swap_usage, struct err *err)
{
	struct spec_resources res = { .present = true, .memory = { .limit = limit, .swap = swap } };

	assert_int_equal(cg_memory_check(&res, usage, swap_usage, err), 0);
	res.memory.check_before_update = (struct opt_bool){ true, true };
	return cg_memory_check(&res, usage, swap_usage, err);
}

static void test_memory_check(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(memory_check(I64(100), UNSET_I, 100, 0, &err), 0);
	assert_int_equal(memory_check(I64(-1), I64(-1), 100, 5, &err), 0);
	assert_int_equal(memory_check(I64(99), UNSET_I, 100, 0, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "rejecting memory limit"));
	assert_int_equal(memory_check(I64(100), I64(104), 100, 5, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "rejecting memory+swap limit"));
	/* Both too low: the wider one is named. */
	assert_int_equal(memory_check(I64(50), I64(60), 100, 5, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "rejecting memory+swap limit"));
}

/* "file=value" per line, flags as letters behind. */
static char *emit(const struct cg_knob *knobs, const struct spec_resources *res)
{
	struct cg_writes w = { 0 };
	struct err err = { 0 };
	char *text = calloc(1, 16384);

	assert_int_equal(cg_emit(knobs, res, NULL, NULL, &w, &err), 0);
	for (size_t i = 0; i < w.n; i++)
		sprintf(text + strlen(text), "%s=%s%s%s%s%s\n", w.list[i].file, w.list[i].value,
		        w.list[i].flags & CG_W_MISSING_OK ? " ?" : "",
		        w.list[i].flags & CG_W_ALTERNATIVE ? " |" : "",
		        w.list[i].flags & CG_W_RETRY ? " R" : "",
		        w.list[i].flags & CG_W_VERIFY ? " V" : "");
	cg_writes_done(&w);
	return text;
}

static void expect(const struct cg_knob *knobs, const struct spec_resources *res, const char *want)
{
	char *got = emit(knobs, res);

	assert_string_equal(got, want);
	free(got);
}

static void refuse(const struct cg_knob *knobs, const struct spec_resources *res, int code,
                   const char *text)
{
	struct cg_writes w = { 0 };
	struct err err = { 0 };

	assert_int_equal(cg_emit(knobs, res, NULL, NULL, &w, &err), code);
	if (!strstr(err.msg, text))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, text);
	cg_writes_done(&w);
}

static void test_nothing(void **state)
{
	struct spec_resources res = { .present = true };

	(void)state;
	expect(cg_knobs_v1, &res, "");
	expect(cg_knobs_v2, &res, "");
	/* zero is "unset" for these */
	res.memory.limit = res.memory.swap = res.memory.reservation = res.cpu.quota = I64(0);
	res.cpu.shares = res.cpu.period = res.block_io.weight = U64(0);
	expect(cg_knobs_v1, &res, "");
	expect(cg_knobs_v2, &res, "");
}

static void test_everything(void **state)
{
	struct spec_throttle rbps = { .major = 8, .minor = 0, .rate = 1048576 };
	struct spec_throttle wiops[] = { { .major = 8, .minor = 16, .rate = 7 },
		                         { .major = 8, .minor = 32, .rate = UINT64_MAX } };
	struct spec_throttle weight = {
		.major = 8, .minor = 0, .weight = { true, 20 }, .leaf_weight = { true, 30 }
	};
	struct spec_hugepage huge = { (char *)"2MB", 4 * MIB };
	struct spec_resources res = {
		.present = true,
		.memory = { .limit = I64(64 * MIB),
		            .swap = I64(96 * MIB),
		            .reservation = I64(32 * MIB),
		            .swappiness = U64(0),
		            .disable_oom_killer = { true, true } },
		.cpu = { .shares = U64(512),
		         .quota = I64(50000),
		         .period = U64(20000),
		         .burst = U64(0),
		         .idle = I64(0),
		         .cpus = (char *)"0-1,3",
		         .mems = (char *)"0" },
		.pids_limit = I64(0),
		.block_io = { .weight = U64(750),
		              .leaf_weight = U64(40),
		              .weight_device = &weight,
		              .n_weight_device = 1,
		              .read_bps = &rbps,
		              .n_read_bps = 1,
		              .write_iops = wiops,
		              .n_write_iops = 2 },
		.hugepages = &huge,
		.n_hugepages = 1,
	};

	(void)state;
	expect(cg_knobs_v1, &res,
	       "cpuset.cpus=0-1,3\ncpuset.mems=0\n"
	       "memory.limit_in_bytes=67108864 R\nmemory.memsw.limit_in_bytes=100663296 R\n"
	       "memory.soft_limit_in_bytes=33554432\nmemory.swappiness=0\nmemory.oom_control=1\n"
	       "cpu.idle=0\ncpu.shares=512 V\ncpu.cfs_period_us=20000 R\ncpu.cfs_quota_us=50000 R\n"
	       "cpu.cfs_burst_us=0 R\npids.max=1\n"
	       "blkio.weight=750 ?\nblkio.bfq.weight=750 |\nblkio.leaf_weight=40\n"
	       "blkio.weight_device=8:0 20 ?\nblkio.bfq.weight_device=8:0 20 |\n"
	       "blkio.leaf_weight_device=8:0 30\n"
	       "blkio.throttle.read_bps_device=8:0 1048576\n"
	       "blkio.throttle.write_iops_device=8:16 7\n"
	       "blkio.throttle.write_iops_device=8:32 18446744073709551615\n"
	       "hugetlb.2MB.limit_in_bytes=4194304\nhugetlb.2MB.rsvd.limit_in_bytes=4194304 ?\n");
	expect(cg_knobs_v2, &res,
	       "cpuset.cpus=0-1,3\ncpuset.mems=0\n"
	       "memory.swap.max=33554432\nmemory.max=67108864\nmemory.low=33554432\n"
	       "cpu.idle=0\ncpu.weight=59\ncpu.max=50000 20000 R\ncpu.max.burst=0 R\npids.max=1\n"
	       "io.bfq.weight=default 750 ?\nio.weight=default 7475 |\n"
	       "io.bfq.weight=8:0 20\n"
	       "io.max=8:0 rbps=1048576\nio.max=8:16 wiops=7\n"
	       "io.max=8:32 wiops=18446744073709551615\n"
	       "hugetlb.2MB.max=4194304\nhugetlb.2MB.rsvd.max=4194304 ?\n");
}

static void test_unlimited(void **state)
{
	struct spec_resources res = {
		.present = true,
		.memory = { .limit = I64(-1), .reservation = I64(-1) },
		.cpu = { .quota = I64(-1) },
		.pids_limit = I64(-1),
	};

	(void)state;
	expect(cg_knobs_v1, &res,
	       "memory.limit_in_bytes=-1 R\nmemory.memsw.limit_in_bytes=-1 ? R\n"
	       "memory.soft_limit_in_bytes=-1\ncpu.cfs_quota_us=-1 R\npids.max=max\n");
	expect(cg_knobs_v2, &res,
	       "memory.swap.max=max ?\nmemory.max=max\nmemory.low=max\n"
	       "cpu.max=max 100000 R\npids.max=max\n");

	res = (struct spec_resources){ .present = true, .cpu = { .period = U64(50000) } };
	expect(cg_knobs_v2, &res, "cpu.max=max 50000 R\n");

	/* The kernel refuses a weight for what is idle. */
	res = (struct spec_resources){ .present = true,
		                       .cpu = { .shares = U64(200), .idle = I64(1) } };
	expect(cg_knobs_v2, &res, "cpu.idle=1\n");
	res = (struct spec_resources){ .present = true, .cpu = { .quota = I64(5000) } };
	expect(cg_knobs_v2, &res, "cpu.max=5000 100000 R\n");
	/* No swap at all is what a kernel without swap does anyway. */
	res = (struct spec_resources){ .present = true,
		                       .memory = { .limit = I64(10), .swap = I64(10) } };
	expect(cg_knobs_v2, &res, "memory.swap.max=0 ?\nmemory.max=10\n");
}

static void test_refused(void **state)
{
	struct spec_hugepage huge = { (char *)"../../x", 1 };
	struct spec_resources res = { .present = true, .hugepages = &huge, .n_hugepages = 1 };

	(void)state;
	refuse(cg_knobs_v1, &res, -EINVAL, "not a page size");
	refuse(cg_knobs_v2, &res, -EINVAL, "not a page size");
	res = (struct spec_resources){ .present = true, .memory = { .swappiness = U64(101) } };
	refuse(cg_knobs_v1, &res, -EINVAL, "swappiness");
	res = (struct spec_resources){ .present = true, .cpu = { .rt_runtime = I64(1000) } };
	refuse(cg_knobs_v2, &res, -EOPNOTSUPP, "realtime");
	expect(cg_knobs_v1, &res, "cpu.rt_runtime_us=1000 R\n");
}

static void test_unified(void **state)
{
	struct spec_kv kv[] = { { (char *)"memory.high", (char *)"max" },
		                { (char *)"io.max", (char *)"8:0 rbps=1\n8:16 rbps=2\n" } };
	struct spec_resources res = {
		.present = true, .unified = kv, .n_unified = 2, .pids_limit = I64(5)
	};
	static const struct {
		const char *key, *text;
	} bad[] = {
		{ "../x", "no slashes" },
		{ "a/b.c", "no slashes" },
		{ "memory", "CONTROLLER.PARAMETER" },
		{ "", "CONTROLLER.PARAMETER" },
		{ ".max", "CONTROLLER.PARAMETER" },
		{ "memory.", "CONTROLLER.PARAMETER" },
		{ "cgroup.procs", "not a resource" },
		{ "cgroup.kill", "not a resource" },
		{ "cgroup.subtree_control", "not a resource" },
		{ "memory.m ax", "control character" },
		{ "memory.max\n", "control character" },
	};

	(void)state;
	/* Last, and one write per line. */
	expect(cg_knobs_v2, &res,
	       "pids.max=5\nmemory.high=max\nio.max=8:0 rbps=1\nio.max=8:16 rbps=2\n");
	refuse(cg_knobs_v1, &res, -EINVAL, "invalid configuration");
	/* A weight is for what is not, or no more, idle. */
	kv[0] = (struct spec_kv){ (char *)"cpu.weight", (char *)"8" };
	kv[1] = (struct spec_kv){ (char *)"cpu.idle", (char *)"0" };
	expect(cg_knobs_v2, &res, "pids.max=5\ncpu.idle=0\ncpu.weight=8\n");
	kv[1].value = (char *)"1";
	res.cpu.shares = U64(200);
	expect(cg_knobs_v2, &res, "pids.max=5\ncpu.idle=1\n");
	res.n_unified = 1;
	res.cpu.shares = (struct opt_u64){ false, 0 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		kv[0].key = (char *)bad[i].key;
		refuse(cg_knobs_v2, &res, -EINVAL, bad[i].text);
	}
}

/* Under systemd a quota is what systemd will make of it, in the files of either version. */
static void test_quota_of_unit(void **state)
{
	struct cg_dir dirs[] = { { .name = (char *)"cpu" } };
	struct cg cg = { .mode = CG_V2 };
	struct spec_resources res = { .cpu.quota = I64(500000), .cpu.period = U64(900000) };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct cg_writes v1 = { 0 }, v2 = { 0 };
		const struct cg_write *w;

		cg.mode = i & 2 ? CG_V1 : CG_V2;
		cg.dirs = i & 2 ? dirs : NULL;
		cg.n_dirs = i & 2 ? 1 : 0;
		cg.unit = i & 1 ? (struct cg_unit *)&dirs : NULL;
		assert_int_equal(cg_limits_list(&cg, "cpu", &res, &v1, &v2, NULL), 0);
		assert_int_equal(v1.n + v2.n, i & 2 ? 2 : 1);
		w = i & 2 ? &v1.list[1] : &v2.list[0];
		assert_string_equal(w->file, i & 2 ? "cpu.cfs_quota_us" : "cpu.max");
		assert_memory_equal(w->value, i & 1 ? "504000" : "500000", 6);
		cg_writes_done(&v1);
		cg_writes_done(&v2);
	}
	assert_int_equal(res.cpu.quota.v, 500000);
}

static void test_without_a_cgroup(void **state)
{
	struct spec_device_rule deny = { false, 'a', -1, -1, 7 }, allow = { true, 'a', -1, -1, 7 };
	struct spec_resources res = { .present = true };
	struct cg cg = { .mode = CG_V2 };
	struct err err = { 0 };

	(void)state;
	assert_false(cg_limits_wanted(&res, false));
	assert_int_equal(cg_apply(&cg, &res, true, false, &err), 0);
	res.devices = &deny;
	res.n_devices = 1;
	res.devices_present = true;
	assert_true(cg_limits_wanted(&res, false));
	assert_false(cg_limits_wanted(&res, true));
	assert_int_equal(cg_apply(&cg, &res, true, false, &err), 0);
	res.devices = &allow;
	assert_false(cg_limits_wanted(&res, false));
	res.pids_limit = I64(20);
	assert_true(cg_limits_wanted(&res, true));
	assert_int_equal(cg_apply(&cg, &res, true, false, &err), -ENOENT);
	assert_string_equal(err.msg,
	                    "cannot set pids limit: container could not join or create cgroup");
	assert_int_equal(cg_v2_fd(&cg), -EOPNOTSUPP);
	assert_int_equal(cg_destroy(&cg, 0, &err), 0);
	assert_false(cg_is_populated(&cg));
	assert_int_equal(cg_freeze(&cg, true, &err), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_weight),    cmocka_unit_test(test_io_weight),
		cmocka_unit_test(test_swap),          cmocka_unit_test(test_memory_check),
		cmocka_unit_test(test_nothing),       cmocka_unit_test(test_everything),
		cmocka_unit_test(test_unlimited),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unified),       cmocka_unit_test(test_without_a_cgroup),
		cmocka_unit_test(test_quota_of_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
