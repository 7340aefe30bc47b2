/* SPDX-License-Identifier: Apache-2.0 */
/* Growable byte buffer with a mandatory maximum. Contents are always NUL terminated (not counted in
 * len). */
#pragma once

#include <stddef.h>

struct buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	size_t max; /* appending beyond it gives -EFBIG and leaves the buffer as it was */
};

#define BUF_INIT(maximum)        \
	{                        \
		.max = (maximum) \
	}
#define _cleanup_buf_ __attribute__((cleanup(buf_done)))

void buf_done(struct buf *b);
int buf_add(struct buf *b, const void *data, size_t len); /* 0, -EFBIG, -ENOMEM */
int buf_puts(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n); /* drop n bytes from the front */
char *buf_steal(struct buf *b);            /* caller frees; never NULL */
