/* SPDX-License-Identifier: Apache-2.0 */
/* The options that checkpoint and restore share: what must hold before a container is looked at. */
#include "runtime/criu_options.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/launch.h"
#include "security/security.h"

int criu_options_check(struct ctx *ctx, struct ctr_criu_opts *o)
{
	int r = ctr_criu_check(o, &ctx->err);

	/* Found out by trying, that is a line of criu's about something else. */
	if (r == 0 && (geteuid() != 0 || !caps_in_initial_userns()))
		r = err_text(&ctx->err, -EPERM,
		             "checkpoint and restore need root of the host: criu can neither dump "
		             "nor rebuild the containers of an ordinary user");

	o->image_path = launch_absolute(o->image_path);
	o->work_path = launch_absolute(o->work_path);
	return r < 0 ? r : ctr_criu_find(&ctx->err);
}
