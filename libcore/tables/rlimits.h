/* SPDX-License-Identifier: Apache-2.0 */
/* "RLIMIT_NOFILE" and numbers. */
#pragma once

#include "base/names.h"

extern const struct name_value rlimits_table[];
