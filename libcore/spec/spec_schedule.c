/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process runs: scheduler, I/O priority, CPUs of exec (config.md, "Linux Process"),
 * personality, memory policy, offsets of its clocks (config-linux.md).
 *
 * Rules between the properties of one object are those of the kernel's own interface, so that most
 * mistakes show before anything is made. Whether a policy, a node or a CPU exists is the host's to
 * say, when it is applied.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "spec/parts.h"
#include "tables/schedule.h"

#define NICE_MIN      (-20)
#define NICE_MAX      19
#define RT_PRIORITIES 99 /* sched(7): 1..99 */

enum { OTHER = 0, FIFO = 1, RR = 2, BATCH = 3, DEADLINE = 6 };

/*
 * Scheduler.
 */

static int parse_policy(struct load *l, const cJSON *j, void *member)
{
	int64_t v = 0;
	int r = field_name(l, j, sched_policy_table, "scheduler policy", &v);

	*(uint32_t *)member = (uint32_t)v;
	return r;
}

static int parse_sched_flags(struct load *l, const cJSON *j, void *member)
{
	return field_flags(l, j, sched_flag_table, "scheduler flag", member);
}

#define SCHED(json, how, m, least, most)                                  \
	{                                                                 \
		.name = json, .kind = how, .min = (least), .max = (most), \
		.offset = offsetof(struct spec_scheduler, m)              \
	}

const struct field spec_scheduler_fields[] = {
	{ .name = "policy",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct spec_scheduler, policy),
	  .parse = parse_policy },
	SCHED("nice", F_I64, nice, NICE_MIN, NICE_MAX),
	SCHED("priority", F_U64, priority, 0, RT_PRIORITIES),
	{ .name = "flags",
	  .kind = F_CUSTOM,
	  .offset = offsetof(struct spec_scheduler, flags),
	  .parse = parse_sched_flags },
	SCHED("runtime", F_U64, runtime, 0, UINT64_MAX),
	SCHED("deadline", F_U64, deadline, 0, UINT64_MAX),
	SCHED("period", F_U64, period, 0, UINT64_MAX),
	{ .name = NULL },
};

static int finish_deadline(struct load *l, const struct spec_scheduler *s)
{
	if (s->runtime == 0)
		return load_fail_at(l, "runtime", "must not be 0 for SCHED_DEADLINE");
	if (s->runtime > s->deadline)
		return load_fail_at(l, "runtime", "is above the deadline");
	if (s->period && s->deadline > s->period)
		return load_fail_at(l, "deadline", "is above the period");
	return 0;
}

int spec_scheduler_finish(struct load *l, void *object)
{
	const struct spec_scheduler *s = object;
	bool realtime = s->policy == FIFO || s->policy == RR;

	if (s->priority && !realtime)
		return load_fail_at(l, "priority",
		                    "can only be specified for SCHED_FIFO or SCHED_RR policy");
	if (realtime && s->priority == 0)
		return load_fail_at(l, "priority", "out of range 1..%d for that policy",
		                    RT_PRIORITIES);
	if (s->policy == DEADLINE)
		return finish_deadline(l, s);
	if (s->runtime || s->deadline || s->period)
		return load_fail_at(l,
		                    s->runtime    ? "runtime"
		                    : s->deadline ? "deadline"
		                                  : "period",
		                    "can only be specified for SCHED_DEADLINE policy");
	return 0;
}

/*
 * I/O priority.
 */

static int parse_io_class(struct load *l, const cJSON *j, void *member)
{
	int64_t v = 0;
	int r = field_name(l, j, ioprio_class_table, "I/O priority class", &v);

	*(int *)member = (int)v;
	return r;
}

const struct field spec_io_priority_fields[] = {
	{ .name = "class",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct spec_io_priority, io_class),
	  .parse = parse_io_class },
	{ .name = "priority",
	  .kind = F_U16,
	  .offset = offsetof(struct spec_io_priority, priority),
	  .max = 7 },
	{ .name = NULL },
};

/*
 * Lists of CPUs and nodes: checked here, kept as text.
 */

static int check_set(struct load *l, const char *name, const char *list, size_t n_bits,
                     const char *what)
{
	uint64_t bits[SPEC_CPUS_MAX / 64];
	int n;

	if (!list)
		return 0;
	n = num_parse_set(list, bits, n_bits);
	if (n < 0)
		return load_fail_at(l, name,
		                    "invalid %s \"%.100s\": expected a list like \"0-3,7\"%s", what,
		                    list, n == -ERANGE ? " of numbers that exist" : "");
	return n;
}

const struct field spec_affinity_fields[] = {
	{ .name = "initial",
	  .kind = F_STRING,
	  .offset = offsetof(struct spec_cpu_affinity, initial) },
	{ .name = "final", .kind = F_STRING, .offset = offsetof(struct spec_cpu_affinity, final) },
	{ .name = NULL },
};

int spec_affinity_finish(struct load *l, void *object)
{
	const struct spec_cpu_affinity *a = object;
	int r = check_set(l, "initial", a->initial, SPEC_CPUS_MAX, "CPU list");

	if (r >= 0)
		r = check_set(l, "final", a->final, SPEC_CPUS_MAX, "CPU list");
	return r < 0 ? r : 0;
}

/*
 * Personality.
 */

static int parse_domain(struct load *l, const cJSON *j, void *member)
{
	int64_t v = 0;
	int r = field_name(l, j, personality_table, "personality domain", &v);

	*(unsigned long *)member = (unsigned long)v;
	return r;
}

