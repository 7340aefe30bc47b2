/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upgrade in place. The caller brings the new program as a sealed memfd and two empty memfds for
 * the hand-over: so this needs no right to open, create or execute anything by path. Process id,
 * children, sockets and pipes stay over execveat(2); what is memory goes through resume.c.
 *
 * It is done at the flush point: no call-back is half done then and none is due. What fails here is
 * undone, and execveat fails back into us; after it the new program is on its own, which is why the
 * caller tries it on a copy before (`check`).
 */
#include "shim/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shim/answer.h"
#include "shim/idl.h"
#include "shim/resume.h"
#include "version.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A memfd with just these of the seals. */
static bool is_memfd(int fd, int seals)
{
	int have = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return have >= 0 && (have & SEALS) == seals;
}

void upgrade_ask(struct client *c, int64_t oldest, int64_t newest, bool check)
{
	int64_t version = newest < HANDOVER_VERSION ? newest : HANDOVER_VERSION;
	char params[64];

	if (version < oldest || version < HANDOVER_OLDEST) {
		snprintf(params, sizeof(params), "{\"oldest\":%d,\"newest\":%d}", HANDOVER_OLDEST,
		         HANDOVER_VERSION);
		answer_error_with(c, SHIM_INTERFACE ".HandoverVersion", params);
		return;
	}
	if (!is_memfd(c->fds[UPGRADE_TEXT], 0) || !is_memfd(c->fds[UPGRADE_DATA], 0) ||
	    (!check && !is_memfd(c->fds[UPGRADE_EXE], SEALS))) {
		answer_invalid_parameter(c, "descriptors");
		return;
	}
	if (check)
		fd_reset(&c->fds[UPGRADE_EXE]);
	c->handover_version = (int)version;
	c->pending = PENDING_UPGRADE;
}

static int empty(int fd)
{
	return ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int write_out(struct client *c)
{
	int text = c->fds[UPGRADE_TEXT], data = c->fds[UPGRADE_DATA];
	int r = empty(text);

	if (r >= 0)
		r = empty(data);
	if (r >= 0)
		r = resume_write(c->shim, c->handover_version, text, data);
	if (r >= 0 && lseek(text, 0, SEEK_SET) < 0)
		r = -errno;
	/* From here on nobody else can change what the new shim will read. */
	for (int i = UPGRADE_TEXT; i <= UPGRADE_DATA && r >= 0; i++)
		if (fcntl(c->fds[i], F_ADD_SEALS, SEALS) < 0)
			r = -errno;
	return r;
}

static int set_cloexec(int fd, void *arg)
{
	return fd_cloexec(fd, *(const bool *)arg);
}

static int set_all_cloexec(struct client *c, bool on)
{
	int r = resume_each_fd(c->shim, set_cloexec, &on);

	if (r >= 0)
		r = fd_cloexec(c->fds[UPGRADE_TEXT], on);
	return r < 0 ? r : fd_cloexec(c->fds[UPGRADE_DATA], on);
}

/* Returns only when it has failed. */
static int become(struct client *c)
{
	char number[16];
	char *argv[] = { (char *)"berth-shim", (char *)"--handover", number, NULL };
	char *env[] = { NULL };
	int r = set_all_cloexec(c, false);

	snprintf(number, sizeof(number), "%d", c->fds[UPGRADE_TEXT]);
	if (r >= 0) {
		(void)syscall(SYS_execveat, c->fds[UPGRADE_EXE], "", argv, env, AT_EMPTY_PATH);
		r = -errno;
	}
	(void)set_all_cloexec(c, true);
	return r;
}

static void say_done(struct client *c, int version, bool new_shim)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	int r = buf_printf(&b, "{\"handover\":%d", version);

	if (r >= 0 && new_shim)
		r = buf_printf(&b, ",\"version\":\"%s\",\"commit\":\"%s\"", BERTH_VERSION,
		               BERTH_COMMIT);
	if (r >= 0)
		r = buf_puts(&b, "}");
	if (r < 0)
		client_close(c);
	else
		answer(c, &b, false);
}

void upgrade_step(struct client *c)
{
	bool check = c->fds[UPGRADE_EXE] < 0;
	int r;

	if (c->fds[UPGRADE_TEXT] < 0) {
		/* Another shim wrote that this is pending, and here we are. */
		say_done(c, c->shim->session.conf.version, true);
	} else {
		r = write_out(c);
		if (r >= 0 && !check)
			r = become(c);
		if (r < 0)
			answer_result(c, r);
		else
			say_done(c, c->handover_version, false);
	}
	client_drop_fds(c);
	c->pending = PENDING_NONE;
}
