/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the ring to wherever the log goes. Records are collected in a batch and handed over at once;
 * the cursor moves when they were taken. They are copied for that: a write of many short spans costs
 * far more than the copy.
 */
#include "shim/log_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "shim/log_batch.h"

#define HELPER_BATCH 65536 /* bytes of one message */
/* Records and, behind them, their list. */
#define MAPPING (LOG_SCRATCH + sizeof(struct log_batch))

_Static_assert(LOG_SCRATCH % _Alignof(struct log_batch) == 0, "the list would not be aligned");

int log_sink_resume(const struct log_conf *conf, struct log_sink *sink, struct err *err)
{
	const char *base = conf->path ? path_base(conf->path) : "";

	sink->format = conf->format;
	sink->max = conf->max;
	sink->files = conf->files;
	sink->path = conf->path;
	sink->scratch =
	    mmap(NULL, MAPPING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sink->scratch == MAP_FAILED) {
		sink->scratch = NULL;
		return err_set(err, -ENOMEM, "open log %s", conf->path ? conf->path : "");
	}
	if (conf->format == LOG_JOURNALD)
		return log_journal_prepare(sink, conf, err);
	if (!*base || strlen(base) >= sizeof(sink->name))
		return err_text(err, -EINVAL, "log path %s has no usable file name", conf->path);
	memcpy(sink->name, base, strlen(base) + 1);
	return 0;
}

/* Beside our own files, and these are where nothing hangs. */
static bool is_at_home(const struct log_sink *s, const struct log_conf *conf)
{
	_cleanup_free_ char *dir = path_dir(conf->path);

	return conf->session_path && streq(dir, conf->session_path) && log_is_local(s->dir_fd);
}

static int open_place(struct log_sink *s, const struct log_conf *conf, struct err *err)
{
	int r;

	if (conf->session_path && path_is_under(conf->path, conf->session_path)) {
		r = log_file_open(s, conf->path);
		if (r < 0)
			return err_set(err, r, "open log %s", conf->path);
		if (is_at_home(s, conf))
			return 0;
		fd_reset(&s->fd);
		fd_reset(&s->dir_fd);
	}
	return log_helper_open(s, err);
}

int log_sink_open(const struct log_conf *conf, struct log_sink *ret, struct err *err)
{
	struct log_sink s = { .fd = FD_INVALID,
		              .dir_fd = FD_INVALID,
		              .out_fd = FD_INVALID,
		              .helper_pidfd = FD_INVALID };
	int r = log_sink_resume(conf, &s, err);

	if (r >= 0)
		r = conf->format == LOG_JOURNALD ? log_journal_open(&s, err)
		                                 : open_place(&s, conf, err);
	if (r >= 0 && conf->takes_over && s.way == LOG_TO_FILE)
		log_file_take_over(&s);
	if (r < 0)
		log_sink_close(&s);
	else
		*ret = s;
	return r;
}

void log_sink_close(struct log_sink *sink)
{
	fd_reset(&sink->fd);
	fd_reset(&sink->dir_fd);
	fd_reset(&sink->out_fd);
	if (sink->scratch)
		munmap(sink->scratch, MAPPING);
	free(sink->ident);
	sink->scratch = sink->ident = NULL;
}

void log_trim_memory(struct log_sink *sink)
{
	if (sink->scratch)
		(void)madvise(sink->scratch, MAPPING, MADV_DONTNEED);
}

int log_reopen(struct log_sink *sink)
{
	switch (sink->way) {
	case LOG_TO_FILE:
		return log_file_reopen(sink);
	case LOG_TO_HELPER:
		return log_helper_reopen(sink);
	case LOG_TO_JOURNAL:
		break; /* there is nothing that could be another one */
	}
	return 0;
}

/* Hand the batch over. false: blocked. */
static bool flush(struct log_sink *s, struct log_batch *b, struct log_cursor *cursor)
{
	if (s->way == LOG_TO_FILE)
		log_file_write(s, b);
	else if (!log_helper_write(s, b))
		return false;
	cursor->offset += b->consumed;
	b->n = 0;
	b->bytes = b->consumed = 0;
	return true;
}

static void end_record(struct log_batch *b, size_t len, size_t consumed)
{
	b->bytes += len;
	b->consumed += consumed;
	b->rec[b->n++] = (struct log_record){ .end = b->bytes, .consumed = consumed };
}

struct feed {
	struct log_sink *sink;
	struct log_cursor *cursor;
	char full[LOG_PREFIX_SIZE], part[LOG_PREFIX_SIZE];
	size_t prefix;
	struct log_batch *batch;
};

_Static_assert(LOG_SCRATCH > LOG_PREFIX_SIZE + LOG_LINE_MAX, "a record must fit");

/* Is the batch to go before another record of about that length? */
static bool is_due(const struct feed *f, size_t len)
{
	const struct log_batch *b = f->batch;

	if (b->n == 0)
		return false;
	if (f->sink->way == LOG_TO_HELPER &&
	    (b->n == HELPER_RECORDS || b->bytes + len > HELPER_BATCH))
		return true;
	return b->n == BATCH_RECORDS ||
	       (f->sink->format == LOG_CRI && b->bytes + len > LOG_SCRATCH);
}

