/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log file: CRI records of both streams, bounded to `max` bytes per file and `files` files
 * (NAME, NAME.1, ...). Rotation renames and creates; nothing is ever copied or cut in place.
 *
 * The log never ends the shim and never slows the process: what can't be written is counted, and as
 * soon as writing works again a record tagged "F:lost" says how much is missing.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "berth/err.h"
#include "shim/log_format.h"
#include "shim/ring.h"

struct log_sink {
	int dir_fd, fd; /* fd may be invalid for a while */
	char name[NAME_MAX - 8];
	size_t max;
	int files;
	uint64_t size;       /* of the current file */
	uint64_t written;    /* bytes of output logged */
	uint64_t lost;       /* bytes of output not logged since the last marker */
	uint64_t lost_total; /* ever */
	int error;           /* the last one, -errno; 0: none since the last success */
	int64_t retry_ns;    /* no attempt to re-open before */
};

/* Where a stream's log has got to. */
struct log_cursor {
	uint64_t offset; /* of the first byte of the ring that is not logged */
};

/* path is absolute; max >= LOG_LINE_MAX is not needed: a longer record has a file alone. */
int log_sink_open(const char *path, size_t max, int files, struct log_sink *ret, struct err *err);
/* Go on with a sink whose files are open: fill in what follows from the arguments. */
int log_sink_resume(const char *path, size_t max, int files, struct log_sink *sink,
                    struct err *err);
void log_sink_close(struct log_sink *sink);

/* Log what the ring has beyond the cursor, as far as flush says. Never fails. */
void log_feed(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring,
              enum frame_stream stream, int64_t now_ns, enum log_flush flush);
