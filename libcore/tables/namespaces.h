/* SPDX-License-Identifier: Apache-2.0 */
/* One row for each namespace type: spec name, /proc/PID/ns file, CLONE_ flag. Index = enum
 * spec_ns_type (berth/spec.h). */
#pragma once

#include <stdint.h>

struct ns_row {
	const char *name;    /* linux.namespaces[].type */
	const char *proc;    /* /proc/PID/ns/<proc> */
	uint64_t clone_flag; /* CLONE_NEW* */
};

extern const struct ns_row ns_table[8];
