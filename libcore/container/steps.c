/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step tables: the order of a creation as data. Each row has a name that appears in --debug output
 * with its duration, so that the picture in the documentation, the trace and the code are the same
 * list.
 */
#include "container/internal.h"

#include <time.h>

#include "berth/log.h"

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int steps_run(const char *side, const struct step *steps, void *arg, struct err *err)
{
	bool debug = log_is_debug();

	for (const struct step *s = steps; s->name; s++) {
		double begin = debug ? now_ms() : 0;
		int r = s->run(arg, err);

		if (debug)
			log_debug("%s: %s: %s (%.3f ms)", side, s->name, r < 0 ? "failed" : "done",
			          now_ms() - begin);
		if (r < 0)
			return r;
	}
	return 0;
}
