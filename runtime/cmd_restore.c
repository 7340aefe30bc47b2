/* SPDX-License-Identifier: Apache-2.0 */
/* berth restore: a container out of the images of a checkpoint; from then on it is as after `run`.
 */
#include "base/mem.h"
#include "runtime/criu_options.h"
#include "runtime/launch.h"

static struct ctr_criu_opts o = { .image_path = "./checkpoint", .status_fd = -1 };
static struct run_opts run_o = { .launch.restore = &o };
static bool no_subreaper;

static int run(struct ctx *ctx, int argc, char **argv)
{
	int r = criu_options_check(ctx, &o);

	(void)argc;
	return r < 0 ? r : launch_run(ctx, &run_o, argv[0]);
}

static const struct opt opts[] = {
	LAUNCH_OPTIONS(run_o.launch),
	{ "detach", 'd', OPT_FLAG, &run_o.launch.detach, NULL,
	  "leave the container running and return", false },
	{ "keep", 0, OPT_FLAG, &run_o.keep, NULL, "do not delete the container when it has ended",
	  false },
	{ "rm", 0, OPT_FLAG, &run_o.rm, NULL,
	  "delete the container when it has ended (in the foreground that is the default)", false },
	{ "detach-keys", 0, OPT_STRING, &run_o.detach_keys, "KEYS",
	  "keys that leave the container running (default: ctrl-])", false },
	{ "no-subreaper", 0, OPT_FLAG, &no_subreaper, NULL,
	  "accepted; berth never becomes a subreaper", false },
	CRIU_OPTIONS(o),
	CRIU_TEXT(o, "lsm-profile", lsm_profile, "TYPE:NAME",
	          "restore with another label: selinux:... or apparmor:..."),
	CRIU_TEXT(o, "lsm-mount-context", lsm_mount_context, "CONTEXT",
	          "SELinux context of mounts in place of the one in the images"),
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_restore = {
	.name = "restore",
	.args = "CONTAINER-ID",
	.summary = "make a container again from a checkpoint",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
