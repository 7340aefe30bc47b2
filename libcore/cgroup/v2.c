/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of cgroup v2, one row per field. Fields that v2 has no counterpart for are left out
 * where they only tune (swappiness, the OOM killer, kernel memory: what every other runtime does)
 * and refused where leaving them out would break a promise (realtime budget).
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/knockout.h"
#include "base/mem.h"

#define F(member)      offsetof(struct spec_resources, member)
#define DEFAULT_PERIOD 100000 /* microseconds, the kernel's own */

static int emit_swap(const struct cg_knob *k, const struct spec_resources *res,
                     struct cg_writes *out, struct err *err)
{
	int64_t value;
	bool set;
	int r = cg_swap_v2(res->memory.limit, res->memory.swap, &set, &value, err);

	if (r < 0 || !set)
		return r;
	/* Without swap accounting there is no file; then "none" and "unlimited" need no doing. */
	if (value < 0)
		cg_write_add(out, k, k->file, k->flags | CG_W_MISSING_OK, "max");
	else
		cg_write_add(out, k, k->file, k->flags | (value == 0 ? CG_W_MISSING_OK : 0), "%lld",
		             (long long)value);
	return 0;
}

static int emit_cpu_max(const struct cg_knob *k, const struct spec_resources *res,
                        struct cg_writes *out, struct err *err)
{
	bool quota = res->cpu.quota.set && res->cpu.quota.v != 0;
	bool period = res->cpu.period.set && res->cpu.period.v != 0;
	unsigned long long p = period ? res->cpu.period.v : DEFAULT_PERIOD;

	(void)err;
	if (quota && res->cpu.quota.v > 0)
		cg_write_add(out, k, k->file, k->flags, "%lld %llu", (long long)res->cpu.quota.v,
		             p);
	else if (quota || period)
		cg_write_add(out, k, k->file, k->flags, "max %llu", p);
	if (period && !quota)
		cg_write_path(out, "cpu.period");
	return 0;
}

static int emit_cpu_weight(const struct cg_knob *k, const struct spec_resources *res,
                           struct cg_writes *out, struct err *err)
{
	uint64_t weight = res->cpu.shares.set ? cg_weight_from_shares(res->cpu.shares.v) : 0;

	(void)err;
	if (weight && !cg_weight_yields(res, k->file))
		cg_write_add(out, k, k->file, k->flags, "%llu", (unsigned long long)weight);
	return 0;
}

static int emit_io_weight(const struct cg_knob *k, const struct spec_resources *res,
                          struct cg_writes *out, struct err *err)
{
	const struct opt_u64 *w = &res->block_io.weight;

	(void)err;
	if (!w->set || w->v == 0)
		return 0;
	/* bfq has the range of v1, the generic file one of its own. */
	cg_write_add(out, k, "io.bfq.weight", CG_W_MISSING_OK, "default %llu",
	             (unsigned long long)w->v);
	cg_write_add(out, k, "io.weight", CG_W_ALTERNATIVE, "default %llu",
	             (unsigned long long)cg_io_weight_from_blkio(w->v));
	return 0;
}

static int emit_no_realtime(const struct cg_knob *k, const struct spec_resources *res,
                            struct cg_writes *out, struct err *err)
{
	(void)out;
	if ((res->cpu.rt_runtime.set && res->cpu.rt_runtime.v != 0) ||
	    (res->cpu.rt_period.set && res->cpu.rt_period.v != 0))
		return err_text(err, -EOPNOTSUPP, "cannot set %s limit: cgroup v2 has none",
		                k->what);
	return 0;
}

static int emit_no_network(const struct cg_knob *k, const struct spec_resources *res,
                           struct cg_writes *out, struct err *err)
{
	bool wanted = streq(k->controller, "net_cls")
	                  ? res->network.class_id.set && res->network.class_id.v != 0
	                  : res->network.n_priorities > 0;

	(void)out;
	return wanted ? err_text(err, -EOPNOTSUPP, "cannot set %s: cgroup v2 has none", k->what)
	              : 0;
}

