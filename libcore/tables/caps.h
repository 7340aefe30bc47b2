/* SPDX-License-Identifier: Apache-2.0 */
/* Capability names ("CAP_CHOWN") and numbers. */
#pragma once

#include "base/names.h"

#define CAPS_KNOWN 41 /* 0 (CAP_CHOWN) to 40 (CAP_CHECKPOINT_RESTORE) */
extern const struct name_value caps_table[];
