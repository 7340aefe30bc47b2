/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and times. json-file has a reader of its own: the text of a record may have NUL bytes in
 * it, which must neither end nor spoil it, and a log can be long.
 */
#include "runtime/log_line.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/num.h"

#define NS INT64_C(1000000000)

static bool is(const char *word, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(word, what, len) == 0;
}

/* ---- times */

/* Exactly n digits. */
static bool take_digits(const char **p, const char *end, int n, int *ret)
{
	*ret = 0;
	for (; n; n--, (*p)++) {
		if (*p == end || **p < '0' || **p > '9')
			return false;
		*ret = *ret * 10 + (**p - '0');
	}
	return true;
}

static bool take_char(const char **p, const char *end, const char *any)
{
	if (*p == end || !**p || !strchr(any, **p))
		return false;
	(*p)++;
	return true;
}

/* ".5" of a second; digits beyond the ninth are cut off. */
static bool take_fraction(const char **p, const char *end, int64_t *ret_ns)
{
	int64_t unit = NS / 10;
	const char *start;

	*ret_ns = 0;
	if (!take_char(p, end, "."))
		return true;
	for (start = *p; *p < end && **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*ret_ns += unit * (**p - '0');
	return *p > start;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970; a year has those of the years before and a day for each leap one of them. */
static int64_t days_of(int year, int month, int day)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t y = year - 1;
	int64_t days = 365 * (y - 1969) + (y / 4 - y / 100 + y / 400) - 477;

	return days + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
}

/* "2026-01-02" and, unless the text ends there, "T03:04:05.6". */
static bool take_date(const char **p, const char *end, struct tm *tm, int64_t *ret_ns)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	*tm = (struct tm){ .tm_isdst = -1 };
	*ret_ns = 0;
	if (!take_digits(p, end, 4, &tm->tm_year) || !take_char(p, end, "-") ||
	    !take_digits(p, end, 2, &tm->tm_mon) || !take_char(p, end, "-") ||
	    !take_digits(p, end, 2, &tm->tm_mday))
		return false;
	if (tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 ||
	    tm->tm_mday > days[tm->tm_mon - 1] + (tm->tm_mon == 2 && is_leap(tm->tm_year) ? 1 : 0))
		return false;
	if (*p == end)
		return true;
	if (!take_char(p, end, "Tt ") || !take_digits(p, end, 2, &tm->tm_hour) ||
	    !take_char(p, end, ":") || !take_digits(p, end, 2, &tm->tm_min))
		return false;
	if (take_char(p, end, ":") &&
	    (!take_digits(p, end, 2, &tm->tm_sec) || !take_fraction(p, end, ret_ns)))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60; /* a leap second */
}

