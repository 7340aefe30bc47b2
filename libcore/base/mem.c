/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked allocation. A short-lived program that runs out of memory while setting up a container
 * has nothing better to do than to die: whoever waits for it sees EOF and cleans up from the
 * journal.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "berth: out of memory\n";
	ssize_t r = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)r;
	abort();
}

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1)); /* malloc(0) may give NULL */
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	if (n == 0 || size == 0) /* would free p */
		n = size = 1;
	return checked(reallocarray(p, n, size));
}

char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return s ? checked(strndup(s, n)) : NULL;
}

char *xasprintf(const char *fmt, ...)
{
	char *s;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return s;
}
