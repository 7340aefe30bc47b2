/* SPDX-License-Identifier: Apache-2.0 */
/* berth start: execute the program of a created container. */
#include "base/fd.h"
#include "runtime/launch.h"
#include "runtime/notify.h"

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	_cleanup_close_ int notify = FD_INVALID, pidfd = FD_INVALID;
	int r = ctx_open(ctx, argv[0], true, &ctr);

	(void)argc;
	if (r == 0)
		r = notify_listen(ctr->dir_fd, &notify, &ctx->err);
	if (r == 0 && notify >= 0) /* before it can have ended */
		pidfd = ctr_init_pidfd(ctr);
	if (r == 0)
		r = ctr_start(ctr, &ctx->err);
	if (r < 0)
		return r;
	if (ctr->shim.pid > 0)
		shim_notify_started(ctr->dir_fd);
	if (notify >= 0) {
		ctr_unlock(ctr);
		notify_wait(notify, ctr->init.pid, pidfd);
	}
	return 0;
}

const struct command cmd_start = {
	.name = "start",
	.args = "CONTAINER-ID",
	.summary = "execute the program of a created container",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
