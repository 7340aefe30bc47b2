/* SPDX-License-Identifier: Apache-2.0 */
/* Default device nodes, /dev symlinks, and the device rules that every container gets (spec
 * config-linux, "Default Devices"). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "berth/spec.h"

struct default_device {
	const char *path;
	uint32_t major, minor;
};
struct default_link {
	const char *path, *target;
};
extern const struct default_device default_device_table[6]; /* null zero full random urandom tty */
extern const struct default_link default_link_table[4];     /* fd stdin stdout stderr */
extern const struct spec_device_rule
    default_device_rule_table[]; /* appended after the user's rules */
extern const size_t n_default_device_rules;
