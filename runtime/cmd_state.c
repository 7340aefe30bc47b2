/* SPDX-License-Identifier: Apache-2.0 */
/* berth state: the state document of one container, or of one kept exec of it. */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "runtime/cmd.h"
#include "runtime/kept.h"
#include "runtime/session_ref.h"

static int state_of_exec(struct ctx *ctx, const char *name)
{
	_cleanup_session_ref_ struct session_ref ref = { .dir_fd = FD_INVALID };
	_cleanup_kept_ struct kept k = { .has_record = false };
	_cleanup_free_ char *text = NULL;
	int r = ctx_root_of(ctx, name, &ctx->root);

	if (r == 0)
		r = session_ref_open(ctx, &ctx->root, name, &ref);
	if (r < 0)
		return r;
	r = kept_look(ref.ctr, ctr_status(ref.ctr), strchr(name, '/') + 1, &k);
	if (r < 0)
		return err_set(&ctx->err, r, "look at \"%s\"", name);
	text = kept_json(ref.ctr, &k, true);
	fputs(text, stdout);
	return 0;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r;

	(void)argc;
	if (strchr(argv[0], '/'))
		return state_of_exec(ctx, argv[0]);
	r = ctx_open(ctx, argv[0], false, &ctr);
	if (r == 0) {
		_cleanup_free_ char *text = ctr_state_json(ctr, "", true);

		fputs(text, stdout);
	}
	return r;
}

const struct command cmd_state = {
	.name = "state",
	.args = "CONTAINER-ID[/NAME]",
	.summary = "print the state of a container, or of a kept process, as JSON",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
