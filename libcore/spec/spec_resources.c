/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources (config-linux.md, "Control groups"): ranges and shapes of every value, so that
 * the cgroup layer never meets one that the kernel would wrap, clamp or take for two.
 *
 * A value of 0 stands for "not set" in the places where managers write it for that.
 */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/json.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "spec/parts.h"

/* Limits of the kernel's dev_t: larger numbers would be cut to another device. */
#define MAJOR_MAX 4095
#define MINOR_MAX 1048575

#define WEIGHT_MIN 10
#define WEIGHT_MAX 1000

#define UNIFIED_LINE_MAX 4095 /* one write(2) to a kernfs file */

#define AT(member) .offset = offsetof(struct spec_resources, member)
/* Bytes or microseconds: -1 is "unlimited". */
#define AMOUNT(json, member)                                                             \
	{                                                                                \
		.name = json, .kind = F_OPT_I64, AT(member), .min = -1, .max = INT64_MAX \
	}
#define COUNT(json, member)                                                    \
	{                                                                      \
		.name = json, .kind = F_OPT_U64, AT(member), .max = UINT64_MAX \
	}
#define FLAG(json, member)                                   \
	{                                                    \
		.name = json, .kind = F_OPT_BOOL, AT(member) \
	}

/* 0..100; some managers keep -1 for "unset" in a field that the spec made unsigned. */
static int parse_swappiness(struct load *l, const cJSON *j, void *member)
{
	uint64_t v;
	int64_t i;

	if (json_int64(j, &i) == 0 && i == -1)
		return 0;
	if (json_uint64(j, &v) < 0 || (v > 100 && v != UINT64_MAX))
		return load_fail(l, -EINVAL, "expected a percentage (0..100)");
	if (v <= 100)
		*(struct opt_u64 *)member = (struct opt_u64){ .set = true, .v = v };
	return 0;
}

/* Bytes; swap is memory plus swap, as cgroup v1 counts it (cgroup/ converts for v2). */
static const struct field memory_fields[] = {
	AMOUNT("limit", memory.limit),
	AMOUNT("reservation", memory.reservation),
	AMOUNT("swap", memory.swap),
	AMOUNT("kernel", memory.kernel),
	AMOUNT("kernelTCP", memory.kernel_tcp),
	{ .name = "swappiness",
	  .kind = F_CUSTOM,
	  .scalar = true,
	  AT(memory.swappiness),
	  .parse = parse_swappiness },
	FLAG("disableOOMKiller", memory.disable_oom_killer),
	FLAG("useHierarchy", memory.use_hierarchy),
	FLAG("checkBeforeUpdate", memory.check_before_update),
	{ .name = NULL },
};

/* "0-3,7": what cpuset files take, stride forms included. */
static int parse_cpu_list(struct load *l, const cJSON *j, void *member)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (s[strspn(s, "0123456789-,:/ ")])
		return load_fail(l, -EINVAL, "expected a list of numbers like \"0-3,7\"");
	if (*s)
		*(char **)member = xstrdup(s);
	return 0;
}

