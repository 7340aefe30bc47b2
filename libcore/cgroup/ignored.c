/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that are asked for and have no counterpart on this host's cgroups: said by name, since
 * the container runs without them. Pure.
 */
#include "cgroup/internal.h"

#include <string.h>

#include "base/mem.h"

bool cg_is_idle(const struct spec_resources *res)
{
	for (size_t i = 0; i < res->n_unified; i++) {
		const char *value = res->unified[i].value;

		if (streq(res->unified[i].key, "cpu.idle"))
			return *value == '1' && value[1 + strspn(value + 1, " \n")] == '\0';
	}
	return res->cpu.idle.set && res->cpu.idle.v == 1;
}

bool cg_weight_yields(const struct spec_resources *res, const char *file)
{
	return (streq(file, "cpu.weight") || streq(file, "cpu.weight.nice")) && cg_is_idle(res);
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

	ignored(ret, cpu_v2 && cg_is_idle(res) && res->cpu.shares.set && res->cpu.shares.v != 0,
	        "cpu.shares (unable to apply both them and cpu.idle)");
	for (size_t i = 0; i < res->n_unified; i++)
		if (cpu_v2 && cg_weight_yields(res, res->unified[i].key))
			(void)buf_printf(ret,
			                 "%sunified \"%s\" (unable to apply both it and cpu.idle)",
			                 ret->len ? ", " : "", res->unified[i].key);
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
