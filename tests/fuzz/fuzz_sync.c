/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on the socket between a creator and its init, or an exec's process, from the creator's
 * side: who sends them has the image's file system in reach. The first byte of the input says what
 * the creator waits for (and whether a descriptor comes along), the rest is the message.
 *
 * Holds: nothing is taken but the expected type, in full, of no more than the expected size; bytes
 * beyond it stay untouched; what is refused has its one line, an error that is passed on too,
 * whatever its text; what goes in by sync_send() comes out the same; no descriptor is left open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sock.h"
#include "container/internal.h"
#include "fuzz.h"

#define CANARY 0xa5

static int pair[2] = { -1, -1 };

static void open_pair(void)
{
	if (pair[0] < 0)
		CHECK(sync_pair(pair, NULL) == 0);
}

static void post(const uint8_t *data, size_t size, bool with_fd)
{
	int fd = pair[0];

	if (with_fd)
		CHECK(sock_send_fds(pair[1], data, size, &fd, 1) == 0);
	else
		CHECK(send(pair[1], data, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static uint32_t type_of(const uint8_t *data)
{
	uint32_t type;

	memcpy(&type, data, sizeof(type));
	return type;
}

static void check_expect(const uint8_t *data, size_t size, enum sync_type want, bool with_fd)
{
	uint8_t room[64 + 1];
	struct err err = { 0 };
	int fd = FD_INVALID, r;

	memset(room, CANARY, sizeof(room));
	post(data, size, with_fd);
	r = sync_expect(pair[0], want, room, sizeof(room) - 1, with_fd ? &fd : NULL, &err);
	fuzz_check_err(r, &err);
	CHECK(room[sizeof(room) - 1] == CANARY);
	CHECK((fd >= 0) == (r == 0 && with_fd));
	if (r == 0) {
		CHECK(type_of(data) == want && size <= 8 + sizeof(room) - 1);
		CHECK(memcmp(room, data + 8, size - 8) == 0);
	}
	fd_reset(&fd);
}

static void check_others(const uint8_t *data, size_t size, enum sync_type want, bool with_fd)
{
	struct err err = { 0 };
	uint32_t number = 0;
	int fd = FD_INVALID, n = 0, r;

	post(data, size, with_fd);
	r = sync_expect_either(pair[0], want, SYNC_ASK_SOURCE, &number, sizeof(number), &fd, &err);
	fuzz_check_err(r, &err);
	CHECK(r < 0 || r == (int)want || r == SYNC_ASK_SOURCE);
	CHECK((fd >= 0) == (r == SYNC_ASK_SOURCE));
	fd_reset(&fd);

	err_clear(&err);
	post(data, size, with_fd);
	r = sync_expect_fd_or_number(pair[0], want, &fd, &n, &err);
	fuzz_check_err(r, &err);
	CHECK(fd < 0 || (r == 0 && with_fd));
	fd_reset(&fd);

	post(data, size, false);
	r = sync_read_plain(pair[0], want);
	CHECK(r == 0 ? size == 8 && type_of(data) == want : r == -EPROTO);
}

static void check_sent(const uint8_t *data, size_t size, enum sync_type type)
{
	uint8_t back[sizeof(struct err)];
	struct err err = { 0 };

	if (type == SYNC_ERROR || size > sizeof(back))
		return;
	CHECK(sync_send(pair[1], type, data, size, FD_INVALID, &err) == 0);
	CHECK(sync_expect(pair[0], type, back, sizeof(back), NULL, &err) == 0);
	CHECK(memcmp(back, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool with_fd = size > 0 && data[0] & 0x80;
	enum sync_type want = size > 0 ? (data[0] & 0x7f) % (SYNC_TYPES - 1) + 1 : SYNC_GO;

	if (size < 2 || size > 8192)
		return 0;
	open_pair();
	data++;
	size--;
	/* Shorter than a type: it is not looked at, but it is read below. */
	if (size >= 4) {
		check_expect(data, size, want, with_fd);
		check_others(data, size, want == SYNC_ERROR ? SYNC_GO : want, with_fd);
	}
	check_sent(data, size, want);
	return 0;
}
