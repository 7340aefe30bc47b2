/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log file: one write(2) for a batch of records, or for as many of them as the file has room
 * for. Somebody else may remove, rename or cut the file at any time; one that has no name any more
 * is replaced by a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "shim/log_batch.h"

#define RETRY_NS   INT64_C(200000000)
#define TICK_NS    INT64_C(10000000)
#define OPEN_FLAGS (O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static int open_dir(struct log_sink *s)
{
	_cleanup_free_ char *dir = path_dir(s->path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	fd_close(s->dir_fd);
	s->dir_fd = fd;
	return 0;
}

static int open_name(struct log_sink *s, int flags)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;

	flags |= knocked_out("log-nofollow") ? OPEN_FLAGS & ~O_NOFOLLOW : OPEN_FLAGS;
	fd = openat(s->dir_fd, s->name, flags, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	s->size = (uint64_t)st.st_size;
	fd_close(s->fd);
	s->fd = take_fd(&fd);
	return 0;
}

/* A directory that was removed can be back under its name as another one. */
static int open_file(struct log_sink *s, int flags)
{
	int r = s->dir_fd < 0 ? -ENOENT : open_name(s, flags);

	if (r == -ENOENT && open_dir(s) == 0)
		r = open_name(s, flags);
	return r;
}

int log_file_open(struct log_sink *s, const char *path)
{
	s->path = path;
	return open_file(s, 0);
}

int log_file_reopen(struct log_sink *s)
{
	int r = open_file(s, 0);

	if (r < 0)
		s->error = r;
	else
		s->retry_ns = 0;
	return r;
}

/* NAME.(n-1) -> NAME.n, ..., NAME -> NAME.1, and a new NAME. */
static int rotate(struct log_sink *s)
{
	char from[NAME_MAX + 8], to[NAME_MAX + 8];

	fd_reset(&s->fd);
	for (int i = s->files - 1; i >= 1; i--) {
		if (i > 1)
			snprintf(from, sizeof(from), "%s.%d", s->name, i - 1);
		else
			snprintf(from, sizeof(from), "%s", s->name);
		snprintf(to, sizeof(to), "%s.%d", s->name, i);
		if (renameat(s->dir_fd, from, s->dir_fd, to) < 0 && errno != ENOENT)
			return -errno;
	}
	if (s->files == 1 && unlinkat(s->dir_fd, s->name, 0) < 0 && errno != ENOENT)
		return -errno;
	return open_file(s, O_EXCL);
}

static void fail(struct log_sink *s, int r, int64_t now_ns)
{
	s->error = r;
	if (s->fd < 0)
		s->retry_ns = now_ns + RETRY_NS;
}

/* Is it still the file that we think it is? */
static void look(struct log_sink *s)
{
	struct stat st;

	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return;
	s->size = (uint64_t)st.st_size;
	if (st.st_nlink == 0)
		fd_reset(&s->fd);
}

/* Make sure that there is a file with room for len more bytes. false: not now. */
static bool ready(struct log_sink *s, size_t len, int64_t now_ns)
{
	int r = 0;

	if (s->fd < 0) {
		/* A clock that was set back must not put the retry off. */
		if (now_ns < s->retry_ns && s->retry_ns - now_ns <= RETRY_NS)
			return false;
		r = open_file(s, 0);
	}
	if (r >= 0 && s->size && s->size + len > s->max)
		r = rotate(s);
	if (r < 0)
		fail(s, r, now_ns);
	return r >= 0;
}

/* Write it all or up to an error: bytes written in *ret. */
static int write_bytes(int fd, const char *data, size_t len, size_t *ret)
{
	size_t done = 0;

	while (done < len) {
		ssize_t w = write(fd, data + done, len - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			*ret = done;
			return w < 0 ? -errno : -EIO;
		}
		done += (size_t)w;
	}
	*ret = done;
	return 0;
}

/* Take back the beginning of a record that did not fit. */
static void cut(struct log_sink *s, size_t bytes)
{
	struct stat st;

	if (bytes && fstat(s->fd, &st) == 0 && (uint64_t)st.st_size >= bytes)
		(void)!ftruncate(s->fd, st.st_size - (off_t)bytes);
}

/* Where the last record of the file ends; size: there is no telling. */
static off_t end_of_records(int fd, off_t size)
{
	char chunk[4096];

	for (off_t at = size; at > 0 && size - at <= LOG_JSON_MAX;) {
		size_t want = at < (off_t)sizeof(chunk) ? (size_t)at : sizeof(chunk);
		const char *nl;

		at -= (off_t)want;
		if (pread(fd, chunk, want, at) != (ssize_t)want)
			return size;
		nl = memrchr(chunk, '\n', want);
		if (nl)
			return at + (nl - chunk) + 1;
		if (at == 0)
			return 0;
	}
	return size;
}

/*
 * Somebody else has written this file, and may have been killed in the middle of a record, or just
 * before the clock was set back: the time of a file is that of the last tick.
 */
void log_file_take_over(struct log_sink *s)
{
	_cleanup_close_ int fd = openat(s->dir_fd, s->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st, ours;
	off_t end;

	if (fd < 0 || fstat(fd, &st) < 0 || fstat(s->fd, &ours) < 0 || st.st_ino != ours.st_ino ||
	    st.st_dev != ours.st_dev || st.st_size == 0)
		return;
	s->last_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec + TICK_NS;
	end = end_of_records(fd, st.st_size);
	if (end < st.st_size && ftruncate(s->fd, end) == 0)
		s->size = (uint64_t)end;
}

void log_count_lost(struct log_sink *s, uint64_t bytes, int error)
{
	s->lost += bytes;
	s->lost_total += bytes;
	if (error)
		s->error = error;
}

/* The gap is told before anything that comes after it. */
static bool write_marker(struct log_sink *s, const struct log_batch *b)
{
	char text[LOG_LOST_MAX];
	size_t len = log_lost(text, s->format, "", s->lost, s->error, b->stamp_ns, b->stream);
	size_t done;
	int r;

	if (!ready(s, len, b->now_ns))
		return false;
	r = write_bytes(s->fd, text, len, &done);
	if (r < 0) {
		cut(s, done);
		fail(s, r, b->now_ns);
		return false;
	}
	s->size += done;
	s->lost = 0;
	return true;
}

/* Write records from..to-1; how many of them are in the file. */
static int write_records(struct log_sink *s, const struct log_batch *b, int from, int to)
{
	size_t before = from ? b->rec[from - 1].end : 0, done, whole = 0;
	int ok = from, r;

	r = write_bytes(s->fd, b->data + before, b->rec[to - 1].end - before, &done);
	if (r < 0)
		fail(s, r, b->now_ns);
	else
		s->error = 0;
	for (; ok < to && b->rec[ok].end - before <= done; ok++) {
		whole = b->rec[ok].end - before;
		s->written += b->rec[ok].consumed;
	}
	cut(s, done - whole);
	s->size += whole;
	return ok - from;
}

void log_file_write(struct log_sink *s, const struct log_batch *b)
{
	int at = 0;

	look(s);
	while (at < b->n) {
		size_t before = at ? b->rec[at - 1].end : 0;
		int to = at + 1, ok = 0;

		if ((!s->lost || write_marker(s, b)) &&
		    ready(s, b->rec[at].end - before, b->now_ns)) {
			while (to < b->n && s->size + b->rec[to].end - before <= s->max)
				to++;
			ok = write_records(s, b, at, to);
		}
		at += ok;
		if (at == to)
			continue;
		for (; at < b->n; at++)
			log_count_lost(s, b->rec[at].consumed, 0);
	}
}
