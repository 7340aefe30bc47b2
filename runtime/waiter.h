/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for the end of one process, so that many can be waited for at once. A waiter asks whoever
 * knows best, and goes on to the next when that one goes away:
 *
 *	shim      a pending Wait on its socket
 *	record    exit.json, which outlives shim, runtime and log-in session
 *	kernel    a pidfd: says when, and from 6.15 on how, once the parent has collected the status
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/session_ref.h"
#include "shim/wire/client.h"
#include "shim/wire/exit_record.h"

enum waiter_state {
	WAITER_SHIM,
	WAITER_PROCESS, /* no shim: until the pidfd says that it has ended */
	WAITER_REAP,    /* until the parent has collected and perhaps recorded it */
	WAITER_DONE
};

struct waiter {
	struct session_ref ref; /* the caller's to open; closed by waiter_done() */
	enum waiter_state state;
	struct shim_client shim;
	int pidfd;
	bool seen_alive; /* so that the time of the end is when we see it */
	int tries;
	int64_t due_ms; /* WAITER_REAP: when to look again (CLOCK_MONOTONIC) */
	struct exit_record rec;
	char started_at[EXIT_TIME_SIZE], exited_at[EXIT_TIME_SIZE]; /* "": unknown */
};

/* ref is open. */
void waiter_begin(struct waiter *w);
/* What to poll for POLLIN; negative: nothing. *ret_due_ms: when to call waiter_turn() at the
 * latest, -1: never. */
int waiter_fd(const struct waiter *w, int64_t *ret_due_ms);
/* Something may have happened. */
void waiter_turn(struct waiter *w);
/* Time is up: is there a record all the same? (A shim may not have come to answering.) */
void waiter_last_look(struct waiter *w);
void waiter_done(struct waiter *w);
