/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stream of bytes to log records. Where a record ends is the same in all formats: at a
 * newline, at the longest line, at the end of the stream, and where an unfinished line has waited
 * long enough. Every byte of output but the newlines is in exactly one record. Pure.
 *
 *	2026-01-02T03:04:05.000000006Z stdout F text                                     CRI
 *	{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}     json-file
 *	SYSLOG_IDENTIFIER=...\nPRIORITY=6\n...MESSAGE\n<length>text\n                  journald
 *
 * A record whose line goes on in the next record of that stream has P for F, no \n in "log" but
 * "partial":true, or CONTAINER_PARTIAL_MESSAGE=true. A record that says how much is missing has
 * F:lost, "lost":N or CONTAINER_LOST_BYTES=N.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shim/wire/frame.h"
#include "shim/wire/log_driver.h"

#define LOG_LINE_MAX    16384 /* longest text of a record; what CRI readers expect */
#define LOG_PREFIX_SIZE 96
/* A json-file record: each byte can become six. */
#define LOG_JSON_MAX (6 * LOG_LINE_MAX + 256)
#define LOG_LOST_MAX 2560 /* a record that tells of a gap */

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

/*
 * For text formats: let a piece that is only part of a line not end within a character. What is
 * not UTF-8 anyhow stays, and so does a piece that would be empty.
 */
void log_trim(const struct iovec *iov, int n, struct log_piece *piece);

/* The whole record with its newline. Returns its length; 0: more than size bytes. */
size_t log_json(char *ret, size_t size, const struct iovec *iov, int n,
                const struct log_piece *piece, int64_t ns, enum frame_stream stream);

/*
 * The fields of a record but for its text, up to and with the text's length; then come the text and
 * a newline. ident: further fields, each with its newline. Returns the length, 0 as above.
 */
size_t log_journal(char *ret, size_t size, const char *ident, const struct log_piece *piece,
                   enum frame_stream stream);

/* A whole record that says that so many bytes are missing, and why (-errno; 0: unknown). */
size_t log_lost(char ret[static LOG_LOST_MAX], enum log_driver format, const char *ident,
                uint64_t bytes, int error, int64_t ns, enum frame_stream stream);
