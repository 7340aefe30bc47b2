/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptions: the list and its two forms. What comes from a configuration is foreign text, and is
 * escaped where it is written; what is kept is exact.
 */
#include "base/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"

static const char *const note_words[DESC_NOTE_KINDS] = {
	[DESC_REFUSED] = "refused",
	[DESC_DANGER] = "danger",
	[DESC_NO_EFFECT] = "no-effect",
};

static void item_done(struct desc_item *item)
{
	for (size_t i = 0; i < item->n_members; i++) {
		free(item->members[i].text);
		strv_free(item->members[i].list);
	}
	free(item->members);
	free(item->path);
}

void desc_done(struct desc *d)
{
	for (size_t i = 0; i < d->n_steps; i++) {
		for (size_t k = 0; k < d->steps[i].n_items; k++)
			item_done(&d->steps[i].items[k]);
		free(d->steps[i].items);
	}
	for (size_t i = 0; i < d->n_notes; i++) {
		free(d->notes[i].path);
		free(d->notes[i].text);
	}
	free(d->steps);
	free(d->notes);
	*d = (struct desc){ 0 };
}

/* Room for one more; lists grow by doubling. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : xreallocarray(list, n ? n * 2 : 1, size);
}

void desc_step(struct desc *d, const char *side, const char *name, const char *what)
{
	d->steps = grow(d->steps, d->n_steps, sizeof(*d->steps));
	d->steps[d->n_steps++] = (struct desc_step){ .side = side, .name = name, .what = what };
}

void desc_item(struct desc *d, const char *kind, const char *path)
{
	struct desc_step *step;

	if (d->n_steps == 0)
		desc_step(d, "", "", NULL);
	step = &d->steps[d->n_steps - 1];
	step->items = grow(step->items, step->n_items, sizeof(*step->items));
	step->items[step->n_items++] = (struct desc_item){ .kind = kind, .path = xstrdup(path) };
}

void desc_item_at(struct desc *d, const char *kind, const char *array, size_t i)
{
	_cleanup_free_ char *path = xasprintf("%s[%zu]", array, i);

	desc_item(d, kind, path);
}

static struct desc_member *add(struct desc *d, const char *key, enum desc_value_kind kind)
{
	struct desc_step *step = &d->steps[d->n_steps - 1];
	struct desc_item *item = &step->items[step->n_items - 1];

	item->members = grow(item->members, item->n_members, sizeof(*item->members));
	item->members[item->n_members] = (struct desc_member){ .key = key, .kind = kind };
	return &item->members[item->n_members++];
}

void desc_str(struct desc *d, const char *key, const char *value)
{
	if (value)
		add(d, key, DESC_STRING)->text = xstrdup(value);
}

static char *format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *format(const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

void desc_fmt(struct desc *d, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, key, DESC_STRING)->text = format(fmt, ap);
	va_end(ap);
}

void desc_int(struct desc *d, const char *key, int64_t value)
{
	add(d, key, DESC_NUMBER)->text = xasprintf("%lld", (long long)value);
}

void desc_uint(struct desc *d, const char *key, uint64_t value)
{
	add(d, key, DESC_NUMBER)->text = xasprintf("%llu", (unsigned long long)value);
}

void desc_flag(struct desc *d, const char *key, bool value)
{
	if (value)
		add(d, key, DESC_BOOL)->text = xstrdup("true");
}

void desc_list(struct desc *d, const char *key, char *const *list)
{
	if (list)
		add(d, key, DESC_LIST)->list = strv_dup(list);
}

void desc_note(struct desc *d, enum desc_note_kind kind, const char *path, const char *fmt, ...)
{
	struct desc_note *note;
	va_list ap;

	d->notes = grow(d->notes, d->n_notes, sizeof(*d->notes));
	note = &d->notes[d->n_notes++];
	*note = (struct desc_note){ .kind = kind, .path = xstrdup(path) };
	va_start(ap, fmt);
	note->text = format(fmt, ap);
	va_end(ap);
}

bool desc_has_note(const struct desc *d, enum desc_note_kind kind)
{
	for (size_t i = 0; i < d->n_notes; i++)
		if (d->notes[i].kind == kind)
			return true;
	return false;
}

/* ---- text */

/* A word as it is, anything else in quotes. */
static void put_value(struct buf *b, const char *s)
{
	bool plain = *s != '\0';
	size_t len = strlen(s);

	for (const char *c = s; *c; c++)
		plain = plain && (unsigned char)*c > ' ' && (unsigned char)*c < 0x7f &&
		        !strchr("\"\\'", *c);
	if (plain) {
		buf_puts(b, s);
		return;
	}
	buf_puts(b, "\"");
	while (len > 0) {
		char unit[TEXT_UNIT_MAX];
		size_t used, n = text_escape_one(unit, s, len, TEXT_QUOTED, &used);

		buf_add(b, unit, n);
		s += used;
		len -= used;
	}
	buf_puts(b, "\"");
}

