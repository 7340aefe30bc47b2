/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-over: one table of members drives writer, reader and the treatment of descriptors, so that a
 * member can not be written and not read, or be kept open and not accounted for.
 */
#include "shim/wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

enum kind { K_STRING, K_FD, K_FD_NEEDED, K_BOOL, K_INT, K_U16, K_I64, K_SIZE };

struct member {
	const char *name;
	enum kind kind;
	size_t offset;
	int64_t min, max; /* of numbers */
};

#define M(n, k, lo, hi)                                              \
	{                                                            \
#n, k, offsetof(struct shim_handover, n), (lo), (hi) \
	}

static const struct member members[] = {
	M(version, K_INT, HANDOVER_VERSION, HANDOVER_VERSION),
	M(id, K_STRING, 1, 1024),
	M(name, K_STRING, 0, 1024),
	M(session_path, K_STRING, 1, PATH_MAX),
	M(log_path, K_STRING, 0, PATH_MAX),
	M(pid, K_INT, 1, INT_MAX),
	M(dir_fd, K_FD_NEEDED, 0, 0),
	M(pidfd, K_FD_NEEDED, 0, 0),
	M(listen_fd, K_FD_NEEDED, 0, 0),
	M(stdin_fd, K_FD, 0, 0),
	M(stdout_fd, K_FD, 0, 0),
	M(stderr_fd, K_FD, 0, 0),
	M(pty_fd, K_FD, 0, 0),
	M(oom_fd, K_FD, 0, 0),
	M(cgroup_kill_fd, K_FD, 0, 0),
	M(ready_fd, K_FD, 0, 0),
	M(terminal, K_BOOL, 0, 1),
	M(rows, K_U16, 0, UINT16_MAX),
	M(cols, K_U16, 0, UINT16_MAX),
	M(stdin_mode, K_INT, SHIM_STDIN_NEVER, SHIM_STDIN_KEEP),
	M(created_ns, K_I64, 0, INT64_MAX),
	M(started_ns, K_I64, 0, INT64_MAX),
	M(log_max, K_SIZE, 4096, INT64_MAX),
	M(log_files, K_INT, 1, 1000),
	M(ring_size, K_SIZE, 32768, 64 * 1024 * 1024),
	M(drain_ms, K_I64, 0, INT64_C(86400000)),
};

_Static_assert(sizeof(pid_t) == sizeof(int), "pid is handled as an int");
_Static_assert(sizeof(enum shim_stdin_mode) == sizeof(int), "stdin_mode is handled as an int");
_Static_assert(sizeof(size_t) == sizeof(int64_t), "sizes are handled as 64 bit");

static void *at(struct shim_handover *h, const struct member *m)
{
	return (char *)h + m->offset;
}

static const void *at_const(const struct shim_handover *h, const struct member *m)
{
	return (const char *)h + m->offset;
}

static bool is_fd(const struct member *m)
{
	return m->kind == K_FD || m->kind == K_FD_NEEDED;
}

void handover_init(struct shim_handover *h)
{
	*h = (struct shim_handover){
		.version = HANDOVER_VERSION,
		.stdin_mode = SHIM_STDIN_NEVER,
		.log_max = SHIM_LOG_MAX_DEFAULT,
		.log_files = SHIM_LOG_FILES_DEFAULT,
		.ring_size = SHIM_RING_DEFAULT,
		.drain_ms = SHIM_DRAIN_MS_DEFAULT,
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (is_fd(&members[i]))
			*(int *)at(h, &members[i]) = FD_INVALID;
		else if (members[i].kind == K_STRING)
			*(const char **)at(h, &members[i]) = "";
	}
}

