/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the records of both streams go:
 *
 *	file       this process writes it: on a local file system
 *	helper     a process of our own writes it (log_helper.c): on a file system that can hang
 *	journal    datagrams to the journal (log_journal.c)
 *
 * A file is bounded to `max` bytes, and `files` files are kept (NAME, NAME.1, ...). Rotation
 * renames and creates; nothing is ever copied or cut in place.
 *
 * The log never ends the shim, and holds up the process only for a moment (stdio.c): what can't be
 * written is counted, and as soon as writing works again a record says how much is missing.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"
#include "shim/log_format.h"
#include "shim/ring.h"

struct log_conf {
	enum log_driver format;
	const char *path;         /* absolute; of a file */
	size_t max;               /* bytes per file; a longer record has a file alone */
	int files;                /* with the current one, >= 1 */
	const char *session_path; /* a log there is on a file system that we need anyhow */
	const char *journal;      /* address of the journal's socket */
	const char *id, *name;    /* what the journal is to call us */
	bool takes_over; /* from a shim that was killed, perhaps in the middle of a record */
};

enum log_way { LOG_TO_FILE, LOG_TO_HELPER, LOG_TO_JOURNAL };

#define LOG_HELPER_VERSION 1 /* of the messages between shim and helper: log_helper.c */

struct log_sink {
	enum log_driver format;
	enum log_way way;
	int dir_fd, fd; /* of a file; fd may be invalid for a while */
	char name[NAME_MAX - 8];
	const char *path; /* the caller's */
	size_t max;
	int files;
	uint64_t size;       /* of the current file */
	uint64_t written;    /* bytes of output logged */
	uint64_t lost;       /* bytes of output not logged since the last marker */
	uint64_t lost_total; /* ever */
	int error;           /* the last one, -errno; 0: none since the last success */
	int64_t retry_ns;    /* no attempt to re-open before */
	int64_t last_ns;     /* of the last record: times never go back */

	int out_fd;               /* to the helper or the journal */
	int helper_pidfd;         /* our child */
	int helper_version;       /* of what we say to each other */
	uint64_t handed, handled; /* bytes of output: to the helper, and what it has answered for */
	uint64_t helper_lost;     /* of these */
	bool blocked;             /* nothing more can be handed over now */
	char *ident;              /* fields of a journal's record that are always the same */
	const char *journal;
	char *scratch; /* LOG_SCRATCH bytes for records on their way; a mapping of its own */
};

#define LOG_SCRATCH (LOG_JSON_MAX + 32768)

/* Where a stream's log has got to. */
struct log_cursor {
	uint64_t offset; /* of the first byte of the ring that is not logged */
};

/* Nothing is being fed: what that has needed goes back to the kernel. */
void log_trim_memory(struct log_sink *sink);

/* Strings of conf must outlive the sink. Before the lock-down: it may fork. */
int log_sink_open(const struct log_conf *conf, struct log_sink *ret, struct err *err);
/* Go on with a sink whose files are open: fill in what follows from conf. */
int log_sink_resume(const struct log_conf *conf, struct log_sink *sink, struct err *err);
/* A helper goes on alone until it has written what it has got, and ends. */
void log_sink_close(struct log_sink *sink);

/*
 * Log what the ring has beyond the cursor, as far as flush says. false: not all of it, since the
 * sink is blocked; try again when out_fd takes more (helper) or after a while (journal).
 */
bool log_feed(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring,
              enum frame_stream stream, int64_t now_ns, enum log_flush flush);
/* Give up what waits. */
void log_drop(struct log_sink *sink, struct log_cursor *cursor, const struct ring *ring);

/* Begin with the file of that name, which may be another one by now. 0 or -errno. */
int log_reopen(struct log_sink *sink);

/* out_fd is readable: take what the helper says of its work. -EPIPE: it has ended. */
int log_helper_listen(struct log_sink *sink);
/* helper_pidfd is readable: forget it. now: end it before. */
void log_helper_end(struct log_sink *sink, bool now);
