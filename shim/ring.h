/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last bytes of one output stream, addressed by absolute offset: the first byte that the
 * process ever wrote is offset 0 (after a recovery: the first that this shim has read is one that
 * nobody has seen before). Readers keep nothing but an offset; one that has fallen off the
 * tail knows from the difference how much it missed. Memory is reserved at once and touched only as
 * it fills.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct ring {
	uint8_t *data;
	size_t size;
	uint64_t head;   /* offset of the next byte */
	uint64_t origin; /* of the first one; others than 0 are the caller's to set, with head */
};

/* size is rounded up to whole pages. 0 or -errno. */
int ring_init(struct ring *r, size_t size);
void ring_done(struct ring *r);

/* Offset of the oldest byte that is still there. */
uint64_t ring_tail(const struct ring *r);

/* Where the next max bytes (at most size) go: fills 1 or 2 entries and returns how many. */
int ring_space(struct ring *r, size_t max, struct iovec iov[static 2]);
/* n bytes have been put there. */
void ring_commit(struct ring *r, size_t n);

/*
 * Up to max bytes from offset on, which must be within [tail, head]: fills 0..2 entries, returns
 * how many.
 */
int ring_peek(const struct ring *r, uint64_t offset, size_t max, struct iovec iov[static 2]);

/*
 * Where the last `lines` lines begin, an unfinished one at the end included; the tail when there
 * are not so many, and then the first may have lost its beginning.
 */
uint64_t ring_last_lines(const struct ring *r, uint64_t lines);
