/* SPDX-License-Identifier: Apache-2.0 */
/* berth kill: send a signal to a container. */
#include <errno.h>
#include <signal.h>

#include "runtime/cmd.h"
#include "tables/signals.h"

static bool all;

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int sig = argc > 1 ? signal_parse(argv[1]) : SIGTERM;
	int r;

	if (sig < 0)
		return err_text(&ctx->err, -EINVAL, "unknown signal \"%s\"", argv[1]);
	r = ctx_open(ctx, argv[0], false, &ctr);
	if (r == 0)
		r = ctr_kill(ctr, sig, all, &ctx->err);
	return r;
}

static const struct opt opts[] = {
	{ "all", 'a', OPT_FLAG, &all, NULL, "signal every process of the container", true },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_kill = {
	.name = "kill",
	.args = "CONTAINER-ID [SIGNAL]",
	.summary = "send a signal (default: TERM) to the container's init",
	.opts = opts,
	.min_args = 1,
	.max_args = 2,
	.stop_at_positional = true,
	.run = run,
};
