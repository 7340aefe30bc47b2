/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic between the units of the configuration, which are those of cgroup v1, and those of v2.
 * Pure functions; the formulas are the ones that managers of containers compute with.
 */
#include "cgroup/internal.h"

#include <errno.h>

#define LN2      0.693147180559945309
#define LOG2_10  3.321928094887362348
#define SERIES_N 24 /* terms: beyond the precision of a double for the ranges used here */

/*
 * Two elementary functions of our own: libm would be one more library to load at every start for
 * the sake of one conversion.
 */
static double log2_of(double x)
{
	double whole = 0, sum = 0, t, power;

	while (x >= 2) {
		x /= 2;
		whole++;
	}
	/* ln x = 2 artanh((x-1)/(x+1)), quick for 1 <= x < 2 */
	t = (x - 1) / (x + 1);
	power = t;
	for (int k = 0; k < SERIES_N; k++) {
		sum += power / (2 * k + 1);
		power *= t * t;
	}
	return whole + 2 * sum / LN2;
}

static double exp10_of(double x) /* x >= 0 */
{
	double y = x * LOG2_10, result = 1, sum = 1, term = 1;

	while (y >= 1) {
		y--;
		result *= 2;
	}
	for (int k = 1; k < SERIES_N; k++) {
		term *= y * LN2 / k;
		sum += term;
	}
	return result * sum;
}

/*
 * A curve through (2, 1), (1024, 100) and (262144, 10000): the default of v1 becomes the default of
 * v2. The straight line that older runtimes used gave 39 for 1024, so that containers lost against
 * everything else on the host.
 */
uint64_t cg_weight_from_shares(uint64_t shares)
{
	double l, weight;
	uint64_t whole;

	if (shares == 0)
		return 0;
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_of((double)shares);
	weight = exp10_of((l * l + 125 * l) / 612.0 - 7.0 / 34.0);
	whole = (uint64_t)weight;
	/* Rounded up, but what is whole on paper stays so. */
	return weight - (double)whole > 1e-9 ? whole + 1 : whole;
}

uint64_t cg_io_weight_from_blkio(uint64_t weight)
{
	if (weight == 0)
		return 0;
	if (weight <= 10)
		return 1;
	if (weight >= 1000)
		return 10000;
	return 1 + (weight - 10) * 9999 / 990;
}

int cg_swap_check(struct opt_i64 limit, struct opt_i64 swap, struct err *err)
{
	if (!swap.set || swap.v == 0 || swap.v == -1)
		return 0;
	if (!limit.set || limit.v == 0 || limit.v == -1)
		return err_text(err, -EINVAL, "unable to set swap limit without memory limit");
	if (swap.v < limit.v)
		return err_text(err, -EINVAL, "memory+swap limit should be >= memory limit");
	return 0;
}

int cg_swap_v2(struct opt_i64 limit, struct opt_i64 swap, bool *ret_set, int64_t *ret,
               struct err *err)
{
	int r = cg_swap_check(limit, swap, err);

	*ret_set = false;
	*ret = 0;
	if (r < 0)
		return r;
	if (!swap.set || swap.v == 0) {
		/* "No limit" for memory means memory and swap, for whoever knows only the one. */
		*ret_set = limit.set && limit.v == -1;
		*ret = -1;
	} else {
		*ret_set = true;
		*ret = swap.v == -1 ? -1 : swap.v - limit.v;
	}
	return 0;
}

bool cg_memory_check_wanted(const struct spec_resources *res)
{
	return res->memory.check_before_update.set && res->memory.check_before_update.v;
}

int cg_memory_check(const struct spec_resources *res, uint64_t usage, uint64_t swap_usage,
                    struct err *err)
{
	struct opt_i64 limit = res->memory.limit, swap = res->memory.swap;

	if (!cg_memory_check_wanted(res))
		return 0;
	if (swap.set && swap.v > 0 && (uint64_t)swap.v < usage + swap_usage)
		return err_text(err, -EBUSY, "rejecting memory+swap limit %lld < usage %llu",
		                (long long)swap.v, (unsigned long long)(usage + swap_usage));
	if (limit.set && limit.v > 0 && (uint64_t)limit.v < usage)
		return err_text(err, -EBUSY, "rejecting memory limit %lld < usage %llu",
		                (long long)limit.v, (unsigned long long)usage);
	return 0;
}
