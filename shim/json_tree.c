/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shim needs of cJSON: the tree that base/json.c builds and reads. A shim that is linked
 * statically costs half the memory, and distributions have no cJSON for that; and the fewer
 * libraries read what clients send, the better.
 *
 * Only base/json.c calls it, with text that its scan has accepted and written anew: no white space,
 * no depth above 64, no integers above 15 digits. So it need not explain: what is not such a text
 * gives NULL. It is linked into the program only, never beside the real one.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/mem.h"

#define DEPTH_MAX  100
#define DIGITS_MAX 15

struct reader {
	const char *p, *end;
	unsigned int depth;
};

static bool read_value(struct reader *r, cJSON *item);

void cJSON_Delete(cJSON *item)
{
	while (item) {
		cJSON *next = item->next;

		cJSON_Delete(item->child);
		free(item->valuestring);
		free(item->string);
		free(item);
		item = next;
	}
}

static bool take(struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(r->end - r->p) < len || memcmp(r->p, text, len) != 0)
		return false;
	r->p += len;
	return true;
}

/* Four hexadecimal digits; more than 16 bits: they are not there. */
static uint32_t read_hex(struct reader *r)
{
	static const char digits[16] = { '0', '1', '2', '3', '4', '5', '6', '7',
		                         '8', '9', 'a', 'b', 'c', 'd', 'e', 'f' };
	uint32_t v = 0;

	if (r->end - r->p < 4)
		return UINT32_MAX;
	for (int i = 0; i < 4; i++) {
		char c = *r->p++;
		const char *at =
		    memchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c, sizeof(digits));

		if (!at)
			return UINT32_MAX;
		v = v << 4 | (uint32_t)(at - digits);
	}
	return v;
}

static size_t put_utf8(char ret[static 4], uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		ret[i] = (char)(0x80 | (c & 0x3f));
	ret[0] = (char)(n == 1 ? c : c | (0xf00U >> n & 0xf0));
	return n;
}

/* Behind "\u": at most 4 bytes; 0: that is no character. */
static size_t read_unicode(struct reader *r, char ret[static 4])
{
	uint32_t c = read_hex(r), low;

	if (c >= 0xd800 && c < 0xdc00) {
		low = take(r, "\\u") ? read_hex(r) : 0;
		if (low < 0xdc00 || low > 0xdfff)
			return 0;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c == 0 || c >= 0xdc00) {
		return c >= 0xe000 && c <= 0xffff ? put_utf8(ret, c) : 0;
	}
	return put_utf8(ret, c);
}

/* Behind a backslash. */
static size_t read_escape(struct reader *r, char ret[static 4])
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (r->p == r->end)
		return 0;
	if (take(r, "u"))
		return read_unicode(r, ret);
	at = memchr(names, *r->p++, sizeof(names) - 1);
	if (!at)
		return 0;
	ret[0] = values[at - names];
	return 1;
}

/* What stands for a character is never shorter than it. *ret is the caller's to free in any case. */
static bool read_string(struct reader *r, char **ret)
{
	const char *end = r->p + 1;
	char *to;

	if (!take(r, "\""))
		return false;
	while (end < r->end && *end != '"')
		end += *end == '\\' ? 2 : 1;
	if (end >= r->end)
		return false;
	to = *ret = malloc((size_t)(end - r->p) + 1);
	if (!to)
		return false;
	while (r->p < end) {
		size_t n = 1;

		if (take(r, "\\"))
			n = read_escape(r, to);
		else
			*to = *r->p++;
		if (!n)
			return false;
		to += n;
	}
	r->p = end + 1;
	*to = '\0';
	return true;
}

static bool read_number(struct reader *r, cJSON *item)
{
	bool negative = take(r, "-");
	int64_t v = 0;
	int n = 0;

	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9' && n < DIGITS_MAX; n++)
		v = v * 10 + (*r->p++ - '0');
	if (negative)
		v = -v;
	item->type = cJSON_Number;
	item->valuedouble = (double)v;
	item->valueint = v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int)v;
	return n > 0;
}

/* All that is made hangs on the item at once, whatever comes of it. */
static bool read_children(struct reader *r, cJSON *item, bool named)
{
	const char *close = named ? "}" : "]";
	cJSON *last = NULL;

	item->type = named ? cJSON_Object : cJSON_Array;
	if (take(r, close))
		return true;
	do {
		cJSON *child = calloc(1, sizeof(*child));

		if (!child)
			return false;
		child->prev = last;
		if (last)
			last->next = child;
		else
			item->child = child;
		last = child;
		if (named && (!read_string(r, &child->string) || !take(r, ":")))
			return false;
		if (!read_value(r, child))
			return false;
	} while (take(r, ","));
	return take(r, close);
}

static bool read_value(struct reader *r, cJSON *item)
{
	bool named = take(r, "{"), ok;

	if (named || take(r, "[")) {
		if (r->depth >= DEPTH_MAX)
			return false;
		r->depth++;
		ok = read_children(r, item, named);
		r->depth--;
		return ok;
	}
	if (r->p < r->end && *r->p == '"') {
		item->type = cJSON_String;
		return read_string(r, &item->valuestring);
	}
	item->type = take(r, "true")    ? cJSON_True
	             : take(r, "false") ? cJSON_False
	             : take(r, "null")  ? cJSON_NULL
	                                : cJSON_Invalid;
	return item->type != cJSON_Invalid || read_number(r, item);
}

cJSON *cJSON_ParseWithLength(const char *value, size_t buffer_length)
{
	struct reader r = { .p = value, .end = value + strnlen(value, buffer_length) };
	cJSON *item = calloc(1, sizeof(*item));

	if (!item || (read_value(&r, item) && r.p == r.end))
		return item;
	cJSON_Delete(item);
	return NULL;
}

cJSON *cJSON_GetObjectItemCaseSensitive(const cJSON *const object, const char *const string)
{
	cJSON *item = object ? object->child : NULL;

	while (item && !(item->string && streq(item->string, string)))
		item = item->next;
	return item;
}

static cJSON_bool is(const cJSON *item, int types)
{
	return item && (item->type & types);
}

#define TYPE_IS(name, types)                         \
	cJSON_bool cJSON_Is##name(const cJSON *item) \
	{                                            \
		return is(item, types);              \
	}
TYPE_IS(Array, cJSON_Array)
TYPE_IS(Bool, cJSON_True | cJSON_False)
TYPE_IS(Null, cJSON_NULL)
TYPE_IS(Number, cJSON_Number)
TYPE_IS(Object, cJSON_Object)
TYPE_IS(Raw, cJSON_Raw)
TYPE_IS(String, cJSON_String)
TYPE_IS(True, cJSON_True)
