/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions in what is replayed: see replay_filter.h. The parser knows the shape of sequences (ESC,
 * CSI, strings; C1 controls as single bytes and in UTF-8), the tables which of them are questions.
 */
#include "runtime/replay_filter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ENQ 0x05
#define BEL 0x07
#define CAN 0x18
#define SUB 0x1a
#define ESC 0x1b

enum { TEXT, C1_IN_UTF8, ESCAPE, CSI, STRING, STRING_ESCAPE, STRING_UTF8 };

/* Room for one more byte and the end of a string. */
#define FULL (REPLAY_HELD_MAX - 2)

/* CSI, private character, numbers, intermediate character, final character. 0: there is none. */
static const struct {
	char private, between, final;
} questions[] = {
	{ 0, 0, 'c' },   { '>', 0, 'c' },   { '=', 0, 'c' },  /* device attributes */
	{ 0, 0, 'n' },   { '?', 0, 'n' },                     /* status, cursor */
	{ 0, 0, 'x' },                                        /* terminal parameters */
	{ '>', 0, 'q' },                                      /* version */
	{ '?', 0, 'u' }, { '?', 0, 'm' },   { '?', 0, 'S' },  /* keyboard, keys, graphics */
	{ 0, '$', 'p' }, { '?', '$', 'p' },                   /* modes */
	{ 0, '$', 'w' }, { 0, '$', 'u' },   { 0, '&', 'u' },  /* presentation, state, charset */
	{ 0, '*', 'y' }, { 0, '"', 'v' },                     /* checksum, displayed extent */
	{ 0, '#', 'R' }, { 0, '#', '|' },   { 0, '\'', '|' }, /* colours, rendition, locator */
};

/* Operations on the window that report something. */
static const long window_reports[] = { 11, 13, 14, 15, 16, 18, 19, 20, 21 };

static bool is_window_report(const char *numbers)
{
	long n = strtol(numbers, NULL, 10);

	for (size_t i = 0; i < ARRAY_SIZE(window_reports); i++)
		if (n == window_reports[i])
			return true;
	return false;
}

/* s: what is between CSI and the final character, terminated. */
static bool csi_asks(const char *s, char final)
{
	char private = *s >= '<' && *s <= '?' ? *s : 0, between;
	size_t len = strlen(s);

	between = len && s[len - 1] >= 0x20 && s[len - 1] < 0x30 ? s[len - 1] : 0;
	if (final == 't' && !private && !between)
		return is_window_report(s);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (questions[i].final == final && questions[i].private == private &&
		    questions[i].between == between)
			return true;
	return false;
}

/* Has it a parameter "?"; with equals: one that ends in "=?"? */
static bool has_question(const char *s, bool equals)
{
	for (; *s; s += *s == ';') {
		size_t n = strcspn(s, ";");

		if (n && s[n - 1] == '?' && (equals ? n > 1 && s[n - 2] == '=' : n == 1))
			return true;
		s += n;
	}
	return false;
}

static bool osc_asks(const char *s)
{
	long number = strtol(s, NULL, 10);

	if (number <= 2 || number == 8) /* titles and links are what they are */
		return false;
	if (number == 1337) /* ReportCellSize, ReportVariable */
		return strncmp(s, "1337;Report", strlen("1337;Report")) == 0;
	return has_question(s, number == 21);
}

/* kind: 'P' DCS, ']' OSC, '_' APC. s: its inside, terminated. */
static bool string_asks(char kind, const char *s)
{
	if (kind == ']')
		return osc_asks(s);
	if (kind == 'P') {
		s += strspn(s, "0123456789;");
		return strncmp(s, "$q", 2) == 0 || strncmp(s, "+q", 2) == 0;
	}
	return kind == '_' && *s == 'G' && strstr(s, "a=q"); /* graphics: is this supported? */
}

/* What is held back is no question, or not a whole one. */
static size_t let_go(struct replay_filter *f, char *out)
{
	size_t n = f->n;

	memcpy(out, f->held, n);
	f->n = 0;
	f->state = TEXT;
	return n;
}

static size_t drop(struct replay_filter *f)
{
	f->n = 0;
	f->state = TEXT;
	return 0;
}

static void hold(struct replay_filter *f, char c, int state)
{
	f->held[f->n++] = c;
	f->state = state;
}

/* The inside is complete: n bytes of what is held belong to it or come before it. */
static size_t string_end(struct replay_filter *f, size_t n, char *out)
{
	char after = f->held[n];
	bool asks;

	f->held[n] = '\0';
	asks = string_asks(f->kind, f->held + f->start);
	f->held[n] = after;
	return asks ? drop(f) : let_go(f, out);
}

