/* SPDX-License-Identifier: Apache-2.0 */
/* Modes of a terminal: see term_modes.h. */
#include "runtime/term_modes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT, ESCAPE, CSI, PRIVATE };

/* In the order in which they are taken back: the screen last, since it brings its cursor along. */
static const struct {
	unsigned int number;
	bool at_first; /* is it on at first? */
} modes[] = {
	{ 1, false },    /* other codes of the cursor keys */
	{ 66, false },   /* ... of the keypad; ESC = and ESC > too */
	{ 7, true },     /* lines wrap around */
	{ 6, false },    /* rows count from the scrolling region */
	{ 9, false },    /* reports of the mouse: of clicks ... */
	{ 1000, false }, /* ... and releases */
	{ 1002, false }, /* ... drags */
	{ 1003, false }, /* ... all movements */
	{ 1005, false }, /* ... how they are written */
	{ 1006, false }, { 1015, false }, { 1004, false }, /* reports of the focus */
	{ 2004, false },                                   /* pasted text in brackets */
	{ 47, false }, /* the alternate screen, in three dialects */
	{ 1047, false }, { 1049, false }, { 25, true }, /* the cursor is seen */
};

_Static_assert(ARRAY_SIZE(modes) <= 32, "they are bits of a number");

static void set_mode(struct term_modes *m, unsigned int number, bool on)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (modes[i].number != number)
			continue;
		if (on == modes[i].at_first)
			m->changed &= ~(1U << i);
		else
			m->changed |= 1U << i;
	}
}

static int after_escape(struct term_modes *m, char c)
{
	if (c == '[')
		return CSI;
	if (c == '=' || c == '>')
		set_mode(m, 66, c == '=');
	if (c == 'c') /* a reset of all */
		m->changed = 0;
	return TEXT;
}

static int in_private(struct term_modes *m, char c)
{
	unsigned int *number = &m->number[m->n];

	if (c >= '0' && c <= '9') {
		*number = *number < 100000 ? *number * 10 + (unsigned int)(c - '0') : *number;
		return PRIVATE;
	}
	if (c == ';' && m->n < TERM_MODES_PARAMS - 1) {
		m->number[++m->n] = 0;
		return PRIVATE;
	}
	if (c == 'h' || c == 'l')
		for (int i = 0; i <= m->n; i++)
			set_mode(m, m->number[i], c == 'h');
	return TEXT;
}

void term_modes_see(struct term_modes *m, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (m->state == TEXT) {
			const char *next = memchr(data + i, '\033', len - i);

			if (!next)
				return;
			i = (size_t)(next - data);
			m->state = ESCAPE;
		} else if (c == '\033') {
			m->state = ESCAPE;
		} else if (m->state == ESCAPE) {
			m->state = after_escape(m, c);
		} else if (m->state == CSI) {
			m->state = c == '?' ? PRIVATE : TEXT;
			m->n = 0;
			m->number[0] = 0;
		} else {
			m->state = in_private(m, c);
		}
	}
}

size_t term_modes_reset(const struct term_modes *m, char out[static TERM_MODES_OUT])
{
	size_t n = 0;

	if (!m->changed)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (m->changed & 1U << i)
			n += (size_t)snprintf(out + n, TERM_MODES_OUT - n, "\033[?%u%c",
			                      modes[i].number, modes[i].at_first ? 'h' : 'l');
	/* Colours and a scrolling region go without being asked for: to set them costs nothing. */
	n += (size_t)snprintf(out + n, TERM_MODES_OUT - n, "\033[m");
	return n;
}
