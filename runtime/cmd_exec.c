/* SPDX-License-Identifier: Apache-2.0 */
/* berth exec: one more process in a container, in front of us or kept by a shim of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/num.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "runtime/attach.h"
#include "runtime/detach_keys.h"
#include "runtime/foreground.h"
#include "runtime/input.h"
#include "runtime/interrupt.h"
#include "runtime/kept.h"
#include "runtime/launch.h"
#include "runtime/self.h"
#include "runtime/shim_mode.h"
#include "tables/caps.h"

#define LOCK_MS 60000 /* how long other execs may go before */

static struct launch_opts o;
static struct {
	const char *process, *apparmor, *process_label, *cwd, *user, *name, *detach_keys, *ttl;
	char **env, **caps, **gids, **cgroups;
	bool tty, no_new_privs, ignore_paused, print_name;
} x;

struct exec {
	struct ctr_root root;
	struct ctr *ctr;
	struct spec *spec; /* of the bundle, now */
	struct spec_process process;
	bool with_shim;
	int64_t ttl_ms;
	enum stdio_mode stdio;
	enum shim_stdin_mode stdin_mode;
	int console_socket, pidfd_socket, shim_exe_fd, session_fd, preserve_fds;
	struct log_choice log;
	struct exit_command exit_command; /* argv NULL: none */
	char *name, *session_path, *link, *log_path, *pid_file;
};

/* --- the process --- */

/* What a process document leaves open is as for the container's init. An empty object of
 * capabilities is not open: it means none. */
static void inherit(struct spec_process *p, const struct spec_process *init)
{
	if (!p->caps.present)
		p->caps = init->caps;
	if (!p->oom_score_adj.set)
		p->oom_score_adj = init->oom_score_adj;
}

static int process_from_file(struct ctx *ctx, struct exec *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = input_read(x.process, false, &text, &len, &ctx->err);

	if (r < 0)
		return err_prefix(&ctx->err, "option --process");
	r = spec_load_process(text, len, &e->process, &ctx->err);
	if (r == 0 && ctx->strict)
		r = spec_strict_process(text, len, &ctx->err);
	if (r == 0)
		inherit(&e->process, &e->spec->process);
	return r;
}

static int add_caps(struct ctx *ctx, struct spec_caps *caps)
{
	uint64_t mask = 0;
	int64_t value;

	for (char **c = x.caps; c && *c; c++) {
		if (names_value(caps_table, *c, &value) < 0)
			return err_text(&ctx->err, -EINVAL,
			                "option --cap: unknown capability \"%s\"", *c);
		mask |= (uint64_t)1 << value;
	}
	if (!mask)
		return 0;
	/* Never inheritable: a file with inheritable capabilities must gain nothing from an exec.
	 */
	caps->present = true;
	caps->bounding |= mask;
	caps->effective |= mask;
	caps->permitted |= mask;
	if (caps->inheritable)
		caps->ambient |= mask & caps->inheritable;
	return 0;
}

static int set_groups(struct ctx *ctx, struct spec_user *user)
{
	size_t n = strv_len(x.gids);
	uint32_t gid;

	for (size_t i = 0; i < n; i++) {
		if (num_parse_u32(x.gids[i], &gid) < 0 || gid == UINT32_MAX)
			return err_text(&ctx->err, -EINVAL,
			                "option --additional-gids: invalid gid \"%s\"", x.gids[i]);
		user->additional_gids = xreallocarray(user->additional_gids,
		                                      user->n_additional_gids + 1, sizeof(gid_t));
		user->additional_gids[user->n_additional_gids++] = gid;
	}
	return 0;
}

/* Without --process: what the bundle's config.json says now, changed by the options. */
static int process_from_options(struct ctx *ctx, struct exec *e, char **argv)
{
	struct spec_process *p = &e->process;
	int r = spec_process_copy(&e->spec->process, p);

	if (r < 0)
		return err_set(&ctx->err, r, "copy the process");
	strv_free(p->args);
	p->args = strv_dup(argv);
	p->terminal = x.tty;
	if (x.cwd) {
		free(p->cwd);
		p->cwd = xstrdup(x.cwd);
	}
	for (char **env = x.env; env && *env; env++) {
		_cleanup_free_ char *name = xstrdup(*env);
		char *value = strchr(name, '=');

		if (!value || value == name)
			return err_text(&ctx->err, -EINVAL,
			                "option --env: \"%s\" is not NAME=VALUE", *env);
		*value++ = '\0';
		env_set(&p->env, name, value);
	}
	if (x.user && num_parse_user(x.user, &p->user.uid, &p->user.gid) < 0)
		return err_text(&ctx->err, -EINVAL,
		                "option --user: \"%s\" is not UID[:GID] with numbers", x.user);
	if (x.no_new_privs)
		p->no_new_privileges = true;
	spec_process_set_labels(p, x.apparmor, x.process_label);
	r = add_caps(ctx, &p->caps);
	if (r == 0)
		r = set_groups(ctx, &p->user);
	return r;
}

