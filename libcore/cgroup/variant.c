/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of a unit from annotations: "org.systemd.property.NAME": "VALUE", the value in the
 * text format of GVariant: true, 5, uint64 5, 1.5, 'text', ['a', 'b'], @as []. Pure.
 *
 * Read are basic types and arrays of them, which is what systemd's settable properties are made
 * of. A NAME that ends in Sec, with a number of seconds, is turned into the one in microseconds
 * that the bus has.
 */
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ENTRIES_MAX 4096

static const struct type {
	const char *keyword;
	char code;
	int bits; /* integers; negative: signed */
} types[] = {
	{ "boolean", 'b', 0 }, { "byte", 'y', 8 },       { "int16", 'n', -16 },
	{ "uint16", 'q', 16 }, { "int32", 'i', -32 },    { "uint32", 'u', 32 },
	{ "int64", 'x', -64 }, { "uint64", 't', 64 },    { "double", 'd', 0 },
	{ "string", 's', 0 },  { "objectpath", 'o', 0 }, { "signature", 'g', 0 },
};

struct reader {
	const char *p;
	char type; /* of the entries; 0: not known yet */
	struct cg_property *out;
};

static const struct type *type_of(char code)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].code == code)
			return &types[i];
	return NULL;
}

static void skip_space(struct reader *r)
{
	r->p += strspn(r->p, " \t\n\r");
}

static bool take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(r->p, word, n) != 0 ||
	    (strchr(LETTERS, word[n - 1]) && r->p[n] && strchr(LETTERS "0123456789", r->p[n])))
		return false;
	r->p += n;
	skip_space(r);
	return true;
}

/* 'it\'s' or "it's" */
static int read_text(struct reader *r)
{
	_cleanup_free_ char *text = xcalloc(strlen(r->p) + 1, 1);
	char quote = *r->p++, *to = text;

	for (; *r->p && *r->p != quote; r->p++) {
		if (*r->p != '\\') {
			*to++ = *r->p;
			continue;
		}
		switch (*++r->p) {
		case 'n':
			*to++ = '\n';
			break;
		case 't':
			*to++ = '\t';
			break;
		case '\\':
		case '\'':
		case '"':
			*to++ = *r->p;
			break;
		default:
			return -EINVAL;
		}
	}
	if (*r->p != quote)
		return -EINVAL;
	r->p++;
	cg_property_push_word(r->out, text);
	return 0;
}

/* Digits with at most one point: as much of a real number as a property needs. */
static int parse_real(const char *s, double *ret)
{
	bool minus = *s == '-', digits = false;
	double v = 0, unit = 1;

	s += minus;
	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		v = v * 10 + (*s - '0');
	s += *s == '.';
	for (; *s >= '0' && *s <= '9'; s++, digits = true)
		v += (*s - '0') * (unit /= 10);
	*ret = minus ? -v : v;
	return digits && *s == '\0' ? 0 : -EINVAL;
}

static int read_number(struct reader *r)
{
	size_t n = strspn(r->p, "+-.0123456789");
	_cleanup_free_ char *text = xstrndup(r->p, n);
	const struct type *type;
	int64_t x = 0;
	uint64_t v = 0;
	double d;

	r->p += n;
	if (!r->type)
		r->type = strchr(text, '.') ? 'd' : 'i';
	type = type_of(r->type);
	if (r->type == 'd') {
		if (parse_real(text, &d) < 0)
			return -EINVAL;
		memcpy(&v, &d, sizeof(v));
	} else if (type->bits < 0) {
		if (num_parse_i64(text, &x) < 0 ||
		    (type->bits > -64 && (x >= INT64_C(1) << (-type->bits - 1) ||
		                          x < -(INT64_C(1) << (-type->bits - 1)))))
			return -ERANGE;
		v = (uint64_t)x;
	} else if (type->bits == 0 || num_parse_u64(text, &v) < 0 ||
	           (type->bits < 64 && v >> type->bits)) {
		return -ERANGE;
	}
	cg_property_push(r->out, v);
	return 0;
}

