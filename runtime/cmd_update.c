/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth update: new limits for a running container. Options and file become the same thing, a
 * linux.resources object, so that there is one road to the cgroup.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "cgroup/cgroup.h"
#include "runtime/cmd.h"
#include "runtime/input.h"

enum value_kind {
	V_AMOUNT, /* integer, -1 allowed */
	V_COUNT,  /* 0 and above */
	V_SIZE,   /* bytes with a suffix, -1 allowed */
	V_TEXT
};

enum {
	BLKIO_WEIGHT,
	CPU_BURST,
	CPU_IDLE,
	CPU_PERIOD,
	CPU_QUOTA,
	CPU_RT_PERIOD,
	CPU_RT_RUNTIME,
	CPU_SHARE,
	CPUSET_CPUS,
	CPUSET_MEMS,
	KERNEL_MEMORY,
	KERNEL_MEMORY_TCP,
	MEMORY,
	MEMORY_RESERVATION,
	MEMORY_SWAP,
	PIDS_LIMIT,
	L3_CACHE_SCHEMA,
	MEM_BW_SCHEMA,
	VALUES
};

static const char *values[VALUES];
static const char *resources;

/* Sorted by group: each is opened once. L3_CACHE_SCHEMA and MEM_BW_SCHEMA are no resources of a
 * cgroup. */
static const struct {
	const char *option, *group, *key;
	enum value_kind kind;
	int value;
} rows[] = {
	{ "blkio-weight", "blockIO", "weight", V_COUNT, BLKIO_WEIGHT },
	{ "cpu-burst", "cpu", "burst", V_COUNT, CPU_BURST },
	{ "cpu-idle", "cpu", "idle", V_AMOUNT, CPU_IDLE },
	{ "cpu-period", "cpu", "period", V_COUNT, CPU_PERIOD },
	{ "cpu-quota", "cpu", "quota", V_AMOUNT, CPU_QUOTA },
	{ "cpu-rt-period", "cpu", "realtimePeriod", V_COUNT, CPU_RT_PERIOD },
	{ "cpu-rt-runtime", "cpu", "realtimeRuntime", V_AMOUNT, CPU_RT_RUNTIME },
	{ "cpu-share", "cpu", "shares", V_COUNT, CPU_SHARE },
	{ "cpuset-cpus", "cpu", "cpus", V_TEXT, CPUSET_CPUS },
	{ "cpuset-mems", "cpu", "mems", V_TEXT, CPUSET_MEMS },
	{ "kernel-memory", "memory", "kernel", V_SIZE, KERNEL_MEMORY },
	{ "kernel-memory-tcp", "memory", "kernelTCP", V_SIZE, KERNEL_MEMORY_TCP },
	{ "memory", "memory", "limit", V_SIZE, MEMORY },
	{ "memory-reservation", "memory", "reservation", V_SIZE, MEMORY_RESERVATION },
	{ "memory-swap", "memory", "swap", V_SIZE, MEMORY_SWAP },
	{ "pids-limit", "pids", "limit", V_AMOUNT, PIDS_LIMIT },
};

static int put_value(struct buf *b, size_t row, const char *text, struct err *err)
{
	uint64_t u = 0;
	int64_t i = 0;
	int r = 0;

	switch (rows[row].kind) {
	case V_COUNT:
		r = num_parse_u64(text, &u);
		break;
	case V_AMOUNT:
		r = num_parse_i64(text, &i);
		break;
	case V_SIZE:
		r = num_parse_size(text, &i);
		break;
	case V_TEXT:
		break;
	}
	if (r < 0)
		return err_set(err, r, "option --%s: invalid value \"%s\"", rows[row].option, text);
	if (rows[row].kind == V_TEXT)
		return json_str(b, text);
	if (rows[row].kind == V_COUNT)
		return buf_printf(b, "%llu", (unsigned long long)u);
	return buf_printf(b, "%lld", (long long)i);
}

