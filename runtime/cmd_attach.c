/* SPDX-License-Identifier: Apache-2.0 */
/* berth attach: connect this terminal to a kept process. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "runtime/attach.h"
#include "runtime/cmd.h"
#include "runtime/detach_keys.h"
#include "runtime/session_ref.h"
#include "shim/wire/client.h"
#include "shim/wire/exit_record.h"

static const char *detach_keys, *tail, *tail_bytes, *stdout_from, *stderr_from;
static bool no_stdin, no_replay, close_stdin;
static int sig_proxy;

/* Does it have a terminal? The shim knows, for containers and kept execs alike. */
static int ask_terminal(const struct session_ref *ref, bool *ret, struct err *err)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	struct exit_record rec;
	int r = shim_call(ref->dir_fd, "State", NULL, &reply, err);

	if ((r == -ENOENT || r == -ECONNREFUSED) && session_ref_lost(ref))
		return session_ref_say_lost(ref, err);
	if ((r == -ENOENT || r == -ECONNREFUSED) && exit_record_read_at(ref->dir_fd, &rec) >= 0)
		return err_text(
		    err, r,
		    "\"%s\" has ended, and its shim has gone: see \"berth wait %s\" and "
		    "\"berth logs %s\"",
		    ref->name, ref->name, ref->name);
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

/* Append a number as one more parameter; all: a word that is the same as not to give it. */
static int add(char **params, const char *option, const char *name, const char *text,
               const char *all, struct err *err)
{
	char *before = *params;
	uint64_t n = 0;

	if (!text || (all && streq(text, all)))
		return 0;
	if (num_parse_u64(text, &n) < 0 || n > INT64_MAX)
		return err_text(err, -EINVAL, "option --%s: \"%s\" is not a number%s%s", option,
		                text, all ? ", nor " : "", all ? all : "");
	*params = xasprintf("%s,\"%s\":%" PRIu64, before, name, n);
	free(before);
	return 0;
}

/* Where to begin, in the shim's words. */
static int replay_parameters(char **params, struct err *err)
{
	int r;

	*params = xstrdup(no_replay ? ",\"replay\":\"none\"" : "");
	r = add(params, "tail", "replay_lines", tail, "all", err);
	if (r == 0)
		r = add(params, "tail-bytes", "replay_bytes", tail_bytes, "all", err);
	if (r == 0)
		r = add(params, "stdout-from", "stdout_from", stdout_from, NULL, err);
	if (r == 0)
		r = add(params, "stderr-from", "stderr_from", stderr_from, NULL, err);
	return r;
}

static int attach(struct ctx *ctx, const struct session_ref *ref)
{
	_cleanup_free_ char *replay = NULL;
	struct attach_opts opts = { .session_fd = ref->dir_fd,
		                    .name = ref->name,
		                    .detach_keys = detach_keys,
		                    .no_stdin = no_stdin,
		                    .close_stdin = close_stdin,
		                    .sig_proxy = sig_proxy };
	struct attach_result result;
	int r = replay_parameters(&replay, &ctx->err);

	opts.replay = replay;
	if (r >= 0)
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
	if (no_stdin && close_stdin)
		return err_text(&ctx->err, -EINVAL,
		                "--no-stdin and --close-stdin exclude each other");
	return session_ref_with(ctx, argv[0], attach);
}

static const struct opt opts[] = {
	{ "detach-keys", 0, OPT_STRING, &detach_keys, "KEYS",
	  "keys, like ctrl-p,ctrl-q, that leave it running (default: " DETACH_KEYS_DEFAULT ")",
	  false },
	{ "no-stdin", 0, OPT_FLAG, &no_stdin, NULL, "only look: send neither input nor our size",
	  false },
	{ "close-stdin", 0, OPT_FLAG, &close_stdin, NULL,
	  "the end of our input is the end of the process's input", false },
	{ "tail", 'n', OPT_STRING, &tail, "N",
	  "begin with the last N lines of what is kept (default: all)", false },
	{ "tail-bytes", 0, OPT_STRING, &tail_bytes, "N", "begin with the last N bytes of it",
	  false },
	{ "no-replay", 0, OPT_FLAG, &no_replay, NULL, "only what is written from now on", false },
	{ "stdout-from", 0, OPT_STRING, &stdout_from, "OFFSET",
	  "begin at this byte, counted from the first one ever written", false },
	{ "stderr-from", 0, OPT_STRING, &stderr_from, "OFFSET", "the same of standard error",
	  false },
	{ "sig-proxy", 0, OPT_SWITCH, &sig_proxy, NULL,
	  "pass signals on to it (default: without a terminal and --no-stdin)", false },
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