/* The introducer is held. kind: as behind ESC. */
static size_t enter(struct replay_filter *f, char kind, char *out)
{
	f->kind = kind;
	f->start = f->n;
	f->utf8_left = 0;
	if (kind == 'Z')
		return drop(f);
	if (kind != '[' && kind != ']' && kind != 'P' && kind != '_')
		return let_go(f, out);
	f->state = kind == '[' ? CSI : STRING;
	return 0;
}

/* The character behind ESC that means the same as this C1 control; 0: none that matters. */
static char of_c1(unsigned char c)
{
	return c == 0x9a || c == 0x9b || c == 0x90 || c == 0x9d || c == 0x9f ? (char)(c - 0x40) : 0;
}

/* Is it part of a character that began before? */
static bool continues(struct replay_filter *f, unsigned char c)
{
	if (f->utf8_left > 0 && (c & 0xc0) == 0x80) {
		f->utf8_left--;
		return true;
	}
	f->utf8_left = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc3 ? 1 : 0;
	return false;
}

static size_t in_text(struct replay_filter *f, char c, char *out)
{
	unsigned char u = (unsigned char)c;

	if (!continues(f, u)) {
		if (u == ENQ)
			return 0;
		if (u == ESC || u == 0xc2 || of_c1(u)) {
			hold(f, c, u == ESC ? ESCAPE : C1_IN_UTF8);
			return of_c1(u) ? enter(f, of_c1(u), out) : 0;
		}
	}
	*out = c;
	return 1;
}

static size_t in_c1(struct replay_filter *f, char c, char *out)
{
	unsigned char u = (unsigned char)c;
	size_t n;

	if (of_c1(u)) {
		hold(f, c, TEXT);
		return enter(f, of_c1(u), out);
	}
	n = let_go(f, out);
	f->utf8_left = 1;
	return n + in_text(f, c, out + n);
}

static size_t in_escape(struct replay_filter *f, char c, char *out)
{
	size_t n;

	if (c != ESC && c != ENQ) {
		hold(f, c, TEXT);
		return enter(f, c, out);
	}
	n = c == ESC ? let_go(f, out) : 0;
	if (c == ESC)
		hold(f, c, ESCAPE);
	return n;
}

static size_t in_csi(struct replay_filter *f, char c, char *out)
{
	unsigned char u = (unsigned char)c;
	size_t n;

	if (u == ESC) {
		n = let_go(f, out);
		hold(f, c, ESCAPE);
		return n;
	}
	if (u >= 0x40 && u < 0x7f) {
		f->held[f->n] = '\0';
		if (csi_asks(f->held + f->start, c))
			return drop(f);
	} else if (u >= 0x20 && u < 0x40) {
		hold(f, c, CSI);
		return 0;
	} else if (u < 0x20 && u != CAN && u != SUB) {
		*out = c; /* a control within a sequence is obeyed at once */
		return u != ENQ;
	}
	hold(f, c, TEXT);
	return let_go(f, out);
}

static size_t in_string(struct replay_filter *f, char c, char *out)
{
	unsigned char u = (unsigned char)c;
	bool inside = continues(f, u);

	if (!inside && u == 0xc2) {
		hold(f, c, STRING_UTF8);
		return 0;
	}
	hold(f, c, u == ESC ? STRING_ESCAPE : STRING);
	if (u == CAN || u == SUB)
		return let_go(f, out);
	if ((u == BEL && f->kind == ']') || (!inside && u == 0x9c))
		return string_end(f, f->n - 1, out);
	return 0;
}

/* Behind ESC or the first byte of a C1 control: is this its end? */
static size_t in_string_end(struct replay_filter *f, char c, char *out)
{
	bool escaped = f->state == STRING_ESCAPE;
	size_t n;

	if ((unsigned char)c == (escaped ? '\\' : 0x9c)) {
		hold(f, c, TEXT);
		return string_end(f, f->n - 2, out);
	}
	if (!escaped) {
		hold(f, c, STRING);
		return 0;
	}
	/* Some take any ESC for the end: what would be a question then is one. */
	f->n--;
	n = string_end(f, f->n, out);
	hold(f, ESC, ESCAPE);
	return n + in_escape(f, c, out + n);
}

static size_t step(struct replay_filter *f, char c, char *out)
{
	switch (f->state) {
	case C1_IN_UTF8:
		return in_c1(f, c, out);
	case ESCAPE:
		return in_escape(f, c, out);
	case CSI:
		return in_csi(f, c, out);
	case STRING:
		return in_string(f, c, out);
	case STRING_ESCAPE:
	case STRING_UTF8:
		return in_string_end(f, c, out);
	default:
		return in_text(f, c, out);
	}
}

size_t replay_filter(struct replay_filter *f, const char *data, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (f->n >= FULL)
			n += let_go(f, out + n);
		n += step(f, data[i], out + n);
	}
	return n;
}

size_t replay_filter_end(struct replay_filter *f, char *out)
{
	return let_go(f, out);
}
