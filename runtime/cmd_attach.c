/* SPDX-License-Identifier: Apache-2.0 */
/* berth attach: connect this terminal to a kept process. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/attach.h"
#include "runtime/cmd.h"
#include "runtime/detach_keys.h"
#include "runtime/session_ref.h"
#include "shim/wire/client.h"

static const char *detach_keys;
static bool no_stdin, no_replay;

/* Does it have a terminal? The shim knows, for containers and kept execs alike. */
static int ask_terminal(const struct session_ref *ref, bool *ret, struct err *err)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	int r = shim_call(ref->dir_fd, "State", NULL, &reply, err);

	if ((r == -ENOENT || r == -ECONNREFUSED) && session_ref_lost(ref))
		return session_ref_say_lost(ref, err);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_text(err, r, "the shim of \"%s\" is lost: its streams can't be reached",
		                ref->name);
	if (r < 0)
		return err_prefix(err, "attach to \"%s\"", ref->name);
	if (json_get_bool(reply.parameters, "terminal_lost", false))
		return err_text(err, -ENOTTY,
		                "\"%s\" has lost its terminal with its shim: only its end can be "
		                "waited for",
		                ref->name);
	*ret = json_get_bool(reply.parameters, "terminal", false);
	return 0;
}

static int attach(struct ctx *ctx, const struct session_ref *ref)
{
	struct attach_opts opts = { .session_fd = ref->dir_fd,
		                    .name = ref->name,
		                    .detach_keys = detach_keys,
		                    .no_stdin = no_stdin,
		                    .no_replay = no_replay };
	struct attach_result result;
	int r;

	r = ask_terminal(ref, &opts.terminal, &ctx->err);
	if (r >= 0)
		r = attach_run(&opts, &result, &ctx->err);
	if (r < 0)
		return r;
	if (result.detached && !result.signal && isatty(STDERR_FILENO))
		fprintf(stderr, "\ndetached from %s\n", ref->name);
	return attach_status(&opts, &result, &ctx->err);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return session_ref_with(ctx, argv[0], attach);
}

static const struct opt opts[] = {
	{ "detach-keys", 0, OPT_STRING, &detach_keys, "KEYS",
	  "keys, like ctrl-p,ctrl-q, that leave it running (default: " DETACH_KEYS_DEFAULT ")",
	  false },
	{ "no-stdin", 0, OPT_FLAG, &no_stdin, NULL, "only look, send no input", false },
	{ "no-replay", 0, OPT_FLAG, &no_replay, NULL, "only what is written from now on", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_attach = {
	.name = "attach",
	.args = "CONTAINER-ID[/NAME]",
	.summary = "connect this terminal to a kept process; its exit status becomes ours",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
