/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the parts of the log: records on their way. A batch remembers where each of them ends, so
 * that after a short write or an error the file is cut back to whole records and the rest is
 * counted as lost.
 */
#pragma once

#include "shim/log_sink.h"

#define BATCH_RECORDS  1024
#define HELPER_RECORDS 16 /* of a message to the helper: its format */

struct log_record {
	int unused;      /* part of that format */
	size_t end;      /* bytes of the batch up to and with this record */
	size_t consumed; /* bytes of output in it, with the newline */
};

struct log_batch {
	enum frame_stream stream;
	int64_t now_ns;   /* the clock */
	int64_t stamp_ns; /* what the records say */
	const char *data; /* the records, one behind the other */
	int n;
	size_t bytes, consumed;
	struct log_record rec[BATCH_RECORDS];
};

/* log_file.c. Open directory and file below it. */
int log_file_open(struct log_sink *s, const char *path);
int log_file_reopen(struct log_sink *s);
/* Go on with a file that another process has written until it was killed: take back a record that
 * it had not finished, and no time before its last one. */
void log_file_take_over(struct log_sink *s);
/* All of the batch is written or lost. */
void log_file_write(struct log_sink *s, const struct log_batch *b);
/* Count records first..n-1 as lost. */
void log_count_lost(struct log_sink *s, uint64_t bytes, int error);

/* log_helper.c */
/*
 * Open the place of the log, which may hang, in a child. 0: it is ready here, or the child has
 * become the helper; s->way says which.
 */
int log_helper_open(struct log_sink *s, struct err *err);
/* Is this a file system whose writes come to an end? */
bool log_is_local(int fd);
/* false: blocked, nothing was taken. */
bool log_helper_write(struct log_sink *s, const struct log_batch *b);
int log_helper_reopen(struct log_sink *s);

/* log_journal.c */
int log_journal_prepare(struct log_sink *s, const struct log_conf *conf, struct err *err);
int log_journal_open(struct log_sink *s, struct err *err);
/* false: blocked, nothing was taken. */
bool log_journal_write(struct log_sink *s, const struct iovec *iov, int n,
                       const struct log_piece *piece, enum frame_stream stream, int64_t now_ns);