static void release_string(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

/* Shares are not limited here: the conversion to weights has a value for each of them. */
static const struct field cpu_fields[] = {
	COUNT("shares", cpu.shares),
	AMOUNT("quota", cpu.quota),
	COUNT("burst", cpu.burst),
	COUNT("period", cpu.period),
	AMOUNT("realtimeRuntime", cpu.rt_runtime),
	COUNT("realtimePeriod", cpu.rt_period),
	{ .name = "idle", .kind = F_OPT_I64, AT(cpu.idle), .min = 0, .max = 1 },
	{ .name = "cpus",
	  .kind = F_CUSTOM,
	  AT(cpu.cpus),
	  .parse = parse_cpu_list,
	  .release = release_string },
	{ .name = "mems",
	  .kind = F_CUSTOM,
	  AT(cpu.mems),
	  .parse = parse_cpu_list,
	  .release = release_string },
	{ .name = NULL },
};

/* -1: no limit. 0 is a limit (applied as 1), not "unset": runtime-spec 1.3 says so. */
static const struct field pids_fields[] = {
	AMOUNT("limit", pids_limit),
	{ .name = NULL },
};

/*
 * Block I/O.
 */

/* 0 is how some managers say "no weight". */
static int parse_weight(struct load *l, const cJSON *j, void *member)
{
	uint64_t v;

	if (json_uint64(j, &v) < 0 || (v && (v < WEIGHT_MIN || v > WEIGHT_MAX)))
		return load_fail(l, -EINVAL, "expected a weight (%d..%d)", WEIGHT_MIN, WEIGHT_MAX);
	if (v)
		*(struct opt_u64 *)member = (struct opt_u64){ .set = true, .v = v };
	return 0;
}

#define DEVICE_NUMBER(json, member, limit)                                     \
	{                                                                      \
		.name = json, .kind = F_U32, .required = true, .max = (limit), \
		.offset = offsetof(struct spec_throttle, member)               \
	}

static const struct field throttle_fields[] = {
	DEVICE_NUMBER("major", major, MAJOR_MAX),
	DEVICE_NUMBER("minor", minor, MINOR_MAX),
	{ .name = "rate",
	  .kind = F_U64,
	  .required = true,
	  .offset = offsetof(struct spec_throttle, rate),
	  .max = UINT64_MAX },
	{ .name = NULL },
};

static const struct field weight_device_fields[] = {
	DEVICE_NUMBER("major", major, MAJOR_MAX),
	DEVICE_NUMBER("minor", minor, MINOR_MAX),
	{ .name = "weight",
	  .kind = F_CUSTOM,
	  .scalar = true,
	  .offset = offsetof(struct spec_throttle, weight),
	  .parse = parse_weight },
	{ .name = "leafWeight",
	  .kind = F_CUSTOM,
	  .scalar = true,
	  .offset = offsetof(struct spec_throttle, leaf_weight),
	  .parse = parse_weight },
	{ .name = NULL },
};

/* config-linux.md: at least one of the two. */
static int finish_weight_device(struct load *l, void *object)
{
	const struct spec_throttle *t = object;

	if (!t->weight.set && !t->leaf_weight.set)
		return load_fail(l, -EINVAL, "needs weight or leafWeight");
	return 0;
}

#define THROTTLE(json, is_early, member)                                                 \
	{                                                                                \
		.name = json, .kind = F_ARRAY, .early = (is_early), AT(block_io.member), \
		.n_offset = offsetof(struct spec_resources, block_io.n_##member),        \
		.elem_size = sizeof(struct spec_throttle), .sub = throttle_fields        \
	}
#define WEIGHT(json, is_early, member)                                               \
	{                                                                            \
		.name = json, .kind = F_CUSTOM, .scalar = true, .early = (is_early), \
		AT(block_io.member), .parse = parse_weight                           \
	}
#define WEIGHT_DEVICE(json, is_early)                                                           \
	{                                                                                       \
		.name = json, .kind = F_ARRAY, .early = (is_early), AT(block_io.weight_device), \
		.n_offset = offsetof(struct spec_resources, block_io.n_weight_device),          \
		.elem_size = sizeof(struct spec_throttle), .sub = weight_device_fields,         \
		.finish = finish_weight_device                                                  \
	}

/* The second half are the names of the early format for the same members. */
static const struct field block_io_fields[] = {
	WEIGHT("weight", false, weight),
	WEIGHT("leafWeight", false, leaf_weight),
	WEIGHT_DEVICE("weightDevice", false),
	THROTTLE("throttleReadBpsDevice", false, read_bps),
	THROTTLE("throttleWriteBpsDevice", false, write_bps),
	THROTTLE("throttleReadIOPSDevice", false, read_iops),
	THROTTLE("throttleWriteIOPSDevice", false, write_iops),
	WEIGHT("blkioWeight", true, weight),
	WEIGHT("blkioLeafWeight", true, leaf_weight),
	WEIGHT_DEVICE("blkioWeightDevice", true),
	THROTTLE("blkioThrottleReadBpsDevice", true, read_bps),
	THROTTLE("blkioThrottleWriteBpsDevice", true, write_bps),
	THROTTLE("blkioThrottleReadIOPSDevice", true, read_iops),
	THROTTLE("blkioThrottleWriteIOPSDevice", true, write_iops),
	{ .name = NULL },
};

/*
 * Huge pages, network, device rules.
 */

/* "2MB", "1GB": becomes part of a file name, so nothing else is let through. */
static int finish_hugepage(struct load *l, void *object)
{
	const struct spec_hugepage *page = object;
	size_t digits = strspn(page->page_size, "0123456789");
	const char *unit = page->page_size + digits;

	if (knocked_out("file-names"))
		return 0;
	if (digits == 0 || digits > 10 || page->page_size[0] == '0' ||
	    (!streq(unit, "KB") && !streq(unit, "MB") && !streq(unit, "GB")))
		return load_fail_at(l, "pageSize", "expected a size like \"2MB\"");
	return 0;
}

static const struct field hugepage_fields[] = {
	{ .name = "pageSize",
	  .kind = F_STRING,
	  .required = true,
	  .offset = offsetof(struct spec_hugepage, page_size) },
	{ .name = "limit",
	  .kind = F_U64,
	  .required = true,
	  .offset = offsetof(struct spec_hugepage, limit),
	  .max = UINT64_MAX },
	{ .name = NULL },
};

/*
 * RDMA devices.
 */

#define RDMA(json, member)                                          \
	{                                                           \
		.name = json, .kind = F_OPT_U64, .max = UINT32_MAX, \
		.offset = offsetof(struct spec_rdma, member)        \
	}

static const struct field rdma_fields[] = {
	RDMA("hcaHandles", hca_handles),
	RDMA("hcaObjects", hca_objects),
	{ .name = NULL },
};

/* It becomes a word of a line that the kernel parses. */
static bool is_word(const char *s)
{
	return *s && strlen(s) < 256 && !s[strcspn(s, " /")] && !spec_has_control(s);
}

static int parse_rdma(struct load *l, const cJSON *j, void *member)
{
	struct spec_rdma_list *all = member;
	const cJSON *item;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	if (cJSON_GetArraySize(j) > 0)
		all->list = xcalloc((size_t)cJSON_GetArraySize(j), sizeof(*all->list));
	cJSON_ArrayForEach (item, j) {
		struct spec_rdma *device = &all->list[all->n];
		size_t mark = load_push(l, item->string);
		int r;

		if (!is_word(item->string))
			return load_fail(l, -EINVAL, "invalid device name");
		if (!cJSON_IsObject(item))
			return load_fail(l, -EINVAL, "expected an object");
		r = fields_load(l, rdma_fields, item, device);
		if (r < 0)
			return r;
		if (!device->hca_handles.set && !device->hca_objects.set)
			return load_fail(l, -EINVAL, "needs hcaHandles or hcaObjects");
		device->device = xstrdup(item->string);
		all->n++;
		load_pop(l, mark);
	}
	return 0;
}

static void release_rdma(void *member)
{
	struct spec_rdma_list *all = member;

	for (size_t i = 0; i < all->n; i++)
		free(all->list[i].device);
	free(all->list);
	all->list = NULL;
	all->n = 0;
}

/* It becomes a word of a line that the kernel splits at the space (dev_valid_name() of the kernel).
 */
static int finish_priority(struct load *l, void *object)
{
	const struct spec_net_priority *p = object;

	if (strlen(p->name) >= IFNAMSIZ || strpbrk(p->name, "/: \t") || spec_has_control(p->name))
		return load_fail_at(l, "name", "expected the name of a network interface");
	return 0;
}

static const struct field priority_fields[] = {
	{ .name = "name",
	  .kind = F_STRING,
	  .required = true,
	  .offset = offsetof(struct spec_net_priority, name) },
	{ .name = "priority",
	  .kind = F_U32,
	  .required = true,
	  .offset = offsetof(struct spec_net_priority, priority),
	  .max = UINT32_MAX },
	{ .name = NULL },
};

/* cgroup v1 only: tc(8)'s class handle, and the priority of what is sent by an interface. */
static const struct field network_fields[] = {
	{ .name = "classID", .kind = F_OPT_U64, AT(network.class_id), .max = UINT32_MAX },
	{ .name = "priorities",
	  .kind = F_ARRAY,
	  AT(network.priorities),
	  .n_offset = offsetof(struct spec_resources, network.n_priorities),
	  .elem_size = sizeof(struct spec_net_priority),
	  .sub = priority_fields,
	  .finish = finish_priority },
	{ .name = NULL },
};

static int parse_rule_type(struct load *l, const cJSON *j, void *member)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (*s && !streq(s, "a") && !streq(s, "b") && !streq(s, "c"))
		return load_fail(l, -EINVAL, "unknown device type \"%.20s\"", s);
	*(char *)member = *s ? *s : 'a';
	return 0;
}

/* Any order, repeats allowed: "mrw" is "rwm". */
static int parse_access(struct load *l, const cJSON *j, void *member)
{
	unsigned int *access = member;
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	/* Other letters are nothing that a rule could ask for: known ones beside them still count.
	 */
	for (const char *p = s; *p; p++) {
		const char *bit = strchr("rwm", *p);

		if (bit)
			*access |= *bit == 'r' ? 1 : *bit == 'w' ? 2 : 4;
	}
	if (*s && *access == 0)
		return load_fail(l, -EINVAL, "expected letters out of \"rwm\"");
	if (s[strspn(s, "rwm")])
		load_warn(l, "ignored letters that are none of \"rwm\"");
	return 0;
}

#define RULE(member) .offset = offsetof(struct spec_device_rule, member)

static const struct field rule_fields[] = {
	{ .name = "allow", .kind = F_BOOL, .required = true, RULE(allow) },
	{ .name = "type", .kind = F_CUSTOM, RULE(type), .parse = parse_rule_type },
	{ .name = "major", .kind = F_I64, RULE(major), .min = -1, .max = MAJOR_MAX },
	{ .name = "minor", .kind = F_I64, RULE(minor), .min = -1, .max = MINOR_MAX },
	{ .name = "access", .kind = F_CUSTOM, RULE(access), .parse = parse_access },
	{ .name = NULL },
};

/* An absent type or number stands for all of them, as in devices.allow of cgroup v1. */
static int parse_rule(struct load *l, const cJSON *j, void *member)
{
	struct spec_device_rule *rule = member;
	int r;

	*rule = (struct spec_device_rule){ .type = 'a', .major = -1, .minor = -1 };
	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, rule_fields, j, rule);
	if (r < 0)
		return r;
	/* Absent could be read as "all" or as "none": neither is guessed. */
	if (rule->access == 0)
		return load_fail_at(l, "access", "device access field cannot be empty");
	return 0;
}

