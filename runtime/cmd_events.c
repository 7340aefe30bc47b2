/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth events: what a container uses, once or again and again, and when it runs out of memory. One
 * JSON object a line: type, id, data.
 *
 * The stream ends by itself when the container's last process has: the cgroup is looked at, since
 * init may leave others behind. A container without a cgroup of its own has no statistics: callers
 * that poll all containers get zeros, and a warning says so.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "berth/log.h"
#include "cgroup/stats.h"
#include "runtime/cmd.h"

#define EVENT_MAX (4u << 20)
#define LINGER_MS 100 /* between looks at a cgroup whose init has gone */

static bool once;
static int64_t interval = 5000;

static bool has_cgroup(const struct ctr *ctr)
{
	return ctr->cgroup && ctr->cgroup->usable;
}

static int print(struct ctx *ctx, const struct buf *b)
{
	if (puts(b->data) < 0 || fflush(stdout) != 0)
		return err_set(&ctx->err, -EIO, "write to stdout");
	return 0;
}

static int print_stats(struct ctx *ctx, const struct ctr *ctr)
{
	_cleanup_buf_ struct buf b = BUF_INIT(EVENT_MAX);
	struct cg_stats stats = { 0 };
	int r = has_cgroup(ctr) ? cg_stats_read(ctr->cgroup, &stats, &ctx->err) : 0;

	if (r < 0)
		return r;
	buf_puts(&b, "{\"type\":\"stats\",\"id\":");
	json_str(&b, ctr->id);
	buf_puts(&b, ",\"data\":");
	cg_stats_json(&stats, &b);
	r = buf_puts(&b, "}");
	cg_stats_done(&stats);
	return r < 0 ? err_set(&ctx->err, r, "statistics") : print(ctx, &b);
}

static int print_oom(struct ctx *ctx, const struct ctr *ctr, uint64_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT(EVENT_MAX);
	int r = 0;

	buf_puts(&b, "{\"type\":\"oom\",\"id\":");
	json_str(&b, ctr->id);
	buf_puts(&b, "}");
	while (r == 0 && n-- > 0)
		r = print(ctx, &b);
	return r;
}

static int stream(struct ctx *ctx, const struct ctr *ctr, int pidfd)
{
	struct cg_oom_watch watch;
	int64_t next = clock_ms() + interval;
	bool ended = false;
	int r = 0;

	/* Without a memory controller there are statistics, and no such news. */
	if (!has_cgroup(ctr) || cg_oom_watch_open(ctr->cgroup, &watch, NULL) < 0)
		watch = (struct cg_oom_watch){ .fd = FD_INVALID };
	while (r == 0 && !(ended && !(has_cgroup(ctr) && cg_is_populated(ctr->cgroup)))) {
		struct pollfd p[2] = { { .fd = watch.fd, .events = watch.events },
			               { .fd = ended ? -1 : pidfd, .events = POLLIN } };
		int64_t left = next - clock_ms();

		if (ended && left > LINGER_MS)
			left = LINGER_MS;
		if (poll(p, 2, left < 0 ? 0 : (int)left) < 0 && errno != EINTR) {
			r = err_set(&ctx->err, -errno, "wait for events");
			break;
		}
		ended = ended || p[1].revents;
		/* Also at the end: init may have ended of it. */
		if (watch.fd >= 0 && (p[0].revents || ended))
			r = print_oom(ctx, ctr, cg_oom_watch_take(&watch));
		if (r == 0 && !ended && clock_ms() >= next) {
			r = print_stats(ctx, ctr);
			next = clock_ms() + interval;
		}
	}
	cg_oom_watch_close(&watch);
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	_cleanup_close_ int pidfd = FD_INVALID;
	int r;

	(void)argc;
	if (interval <= 0)
		return err_text(&ctx->err, -EINVAL, "duration interval must be greater than 0");
	if (interval > INT32_MAX)
		interval = INT32_MAX;
	r = ctx_open(ctx, argv[0], false, &ctr);
	if (r < 0)
		return r;
	pidfd = ctr_status(ctr) == CTR_STOPPED ? -ESRCH : ctr_init_pidfd(ctr);
	if (pidfd < 0)
		return err_text(&ctx->err, -ESRCH, "container with id %s is not running", ctr->id);
	if (once)
		r = print_stats(ctx, ctr);
	/* After the first line: some callers read both outputs as one. */
	if (r == 0 && !has_cgroup(ctr))
		log_warn("container \"%s\" runs without a cgroup of its own: all statistics are 0",
		         ctr->id);
	return once ? r : stream(ctx, ctr, pidfd);
}

static const struct opt opts[] = {
	{ "interval", 0, OPT_DURATION, &interval, "DURATION",
	  "time between statistics (default: 5s)", false },
	{ "stats", 0, OPT_FLAG, &once, NULL, "print the statistics once and exit", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_events = {
	.name = "events",
	.args = "CONTAINER-ID",
	.summary = "print statistics and out-of-memory events of a container",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
