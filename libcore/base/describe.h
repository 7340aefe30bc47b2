/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description of what would be done: steps, what each of them does to what, and notes (dangers,
 * what has no effect, what would be refused). Modules put items into it from the very plans that
 * they carry out otherwise; only the two writers below know how it looks. Nothing here decides,
 * and nothing touches the system.
 *
 * An item belongs to the last step that was begun, its members to the last item. `path` is the JSON
 * path of config.json that an item comes from, in the form of error messages ("mounts[2]"), NULL
 * for what comes from no property.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum desc_note_kind {
	DESC_REFUSED,   /* create would fail by this */
	DESC_DANGER,    /* weakens what a container keeps apart */
	DESC_NO_EFFECT, /* asked for and not to be had here, or without a use */
	DESC_NOTE_KINDS
};

enum desc_value_kind { DESC_STRING, DESC_NUMBER, DESC_BOOL, DESC_LIST };

struct desc_member {
	const char *key; /* borrowed: a literal */
	enum desc_value_kind kind;
	char *text;  /* owned; numbers in decimal, "true"; NULL for a list */
	char **list; /* owned */
};

struct desc_item {
	const char *kind; /* borrowed: a literal */
	char *path;       /* owned, NULL: none */
	struct desc_member *members;
	size_t n_members;
};

struct desc_step {
	const char *side, *name, *what; /* borrowed: literals of the step tables */
	struct desc_item *items;
	size_t n_items;
};

struct desc_note {
	enum desc_note_kind kind;
	char *path, *text; /* owned; path may be NULL */
};

struct desc {
	struct desc_step *steps;
	size_t n_steps;
	struct desc_note *notes;
	size_t n_notes;
};

void desc_done(struct desc *d);
void desc_step(struct desc *d, const char *side, const char *name, const char *what);
/* Begin an item of the last step. path may be NULL. */
void desc_item(struct desc *d, const char *kind, const char *path);
/* The same with "<array>[<i>]" as its path. */
void desc_item_at(struct desc *d, const char *kind, const char *array, size_t i);
/* Members of the last item. The first one is its object: the text form shows no key for it. */
void desc_str(struct desc *d, const char *key, const char *value); /* NULL: left out */
void desc_fmt(struct desc *d, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void desc_int(struct desc *d, const char *key, int64_t value);
void desc_uint(struct desc *d, const char *key, uint64_t value);
void desc_flag(struct desc *d, const char *key, bool value);        /* false: left out */
void desc_list(struct desc *d, const char *key, char *const *list); /* NULL: left out */
/* path may be NULL. */
void desc_note(struct desc *d, enum desc_note_kind kind, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool desc_has_note(const struct desc *d, enum desc_note_kind kind);

/* For people: one line for an item, foreign text escaped. */
void desc_write_text(const struct desc *d, struct buf *b);
/* `"steps": [...], "notes": [...]`, the members of an object that the caller opens and closes. */
void desc_write_json(const struct desc *d, struct buf *b);
