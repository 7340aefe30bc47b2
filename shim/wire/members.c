/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a hand-over: writing and reading by table. No out of memory is fatal here: a shim that
 * serves writes with this. */
#include "shim/wire/members.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define NS 1000000000

_Static_assert(sizeof(pid_t) == sizeof(int), "pids are handled as int");
_Static_assert(sizeof(enum member_kind) == sizeof(int), "enums are handled as int");
_Static_assert(sizeof(size_t) == sizeof(int64_t), "sizes are handled as 64 bit");

static bool must(const char *name)
{
	return strncmp(name, "must-", 5) == 0;
}

static bool is_set(const struct member *m, const void *p)
{
	switch (m->kind) {
	case K_STRING:
		return *(const char *const *)p && **(const char *const *)p;
	case K_FD:
		return *(const int *)p >= 0;
	case K_BOOL:
		return *(const bool *)p;
	case K_INT:
	case K_UINT:
		return *(const int *)p;
	case K_U16:
		return *(const uint16_t *)p;
	case K_I64:
	case K_U64:
	case K_SIZE:
		return *(const uint64_t *)p;
	case K_SECONDS:
		return *(const double *)p != 0;
	}
	return true;
}

static int put(struct buf *b, const struct member *m, const void *p)
{
	const char *s;

	switch (m->kind) {
	case K_STRING:
		s = *(const char *const *)p;
		return json_str(b, s ? s : "");
	case K_FD:
	case K_INT:
		return buf_printf(b, "%d", *(const int *)p);
	case K_UINT:
		return buf_printf(b, "%u", *(const unsigned int *)p);
	case K_BOOL:
		return buf_puts(b, *(const bool *)p ? "true" : "false");
	case K_U16:
		return buf_printf(b, "%u", (unsigned int)*(const uint16_t *)p);
	case K_I64:
		return buf_printf(b, "%" PRId64, *(const int64_t *)p);
	case K_U64:
		return buf_printf(b, "%" PRIu64, *(const uint64_t *)p);
	case K_SIZE:
		return buf_printf(b, "%zu", *(const size_t *)p);
	case K_SECONDS:
		return buf_printf(b, "%" PRId64, (int64_t)(*(const double *)p * NS));
	}
	return -EINVAL;
}

int members_write(struct buf *b, const struct member *rows, size_t n, const void *base, int version,
                  bool *first)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct member *m = &rows[i];
		const void *p = (const char *)base + m->offset;

		if (m->since > version || (must(m->name) && !is_set(m, p)))
			continue;
		r = buf_printf(b, "%s\"%s\":", *first ? "" : ",\n", m->name);
		*first = false;
		if (r >= 0)
			r = put(b, m, p);
	}
	return r < 0 ? r : 0;
}

/* An open descriptor that no other member has claimed. */
static int claim(struct claims *c, const struct member *m, int64_t v, struct err *err)
{
	if (v < 0)
		return 0;
	if (v < 3 || v > INT_MAX || (!c->unchecked && fcntl((int)v, F_GETFD) < 0))
		return err_text(err, -EINVAL, "hand-over: %s %" PRId64 " is not open", m->name, v);
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].fd == (int)v)
			return err_text(err, -EINVAL, "hand-over: %s and %s are the same",
			                c->list[i].name, m->name);
	if (c->n == CLAIMS_MAX)
		return err_text(err, -EINVAL, "hand-over: too many descriptors");
	c->list[c->n].name = m->name;
	c->list[c->n++].fd = (int)v;
	return 0;
}

static int get_string(const struct member *m, const cJSON *j, void *p, char **strings,
                      struct err *err)
{
	size_t len;

	if (!json_is_string(j))
		return err_text(err, -EINVAL, "hand-over: %s is not a string", m->name);
	len = strlen(j->valuestring);
	if ((int64_t)len < m->min || (int64_t)len > m->max)
		return err_text(err, -EINVAL, "hand-over: %s has %zu bytes", m->name, len);
	memcpy(*strings, j->valuestring, len + 1);
	*(const char **)p = *strings;
	*strings += len + 1;
	return 0;
}

