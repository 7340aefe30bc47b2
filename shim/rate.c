/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of tokens: see rate.h. */
#include "shim/rate.h"

double rate_level(const struct rate *r, double now, double per_second, double max)
{
	double spent = r->spent - (now - r->at) * per_second;

	return spent > 0 ? max - spent : max;
}

bool rate_take(struct rate *r, double now, double per_second, double max)
{
	double level = rate_level(r, now, per_second, max);

	if (level < 1)
		return false;
	r->spent = max - level + 1;
	r->at = now;
	return true;
}
