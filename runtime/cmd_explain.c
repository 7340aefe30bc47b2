/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth explain: what `create` would do on this host with this bundle and these options, from the
 * plans and step tables that it runs. Makes nothing, needs no privilege; what would be refused is
 * listed rather than the end of it. Exit status 0: as far as can be seen create would succeed, 1:
 * it would be refused. The JSON form is documented in docs/EXPLAIN.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/describe.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "berth/log.h"
#include "cgroup/cgroup.h"
#include "runtime/launch.h"
#include "runtime/self.h"
#include "version.h"

#define SCHEMA_VERSION 1
#define OUTPUT_MAX     (256u << 20)

static struct launch_opts o;
static const char *format = "text";

/* What the command line would refuse, as a note; the rest is told all the same. */
static void refuse(struct ctx *ctx, struct desc *d, const char *path)
{
	desc_note(d, DESC_REFUSED, path, "%s", ctx->err.msg);
	err_clear(&ctx->err);
}

static void explain_state(struct ctx *ctx, const char *id, struct desc *d)
{
	_cleanup_free_ char *path =
	    ctx->root_path ? xstrdup(ctx->root_path) : ctr_root_default(&ctx->err);
	struct ctr_root root = { .fd = FD_INVALID };

	desc_step(d, "launch", "state directory",
	          "reserve the id, write the journal, hold the lock");
	if (!path) {
		refuse(ctx, d, NULL);
		return;
	}
	desc_item(d, "directory", NULL);
	desc_fmt(d, "directory", "%s/%s", path, id);
	if (ctr_root_open(path, false, &root, &ctx->err) == 0) {
		if (faccessat(root.fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			desc_note(d, DESC_REFUSED, NULL,
			          "container with given ID already exists: \"%s\"", id);
	} else if (ctx->err.code != -ENOENT) {
		refuse(ctx, d, NULL);
	}
	err_clear(&ctx->err);
	ctr_root_done(&root);
}

static void explain_shim(const struct launch *l, struct desc *d)
{
	static const char *const modes[] = {
		[STDIO_KEEP] = "kept by the shim",
		[STDIO_INHERIT] = "the caller's own",
		[STDIO_NULL] = "/dev/null",
	};

	desc_step(d, "launch", "shim", "who keeps exit status and stdio");
	desc_item(d, "shim", NULL);
	desc_str(d, "wanted", l->with_shim ? "yes" : "no");
	desc_str(d, "stdio", modes[l->stdio]);
}

static void explain_binary(const struct spec *spec, struct desc *d)
{
	static const char *const ways[] = {
		[SELFEXE_NONE] = "nothing: the container can't write it",
		[SELFEXE_READONLY] = "run from a read-only clone of its mount",
		[SELFEXE_SEALED] = "run from a sealed copy",
	};

	desc_step(d, "launch", "own binary", "keep it out of the container's reach");
	desc_item(d, "binary", NULL);
	desc_str(d, "protection", ways[self_need(spec, &spec->process)]);
}

static void explain_plan(struct ctx *ctx, struct launch *l, const char *id, struct desc *d)
{
	const char *cgroups_path = l->spec->linux_.cgroups_path;
	struct cg *cg = NULL, *shim_cg = NULL;
	struct ctr_create_opts opts = {
		.no_pivot = o.no_pivot,
		.no_new_keyring = o.no_new_keyring,
		.io = { .stdio = { 0, 1, 2 }, .preserve_fds = l->preserve_fds },
		.stdio_kept = l->stdio == STDIO_KEEP,
		.keep_fd = FD_INVALID,
	};
	struct ctr_explain_args args = {
		.id = id,
		.spec = l->spec,
		.rootless = launch_is_rootless(ctx),
		.opts = &opts,
		.cgroup_path = cgroups_path ? "linux.cgroupsPath" : NULL,
	};

	if (launch_plan_cgroups(ctx, l, id, &cg, &shim_cg) < 0)
		refuse(ctx, d, args.cgroup_path);
	args.cgroup = cg;
	ctr_explain(&args, d);
	cg_free(cg);
	cg_free(shim_cg);
}

static void print(const struct launch *l, const char *id, const struct desc *d, bool json)
{
	_cleanup_buf_ struct buf b = BUF_INIT(OUTPUT_MAX);

	if (json) {
		buf_printf(&b, "{\n  \"version\": %d,\n  \"berth\": ", SCHEMA_VERSION);
		json_str(&b, BERTH_VERSION);
		buf_puts(&b, ",\n  \"id\": ");
		json_str(&b, id);
		buf_puts(&b, ",\n  \"bundle\": ");
		json_str(&b, l->spec->bundle);
		buf_printf(&b, ",\n  \"refused\": %s,\n",
		           desc_has_note(d, DESC_REFUSED) ? "true" : "false");
		desc_write_json(d, &b);
		buf_puts(&b, "\n}\n");
	} else {
		desc_write_text(d, &b);
	}
	fwrite(b.data, 1, b.len, stdout);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	const char *id = argc > 0 ? argv[0] : "explained";
	bool json = streq(format, "json");
	struct launch l = { .root.fd = FD_INVALID,
		            .master = FD_INVALID,
		            .pidfd = FD_INVALID,
		            .console_socket = FD_INVALID,
		            .shim_exe_fd = FD_INVALID,
		            .opts = &o };
	struct desc d = { 0 };
	int r;

	if (!json && !streq(format, "text"))
		return err_text(&ctx->err, -EINVAL, "option --format: \"%s\" is none of text, json",
		                format);
	if (!ctr_id_valid(id, &ctx->err))
		return -EINVAL;
	r = launch_load(ctx, &l);
	if (r < 0)
		return r;
	if (l.spec->warnings)
		log_warn("%s", l.spec->warnings);
	if (launch_preserved(o.preserve_fds, &l.preserve_fds, &ctx->err) < 0)
		refuse(ctx, &d, NULL);
	if (launch_decide(ctx, &l, false) < 0)
		refuse(ctx, &d, NULL);
	explain_state(ctx, id, &d);
	explain_shim(&l, &d);
	explain_binary(l.spec, &d);
	explain_plan(ctx, &l, id, &d);
	print(&l, id, &d, json);
	r = desc_has_note(&d, DESC_REFUSED) ? 1 : 0;
	desc_done(&d);
	launch_done(&l);
	return r;
}

static const struct opt opts[] = {
	{ "format", 0, OPT_STRING, &format, "text|json", "form of the output (default: text)",
	  false },
	LAUNCH_OPTIONS(o),
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_explain = {
	.name = "explain",
	.args = "[CONTAINER-ID]",
	.summary = "print what \"create\" would do, step by step, and do nothing",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
