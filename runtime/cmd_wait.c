/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth wait: print the exit status of processes, one line each, when they have ended.
 *
 * Everybody is found first (a connection to the shim, the exit record, or a pidfd), then waited for
 * in order: so one that ends, and is deleted, meanwhile is not missed. Without a shim the kernel
 * can tell an exit status (6.15) as soon as the parent has collected it; what nobody can tell is
 * "unknown".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "runtime/cmd.h"
#include "runtime/session_ref.h"
#include "shim/wire/client.h"
#include "shim/wire/exit_record.h"

#define REAP_TRIES 12 /* 1, 2, 4, ... ms: how long the parent may take to collect it: 4 s */

struct waiter {
	struct session_ref ref;
	struct shim_client shim; /* Wait was called */
	int pidfd;               /* no shim, and it runs */
};

static void find(struct waiter *w)
{
	struct exit_record rec;

	if (shim_connect(w->ref.dir_fd, &w->shim, NULL) >= 0) {
		if (shim_send(&w->shim, "Wait", NULL, 0, NULL) >= 0)
			return;
		shim_disconnect(&w->shim);
	}
	if (!w->ref.is_exec && exit_record_read_at(w->ref.dir_fd, &rec) < 0)
		w->pidfd = ctr_init_pidfd(w->ref.ctr);
}

/* The shim's answer. false: it went away before it knew. */
static bool from_shim(struct waiter *w, struct exit_record *ret)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };

	if (w->shim.fd < 0 || shim_receive(&w->shim, -1, &reply, NULL) < 0)
		return false;
	*ret = exit_record_unknown();
	ret->known = json_get_bool(reply.parameters, "known", false);
	if (ret->known)
		ret->code = (int)json_get_int(reply.parameters, "code", -1);
	return true;
}

/* The record that a shim or a runtime in the foreground has left, or the kernel's word. */
static bool from_record(struct waiter *w, struct exit_record *ret)
{
	int status;

	if (exit_record_read_at(w->ref.dir_fd, ret) >= 0)
		return true;
	if (w->pidfd < 0 || proc_pidfd_exit_status(w->pidfd, &status) < 0)
		return false;
	*ret = exit_record_from_status(status, 0);
	return true;
}

static void wait_for(struct waiter *w, struct exit_record *ret)
{
	struct pollfd p = { .fd = w->pidfd, .events = POLLIN };
	struct timespec pause = { 0 };

	*ret = exit_record_unknown();
	if (from_shim(w, ret))
		return;
	/* A shim that has died leaves its process behind. */
	if (w->pidfd < 0 && !w->ref.is_exec && !from_record(w, ret))
		p.fd = w->pidfd = ctr_init_pidfd(w->ref.ctr);
	while (p.fd >= 0 && poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	/* The end is seen before the parent has collected and recorded it. */
	for (int i = 0; i < REAP_TRIES && !from_record(w, ret) && w->pidfd >= 0; i++) {
		pause.tv_nsec = (1L << i) * 1000000;
		pause.tv_sec = pause.tv_nsec / 1000000000;
		pause.tv_nsec %= 1000000000;
		nanosleep(&pause, NULL);
	}
}

static int report(struct ctx *ctx, const struct waiter *w, const struct exit_record *rec)
{
	if (rec->known) {
		printf("%d\n", rec->code);
		fflush(stdout);
		return 0;
	}
	printf("unknown\n");
	fflush(stdout);
	return err_text(&ctx->err, -ENODATA,
	                "the exit status of \"%s\" is unknown: it was collected by its parent, and "
	                "nothing recorded it",
	                w->ref.name);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct waiter *w = xcalloc((size_t)argc, sizeof(*w));
	struct ctr_root root = { .fd = FD_INVALID };
	int r, result = 0, n = 0;

	r = ctx_root_of(ctx, argv[0], &root);
	for (; n < argc && r >= 0; n++) {
		w[n] = (struct waiter){ .shim.fd = FD_INVALID, .pidfd = FD_INVALID };
		w[n].ref.dir_fd = FD_INVALID;
		r = session_ref_open(ctx, &root, argv[n], &w[n].ref);
		if (r >= 0)
			find(&w[n]);
	}
	for (int i = 0; i < n && r >= 0; i++) {
		struct exit_record rec;

		wait_for(&w[i], &rec);
		if (report(ctx, &w[i], &rec) < 0)
			result = -ENODATA;
	}
	for (int i = 0; i < n; i++) {
		shim_disconnect(&w[i].shim);
		fd_close(w[i].pidfd);
		session_ref_done(&w[i].ref);
	}
	free(w);
	ctr_root_done(&root);
	return r < 0 ? r : result;
}

const struct command cmd_wait = {
	.name = "wait",
	.args = "CONTAINER-ID[/NAME]...",
	.summary = "wait for the end of processes and print their exit statuses",
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
