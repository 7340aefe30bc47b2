/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduler, I/O priority, CPUs, personality, memory policy: thin effects of what spec/ has
 * checked.
 *
 * Each is asked for again after it was set, since the kernel takes some requests without granting
 * them (unknown bits of a personality, a policy that a cgroup overrides).
 */
#include "security/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/num.h"
#include "berth/log.h"
#include "kernel/syscalls.h"
#include "tables/schedule.h"

#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_WHO_PROCESS 1
#define SCHED_KEEP_POLICY  0x08
#define SCHED_KEEP_PARAMS  0x10

enum { SCHED_IS_OTHER = 0, SCHED_IS_BATCH = 3, SCHED_IS_DEADLINE = 6 };

/* Only what the policy has a use for: newer kernels show a time slice as the runtime of others. */
static bool sched_is(const struct k_sched_attr *now, const struct spec_scheduler *s)
{
	if (now->sched_policy != s->policy || now->sched_priority != s->priority)
		return false;
	switch (s->policy) {
	case SCHED_IS_OTHER:
	case SCHED_IS_BATCH:
		return now->sched_nice == s->nice;
	case SCHED_IS_DEADLINE:
		return now->sched_runtime == s->runtime && now->sched_deadline == s->deadline;
	default:
		return true;
	}
}

int sched_apply(pid_t pid, const struct spec_scheduler *s, bool cpus_limited, struct err *err)
{
	const char *policy = names_name(sched_policy_table, s->policy);
	struct k_sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = (int32_t)s->nice,
		.sched_priority = (uint32_t)s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};
	struct k_sched_attr now = { 0 };
	int r;

	if (!s->present)
		return 0;
	r = k_sched_setattr(pid, &attr);
	if (r == -EPERM && cpus_limited)
		return err_set(err, r,
		               "process.scheduler: %s: process scheduler can't be used together "
		               "with AllowedCPUs",
		               policy);
	if (r < 0)
		return err_set(err, r, "process.scheduler: set %s", policy);
	r = k_sched_getattr(pid, &now);
	if (r < 0)
		return err_set(err, r, "process.scheduler: read back");
	/* "Keep" asks for something else than is written beside it. */
	if (s->flags & (SCHED_KEEP_POLICY | SCHED_KEEP_PARAMS))
		return 0;
	if (!sched_is(&now, s))
		return err_text(err, -EPERM,
		                "read back: policy %u, priority %u, nice %d are in force, not %s, "
		                "%" PRIu64 ", %" PRId64,
		                now.sched_policy, now.sched_priority, now.sched_nice, policy,
		                s->priority, s->nice);
	return 0;
}

int ioprio_apply(pid_t pid, const struct spec_io_priority *io, struct err *err)
{
	int value = io->io_class << IOPRIO_CLASS_SHIFT | io->priority;
	int r;

	if (!io->present)
		return 0;
	r = k_ioprio_set(IOPRIO_WHO_PROCESS, pid, value);
	if (r < 0)
		return err_set(err, r, "process.ioPriority: set %s:%u",
		               names_name(ioprio_class_table, io->io_class), io->priority);
	r = k_ioprio_get(IOPRIO_WHO_PROCESS, pid);
	if (r != value)
		return err_text(err, -EPERM,
		                "read back: the I/O priority is %#x, not %#x (process.ioPriority)",
		                r, value);
	return 0;
}

int affinity_apply(pid_t pid, const char *cpus, const char *field, struct err *err)
{
	uint64_t mask[SPEC_CPUS_MAX / 64];
	int r;

	if (cpus) {
		if (num_parse_set(cpus, mask, SPEC_CPUS_MAX) <= 0)
			return err_text(err, -EINVAL, "%s: invalid CPU list \"%.100s\"", field,
			                cpus);
	} else {
		memset(mask, 0xff, sizeof(mask));
	}
	/* CPUs of the mask that do not exist, or that a cpuset forbids, are left out by the
	 * kernel; that none remains is -EINVAL. */
	r = k_sched_setaffinity(pid, sizeof(mask), mask);
	if (r < 0 && !cpus) {
		log_debug("reset the CPU affinity of pid %d: error %d", (int)pid, -r);
		return 0;
	}
	return r < 0 ? err_set(err, r, "%s: bind to CPUs \"%.100s\"", field, cpus) : 0;
}

int personality_apply(const struct spec_personality *p, struct err *err)
{
	int now;

	if (!p->present)
		return 0;
	if (personality(p->domain) < 0)
		return err_set(err, -errno, "linux.personality: set %s",
		               names_name(personality_table, (int64_t)p->domain));
	now = personality(0xffffffff);
	if (now < 0 || (unsigned long)now != p->domain)
		return err_text(err, -EPERM, "read back: personality is %#x, not %s", now,
		                names_name(personality_table, (int64_t)p->domain));
	return 0;
}

int mempolicy_apply(const struct spec_memory_policy *m, struct err *err)
{
	const char *mode = names_name(mempolicy_mode_table, m->mode);
	uint64_t nodes[SPEC_NODES_MAX / 64] = { 0 };
	int now = -1, r = 0;

	if (!m->present)
		return 0;
	if (m->nodes && num_parse_set(m->nodes, nodes, SPEC_NODES_MAX) < 0)
		return err_text(err, -EINVAL,
		                "linux.memoryPolicy.nodes: invalid memory policy node \"%.100s\"",
		                m->nodes);
	/* The kernel counts one bit less than it is told. */
	r = k_set_mempolicy(m->mode | (int)m->flags, m->nodes ? nodes : NULL,
	                    m->nodes ? SPEC_NODES_MAX + 1 : 0);
	if (r == -ENOSYS)
		return err_set(err, -EOPNOTSUPP, "linux.memoryPolicy: this kernel has no NUMA");
	if (r < 0)
		return err_set(err, r, "linux.memoryPolicy: set %s for nodes \"%.100s\"", mode,
		               m->nodes ? m->nodes : "");
	r = k_get_mempolicy(&now);
	if (r < 0)
		return err_set(err, r, "linux.memoryPolicy: read back");
	/* Without nodes "preferred" is shown as what it does. */
	if ((now & 0xfff) != m->mode && m->nodes)
		return err_text(err, -EPERM, "read back: memory policy %d is in force, not %s",
		                now & 0xfff, mode);
	return 0;
}
