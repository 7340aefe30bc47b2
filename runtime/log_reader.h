/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a log back across its files (NAME.2, NAME.1, NAME: the oldest has the highest number),
 * also while somebody writes, rotates, cuts or replaces them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "berth/err.h"
#include "runtime/log_line.h"

#define LOG_MARK 64

/* What was read from the file that is being read: by it a file that was cut is told. */
struct log_marks {
	off_t pos;
	char head[LOG_MARK], tail[LOG_MARK]; /* the first bytes, and those before pos */
	size_t n_head, n_tail;
};

struct log_reader {
	char *dir, *name;
	int dir_fd;
	int *files; /* open, from the oldest to the newest */
	size_t n, at;
	bool keep;  /* files that were read stay open, for log_reader_rewind() */
	int end_fd; /* read to end_pos of this file and no further; or invalid */
	off_t end_pos;
	struct log_marks marks;
	struct buf part;    /* beginning of a line that is not complete yet */
	struct buf scratch; /* of log_line_parse() */
	int watch_fd;
	int64_t created; /* files that came to be, less those that were opened */
};

typedef int log_emit(void *ctx, const struct log_line *line);

int log_reader_open(const char *path, struct log_reader *ret, struct err *err);
void log_reader_done(struct log_reader *r);
/* Hand all records that are there, and were not read yet, to emit. 0 or -errno (also emit's). */
int log_reader_read(struct log_reader *r, log_emit *emit, void *ctx, struct err *err);
/* Not beyond what is there now: a writer could be faster than we are. 0 or -errno. */
int log_reader_limit(struct log_reader *r);
/* Back to where it began; needs keep, and ends it. 0 or -errno. */
int log_reader_rewind(struct log_reader *r);
/* From now on watch_fd is readable when there may be something new. 0 or -errno. */
int log_reader_watch(struct log_reader *r, struct err *err);
/*
 * Before reading on: take the events. true: since the last call a file has come and gone again
 * before it could be opened.
 */
bool log_reader_missed(struct log_reader *r);
