/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over from a keeper, or from another build of the shim: a text that names descriptors,
 * streams, clients and what happened so far. The input is the text; bytes of rings and messages
 * come from a file of a fixed content.
 *
 * Holds: what is refused has its one line that names the member; what is taken and written again is
 * read as the same, and written once more is the same text; a history that is taken has its events
 * in their order. No descriptor is touched ("unchecked": as `--handover-check` does).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "fuzz.h"
#include "shim/resume.h"

static void check_history(const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 16), b2 = BUF_INIT(1 << 16);
	struct history h = { .last = 0 }, again = { .last = 0 };

	if (history_read(text, &h) < 0)
		return;
	CHECK(h.before <= h.last && h.last - h.before <= HISTORY_MAX);
	CHECK(history_write(&h, &b) == 0 && history_read(b.data, &again) == 0);
	CHECK(h.before == again.before && h.last == again.last);
	CHECK(history_write(&again, &b2) == 0 && streq(b.data, b2.data));
}

static void check_conf(const struct shim_handover *h)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8 * HANDOVER_MAX), b2 = BUF_INIT(8 * HANDOVER_MAX);
	static struct claims claims;
	struct shim_handover again;
	cJSON *j = NULL;

	claims = (struct claims){ .unchecked = true };
	CHECK(handover_put(&b, h) == 0 && buf_puts(&b, "}") == 0);
	CHECK(json_parse(b.data, b.len, &j, NULL) == 0);
	CHECK(handover_parse(j, b.len, &claims, &again, NULL) == 0);
	CHECK(handover_put(&b2, &again) == 0 && buf_puts(&b2, "}") == 0);
	CHECK(streq(b.data, b2.data));
	handover_done(&again);
	json_free_ptr(&j);
}

static void drop(struct shim *shim)
{
	for (int i = 0; i < 2; i++)
		ring_done(&shim->session.out[i].ring);
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		if (!shim->clients[i])
			continue;
		buf_done(&shim->clients[i]->in);
		buf_done(&shim->clients[i]->out);
		free(shim->clients[i]);
	}
}

/* Bytes of rings and messages, 128 KiB. */
static int data_fd(void)
{
	static int fd = -1;
	char block[4096];

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		memset(block, 'x', sizeof(block));
		for (int i = 0; i < 32; i++)
			CHECK(fd >= 0 && fd_write_all(fd, block, sizeof(block)) == 0);
	}
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void check_resume(const cJSON *root, struct claims *claims, struct shim *shim)
{
	const cJSON *object = json_get(root, "resume");
	struct err err = { 0 };
	struct resume resume;
	int r;

	if (!object)
		return;
	r = resume_read(object, data_fd(), claims, shim, &resume, &err);
	fuzz_check_err(r, &err);
	for (int i = 0; r == 0 && i < SHIM_CLIENTS_MAX; i++) {
		const struct client *c = shim->clients[i];

		if (!c)
			continue;
		CHECK(c->in.len <= VARLINK_MESSAGE_MAX && c->out_off <= c->out.len);
		CHECK(c->pending <= PENDING_MAX && c->mode <= CLIENT_ATTACHED);
		for (int k = 0; k < 2; k++)
			CHECK(c->cursor[k] <= shim->session.out[k].ring.head);
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		const struct source *src = &shim->session.out[i];

		/* Without a ring nobody looks at where it would begin. */
		CHECK(!src->ring.size || src->ring.origin <= src->ring.head);
		CHECK(!src->ring.size || src->logged.offset <= src->ring.head);
	}
	drop(shim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct claims claims;
	static struct shim shim;
	struct err err = { 0 };
	struct shim_handover h;
	cJSON *root = NULL;
	int r;

	if (json_parse((const char *)data, size, &root, NULL) < 0)
		return 0;
	claims = (struct claims){ .unchecked = true };
	r = handover_parse(root, size, &claims, &h, &err);
	fuzz_check_err(r, &err);
	if (r == 0) {
		check_conf(&h);
		check_history(h.events);
		shim = (struct shim){ .session.conf = h };
		check_resume(root, &claims, &shim);
		handover_done(&h);
	}
	json_free_ptr(&root);
	return 0;
}
