/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log reader. All files are held open from the moment they are seen, so that none is lost by being
 * renamed or removed before it is read; newer ones are looked for before every read. A file is left
 * for the next one when that has got a record: whoever renames a log and asks for it to be reopened
 * may have made the new file long before its writer uses it.
 *
 * The file that is written is the newest by name. Where ours is not found among the names (rotated
 * away, or renamed by somebody with other ideas of names) those that were written later are newer.
 */
#include "runtime/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define FILES_MAX 1000
#define LINE_MAX_ (1024 * 1024)
#define CHUNK     32768

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

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int newest(const struct log_reader *r)
{
	return r->n ? r->files[r->n - 1] : FD_INVALID;
}

/* The new ones were found from the newest on; they are kept the other way round. */
static void append(struct log_reader *r, const int *found, int n)
{
	r->files = xreallocarray(r->files, r->n + (size_t)n, sizeof(*r->files));
	while (n)
		r->files[r->n++] = found[--n];
}

/* Open what is newer than the newest we have: at the first call all there is. -errno of NAME. */
static int refresh(struct log_reader *r)
{
	int found[FILES_MAX], n = 0, have = newest(r), fd = FD_INVALID;
	struct stat ours = { 0 }, st;
	bool met = false;

	if (have >= 0 &&
	    (fstat(have, &ours) < 0 ||
	     (fstatat(r->dir_fd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&st, &ours))))
		return 0;
	while (n < FILES_MAX) {
		fd = open_file(r, n);
		if (fd < 0 || fstat(fd, &st) < 0)
			break;
		met = have >= 0 && same_file(&st, &ours);
		if (met)
			break;
		found[n++] = fd;
	}
	if (have < 0 && n == 0)
		return fd < 0 ? fd : -errno;
	fd_close(fd < 0 || n == FILES_MAX ? FD_INVALID : fd);
	/* But NAME is where it goes on, even if nothing was written there yet. */
	while (have >= 0 && !met && n > 1 && fstat(found[n - 1], &st) == 0 &&
	       is_older(&st.st_mtim, &ours.st_mtim))
		fd_close(found[--n]);
	r->created -= have >= 0 ? n : 0;
	append(r, found, n);
	return 0;
}

int log_reader_open(const char *path, struct log_reader *ret, struct err *err)
{
	_cleanup_free_ char *dir = path_dir(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), e;

	if (fd < 0)
		return err_set(err, -errno, "open log directory %s", dir);
	*ret = (struct log_reader){ .dir = take_ptr(dir),
		                    .name = xstrdup(path_base(path)),
		                    .dir_fd = fd,
		                    .watch_fd = FD_INVALID,
		                    .end_fd = FD_INVALID,
		                    .part = BUF_INIT(LINE_MAX_),
		                    .scratch = BUF_INIT(LINE_MAX_) };
	e = refresh(ret);
	if (e < 0) {
		log_reader_done(ret);
		return err_set(err, e, "open log %s", path);
	}
	return 0;
}

void log_reader_done(struct log_reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		fd_close(r->files[i]);
	free(r->files);
	r->files = NULL;
	r->n = 0;
	fd_reset(&r->dir_fd);
	fd_reset(&r->watch_fd);
	buf_done(&r->part);
	buf_done(&r->scratch);
	free(r->dir);
	free(r->name);
	r->dir = r->name = NULL;
}

/* All whole lines in part. */
static int emit_lines(struct log_reader *r, log_emit *emit, void *ctx)
{
	size_t used = 0;

	while (used < r->part.len) {
		const char *start = r->part.data + used;
		const char *end = memchr(start, '\n', r->part.len - used);
		struct log_line line;
		int e;

		if (!end)
			break;
		e = log_line_parse(start, (size_t)(end - start), &r->scratch, &line);
		if (e == 0)
			e = emit(ctx, &line);
		else if (e == -EBADMSG)
			e = 0; /* somebody else's line */
		if (e < 0)
			return e;
		used += (size_t)(end - start) + 1;
	}
	buf_consume(&r->part, used);
	return 0;
}

static void restart(struct log_reader *r)
{
	r->marks = (struct log_marks){ .pos = 0 };
	r->part.len = 0;
}

