/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth logs: print what a kept process has written, standard output and error each to ours.
 *
 * --follow goes on until the process has ended and its output is complete: the shim's Monitor says
 * when, inotify says when to look. Without an answer from the shim the log is printed as it is.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runtime/cmd.h"
#include "runtime/log_reader.h"
#include "runtime/session_ref.h"
#include "shim/wire/client.h"

#define AFTER_EXIT_MS 2000 /* for output of children that outlive the process */

static bool follow;

/* Where the log is: the shim knows for sure; else what was recorded at creation. */
static char *find_log(const struct session_ref *ref)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	const char *path = NULL;

	if (shim_call(ref->dir_fd, "State", NULL, &reply, NULL) >= 0)
		path = json_get_str(json_get(reply.parameters, "log"), "path", NULL);
	if (path)
		return xstrdup(path);
	if (!ref->is_exec)
		return xstrdup(ref->ctr->log_path);
	return xasprintf("/proc/self/fd/%d/log", ref->dir_fd);
}

static int emit(void *ctx, const struct log_line *line)
{
	FILE *out = line->stream == STREAM_STDERR || line->lost ? stderr : stdout;

	(void)ctx;
	fwrite(line->text, 1, line->len, out);
	if (line->full)
		fputc('\n', out);
	return ferror(out) ? -EPIPE : 0;
}

static int print_new(struct log_reader *r, struct err *err)
{
	int e = log_reader_read(r, emit, NULL, err);

	if (fflush(stdout) != 0 && e >= 0)
		e = err_set(err, -errno, "write");
	return e;
}

/* The shim's next event; *ended: everything has been logged, *exited: nearly. false: no shim. */
static bool next_event(struct shim_client *shim, bool *exited, bool *ended)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	const char *event;

	if (shim_receive(shim, SHIM_CALL_MS, &reply, NULL) < 0)
		return false;
	event = json_get_str(reply.parameters, "event", "");
	*exited = *exited || streq(json_get_str(reply.parameters, "status", ""), "exited");
	*ended = streq(event, "ended");
	return true;
}

static int follow_log(struct log_reader *r, struct shim_client *shim, int watch, struct err *err)
{
	struct pollfd p[2] = { { .fd = shim->fd, .events = POLLIN },
		               { .fd = watch, .events = POLLIN } };
	bool exited = false, ended = false;
	char chunk[4096];
	int e, n;

	for (;;) {
		e = print_new(r, err);
		if (e < 0 || ended)
			return e;
		n = poll(p, 2, exited ? AFTER_EXIT_MS : -1);
		if (n < 0 && errno != EINTR)
			return err_set(err, -errno, "wait for the log");
		if (n == 0)
			ended = true;
		if (p[1].revents)
			(void)!read(watch, chunk, sizeof(chunk));
		/* Several events can be in the buffer already. */
		if (p[0].revents) {
			do {
				if (!next_event(shim, &exited, &ended))
					ended = true;
			} while (!ended && shim->in.len &&
			         memchr(shim->in.data, '\0', shim->in.len));
		}
	}
}

static int follow_session(const struct session_ref *ref, struct log_reader *r, struct err *err)
{
	_cleanup_shim_client_ struct shim_client shim = { .fd = FD_INVALID };
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0 || inotify_add_watch(watch, r->dir, IN_MODIFY | IN_CREATE | IN_MOVE) < 0)
		return err_set(err, -errno, "watch %s", r->dir);
	if (shim_connect(ref->dir_fd, &shim, NULL) < 0 ||
	    shim_send(&shim, "Monitor", NULL, VARLINK_MORE, NULL) < 0)
		return print_new(r, err);
	return follow_log(r, &shim, watch, err);
}

static int logs(struct ctx *ctx, const struct session_ref *ref)
{
	_cleanup_free_ char *path = NULL;
	struct log_reader reader;
	int e;

	path = find_log(ref);
	if (!path)
		return err_text(&ctx->err, -ENOENT, "\"%s\" has no log", ref->name);
	e = log_reader_open(path, &reader, &ctx->err);
	if (e < 0)
		return e;
	e = follow ? follow_session(ref, &reader, &ctx->err) : print_new(&reader, &ctx->err);
	log_reader_done(&reader);
	return e;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return session_ref_with(ctx, argv[0], logs);
}

static const struct opt opts[] = {
	{ "follow", 'f', OPT_FLAG, &follow, NULL, "go on until the process has ended", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_logs = {
	.name = "logs",
	.args = "CONTAINER-ID[/NAME]",
	.summary = "print what a kept process has written",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
