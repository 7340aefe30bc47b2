/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is replayed to a terminal, without the questions in it: a program asked them long ago, of the
 * terminal of that time. If ours answered now, the program would take the answers for keys. What is
 * live passes unseen, since there the program waits for an answer. Pure.
 *
 * A question is a sequence that makes a terminal send something: ENQ, DECID, reports of device,
 * status, modes, settings, window and colours (docs/ATTACH.md). All else passes byte for byte. A
 * sequence is held back until it is known what it is; one that is too long for a question passes.
 */
#pragma once

#include <stddef.h>

#define REPLAY_HELD_MAX 1024

struct replay_filter {
	int state;     /* of the parser */
	char kind;     /* of the sequence: what is behind its ESC */
	int utf8_left; /* bytes that the current character still needs */
	size_t start;  /* of the sequence's inside, in held */
	size_t n;      /* bytes held back */
	char held[REPLAY_HELD_MAX];
};

/*
 * Filter len bytes; sequences may be split anywhere. out has room for len + REPLAY_HELD_MAX.
 * Returns the bytes put there.
 */
size_t replay_filter(struct replay_filter *f, const char *data, size_t len, char *out);
/* The replay is over: what is held back was not complete, so it is asked now. out has room for
 * REPLAY_HELD_MAX. */
size_t replay_filter_end(struct replay_filter *f, char *out);