static void put_list(struct buf *b, char *const *list)
{
	if (strv_len(list) == 0)
		buf_puts(b, "none");
	for (char *const *p = list; p && *p; p++) {
		buf_puts(b, p == list ? "" : ",");
		put_value(b, *p);
	}
}

static void put_member(struct buf *b, const struct desc_member *m, bool object)
{
	buf_puts(b, "  ");
	if (m->kind == DESC_BOOL) {
		buf_puts(b, m->key);
		return;
	}
	if (!object)
		buf_printf(b, "%s=", m->key);
	if (m->kind == DESC_LIST)
		put_list(b, m->list);
	else
		put_value(b, m->text);
}

static void put_item(struct buf *b, const struct desc_item *item)
{
	buf_printf(b, "        %-12s", item->kind);
	for (size_t i = 0; i < item->n_members; i++)
		put_member(b, &item->members[i], i == 0);
	if (item->path) {
		buf_puts(b, "  <- ");
		put_value(b, item->path);
	}
	buf_puts(b, "\n");
}

void desc_write_text(const struct desc *d, struct buf *b)
{
	const char *side = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n_steps; i++) {
		const struct desc_step *s = &d->steps[i];

		if (!side || !streq(side, s->side)) {
			buf_printf(b, "%s%s\n", side ? "\n" : "", s->side);
			side = s->side;
			n = 0;
		}
		buf_printf(b, "  %2zu. %s", ++n, s->name);
		if (s->what)
			buf_printf(b, ": %s", s->what);
		buf_puts(b, "\n");
		for (size_t k = 0; k < s->n_items; k++)
			put_item(b, &s->items[k]);
	}
	if (d->n_notes > 0)
		buf_puts(b, "\nnotes\n");
	for (size_t i = 0; i < d->n_notes; i++) {
		const struct desc_note *note = &d->notes[i];
		char line[4096];

		text_escape(line, sizeof(line), note->text, strlen(note->text), TEXT_PLAIN);
		buf_printf(b, "  %-10s %s", note_words[note->kind], line);
		if (note->path) {
			buf_puts(b, "  <- ");
			put_value(b, note->path);
		}
		buf_puts(b, "\n");
	}
}

/* ---- JSON */

static void json_member(struct buf *b, const struct desc_member *m)
{
	buf_puts(b, ", ");
	json_str(b, m->key);
	buf_puts(b, ": ");
	if (m->kind == DESC_STRING) {
		json_str(b, m->text);
	} else if (m->kind == DESC_LIST) {
		buf_puts(b, "[");
		for (char **p = m->list; p && *p; p++) {
			buf_puts(b, p == m->list ? "" : ", ");
			json_str(b, *p);
		}
		buf_puts(b, "]");
	} else {
		buf_puts(b, m->text);
	}
}

static void json_step(struct buf *b, const struct desc_step *s)
{
	buf_puts(b, "    {\"side\": ");
	json_str(b, s->side);
	buf_puts(b, ", \"name\": ");
	json_str(b, s->name);
	buf_puts(b, ", \"what\": ");
	json_str(b, s->what);
	buf_puts(b, ", \"items\": [");
	for (size_t i = 0; i < s->n_items; i++) {
		const struct desc_item *item = &s->items[i];

		buf_puts(b, i ? ",\n      {\"kind\": " : "\n      {\"kind\": ");
		json_str(b, item->kind);
		buf_puts(b, ", \"path\": ");
		json_str(b, item->path);
		for (size_t k = 0; k < item->n_members; k++)
			json_member(b, &item->members[k]);
		buf_puts(b, "}");
	}
	buf_puts(b, "]}");
}

void desc_write_json(const struct desc *d, struct buf *b)
{
	buf_puts(b, "  \"steps\": [");
	for (size_t i = 0; i < d->n_steps; i++) {
		buf_puts(b, i ? ",\n" : "\n");
		json_step(b, &d->steps[i]);
	}
	buf_puts(b, "\n  ],\n  \"notes\": [");
	for (size_t i = 0; i < d->n_notes; i++) {
		buf_printf(b, "%s\n    {\"kind\": \"%s\", \"path\": ", i ? "," : "",
		           note_words[d->notes[i].kind]);
		json_str(b, d->notes[i].path);
		buf_puts(b, ", \"text\": ");
		json_str(b, d->notes[i].text);
		buf_puts(b, "}");
	}
	buf_puts(b, "\n  ]");
}
