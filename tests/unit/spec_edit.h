/* SPDX-License-Identifier: Apache-2.0 */
/* Load variants of the default document: one or two edits at JSON pointers, one expected outcome.
 */
#pragma once

#include "berth/spec.h"

struct edit_case {
	const char *at;    /* "/process/args/0"; a last "-" appends to an array */
	const char *value; /* JSON text, put in as it is; NULL: the property is deleted */
	const char
	    *expect; /* NULL: accepted; else the error message, or its beginning before '*' */
	int code;    /* 0: -EINVAL */
	const char *at2, *value2;
};

/* Cases of one edit: accepted, refused as invalid, refused as not implemented. */
#define OK(where, text)                        \
	{                                      \
		.at = (where), .value = (text) \
	}
#define BAD(where, text, message)                                   \
	{                                                           \
		.at = (where), .value = (text), .expect = (message) \
	}
#define REFUSED(where, text, message)                                                    \
	{                                                                                \
		.at = (where), .value = (text), .expect = (message), .code = -EOPNOTSUPP \
	}

#define RES "/linux/resources"
/* A list of one device, with more members. */
#define DEV(text) "[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":2" text "}]"
/* A seccomp profile of one rule: its members, or what an action with an errno has beside it. */
#define RULE(text)  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{" text "}]}"
#define ERRNO(text) RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\"" text)

/* The document as text; caller frees. */
char *spec_edited(const struct edit_case *c);
/* Load the edited document. */
int spec_load_edited(const struct edit_case *c, struct spec **ret, struct err *err);
/* Load each and compare; fails the running test with the number of the case that is wrong. */
void check_edits(const struct edit_case *cases, size_t n);

/* One edit that must be accepted: the loaded document (caller frees). */
struct spec *spec_with(const char *at, const char *value);
