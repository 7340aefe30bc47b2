/* SPDX-License-Identifier: Apache-2.0 */
/* berth delete: remove a container and all that belongs to it, or the record of one kept exec. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/strv.h"
#include "runtime/kept.h"
#include "runtime/launch.h"
#include "runtime/session_ref.h"

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

/* With the lock held: what is only half made has nobody who makes it. */
static int end_exec(struct ctx *ctx, const struct session_ref *ref, const char *name)
{
	_cleanup_kept_ struct kept k = { .has_record = false };
	_cleanup_close_ int pidfd = FD_INVALID;
	int r = kept_look(ref->ctr, CTR_RUNNING, name, &k);

	if (r < 0)
		return err_set(&ctx->err, r, "look at \"%s\"", ref->name);
	if (k.status == KEPT_STOPPED || (k.status == KEPT_CREATING && !k.shim_alive))
		return 0;
	if (!force)
		return err_text(&ctx->err, -EBUSY,
		                "cannot delete process \"%s\" that is not stopped", ref->name);
	pidfd = session_ref_pidfd(ref);
	if (pidfd >= 0)
		(void)proc_pidfd_signal(pidfd, SIGKILL);
	return 0;
}

static int delete_exec(struct ctx *ctx, const struct session_ref *ref)
{
	const char *name = strchr(ref->name, '/') + 1;
	int r = ctr_lock(ref->ctr, &ctx->err);

	if (r == 0)
		r = end_exec(ctx, ref, name);
	if (r < 0)
		return r;
	/* Its exit command may want the lock. */
	ctr_unlock(ref->ctr);
	shim_shutdown(ref->dir_fd);
	r = ctr_lock(ref->ctr, &ctx->err);
	if (r == 0)
		ctr_session_remove(ref->ctr, name);
	return r == -ENOENT ? 0 : r;
}

static int run_exec(struct ctx *ctx, const char *name)
{
	_cleanup_session_ref_ struct session_ref ref = { .dir_fd = FD_INVALID };
	int r = ctx_root_of(ctx, name, &ctx->root);

	if (r == 0)
		r = session_ref_open(ctx, &ctx->root, name, &ref);
	if (r == 0)
		return delete_exec(ctx, &ref);
	if (r == -ENOENT && force) {
		err_clear(&ctx->err);
		r = 0;
	}
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = -1 };
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r;

	(void)argc;
	fd_raise_limit(); /* one for each shim that ends */
	if (strchr(argv[0], '/'))
		return run_exec(ctx, argv[0]);
	r = ctx_root_of(ctx, argv[0], &root);
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
	.args = "CONTAINER-ID[/NAME]",
	.summary = "delete a container and all that belongs to it, or one kept process",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