/* Keep the first and the last bytes of what is read. */
static void note(struct log_marks *m, const char *data, size_t n)
{
	size_t add = n < LOG_MARK - m->n_head ? n : LOG_MARK - m->n_head;

	memcpy(m->head + m->n_head, data, add);
	m->n_head += add;
	if (n < LOG_MARK) {
		size_t stay = m->n_tail < LOG_MARK - n ? m->n_tail : LOG_MARK - n;

		memmove(m->tail, m->tail + m->n_tail - stay, stay);
		memcpy(m->tail + stay, data, n);
		m->n_tail = stay + n;
	} else {
		memcpy(m->tail, data + n - LOG_MARK, LOG_MARK);
		m->n_tail = LOG_MARK;
	}
	m->pos += (off_t)n;
}

static bool reads_as(int fd, off_t pos, const char *expected, size_t n)
{
	char got[LOG_MARK];

	return pread(fd, got, n, pos) == (ssize_t)n && memcmp(got, expected, n) == 0;
}

/* Is what was read still there? Else the file was cut, and what is in it is new. */
static bool was_cut(const struct log_reader *r, int fd)
{
	const struct log_marks *m = &r->marks;

	return !reads_as(fd, 0, m->head, m->n_head) ||
	       !reads_as(fd, m->pos - (off_t)m->n_tail, m->tail, m->n_tail);
}

/* How much of the file to read at once; 0: no more of it. */
static size_t room(const struct log_reader *r)
{
	if (r->end_fd < 0 || r->files[r->at] != r->end_fd || r->end_pos - r->marks.pos > CHUNK)
		return CHUNK;
	return r->marks.pos < r->end_pos ? (size_t)(r->end_pos - r->marks.pos) : 0;
}

static int read_file(struct log_reader *r, log_emit *emit, void *ctx)
{
	int fd = r->files[r->at];
	char chunk[CHUNK];
	size_t max;
	int e = 0;

	if (was_cut(r, fd))
		restart(r);
	while (e == 0 && (max = room(r)) > 0) {
		ssize_t n = pread(fd, chunk, max, r->marks.pos);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		note(&r->marks, chunk, (size_t)n);
		e = buf_add(&r->part, chunk, (size_t)n);
		if (e == 0)
			e = emit_lines(r, emit, ctx);
		/* What takes its time must not lose the files that come and go meanwhile. */
		(void)refresh(r);
	}
	return e;
}

/* Nobody writes into the file that is being read any more. */
static bool is_final(const struct log_reader *r)
{
	struct stat st;

	if (r->at + 1 >= r->n)
		return false;
	return r->at + 2 < r->n || (fstat(r->files[r->at + 1], &st) == 0 && st.st_size > 0);
}

static void next_file(struct log_reader *r)
{
	restart(r);
	r->at++;
	if (r->keep)
		return;
	fd_close(r->files[0]);
	r->n--;
	r->at--;
	memmove(r->files, r->files + 1, r->n * sizeof(*r->files));
}

int log_reader_read(struct log_reader *r, log_emit *emit, void *ctx, struct err *err)
{
	for (;;) {
		bool final;
		int e;

		(void)refresh(r);
		/* Asked before reading: what is final then grows no more. */
		final = is_final(r);
		e = read_file(r, emit, ctx);
		if (e < 0)
			return err_set(err, e, "read log %s/%s", r->dir, r->name);
		if (!final || r->files[r->at] == r->end_fd)
			return 0;
		next_file(r);
	}
}

int log_reader_limit(struct log_reader *r)
{
	struct stat st;

	if (fstat(newest(r), &st) < 0)
		return -errno;
	r->end_fd = newest(r);
	r->end_pos = st.st_size;
	return 0;
}

int log_reader_rewind(struct log_reader *r)
{
	if (!r->keep)
		return -EINVAL;
	r->keep = false;
	r->at = 0;
	restart(r);
	return 0;
}

int log_reader_watch(struct log_reader *r, struct err *err)
{
	r->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->watch_fd < 0 ||
	    inotify_add_watch(r->watch_fd, r->dir, IN_MODIFY | IN_CREATE | IN_MOVE) < 0)
		return err_set(err, -errno, "watch %s", r->dir);
	return 0;
}

bool log_reader_missed(struct log_reader *r)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	while ((n = read(r->watch_fd, events, sizeof(events))) > 0)
		for (ssize_t i = 0; i < n;) {
			const struct inotify_event *ev = (const void *)(events + i);

			if (ev->mask & (IN_CREATE | IN_MOVED_TO) && ev->len &&
			    streq(ev->name, r->name))
				r->created++;
			i += (ssize_t)(sizeof(*ev) + ev->len);
		}
	(void)refresh(r);
	if (r->created <= 0)
		return false;
	r->created = 0;
	return true;
}
