/* SPDX-License-Identifier: Apache-2.0 */
/* The method Upgrade: become another build of this program without losing anything. */
#pragma once

#include "shim/shim.h"

/* Descriptors that come with the call, in this order; the last one not with `check`. */
enum upgrade_fd { UPGRADE_TEXT, UPGRADE_DATA, UPGRADE_EXE };

/*
 * The call: what the other reads is version oldest to newest. Answered at the flush point
 * (upgrade_step()), or at once when it can't be done.
 */
void upgrade_ask(struct client *c, int64_t oldest, int64_t newest, bool check);

/*
 * A client waits (PENDING_UPGRADE): do it; or, in the new shim, say that it was done. Either way it
 * has its answer when this returns.
 */
void upgrade_step(struct client *c);
