/* SPDX-License-Identifier: Apache-2.0 */
/* "SCMP_ACT_ERRNO", "SCMP_CMP_EQ", "SCMP_ARCH_X86_64", "SECCOMP_FILTER_FLAG_LOG" and libseccomp's
 * values. */
#pragma once

#include "base/names.h"

extern const struct name_value seccomp_action_table[];
extern const struct name_value seccomp_operator_table[];
extern const struct name_value seccomp_arch_table[];
extern const struct name_value seccomp_flag_table[];
