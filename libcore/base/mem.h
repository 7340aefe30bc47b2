/* SPDX-License-Identifier: Apache-2.0 */
/* Checked allocation (abort when out of memory) and scope clean-up. The shim after "ready" uses
 * plain malloc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline void free_ptr(void *pp)
{
	free(*(void **)pp);
}
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(free_ptr)

/* Hand over a pointer: evaluates to it and resets the source. */
#define take_ptr(p)                    \
	({                             \
		typeof(p) *_pp = &(p); \
		typeof(p) _v = *_pp;   \
		*_pp = NULL;           \
		_v;                    \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
