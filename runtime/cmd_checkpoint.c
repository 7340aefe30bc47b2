/* SPDX-License-Identifier: Apache-2.0 */
/* berth checkpoint: write a running container to disk; unless it is left running it is gone then,
 * and `restore` makes it again. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "berth/log.h"
#include "runtime/criu_options.h"
#include "runtime/interrupt.h"
#include "runtime/launch.h"

static struct ctr_criu_opts o = { .image_path = "./checkpoint", .status_fd = -1 };

/* Clients of the shim hear of the end before it goes; its log is complete then. */
static int gone(struct ctx *ctx, struct ctr *ctr)
{
	struct err err = { 0 };

	if (shims_shutdown(ctr) == -ENOENT)
		return 0; /* its exit command has deleted it */
	if (ctr_checkpoint_log(ctr, &o, &err) < 0)
		log_warn("%s", err.msg); /* the images are good, and the container is gone */
	return ctr_delete(ctr, true, &ctx->err);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	int r = criu_options_check(ctx, &o);

	(void)argc;
	if (r == 0)
		r = ctx_open(ctx, argv[0], true, &ctr);
	if (r < 0 || !ctr)
		return r;
	/* A dump that is cut off would leave the container frozen. With lazy pages criu then serves
	 * for as long as it takes, and may be ended. */
	if (!o.lazy_pages)
		interrupt_block();
	r = ctr_checkpoint(ctr, &o, &ctx->err);
	if (r < 0 || o.pre_dump)
		return r;
	return o.leave_running ? ctr_checkpoint_log(ctr, &o, &ctx->err) : gone(ctx, ctr);
}

static const struct opt opts[] = {
	CRIU_OPTIONS(o),
	CRIU_TEXT(o, "parent-path", parent_path, "DIR",
	          "earlier images, relative to the directory of the images"),
	CRIU_FLAG(o, "leave-running", leave_running, "let the container run on"),
	CRIU_FLAG(o, "pre-dump", pre_dump, "memory only: the container runs on, a dump follows"),
	CRIU_FLAG(o, "tcp-skip-in-flight", tcp_skip_in_flight,
	          "leave out TCP connections that are not established yet"),
	CRIU_TEXT(o, "page-server", page_server, "ADDRESS:PORT", "send memory to a page server"),
	{ "status-fd", 0, OPT_INT, &o.status_fd, "FD",
	  "gets a byte when the page server of --lazy-pages is ready", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.args = "CONTAINER-ID",
	.summary = "write a running container to disk",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
