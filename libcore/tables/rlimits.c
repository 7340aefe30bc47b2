/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limit names of setrlimit(2); the spec uses the macro names (config.md, "POSIX process").
 */
#include "tables/rlimits.h"

#include <stddef.h>
#include <sys/resource.h>

#define ROW(limit)            \
	{                     \
#limit, limit \
	}

/* clang-format off */
const struct name_value rlimits_table[] = {
	ROW(RLIMIT_AS),
	ROW(RLIMIT_CORE),
	ROW(RLIMIT_CPU),
	ROW(RLIMIT_DATA),
	ROW(RLIMIT_FSIZE),
	ROW(RLIMIT_LOCKS),
	ROW(RLIMIT_MEMLOCK),
	ROW(RLIMIT_MSGQUEUE),
	ROW(RLIMIT_NICE),
	ROW(RLIMIT_NOFILE),
	ROW(RLIMIT_NPROC),
	ROW(RLIMIT_RSS),
	ROW(RLIMIT_RTPRIO),
	ROW(RLIMIT_RTTIME),
	ROW(RLIMIT_SIGPENDING),
	ROW(RLIMIT_STACK),
	{ NULL, 0 },
};
/* clang-format on */