static int put(struct buf *b, const struct member *m, const void *p)
{
	const char *s;

	switch (m->kind) {
	case K_STRING:
		s = *(const char *const *)p;
		return json_str(b, s ? s : "");
	case K_FD:
	case K_FD_NEEDED:
	case K_INT:
		return buf_printf(b, "%d", *(const int *)p);
	case K_BOOL:
		return buf_puts(b, *(const bool *)p ? "true" : "false");
	case K_U16:
		return buf_printf(b, "%u", (unsigned int)*(const uint16_t *)p);
	case K_I64:
		return buf_printf(b, "%" PRId64, *(const int64_t *)p);
	case K_SIZE:
		return buf_printf(b, "%zu", *(const size_t *)p);
	}
	return -EINVAL;
}

int handover_write(const struct shim_handover *h, int *ret_memfd, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(HANDOVER_MAX);
	_cleanup_close_ int fd = FD_INVALID;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(members) && r >= 0; i++) {
		r = buf_printf(&b, "%s\"%s\":", i ? ",\n" : "{", members[i].name);
		if (r >= 0)
			r = put(&b, &members[i], at_const(h, &members[i]));
	}
	if (r >= 0)
		r = buf_puts(&b, "}\n");
	if (r < 0)
		return err_set(err, r, "write hand-over");

	fd = memfd_create("berth-handover", MFD_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "create memfd for the hand-over");
	r = fd_write_all(fd, b.data, b.len);
	if (r < 0)
		return err_set(err, r, "write hand-over");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, -errno, "rewind hand-over");
	*ret_memfd = take_fd(&fd);
	return 0;
}

int handover_keep_fds(const struct shim_handover *h, int memfd)
{
	int r = fd_cloexec(memfd, false);

	for (size_t i = 0; i < ARRAY_SIZE(members) && r >= 0; i++) {
		if (!is_fd(&members[i]) || *(const int *)at_const(h, &members[i]) < 0)
			continue;
		r = fd_cloexec(*(const int *)at_const(h, &members[i]), false);
	}
	return r < 0 ? r : 0;
}

/* An open descriptor that no other member has claimed. */
static int check_fd(const struct shim_handover *h, const struct member *m, int64_t v,
                    struct err *err)
{
	if (v < 0)
		return m->kind == K_FD
		           ? 0
		           : err_text(err, -EINVAL, "hand-over: %s is missing", m->name);
	if (v < 3 || v > INT_MAX || fcntl((int)v, F_GETFD) < 0)
		return err_text(err, -EINVAL, "hand-over: %s %" PRId64 " is not open", m->name, v);
	for (const struct member *o = members; o < m; o++)
		if (is_fd(o) && *(const int *)at_const(h, o) == (int)v)
			return err_text(err, -EINVAL, "hand-over: %s and %s are the same", o->name,
			                m->name);
	return 0;
}

static int get_number(struct shim_handover *h, const struct member *m, const cJSON *j,
                      struct err *err)
{
	int64_t v;
	int r;

	if (json_int64(j, &v) < 0)
		return err_text(err, -EINVAL, "hand-over: %s is not an integer", m->name);
	if (is_fd(m)) {
		r = check_fd(h, m, v, err);
		if (r < 0)
			return r;
		*(int *)at(h, m) = v < 0 ? FD_INVALID : (int)v;
		return 0;
	}
	if (v < m->min || v > m->max)
		return err_text(err, -EINVAL,
		                "hand-over: %s is %" PRId64 ", not in %" PRId64 "..%" PRId64,
		                m->name, v, m->min, m->max);
	if (m->kind == K_INT)
		*(int *)at(h, m) = (int)v;
	else if (m->kind == K_U16)
		*(uint16_t *)at(h, m) = (uint16_t)v;
	else if (m->kind == K_SIZE)
		*(size_t *)at(h, m) = (size_t)v;
	else
		*(int64_t *)at(h, m) = v;
	return 0;
}

/* Strings are moved into one block, so that the JSON tree need not live as long as the shim. */
static int get_string(struct shim_handover *h, const struct member *m, const cJSON *j, char **store,
                      struct err *err)
{
	size_t len;