/*
 * devices has a "present" flag of its own: without the list the default rules still apply, and
 * update must know that nothing was said about devices.
 */
const struct field spec_resources_fields[] = {
	{ .name = "memory", .kind = F_OBJECT, .sub = memory_fields },
	{ .name = "cpu", .kind = F_OBJECT, .sub = cpu_fields },
	{ .name = "pids", .kind = F_OBJECT, .sub = pids_fields },
	{ .name = "blockIO", .kind = F_OBJECT, .sub = block_io_fields },
	{ .name = "network", .kind = F_OBJECT, .sub = network_fields },
	{ .name = "hugepageLimits",
	  .kind = F_ARRAY,
	  AT(hugepages),
	  .n_offset = offsetof(struct spec_resources, n_hugepages),
	  .elem_size = sizeof(struct spec_hugepage),
	  .max = 64,
	  .sub = hugepage_fields,
	  .finish = finish_hugepage },
	{ .name = "devices",
	  .kind = F_ARRAY,
	  AT(devices),
	  .n_offset = offsetof(struct spec_resources, n_devices),
	  .elem_size = sizeof(struct spec_device_rule),
	  .inner = rule_fields,
	  .parse = parse_rule,
	  .present_1 = offsetof(struct spec_resources, devices_present) + 1 },
	{ .name = "unified",
	  .kind = F_MAP,
	  AT(unified),
	  .n_offset = offsetof(struct spec_resources, n_unified) },
	{ .name = "disableOOMKiller",
	  .kind = F_OPT_BOOL,
	  .early = true,
	  AT(memory.disable_oom_killer) },
	{ .name = "rdma",
	  .kind = F_CUSTOM,
	  AT(rdma),
	  .inner = rdma_fields,
	  .inner_step = ".*",
	  .parse = parse_rdma,
	  .release = release_rdma },
	{ .name = NULL },
};

