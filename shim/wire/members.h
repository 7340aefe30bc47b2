/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a hand-over: one table drives writer, reader and the treatment of descriptors, so that
 * a member can not be written and not read, or be kept open and not accounted for.
 *
 * Names are part of the format and independent of the C side: structures may change freely from one
 * build to the next. To add a member is to add a row; the rules that make this safe are
 *
 *	absent    the reader leaves the field as it found it: a default, unless the row is
 *`required` unknown   ignored, unless the name begins with "must-": then the whole text is refused
 *	"must-"   not written while the field is 0 (or the descriptor invalid): an older reader need
 *		  refuse only what it would really lose
 *	since     not written to a text of an older version
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "berth/err.h"

enum member_kind {
	K_STRING,  /* const char *; min, max: bytes */
	K_FD,      /* int, negative: none */
	K_BOOL,    /* bool */
	K_INT,     /* int, pid_t, enum */
	K_UINT,    /* unsigned int */
	K_U16,     /* uint16_t */
	K_I64,     /* int64_t */
	K_U64,     /* uint64_t; bounds do not apply */
	K_SIZE,    /* size_t */
	K_SECONDS, /* double; in the text: integer nanoseconds */
};

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset;
	int64_t min, max; /* of numbers, and of the lengths of strings */
	bool required;
	int since; /* version of the format; 0: always */
};

/* MEMBER("name", struct type, field, K_..., min, max, .required = true ...) */
#define MEMBER(text, type, field, what, lo, hi, ...)                                          \
	{                                                                                     \
		.name = (text), .kind = (what), .offset = offsetof(type, field), .min = (lo), \
		.max = (hi), __VA_ARGS__                                                      \
	}
#define MEMBER_NS(text, type, field) MEMBER(text, type, field, K_I64, 0, INT64_MAX)

/* Descriptors that a text names. */
#define CLAIMS_MAX 1024
struct claims {
	bool unchecked; /* the text is only looked at: nothing is open here */
	size_t n;
	struct {
		int fd;
		const char *name;
	} list[CLAIMS_MAX];
};

/*
 * Append `"name":value` of each row, separated by commas, with a comma before the first unless
 * *first; *first becomes false. 0, -ENOMEM, -EFBIG.
 */
int members_write(struct buf *b, const struct member *rows, size_t n, const void *base, int version,
                  bool *first);

/*
 * Read the rows from object into base. Descriptors are checked (open, claimed by nobody else) and
 * added to claims. strings: room for them, advanced; at most as long as the text they come from.
 * -EINVAL with the name of the member that is wrong.
 */
int members_read(const cJSON *object, const struct member *rows, size_t n, void *base,
                 struct claims *claims, char **strings, struct err *err);

/* -EOPNOTSUPP: a "must-" member of object is in none of the tables (at most two; NULL: none). */
int members_check_known(const cJSON *object, const struct member *a, size_t na,
                        const struct member *b, size_t nb, struct err *err);

/* Call fn for each descriptor of the rows that is valid; stops at the first negative result. */
int members_each_fd(const struct member *rows, size_t n, const void *base,
                    int (*fn)(int fd, void *arg), void *arg);

/* Set close-on-exec on all claimed and close every other descriptor from 3 on. */
int claims_keep_only(struct claims *c, struct err *err);
