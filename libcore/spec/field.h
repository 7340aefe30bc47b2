/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: what a JSON object of the configuration may hold, and where it goes.
 *
 * One row per known property: name, kind, offset in the C struct, limits. One walker fills a struct
 * from an object by its table, and one frees it by the same table, so what can be loaded can't
 * leak. The walker keeps the JSON path for messages. Properties without a row are ignored, as the
 * spec demands; one that differs from a row only in case has been given the row's name before
 * (fields_fold).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/names.h"
#include "berth/err.h"
#include "berth/spec.h"

enum field_kind {
	F_BOOL,     /* bool */
	F_OPT_BOOL, /* struct opt_bool */
	F_U16,      /* uint16_t, min..max */
	F_U32,      /* uint32_t, min..max */
	F_U64,      /* uint64_t, min..max */
	F_I64,      /* int64_t, min..max */
	F_OPT_U64,  /* struct opt_u64, min..max */
	F_OPT_I64,  /* struct opt_i64, min..max */
	F_STRING,   /* char *; an empty string is stored as NULL, or refused if required */
	F_STRV,     /* char **; all elements strings */
	F_OBJECT,   /* table sub, on the struct at offset */
	F_ARRAY, /* elem_size each, by parse() or table sub (which also frees); count at n_offset */
	F_MAP,   /* struct spec_kv *, string to string; count at n_offset */
	F_CUSTOM, /* parse() and, where memory is owned, release() */
	F_REFUSED /* known, not implemented: any but an empty value is refused by name */
};

struct load;

struct field {
	const char *name;
	enum field_kind kind;
	bool required;
	bool scalar; /* F_CUSTOM: a number or boolean, for which null is an error as well */
	bool early;  /* only in documents of the early format, ignored in others */
	size_t offset, n_offset;
	int64_t min;
	uint64_t max; /* numbers: largest value; arrays: most entries, 0: any number */
	size_t elem_size;
	size_t present_1; /* offset + 1 of a bool "the property was there"; 0: none */
	const struct field *sub;
	/*
	 * What parse() reads below this property, for fields_fold() and those who list what is
	 * known (the walker does not look at it): a table, and what stands between its names and
	 * this one: "[]" if NULL in an F_ARRAY, "" if NULL elsewhere, ".*" for an object with any
	 * names.
	 */
	const struct field *inner;
	const char *inner_step;
	/* j is never NULL, and a JSON null only for a scalar; member is the struct member (or array element). */
	int (*parse)(struct load *l, const cJSON *j, void *member);
	void (*release)(void *member);
	/* After a sub-table has been walked: defaults and checks that concern one object alone. */
	int (*finish)(struct load *l, void *object);
};

struct load {
	char path[300]; /* where we are: "linux.resources.pids.limit"; cut when longer */
	size_t path_len;
	bool early;         /* the document may use the early format (ociVersion 1.0.0-rcN) */
	bool early_seen;    /* and does */
	const char *bundle; /* NULL: a Process object alone */
	struct buf warnings;
	struct err *err;
};

/* Enter a property or an array element; returns the mark for load_pop(). */
size_t load_push(struct load *l, const char *name);
size_t load_push_index(struct load *l, size_t i);
void load_pop(struct load *l, size_t mark);

/* Fail with "<path>: <text>"; returns code. */
int load_fail(struct load *l, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Fail with -EINVAL one step below: "<path>.<name>: <text>". */
int load_fail_at(struct load *l, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Note "<path>: <text>" as one line of spec->warnings. */
void load_warn(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Before anything else looks at a document: names that differ from a row's in case only become the
 * row's, here and below; of two that are one then, the later counts, and objects are merged. Each
 * is a warning. What is no object is left alone.
 */
void fields_fold(struct load *l, const struct field *table, cJSON *object);
/* Fill base from object by table. 0, or -errno with err set: base may then be partly filled. */
int fields_load(struct load *l, const struct field *table, const cJSON *object, void *base);
/* Free and reset everything that the table's rows own below base. */
void fields_free(const struct field *table, void *base);

/* For custom parsers; each fails with "expected ..." at the current path. */
int field_string(struct load *l, const cJSON *j, const char **ret); /* borrowed */
int field_strv(struct load *l, const cJSON *j, char ***ret);
/* A string out of a closed vocabulary: 'unknown <what> "<string>"'. */
int field_name(struct load *l, const cJSON *j, const struct name_value *table, const char *what,
               int64_t *ret);
/* The numbers of a list of such strings, or'ed into *ret. */
int field_flags(struct load *l, const cJSON *j, const struct name_value *table, const char *what,
                uint64_t *ret);
const cJSON *field_member(const cJSON *object, const char *name); /* NULL: absent; may be null */
