/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 and escaping. The invariant that matters: output holds no byte below 0x20, no DEL and no C1
 * control, so a name that came out of a container can neither forge a log line nor drive a
 * terminal.
 */
#include "base/text.h"
#include "base/knockout.h"

#include <stdbool.h>

#include <stdio.h>
#include <string.h>

size_t text_utf8(const char *s, size_t len)
{
	/* Per lead byte: length, and the range of the second byte that excludes over-long forms,
	 * surrogates and everything above U+10FFFF (Unicode table 3-7). */
	const unsigned char *u = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need;

	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		need = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		need = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (u[0] == 0xe0)
		lo = 0xa0;
	else if (u[0] == 0xed)
		hi = 0x9f;
	else if (u[0] == 0xf0)
		lo = 0x90;
	else if (u[0] == 0xf4)
		hi = 0x8f;
	if (len < need || u[1] < lo || u[1] > hi)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

/* The letter of a two-character escape, or 0. */
static char short_escape(unsigned char c, enum text_style style)
{
	switch (c) {
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	case '\b':
		return style == TEXT_JSON ? 'b' : 0;
	case '\f':
		return style == TEXT_JSON ? 'f' : 0;
	case '"':
	case '\\':
		return style == TEXT_PLAIN ? 0 : (char)c;
	default:
		return 0;
	}
}

size_t text_escape_one(char dst[static TEXT_UNIT_MAX], const char *src, size_t len,
                       enum text_style style, size_t *ret_used)
{
	unsigned char c = (unsigned char)src[0];
	size_t n = text_utf8(src, len);
	char letter = short_escape(c, style);

	*ret_used = n ? n : 1;
	if (letter)
		return snprintf(dst, TEXT_UNIT_MAX, "\\%c", letter);
	if (n == 0 && style == TEXT_JSON)
		return snprintf(dst, TEXT_UNIT_MAX, "\xef\xbf\xbd");
	if (n == 0 || c < 0x20 || c == 0x7f)
		return snprintf(dst, TEXT_UNIT_MAX, style == TEXT_JSON ? "\\u%04x" : "\\x%02x", c);
	if (n == 2 && c == 0xc2 &&
	    (unsigned char)src[1] < 0xa0) /* C1: 0x9b is a CSI to terminals */
		return snprintf(dst, TEXT_UNIT_MAX, "\\u%04x", (unsigned char)src[1]);
	memcpy(dst, src, n);
	dst[n] = '\0';
	return n;
}

size_t text_escape(char *dst, size_t cap, const char *src, size_t len, enum text_style style)
{
	size_t out = 0, mark = 0;

	while (len > 0) {
		char unit[TEXT_UNIT_MAX];
		size_t used, n = text_escape_one(unit, src, len, style, &used);

		if (knocked_out("escaped-text")) {
			unit[0] = *src;
			used = n = 1;
		}
		if (out + n >= cap) {
			if (cap > 3) {
				memcpy(dst + mark, "...", 3);
				out = mark + 3;
			}
			break;
		}
		memcpy(dst + out, unit, n);
		out += n;
		if (out + 3 < cap) /* the last place where "..." still fits behind */
			mark = out;
		src += used;
		len -= used;
	}
	dst[out] = '\0';
	return out;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void text_unescape_octal(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && is_octal(s[2]) &&
		    is_octal(s[3])) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}
