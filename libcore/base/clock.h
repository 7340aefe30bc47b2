/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks: one for waiting, which nobody sets, and one for records. */
#pragma once

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, milliseconds: for deadlines. */
static inline int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* CLOCK_REALTIME, nanoseconds since 1970: for what people and files are told. */
static inline int64_t clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
