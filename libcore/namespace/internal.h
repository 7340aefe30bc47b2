/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the namespace layer, apart so that unit tests reach them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "berth/err.h"
#include "berth/spec.h"

#define NS_MAP_LINES_MAX 340  /* user_namespaces(7), since 4.15 */
#define NS_MAP_TEXT_MAX  4095 /* one write(2) below the smallest page size */

/* Maps as /proc/PID/uid_map takes them: one "container host size" line each. -E2BIG: too many for
 * the kernel. */
int ns_map_text(const struct spec_id_map *maps, size_t n, struct buf *text);
/* argv of newuidmap(1) or newgidmap(1): helper PID (container host size)... Freed by strv_free().
 */
char **ns_map_argv(const char *helper, pid_t pid, const struct spec_id_map *maps, size_t n);
/* Is this the one map that an unprivileged process may write itself: a single id, its own? */
bool ns_map_is_own(const struct spec_id_map *maps, size_t n, uint32_t own_id);
/* "100000:65536" terms of a range that is not our own id, for a hint; NULL when there is none. */
const struct spec_id_map *ns_map_first_foreign(const struct spec_id_map *maps, size_t n,
                                               uint32_t own_id);
/* Offsets as /proc/PID/timens_offsets takes them, a line for each clock that is named. */
void ns_time_text(const struct spec_time_offsets *offsets, char *buf, size_t size);
/* Does the text of that file say so? */
bool ns_time_equals(const char *text, const struct spec_time_offsets *offsets);
/* Does the text of a map file hold exactly these lines, in any order? */
bool ns_map_equals(const char *text, const struct spec_id_map *maps, size_t n);
