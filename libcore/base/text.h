/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making foreign bytes safe to print: UTF-8 checking and escaping, shared by messages, log records
 * and JSON output. Nothing here allocates.
 */
#pragma once

#include <stddef.h>

enum text_style {
	TEXT_PLAIN,  /* control characters and invalid bytes become \n, \t, \x1b, \u0085 */
	TEXT_QUOTED, /* the same, and " and \ get a backslash: for inside double quotes */
	TEXT_JSON,   /* inside a JSON string; invalid UTF-8 becomes U+FFFD */
};

#define TEXT_UNIT_MAX 8 /* longest output of text_escape_one() and its NUL */

/*
 * Length of the UTF-8 sequence at s (1..4), 0 when it is invalid, over-long, a surrogate, above
 * U+10FFFF or cut off. len must not be 0.
 */
size_t text_utf8(const char *s, size_t len);
/* Escape one character of src into dst; returns the output's length, *ret_used bytes were eaten. */
size_t text_escape_one(char dst[static TEXT_UNIT_MAX], const char *src, size_t len,
                       enum text_style style, size_t *ret_used);
/*
 * Escape src into dst, which is always terminated (cap > 0) and never ends within a character or an
 * escape. What does not fit is left out and marked by "..." where cap allows. Returns the length.
 */
size_t text_escape(char *dst, size_t cap, const char *src, size_t len, enum text_style style);
/* Undo, in place, the octal escapes ("\040") of the tables of mounts in /proc; proc(5). */
void text_unescape_octal(char *s);