	if (!json_is_string(j))
		return err_text(err, -EINVAL, "hand-over: %s is not a string", m->name);
	len = strlen(j->valuestring);
	if ((int64_t)len < m->min || (int64_t)len > m->max)
		return err_text(err, -EINVAL, "hand-over: %s has a bad length", m->name);
	memcpy(*store, j->valuestring, len + 1);
	*(const char **)at(h, m) = *store;
	*store += len + 1;
	return 0;
}

static int get_all(struct shim_handover *h, const cJSON *root, char *store, struct err *err)
{
	int r;

	for (const struct member *m = members; m < members + ARRAY_SIZE(members); m++) {
		const cJSON *j = json_get(root, m->name);

		if (!j)
			return err_text(err, -EINVAL, "hand-over: %s is missing", m->name);
		if (m->kind == K_STRING) {
			r = get_string(h, m, j, &store, err);
		} else if (m->kind == K_BOOL) {
			if (!cJSON_IsBool(j))
				return err_text(err, -EINVAL, "hand-over: %s is not a boolean",
				                m->name);
			*(bool *)at(h, m) = cJSON_IsTrue(j);
			r = 0;
		} else {
			r = get_number(h, m, j, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_whole(const struct shim_handover *h, struct err *err)
{
	struct stat st;
	int v = 0;
	socklen_t len = sizeof(v);

	if (h->session_path[0] != '/' || (h->log_path[0] && h->log_path[0] != '/'))
		return err_text(err, -EINVAL, "hand-over: paths must be absolute");
	if (h->terminal != (h->pty_fd >= 0))
		return err_text(err, -EINVAL, "hand-over: terminal and pty_fd disagree");
	if (h->pty_fd >= 0 && (h->stdin_fd >= 0 || h->stdout_fd >= 0 || h->stderr_fd >= 0))
		return err_text(err, -EINVAL, "hand-over: pipes beside a terminal");
	if (fstat(h->dir_fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_text(err, -EINVAL, "hand-over: dir_fd is not a directory");
	if (getsockopt(h->listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &v, &len) < 0 || !v)
		return err_text(err, -EINVAL, "hand-over: listen_fd does not listen");
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close all from 3 on but the given ones: the gaps between them, in order. */
static void close_others(int *fds, size_t n)
{
	unsigned int next = 3;

	qsort(fds, n, sizeof(*fds), by_number);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned int)fds[i] > next)
			syscall(SYS_close_range, next, (unsigned int)fds[i] - 1, 0U);
		next = (unsigned int)fds[i] + 1;
	}
	syscall(SYS_close_range, next, ~0U, 0U);
}

int handover_read(int fd, struct shim_handover *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL, *owned = NULL;
	_cleanup_json_ cJSON *root = NULL;
	struct shim_handover h;
	int fds[ARRAY_SIZE(members)];
	size_t len, n = 0;
	int r;

	r = file_read_fd(fd, HANDOVER_MAX, &text, &len);
	if (r < 0)
		return err_set(err, r, "read hand-over");
	r = json_parse(text, len, &root, err);
	if (r < 0)
		return err_prefix(err, "hand-over");
	fd_close(fd);

	handover_init(&h);
	owned = xmalloc(len + 1); /* no string is longer than its JSON form */
	r = get_all(&h, root, owned, err);
	if (r >= 0)
		r = check_whole(&h, err);
	if (r < 0)
		return r;

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		int v = is_fd(&members[i]) ? *(int *)at(&h, &members[i]) : -1;

		if (v < 0)
			continue;
		r = fd_cloexec(v, true);
		if (r < 0)
			return err_set(err, r, "set close-on-exec on %s", members[i].name);
		fds[n++] = v;
	}
	close_others(fds, n);

	*ret = h;
	ret->owned = take_ptr(owned);
	return 0;
}

void handover_done(struct shim_handover *h)
{
	free(h->owned);
	h->owned = NULL;
}
