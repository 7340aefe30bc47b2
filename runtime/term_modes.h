/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program has switched on in the terminal that it writes to, and what takes it back: who
 * leaves an editor that runs on is to find his terminal as it was. Follows the private modes (CSI ?
 * N h and l) and the keypad; knows nothing else of what passes. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TERM_MODES_PARAMS 8   /* of one sequence; what comes behind is not looked at */
#define TERM_MODES_OUT    160 /* most bytes that term_modes_reset() gives */

struct term_modes {
	uint32_t changed; /* bit of a row in the table: not as a terminal is at first */
	int state;        /* of the parser */
	unsigned int number[TERM_MODES_PARAMS];
	int n;
};

/* Look at what goes to the terminal. Sequences may be split anywhere. */
void term_modes_see(struct term_modes *m, const char *data, size_t len);
/* What takes back all that is switched on. Returns the bytes put into out; not terminated. */
size_t term_modes_reset(const struct term_modes *m, char out[static TERM_MODES_OUT]);