/* The spec has the list and no value for it yet. */
static int parse_personality_flags(struct load *l, const cJSON *j, void *member)
{
	(void)member;
	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array of strings");
	if (cJSON_GetArraySize(j) > 0)
		load_warn(l, "ignored: no flag is defined");
	return 0;
}

const struct field spec_personality_fields[] = {
	{ .name = "domain",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct spec_personality, domain),
	  .parse = parse_domain },
	{ .name = "flags", .kind = F_CUSTOM, .parse = parse_personality_flags },
	{ .name = NULL },
};

/*
 * Memory policy. The words "invalid memory policy ..." are those that callers know.
 */

static int parse_mode(struct load *l, const cJSON *j, void *member)
{
	const char *s;
	int64_t v;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (names_value(mempolicy_mode_table, s, &v) < 0)
		return load_fail(l, -EINVAL, "invalid memory policy mode \"%.100s\"", s);
	*(int *)member = (int)v;
	return 0;
}

static int parse_mempolicy_flags(struct load *l, const cJSON *j, void *member)
{
	uint64_t flags = 0;
	const cJSON *item;

	cJSON_ArrayForEach (item, j) {
		int64_t v;

		if (cJSON_IsString(item) && item->valuestring &&
		    names_value(mempolicy_flag_table, item->valuestring, &v) < 0)
			return load_fail(l, -EINVAL, "invalid memory policy flag \"%.100s\"",
			                 item->valuestring);
	}
	if (field_flags(l, j, mempolicy_flag_table, "flag", &flags) < 0)
		return -EINVAL;
	*(unsigned int *)member = (unsigned int)flags;
	return 0;
}

const struct field spec_memory_policy_fields[] = {
	{ .name = "mode",
	  .kind = F_CUSTOM,
	  .offset = offsetof(struct spec_memory_policy, mode),
	  .present_1 = offsetof(struct spec_memory_policy, has_mode) + 1,
	  .parse = parse_mode },
	{ .name = "nodes", .kind = F_STRING, .offset = offsetof(struct spec_memory_policy, nodes) },
	{ .name = "flags",
	  .kind = F_CUSTOM,
	  .offset = offsetof(struct spec_memory_policy, flags),
	  .parse = parse_mempolicy_flags },
	{ .name = NULL },
};

/* set_mempolicy(2): which modes want nodes. MPOL_PREFERRED without any means "local". */
int spec_memory_policy_finish(struct load *l, void *object)
{
	const struct spec_memory_policy *m = object;
	const char *mode = m->has_mode ? names_name(mempolicy_mode_table, m->mode) : NULL;
	int n = check_set(l, "nodes", m->nodes, SPEC_NODES_MAX, "memory policy node");
	const unsigned int both = 3U << 14; /* static and relative */

	if (!mode)
		return load_fail_at(l, "mode",
		                    "invalid memory policy mode: required property is missing");
	if (n < 0)
		return n;
	if (n > 0 && (streq(mode, "MPOL_DEFAULT") || streq(mode, "MPOL_LOCAL")))
		return load_fail_at(
		    l, "nodes", "memory policy %s: this mode requires 0 nodes but got %d", mode, n);
	if (n == 0 && !streq(mode, "MPOL_DEFAULT") && !streq(mode, "MPOL_LOCAL") &&
	    !streq(mode, "MPOL_PREFERRED"))
		return load_fail_at(
		    l, "nodes", "memory policy mode %s requires at least one node but got 0", mode);
	if ((m->flags & both) == both)
		return load_fail_at(l, "flags",
		                    "invalid memory policy flag combination: static and "
		                    "relative nodes exclude each other");
	return 0;
}

/*
 * Clocks.
 */

static const struct field offset_fields[] = {
	{ .name = "secs",
	  .kind = F_I64,
	  .offset = offsetof(struct spec_time_offset, secs),
	  .min = INT64_MIN,
	  .max = INT64_MAX },
	{ .name = "nanosecs",
	  .kind = F_U32,
	  .offset = offsetof(struct spec_time_offset, nanosecs),
	  .max = 999999999 },
	{ .name = NULL },
};

#define OFFSETS(member) offsetof(struct spec_time_offsets, member)

const struct field spec_time_offsets_fields[] = {
	{ .name = "monotonic",
	  .kind = F_OBJECT,
	  .offset = OFFSETS(monotonic),
	  .sub = offset_fields,
	  .present_1 = OFFSETS(monotonic.present) + 1 },
	{ .name = "boottime",
	  .kind = F_OBJECT,
	  .offset = OFFSETS(boottime),
	  .sub = offset_fields,
	  .present_1 = OFFSETS(boottime.present) + 1 },
	{ .name = NULL },
};

/* A map by clock, so an unknown key is a clock that can't be had, not an unknown property. */
int spec_time_offsets_parse(struct load *l, const cJSON *j, void *member)
{
	struct spec_time_offsets *offsets = member;
	const cJSON *item;
	int r;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	cJSON_ArrayForEach (item, j) {
		if (!streq(item->string, "monotonic") && !streq(item->string, "boottime"))
			return load_fail_at(l, item->string,
			                    "unknown clock: expected monotonic or boottime");
	}
	r = fields_load(l, spec_time_offsets_fields, j, offsets);
	offsets->present = offsets->monotonic.present || offsets->boottime.present;
	return r;
}
