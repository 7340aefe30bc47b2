/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every container's /dev holds and may open, whatever its configuration says
 * (config-linux.md, "Default Devices"; runtime-linux.md, "Dev symbolic links").
 *
 * The rules are appended after the user's list, so that a "deny all" there keeps the standard nodes
 * working. mknod of anything is allowed since it needs CAP_MKNOD and gives no access by itself.
 */
#include "tables/devices.h"

#include "base/mem.h"

const struct default_device default_device_table[6] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

const struct default_link default_link_table[4] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

#define RWM 7 /* bits of spec_device_rule.access: 1 r, 2 w, 4 m */

/* clang-format off */
const struct spec_device_rule default_device_rule_table[] = {
	{ .allow = true, .type = 'c', .major = -1, .minor = -1, .access = 4 },
	{ .allow = true, .type = 'b', .major = -1, .minor = -1, .access = 4 },
	{ .allow = true, .type = 'c', .major = 1, .minor = 3, .access = RWM }, /* null */
	{ .allow = true, .type = 'c', .major = 1, .minor = 5, .access = RWM }, /* zero */
	{ .allow = true, .type = 'c', .major = 1, .minor = 7, .access = RWM }, /* full */
	{ .allow = true, .type = 'c', .major = 1, .minor = 8, .access = RWM }, /* random */
	{ .allow = true, .type = 'c', .major = 1, .minor = 9, .access = RWM }, /* urandom */
	{ .allow = true, .type = 'c', .major = 5, .minor = 0, .access = RWM }, /* tty */
	{ .allow = true, .type = 'c', .major = 5, .minor = 2, .access = RWM }, /* ptmx */
	{ .allow = true, .type = 'c', .major = 136, .minor = -1, .access = RWM }, /* pts */
	{ .allow = true, .type = 'c', .major = 10, .minor = 200, .access = RWM }, /* net/tun */
};
/* clang-format on */

const size_t n_default_device_rules = ARRAY_SIZE(default_device_rule_table);