static int make_process_object(struct ctx *ctx, struct exec *e, char **argv)
{
	int r = spec_load_bundle(e->ctr->bundle, NULL, &e->spec, &ctx->err);

	if (r < 0) {
		/* The bundle may be gone; the container keeps a copy. */
		err_clear(&ctx->err);
		r = ctr_load_spec(e->ctr, &e->spec, &ctx->err);
	}
	if (r < 0)
		return r;
	r = x.process ? process_from_file(ctx, e) : process_from_options(ctx, e, argv);
	return r < 0 ? r : spec_process_check(&e->process, &ctx->err);
}

/* --- the ways to run it --- */

/* Whoever asked for a pidfd and can't be given it gets no process either. */
static int hand_over(const struct exec *e, pid_t pid, int pidfd, struct err *err)
{
	int r = launch_send_pidfd(e->pidfd_socket, "setns", pidfd, err);

	if (r < 0) {
		(void)proc_pidfd_signal(pidfd, SIGKILL);
		(void)proc_waitpid(pid, NULL);
	}
	return r;
}

static int make_exec(struct keeper_job *job, const struct ctr_process_io *io,
                     const struct ctr_identity *shim, pid_t *ret_pid, int *ret_pidfd,
                     struct err *err)
{
	struct exec *e = job->arg;
	struct ctr_exec_opts opts = {
		.process = &e->process,
		.io = *io,
		.ignore_paused = x.ignore_paused,
		.cgroups = x.cgroups,
		.keep_fd = job->report_fd,
	};
	struct ctr_session record = {
		.shim = *shim,
		.link = job->shim_link,
		.log_path = e->stdio == STDIO_KEEP ? e->log_path : NULL,
		.args = e->process.args,
		.terminal = e->process.terminal,
		.ttl_ms = e->ttl_ms,
	};
	int r = ctr_session_record(job->session_fd, &record, err);

	if (r == 0)
		r = ctr_exec(e->ctr, &opts, ret_pid, ret_pidfd, err);
	if (r == 0)
		r = hand_over(e, *ret_pid, *ret_pidfd, err);
	if (r < 0)
		return r;
	(void)ctr_identity_of(*ret_pid, *ret_pidfd, &record.process);
	job->started_ns = record.started_ns = clock_real_ns();
	return ctr_session_record(job->session_fd, &record, err);
}

static int exec_with_shim(struct ctx *ctx, struct exec *e, pid_t *ret_pid)
{
	struct keeper_job job = {
		.id = e->ctr->id,
		.process = &e->process,
		.stdio = e->stdio,
		.stdin_mode = e->stdin_mode,
		.preserve_fds = e->preserve_fds,
		.console_socket = e->console_socket,
		.shim_exe_fd = e->shim_exe_fd,
		.cgroup = e->ctr->cgroup,
		.started = true,
		.linger_ms = kept_linger_ms(e->ttl_ms),
		.make = make_exec,
		.arg = e,
	};
	pid_t keeper;
	int r = 0;

	/* Beside the container's shim: that cgroup is in the record, and delete takes it. */
	if (!launch_stays_with_caller(o.shim_cgroup)) {
		r = launch_place_exec_shim(ctx, e->ctr, &ctx->err);
		job.shim_cgroup = e->ctr->shim_cgroup;
	}
	if (r < 0)
		return r;
	/* Whoever makes records takes away the ones that are due: so they do not pile up. */
	(void)kept_collect(e->ctr, false, NULL);
	e->name = x.name ? xstrdup(x.name) : ctr_session_name(e->ctr, &ctx->err);
	if (!e->name)
		return ctx->err.code;
	r = ctr_session_make(e->ctr, e->name, &e->session_fd, &e->session_path, &e->link,
	                     &ctx->err);
	if (r < 0)
		return r;
	e->log_path = log_choice_path(&o.log, &e->log, e->session_path);
	job.name = e->name;
	job.session_path = e->session_path;
	job.session_fd = e->session_fd;
	job.shim_link = e->link;
	job.log_path = e->log_path;
	job.log = e->log;
	job.root_path = e->root.path;
	job.exit_command = &e->exit_command;
	r = keeper_run(&job, ret_pid, &keeper, &ctx->err);
	if (r < 0)
		ctr_session_remove(e->ctr, e->name);
	return r;
}

