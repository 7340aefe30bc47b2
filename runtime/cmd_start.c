/* SPDX-License-Identifier: Apache-2.0 */
/* berth start: execute the program of a created container. */
#include "runtime/launch.h"

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r = ctx_open(ctx, argv[0], true, &ctr);

	(void)argc;
	if (r == 0)
		r = ctr_start(ctr, &ctx->err);
	if (r == 0 && ctr->shim.pid > 0)
		shim_notify_started(ctr->dir_fd);
	return r;
}

const struct command cmd_start = {
	.name = "start",
	.args = "CONTAINER-ID",
	.summary = "execute the program of a created container",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
