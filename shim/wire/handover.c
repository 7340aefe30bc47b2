/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-over: the members that each has; what a shim that has served adds is in shim/resume.c. */
#include "shim/wire/handover.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define M(field, kind, lo, hi, ...) \
	MEMBER(#field, struct shim_handover, field, kind, lo, hi, __VA_ARGS__)
#define FD(field, ...) M(field, K_FD, 0, 0, __VA_ARGS__)

static const struct member members[] = {
	M(version, K_INT, HANDOVER_OLDEST, HANDOVER_VERSION, .required = true),
	M(id, K_STRING, 1, 1024, .required = true),
	M(name, K_STRING, 0, 1024),
	M(session_path, K_STRING, 1, PATH_MAX, .required = true),
	M(log_path, K_STRING, 0, PATH_MAX),
	M(journal, K_STRING, 0, 107),
	MEMBER("must-log_format", struct shim_handover, log_format, K_INT, 0, LOG_DRIVERS - 1),
	M(pid, K_INT, 1, INT_MAX, .required = true),
	FD(dir_fd, .required = true),
	FD(pidfd),
	FD(listen_fd, .required = true),
	FD(stdin_fd),
	FD(stdout_fd),
	FD(stderr_fd),
	FD(pty_fd),
	FD(oom_fd),
	FD(cgroup_kill_fd),
	FD(freeze_fd),
	FD(stat_fd),
	FD(exit_command_fd),
	FD(ready_fd),
	M(terminal, K_BOOL, 0, 1),
	M(rows, K_U16, 0, UINT16_MAX),
	M(cols, K_U16, 0, UINT16_MAX),
	M(stdin_mode, K_INT, SHIM_STDIN_NEVER, SHIM_STDIN_KEEP),
	M(created_ns, K_I64, 0, INT64_MAX),
	M(started_ns, K_I64, 0, INT64_MAX),
	M(sequence, K_I64, 0, INT64_C(1) << 52),
	M(events, K_STRING, 0, 4096),
	M(origin, K_I64, 0, INT64_MAX),
	M(oom_kills, K_I64, -1, INT64_MAX),
	MEMBER("must-adopted", struct shim_handover, adopted, K_BOOL, 0, 1),
	M(terminal_lost, K_BOOL, 0, 1),
	M(log_max, K_SIZE, 4096, INT64_MAX),
	M(log_files, K_INT, 1, 1000),
	M(ring_size, K_SIZE, 32768, 64 * 1024 * 1024),
	M(drain_ms, K_I64, 0, INT64_C(86400000)),
	M(linger_ms, K_I64, -1, INT64_C(86400000)),
};

_Static_assert(sizeof(enum log_driver) == sizeof(int), "log_format is handled as an int");
_Static_assert(sizeof(enum shim_stdin_mode) == sizeof(int), "stdin_mode is handled as an int");

void handover_init(struct shim_handover *h)
{
	*h = (struct shim_handover){
		.version = HANDOVER_VERSION,
		.stdin_mode = SHIM_STDIN_NEVER,
		.log_max = SHIM_LOG_MAX_DEFAULT,
		.log_files = SHIM_LOG_FILES_DEFAULT,
		.oom_kills = -1,
		.ring_size = SHIM_RING_DEFAULT,
		.drain_ms = SHIM_DRAIN_MS_DEFAULT,
		.linger_ms = -1,
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		void *p = (char *)h + members[i].offset;

		if (members[i].kind == K_FD)
			*(int *)p = FD_INVALID;
		else if (members[i].kind == K_STRING)
			*(const char **)p = "";
	}
}

int handover_put(struct buf *b, const struct shim_handover *h)
{
	bool first = true;
	int r = buf_puts(b, "{");

	return r < 0 ? r : members_write(b, members, ARRAY_SIZE(members), h, h->version, &first);
}

int handover_write(const struct shim_handover *h, int *ret_memfd, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(HANDOVER_MAX);
	_cleanup_close_ int fd = FD_INVALID;
	int r = handover_put(&b, h);

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

int handover_each_fd(const struct shim_handover *h, int (*fn)(int fd, void *arg), void *arg)
{
	return members_each_fd(members, ARRAY_SIZE(members), h, fn, arg);
}

static int keep_fd(int fd, void *arg)
{
	(void)arg;
	return fd_cloexec(fd, false);
}

int handover_keep_fds(const struct shim_handover *h, int memfd)
{
	int r = fd_cloexec(memfd, false);

	return r < 0 ? r : handover_each_fd(h, keep_fd, NULL);
}

int handover_load(int fd, cJSON **ret, size_t *ret_len, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read_fd(fd, HANDOVER_MAX, &text, &len);

	if (r < 0)
		return err_set(err, r, "read hand-over");
	r = json_parse(text, len, ret, err);
	if (r < 0)
		return err_prefix(err, "hand-over");
	*ret_len = len;
	return 0;
}

/* Before anything else: the members of a text that is too new may mean anything. */
static int check_version(const cJSON *root, struct err *err)
{
	int64_t v;

	if (json_int64(json_get(root, "version"), &v) < 0)
		return err_text(err, -EINVAL, "hand-over: version is missing or no number");
	if (v < HANDOVER_OLDEST || v > HANDOVER_VERSION)
		return err_text(err, -EINVAL,
		                "hand-over: it has version %lld, and this shim reads %d to %d",
		                (long long)v, HANDOVER_OLDEST, HANDOVER_VERSION);
	return 0;
}

int handover_parse(const cJSON *root, size_t len, struct claims *claims, struct shim_handover *ret,
                   struct err *err)
{
	struct shim_handover h;
	char *strings;
	int r = check_version(root, err);

	if (r < 0)
		return r;
	handover_init(&h);
	h.owned = strings = malloc(len + 1); /* no string is longer than its JSON form */
	if (!strings)
		return err_set(err, -ENOMEM, "read hand-over");
	r = members_check_known(root, members, ARRAY_SIZE(members), NULL, 0, err);
	if (r >= 0)
		r = members_read(root, members, ARRAY_SIZE(members), &h, claims, &strings, err);
	if (r < 0) {
		handover_done(&h);
		return r;
	}
	*ret = h;
	return 0;
}

int handover_check(const struct shim_handover *h, bool resumed, struct err *err)
{
	struct stat st;
	int v = 0;
	socklen_t len = sizeof(v);

	if (h->session_path[0] != '/' || (h->log_path[0] && h->log_path[0] != '/'))
		return err_text(err, -EINVAL, "hand-over: paths must be absolute");
	/* Later they are closed one by one. */
	if (!resumed && h->pidfd < 0)
		return err_text(err, -EINVAL, "hand-over: pidfd is missing");
	if (h->terminal != (h->pty_fd >= 0) && !(resumed && h->terminal))
		return err_text(err, -EINVAL, "hand-over: terminal and pty_fd disagree");
	if (h->pty_fd >= 0 && (h->stdin_fd >= 0 || h->stdout_fd >= 0 || h->stderr_fd >= 0))
		return err_text(err, -EINVAL, "hand-over: pipes beside a terminal");
	if (fstat(h->dir_fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_text(err, -EINVAL, "hand-over: dir_fd is not a directory");
	if (getsockopt(h->listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &v, &len) < 0 || !v)
		return err_text(err, -EINVAL, "hand-over: listen_fd does not listen");
	return 0;
}

int handover_read(int fd, struct shim_handover *ret, struct err *err)
{
	_cleanup_json_ cJSON *root = NULL;
	struct claims claims = { .n = 0 };
	struct shim_handover h;
	size_t len = 0;
	int r = handover_load(fd, &root, &len, err);

	if (r >= 0)
		r = handover_parse(root, len, &claims, &h, err);
	if (r < 0)
		return r;
	r = handover_check(&h, false, err);
	if (r >= 0)
		r = claims_keep_only(&claims, err);
	if (r < 0) {
		handover_done(&h);
		return r;
	}
	*ret = h;
	return 0;
}

void handover_done(struct shim_handover *h)
{
	free(h->owned);
	h->owned = NULL;
}
