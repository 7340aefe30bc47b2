/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers. No strto* at all: those skip space, accept signs and "0x", stop at garbage and depend on
 * the locale. One digit loop serves every format. A result is stored only when the whole string was
 * good, so a caller's default can't be half overwritten.
 */
#include "base/num.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/knockout.h"

/*
 * Digits of base at *s, which moves behind them. -EINVAL: none; -ERANGE: above 2^64 - 1 (*s is
 * behind the digits all the same).
 */
static int digits(const char **s, unsigned int base, uint64_t *ret)
{
	const char *p = *s;
	uint64_t v = 0;
	bool over = false;

	if (*p < '0' || *p >= (char)('0' + base))
		return -EINVAL;
	for (; *p >= '0' && *p < (char)('0' + base); p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			over = true;
	*s = p;
	*ret = v;
	return over ? -ERANGE : 0;
}

/* A whole string of digits. Garbage behind a number that is too large is still garbage. */
static int whole(const char *s, unsigned int base, uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int r;

	if (!s)
		return -EINVAL;
	r = digits(&s, base, &v);
	if (*s != '\0')
		return -EINVAL;
	if (r < 0)
		return r;
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_parse_u64(const char *s, uint64_t *ret)
{
	return whole(s, 10, UINT64_MAX, ret);
}

int num_parse_i64(const char *s, int64_t *ret)
{
	bool negative = s && *s == '-';
	uint64_t v;
	int r = whole(negative ? s + 1 : s, 10, (uint64_t)INT64_MAX + negative, &v);

	if (r < 0)
		return r;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int num_parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v;
	int r = whole(s, 10, UINT32_MAX, &v);

	if (r < 0)
		return r;
	*ret = (uint32_t)v;
	return 0;
}

int num_parse_int(const char *s, int *ret)
{
	int64_t v;
	int r = num_parse_i64(s, &v);

	if (r < 0)
		return r;
	if (v < INT_MIN || v > INT_MAX)
		return -ERANGE;
	*ret = (int)v;
	return 0;
}

int num_parse_octal(const char *s, unsigned int *ret)
{
	uint64_t v;
	int r = whole(s, 8, UINT_MAX, &v);

	if (r < 0)
		return r;
	*ret = (unsigned int)v;
	return 0;
}

int num_parse_size(const char *s, int64_t *ret)
{
	static const char units[] = "kmgt";
	const char *unit;
	unsigned int shift = 0;
	uint64_t v;
	int r;

	if (!s)
		return -EINVAL;
	if (strcmp(s, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	r = digits(&s, 10, &v);
	if (r == -EINVAL)
		return r;
	unit = *s ? strchr(units, *s | 0x20) : NULL; /* letters only: a digit can't follow */
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		s++;
		if (strcasecmp(s, "ib") == 0)
			s += 2;
	}
	if (*s == 'b' || *s == 'B')
		s++;
	if (*s != '\0')
		return -EINVAL;
	if (r < 0 || v > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret = (int64_t)(v << shift);
	return 0;
}

/* Units of durations, largest first: parts of one duration must come in this order. */
static const struct {
	char name[3];
	int64_t ms;
} duration_units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

#define N_UNITS (sizeof(duration_units) / sizeof(duration_units[0]))

/* The unit at *s, at or behind row from; N_UNITS: none. */
static size_t duration_unit(const char **s, size_t from)
{
	size_t len = strspn(*s, "hms");

	for (size_t i = from; i < N_UNITS; i++)
		if (strlen(duration_units[i].name) == len &&
		    strncmp(duration_units[i].name, *s, len) == 0) {
			*s += len;
			return i;
		}
	return N_UNITS;
}

/* ".digits" at *s as parts of 10^9; digits below that are dropped. */
static int fraction(const char **s, uint64_t *ret)
{
	uint64_t v = 0, scale = 1000000000;
	const char *p = *s;

	if (*p == '.') {
		p++;
		if (*p < '0' || *p > '9')
			return -EINVAL;
		for (; *p >= '0' && *p <= '9'; p++) {
			scale /= 10;
			v += (uint64_t)(*p - '0') * scale;
		}
	}
	*s = p;
	*ret = v;
	return 0;
}

int num_parse_duration_ms(const char *s, int64_t *ret)
{
	int64_t total = 0;
	size_t row = 0;

	if (!s || !*s)
		return -EINVAL;
	for (bool first = true; *s; first = false) {
		uint64_t v, frac;
		int64_t part, unit;
		int r = digits(&s, 10, &v);

		if (r < 0)
			return r;
		r = fraction(&s, &frac);
		if (r < 0)
			return r;
		if (first && *s == '\0') {
			unit = 1000;
		} else {
			row = duration_unit(&s, row);
			if (row == N_UNITS)
				return -EINVAL;
			unit = duration_units[row++].ms;
		}
		if (v > INT64_MAX || __builtin_mul_overflow((int64_t)v, unit, &part) ||
		    __builtin_add_overflow(total, part, &total) ||
		    __builtin_add_overflow(total, (int64_t)frac * unit / 1000000000, &total))
			return -ERANGE;
	}
	*ret = total;
	return 0;
}

int num_parse_user(const char *s, uid_t *ret_uid, gid_t *ret_gid)
{
	/* (uid_t)-1 means "leave alone" to the kernel's set*id calls: never a valid id. */
	const uint64_t max = UINT32_MAX - 1;
	uint64_t uid, gid = 0;
	bool has_gid;
	int r;

	if (!s)
		return -EINVAL;
	if (knocked_out("exact-ids"))
		return 0; /* as if it had been stored */
	r = digits(&s, 10, &uid);
	if (r == -EINVAL)
		return r;
	has_gid = *s == ':';
	if (has_gid) {
		int rg = whole(s + 1, 10, max, &gid);

		if (rg < 0)
			return rg;
	} else if (*s != '\0') {
		return -EINVAL;
	}
	if (r < 0 || uid > max)
		return -ERANGE;
	*ret_uid = (uid_t)uid;
	if (has_gid)
		*ret_gid = (gid_t)gid;
	return 0;
}

/* "3" or "0-3" at *s. */
static int range(const char **s, uint64_t *from, uint64_t *to)
{
	int r = digits(s, 10, from);

	*to = *from;
	if (r == 0 && **s == '-') {
		(*s)++;
		r = digits(s, 10, to);
	}
	if (r < 0)
		return r;
	return *to < *from ? -EINVAL : 0;
}

int num_parse_set(const char *s, uint64_t *bits, size_t n_bits)
{
	int count = 0;

	memset(bits, 0, (n_bits + 63) / 64 * sizeof(*bits));
	for (s += strspn(s, ", "); *s; s += strspn(s, ", ")) {
		uint64_t from = 0, to = 0;
		int r = range(&s, &from, &to);

		if (r < 0)
			return r;
		if (*s && *s != ',' && *s != ' ')
			return -EINVAL;
		if (to >= n_bits)
			return -ERANGE;
		for (; from <= to; from++) {
			count += !(bits[from / 64] >> from % 64 & 1);
			bits[from / 64] |= UINT64_C(1) << from % 64;
		}
	}
	return count;
}