static int get_number(const struct member *m, const cJSON *j, void *p, struct claims *claims,
                      struct err *err)
{
	int64_t v;
	int r;

	if (m->kind == K_U64 && json_uint64(j, (uint64_t *)p) >= 0)
		return 0;
	if (m->kind == K_U64 || json_int64(j, &v) < 0)
		return err_text(err, -EINVAL, "hand-over: %s is not an integer", m->name);
	if (m->kind == K_FD) {
		r = claim(claims, m, v, err);
		if (r >= 0)
			*(int *)p = v < 0 ? FD_INVALID : (int)v;
		return r;
	}
	if (v < m->min || v > m->max)
		return err_text(err, -EINVAL,
		                "hand-over: %s is %" PRId64 ", not in %" PRId64 "..%" PRId64,
		                m->name, v, m->min, m->max);
	if (m->kind == K_INT || m->kind == K_UINT)
		*(int *)p = (int)v;
	else if (m->kind == K_U16)
		*(uint16_t *)p = (uint16_t)v;
	else if (m->kind == K_SECONDS)
		*(double *)p = (double)v / NS;
	else
		*(int64_t *)p = v;
	return 0;
}

int members_read(const cJSON *object, const struct member *rows, size_t n, void *base,
                 struct claims *claims, char **strings, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct member *m = &rows[i];
		void *p = (char *)base + m->offset;
		const cJSON *j = json_get(object, m->name);
		int r = 0;

		if (!j && m->required)
			return err_text(err, -EINVAL, "hand-over: %s is missing", m->name);
		if (!j)
			continue;
		if (m->kind == K_STRING)
			r = get_string(m, j, p, strings, err);
		else if (m->kind != K_BOOL)
			r = get_number(m, j, p, claims, err);
		else if (cJSON_IsBool(j))
			*(bool *)p = cJSON_IsTrue(j);
		else
			r = err_text(err, -EINVAL, "hand-over: %s is not a boolean", m->name);
		if (r < 0)
			return r;
		if (m->required && !is_set(m, p))
			return err_text(err, -EINVAL, "hand-over: %s is missing", m->name);
	}
	return 0;
}

static bool is_in(const struct member *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(rows[i].name, name))
			return true;
	return false;
}

int members_check_known(const cJSON *object, const struct member *a, size_t na,
                        const struct member *b, size_t nb, struct err *err)
{
	const cJSON *j;

	cJSON_ArrayForEach (j, object)
		if (must(j->string) && !is_in(a, na, j->string) && !is_in(b, nb, j->string))
			return err_text(err, -EOPNOTSUPP,
			                "hand-over: %s is not known to this shim, and may not be "
			                "lost",
			                j->string);
	return 0;
}

int members_each_fd(const struct member *rows, size_t n, const void *base,
                    int (*fn)(int fd, void *arg), void *arg)
{
	for (size_t i = 0; i < n; i++) {
		int fd, r;

		if (rows[i].kind != K_FD)
			continue;
		fd = *(const int *)((const char *)base + rows[i].offset);
		r = fd < 0 ? 0 : fn(fd, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int claims_keep_only(struct claims *c, struct err *err)
{
	unsigned int next = 3;
	int fds[CLAIMS_MAX] = { 0 }, r;

	for (size_t i = 0; i < c->n; i++) {
		fds[i] = c->list[i].fd;
		r = fd_cloexec(fds[i], true);
		if (r < 0)
			return err_set(err, r, "set close-on-exec on %s", c->list[i].name);
	}
	qsort(fds, c->n, sizeof(*fds), by_number);
	/* The gaps between them, in order. */
	for (size_t i = 0; i < c->n; i++) {
		if ((unsigned int)fds[i] > next)
			syscall(SYS_close_range, next, (unsigned int)fds[i] - 1, 0U);
		next = (unsigned int)fds[i] + 1;
	}
	syscall(SYS_close_range, next, ~0U, 0U);
	return 0;
}
