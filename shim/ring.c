/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring: a private anonymous mapping. Position of offset o is o % size; there is no other state than
 * the head, so nothing can get out of step.
 */
#include "shim/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_init(struct ring *r, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	size = (size + page - 1) / page * page;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	         -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* A huge page would make the first byte cost 2 MiB. */
	(void)madvise(p, size, MADV_NOHUGEPAGE);
	*r = (struct ring){ .data = p, .size = size };
	return 0;
}

void ring_done(struct ring *r)
{
	if (r->data)
		munmap(r->data, r->size);
	r->data = NULL;
}

uint64_t ring_tail(const struct ring *r)
{
	return r->head - r->origin > r->size ? r->head - r->size : r->origin;
}

static int spans(const struct ring *r, uint64_t offset, size_t len, struct iovec *iov)
{
	size_t pos = (size_t)(offset % r->size);
	size_t first = len < r->size - pos ? len : r->size - pos;

	if (!len)
		return 0;
	iov[0] = (struct iovec){ r->data + pos, first };
	if (first == len)
		return 1;
	iov[1] = (struct iovec){ r->data, len - first };
	return 2;
}

int ring_space(struct ring *r, size_t max, struct iovec iov[static 2])
{
	return spans(r, r->head, max < r->size ? max : r->size, iov);
}

void ring_commit(struct ring *r, size_t n)
{
	r->head += n;
}

int ring_peek(const struct ring *r, uint64_t offset, size_t max, struct iovec iov[static 2])
{
	uint64_t have = r->head - offset;

	return spans(r, offset, have < max ? (size_t)have : max, iov);
}

uint64_t ring_last_lines(const struct ring *r, uint64_t lines)
{
	uint64_t tail = ring_tail(r);
	struct iovec iov[2];

	if (!lines || r->head == tail)
		return r->head;
	/* The line feed at the very end is part of the last line. */
	for (int i = ring_peek(r, tail, (size_t)(r->head - tail - 1), iov) - 1; i >= 0; i--) {
		uint64_t begin = tail + (i ? iov[0].iov_len : 0);
		const uint8_t *base = iov[i].iov_base, *found;
		size_t len = iov[i].iov_len;

		while ((found = memrchr(base, '\n', len))) {
			len = (size_t)(found - base);
			if (!--lines)
				return begin + len + 1;
		}
	}
	return tail;
}
