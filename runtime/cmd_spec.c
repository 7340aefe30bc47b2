/* SPDX-License-Identifier: Apache-2.0 */
/* berth spec: write a config.json to start from. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/spec.h"
#include "cgroup/cgroup.h"
#include "runtime/cmd.h"

static const char *bundle = ".";
static bool rootless;

static bool host_is_v2(void)
{
	struct cg_host *host = NULL;
	bool v2 = cg_host_detect(&host, NULL) == 0 && host->mode == CG_V2;

	cg_host_free(host);
	return v2;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_free_ char *text = spec_template(rootless, geteuid(), getegid(), host_is_v2());
	_cleanup_close_ int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	(void)argc;
	(void)argv;
	if (dir < 0)
		return err_set(&ctx->err, -errno, "open bundle \"%s\"", bundle);
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_text(&ctx->err, -EEXIST, "File config.json exists. Remove it first");
	if (fd < 0)
		return err_set(&ctx->err, -errno, "make \"%s/config.json\"", bundle);
	r = fd_write_all(fd, text, strlen(text));
	return r < 0 ? err_set(&ctx->err, r, "write \"%s/config.json\"", bundle) : 0;
}

static const struct opt opts[] = {
	{ "bundle", 'b', OPT_STRING, &bundle, "DIR", "the bundle (default: the current directory)",
	  false },
	{ "rootless", 0, OPT_FLAG, &rootless, NULL,
	  "for an ordinary user: a user namespace that maps root to you", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_spec = {
	.name = "spec",
	.args = "",
	.summary = "write a config.json to start from",
	.opts = opts,
	.max_args = 0,
	.run = run,
};