/*
 * Checks of the whole object.
 */

/*
 * A unified key is a file of the container's own cgroup. Files of the cgroup core (cgroup.procs,
 * cgroup.kill, ...) would move or kill processes, other characters could leave the directory.
 */
static int check_unified_key(struct load *l, const char *key)
{
	const char *dot = strchr(key, '.');

	for (const char *p = key; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return load_fail_at(l, key, "invalid file name");
	}
	if (!dot || dot == key || !dot[1] || strlen(key) > 255)
		return load_fail_at(l, key, "must be in the form CONTROLLER.PARAMETER");
	if (strncmp(key, "cgroup.", strlen("cgroup.")) == 0)
		return load_fail_at(l, key, "files of the cgroup core can't be set");
	return 0;
}

/* Values are written line by line. */
static int check_unified_value(struct load *l, const struct spec_kv *kv)
{
	for (const char *p = kv->value; *p;) {
		size_t len = strcspn(p, "\n");

		if (len > UNIFIED_LINE_MAX)
			return load_fail_at(l, kv->key, "a line is longer than %d bytes",
			                    UNIFIED_LINE_MAX);
		for (size_t i = 0; i < len; i++) {
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return load_fail_at(l, kv->key, "control character in value");
		}
		p += len + (p[len] == '\n');
	}
	return 0;
}

