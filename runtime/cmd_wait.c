/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth wait: print how processes have ended, in the order of the command line, each when it and
 * all before it have. Everybody is found first, then waited for at once (waiter.h): so one that
 * ends, and is deleted, meanwhile is not missed. What nobody can tell is "unknown", never 0.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/cmd.h"
#include "runtime/waiter.h"

#define TIMED_OUT 124 /* as of timeout(1) */

static const char *format = "text";
static bool any;
static int64_t timeout_ms = -1;

struct wait {
	struct waiter *w;
	int n, printed, unknown;
	int64_t deadline; /* -1: none */
};

static void print_json(const struct waiter *w)
{
	_cleanup_buf_ struct buf b = BUF_INIT(65536);
	const struct exit_record *rec = &w->rec;

	buf_puts(&b, "{\"id\":");
	json_str(&b, w->ref.name);
	buf_printf(&b, ",\"exited\":%s,\"known\":%s", w->state == WAITER_DONE ? "true" : "false",
	           rec->known ? "true" : "false");
	if (rec->known)
		buf_printf(&b, ",\"code\":%d,\"signal\":%d,\"core\":%s", rec->code, rec->signal,
		           rec->core ? "true" : "false");
	if (w->state == WAITER_DONE)
		buf_printf(&b, ",\"oom\":%s", rec->oom ? "true" : "false");
	if (*w->started_at)
		buf_printf(&b, ",\"started_at\":\"%s\"", w->started_at);
	if (*w->exited_at)
		buf_printf(&b, ",\"exited_at\":\"%s\"", w->exited_at);
	printf("%s}\n", b.data);
}

static void print(struct wait *wait, const struct waiter *w)
{
	if (streq(format, "json")) {
		print_json(w);
	} else {
		if (any)
			printf("%s ", w->ref.name);
		if (w->state != WAITER_DONE)
			puts("running");
		else if (w->rec.known)
			printf("%d\n", w->rec.code);
		else
			puts("unknown");
	}
	if (w->state == WAITER_DONE && !w->rec.known)
		wait->unknown = (int)(w - wait->w) + 1;
	fflush(stdout);
}

/* Print what is due. true: that was all. */
static bool report(struct wait *wait)
{
	for (int i = 0; any && i < wait->n; i++) {
		if (wait->w[i].state != WAITER_DONE)
			continue;
		print(wait, &wait->w[i]);
		return true;
	}
	while (!any && wait->printed < wait->n && wait->w[wait->printed].state == WAITER_DONE)
		print(wait, &wait->w[wait->printed++]);
	return wait->printed == wait->n;
}

/* Until something may have happened. 0: the deadline is over. */
static int sleep_until(const struct wait *wait, struct pollfd *p)
{
	int64_t until = wait->deadline, now = clock_ms(), left = -1;
	int r;

	if (until >= 0 && now >= until)
		return 0;
	for (int i = 0; i < wait->n; i++) {
		int64_t due;

		p[i] = (struct pollfd){ .fd = waiter_fd(&wait->w[i], &due), .events = POLLIN };
		if (due >= 0 && (until < 0 || due < until))
			until = due;
	}
	if (until >= 0)
		left = until > now ? until - now : 0;
	r = poll(p, (nfds_t)wait->n, left > INT32_MAX ? INT32_MAX : (int)left);
	return r < 0 && errno != EINTR ? -errno : 1;
}

static int verdict(struct ctx *ctx, const struct wait *wait)
{
	if (!wait->unknown)
		return 0;
	return err_text(&ctx->err, -ENODATA,
	                "the exit status of \"%s\" is unknown: it was collected by its parent, and "
	                "nothing recorded it",
	                wait->w[wait->unknown - 1].ref.name);
}

static int time_out(struct ctx *ctx, struct wait *wait)
{
	int running = 0;

	for (int i = 0; i < wait->n; i++) {
		waiter_last_look(&wait->w[i]);
		running += wait->w[i].state != WAITER_DONE;
	}
	if (report(wait))
		return verdict(ctx, wait);
	for (int i = wait->printed; !any && i < wait->n; i++)
		print(wait, &wait->w[i]);
	err_text(&ctx->err, -ETIMEDOUT, "timed out: %d of %d still run", running, wait->n);
	ctx->err.exit_status = TIMED_OUT;
	return -ETIMEDOUT;
}

static int wait_all(struct ctx *ctx, struct wait *wait)
{
	_cleanup_free_ struct pollfd *p = xcalloc((size_t)wait->n, sizeof(*p));
	int r = 1;

	while (!report(wait) && r > 0) {
		r = sleep_until(wait, p);
		for (int i = 0; i < wait->n && r > 0; i++)
			waiter_turn(&wait->w[i]);
	}
	if (r < 0)
		return err_set(&ctx->err, r, "wait");
	return r == 0 ? time_out(ctx, wait) : verdict(ctx, wait);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct wait wait = { .w = xcalloc((size_t)argc, sizeof(*wait.w)), .deadline = -1 };
	struct ctr_root root = { .fd = FD_INVALID };
	int r;

	if (!streq(format, "text") && !streq(format, "json")) {
		free(wait.w);
		return err_text(&ctx->err, -EINVAL,
		                "invalid format option \"%s\": use text or json", format);
	}
	if (timeout_ms >= 0)
		wait.deadline = clock_ms() + timeout_ms;
	fd_raise_limit(); /* each process takes three */
	r = ctx_root_of(ctx, argv[0], &root);
	while (wait.n < argc && r >= 0) {
		struct waiter *w = &wait.w[wait.n];

		r = session_ref_open(ctx, &root, argv[wait.n], &w->ref);
		if (r < 0)
			break;
		waiter_begin(w);
		wait.n++;
		if (w->state == WAITER_PROCESS)
			session_ref_warn_lost(&w->ref);
	}
	if (r >= 0)
		r = wait_all(ctx, &wait);
	for (int i = 0; i < wait.n; i++)
		waiter_done(&wait.w[i]);
	free(wait.w);
	ctr_root_done(&root);
	return r;
}

static const struct opt opts[] = {
	{ "any", 0, OPT_FLAG, &any, NULL,
	  "return when one has ended, and print its name before its status", false },
	{ "timeout", 0, OPT_DURATION, &timeout_ms, "DURATION",
	  "give up after this time, with status 124; 0 only looks", false },
	{ "format", 'f', OPT_STRING, &format, "text|json",
	  "exit statuses, or an object a line with all that is known (default: text)", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_wait = {
	.name = "wait",
	.args = "CONTAINER-ID[/NAME]...",
	.summary = "wait for the end of processes and print their exit statuses",
	.opts = opts,
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
