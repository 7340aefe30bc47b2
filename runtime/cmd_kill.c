/* SPDX-License-Identifier: Apache-2.0 */
/* berth kill: send a signal to a container, or to one kept exec of it. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "base/proc.h"
#include "runtime/cmd.h"
#include "runtime/session_ref.h"
#include "tables/signals.h"

static bool all;

/* By its pidfd: a number that was given to somebody else meanwhile is not hit. */
static int kill_exec(struct ctx *ctx, const char *name, int sig)
{
	_cleanup_session_ref_ struct session_ref ref = { .dir_fd = FD_INVALID };
	_cleanup_close_ int pidfd = FD_INVALID;
	int r;

	if (all)
		return err_text(&ctx->err, -EINVAL, "option --all: \"%s\" is one process", name);
	r = ctx_root_of(ctx, name, &ctx->root);
	if (r == 0)
		r = session_ref_open(ctx, &ctx->root, name, &ref);
	if (r < 0)
		return r;
	pidfd = session_ref_pidfd(&ref);
	r = pidfd < 0 || proc_pidfd_exited(pidfd) ? -ESRCH : proc_pidfd_signal(pidfd, sig);
	if (r == -ESRCH)
		return err_text(&ctx->err, r, "process \"%s\" is not running", name);
	return r < 0 ? err_set(&ctx->err, r, "send signal %d to \"%s\"", sig, name) : 0;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int sig = argc > 1 ? signal_parse(argv[1]) : SIGTERM;
	int r;

	if (sig < 0)
		return err_text(&ctx->err, -EINVAL, "unknown signal \"%s\"", argv[1]);
	if (strchr(argv[0], '/'))
		return kill_exec(ctx, argv[0], sig);
	r = ctx_open(ctx, argv[0], false, &ctr);
	if (r == 0)
		r = ctr_kill(ctr, sig, all, &ctx->err);
	return r;
}

static const struct opt opts[] = {
	{ "all", 'a', OPT_FLAG, &all, NULL, "signal every process of the container", true },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_kill = {
	.name = "kill",
	.args = "CONTAINER-ID[/NAME] [SIGNAL]",
	.summary = "send a signal (default: TERM) to the container's init, or to a kept process",
	.opts = opts,
	.min_args = 1,
	.max_args = 2,
	.stop_at_positional = true,
	.run = run,
};
