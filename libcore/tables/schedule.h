/* SPDX-License-Identifier: Apache-2.0 */
/* Names of config.md and config-linux.md for scheduling, I/O priority, personality, memory policy
 * and clocks, with the kernel's numbers. */
#pragma once

#include "base/names.h"

extern const struct name_value sched_policy_table[];   /* SCHED_*: sched_setattr(2) */
extern const struct name_value sched_flag_table[];     /* SCHED_FLAG_* */
extern const struct name_value ioprio_class_table[];   /* IOPRIO_CLASS_*: ioprio_set(2) */
extern const struct name_value personality_table[];    /* PER_*: personality(2) */
extern const struct name_value mempolicy_mode_table[]; /* MPOL_*: set_mempolicy(2) */
extern const struct name_value mempolicy_flag_table[]; /* MPOL_F_* */
