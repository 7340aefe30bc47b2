/* SPDX-License-Identifier: Apache-2.0 */
/* berth gc: remove what creations left behind that were cut off, from their journals, and the
 * records of kept execs whose time is over. */
#include <errno.h>
#include <stdio.h>

#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"
#include "runtime/kept.h"

static bool dry_run;

static void say(const struct ctr *ctr, const char *name)
{
	printf("%s/%s\n", ctr->id, name);
}

/* Whoever holds the lock long is left to do it himself: exec does. */
static void collect_execs(const struct ctr_root *root, const char *id, struct ctr *looked_at)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	struct err err = { 0 };

	if (!kept_any_due(looked_at))
		return;
	if (ctr_open(root, id, true, &ctr, &err) < 0) {
		if (err.code != -ENOENT)
			log_warn("%s", err.msg);
		return;
	}
	(void)kept_collect(ctr, dry_run, say);
}

static int collect(struct ctx *ctx, const struct ctr_root *root, const char *id)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	struct err err = { 0 };
	int r;

	/* Without the lock first: whoever holds it is at work and not aborted. */
	if (ctr_open(root, id, false, &ctr, &err) < 0)
		return 0;
	if (!ctr_is_aborted(ctr)) {
		collect_execs(root, id, ctr);
		return 0;
	}
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
	.summary = "remove what interrupted creations left behind, and records that are due",
	.opts = opts,
	.max_args = 0,
	.run = run,
};
