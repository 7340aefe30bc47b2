/* SPDX-License-Identifier: Apache-2.0 */
/* berth features: what this build knows, from the tables that the code uses. */
#include <stdio.h>

#include "base/mem.h"
#include "runtime/cmd.h"
#include "version.h"

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_free_ char *text = ctr_features_json(BERTH_VERSION, BERTH_COMMIT);

	(void)ctx;
	(void)argc;
	(void)argv;
	puts(text);
	return 0;
}

const struct command cmd_features = {
	.name = "features",
	.args = "",
	.summary = "print the features document (runtime-spec, \"features\")",
	.max_args = 0,
	.run = run,
};
