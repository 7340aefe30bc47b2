/* SPDX-License-Identifier: Apache-2.0 */
/* berth run: create and start, then leave (--detach), attach as the shim's first client (terminal),
 * or wait. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "berth/log.h"
#include "runtime/attach.h"
#include "runtime/detach_keys.h"
#include "runtime/foreground.h"
#include "runtime/interrupt.h"
#include "runtime/launch.h"
#include "runtime/notify.h"
#include "shim/wire/exit_record.h"

static struct run_opts o;
static bool no_subreaper;

/* The container has ended in front of us: nothing of it stays, unless asked for. */
static int finish(struct ctx *ctx, const struct run_opts *opts, struct launch *l, int code)
{
	int r;

	if (opts->keep)
		return code;
	if (l->with_shim && shims_shutdown(l->ctr) == -ENOENT)
		return code;
	r = ctr_delete(l->ctr, true, &ctx->err);
	return r < 0 ? r : code;
}

static void remove_stopped(const struct ctr_root *root, const char *id)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;

	if (ctr_open(root, id, true, &ctr, NULL) < 0)
		return;
	if (shims_shutdown(ctr) != -ENOENT)
		(void)ctr_delete(ctr, true, NULL);
}

/* The terminal can't wait for READY=1, which may never come: somebody else waits. */
static void notify_aside(const struct launch *l)
{
	_cleanup_close_ int pidfd = l->notify < 0 ? FD_INVALID : ctr_init_pidfd(l->ctr);

	if (pidfd < 0 || fork() != 0)
		return;
	proc_reset_signals();
	fd_close(l->ctr->dir_fd); /* the lock, should it be taken again */
	notify_wait(l->notify, l->ctr->init.pid, pidfd);
	_exit(0);
}

static int run_with_shim(struct ctx *ctx, const struct run_opts *opts, struct launch *l)
{
	struct attach_opts a = {
		.session_fd = l->ctr->dir_fd,
		.name = l->ctr->id,
		.detach_keys = opts->detach_keys,
		.terminal = l->spec->process.terminal,
		.fresh = !opts->launch.restore,
		.sig_proxy = opts->launch.sig_proxy,
	};
	struct attach_result result = { 0 };
	int r = launch_start(ctx, l);

	if (r < 0)
		return r;
	/* While we attach, others may stop and inspect the container. */
	ctr_unlock(l->ctr);
	notify_aside(l);
	r = attach_run(&a, &result, &ctx->err);
	if (r < 0)
		return r;
	if (result.detached) {
		fprintf(stderr, "detached: the container runs on; \"berth attach %s\" comes back\n",
		        l->ctr->id);
		return attach_status(&a, &result, &ctx->err);
	}
	if (ctr_lock(l->ctr, NULL) < 0)
		return result.code; /* somebody else has deleted it */
	return finish(ctx, opts, l, result.code);
}

static int run_here(struct ctx *ctx, const struct run_opts *opts, struct launch *l)
{
	struct exit_record record;
	int64_t started_ns;
	int status, r = exit_record_reserve_at(l->ctr->dir_fd);

	if (r < 0) {
		launch_destroy(l);
		return err_set(&ctx->err, r, "reserve the exit record");
	}
	r = launch_start(ctx, l);
	if (r < 0)
		return r;
	started_ns = clock_real_ns();
	ctr_unlock(l->ctr);
	status =
	    foreground_wait_notify(l->ctr->init.pid, l->pidfd, l->master, l->notify, &ctx->err);
	if (status < 0)
		return status;
	record = exit_record_from_status(status, clock_real_ns());
	record.started_ns = started_ns;
	(void)exit_record_write_at(l->ctr->dir_fd, &record);
	if (ctr_lock(l->ctr, NULL) < 0)
		return proc_exit_code(status);
	return finish(ctx, opts, l, proc_exit_code(status));
}

/*
 * --rm of a detached container: a child that waits for the end and deletes. It stays in the
 * caller's cgroup, so a service manager may end it; the container is then deleted by hand like any
 * other.
 */
static void leave_remover(struct launch *l)
{
	_cleanup_close_ int pidfd = ctr_init_pidfd(l->ctr);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int null;

	(void)fflush(stdout);
	if (fork() != 0)
		return;
	(void)setsid();
	proc_reset_signals();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++)
		(void)dup2(null, i);
	log_setup(-1, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	/* A copy of the lock's description would keep the lock: it is opened again when it is
	 * needed. */
	fd_reset(&l->ctr->dir_fd);
	while (pidfd >= 0 && poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	remove_stopped(&l->root, l->ctr->id);
	_exit(0);
}

static void await_ready(struct launch *l)
{
	_cleanup_close_ int pidfd = l->notify < 0 ? FD_INVALID : ctr_init_pidfd(l->ctr);

	if (l->notify < 0)
		return;
	ctr_unlock(l->ctr);
	notify_wait(l->notify, l->ctr->init.pid, pidfd);
}

/* Nobody expects a detached container to end with a log-out; its caller may do something about it. */
static void warn_of_logout(const char *id)
{
	if (ctr_ends_with_login(geteuid()))
		log_warn(
		    "container \"%s\" ends when you log out; \"loginctl enable-linger\" keeps it",
		    id);
}

int launch_run(struct ctx *ctx, const struct run_opts *opts, const char *id)
{
	bool detach = opts->launch.detach;
	struct launch l;
	int r;

	if (opts->rm && opts->keep)
		return err_text(&ctx->err, -EINVAL, "--rm and --keep exclude each other");
	if (!detach)
		foreground_prepare();
	/* Until the container is there, a signal is for us: there is nobody to forward it to. */
	interrupt_block();
	r = launch_create(ctx, &opts->launch, id, !detach, &l);
	if (r == 0)
		r = launch_write_pid_file(ctx, &l);
	if (r == 0 && detach) {
		r = launch_start(ctx, &l);
		if (r == 0)
			warn_of_logout(id);
		if (r == 0 && opts->rm)
			leave_remover(&l);
		if (r == 0)
			await_ready(&l);
	} else if (r == 0) {
		r = l.with_shim ? run_with_shim(ctx, opts, &l) : run_here(ctx, opts, &l);
	}
	launch_done(&l);
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	return launch_run(ctx, &o, argv[0]);
}

static const struct opt opts[] = {
	LAUNCH_OPTIONS(o.launch),
	{ "detach", 'd', OPT_FLAG, &o.launch.detach, NULL, "leave the container running and return",
	  false },
	{ "keep", 0, OPT_FLAG, &o.keep, NULL, "do not delete the container when it has ended",
	  false },
	{ "rm", 0, OPT_FLAG, &o.rm, NULL,
	  "delete the container when it has ended (in the foreground that is the default)", false },
	{ "detach-keys", 0, OPT_STRING, &o.detach_keys, "KEYS",
	  "keys that leave the container running (default: " DETACH_KEYS_DEFAULT ")", false },
	SIG_PROXY_OPTION(o.launch.sig_proxy),
	{ "no-subreaper", 0, OPT_FLAG, &no_subreaper, NULL,
	  "accepted; berth never becomes a subreaper", true },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_run = {
	.name = "run",
	.args = "CONTAINER-ID",
	.summary = "create and start a container",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
