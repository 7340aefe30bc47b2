/* SPDX-License-Identifier: Apache-2.0 */
/*
 * String vectors. Invariant of every vector made here: its capacity is a power of two (at least
 * STRV_MIN) and all slots behind the last string are NULL. So its end is found by probing the last
 * slot of each possible capacity, and a vector of 100000 entries is built in O(n log n), not
 * O(n^2). Vectors from elsewhere (main's argv, environ) may be read, not grown.
 */
#include "base/strv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STRV_MIN 4

size_t strv_len(char *const *v)
{
	size_t n = 0;

	if (v)
		while (v[n])
			n++;
	return n;
}

/* Length and capacity of one of our own vectors. */
static size_t own_len(char *const *v, size_t *ret_cap)
{
	size_t cap = STRV_MIN, lo = 0, hi;

	while (v[cap - 1]) /* a vector of this capacity would end here: it is larger */
		cap *= 2;
	hi = cap - 1;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid])
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_cap = cap;
	return lo;
}

/* Append s, taking it over. */
static void push(char ***v, char *s)
{
	size_t cap, n;

	if (!*v)
		*v = xcalloc(STRV_MIN, sizeof(char *));
	n = own_len(*v, &cap);
	if (n + 2 > cap) {
		*v = xreallocarray(*v, cap * 2, sizeof(char *));
		memset(*v + cap, 0, cap * sizeof(char *));
	}
	(*v)[n] = s;
}

void strv_add(char ***v, const char *s)
{
	push(v, xstrdup(s));
}

char **strv_dup(char *const *v)
{
	size_t n = strv_len(v), cap = STRV_MIN;
	char **copy;

	while (cap < n + 1)
		cap *= 2;
	copy = xcalloc(cap, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(v[i]);
	return copy;
}

void strv_free(char **v)
{
	if (v)
		for (size_t i = 0; v[i]; i++)
			free(v[i]);
	free(v);
}

void strv_free_ptr(char ***v)
{
	strv_free(*v);
	*v = NULL;
}

bool strv_contains(char *const *v, const char *s)
{
	if (v)
		for (; *v; v++)
			if (streq(*v, s))
				return true;
	return false;
}

/* The value part where entry is NAME=..., else NULL. */
static const char *env_match(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0 && entry[len] == '=' ? entry + len + 1 : NULL;
}

const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	if (env)
		for (; *env; env++) {
			const char *value = env_match(*env, name, len);

			if (value)
				found = value;
		}
	return found;
}

void env_set(char ***env, const char *name, const char *value)
{
	char *entry = xasprintf("%s=%s", name, value); /* first: value may point into env */
	size_t len = strlen(name), out = 0;
	bool placed = false;

	for (size_t i = 0; *env && (*env)[i]; i++) {
		char *old = (*env)[i];

		(*env)[i] = NULL;
		if (!env_match(old, name, len)) {
			(*env)[out++] = old;
			continue;
		}
		free(old);
		if (!placed)
			(*env)[out++] = entry;
		placed = true;
	}
	if (!placed)
		push(env, entry);
}
