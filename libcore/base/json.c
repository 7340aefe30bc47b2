/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON on cJSON, with its traps closed. cJSON reads numbers as doubles, cuts strings at NUL escapes
 * and accepts trailing text, duplicate keys and bytes that are not UTF-8. So a strict scan of our
 * own comes first: it accepts exactly RFC 8259 (less NUL escapes and lone surrogates) and writes a
 * copy for cJSON in which each number that a double may not hold, or that is not an integer, is a
 * string
 * "\u0001<digits>". After parsing, these become cJSON_Raw items with the digits as text; genuine
 * strings that begin with U+0001 travel with that character doubled, so the mark cannot be forged.
 * The same walk finds duplicate keys, which only show once escapes are decoded.
 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define JSON_SIZE_MAX  (16U << 20)
#define JSON_DEPTH_MAX 64
#define JSON_TOKEN_MAX 1000000
#define EXACT_DIGITS   15 /* every integer of so many digits is a double */
#define MARK           '\x01'

struct scan {
	const char *start;
	const char *p;
	const char *end;
	unsigned int depth;
	unsigned int tokens;
	struct buf out;
	struct err *err;
};

void json_free_ptr(cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}

/* Fail at the current place. */
static int bad(struct scan *s, int code, const char *what)
{
	unsigned long line = 1, column = 1;

	for (const char *q = s->start; q < s->p; q++) {
		column++;
		if (*q == '\n') {
			line++;
			column = 1;
		}
	}
	return err_text(s->err, code, "JSON: line %lu, column %lu: %s", line, column, what);
}

static int out_of_room(struct scan *s, int r)
{
	return r < 0 ? err_set(s->err, r, "JSON: copy") : 0;
}

