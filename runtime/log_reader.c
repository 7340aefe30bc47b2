/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log reader. Position is an open file and what was read of it. At its end the next newer file is
 * looked for: the open one is found again by device and inode, since rotation changes its name.
 */
#include "runtime/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define FILES_MAX 1000
#define LINE_MAX_ (1024 * 1024)

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

static bool is(const char *word, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(word, what, len) == 0;
}

int log_line_parse(const char *line, size_t len, struct log_line *ret)
{
	const char *p = line, *end = line + len, *word;
	size_t n;

	if (!take_word(&p, end, &word, &n) || !n || !take_word(&p, end, &word, &n))
		return -EBADMSG;
	if (is(word, n, "stdout"))
		ret->stream = STREAM_STDOUT;
	else if (is(word, n, "stderr"))
		ret->stream = STREAM_STDERR;
	else
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

static void file_name(const struct log_reader *r, int i, char *ret, size_t size)
{
	if (i)
		snprintf(ret, size, "%s.%d", r->name, i);
	else
		snprintf(ret, size, "%s", r->name);
}

static int open_file(const struct log_reader *r, int i)
{
	char name[512];
	int fd;

	file_name(r, i, name, sizeof(name));
	fd = openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* The oldest file there is. */
static int open_oldest(const struct log_reader *r)
{
	int found = open_file(r, 0), fd;

	for (int i = 1; i < FILES_MAX; i++) {
		fd = open_file(r, i);
		if (fd < 0)
			break;
		fd_close(found);
		found = fd;
	}
	return found;
}

/* The file that came after the open one; -EAGAIN: there is none yet. */
static int open_next(const struct log_reader *r)
{
	int newer = FD_INVALID;

	for (int i = 0; i < FILES_MAX; i++) {
		int fd = open_file(r, i);

		if (fd < 0)
			break;
		if (same_file(fd, r->fd)) {
			fd_close(fd);
			return i ? newer : -EAGAIN;
		}
		fd_close(newer);
		newer = fd;
	}
	/* Ours has been rotated away: go on with the oldest that is left. */
	return newer < 0 ? -EAGAIN : newer;
}

int log_reader_open(const char *path, struct log_reader *ret, struct err *err)
{
	_cleanup_free_ char *dir = path_dir(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, -errno, "open log directory %s", dir);
	*ret = (struct log_reader){ .dir = take_ptr(dir),
		                    .name = xstrdup(path_base(path)),
		                    .dir_fd = fd,
		                    .fd = FD_INVALID,
		                    .part = BUF_INIT(LINE_MAX_) };
	ret->fd = open_oldest(ret);
	if (ret->fd < 0) {
		fd = ret->fd;
		log_reader_done(ret);
		return err_set(err, fd, "open log %s", path);
	}
	return 0;
}

void log_reader_done(struct log_reader *r)
{
	fd_reset(&r->fd);
	fd_reset(&r->dir_fd);
	buf_done(&r->part);
	free(r->dir);
	free(r->name);
	r->dir = r->name = NULL;
}

/* All whole lines in part. */
static int emit_lines(struct log_reader *r, int (*emit)(void *, const struct log_line *), void *ctx)
{
	size_t used = 0;

	while (used < r->part.len) {
		const char *start = r->part.data + used;
		const char *end = memchr(start, '\n', r->part.len - used);
		struct log_line line;
		int e;

		if (!end)
			break;
		if (log_line_parse(start, (size_t)(end - start), &line) == 0) {
			e = emit(ctx, &line);
			if (e < 0)
				return e;
		}
		used += (size_t)(end - start) + 1;
	}
	buf_consume(&r->part, used);
	return 0;
}

static int read_file(struct log_reader *r, int (*emit)(void *, const struct log_line *), void *ctx)
{
	char chunk[32768];
	ssize_t n;
	int e;

	while ((n = read(r->fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		e = buf_add(&r->part, chunk, (size_t)n);
		if (e >= 0)
			e = emit_lines(r, emit, ctx);
		if (e < 0)
			return e;
	}
	return 0;
}

int log_reader_read(struct log_reader *r, int (*emit)(void *ctx, const struct log_line *line),
                    void *ctx, struct err *err)
{
	for (;;) {
		int next, e;

		/* Looked for before reading: once a newer one is there, this one grows no more. */
		next = open_next(r);
		e = read_file(r, emit, ctx);
		if (e < 0) {
			fd_close(next);
			return err_set(err, e, "read log %s/%s", r->dir, r->name);
		}
		if (next < 0)
			return 0;
		fd_reset(&r->fd);
		r->fd = next;
		buf_done(&r->part); /* records do not cross files */
	}
}
