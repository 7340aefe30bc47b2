/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a CRI log back: the text of its records, across rotated files (NAME.2, NAME.1, NAME: the
 * oldest has the highest number), also while the shim writes and rotates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "berth/err.h"
#include "shim/wire/frame.h"

/* One record. Pure. */
struct log_line {
	enum frame_stream stream;
	const char *text; /* in the line */
	size_t len;
	bool full; /* a newline belongs behind it */
	bool lost; /* not output: says how much of it is missing */
};
/* A line without its newline. -EBADMSG: no record. */
int log_line_parse(const char *line, size_t len, struct log_line *ret);

struct log_reader {
	char *dir, *name;
	int dir_fd, fd;  /* fd: the file that is being read, or invalid */
	struct buf part; /* beginning of a line that is not complete yet */
};

int log_reader_open(const char *path, struct log_reader *ret, struct err *err);
void log_reader_done(struct log_reader *r);
/*
 * Hand all records that are there, and were not read yet, to emit. 0 or -errno (also emit's).
 */
int log_reader_read(struct log_reader *r, int (*emit)(void *ctx, const struct log_line *line),
                    void *ctx, struct err *err);