static int peek(const struct scan *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static int count_token(struct scan *s)
{
	return ++s->tokens > JSON_TOKEN_MAX ? bad(s, -EFBIG, "too many values") : 0;
}

/* Four hex digits at s->p; the code unit or -1. */
static int hex4(const struct scan *s)
{
	int v = 0;

	if (s->end - s->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s->p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* Behind "\u": one code point, a surrogate pair being one. */
static int scan_unicode(struct scan *s)
{
	int v = hex4(s);

	if (v < 0)
		return bad(s, -EINVAL, "\\u needs four hex digits");
	if (v == 0)
		return bad(s, -EINVAL, "NUL character in string");
	s->p += 4;
	if (v >= 0xdc00 && v <= 0xdfff)
		return bad(s, -EINVAL, "lone surrogate");
	if (v < 0xd800 || v > 0xdbff)
		return v;
	if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return bad(s, -EINVAL, "lone surrogate");
	s->p += 2;
	v = hex4(s);
	if (v < 0xdc00 || v > 0xdfff)
		return bad(s, -EINVAL, "lone surrogate");
	s->p += 4;
	return v;
}

/* One character or escape of a string; its value where that fits a byte, else anything larger. */
static int scan_char(struct scan *s)
{
	int c = peek(s);
	size_t n;

	if (c < 0)
		return bad(s, -EINVAL, "unterminated string");
	if (c < 0x20)
		return bad(s, -EINVAL, "control character in string");
	if (c == '\\') {
		s->p++;
		c = peek(s);
		if (c <= 0 || !strchr("\"\\/bfnrtu", c)) /* strchr() finds the NUL too */
			return bad(s, -EINVAL, "invalid escape");
		s->p++;
		return c == 'u' ? scan_unicode(s) : c;
	}
	n = text_utf8(s->p, (size_t)(s->end - s->p));
	if (n == 0)
		return bad(s, -EINVAL, "invalid UTF-8");
	s->p += n;
	return c;
}

static int scan_string(struct scan *s, bool is_key)
{
	const char *begin = s->p++;
	bool first = true, doubled = false;
	int r;

	while (peek(s) != '"') {
		int c = scan_char(s);

		if (c < 0)
			return c;
		if (first && c == MARK)
			doubled = !is_key;
		first = false;
	}
	s->p++;
	r = buf_puts(&s->out, doubled ? "\"\\u0001" : "\"");
	if (r == 0)
		r = buf_add(&s->out, begin + 1, (size_t)(s->p - begin - 1));
	return out_of_room(s, r);
}

static size_t scan_digits(struct scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - begin);
}

static int scan_number(struct scan *s)
{
	const char *begin = s->p;
	bool negative = *s->p == '-', exact = true;
	size_t n, len;
	int r;

	if (negative)
		s->p++;
	if (peek(s) == '0') {
		s->p++;
		n = 1;
		if (negative)
			exact = false; /* -0 is a double of its own, and no integer to us */
	} else {
		n = scan_digits(s);
	}
	if (n == 0)
		return bad(s, -EINVAL, "invalid value");
	if (peek(s) == '.') {
		s->p++;
		exact = false;
		if (scan_digits(s) == 0)
			return bad(s, -EINVAL, "digits expected after the point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->p++;
		exact = false;
		if (peek(s) == '+' || peek(s) == '-')
			s->p++;
		if (scan_digits(s) == 0)
			return bad(s, -EINVAL, "digits expected in the exponent");
	}
	len = (size_t)(s->p - begin);
	if (exact && n <= EXACT_DIGITS)
		return out_of_room(s, buf_add(&s->out, begin, len));
	r = buf_puts(&s->out, "\"\\u0001");
	if (r == 0)
		r = buf_add(&s->out, begin, len);
	if (r == 0)
		r = buf_puts(&s->out, "\"");
	return out_of_room(s, r);
}

static int scan_literal(struct scan *s)
{
	static const char *const literals[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(literals); i++) {
		size_t len = strlen(literals[i]);

		if ((size_t)(s->end - s->p) < len || memcmp(s->p, literals[i], len) != 0)
			continue;
		s->p += len;
		return out_of_room(s, buf_puts(&s->out, literals[i]));
	}
	return bad(s, -EINVAL, "invalid value");
}

static int scan_value(struct scan *s);

/* `"key":` and the colon's surroundings. */
static int scan_key(struct scan *s)
{
	int r;

	if (peek(s) != '"')
		return bad(s, -EINVAL, "key expected");
	r = count_token(s);
	if (r == 0)
		r = scan_string(s, true);
	if (r < 0)
		return r;
	skip_space(s);
	if (peek(s) != ':')
		return bad(s, -EINVAL, "':' expected");
	s->p++;
	return out_of_room(s, buf_puts(&s->out, ":"));
}

/* An array or object, told by its closing character. */
static int scan_container(struct scan *s, char close)
{
	char open = *s->p;
	int r = 0;

	if (++s->depth > JSON_DEPTH_MAX)
		return bad(s, -EINVAL, "nested too deep");
	s->p++;
	r = out_of_room(s, buf_add(&s->out, &open, 1));
	for (bool first = true; r == 0; first = false) {
		skip_space(s);
		if (first && peek(s) == close)
			break;
		if (close == '}')
			r = scan_key(s);
		if (r == 0)
			r = scan_value(s);
		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) == close)
			break;
		if (peek(s) != ',')
			return bad(s, -EINVAL,
			           close == '}' ? "',' or '}' expected" : "',' or ']' expected");
		s->p++;
		r = out_of_room(s, buf_puts(&s->out, ","));
	}
	if (r < 0)
		return r;
	s->p++;
	s->depth--;
	return out_of_room(s, buf_add(&s->out, &close, 1));
}

static int scan_value(struct scan *s)
{
	int r = count_token(s), c;

	if (r < 0)
		return r;
	skip_space(s);
	c = peek(s);
	if (c < 0)
		return bad(s, -EINVAL, "unexpected end");
	if (c == '{')
		return scan_container(s, '}');
	if (c == '[')
		return scan_container(s, ']');
	if (c == '"')
		return scan_string(s, false);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_literal(s);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

__attribute__((nonnull(1))) static int check_duplicates(const cJSON *object, struct err *err)
{
	size_t n = 0, i = 0;
	_cleanup_free_ const char **keys = NULL;

	for (const cJSON *c = object->child; c; c = c->next)
		n++;
	if (n < 2)
		return 0;
	keys = calloc(n, sizeof(*keys));
	if (!keys)
		return err_set(err, -ENOMEM, "JSON: keys");
	for (const cJSON *c = object->child; c; c = c->next)
		keys[i++] = c->string;
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 1; i < n; i++)
		if (streq(keys[i - 1], keys[i]))
			return err_text(err, -EINVAL, "JSON: duplicate key \"%s\"", keys[i]);
	return 0;
}

/* Undo the marks and refuse duplicate keys. The depth is bounded by the scan. */
__attribute__((nonnull(1))) static int finish(cJSON *j, struct err *err)
{
	if (cJSON_IsString(j) && j->valuestring[0] == MARK) {
		bool genuine = j->valuestring[1] == MARK;

		memmove(j->valuestring, j->valuestring + 1, strlen(j->valuestring));
		if (!genuine)
			j->type = (j->type & ~0xff) | cJSON_Raw;
	}
	if (cJSON_IsObject(j)) {
		int r = check_duplicates(j, err);

		if (r < 0)
			return r;
	}
	if (cJSON_IsObject(j) || cJSON_IsArray(j)) /* ->child only means something here */
		for (cJSON *c = j->child; c; c = c->next) {
			int r = finish(c, err);

			if (r < 0)
				return r;
		}
	return 0;
}

int json_parse(const char *text, size_t len, cJSON **ret, struct err *err)
{
	struct scan s = { .start = text, .p = text, .end = text + len, .err = err };
	_cleanup_json_ cJSON *j = NULL;
	int r;

	if (len > JSON_SIZE_MAX)
		return err_text(err, -EFBIG, "JSON: larger than %u MiB", JSON_SIZE_MAX >> 20);
	s.out.max = (size_t)JSON_SIZE_MAX * 8; /* a number of two bytes grows by eight */
	r = scan_value(&s);
	if (r == 0) {
		skip_space(&s);
		if (s.p != s.end)
			r = bad(&s, -EINVAL, "text behind the end");
	}
	if (r == 0) {
		j = cJSON_ParseWithLength(s.out.data, s.out.len + 1);
		if (!j) /* the scan accepts nothing that cJSON refuses, but for memory */
			r = err_set(err, -ENOMEM, "JSON: parse");
	}
	buf_done(&s.out);
	if (r == 0 && j)
		r = finish(j, err);
	if (r < 0)
		return r;
	*ret = take_ptr(j);
	return 0;
}

const cJSON *json_get(const cJSON *object, const char *key)
{
	const cJSON *j;

	if (!cJSON_IsObject(object))
		return NULL;
	j = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNull(j) ? NULL : j;
}

bool json_is_string(const cJSON *j)
{
	return cJSON_IsString(j) && j->valuestring;
}

/* The digits of a number that is kept as text; NULL: it is not one, or has a fraction. */
static const char *raw_integer(const cJSON *j)
{
	const char *s = cJSON_IsRaw(j) ? j->valuestring : NULL;

	return s && !streq(s, "-0") && s[strspn(s, "-0123456789")] == '\0' ? s : NULL;
}

int json_int64(const cJSON *j, int64_t *ret)
{
	const char *s = raw_integer(j);

	if (s)
		return num_parse_i64(s, ret);
	if (!cJSON_IsNumber(j))
		return -EINVAL;
	*ret = (int64_t)j->valuedouble; /* exact: the scan keeps all others as text */
	return 0;
}

int json_uint64(const cJSON *j, uint64_t *ret)
{
	const char *s = raw_integer(j);

	if (s && *s == '-')
		return -ERANGE;
	if (s)
		return num_parse_u64(s, ret);
	if (!cJSON_IsNumber(j))
		return -EINVAL;
	if (j->valuedouble < 0)
		return -ERANGE;
	*ret = (uint64_t)j->valuedouble;
	return 0;
}

const char *json_get_str(const cJSON *object, const char *key, const char *fallback)
{
	const cJSON *j = json_get(object, key);

	return json_is_string(j) ? j->valuestring : fallback;
}

int64_t json_get_int(const cJSON *object, const char *key, int64_t fallback)
{
	int64_t v;

	return json_int64(json_get(object, key), &v) == 0 ? v : fallback;
}

uint64_t json_get_uint(const cJSON *object, const char *key, uint64_t fallback)
{
	uint64_t v;

	return json_uint64(json_get(object, key), &v) == 0 ? v : fallback;
}

bool json_get_bool(const cJSON *object, const char *key, bool fallback)
{
	const cJSON *j = json_get(object, key);

	return cJSON_IsBool(j) ? cJSON_IsTrue(j) : fallback;
}

int json_str(struct buf *b, const char *s)
{
	return s ? json_strn(b, s, strlen(s)) : buf_puts(b, "null");
}

int json_strn(struct buf *b, const char *s, size_t len)
{
	size_t before = b->len;
	int r = buf_add(b, "\"", 1);

	while (r == 0 && len > 0) {
		char unit[TEXT_UNIT_MAX];
		size_t used, n = text_escape_one(unit, s, len, TEXT_JSON, &used);

		r = buf_add(b, unit, n);
		s += used;
		len -= used;
	}
	if (r == 0)
		r = buf_add(b, "\"", 1);
	if (r < 0 && b->data) { /* all or nothing, as with every append */
		b->len = before;
		b->data[before] = '\0';
	}
	return r;
}
