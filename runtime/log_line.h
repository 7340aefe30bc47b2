/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record of a log, as the shim and others write them, and what people write for a time. Pure.
 *
 *	2026-01-02T03:04:05.000000006Z stdout F text                                     CRI
 *	{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}     json-file
 *
 * Records say themselves which they are, so that a log that was begun in one format and goes on in
 * the other can be read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "shim/wire/frame.h"

struct log_line {
	int64_t ns; /* since 1970 */
	enum frame_stream stream;
	const char *text; /* in the line, or in the scratch buffer */
	size_t len;
	bool full; /* a newline belongs behind it */
	bool lost; /* not output: says how much of it is missing */
};

/*
 * A line without its newline. scratch holds unescaped text until the next call. -EBADMSG: no
 * record; -EFBIG, -ENOMEM: scratch can't hold it.
 */
int log_line_parse(const char *line, size_t len, struct buf *scratch, struct log_line *ret);

/* RFC 3339 with its zone, up to nanoseconds. -EINVAL; -ERANGE beyond the years 1970 to 2261. */
int log_time_parse(const char *text, size_t len, int64_t *ret_ns);
/*
 * What an option says: RFC 3339, the same without zone (local time) or time of day, seconds since
 * 1970 with decimals, or a duration with a unit ("10m", "1h30m"), which counts back from now_ns.
 */
int log_when_parse(const char *text, int64_t now_ns, int64_t *ret_ns);
