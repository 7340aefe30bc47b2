/* SPDX-License-Identifier: Apache-2.0 */
/* The numbered events of a session; see history.h. */
#include "shim/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const char *const names[] = {
	[EVENT_STARTED] = "started", [EVENT_OOM] = "oom",       [EVENT_PAUSED] = "paused",
	[EVENT_RESUMED] = "resumed", [EVENT_EXITED] = "exited", [EVENT_ENDED] = "ended",
};

void history_init(struct history *h, uint64_t before)
{
	h->before = h->last = before;
}

void history_add(struct history *h, enum event_kind kind, int64_t at_ns)
{
	h->last++;
	h->kept[h->last % HISTORY_MAX] = (struct event){ kind, at_ns };
	if (h->last - h->before > HISTORY_MAX)
		h->before = h->last - HISTORY_MAX;
}

const struct event *history_get(const struct history *h, uint64_t number)
{
	if (number <= h->before || number > h->last)
		return NULL;
	return &h->kept[number % HISTORY_MAX];
}

const char *event_name(enum event_kind kind)
{
	return names[kind];
}

int history_write(const struct history *h, struct buf *b)
{
	int r = buf_printf(b, "%" PRIu64, h->before);

	for (uint64_t n = h->before + 1; n <= h->last && r >= 0; n++)
		r = buf_printf(b, " %s %" PRId64, event_name(history_get(h, n)->kind),
		               history_get(h, n)->at_ns);
	return r;
}

int history_read(const char *text, struct history *ret)
{
	int64_t before;
	int used;

	/* Signed, since "-1" is a number to scanf either way; and so it can be counted on from. */
	if (sscanf(text, "%" SCNd64 "%n", &before, &used) != 1 || before < 0)
		return -EINVAL;
	history_init(ret, (uint64_t)before);
	for (text += used; *text; text += used) {
		char name[16];
		int64_t at_ns;
		size_t kind = 0;

		if (sscanf(text, " %15[a-z] %" SCNd64 "%n", name, &at_ns, &used) != 2)
			return -EINVAL;
		while (kind < ARRAY_SIZE(names) && !streq(names[kind], name))
			kind++;
		if (kind == ARRAY_SIZE(names))
			return -EINVAL;
		history_add(ret, (enum event_kind)kind, at_ns);
	}
	return 0;
}
