/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of cgroup v1, one row per field. The order of rows is the order of writes; values that
 * bound each other (limit and limit+swap, period and quota) carry CG_W_RETRY, so that one order
 * serves growing and shrinking.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stddef.h>

#include "base/mem.h"

#define F(member) offsetof(struct spec_resources, member)

static int emit_swap(const struct cg_knob *k, const struct spec_resources *res,
                     struct cg_writes *out, struct err *err)
{
	struct opt_i64 swap = res->memory.swap, limit = res->memory.limit;
	int r = cg_swap_check(limit, swap, err);

	if (r < 0)
		return r;
	if (!swap.set || swap.v == 0) {
		/* Memory can't be unlimited while memory+swap is limited. */
		if (!limit.set || limit.v != -1)
			return 0;
		swap.v = -1;
	}
	/* A kernel without swap accounting has no such file, and "unlimited" is what it does. */
	cg_write_add(out, k, k->file, k->flags | (swap.v == -1 ? CG_W_MISSING_OK : 0), "%lld",
	             (long long)swap.v);
	if (!res->memory.swap.set)
		cg_write_path(out, "memory.limit");
	return 0;
}

static int emit_swappiness(const struct cg_knob *k, const struct spec_resources *res,
                           struct cg_writes *out, struct err *err)
{
	if (res->memory.swappiness.set && res->memory.swappiness.v > 100)
		return err_text(err, -EINVAL, "memory swappiness %llu: must be 0 to 100",
		                (unsigned long long)res->memory.swappiness.v);
	return cg_emit_u64_zero(k, res, out, err);
}

static int emit_oom(const struct cg_knob *k, const struct spec_resources *res,
                    struct cg_writes *out, struct err *err)
{
	(void)err;
	if (res->memory.disable_oom_killer.set && res->memory.disable_oom_killer.v)
		cg_write_add(out, k, k->file, k->flags, "1");
	return 0;
}

static int emit_weight(const struct cg_knob *k, const struct spec_resources *res,
                       struct cg_writes *out, struct err *err)
{
	size_t before = out->n;
	int r = cg_emit_u64(k, res, out, err);

	/* Which of the two exists is the I/O scheduler's choice. */
	if (r == 0 && out->n > before)
		cg_write_add(out, k, "blkio.bfq.weight", CG_W_ALTERNATIVE, "%s",
		             out->list[out->n - 1].value);
	return r;
}

static int emit_unified(const struct cg_knob *k, const struct spec_resources *res,
                        struct cg_writes *out, struct err *err)
{
	(void)k;
	(void)out;
	if (res->n_unified == 0)
		return 0;
	return err_text(err, -EINVAL,
	                "invalid configuration: resources.unified (\"%.64s\") needs cgroup v2",
	                res->unified[0].key);
}

static int emit_priorities(const struct cg_knob *k, const struct spec_resources *res,
                           struct cg_writes *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < res->network.n_priorities; i++) {
		const struct spec_net_priority *p = &res->network.priorities[i];

		cg_write_add(out, k, k->file, k->flags, "%s %u", p->name, p->priority);
		cg_write_index(out, i);
	}
	return 0;
}

