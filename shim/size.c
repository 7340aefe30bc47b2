/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose size the terminal has. It belongs to one client: of those that did not ask only to look and
 * that have said how large they are, to the one that attached last. What the others say is
 * remembered; when the owner leaves, or says that it has no size any more, the terminal gets that of
 * the next. Who owns it follows from the clients alone, so there is nothing to hand over but them.
 */
#include "shim/shim.h"

static struct client *owner(struct shim *shim)
{
	struct client *last = NULL;

	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		struct client *c = shim->clients[i];

		if (c && !c->dead && c->mode == CLIENT_ATTACHED && c->rows &&
		    (!last || c->order > last->order))
			last = c;
	}
	return last;
}

static void apply(const struct client *c)
{
	if (c)
		(void)stdio_resize(c->shim, c->rows, c->cols, false);
}

void size_say(struct client *c, uint16_t rows, uint16_t cols, bool redraw)
{
	struct client *before = owner(c->shim);
	bool none = !rows || !cols;

	if (c->readonly)
		return;
	c->rows = none ? 0 : rows;
	c->cols = none ? 0 : cols;
	if (owner(c->shim) == c)
		(void)stdio_resize(c->shim, rows, cols, redraw);
	else if (before == c)
		apply(owner(c->shim));
}

void size_gone(struct client *c)
{
	struct client *next = owner(c->shim);

	/* Who was not the owner takes nothing along: a size set by Resize stays as it is. */
	if (c->rows && next && c->order > next->order)
		apply(next);
}
