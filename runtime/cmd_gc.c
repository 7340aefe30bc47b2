/* SPDX-License-Identifier: Apache-2.0 */
/* berth gc: remove what creations left behind that were cut off, from their journals. */
#include <stdio.h>

#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"

static bool dry_run;

static int collect(struct ctx *ctx, const struct ctr_root *root, const char *id)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	struct err err = { 0 };
	int r;

	/* Without the lock first: whoever holds it is at work and not aborted. */
	if (ctr_open(root, id, false, &ctr, &err) < 0 || !ctr_is_aborted(ctr))
		return 0;
	ctr_close(ctr);
	ctr = NULL;
	if (ctr_open(root, id, true, &ctr, &err) < 0 || !ctr_is_aborted(ctr))
		return 0;
	if (!dry_run) {
		r = ctr_destroy(ctr, false, &ctx->err);
		if (r < 0)
			return r;
	}
	printf("%s\n", id);
	return 0;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = -1 };
	_cleanup_strv_ char **ids = NULL;
	int r = ctx_root(ctx, false, &root), first = 0;

	(void)argc;
	(void)argv;
	if (r == 0)
		r = ctr_list_ids(&root, &ids, &ctx->err);
	for (char *const *id = ids; r == 0 && id && *id; id++) {
		int one = collect(ctx, &root, *id);

		if (one < 0 && first == 0)
			first = one;
	}
	ctr_root_done(&root);
	return r < 0 ? r : first;
}

static const struct opt opts[] = {
	{ "dry-run", 'n', OPT_FLAG, &dry_run, NULL, "only say what would be removed", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_gc = {
	.name = "gc",
	.args = "",
	.summary = "remove what interrupted creations left behind",
	.opts = opts,
	.max_args = 0,
	.run = run,
};
