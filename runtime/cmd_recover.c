/* SPDX-License-Identifier: Apache-2.0 */
/* berth recover: new shims for processes whose shims were killed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"
#include "runtime/interrupt.h"
#include "runtime/recover.h"
#include "runtime/session_ref.h"

static bool all;

static void print(const char *name, const struct recovered *r)
{
	switch (r->outcome) {
	case RECOVER_LIVES:
		printf("%s: its shim lives (pid %d)\n", name, r->shim);
		break;
	case RECOVER_DONE:
		printf("%s: has a new shim (pid %d)%s\n", name, r->shim,
		       r->terminal_lost ? "; its terminal is lost" : "");
		break;
	case RECOVER_ENDED:
	case RECOVER_OVER:
		if (r->exit.known)
			printf("%s: has ended: exit status %d\n", name, r->exit.code);
		else
			printf("%s: has ended: exit status unknown\n", name);
		break;
	}
	fflush(stdout);
}

static int recover_one(const struct ctr_root *root, const char *name, struct err *err)
{
	struct recovered done;
	int r = recover_session(root, name, &done, err);

	/* Gone since we looked, or nothing that a shim has ever had. */
	if (all && (r == -ENOENT || r == -ESRCH))
		return 0;
	if (r < 0)
		return err_prefix(err, "recover \"%s\"", name);
	if (!all || done.outcome == RECOVER_DONE || done.outcome == RECOVER_ENDED)
		print(name, &done);
	return 0;
}

/* Each on its own: one that fails does not keep the others from theirs. */
static int each(struct ctx *ctx, const struct ctr_root *root, char *const *names)
{
	size_t n = 0, failed = 0;
	struct err first = { 0 };

	for (; names[n]; n++) {
		struct err err = { 0 };
		int r = interrupt_check(&ctx->err);

		if (r < 0)
			return r;
		if (recover_one(root, names[n], &err) == 0)
			continue;
		if (failed++ == 0)
			first = err;
		if (names[1])
			log_warn("%s", err.msg);
	}
	if (failed && names[1])
		return err_text(&ctx->err, first.code, "%zu of %zu are not recovered", failed, n);
	ctx->err = first;
	return first.code;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = FD_INVALID };
	_cleanup_strv_ char **names = NULL;
	int r;

	interrupt_block();
	r = session_refs_chosen(ctx, all, argc, argv, &root, &names);
	if (r >= 0 && names)
		r = each(ctx, &root, names);
	ctr_root_done(&root);
	return r;
}

static const struct opt opts[] = {
	{ "all", 'a', OPT_FLAG, &all, NULL, "everything in the state root that has lost its shim",
	  false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_recover = {
	.name = "recover",
	.args = "[CONTAINER-ID[/NAME]...]",
	.summary = "give processes whose shim was killed another one",
	.opts = opts,
	.max_args = -1,
	.run = run,
};
