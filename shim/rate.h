/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is served: a bucket of tokens that fills at a steady rate up to a maximum. One bucket
 * stands for the connections that are accepted, one for the calls of all clients together, and each
 * client has a small one of its own.
 *
 * A call takes from the common bucket. Its lower part (SHIM_CALLS_KEPT) is for clients that have a
 * token of their own left: so who floods empties the upper part and then lives on what comes in,
 * and who calls now and then never waits. Whatever peers do, the work per second is bounded.
 */
#pragma once

#include <stdbool.h>

struct rate {
	double spent; /* tokens that are missing; 0: full, so that zeroed memory is a full bucket */
	double at;    /* when that was so */
};

/* Tokens that are there now (seconds on any clock that never goes back). Pure. */
double rate_level(const struct rate *r, double now, double per_second, double max);
/* Take one token, if one is there. */
bool rate_take(struct rate *r, double now, double per_second, double max);
