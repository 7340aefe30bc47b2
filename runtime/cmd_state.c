/* SPDX-License-Identifier: Apache-2.0 */
/* berth state: the state document of one container. */
#include <stdio.h>

#include "base/mem.h"
#include "runtime/cmd.h"

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r = ctx_open(ctx, argv[0], false, &ctr);

	(void)argc;
	if (r == 0) {
		_cleanup_free_ char *text = ctr_state_json(ctr, "", true);

		fputs(text, stdout);
	}
	return r;
}

const struct command cmd_state = {
	.name = "state",
	.args = "CONTAINER-ID",
	.summary = "print the state of a container as JSON",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
