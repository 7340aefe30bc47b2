/* SPDX-License-Identifier: Apache-2.0 */
/* The OOM killer's count in a file of a cgroup. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The line "oom_kill N" of memory.events (v2) or memory.oom_control (v1, 4.13). false: none. */
bool oom_count_read(int fd, uint64_t *ret);
