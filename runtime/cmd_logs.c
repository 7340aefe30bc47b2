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
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "runtime/cmd.h"
#include "runtime/log_choice.h"
#include "runtime/log_reader.h"
#include "runtime/log_select.h"
#include "runtime/session_ref.h"
#include "shim/wire/client.h"
#include "shim/wire/exit_record.h"

#define AFTER_EXIT_MS 2000 /* for output of children that outlive the process */

static struct {
	bool follow, timestamps, reopen;
	const char *since, *until, *tail, *stream;
} o;

struct printer {
	struct log_reader reader;
	struct log_select select;
	bool fresh[2]; /* standard output, error: at the beginning of a line */
};

/* Where the log is: the shim knows for sure; else what was recorded at creation. */
static char *find_log(const struct session_ref *ref)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	const cJSON *log;

	if (shim_call(ref->dir_fd, "State", NULL, &reply, NULL) >= 0) {
		log = json_get(reply.parameters, "log");
		if (streq(json_get_str(log, "format", ""), log_driver_name(LOG_JOURNALD)))
			return xstrdup(LOG_IN_JOURNAL);
		if (json_get_str(log, "path", NULL))
			return xstrdup(json_get_str(log, "path", NULL));
	}
	return session_ref_log(ref);
}

static int print(void *ctx, const struct log_line *line)
{
	struct printer *p = ctx;
	bool err = line->stream == STREAM_STDERR || line->lost, start;
	FILE *out = err ? stderr : stdout;
	char when[EXIT_TIME_SIZE];

	if (!log_select_take(&p->select, line, &start))
		return 0;
	if (start && !p->fresh[err])
		fputc('\n', out); /* the rest of a line was lost */
	if (start && o.timestamps) {
		exit_time_format(line->ns, when);
		fprintf(out, "%s ", when);
	}
	fwrite(line->text, 1, line->len, out);
	if (line->full)
		fputc('\n', out);
	p->fresh[err] = line->full;
	return ferror(out) ? -EPIPE : 0;
}

static int print_new(struct printer *p, struct err *err)
{
	int e = log_reader_read(&p->reader, print, p, err);

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

/* A place that is slow may still have to write what the shim has handed over. */
static bool is_pending(const struct session_ref *ref)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };

	return shim_call(ref->dir_fd, "State", NULL, &reply, NULL) >= 0 &&
	       json_get_int(json_get(reply.parameters, "log"), "pending", 0) > 0;
}

/* The output has ended: print the rest of it. */
static int print_rest(const struct session_ref *ref, struct printer *p, struct err *err)
{
	struct pollfd watch = { .fd = p->reader.watch_fd, .events = POLLIN };
	bool pending;
	int e;

	do {
		/* Asked before reading: what is written then will be read. */
		pending = is_pending(ref);
		(void)log_reader_missed(&p->reader);
		e = print_new(p, err);
	} while (e >= 0 && pending && poll(&watch, 1, AFTER_EXIT_MS) > 0);
	return e;
}

