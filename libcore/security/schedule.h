/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process runs. What the kernel lets one process set for another is set by the creator, which
 * may hold privileges that init has lost with its user namespace; each is read back. The rest is
 * for the process itself.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "berth/err.h"
#include "berth/spec.h"

/* --- for any process: pid 0 is the caller --- */
/* sched_setattr(2); absent: untouched. cpus_limited: the cgroup is bound to some CPUs, which is the
 * likely reason of an EPERM. */
int sched_apply(pid_t pid, const struct spec_scheduler *scheduler, bool cpus_limited,
                struct err *err);
/* ioprio_set(2); absent: untouched. */
int ioprio_apply(pid_t pid, const struct spec_io_priority *io, struct err *err);
/* sched_setaffinity(2) with a list of CPUs; NULL: all there are, where failures do not matter.
 * field names it in errors. */
int affinity_apply(pid_t pid, const char *cpus, const char *field, struct err *err);

/* --- for the caller: both survive fork and execve --- */
int personality_apply(const struct spec_personality *personality, struct err *err);
/* set_mempolicy(2). -EOPNOTSUPP on a kernel without NUMA. */
int mempolicy_apply(const struct spec_memory_policy *policy, struct err *err);
