/* SPDX-License-Identifier: Apache-2.0 */
/* The options that checkpoint and restore share: what must hold before a container is looked at. */
#include "runtime/criu_options.h"

#include "runtime/launch.h"

int criu_options_check(struct ctx *ctx, struct ctr_criu_opts *o)
{
	int r = ctr_criu_check(o, &ctx->err);

	o->image_path = launch_absolute(o->image_path);
	o->work_path = launch_absolute(o->work_path);
	return r < 0 ? r : ctr_criu_find(&ctx->err);
}
