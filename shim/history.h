/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has happened to a session, in the order in which it did: numbered from 1, the last
 * HISTORY_MAX kept. A client that names the last number it has seen is told all that came after it.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define HISTORY_MAX 64 /* only pausing can happen more often than once */

enum event_kind {
	EVENT_STARTED,
	EVENT_OOM,
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_EXITED,
	EVENT_ENDED /* of all output: nothing comes after it */
};

struct event {
	enum event_kind kind;
	int64_t at_ns; /* CLOCK_REALTIME, as it came to be known */
};

struct history {
	struct event kept[HISTORY_MAX];
	uint64_t before; /* number of the last one that is not kept; 0: all are */
	uint64_t last;   /* number of the newest */
};

/* before: what an earlier shim may have counted to; 0 for the first one of a session. */
void history_init(struct history *h, uint64_t before);
void history_add(struct history *h, enum event_kind kind, int64_t at_ns);
/* NULL: it has not happened, or is no longer kept. */
const struct event *history_get(const struct history *h, uint64_t number);
const char *event_name(enum event_kind kind);

/* As text without quotes, for a shim to come. 0 or -errno; -EINVAL: not such a text. */
int history_write(const struct history *h, struct buf *b);
int history_read(const char *text, struct history *ret);