static int attach_to(struct ctx *ctx, struct exec *e)
{
	_cleanup_free_ char *ref = xasprintf("%s/%s", e->ctr->id, e->name);
	struct attach_opts a = {
		.session_fd = e->session_fd,
		.name = ref,
		.detach_keys = x.detach_keys,
		.terminal = e->process.terminal,
		.fresh = true,
		.sig_proxy = o.sig_proxy,
	};
	struct attach_result result = { 0 };
	int r = attach_run(&a, &result, &ctx->err);

	if (r < 0)
		return r;
	if (result.detached) {
		fprintf(stderr, "detached: the process runs on; \"berth attach %s\" comes back\n",
		        ref);
		return attach_status(&a, &result, &ctx->err);
	}
	shim_shutdown(e->session_fd);
	ctr_session_remove(e->ctr, e->name);
	return result.code;
}

static int exec_here(struct ctx *ctx, struct exec *e, pid_t *ret_pid, int *ret_pidfd,
                     int *ret_master)
{
	struct ctr_exec_opts opts = {
		.process = &e->process,
		.io = { .stdio = { 0, 1, 2 },
		        .preserve_fds = e->preserve_fds,
		        .console_socket = e->console_socket,
		        .ret_master = ret_master },
		.ignore_paused = x.ignore_paused,
		.cgroups = x.cgroups,
		.keep_fd = FD_INVALID,
	};
	int r;

	if (e->stdio == STDIO_NULL)
		for (int i = 0; i < 3; i++)
			opts.io.stdio[i] = FD_INVALID;
	r = ctr_exec(e->ctr, &opts, ret_pid, ret_pidfd, &ctx->err);
	return r < 0 ? r : hand_over(e, *ret_pid, *ret_pidfd, &ctx->err);
}

/*
 * Other runtimes print nothing, and their callers may take what exec -d prints for the output of
 * the process: so a name that nobody chose is told to people, and to callers that ask.
 */
static void tell_name(const struct exec *e)
{
	bool people = e->with_shim && e->stdio == STDIO_KEEP && !x.name && isatty(STDOUT_FILENO);

	if (x.print_name || people)
		printf("%s/%s\n", e->ctr->id, e->name);
}

static int go(struct ctx *ctx, struct exec *e)
{
	_cleanup_close_ int pidfd = FD_INVALID, master = FD_INVALID;
	pid_t pid = 0;
	int r =
	    e->with_shim ? exec_with_shim(ctx, e, &pid) : exec_here(ctx, e, &pid, &pidfd, &master);

	ctr_unlock(e->ctr);
	if (r == 0 && e->pid_file)
		r = pid_file_write(e->pid_file, pid, &ctx->err);
	if (r == 0 && o.detach)
		tell_name(e);
	if (r < 0 || o.detach)
		return r;
	if (e->with_shim)
		return attach_to(ctx, e);
	r = foreground_wait(pid, pidfd, master, &ctx->err);
	return r < 0 ? r : proc_exit_code(r);
}

static int parse_ttl(struct ctx *ctx, struct exec *e)
{
	e->ttl_ms = KEPT_TTL_MS;
	if (!x.ttl)
		return 0;
	if (streq(x.ttl, "container")) {
		e->ttl_ms = CTR_SESSION_FOR_LIFE;
		return 0;
	}
	if (num_parse_duration_ms(x.ttl, &e->ttl_ms) < 0 || e->ttl_ms < 0)
		return err_text(&ctx->err, -EINVAL,
		                "option --ttl: \"%s\" is neither a duration nor \"container\"",
		                x.ttl);
	return 0;
}

/* What is about a record, where there is none. */
static int check_kept(struct ctx *ctx, const struct exec *e)
{
	const char *option = x.print_name ? "print-name" : x.ttl ? "ttl" : NULL;

	if (x.print_name && !o.detach)
		return err_text(&ctx->err, -EINVAL, "option --print-name needs --detach");
	if (option && !e->with_shim)
		return err_text(&ctx->err, -EINVAL,
		                "option --%s is for kept processes: it needs a shim "
		                "(--shim=always)",
		                option);
	return 0;
}

