/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that are asked for and have no counterpart on this host's cgroups: said by name, since
 * the container runs without them. Pure.
 */
#include "cgroup/internal.h"

bool cg_shares_yield(const struct spec_resources *res)
{
	return res->cpu.shares.set && res->cpu.shares.v != 0 && res->cpu.idle.set &&
	       res->cpu.idle.v == 1;
}

static void ignored(struct buf *b, bool asked, const char *name)
{
	if (asked)
		(void)buf_printf(b, "%s%s", b->len ? ", " : "", name);
}

void cg_ignored(const struct spec_resources *res, bool cpu_v2, bool memory_v2, bool io_v2,
                struct buf *ret)
{
	bool leaf_devices = false;

	ignored(ret, cpu_v2 && cg_shares_yield(res),
	        "cpu.shares (unable to apply both them and cpu.idle)");
	/* Of v1 alone, and there without effect since Linux 5.16. */
	ignored(ret, res->memory.kernel.set && res->memory.kernel.v != 0, "memory.kernel");
	ignored(ret, memory_v2 && res->memory.kernel_tcp.set && res->memory.kernel_tcp.v != 0,
	        "memory.kernelTCP");
	ignored(ret, memory_v2 && res->memory.swappiness.set, "memory.swappiness");
	ignored(ret,
	        memory_v2 && res->memory.disable_oom_killer.set && res->memory.disable_oom_killer.v,
	        "memory.disableOOMKiller");
	ignored(ret, io_v2 && res->block_io.leaf_weight.set && res->block_io.leaf_weight.v != 0,
	        "blockIO.leafWeight");
	for (size_t i = 0; i < res->block_io.n_weight_device; i++)
		leaf_devices |= res->block_io.weight_device[i].leaf_weight.set;
	ignored(ret, io_v2 && leaf_devices, "blockIO.weightDevice[].leafWeight");
}
