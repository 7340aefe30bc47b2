/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stream of bytes to log records in the CRI format, one per line of output:
 *
 *	2026-01-02T03:04:05.000000006Z stdout F text
 *
 * F: the line ends here (a newline, or the end of the stream); P: the rest of it follows in the
 * next record of that stream. Every byte of output but the newlines is in exactly one record. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shim/wire/frame.h"

#define LOG_LINE_MAX    16384 /* longest text of a record; what CRI readers expect */
#define LOG_PREFIX_SIZE 96

enum log_flush {
	LOG_FLUSH_NO,   /* whole lines only: the rest of the last one may still come */
	LOG_FLUSH_PART, /* the beginning of a line is due: as P */
	LOG_FLUSH_END   /* nothing will follow: as F */
};

struct log_piece {
	size_t text;     /* bytes of text */
	size_t consumed; /* bytes of input: text and its newline */
	bool full;       /* F, not P */
};

/* The next record of n (0..2) spans of input. false: nothing to log yet. */
bool log_next(const struct iovec *iov, int n, enum log_flush flush, struct log_piece *ret);

/* "TIME STREAM TAG " with its blank; returns the length. */
size_t log_prefix(char ret[static LOG_PREFIX_SIZE], int64_t ns, enum frame_stream stream,
                  const char *tag);