static int decide(struct ctx *ctx, struct exec *e)
{
	struct shim_question q = {
		.option = o.shim,
		.foreground = !o.detach,
		.terminal_here = e->process.terminal && !o.console_socket,
		.pid_file = o.pid_file != NULL,
	};
	int r;

	shim_ask(&q);
	r = shim_decide(&q, &ctx->err);
	if (r < 0)
		return r;
	e->with_shim = r > 0;
	r = check_kept(ctx, e);
	if (r == 0)
		r = parse_ttl(ctx, e);
	if (r < 0)
		return r;
	if (e->process.terminal && o.detach && !o.console_socket && !e->with_shim)
		return err_text(&ctx->err, -EINVAL,
		                "cannot allocate tty if berth will detach without setting console "
		                "socket (or --shim=always)");
	if (o.console_socket && (!o.detach || !e->process.terminal))
		return err_text(
		    &ctx->err, -EINVAL,
		    "cannot use console socket if berth will not detach or allocate tty");
	if (o.shim_cgroup && !streq(o.shim_cgroup, "auto") &&
	    !launch_stays_with_caller(o.shim_cgroup))
		return err_text(&ctx->err, -EINVAL,
		                "option --shim-cgroup: \"%s\" is neither auto nor caller",
		                o.shim_cgroup);
	r = launch_parse_stdio(o.stdio, e->with_shim, &e->stdio, &ctx->err);
	if (r == 0)
		r = launch_parse_stdin(o.stdin_mode, e->stdio, !o.detach && !e->process.terminal,
		                       &e->stdin_mode, &ctx->err);
	if (r == 0)
		r = launch_check_sig_proxy(o.sig_proxy, e->with_shim, &ctx->err);
	if (r == 0)
		r = log_choice_parse(&o.log, &e->log, &ctx->err);
	if (r == 0)
		r = exit_option_parse(&o.exit_command, e->with_shim, &e->exit_command, &ctx->err);
	if (r == 0 && o.console_socket)
		r = launch_connect_console(o.console_socket, &e->console_socket, &ctx->err);
	if (r == 0)
		r = launch_connect_pidfd(o.pidfd_socket, &e->pidfd_socket, &ctx->err);
	if (r == 0 && e->with_shim) {
		e->shim_exe_fd = keeper_open_shim(&ctx->err);
		r = e->shim_exe_fd < 0 ? e->shim_exe_fd : 0;
	}
	return r;
}

/* Many may be started at once, one after the other: their turn comes. */
static int open_locked(struct ctx *ctx, struct exec *e, const char *id)
{
	int64_t deadline = clock_ms() + LOCK_MS;
	int r;

	do {
		err_clear(&ctx->err);
		r = ctr_open(&e->root, id, true, &e->ctr, &ctx->err);
	} while (r == -EBUSY && clock_ms() < deadline);
	return r;
}

static int prepare(struct ctx *ctx, struct exec *e, int argc, char **argv)
{
	int r;

	r = launch_preserved(o.preserve_fds, &e->preserve_fds, &ctx->err);
	if (r < 0)
		return r;
	if (argc < 2 && !x.process)
		return err_text(&ctx->err, -EINVAL, "exec args cannot be empty");
	if (o.pid_file && o.pid_file[0] != '/') {
		_cleanup_free_ char *cwd = getcwd(NULL, 0);

		e->pid_file = path_join(cwd ? cwd : "/", o.pid_file);
	} else {
		e->pid_file = xstrdup(o.pid_file);
	}
	r = ctx_root_of(ctx, argv[0], &e->root);
	if (r == 0)
		r = open_locked(ctx, e, argv[0]);
	if (r == 0 && ctr_status(e->ctr) == CTR_STOPPED)
		r = err_text(&ctx->err, -EINVAL, "cannot exec in a stopped container");
	if (r == 0)
		r = make_process_object(ctx, e, argv + 1);
	if (r == 0)
		launch_tell_listen_fds(&e->process.env);
	if (r == 0 && !o.detach)
		launch_adopt_size(&e->process);
	if (r == 0)
		r = self_protect(ctx, e->spec, &e->process, e->preserve_fds, &ctx->err);
	return r == 0 ? decide(ctx, e) : r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct exec e = { .root.fd = FD_INVALID,
		          .console_socket = FD_INVALID,
		          .pidfd_socket = FD_INVALID,
		          .shim_exe_fd = FD_INVALID,
		          .session_fd = FD_INVALID };
	int r;

	if (o.detach)
		interrupt_block();
	else
		foreground_prepare();
	r = prepare(ctx, &e, argc, argv);
	if (r == 0)
		r = go(ctx, &e);
	if (r < 0 && ctx->err.exit_status == 0)
		ctx->err.exit_status = 255;
	spec_process_done(&e.process);
	spec_free(e.spec);
	ctr_close(e.ctr);
	ctr_root_done(&e.root);
	fd_close(e.console_socket);
	fd_close(e.pidfd_socket);
	fd_close(e.shim_exe_fd);
	fd_close(e.session_fd);
	exit_option_done(&e.exit_command);
	free(e.name);
	free(e.session_path);
	free(e.link);
	free(e.log_path);
	free(e.pid_file);
	return r;
}