static int read_basic(struct reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!take(r, types[i].keyword))
			continue;
		if (r->type && r->type != types[i].code)
			return -EINVAL;
		r->type = types[i].code;
		break;
	}
	if (*r->p == '\'' || *r->p == '"') {
		if (!r->type)
			r->type = 's';
		return strchr("sog", r->type) ? read_text(r) : -EINVAL;
	}
	if (strncmp(r->p, "true", 4) == 0 || strncmp(r->p, "false", 5) == 0) {
		bool yes = *r->p == 't';

		if (r->type && r->type != 'b')
			return -EINVAL;
		r->type = 'b';
		r->p += yes ? 4 : 5;
		cg_property_push(r->out, yes);
		return 0;
	}
	if (!*r->p || !strchr("+-.0123456789", *r->p) || (r->type && strchr("sogb", r->type)))
		return -EINVAL;
	return read_number(r);
}

static int read_array(struct reader *r)
{
	r->p++;
	skip_space(r);
	for (size_t i = 0; *r->p != ']'; i++) {
		int k = i < ENTRIES_MAX ? read_basic(r) : -E2BIG;

		if (k < 0)
			return k;
		skip_space(r);
		if (*r->p != ',' && *r->p != ']')
			return -EINVAL;
		if (*r->p == ',')
			r->p++;
		skip_space(r);
	}
	r->p++;
	return r->type ? 0 : -EINVAL; /* [] has no type: @as [] */
}

static int read_value(struct reader *r, bool *ret_array)
{
	int k;

	skip_space(r);
	*ret_array = false;
	if (*r->p == '@') {
		size_t n = strcspn(++r->p, " \t");

		*ret_array = n == 2 && r->p[0] == 'a';
		r->type = n ? r->p[n - 1] : '\0';
		if (n == 0 || n > 2 || (n == 2 && !*ret_array) || !type_of(r->type))
			return -EINVAL;
		r->p += n;
		skip_space(r);
		if (*ret_array != (*r->p == '['))
			return -EINVAL;
	}
	*ret_array = *r->p == '[';
	k = *ret_array ? read_array(r) : read_basic(r);
	skip_space(r);
	return k < 0 ? k : *r->p ? -EINVAL : 0;
}

/* TimeoutStopSec = 1.5 -> TimeoutStopUSec = 1500000 */
static int to_microseconds(struct cg_property *p)
{
	const struct type *type = type_of(p->type[0]);
	uint64_t v;
	double d;

	if (p->type[0] == 'd') {
		memcpy(&d, &p->numbers[0], sizeof(d));
		if (d < 0 || d > 1e12)
			return -ERANGE;
		v = (uint64_t)(d * 1e6 + 0.5);
	} else if (!type || type->bits == 0 || (type->bits < 0 && (int64_t)p->numbers[0] < 0) ||
	           __builtin_mul_overflow(p->numbers[0], 1000000u, &v)) {
		return -ERANGE;
	}
	p->numbers[0] = v;
	p->type[0] = 't';
	return 0;
}

int cg_property_annotation(const char *key, const char *text, struct cg_properties *p,
                           struct err *err)
{
	size_t len = strlen(key);
	bool seconds =
	    len > 3 && streq(key + len - 3, "Sec") && !(len > 4 && streq(key + len - 4, "USec"));
	_cleanup_free_ char *name =
	    seconds ? xasprintf("%.*sUSec", (int)len - 3, key) : xstrdup(key);
	struct reader r = { .p = text };
	char signature[3] = { 0 };
	bool array;
	int k;

	if (len < 3 || strspn(key, LETTERS) != len)
		return err_text(
		    err, -EINVAL,
		    "the name of a property has three letters or more and nothing else");
	/* Processes of the host, and where all this is looked for afterwards. */
	if (streq(key, "PIDs") || streq(key, "Slice"))
		return err_text(err, -EINVAL, "property %s is not for an annotation to set", key);
	r.out = cg_property_add(p, name, "as");
	k = read_value(&r, &array);
	if (k == 0) {
		snprintf(signature, sizeof(signature), array ? "a%c" : "%c", r.type);
		free(r.out->type);
		r.out->type = xstrdup(signature);
		if (seconds)
			k = array ? -EINVAL : to_microseconds(r.out);
	}
	if (k < 0)
		return err_set(
		    err, k, "value \"%.128s\" (GVariant text of a basic type or an array)", text);
	return 0;
}
