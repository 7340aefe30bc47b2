/* SPDX-License-Identifier: Apache-2.0 */
/* berth stop: TERM, and KILL when that has not ended the container in time. */
#include <poll.h>
#include <signal.h>

#include "base/fd.h"
#include "runtime/cmd.h"

#define KILL_WAIT_MS 10000

static int64_t timeout_ms = 10000;

/* true: init has ended within ms. */
static bool ended(const struct ctr *ctr, int64_t ms)
{
	_cleanup_close_ int pidfd = ctr_init_pidfd(ctr);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, (int)(ms > INT32_MAX ? INT32_MAX : ms)) > 0;
}

static int stop(struct ctx *ctx, struct ctr *ctr)
{
	enum ctr_status status = ctr_status(ctr);
	int r;

	if (status == CTR_STOPPED)
		return 0;
	r = ctr_kill(ctr, SIGTERM, false, &ctx->err);
	if (r < 0)
		return r;
	if (status == CTR_PAUSED && timeout_ms > 0)
		(void)ctr_pause(ctr, false, NULL); /* frozen processes hear no signal */
	if (ended(ctr, timeout_ms))
		return 0;
	r = ctr_kill(ctr, SIGKILL, false, &ctx->err);
	if (r < 0 && !ended(ctr, 0))
		return r;
	if (!ended(ctr, KILL_WAIT_MS))
		return err_text(&ctx->err, -16, "container init still running after SIGKILL");
	return 0;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		_cleanup_ctr_ struct ctr *ctr = NULL;

		r = ctx_open(ctx, argv[i], false, &ctr);
		if (r == 0)
			r = stop(ctx, ctr);
	}
	return r;
}

static const struct opt opts[] = {
	{ "timeout", 't', OPT_DURATION, &timeout_ms, "TIME",
	  "time between TERM and KILL (default: 10 seconds)", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_stop = {
	.name = "stop",
	.args = "CONTAINER-ID...",
	.summary = "end containers: TERM, then KILL after a time",
	.opts = opts,
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
