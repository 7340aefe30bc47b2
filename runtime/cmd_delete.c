/* SPDX-License-Identifier: Apache-2.0 */
/* berth delete: remove a container and all that belongs to it. */
#include <errno.h>

#include "base/strv.h"
#include "runtime/launch.h"

static bool force;

/*
 * Clients hear of the end before the shim goes, exit commands are run; a shim that does not answer
 * is killed by the delete.
 */
static int end_shims(struct ctr *ctr)
{
	enum ctr_status status = ctr_status(ctr);
	_cleanup_strv_ char **kept = NULL;

	(void)ctr_list_sessions(ctr, &kept);
	if (ctr->shim.pid <= 0 && !kept)
		return 0;
	if (!force && status != CTR_STOPPED && status != CTR_CREATED)
		return 0; /* refused below */
	/* Without a pid namespace kept execs can outlive init. */
	if (status != CTR_STOPPED || kept)
		(void)ctr_kill_and_wait(ctr);
	return shims_shutdown(ctr);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = -1 };
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r = ctx_root_of(ctx, argv[0], &root);

	(void)argc;
	if (r == 0)
		r = force ? ctr_open_damaged(&root, argv[0], &ctr, &ctx->err)
		          : ctr_open(&root, argv[0], true, &ctr, &ctx->err);
	if (r == -ENOENT && force) {
		err_clear(&ctx->err);
		r = 0;
	} else if (r == 0) {
		r = end_shims(ctr);
		if (r != -ENOENT)
			r = ctr_delete(ctr, force, &ctx->err);
		else
			r = 0; /* its exit command has deleted it */
	}
	ctr_root_done(&root);
	return r;
}

static const struct opt opts[] = {
	{ "force", 'f', OPT_FLAG, &force, NULL,
	  "kill it first; a container that does not exist is success", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_delete = {
	.name = "delete",
	.args = "CONTAINER-ID",
	.summary = "delete a container and all that belongs to it",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
