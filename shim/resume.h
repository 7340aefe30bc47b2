/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a hand-over that only a shim which has served knows: the object "resume". Streams,
 * log, end and clients as they are between two turns of the loop; bytes (what the rings keep, what
 * clients have sent and are owed) go into a second memfd, in the order of the text.
 *
 * What is in neither is derived: watchers and timers from the state, patience from the clock.
 */
#pragma once

#include "shim/shim.h"

/* What is in the text beside the fields of struct shim. */
struct resume {
	int data_fd;         /* the second memfd */
	uint64_t ring_at[2]; /* where in it */
	/* seconds that timers have left; 0: not running */
	double drain, part, reopen, redraw;
	bool accept_waits;
};

/*
 * Write both parts in conf's version: the text into text_fd, the bytes into data_fd; both are empty
 * files at offset 0. -ENOMEM, -EFBIG, -ENOSPC ...
 */
int resume_write(const struct shim *shim, int version, int text_fd, int data_fd);

/* Call fn for each descriptor that a hand-over of shim names. */
int resume_each_fd(const struct shim *shim, int (*fn)(int fd, void *arg), void *arg);

/*
 * Fill a blank shim with the object and the bytes; data_fd overrides the one in the text unless
 * negative. Nothing is started: the modules do that when they see shim->resume. Errors name the
 * member.
 */
int resume_read(const cJSON *object, int data_fd, struct claims *claims, struct shim *shim,
                struct resume *ret, struct err *err);
