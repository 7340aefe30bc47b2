/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of an attached connection (docs/PROTOCOL.md): eight bytes of header, then the payload.
 *
 *	u8 type, u8 stream, u16 zero, u32 length of the payload; integers are big endian
 *
 * Pure functions, shared by shim and client; every length is bounded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim/wire/exit_record.h"

#define FRAME_HEADER  8
#define FRAME_PAYLOAD 16384 /* most bytes of payload, in both directions */

enum frame_type {
	FRAME_DATA = 1,   /* bytes of a stream */
	FRAME_GAP = 2,    /* to the client: u64 bytes of the stream were dropped here */
	FRAME_EOF = 3,    /* the stream has ended (stdin: this client has no more) */
	FRAME_RESIZE = 4, /* to the shim: u16 rows, u16 columns */
	FRAME_DETACH = 5, /* to the shim: good-bye */
	FRAME_EXIT = 6    /* to the client: the process has ended */
};

enum frame_stream { STREAM_STDIN = 0, STREAM_STDOUT = 1, STREAM_STDERR = 2, STREAM_MAX = 3 };

struct frame {
	enum frame_type type;
	enum frame_stream stream;
	const uint8_t *payload;
	size_t len;
};

void frame_header(uint8_t ret[static FRAME_HEADER], enum frame_type type, enum frame_stream stream,
                  size_t len);

/*
 * The first frame of data. Returns the bytes it takes, 0: incomplete, -EBADMSG: not a frame
 * (unknown type or stream, too long, wrong length for its type).
 */
ssize_t frame_parse(const uint8_t *data, size_t len, struct frame *ret);

/* Whole frames with fixed payloads; return their size. */
#define FRAME_GAP_SIZE    (FRAME_HEADER + 8)
#define FRAME_RESIZE_SIZE (FRAME_HEADER + 4)
#define FRAME_EXIT_SIZE   (FRAME_HEADER + 16)
size_t frame_gap(uint8_t ret[static FRAME_GAP_SIZE], enum frame_stream stream, uint64_t lost);
size_t frame_resize(uint8_t ret[static FRAME_RESIZE_SIZE], uint16_t rows, uint16_t cols);
size_t frame_exit(uint8_t ret[static FRAME_EXIT_SIZE], const struct exit_record *rec);

/* Payloads of a parsed frame of that type (its length has been checked). */
uint64_t frame_gap_lost(const struct frame *f);
void frame_resize_size(const struct frame *f, uint16_t *ret_rows, uint16_t *ret_cols);
void frame_exit_record(const struct frame *f, struct exit_record *ret);