static const struct opt opts[] = {
	{ "process", 'p', OPT_STRING, &x.process, "FILE", "the whole process as JSON", false },
	{ "detach", 'd', OPT_FLAG, &o.detach, NULL, "leave the process running and return", false },
	{ "tty", 't', OPT_FLAG, &x.tty, NULL, "with a terminal", false },
	{ "name", 0, OPT_STRING, &x.name, "NAME", "name of a kept process: CONTAINER-ID/NAME",
	  false },
	{ "print-name", 0, OPT_FLAG, &x.print_name, NULL,
	  "with -d: print CONTAINER-ID/NAME (default: at a terminal, when it was not given)",
	  false },
	{ "ttl", 0, OPT_STRING, &x.ttl, "DURATION|container",
	  "how long the exit status and log stay after its end (default: 1h)", false },
	{ "cwd", 0, OPT_STRING, &x.cwd, "DIR", "working directory", false },
	{ "env", 'e', OPT_LIST, &x.env, "NAME=VALUE",
	  "set an environment variable; may be repeated", false },
	{ "user", 'u', OPT_STRING, &x.user, "UID[:GID]", "user and group", false },
	{ "additional-gids", 'g', OPT_LIST, &x.gids, "GID",
	  "a supplementary group; may be repeated", false },
	{ "cap", 'c', OPT_LIST, &x.caps, "CAPABILITY", "one more capability; may be repeated",
	  false },
	{ "no-new-privs", 0, OPT_FLAG, &x.no_new_privs, NULL, "set no_new_privs", false },
	{ "apparmor", 0, OPT_STRING, &x.apparmor, "PROFILE", "AppArmor profile of the process",
	  false },
	{ "process-label", 0, OPT_STRING, &x.process_label, "LABEL", "SELinux label of the process",
	  false },
	{ "ignore-paused", 0, OPT_FLAG, &x.ignore_paused, NULL, "also in a paused container",
	  false },
	{ "detach-keys", 0, OPT_STRING, &x.detach_keys, "KEYS",
	  "keys that leave the process running (default: " DETACH_KEYS_DEFAULT ")", false },
	SIG_PROXY_OPTION(o.sig_proxy),
	{ "console-socket", 0, OPT_STRING, &o.console_socket, "PATH",
	  "unix socket that receives the pty's master", false },
	{ "pidfd-socket", 0, OPT_STRING, &o.pidfd_socket, "PATH",
	  "unix socket that receives a pidfd of the process", false },
	{ "cgroup", 0, OPT_LIST, &x.cgroups, "[CONTROLLER[,...]:]PATH",
	  "a cgroup below the container's; may be repeated", false },
	{ "pid-file", 0, OPT_STRING, &o.pid_file, "FILE", "write the pid of the process to FILE",
	  false },
	{ "preserve-fds", 0, OPT_INT, &o.preserve_fds, "N", "pass N more descriptors, from 3 on",
	  false },
	{ "shim", 0, OPT_STRING, &o.shim, "auto|always|never",
	  "who keeps exit status and stdio (default: auto)", false },
	{ "shim-cgroup", 0, OPT_STRING, &o.shim_cgroup, "auto|caller",
	  "the shim's cgroup: that of the container's shim, or ours (default: auto)", false },
	{ "stdio", 0, OPT_STRING, &o.stdio, "keep|inherit|null",
	  "who holds stdio (default: keep with a shim, else inherit)", false },
	STDIN_OPTION(o.stdin_mode),
	LOG_OPTIONS(o.log),
	EXIT_OPTIONS(o.exit_command),
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_exec = {
	.name = "exec",
	.args = "CONTAINER-ID COMMAND [ARGUMENT...]",
	.summary = "run one more process in a container",
	.opts = opts,
	.min_args = 1,
	.max_args = -1,
	.stop_at_positional = true,
	.run = run,
};