int cg_unified_check(const char *key, char **ret_controller, struct err *err)
{
	const char *dot = strchr(key, '.');

	if (strchr(key, '/') && !knocked_out("file-names"))
		return err_text(err, -EINVAL,
		                "unified resource \"%.128s\" must be a file name (no slashes)",
		                key);
	for (const char *p = key; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return err_text(err, -EINVAL,
			                "unified resource: control character or space in a name");
	if (!dot || dot == key || !dot[1])
		return err_text(
		    err, -EINVAL,
		    "unified resource \"%.128s\" must be in the form CONTROLLER.PARAMETER", key);
	/* The cgroup's own files move, freeze and kill processes: not limits, and not for a
	 * configuration file to use on processes of the host. */
	if (strncmp(key, "cgroup.", 7) == 0)
		return err_text(err, -EINVAL,
		                "unified resource \"%.128s\" is not a resource of a controller",
		                key);
	*ret_controller = xstrndup(key, (size_t)(dot - key));
	return 0;
}

static int emit_file(const struct cg_knob *k, const struct spec_kv *kv, struct cg_writes *out,
                     struct err *err)
{
	_cleanup_free_ char *controller = NULL;
	struct cg_knob row = *k;
	int r = cg_unified_check(kv->key, &controller, err);

	if (r < 0)
		return r;
	row.controller = controller;
	/* One write per line: most files take one entry at a time. */
	for (const char *line = kv->value; *line; line += strspn(line, "\n")) {
		size_t len = strcspn(line, "\n");

		if (len >= 4096)
			return err_set(err, -E2BIG, "unified resource \"%.128s\"", kv->key);
		if (len > 0)
			cg_write_add(out, &row, kv->key, k->flags, "%.*s", (int)len, line);
		line += len;
	}
	return 0;
}

/* The entries have no order of their own; while it is idle, a cgroup takes no weight. */
static int emit_unified(const struct cg_knob *k, const struct spec_resources *res,
                        struct cg_writes *out, struct err *err)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < res->n_unified; i++) {
			const struct spec_kv *kv = &res->unified[i];
			int r;

			if (streq(kv->key, "cpu.idle") != (pass == 0) ||
			    cg_weight_yields(res, kv->key))
				continue;
			r = emit_file(k, kv, out, err);
			if (r < 0)
				return r;
		}
	return 0;
}

const struct cg_knob cg_knobs_v2[] = {
	{ "cpuset", "cpuset", "cpuset.cpus", cg_emit_str, F(cpu.cpus), 0, NULL, 0, "cpu.cpus" },
	{ "cpuset", "cpuset", "cpuset.mems", cg_emit_str, F(cpu.mems), 0, NULL, 0, "cpu.mems" },
	{ "memory+swap", "memory", "memory.swap.max", emit_swap, 0, 0, NULL, 0, "memory.swap" },
	{ "memory", "memory", "memory.max", cg_emit_i64_max, F(memory.limit), 0, NULL, 0,
	  "memory.limit" },
	{ "memory reservation", "memory", "memory.low", cg_emit_i64_max, F(memory.reservation), 0,
	  NULL, 0, "memory.reservation" },
	{ "cpu idle", "cpu", "cpu.idle", cg_emit_i64_zero, F(cpu.idle), 0, NULL, 0, "cpu.idle" },
	{ "cpu shares", "cpu", "cpu.weight", emit_cpu_weight, 0, 0, NULL, 0, "cpu.shares" },
	{ "cpu quota", "cpu", "cpu.max", emit_cpu_max, 0, 0, NULL, CG_W_RETRY, "cpu.quota" },
	{ "cpu burst", "cpu", "cpu.max.burst", cg_emit_u64_zero, F(cpu.burst), 0, NULL, CG_W_RETRY,
	  "cpu.burst" },
	{ "cpu realtime", "cpu", NULL, emit_no_realtime, 0, 0, NULL, 0, "cpu.realtimeRuntime" },
	{ "pids", "pids", "pids.max", cg_emit_pids, F(pids_limit), 0, NULL, 0, "pids.limit" },
	{ "io weight", "io", NULL, emit_io_weight, 0, 0, NULL, 0, "blockIO.weight" },
	{ "io device weight", "io", "io.bfq.weight", cg_emit_device_weight, 0, 0, NULL, 0,
	  "blockIO.weightDevice" },
	{ "io read rate", "io", "io.max", cg_emit_throttle, F(block_io.read_bps),
	  F(block_io.n_read_bps), "rbps=", 0, "blockIO.throttleReadBpsDevice" },
	{ "io write rate", "io", "io.max", cg_emit_throttle, F(block_io.write_bps),
	  F(block_io.n_write_bps), "wbps=", 0, "blockIO.throttleWriteBpsDevice" },
	{ "io read operations", "io", "io.max", cg_emit_throttle, F(block_io.read_iops),
	  F(block_io.n_read_iops), "riops=", 0, "blockIO.throttleReadIOPSDevice" },
	{ "io write operations", "io", "io.max", cg_emit_throttle, F(block_io.write_iops),
	  F(block_io.n_write_iops), "wiops=", 0, "blockIO.throttleWriteIOPSDevice" },
	{ "network class", "net_cls", NULL, emit_no_network, 0, 0, NULL, 0, "network.classID" },
	{ "network priority", "net_prio", NULL, emit_no_network, 0, 0, NULL, 0,
	  "network.priorities" },
	{ "rdma", "rdma", "rdma.max", cg_emit_rdma, 0, 0, NULL, 0, "rdma" },
	{ "hugepage", "hugetlb", NULL, cg_emit_hugepages, 0, 0, "max", 0, "hugepageLimits" },
	{ "hugepage", "hugetlb", NULL, cg_emit_hugepages, 0, 0, "rsvd.max", CG_W_MISSING_OK,
	  "hugepageLimits" },
	{ "unified", "", NULL, emit_unified, 0, 0, NULL, 0, "unified" },
	{ 0 },
};