/* How long to wait for more; 0: no longer. */
static int patience(const struct printer *p, bool exited)
{
	int64_t left = -1;

	if (p->select.until_ns < INT64_MAX)
		left = (p->select.until_ns - clock_real_ns()) / 1000000 + 1;
	if (p->select.until_ns < INT64_MAX && left <= 0)
		return 0;
	if (exited && (left < 0 || left > AFTER_EXIT_MS))
		left = AFTER_EXIT_MS;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

static int follow_log(const struct session_ref *ref, struct printer *p, struct shim_client *shim,
                      struct err *err)
{
	struct pollfd fds[2] = { { .fd = shim->fd, .events = POLLIN },
		                 { .fd = p->reader.watch_fd, .events = POLLIN } };
	bool exited = false, ended = false;
	int e, n, ms;

	for (;;) {
		if (log_reader_missed(&p->reader))
			fprintf(
			    stderr,
			    "berth: the log went faster than it could be read: some is missing\n");
		ms = patience(p, exited);
		e = ended ? print_rest(ref, p, err) : print_new(p, err);
		if (e < 0 || ended || ms == 0)
			return e;
		n = poll(fds, 2, ms);
		if (n < 0 && errno != EINTR)
			return err_set(err, -errno, "wait for the log");
		/* Several events can be in the buffer already. */
		if (n == 0)
			ended = exited;
		else if (n > 0 && fds[0].revents)
			do {
				if (!next_event(shim, &exited, &ended))
					ended = true;
			} while (!ended && shim->in.len &&
			         memchr(shim->in.data, '\0', shim->in.len));
	}
}

static int follow_session(const struct session_ref *ref, struct printer *p, struct err *err)
{
	_cleanup_shim_client_ struct shim_client shim = { .fd = FD_INVALID };

	if (shim_connect(ref->dir_fd, &shim, NULL) < 0 ||
	    shim_send(&shim, "Monitor", NULL, VARLINK_MORE, NULL) < 0)
		return print_new(p, err);
	return follow_log(ref, p, &shim, err);
}

static int count(void *ctx, const struct log_line *line)
{
	struct printer *p = ctx;

	log_select_count(&p->select, line);
	return 0;
}

/* Number the lines that are there, to begin with the last --tail of them. */
static int skip_to_tail(struct printer *p, struct err *err)
{
	int e;

	if (p->select.tail == LOG_TAIL_ALL)
		return 0;
	p->reader.keep = true;
	e = log_reader_read(&p->reader, count, p, err);
	if (e >= 0)
		e = log_reader_rewind(&p->reader);
	log_select_last(&p->select);
	return e;
}

static int print_log(const struct session_ref *ref, struct printer *p, struct err *err)
{
	int e = o.follow ? log_reader_watch(&p->reader, err) : log_reader_limit(&p->reader);

	if (e >= 0)
		e = skip_to_tail(p, err);
	if (e < 0)
		return e;
	return o.follow ? follow_session(ref, p, err) : print_new(p, err);
}

static int parse_when(const char *option, const char *text, int64_t *ret_ns, struct err *err)
{
	if (!text || log_when_parse(text, clock_real_ns(), ret_ns) == 0)
		return 0;
	return err_text(
	    err, -EINVAL,
	    "option --%s: \"%s\" is none of RFC 3339, seconds since 1970, and a duration "
	    "like 10m",
	    option, text);
}

static int parse_options(struct log_select *s, struct err *err)
{
	int r;

	*s = log_select_all();
	r = parse_when("since", o.since, &s->since_ns, err);
	if (r == 0)
		r = parse_when("until", o.until, &s->until_ns, err);
	if (r < 0)
		return r;
	if (o.tail && !streq(o.tail, "all") && !streq(o.tail, "-1") &&
	    num_parse_u64(o.tail, &s->tail) < 0)
		return err_text(err, -EINVAL, "option --tail: \"%s\" is neither a number nor all",
		                o.tail);
	if (!o.stream || streq(o.stream, "all"))
		return 0;
	s->stream[0] = streq(o.stream, "stdout");
	s->stream[1] = streq(o.stream, "stderr");
	if (!s->stream[0] && !s->stream[1])
		return err_text(err, -EINVAL,
		                "option --stream: \"%s\" is none of stdout, stderr, all", o.stream);
	return 0;
}

/* For logrotate and the like: what they have renamed is written no more when this is done. */
static int reopen(struct ctx *ctx, const struct session_ref *ref)
{
	int e = shim_call(ref->dir_fd, "ReopenLog", NULL, NULL, &ctx->err);

	return e < 0 ? err_prefix(&ctx->err, "reopen the log of \"%s\"", ref->name) : 0;
}

static int logs(struct ctx *ctx, const struct session_ref *ref)
{
	_cleanup_free_ char *path = NULL;
	struct printer p = { .fresh = { true, true } };
	int e = parse_options(&p.select, &ctx->err);

	if (e < 0 || o.reopen)
		return e < 0 ? e : reopen(ctx, ref);
	path = find_log(ref);
	if (!path)
		return err_text(&ctx->err, -ENOENT, "\"%s\" has no log", ref->name);
	if (streq(path, LOG_IN_JOURNAL))
		return err_text(&ctx->err, -EOPNOTSUPP,
		                "\"%s\" logs to the journal: use journalctl SYSLOG_IDENTIFIER=%s",
		                ref->name, ref->name);
	e = log_reader_open(path, &p.reader, &ctx->err);
	if (e < 0)
		return e;
	e = print_log(ref, &p, &ctx->err);
	log_reader_done(&p.reader);
	if (e >= 0)
		session_ref_warn_lost(ref);
	return e;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return session_ref_with(ctx, argv[0], logs);
}

static const struct opt opts[] = {
	{ "follow", 'f', OPT_FLAG, &o.follow, NULL, "go on until the process has ended", false },
	{ "since", 0, OPT_STRING, &o.since, "TIME",
	  "from then on: RFC 3339, seconds since 1970, or 10m for ten minutes ago", false },
	{ "until", 0, OPT_STRING, &o.until, "TIME", "up to then; with --follow: and end then",
	  false },
	{ "tail", 'n', OPT_STRING, &o.tail, "N", "of that, the last N lines (default: all)",
	  false },
	{ "timestamps", 't', OPT_FLAG, &o.timestamps, NULL, "begin each line with its time",
	  false },
	{ "stream", 0, OPT_STRING, &o.stream, "stdout|stderr|all", "only this stream", false },
	{ "reopen", 0, OPT_FLAG, &o.reopen, NULL,
	  "print nothing: have the log's file, which was renamed, made anew", false },
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
