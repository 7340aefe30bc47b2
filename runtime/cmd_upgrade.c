/* SPDX-License-Identifier: Apache-2.0 */
/* berth upgrade: replace running shims by the one that is installed now. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"
#include "runtime/session_ref.h"
#include "runtime/upgrade.h"

static bool all;

static int upgrade_one(struct ctx *ctx, const struct upgrade *u, const struct ctr_root *root,
                       const char *name, struct err *err)
{
	_cleanup_session_ref_ struct session_ref ref = { .dir_fd = FD_INVALID };
	_cleanup_free_ char *version = NULL;
	int r = session_ref_open(ctx, root, name, &ref);

	if (r < 0) {
		*err = ctx->err;
		return r;
	}
	if (!ref.is_exec && ref.ctr->shim.pid <= 0)
		return err_text(err, -ESRCH, "container \"%s\" has no shim", name);
	r = upgrade_session(u, ref.dir_fd, &version, err);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_text(err, -ESRCH, "the shim of \"%s\" is gone", name);
	if (r < 0)
		return err_prefix(err, "shim of \"%s\"", name);
	printf("%s: berth-shim %s\n", name, version);
	fflush(stdout);
	return 0;
}

static int each(struct ctx *ctx, const struct ctr_root *root, char *const *names)
{
	_cleanup_upgrade_ struct upgrade u = { .exe = FD_INVALID };
	size_t tried = 0, failed = 0;
	struct err first = { 0 };
	int r = upgrade_open(&u, &ctx->err);

	if (r < 0)
		return r;
	for (char *const *name = names; *name; name++) {
		struct err err = { 0 };

		r = upgrade_one(ctx, &u, root, *name, &err);
		/* Never had a shim, or ended or was deleted meanwhile: it needs no new one. */
		if (all && (r == -ESRCH || r == -ENOENT))
			continue;
		tried++;
		if (r >= 0)
			continue;
		if (failed++ == 0)
			first = err;
		if (names[1])
			log_warn("%s", err.msg);
	}
	if (!failed)
		return 0;
	if (names[1])
		return err_text(&ctx->err, first.code,
		                "%zu of %zu shims are not upgraded; they serve on as before",
		                failed, tried);
	ctx->err = first;
	return first.code;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = FD_INVALID };
	_cleanup_strv_ char **names = NULL;
	int r;

	r = session_refs_chosen(ctx, all, argc, argv, &root, &names);
	if (r >= 0 && names)
		r = each(ctx, &root, names);
	ctr_root_done(&root);
	return r;
}

static const struct opt opts[] = {
	{ "all", 'a', OPT_FLAG, &all, NULL, "all shims of the state root", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_upgrade = {
	.name = "upgrade",
	.args = "[CONTAINER-ID[/NAME]...]",
	.summary = "replace running shims by the installed one, without losing anything",
	.opts = opts,
	.max_args = -1,
	.run = run,
};