static int patch_from_options(struct buf *b, struct err *err)
{
	const char *group = "";
	int r = buf_puts(b, "{");

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(rows); i++) {
		const char *text = values[rows[i].value];

		if (!text)
			continue;
		if (!streq(group, rows[i].group)) {
			(void)buf_printf(b, "%s\"%s\":{", *group ? "}," : "", rows[i].group);
			group = rows[i].group;
		} else {
			(void)buf_puts(b, ",");
		}
		(void)buf_printf(b, "\"%s\":", rows[i].key);
		r = put_value(b, i, text, err);
	}
	return r < 0 ? r : buf_puts(b, *group ? "}}" : "}");
}

static int make_patch(char **ret, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(SPEC_FILE_MAX);
	size_t len;
	int r;

	if (resources) {
		r = input_read(resources, true, ret, &len, err);
		if (r == 0 && strlen(*ret) != len)
			r = err_text(err, -EINVAL, "resources: a NUL byte is in the document");
		return r;
	}
	r = patch_from_options(&b, err);
	if (r == 0)
		*ret = buf_steal(&b);
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	_cleanup_free_ char *patch = NULL;
	int r = make_patch(&patch, &ctx->err);

	(void)argc;
	if (r == 0)
		r = ctx_open(ctx, argv[0], true, &ctr);
	/* First: it is refused where the container has no group of resctrl. */
	if (r == 0 && !resources)
		r = ctr_update_classes(ctr, values[L3_CACHE_SCHEMA], values[MEM_BW_SCHEMA],
		                       &ctx->err);
	if (r == 0 && ctx->strict)
		r = spec_strict_resources(patch, strlen(patch), &ctx->err);
	if (r == 0 && ctr->cgroup)
		ctr->cgroup->strict = ctx->strict;
	if (r == 0)
		r = ctr_update(ctr, patch, &ctx->err);
	return r;
}

#define VALUE(name, index, arg, help)                                 \
	{                                                             \
		name, 0, OPT_STRING, &values[index], arg, help, false \
	}
#define HIDDEN(name, index)                                                          \
	{                                                                            \
		name, 0, OPT_STRING, &values[index], "BYTES", "without effect", true \
	}

static const struct opt opts[] = {
	{ "resources", 'r', OPT_STRING, &resources, "FILE|-",
	  "a linux.resources object; all other options are then ignored", false },
	VALUE("blkio-weight", BLKIO_WEIGHT, "N", "share of block I/O, 10 to 1000"),
	VALUE("cpu-period", CPU_PERIOD, "USEC", "period of the CPU quota"),
	VALUE("cpu-quota", CPU_QUOTA, "USEC", "CPU time in each period; -1: no limit"),
	VALUE("cpu-burst", CPU_BURST, "USEC", "CPU time that may be saved up"),
	VALUE("cpu-share", CPU_SHARE, "N", "share of the CPU relative to others"),
	VALUE("cpu-rt-period", CPU_RT_PERIOD, "USEC", "period of the realtime budget (cgroup v1)"),
	VALUE("cpu-rt-runtime", CPU_RT_RUNTIME, "USEC",
	      "realtime budget in each period (cgroup v1)"),
	VALUE("cpuset-cpus", CPUSET_CPUS, "LIST", "CPUs to use"),
	VALUE("cpuset-mems", CPUSET_MEMS, "LIST", "memory nodes to use"),
	VALUE("cpu-idle", CPU_IDLE, "0|1", "run only when nobody else wants to"),
	VALUE("memory", MEMORY, "BYTES", "memory limit; -1: none"),
	VALUE("memory-reservation", MEMORY_RESERVATION, "BYTES", "soft limit of memory"),
	VALUE("memory-swap", MEMORY_SWAP, "BYTES", "limit of memory plus swap; -1: none"),
	VALUE("pids-limit", PIDS_LIMIT, "N", "limit of processes; -1: none"),
	VALUE("l3-cache-schema", L3_CACHE_SCHEMA, "SCHEMA", "L3 cache of Intel RDT"),
	VALUE("mem-bw-schema", MEM_BW_SCHEMA, "SCHEMA", "memory bandwidth of Intel RDT"),
	HIDDEN("kernel-memory", KERNEL_MEMORY),
	HIDDEN("kernel-memory-tcp", KERNEL_MEMORY_TCP),
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_update = {
	.name = "update",
	.args = "CONTAINER-ID",
	.summary = "change the limits of a container",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
