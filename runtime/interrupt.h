/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT while something is being made: not acted upon where they
 * arrive, so that what was begun can be undone. They are blocked from interrupt_block() on and
 * looked for at the points where undoing is possible.
 */
#pragma once

#include <stdbool.h>

#include "berth/err.h"

void interrupt_block(void);
/* Readable when one is pending; owned by the module. -1 when not blocked. */
int interrupt_fd(void);
/* -EINTR with exit status 128+n when one is pending, else 0. */
int interrupt_check(struct err *err);