static bool put_json(struct feed *f, const struct iovec *iov, int n, const struct log_piece *piece)
{
	struct log_batch *b = f->batch;
	struct log_sink *s = f->sink;
	size_t len;

	/* All that is in the scratch buffer is in the batch, and the other way round. */
	if (is_due(f, piece->text) && !flush(s, b, f->cursor))
		return false;
	len = log_json(s->scratch + b->bytes, LOG_SCRATCH - b->bytes, iov, n, piece, b->stamp_ns,
	               b->stream);
	if (!len) {
		if (!flush(s, b, f->cursor))
			return false;
		len = log_json(s->scratch, LOG_SCRATCH, iov, n, piece, b->stamp_ns, b->stream);
	}
	end_record(b, len, piece->consumed);
	return true;
}

static bool put_cri(struct feed *f, const struct iovec *iov, int n, const struct log_piece *piece)
{
	struct log_batch *b = f->batch;
	size_t left = piece->text;
	char *at;

	if (is_due(f, f->prefix + piece->text + 1) && !flush(f->sink, b, f->cursor))
		return false;
	at = f->sink->scratch + b->bytes;
	memcpy(at, piece->full ? f->full : f->part, f->prefix);
	at += f->prefix;
	for (int i = 0; i < n && left; i++) {
		size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;

		memcpy(at, iov[i].iov_base, len);
		at += len;
		left -= len;
	}
	*at = '\n';
	end_record(b, f->prefix + piece->text + 1, piece->consumed);
	return true;
}

/*
 * Whole lines that are in one piece, as many as the batch has room for: most of what there is to log,
 * without the detours for the rest. The prefix is copied with what is behind it, which the text then
 * covers: a copy of fixed size is a few instructions.
 */
static void put_lines(struct feed *f, const struct iovec *in)
{
	struct log_batch *b = f->batch;
	const char *p = in->iov_base, *end = p + in->iov_len;

	while (p < end && b->n < BATCH_RECORDS) {
		size_t left = (size_t)(end - p), len;
		const char *nl = memchr(p, '\n', left < LOG_LINE_MAX + 1 ? left : LOG_LINE_MAX + 1);
		char *at = f->sink->scratch + b->bytes;

		if (!nl)
			return;
		len = (size_t)(nl - p) + 1;
		if (b->bytes + LOG_PREFIX_SIZE + len > LOG_SCRATCH)
			return;
		memcpy(at, f->full, LOG_PREFIX_SIZE);
		memcpy(at + f->prefix, p, len);
		end_record(b, f->prefix + len, len);
		p += len;
	}
}

/* One record. false: blocked. */
static bool put(struct feed *f, const struct iovec *iov, int n, const struct log_piece *piece)
{
	struct log_batch *b = f->batch;

	switch (f->sink->format) {
	case LOG_JOURNALD:
		if (!log_journal_write(f->sink, iov, n, piece, b->stream, b->now_ns))
			return false;
		f->cursor->offset += piece->consumed;
		return true;
	case LOG_JSON_FILE:
		return put_json(f, iov, n, piece);
	case LOG_CRI:
	case LOG_DRIVERS:
		break;
	}
	return put_cri(f, iov, n, piece);
}

/* Field by field: most of it needs no beginning. */
static void begin(struct feed *f, struct log_sink *s, struct log_cursor *cursor,
                  enum frame_stream stream, int64_t now_ns)
{
	if (s->last_ns < now_ns)
		s->last_ns = now_ns;
	f->sink = s;
	f->cursor = cursor;
	f->batch = (struct log_batch *)(void *)(s->scratch + LOG_SCRATCH);
	f->batch->stream = stream;
	f->batch->data = s->scratch;
	f->batch->n = 0;
	f->batch->bytes = f->batch->consumed = 0;
	f->batch->now_ns = now_ns;
	f->batch->stamp_ns = s->last_ns;
	memset(f->full, 0, sizeof(f->full));
	f->prefix = log_prefix(f->full, s->last_ns, stream, "F");
	log_prefix(f->part, s->last_ns, stream, "P");
}

bool log_feed(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring,
              enum frame_stream stream, int64_t now_ns, enum log_flush flush_what)
{
	bool lines = sink->format == LOG_CRI && sink->way == LOG_TO_FILE, last;
	struct feed f;
	struct log_piece piece;
	struct iovec iov[2];
	uint64_t at;
	int n;

	begin(&f, sink, cursor, stream, now_ns);
	sink->blocked = false;
	for (;;) {
		if (lines && ring_peek(ring, cursor->offset + f.batch->consumed, ring->size, iov))
			put_lines(&f, &iov[0]);
		at = cursor->offset + f.batch->consumed;
		n = ring_peek(ring, at, LOG_LINE_MAX + 1, iov);
		/* Only the very end of the data can be the end of the stream. */
		last = ring->head - at <= LOG_LINE_MAX;

		if (!log_next(iov, n, last ? flush_what : LOG_FLUSH_NO, &piece))
			break;
		if (sink->format == LOG_JSON_FILE)
			log_trim(iov, n, &piece);
		if (!put(&f, iov, n, &piece)) {
			sink->blocked = true;
			return false;
		}
	}
	if (f.batch->n && !flush(sink, f.batch, cursor))
		sink->blocked = true;
	return !sink->blocked;
}

void log_drop(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring)
{
	log_count_lost(sink, ring->head - cursor->offset, -EBUSY);
	cursor->offset = ring->head;
}
