/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: encoding and decoding. Nothing here reads, writes or allocates. */
#include "shim/wire/frame.h"

#include <errno.h>
#include <string.h>

enum exit_flags { EXIT_KNOWN = 1, EXIT_CORE = 2, EXIT_OOM = 4 };

static void put(uint8_t *p, uint64_t v, size_t bytes)
{
	for (size_t i = bytes; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t get(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

void frame_header(uint8_t ret[static FRAME_HEADER], enum frame_type type, enum frame_stream stream,
                  size_t len)
{
	ret[0] = (uint8_t)type;
	ret[1] = (uint8_t)stream;
	ret[2] = ret[3] = 0;
	put(ret + 4, len, 4);
}

/* Is len a length that a frame of this type may have? */
static int check_length(uint8_t type, uint64_t len)
{
	switch (type) {
	case FRAME_DATA:
		return len >= 1 && len <= FRAME_PAYLOAD;
	case FRAME_GAP:
		return len == FRAME_GAP_SIZE - FRAME_HEADER;
	case FRAME_RESIZE:
		return len == FRAME_RESIZE_SIZE - FRAME_HEADER;
	case FRAME_EXIT:
		return len == FRAME_EXIT_SIZE - FRAME_HEADER;
	case FRAME_EOF:
	case FRAME_DETACH:
		return len == 0;
	}
	return 0;
}

ssize_t frame_parse(const uint8_t *data, size_t len, struct frame *ret)
{
	uint64_t payload;

	if (len < FRAME_HEADER)
		return 0;
	payload = get(data + 4, 4);
	if (data[1] >= STREAM_MAX || data[2] || data[3] || !check_length(data[0], payload))
		return -EBADMSG;
	if (len - FRAME_HEADER < payload)
		return 0;
	*ret = (struct frame){
		.type = (enum frame_type)data[0],
		.stream = (enum frame_stream)data[1],
		.payload = data + FRAME_HEADER,
		.len = (size_t)payload,
	};
	return (ssize_t)(FRAME_HEADER + payload);
}

size_t frame_gap(uint8_t ret[static FRAME_GAP_SIZE], enum frame_stream stream, uint64_t lost)
{
	frame_header(ret, FRAME_GAP, stream, FRAME_GAP_SIZE - FRAME_HEADER);
	put(ret + FRAME_HEADER, lost, 8);
	return FRAME_GAP_SIZE;
}

size_t frame_resize(uint8_t ret[static FRAME_RESIZE_SIZE], uint16_t rows, uint16_t cols)
{
	frame_header(ret, FRAME_RESIZE, STREAM_STDIN, FRAME_RESIZE_SIZE - FRAME_HEADER);
	put(ret + FRAME_HEADER, rows, 2);
	put(ret + FRAME_HEADER + 2, cols, 2);
	return FRAME_RESIZE_SIZE;
}

/* u8 flags, u8 zero, u16 signal, u32 code (0xffffffff: unknown), u64 time in ns since 1970 */
size_t frame_exit(uint8_t ret[static FRAME_EXIT_SIZE], const struct exit_record *rec)
{
	uint8_t *p = ret + FRAME_HEADER;

	frame_header(ret, FRAME_EXIT, STREAM_STDIN, FRAME_EXIT_SIZE - FRAME_HEADER);
	p[0] = (uint8_t)((rec->known ? EXIT_KNOWN : 0) | (rec->core ? EXIT_CORE : 0) |
	                 (rec->oom ? EXIT_OOM : 0));
	p[1] = 0;
	put(p + 2, (uint64_t)rec->signal, 2);
	put(p + 4, rec->known ? (uint64_t)rec->code : UINT32_MAX, 4);
	put(p + 8, (uint64_t)rec->exited_ns, 8);
	return FRAME_EXIT_SIZE;
}

uint64_t frame_gap_lost(const struct frame *f)
{
	return get(f->payload, 8);
}

void frame_resize_size(const struct frame *f, uint16_t *ret_rows, uint16_t *ret_cols)
{
	*ret_rows = (uint16_t)get(f->payload, 2);
	*ret_cols = (uint16_t)get(f->payload + 2, 2);
}

void frame_exit_record(const struct frame *f, struct exit_record *ret)
{
	const uint8_t *p = f->payload;

	*ret = exit_record_unknown();
	ret->known = p[0] & EXIT_KNOWN;
	ret->core = p[0] & EXIT_CORE;
	ret->oom = p[0] & EXIT_OOM;
	if (ret->known) {
		ret->signal = (int)get(p + 2, 2);
		ret->code = (int)(get(p + 4, 4) & 0xff);
	}
	ret->exited_ns = (int64_t)get(p + 8, 8);
}