static int check_unified(struct load *l, const struct spec_resources *res)
{
	size_t mark = load_push(l, "unified");

	for (size_t i = 0; i < res->n_unified; i++) {
		int r = check_unified_key(l, res->unified[i].key);

		if (r == 0)
			r = check_unified_value(l, &res->unified[i]);
		if (r < 0)
			return r;
	}
	load_pop(l, mark);
	return 0;
}

/* swap is memory plus swap: it can't be limited below, or without, the memory limit. */
static int check_swap(struct load *l, const struct spec_resources *res)
{
	int64_t limit = res->memory.limit.set ? res->memory.limit.v : 0;
	int64_t swap = res->memory.swap.set ? res->memory.swap.v : 0;

	if (swap <= 0)
		return 0;
	if (limit <= 0)
		return load_fail_at(l, "memory.swap",
		                    "unable to set swap limit without memory limit");
	if (swap < limit)
		return load_fail_at(l, "memory.swap",
		                    "memory+swap limit should be >= memory limit");
	return 0;
}

/* Two limits for one file: which one counts would depend on the order. */
static int check_hugepages(struct load *l, const struct spec_resources *res)
{
	for (size_t i = 0; i < res->n_hugepages; i++) {
		for (size_t k = 0; k < i; k++) {
			if (streq(res->hugepages[i].page_size, res->hugepages[k].page_size))
				return load_fail_at(l, "hugepageLimits", "%s is there twice",
				                    res->hugepages[i].page_size);
		}
	}
	return 0;
}

int spec_resources_finish(struct load *l, void *object)
{
	const struct spec_resources *res = object;
	int r = check_swap(l, res);

	if (r == 0)
		r = check_hugepages(l, res);
	return r == 0 ? check_unified(l, res) : r;
}
