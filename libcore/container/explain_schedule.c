/* SPDX-License-Identifier: Apache-2.0 */
/* In words: scheduler, I/O priority, personality, memory policy, offsets of clocks, resctrl. */
#include "container/internal.h"

#include <inttypes.h>

#include "base/describe.h"
#include "base/mem.h"
#include "base/names.h"
#include "tables/schedule.h"

void explain_scheduler(const struct explain *x)
{
	const struct spec_scheduler *s = &x->plan->spec->process.scheduler;
	const struct spec_io_priority *io = &x->plan->spec->process.io_priority;

	if (s->present) {
		desc_item(x->d, "scheduler", "process.scheduler");
		desc_str(x->d, "policy", names_name(sched_policy_table, s->policy));
		if (s->nice)
			desc_int(x->d, "nice", s->nice);
		if (s->priority)
			desc_uint(x->d, "priority", s->priority);
		if (s->flags)
			desc_fmt(x->d, "flags", "%#" PRIx64, s->flags);
		if (s->runtime)
			desc_fmt(x->d, "ns", "%" PRIu64 "/%" PRIu64 "/%" PRIu64, s->runtime,
			         s->deadline, s->period);
	}
	if (io->present) {
		desc_item(x->d, "io-priority", "process.ioPriority");
		desc_str(x->d, "class", names_name(ioprio_class_table, io->io_class));
		desc_uint(x->d, "priority", io->priority);
	}
}

void explain_memory(const struct explain *x)
{
	const struct spec_linux *l = &x->plan->spec->linux_;

	if (l->personality.present) {
		desc_item(x->d, "personality", "linux.personality");
		desc_str(x->d, "domain",
		         names_name(personality_table, (int64_t)l->personality.domain));
	}
	if (l->memory_policy.present) {
		desc_item(x->d, "memory-policy", "linux.memoryPolicy");
		desc_str(x->d, "mode", names_name(mempolicy_mode_table, l->memory_policy.mode));
		desc_str(x->d, "nodes", l->memory_policy.nodes);
		if (l->memory_policy.flags)
			desc_fmt(x->d, "flags", "%#x", l->memory_policy.flags);
	}
}

static void explain_offset(const struct explain *x, const char *clock, const char *path,
                           const struct spec_time_offset *o)
{
	if (!o->present)
		return;
	desc_item(x->d, "time-offset", path);
	desc_str(x->d, "clock", clock);
	desc_int(x->d, "secs", o->secs);
	desc_uint(x->d, "nanosecs", o->nanosecs);
}

void explain_time(const struct explain *x)
{
	const struct spec_time_offsets *o = &x->plan->spec->linux_.time_offsets;

	explain_offset(x, "monotonic", "linux.timeOffsets.monotonic", &o->monotonic);
	explain_offset(x, "boottime", "linux.timeOffsets.boottime", &o->boottime);
}

void explain_classes(const struct explain *x)
{
	const struct spec_intel_rdt *rdt = &x->plan->spec->linux_.intel_rdt;
	_cleanup_free_ char *schemata = rdt_schemata(rdt);

	if (!rdt->present)
		return;
	desc_item(x->d, "resctrl", "linux.intelRdt");
	desc_str(x->d, "group", rdt->clos_id ? rdt->clos_id : x->args->id);
	desc_str(x->d, "schemata", *schemata ? schemata : NULL);
	desc_flag(x->d, "monitored", rdt->enable_monitoring);
}
