/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of an attached connection. The input is what a client sends.
 *
 * Holds: a frame lies within the input, its length and stream within their bounds; cut short
 * anywhere it is incomplete, never another frame; written anew from what was read, it is the same
 * bytes, but for those bits of an exit record that have no meaning.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "shim/wire/frame.h"

static void check_again(const struct frame *f, const uint8_t *bytes, size_t size)
{
	uint8_t again[FRAME_HEADER + FRAME_PAYLOAD];
	struct exit_record rec, rec2;
	struct frame f2;
	uint16_t rows, cols;

	frame_header(again, f->type, f->stream, f->len);
	CHECK(memcmp(again, bytes, FRAME_HEADER) == 0);
	switch (f->type) {
	case FRAME_GAP:
		CHECK(frame_gap(again, f->stream, frame_gap_lost(f)) == size);
		CHECK(memcmp(again, bytes, size) == 0);
		break;
	case FRAME_RESIZE:
		frame_resize_size(f, &rows, &cols);
		CHECK(frame_resize(again, rows, cols) == size);
		CHECK(memcmp(again + FRAME_HEADER, f->payload, f->len) == 0);
		break;
	case FRAME_EXIT:
		frame_exit_record(f, &rec);
		CHECK(rec.known ? rec.code >= 0 && rec.code <= 255 : rec.code == -1);
		CHECK(frame_exit(again, &rec) == size);
		CHECK(frame_parse(again, size, &f2) == (ssize_t)size);
		frame_exit_record(&f2, &rec2);
		CHECK(rec.known == rec2.known && rec.code == rec2.code &&
		      rec.signal == rec2.signal && rec.core == rec2.core && rec.oom == rec2.oom &&
		      rec.exited_ns == rec2.exited_ns);
		break;
	case FRAME_DATA:
	case FRAME_EOF:
	case FRAME_DETACH:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size > 0) {
		struct frame f = { 0 };
		ssize_t n = frame_parse(data, size, &f);

		CHECK(n == -EBADMSG || n == 0 || n >= FRAME_HEADER);
		CHECK(n <= (ssize_t)size);
		if (n <= 0) {
			/* Incomplete: with a header there is at least one that can follow. */
			CHECK(n < 0 || size < FRAME_HEADER + FRAME_PAYLOAD);
			break;
		}
		CHECK(f.payload == data + FRAME_HEADER && f.len + FRAME_HEADER == (size_t)n);
		CHECK(f.len <= FRAME_PAYLOAD && f.stream < STREAM_MAX);
		for (ssize_t cut = 0; cut < n; cut += 1 + n / 8) {
			struct frame none;

			CHECK(frame_parse(data, (size_t)cut, &none) == 0);
		}
		check_again(&f, data, (size_t)n);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}
