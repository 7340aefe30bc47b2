/* SPDX-License-Identifier: Apache-2.0 */
/* berth pause and berth resume: freeze and thaw all processes of a container. */
#include "runtime/launch.h"

static int change(struct ctx *ctx, const char *id, bool pause)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r = ctx_open(ctx, id, true, &ctr);

	if (r == 0)
		r = ctr_pause(ctr, pause, &ctx->err);
	if (r == 0)
		shims_look(ctr);
	return r;
}

static int run_pause(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return change(ctx, argv[0], true);
}

static int run_resume(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return change(ctx, argv[0], false);
}

const struct command cmd_pause = {
	.name = "pause",
	.args = "CONTAINER-ID",
	.summary = "suspend all processes of a container",
	.min_args = 1,
	.max_args = 1,
	.run = run_pause,
};

const struct command cmd_resume = {
	.name = "resume",
	.args = "CONTAINER-ID",
	.summary = "resume all processes of a paused container",
	.min_args = 1,
	.max_args = 1,
	.run = run_resume,
};