static bool take_zone(const char **p, const char *end, int64_t *ret_s)
{
	int hours, minutes, sign;

	*ret_s = 0;
	if (take_char(p, end, "Zz"))
		return true;
	sign = *p < end && **p == '-' ? -1 : 1;
	if (!take_char(p, end, "+-") || !take_digits(p, end, 2, &hours) ||
	    !take_char(p, end, ":") || !take_digits(p, end, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* Nanoseconds fit from 1970 to 2261. */
static int in_ns(int64_t s, int64_t fraction, int64_t *ret_ns)
{
	if (s < 0 || s > INT64_MAX / NS - 1)
		return -ERANGE;
	*ret_ns = s * NS + fraction;
	return 0;
}

int log_time_parse(const char *text, size_t len, int64_t *ret_ns)
{
	const char *p = text, *end = text + len;
	int64_t fraction, zone, s;
	struct tm tm;

	if (!take_date(&p, end, &tm, &fraction) || !take_zone(&p, end, &zone) || p != end)
		return -EINVAL;
	s = days_of(tm.tm_year, tm.tm_mon, tm.tm_mday) * 86400 + tm.tm_hour * 3600 +
	    tm.tm_min * 60 + tm.tm_sec - zone;
	return in_ns(s, fraction, ret_ns);
}

static int local_time(const char *text, int64_t *ret_ns)
{
	const char *p = text, *end = text + strlen(text);
	int64_t fraction;
	struct tm tm;

	if (!take_date(&p, end, &tm, &fraction) || p != end)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return in_ns(mktime(&tm), fraction, ret_ns);
}

static int unix_time(const char *text, int64_t *ret_ns)
{
	const char *p = text, *end = text + strlen(text);
	int64_t s = 0, fraction;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (s > INT64_MAX / NS)
			return -ERANGE;
		s = s * 10 + (*p - '0');
	}
	if (p == text || !take_fraction(&p, end, &fraction) || p != end)
		return -EINVAL;
	return in_ns(s, fraction, ret_ns);
}

int log_when_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
	size_t len = strlen(text);
	int64_t ms;
	int r;

	r = log_time_parse(text, len, ret_ns);
	if (r == -EINVAL)
		r = local_time(text, ret_ns);
	if (r == -EINVAL)
		r = unix_time(text, ret_ns);
	/* A plain number is no duration here. */
	if (r != -EINVAL || !len || !strchr("smh", text[len - 1]))
		return r;
	r = num_parse_duration_ms(text, &ms);
	if (r < 0)
		return r;
	*ret_ns = ms < now_ns / 1000000 ? now_ns - ms * 1000000 : 0;
	return 0;
}

/* ---- CRI */

static bool take_word(const char **p, const char *end, const char **ret, size_t *ret_len)
{
	const char *blank = memchr(*p, ' ', (size_t)(end - *p));

	if (!blank)
		return false;
	*ret = *p;
	*ret_len = (size_t)(blank - *p);
	*p = blank + 1;
	return true;
}

static bool stream_of(const char *word, size_t len, enum frame_stream *ret)
{
	*ret = is(word, len, "stderr") ? STREAM_STDERR : STREAM_STDOUT;
	return *ret == STREAM_STDERR || is(word, len, "stdout");
}

static int parse_cri(const char *line, size_t len, struct log_line *ret)
{
	const char *p = line, *end = line + len, *word;
	size_t n;

	if (!take_word(&p, end, &word, &n) || log_time_parse(word, n, &ret->ns) < 0)
		return -EBADMSG;
	if (!take_word(&p, end, &word, &n) || !stream_of(word, n, &ret->stream))
		return -EBADMSG;
	if (!take_word(&p, end, &word, &n) || !n || (word[0] != 'F' && word[0] != 'P') ||
	    (n > 1 && word[1] != ':'))
		return -EBADMSG;
	ret->full = word[0] == 'F';
	ret->lost = is(word, n, "F:lost");
	ret->text = p;
	ret->len = (size_t)(end - p);
	return 0;
}

/* ---- json-file */

static bool take_hex4(const char **p, const char *end, unsigned int *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++, (*p)++) {
		const char *digits = "0123456789abcdef", *d;
		int c = *p < end ? **p : 0;

		d = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;
		if (!d)
			return false;
		*ret = *ret << 4 | (unsigned int)(d - digits);
	}
	return true;
}

static int add_utf8(struct buf *b, unsigned int c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		s[n++] = (char)(0x80 | (c & 0x3f));
	return buf_add(b, s, n);
}

/* What follows a backslash. */
static int take_escape(const char **p, const char *end, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known;
	unsigned int c, low;

	if (*p == end)
		return -EBADMSG;
	known = **p ? strchr(from, **p) : NULL;
	if (known) {
		(*p)++;
		return buf_add(b, to + (known - from), 1);
	}
	if (*(*p)++ != 'u' || !take_hex4(p, end, &c))
		return -EBADMSG;
	/* The two halves of a character beyond U+FFFF; one alone is none. */
	if (c >= 0xd800 && c < 0xdc00) {
		if (end - *p < 6 || memcmp(*p, "\\u", 2) != 0)
			return add_utf8(b, 0xfffd);
		*p += 2;
		if (!take_hex4(p, end, &low) || low < 0xdc00 || low > 0xdfff)
			return -EBADMSG;
		c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		c = 0xfffd;
	}
	return add_utf8(b, c);
}

