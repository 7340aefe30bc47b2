/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept, and how: `keep.json` of a session directory. Written once, by the keeper, when the
 * process has been made; read when its shim was killed, to give it another one (`berth recover`).
 *
 * It has what a hand-over has but for descriptors: these died with the shim. The pipes are named by
 * device and inode instead, for the container holds their other ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "berth/err.h"
#include "shim/wire/handover.h"

#define KEEP_RECORD_NAME "keep.json"

struct keep_pipe {
	uint64_t dev, ino; /* ino 0: there is none */
};

struct keep_record {
	struct shim_handover
	    conf; /* no descriptors, and no identity: log, stdin, terminal, times */
	struct keep_pipe pipes[3]; /* the process's stdin, stdout, stderr */
	void *owned;               /* storage of the strings after keep_record_read_at() */
};

/* fd invalid: none. */
struct keep_pipe keep_pipe_of(int fd);
/* Is fd an end of that pipe? */
bool keep_pipe_is(const struct keep_pipe *p, int fd);

/* As text, and back; the caller frees with keep_record_done(). -EINVAL with the member's name. */
int keep_record_put(struct buf *b, const struct keep_record *rec);
int keep_record_parse(const char *text, size_t len, struct keep_record *ret, struct err *err);

int keep_record_write_at(int dir_fd, const struct keep_record *rec);
/* -ENOENT: no file. */
int keep_record_read_at(int dir_fd, struct keep_record *ret, struct err *err);
void keep_record_done(struct keep_record *rec);
