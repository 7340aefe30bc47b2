/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path arithmetic on strings. Lexical cleaning is not resolution ("a/../b" differs where a is a
 * link): what is inside a container's root is resolved by the kernel with openat2, never here.
 */
#include "base/path.h"

#include <string.h>

#include "base/mem.h"

char *path_join(const char *a, const char *b)
{
	size_t len = strlen(a);

	while (len > 0 && a[len - 1] == '/')
		len--;
	b += strspn(b, "/");
	if (*a == '\0')
		return xstrdup(b);
	if (*b == '\0')
		return len ? xstrndup(a, len) : xstrdup("/");
	return xasprintf("%.*s/%s", (int)len, a, b);
}

char *path_clean(const char *p)
{
	bool absolute = *p == '/';
	char *out = xmalloc(strlen(p) + 2); /* "." for an empty path */
	size_t len = 0, floor = 0;

	if (absolute)
		out[len++] = '/';
	floor = len; /* nothing before this can be taken back by ".." */
	while (*(p += strspn(p, "/"))) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0 && (absolute || len > floor)) {
			while (len > floor && out[len - 1] != '/')
				len--;
			if (len > floor)
				len--; /* the slash before the dropped component */
		} else if (!(n == 1 && *p == '.')) {
			if (len > 0 && out[len - 1] != '/')
				out[len++] = '/';
			memmove(out + len, p, n);
			len += n;
			if (n == 2 && memcmp(p, "..", 2) == 0)
				floor = len; /* a leading ".." of a relative path stays */
		}
		p += n;
	}
	if (len == 0)
		out[len++] = '.';
	out[len] = '\0';
	return out;
}

bool path_is_under(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (streq(dir, "/"))
		return *path == '/';
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

const char *path_base(const char *p)
{
	const char *slash = strrchr(p, '/');

	return slash ? slash + 1 : p;
}

char *path_dir(const char *p)
{
	const char *slash = strrchr(p, '/');

	if (!slash)
		return xstrdup(".");
	while (slash > p && slash[-1] == '/')
		slash--;
	return slash == p ? xstrdup("/") : xstrndup(p, (size_t)(slash - p));
}

bool path_has_dotdot(const char *p)
{
	while (*(p += strspn(p, "/"))) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return true;
		p += n;
	}
	return false;
}