const struct cg_knob cg_knobs_v1[] = {
	{ "unified", "", NULL, emit_unified, 0, 0, NULL, 0, "unified" },
	{ "cpuset", "cpuset", "cpuset.cpus", cg_emit_str, F(cpu.cpus), 0, NULL, 0, "cpu.cpus" },
	{ "cpuset", "cpuset", "cpuset.mems", cg_emit_str, F(cpu.mems), 0, NULL, 0, "cpu.mems" },
	{ "memory", "memory", "memory.limit_in_bytes", cg_emit_i64, F(memory.limit), 0, NULL,
	  CG_W_RETRY, "memory.limit" },
	{ "memory+swap", "memory", "memory.memsw.limit_in_bytes", emit_swap, 0, 0, NULL, CG_W_RETRY,
	  "memory.swap" },
	{ "memory reservation", "memory", "memory.soft_limit_in_bytes", cg_emit_i64,
	  F(memory.reservation), 0, NULL, 0, "memory.reservation" },
	{ "memory TCP buffers", "memory", "memory.kmem.tcp.limit_in_bytes", cg_emit_i64,
	  F(memory.kernel_tcp), 0, NULL, 0, "memory.kernelTCP" },
	{ "memory swappiness", "memory", "memory.swappiness", emit_swappiness, F(memory.swappiness),
	  0, NULL, 0, "memory.swappiness" },
	{ "memory OOM control", "memory", "memory.oom_control", emit_oom, 0, 0, NULL, 0,
	  "memory.disableOOMKiller" },
	{ "cpu idle", "cpu", "cpu.idle", cg_emit_i64_zero, F(cpu.idle), 0, NULL, 0, "cpu.idle" },
	{ "cpu shares", "cpu", "cpu.shares", cg_emit_u64, F(cpu.shares), 0, NULL, CG_W_VERIFY,
	  "cpu.shares" },
	{ "cpu period", "cpu", "cpu.cfs_period_us", cg_emit_u64, F(cpu.period), 0, NULL, CG_W_RETRY,
	  "cpu.period" },
	{ "cpu quota", "cpu", "cpu.cfs_quota_us", cg_emit_i64, F(cpu.quota), 0, NULL, CG_W_RETRY,
	  "cpu.quota" },
	{ "cpu burst", "cpu", "cpu.cfs_burst_us", cg_emit_u64_zero, F(cpu.burst), 0, NULL,
	  CG_W_RETRY, "cpu.burst" },
	{ "cpu realtime period", "cpu", "cpu.rt_period_us", cg_emit_u64, F(cpu.rt_period), 0, NULL,
	  CG_W_RETRY, "cpu.realtimePeriod" },
	{ "cpu realtime runtime", "cpu", "cpu.rt_runtime_us", cg_emit_i64, F(cpu.rt_runtime), 0,
	  NULL, CG_W_RETRY, "cpu.realtimeRuntime" },
	{ "pids", "pids", "pids.max", cg_emit_pids, F(pids_limit), 0, NULL, 0, "pids.limit" },
	{ "blkio weight", "blkio", "blkio.weight", emit_weight, F(block_io.weight), 0, NULL,
	  CG_W_MISSING_OK, "blockIO.weight" },
	{ "blkio leaf weight", "blkio", "blkio.leaf_weight", cg_emit_u64, F(block_io.leaf_weight),
	  0, NULL, 0, "blockIO.leafWeight" },
	{ "blkio device weight", "blkio", "blkio.weight_device", cg_emit_device_weight, 0, 0, NULL,
	  CG_W_MISSING_OK, "blockIO.weightDevice" },
	{ "blkio device leaf weight", "blkio", "blkio.leaf_weight_device", cg_emit_device_weight, 0,
	  0, "leaf", 0, "blockIO.weightDevice" },
	{ "blkio read rate", "blkio", "blkio.throttle.read_bps_device", cg_emit_throttle,
	  F(block_io.read_bps), F(block_io.n_read_bps), NULL, 0, "blockIO.throttleReadBpsDevice" },
	{ "blkio write rate", "blkio", "blkio.throttle.write_bps_device", cg_emit_throttle,
	  F(block_io.write_bps), F(block_io.n_write_bps), NULL, 0,
	  "blockIO.throttleWriteBpsDevice" },
	{ "blkio read operations", "blkio", "blkio.throttle.read_iops_device", cg_emit_throttle,
	  F(block_io.read_iops), F(block_io.n_read_iops), NULL, 0,
	  "blockIO.throttleReadIOPSDevice" },
	{ "blkio write operations", "blkio", "blkio.throttle.write_iops_device", cg_emit_throttle,
	  F(block_io.write_iops), F(block_io.n_write_iops), NULL, 0,
	  "blockIO.throttleWriteIOPSDevice" },
	{ "network class", "net_cls", "net_cls.classid", cg_emit_u64, F(network.class_id), 0, NULL,
	  0, "network.classID" },
	{ "network priority", "net_prio", "net_prio.ifpriomap", emit_priorities, 0, 0, NULL, 0,
	  "network.priorities" },
	{ "hugepage", "hugetlb", NULL, cg_emit_hugepages, 0, 0, "limit_in_bytes", 0,
	  "hugepageLimits" },
	{ "hugepage", "hugetlb", NULL, cg_emit_hugepages, 0, 0, "rsvd.limit_in_bytes",
	  CG_W_MISSING_OK, "hugepageLimits" },
	{ "rdma", "rdma", "rdma.max", cg_emit_rdma, 0, 0, NULL, 0, "rdma" },
	{ 0 },
};
