/* SPDX-License-Identifier: Apache-2.0 */
/* berth create: everything up to, and not including, the execution of the program. */
#include "runtime/interrupt.h"
#include "runtime/launch.h"

static struct launch_opts o;

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct launch l;
	int r;

	(void)argc;
	interrupt_block();
	r = launch_create(ctx, &o, argv[0], false, &l);
	if (r == 0)
		r = launch_write_pid_file(ctx, &l);
	launch_done(&l);
	return r;
}

static const struct opt opts[] = {
	LAUNCH_OPTIONS(o),
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_create = {
	.name = "create",
	.args = "CONTAINER-ID",
	.summary = "create a container from a bundle; start it with \"start\"",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
