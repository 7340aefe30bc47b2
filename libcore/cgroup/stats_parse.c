/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of statistics files. Pure; unknown lines are skipped, since kernels add some. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "cgroup/stats.h"

#define LIST_MAX 65536 /* CPUs or nodes: more than any kernel has */

/* One word; NULL at the end. Moves *p behind it. */
static char *word(const char **p, const char *separators)
{
	const char *start = *p + strspn(*p, separators);
	size_t len = strcspn(start, separators);

	*p = start + len;
	return len ? xstrndup(start, len) : NULL;
}

static char *line(const char **p)
{
	return word(p, "\n");
}

int cg_stat_parse_value(const char *text, uint64_t *ret)
{
	if (streq(text, "max")) {
		*ret = UINT64_MAX;
		return 0;
	}
	return num_parse_u64(text, ret);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct cg_stat_key *)a)->key, ((const struct cg_stat_key *)b)->key);
}

void cg_stat_parse_keys(const char *text, struct cg_stat_keys *ret)
{
	char *l;

	while ((l = line(&text))) {
		_cleanup_free_ char *owned = l;
		char *space = strchr(l, ' ');
		uint64_t value;

		if (!space || space == l || num_parse_u64(space + 1, &value) < 0)
			continue;
		*space = '\0';
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = (struct cg_stat_key){ take_ptr(owned), value };
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_key);
}

uint64_t cg_stat_key(const struct cg_stat_keys *keys, const char *key)
{
	for (size_t i = 0; i < keys->n; i++)
		if (streq(keys->v[i].key, key))
			return keys->v[i].value;
	return 0;
}

static void add(struct cg_stat_u64s *list, uint64_t v)
{
	/* Grown at each power of two: lists can be long. */
	if ((list->n & (list->n - 1)) == 0)
		list->v = xreallocarray(list->v, list->n ? 2 * list->n : 1, sizeof(*list->v));
	list->v[list->n++] = v;
}

void cg_stat_parse_numbers(const char *text, struct cg_stat_u64s *ret)
{
	for (char *w; (w = word(&text, " \t\n")); free(w)) {
		uint64_t v;

		if (num_parse_u64(w, &v) == 0)
			add(ret, v);
	}
}

void cg_stat_parse_list(const char *text, struct cg_stat_u64s *ret)
{
	for (char *w; (w = word(&text, ",\n ")); free(w)) {
		char *dash = strchr(w, '-');
		uint64_t first, last;

		if (dash)
			*dash = '\0';
		if (num_parse_u64(w, &first) < 0 || num_parse_u64(dash ? dash + 1 : w, &last) < 0 ||
		    last >= LIST_MAX)
			continue;
		for (uint64_t v = first; v <= last && ret->n < LIST_MAX; v++)
			add(ret, v);
	}
}

void cg_stat_parse_percpu(const char *text, struct cg_stat_u64s *kernel, struct cg_stat_u64s *user)
{
	for (char *l; (l = line(&text)); free(l)) {
		_cleanup_free_ uint64_t *v = NULL;
		struct cg_stat_u64s numbers = { 0 };

		cg_stat_parse_numbers(l, &numbers);
		v = numbers.v;
		if (numbers.n != 3) /* the heading */
			continue;
		add(user, v[1]);
		add(kernel, v[2]);
	}
}

static bool parse_device(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *colon = strchr(copy, ':');

	if (!colon)
		return false;
	*colon = '\0';
	return num_parse_u32(copy, ret_major) == 0 && num_parse_u32(colon + 1, ret_minor) == 0;
}

static void add_io(struct cg_stat_ios *list, uint32_t major, uint32_t minor, const char *op,
                   uint64_t value)
{
	struct cg_stat_io *io;

	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	io = &list->v[list->n++];
	*io = (struct cg_stat_io){ .major = major, .minor = minor, .value = value };
	snprintf(io->op, sizeof(io->op), "%s", op);
}

/* "8:0 Read 4096", "8:0 12" (sectors, time); the sum at the end has no device. */
void cg_stat_parse_io_v1(const char *text, struct cg_stat_ios *ret)
{
	for (char *l; (l = line(&text)); free(l)) {
		const char *p = l;
		_cleanup_free_ char *device = word(&p, " ");
		_cleanup_free_ char *a = word(&p, " ");
		_cleanup_free_ char *b = word(&p, " ");
		uint32_t major, minor;
		uint64_t value;

		if (!device || !a || !parse_device(device, &major, &minor) ||
		    num_parse_u64(b ? b : a, &value) < 0)
			continue;
		add_io(ret, major, minor, b ? a : "", value);
	}
}

void cg_stat_parse_io_v2(const char *text, struct cg_stat_ios *bytes, struct cg_stat_ios *serviced)
{
	static const struct {
		const char *key, *op;
		bool bytes;
	} keys[] = { { "rbytes=", "Read", true },
		     { "wbytes=", "Write", true },
		     { "rios=", "Read", false },
		     { "wios=", "Write", false } };

	for (char *l; (l = line(&text)); free(l)) {
		const char *p = l;
		_cleanup_free_ char *device = word(&p, " ");
		uint32_t major, minor;
		char *w;

		if (!device || !parse_device(device, &major, &minor))
			continue;
		while ((w = word(&p, " "))) {
			_cleanup_free_ char *pair = w;

			for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
				size_t len = strlen(keys[i].key);
				uint64_t v;

				if (strncmp(pair, keys[i].key, len) == 0 &&
				    num_parse_u64(pair + len, &v) == 0)
					add_io(keys[i].bytes ? bytes : serviced, major, minor,
					       keys[i].op, v);
			}
		}
	}
}

/* "12.34" in hundredths; the kernel prints two places. */
static bool parse_hundredths(const char *text, uint32_t *ret)
{
	size_t whole = strspn(text, "0123456789");
	_cleanup_free_ char *digits = NULL;

	if (text[whole] != '.' || !isdigit((unsigned char)text[whole + 1]) ||
	    !isdigit((unsigned char)text[whole + 2]) || text[whole + 3])
		return false;
	digits = xasprintf("%.*s%s", (int)whole, text, text + whole + 1);
	return num_parse_u32(digits, ret) == 0;
}

void cg_stat_parse_psi(const char *text, struct cg_stat_psi *ret)
{
	static const char *const avgs[] = { "avg10=", "avg60=", "avg300=" };

	for (char *l; (l = line(&text)); free(l)) {
		const char *p = l;
		_cleanup_free_ char *kind = word(&p, " ");
		struct cg_stat_psi_line *to;
		char *w;

		if (!kind || (!streq(kind, "some") && !streq(kind, "full")))
			continue;
		to = streq(kind, "some") ? &ret->some : &ret->full;
		ret->present = true;
		while ((w = word(&p, " "))) {
			_cleanup_free_ char *pair = w;

			for (size_t i = 0; i < ARRAY_SIZE(avgs); i++)
				if (strncmp(pair, avgs[i], strlen(avgs[i])) == 0)
					(void)parse_hundredths(pair + strlen(avgs[i]), &to->avg[i]);
			if (strncmp(pair, "total=", 6) == 0)
				(void)num_parse_u64(pair + 6, &to->total);
		}
	}
}