/* A string at its opening quote, unescaped to the end of b. */
static int take_string(const char **p, const char *end, struct buf *b)
{
	int r = 0;

	if (!take_char(p, end, "\""))
		return -EBADMSG;
	while (r == 0 && *p < end && **p != '"') {
		const char *start = *p;

		while (*p < end && **p != '"' && **p != '\\')
			(*p)++;
		r = buf_add(b, start, (size_t)(*p - start));
		if (r == 0 && *p < end && **p == '\\') {
			(*p)++;
			r = take_escape(p, end, b);
		}
	}
	if (r == 0 && !take_char(p, end, "\""))
		r = -EBADMSG;
	return r;
}

/* A value that is not of interest: a string, a number or word, or something nested. */
static int skip_value(const char **p, const char *end)
{
	int depth = 0;

	while (*p < end) {
		char c = **p;

		if (c == '"') {
			for ((*p)++; *p < end && **p != '"'; (*p)++)
				*p += **p == '\\' && end - *p > 1;
			if (*p == end)
				return -EBADMSG;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		} else if (!depth && (c == ',' || c == '}')) {
			return 0;
		}
		(*p)++;
	}
	return -EBADMSG;
}

static void skip_blank(const char **p, const char *end)
{
	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		(*p)++;
}

/* Members as places in scratch, which moves while it grows. */
struct json_record {
	size_t log, log_len, stream, stream_len, time, time_len;
	bool has_log, lost;
};

static int take_member(const char **p, const char *end, struct buf *b, struct json_record *rec)
{
	size_t key = b->len, len, start;
	size_t *at = NULL, *at_len = NULL;
	int r = take_string(p, end, b);

	if (r < 0)
		return r;
	len = b->len - key;
	skip_blank(p, end);
	if (!take_char(p, end, ":"))
		return -EBADMSG;
	skip_blank(p, end);
	if (is(b->data + key, len, "log")) {
		at = &rec->log;
		at_len = &rec->log_len;
		rec->has_log = true;
	} else if (is(b->data + key, len, "stream")) {
		at = &rec->stream;
		at_len = &rec->stream_len;
	} else if (is(b->data + key, len, "time")) {
		at = &rec->time;
		at_len = &rec->time_len;
	} else {
		rec->lost = rec->lost || is(b->data + key, len, "lost");
		return skip_value(p, end);
	}
	start = b->len;
	r = take_string(p, end, b);
	*at = start;
	*at_len = b->len - start;
	return r;
}

static int parse_json(const char *line, size_t len, struct buf *b, struct log_line *ret)
{
	struct json_record rec = { .log = 0 };
	const char *p = line, *end = line + len;
	int r = buf_puts(b, "");

	b->len = 0;
	if (r < 0 || !take_char(&p, end, "{"))
		return r < 0 ? r : -EBADMSG;
	do {
		skip_blank(&p, end);
		r = take_member(&p, end, b, &rec);
		if (r < 0)
			return r;
		skip_blank(&p, end);
	} while (take_char(&p, end, ","));
	if (!take_char(&p, end, "}") || !rec.has_log ||
	    !stream_of(b->data + rec.stream, rec.stream_len, &ret->stream) ||
	    log_time_parse(b->data + rec.time, rec.time_len, &ret->ns) < 0)
		return -EBADMSG;
	ret->text = b->data + rec.log;
	ret->len = rec.log_len;
	ret->lost = rec.lost;
	ret->full = ret->len && ret->text[ret->len - 1] == '\n';
	ret->len -= ret->full;
	return 0;
}

int log_line_parse(const char *line, size_t len, struct buf *scratch, struct log_line *ret)
{
	if (len && line[0] == '{')
		return parse_json(line, len, scratch, ret);
	return parse_cri(line, len, ret);
}
