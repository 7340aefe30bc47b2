/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log file. Records are collected in a batch of spans of the ring and written by one writev(2); the
 * batch remembers where each record ends, so that after a short write or an error the file is cut
 * back to whole records and the rest is counted as lost.
 */
#include "shim/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define BATCH_RECORDS 16
#define RECORD_SPANS  4 /* prefix, two spans of the ring, newline */
#define RETRY_NS      INT64_C(200000000)
#define OPEN_FLAGS    (O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

struct batch {
	struct iovec iov[BATCH_RECORDS * RECORD_SPANS];
	int n_iov, n;
	size_t bytes;
	struct {
		size_t end;      /* bytes of the batch up to and with this record */
		size_t consumed; /* bytes of output in it, with the newline */
	} rec[BATCH_RECORDS];
};

static int open_file(struct log_sink *s, int flags)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;

	fd = openat(s->dir_fd, s->name, OPEN_FLAGS | flags, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	s->size = (uint64_t)st.st_size;
	s->fd = take_fd(&fd);
	return 0;
}

int log_sink_resume(const char *path, size_t max, int files, struct log_sink *sink, struct err *err)
{
	const char *base = path_base(path);

	if (!*base || strlen(base) >= sizeof(sink->name))
		return err_text(err, -EINVAL, "log path %s has no usable file name", path);
	memcpy(sink->name, base, strlen(base) + 1);
	sink->max = max;
	sink->files = files;
	return 0;
}

int log_sink_open(const char *path, size_t max, int files, struct log_sink *ret, struct err *err)
{
	_cleanup_free_ char *dir = path_dir(path);
	struct log_sink s = { .fd = FD_INVALID, .dir_fd = FD_INVALID };
	int r = log_sink_resume(path, max, files, &s, err);

	if (r < 0)
		return r;
	s.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.dir_fd < 0)
		return err_set(err, -errno, "open log directory %s", dir);
	r = open_file(&s, 0);
	if (r < 0) {
		fd_close(s.dir_fd);
		return err_set(err, r, "open log %s", path);
	}
	*ret = s;
	return 0;
}

void log_sink_close(struct log_sink *sink)
{
	fd_reset(&sink->fd);
	fd_reset(&sink->dir_fd);
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
static int write_spans(int fd, struct iovec *iov, int n, size_t *ret)
{
	size_t done = 0;

	while (n) {
		ssize_t w = writev(fd, iov, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			*ret = done;
			return w < 0 ? -errno : -EIO;
		}
		done += (size_t)w;
		while (n && (size_t)w >= iov->iov_len) {
			w -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n) {
			iov->iov_base = (char *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
	*ret = done;
	return 0;
}

/* The gap is told before anything that comes after it. */
static bool write_marker(struct log_sink *s, enum frame_stream stream, int64_t now_ns)
{
	char text[LOG_PREFIX_SIZE + 128];
	struct iovec iov;
	size_t len, done;
	int r;

	len = log_prefix(text, now_ns, stream, "F:lost");
	len += (size_t)snprintf(text + len, sizeof(text) - len,
	                        "berth: %" PRIu64 " bytes of output lost: %s\n", s->lost,
	                        s->error ? strerrordesc_np(-s->error) : "unknown");
	if (!ready(s, len, now_ns))
		return false;
	iov = (struct iovec){ text, len };
	r = write_spans(s->fd, &iov, 1, &done);
	if (r < 0) {
		(void)!ftruncate(s->fd, (off_t)s->size);
		fail(s, r, now_ns);
		return false;
	}
	s->size += done;
	s->lost = 0;
	return true;
}

static void write_batch(struct log_sink *s, struct batch *b, enum frame_stream stream,
                        int64_t now_ns)
{
	size_t done = 0, whole = 0;
	int r = -EAGAIN, ok = 0;

	if ((!s->lost || write_marker(s, stream, now_ns)) && ready(s, b->bytes, now_ns)) {
		r = write_spans(s->fd, b->iov, b->n_iov, &done);
		if (r < 0)
			fail(s, r, now_ns);
		else
			s->error = 0;
	}
	for (; ok < b->n && b->rec[ok].end <= done; ok++) {
		whole = b->rec[ok].end;
		s->written += b->rec[ok].consumed;
	}
	if (done > whole)
		(void)!ftruncate(s->fd, (off_t)(s->size + whole));
	s->size += whole;
	for (; ok < b->n; ok++) {
		s->lost += b->rec[ok].consumed;
		s->lost_total += b->rec[ok].consumed;
	}
	b->n = b->n_iov = 0;
	b->bytes = 0;
}

static void add(struct batch *b, const void *data, size_t len)
{
	if (len)
		b->iov[b->n_iov++] = (struct iovec){ (void *)data, len };
	b->bytes += len;
}

static void add_record(struct batch *b, const char *prefix, size_t prefix_len,
                       const struct iovec *iov, int n, const struct log_piece *piece)
{
	size_t left = piece->consumed;

	add(b, prefix, prefix_len);
	for (int i = 0; i < n && left; i++) {
		size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;

		add(b, iov[i].iov_base, len);
		left -= len;
	}
	if (piece->consumed == piece->text) /* no newline of its own */
		add(b, "\n", 1);
	b->rec[b->n].end = b->bytes;
	b->rec[b->n].consumed = piece->consumed;
	b->n++;
}

void log_feed(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring,
              enum frame_stream stream, int64_t now_ns, enum log_flush flush)
{
	char full[LOG_PREFIX_SIZE], part[LOG_PREFIX_SIZE];
	size_t prefix = log_prefix(full, now_ns, stream, "F");
	struct batch b = { .n = 0 };
	struct log_piece piece;
	struct iovec iov[2];

	log_prefix(part, now_ns, stream, "P");
	for (;;) {
		int n = ring_peek(ring, cursor->offset, LOG_LINE_MAX + 1, iov);
		/* Only the very end of the data can be the end of the stream. */
		bool last = ring->head - cursor->offset <= LOG_LINE_MAX;

		if (!log_next(iov, n, last ? flush : LOG_FLUSH_NO, &piece))
			break;
		if (b.n == BATCH_RECORDS ||
		    (b.n && sink->size + b.bytes + prefix + piece.consumed + 1 > sink->max))
			write_batch(sink, &b, stream, now_ns);
		add_record(&b, piece.full ? full : part, prefix, iov, n, &piece);
		cursor->offset += piece.consumed;
	}
	if (b.n)
		write_batch(sink, &b, stream, now_ns);
}
