/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a bundle to a created container. Everything that can be refused is refused before the id is
 * reserved, which is the first side effect; from then on a failure is undone by ctr_destroy() from
 * the journal.
 */
#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/sock.h"
#include "base/strv.h"
#include "berth/log.h"
#include "cgroup/cgroup.h"
#include "kernel/probe.h"
#include "runtime/interrupt.h"
#include "runtime/notify.h"
#include "runtime/self.h"
#include "runtime/shim_mode.h"
#include "runtime/tty.h"
#include "security/security.h"

#define PRESERVE_MAX 512

bool launch_is_rootless(const struct ctx *ctx)
{
	if (streq(ctx->rootless, "true"))
		return true;
	if (streq(ctx->rootless, "false"))
		return false;
	if (geteuid() != 0)
		return true;
	return !caps_in_initial_userns();
}

int launch_parse_stdio(const char *text, bool with_shim, enum stdio_mode *ret, struct err *err)
{
	if (!text)
		*ret = with_shim ? STDIO_KEEP : STDIO_INHERIT;
	else if (streq(text, "keep"))
		*ret = STDIO_KEEP;
	else if (streq(text, "inherit"))
		*ret = STDIO_INHERIT;
	else if (streq(text, "null"))
		*ret = STDIO_NULL;
	else
		return err_text(err, -EINVAL,
		                "option --stdio: \"%s\" is none of keep, inherit, null", text);
	if (*ret == STDIO_KEEP && !with_shim)
		return err_text(err, -EINVAL,
		                "option --stdio=keep needs a shim: use --shim=always");
	return 0;
}

int launch_parse_stdin(const char *text, enum stdio_mode stdio, bool pipes_here,
                       enum shim_stdin_mode *ret, struct err *err)
{
	if (!text)
		*ret = pipes_here ? SHIM_STDIN_ONCE : SHIM_STDIN_KEEP;
	else if (streq(text, "never"))
		*ret = SHIM_STDIN_NEVER;
	else if (streq(text, "once"))
		*ret = SHIM_STDIN_ONCE;
	else if (streq(text, "keep"))
		*ret = SHIM_STDIN_KEEP;
	else
		return err_text(err, -EINVAL, "option --stdin: \"%s\" is none of never, once, keep",
		                text);
	if (text && stdio != STDIO_KEEP)
		return err_text(err, -EINVAL, "option --stdin needs a shim and --stdio=keep");
	return 0;
}

int launch_check_sig_proxy(int sig_proxy, bool with_shim, struct err *err)
{
	if (sig_proxy >= 0 || with_shim)
		return 0;
	return err_text(err, -EINVAL, "option --sig-proxy=false needs a shim: use --shim=always");
}

void launch_adopt_size(struct spec_process *process)
{
	uint16_t rows, cols;

	if (!process->terminal || !tty_size(0, &rows, &cols))
		return;
	process->console_height = rows;
	process->console_width = cols;
}

int launch_connect_console(const char *path, int *ret, struct err *err)
{
	int fd = sock_connect_path(path, SOCK_STREAM);

	if (fd < 0)
		return err_set(err, fd, "connect to console socket \"%s\"", path);
	*ret = fd;
	return 0;
}

int launch_connect_pidfd(const char *path, int *ret, struct err *err)
{
	int fd = path ? sock_connect_path(path, SOCK_STREAM) : FD_INVALID;

	if (path && fd < 0)
		return err_set(err, fd, "connect to pidfd socket \"%s\"", path);
	*ret = fd;
	return 0;
}

int launch_send_pidfd(int sock, const char *payload, int pidfd, struct err *err)
{
	int r = sock < 0 ? 0 : sock_send_fds(sock, payload, strlen(payload), &pidfd, 1);

	return r < 0 ? err_set(err, r, "send the pidfd to the pidfd socket") : 0;
}

/* sd_listen_fds(3): descriptors from 3 on are for us only if LISTEN_PID says so. */
static int listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int n, owner;

	if (!pid || !fds || num_parse_int(pid, &owner) < 0 || owner != getpid())
		return 0;
	return num_parse_int(fds, &n) < 0 || n < 0 || n > PRESERVE_MAX ? 0 : n;
}

void launch_tell_listen_fds(char ***env)
{
	_cleanup_free_ char *n = xasprintf("%d", listen_fds());

	if (streq(n, "0"))
		return;
	env_set(env, "LISTEN_FDS", n);
	env_set(env, "LISTEN_PID", "1");
}

int launch_preserved(int n, int *ret, struct err *err)
{
	*ret = n + listen_fds();
	if (n < 0 || n > PRESERVE_MAX)
		return err_text(err, -EINVAL, "option --preserve-fds: %d is not within 0 and %d", n,
		                PRESERVE_MAX);
	for (int fd = 3; fd < 3 + *ret; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return err_set(err, -errno,
			               "option --preserve-fds: unable to stat preserved-fd %d", fd);
	return 0;
}

int pid_file_write(const char *path, pid_t pid, struct err *err)
{
	_cleanup_free_ char *dir = path_dir(path);
	_cleanup_free_ char *text = xasprintf("%d", pid);
	_cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r =
	    fd < 0 ? -errno : file_replace_at(fd, path_base(path), text, strlen(text), 0644, false);

	return r < 0 ? err_set(err, r, "write pid file \"%s\"", path) : 0;
}

char *launch_absolute(const char *path)
{
	_cleanup_free_ char *cwd = NULL;

	if (!path || path[0] == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	return path_join(cwd ? cwd : "/", path);
}

/* Terminal, socket and detach must fit together before anything is made. */
static int check_terminal(const struct launch *l, bool foreground, struct err *err)
{
	bool terminal = l->spec->process.terminal;

	if (terminal && !foreground && !l->opts->console_socket && !l->with_shim)
		return err_text(err, -EINVAL,
		                "cannot allocate tty if berth will detach without setting console "
		                "socket (or --shim=always)");
	if (l->opts->console_socket && (foreground || !terminal))
		return err_text(
		    err, -EINVAL,
		    "cannot use console socket if berth will not detach or allocate tty");
	return 0;
}

int launch_load(struct ctx *ctx, struct launch *l)
{
	_cleanup_free_ char *bundle = launch_absolute(l->opts->bundle ? l->opts->bundle : ".");
	_cleanup_free_ char *clean = path_clean(bundle);
	int r = spec_load_bundle(clean, l->opts->config, &l->spec, &ctx->err);

	if (r == 0 && ctx->strict && spec_strict(l->spec, &ctx->err) < 0)
		r = err_prefix(&ctx->err, "%s", l->opts->config ? l->opts->config : "config.json");
	if (r == 0)
		launch_tell_listen_fds(&l->spec->process.env);
	return r;
}

bool launch_stays_with_caller(const char *shim_cgroup)
{
	return shim_cgroup && streq(shim_cgroup, "caller");
}

/* A cgroup or slice that was named; NULL: none was. */
static const char *shim_place(const char *text)
{
	return text && !streq(text, "auto") && !launch_stays_with_caller(text) ? text : NULL;
}

static int check_shim_cgroup(const struct ctx *ctx, const char *text, struct err *err)
{
	const char *place = shim_place(text);

	if (!place)
		return 0;
	for (const char *p = place; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_text(err, -EINVAL,
			                "option --shim-cgroup: control character at offset %zu",
			                (size_t)(p - place));
	if (ctx->systemd_cgroup && strchr(place, '/'))
		return err_text(err, -EINVAL,
		                "option --shim-cgroup: \"%.200s\" is neither auto nor caller nor, "
		                "as --systemd-cgroup needs it, the name of a slice",
		                place);
	if (!ctx->systemd_cgroup && (place[0] != '/' || path_has_dotdot(place)))
		return err_text(
		    err, -EINVAL,
		    "option --shim-cgroup: \"%.200s\" is neither auto nor caller nor the "
		    "absolute path of a cgroup",
		    place);
	return 0;
}

int launch_decide(struct ctx *ctx, struct launch *l, bool foreground)
{
	struct shim_question q = {
		.option = l->opts->shim,
		.foreground = foreground,
		.pid_file = l->opts->pid_file != NULL,
		.terminal_here = l->spec->process.terminal && !l->opts->console_socket,
	};
	int r;

	shim_ask(&q);
	r = shim_decide(&q, &ctx->err);
	if (r < 0)
		return r;
	l->with_shim = r > 0;
	l->foreground = foreground;
	l->terminal_here = q.terminal_here && !l->with_shim;
	r = check_terminal(l, foreground, &ctx->err);
	if (r == 0)
		r = launch_parse_stdio(l->opts->stdio, l->with_shim, &l->stdio, &ctx->err);
	if (r == 0)
		r = launch_parse_stdin(l->opts->stdin_mode, l->stdio,
		                       foreground && !l->spec->process.terminal, &l->stdin_mode,
		                       &ctx->err);
	if (r == 0)
		r = launch_check_sig_proxy(l->opts->sig_proxy, l->with_shim, &ctx->err);
	if (r == 0)
		r = check_shim_cgroup(ctx, l->opts->shim_cgroup, &ctx->err);
	if (r == 0)
		r = log_choice_parse(&l->opts->log, &l->log, &ctx->err);
	if (r == 0)
		r = exit_option_parse(&l->opts->exit_command, l->with_shim, &l->exit_command,
		                      &ctx->err);
	return r;
}

static int load(struct ctx *ctx, struct launch *l, bool foreground)
{
	int r = launch_load(ctx, l);

	if (r == 0)
		r = launch_decide(ctx, l, foreground);
	if (r == 0)
		r = self_protect(ctx, l->spec, &l->spec->process, l->preserve_fds, &ctx->err);
	if (r == 0 && foreground)
		launch_adopt_size(&l->spec->process);
	/* Only now: a re-execution loads the configuration again. */
	if (r == 0 && l->spec->warnings)
		log_warn("%s", l->spec->warnings);
	return r;
}

/*
 * What systemd ends with its unit is worth a word: the container would lose its shim with it. Not
 * to who waits for the container at his terminal, where the word would be among the container's.
 */
static int plan_shim_cgroup(const struct cg_host *host, const struct cg_request *req,
                            bool foreground, struct cg **ret, struct err *err)
{
	struct err e = { 0 };
	int r = cg_plan_shim(host, req, ret, &e);

	if (r < 0 && req->shim_place) {
		*err = e;
		return err_prefix(err, "option --shim-cgroup");
	}
	if (r < 0)
		*ret = NULL;
	if ((r < 0 || !(*ret)->usable) && !foreground && cg_host_in_unit(host))
		log_warn("the shim stays in the caller's cgroup, and ends with it: %s",
		         r < 0 ? e.msg : (*ret)->why);
	return 0;
}

int launch_plan_cgroups(struct ctx *ctx, struct launch *l, const char *id, struct cg **ret,
                        struct cg **ret_shim)
{
	struct cg_request req = {
		.id = id,
		.cgroups_path = l->spec->linux_.cgroups_path,
		.limits_wanted = ctr_wants_limits(l->spec),
		.rootless = launch_is_rootless(ctx),
		.systemd = ctx->systemd_cgroup,
		.disabled = ctx->no_cgroups,
		.user_manager = geteuid() != 0 || !caps_in_initial_userns(),
		.resources = &l->spec->linux_.resources,
		.annotations = l->spec->annotations,
		.n_annotations = l->spec->n_annotations,
		.shim_place = shim_place(l->opts->shim_cgroup),
	};
	struct cg_host *host = NULL;
	int r = cg_host_detect(&host, &ctx->err);

	if (r == 0) {
		/* Whoever keeps the container keeps it among his own. Not where that would cost it
		   its limits: v2 gives controllers to no level below one that has processes, and
		   we are in ours. */
		req.below_own = !l->with_shim && !(req.limits_wanted && host->mode == CG_V2);
		r = cg_plan(host, &req, ret, &ctx->err);
	}
	if (r == 0)
		(*ret)->strict = ctx->strict;
	if (r == 0 && l->with_shim && !launch_stays_with_caller(l->opts->shim_cgroup) &&
	    (req.shim_place || !ctx->no_cgroups))
		r = plan_shim_cgroup(host, &req, l->foreground, ret_shim, &ctx->err);
	cg_host_free(host);
	return r;
}

int launch_place_exec_shim(struct ctx *ctx, struct ctr *ctr, struct err *err)
{
	struct cg_request req = {
		.id = ctr->id,
		.rootless = launch_is_rootless(ctx),
		.systemd = ctx->systemd_cgroup || (ctr->cgroup && ctr->cgroup->unit),
		.user_manager = geteuid() != 0 || !caps_in_initial_userns(),
	};
	struct cg_host *host = NULL;
	struct cg *cg = NULL;
	int r;

	/* Who has left the container's own shim where it was wants no other place. */
	if (ctr->shim_cgroup || ctr->shim.pid > 0 || ctx->no_cgroups)
		return 0;
	r = cg_host_detect(&host, err);
	if (r == 0)
		r = plan_shim_cgroup(host, &req, false, &cg, err);
	cg_host_free(host);
	return r == 0 && cg ? ctr_set_shim_cgroup(ctr, cg, err) : r;
}

static int open_early(struct ctx *ctx, struct launch *l)
{
	int r = 0;

	if (l->opts->console_socket)
		r = launch_connect_console(l->opts->console_socket, &l->console_socket, &ctx->err);
	if (r == 0)
		r = launch_connect_pidfd(l->opts->pidfd_socket, &l->pidfd_socket, &ctx->err);
	if (r == 0 && l->with_shim) {
		l->shim_exe_fd = keeper_open_shim(&ctx->err);
		r = l->shim_exe_fd < 0 ? l->shim_exe_fd : 0;
	}
	return r;
}

static int make(struct launch *l, const struct ctr_create_opts *opts, int *ret_pidfd,
                struct err *err)
{
	return l->opts->restore
	           ? ctr_restore(l->ctr, l->plan, opts, l->opts->restore, ret_pidfd, err)
	           : ctr_create(l->ctr, l->plan, opts, ret_pidfd, err);
}

static int make_container(struct keeper_job *job, const struct ctr_process_io *io,
                          const struct ctr_identity *shim, pid_t *ret_pid, int *ret_pidfd,
                          struct err *err)
{
	struct launch *l = job->arg;
	struct ctr_create_opts opts = {
		.no_pivot = l->opts->no_pivot,
		.no_new_keyring = l->opts->no_new_keyring,
		.io = *io,
		.shim = *shim,
		.shim_address = l->address,
		.log_path = l->stdio == STDIO_KEEP ? l->log_path : NULL,
		.stdio_kept = l->stdio == STDIO_KEEP,
		.keep_fd = job->report_fd,
	};
	int r = make(l, &opts, ret_pidfd, err);

	*ret_pid = l->ctr->init.pid;
	return r < 0 ? r : launch_send_pidfd(l->pidfd_socket, "standard", *ret_pidfd, err);
}

static int create_with_shim(struct ctx *ctx, struct launch *l)
{
	struct keeper_job job = {
		.id = l->ctr->id,
		.name = "",
		.session_path = l->session_path,
		.session_fd = l->ctr->dir_fd,
		.shim_link = l->ctr->shim_link,
		.log_path = l->log_path,
		.log = l->log,
		.root_path = l->root.path,
		.exit_command = &l->exit_command,
		.process = &l->spec->process,
		.stdio = l->stdio,
		.stdin_mode = l->stdin_mode,
		.preserve_fds = l->preserve_fds,
		.console_socket = l->console_socket,
		.shim_exe_fd = l->shim_exe_fd,
		.cgroup = l->ctr->cgroup,
		.shim_cgroup = l->ctr->shim_cgroup,
		.must_be_there = shim_place(l->opts->shim_cgroup) != NULL,
		.started = l->opts->restore != NULL,
		.make = make_container,
		.arg = l,
	};
	pid_t pid, keeper = 0;
	int r = keeper_run(&job, &pid, &keeper, &ctx->err);

	return r < 0 ? r : ctr_reload(l->ctr, &ctx->err);
}

static int create_here(struct ctx *ctx, struct launch *l)
{
	struct ctr_create_opts opts = {
		.no_pivot = l->opts->no_pivot,
		.no_new_keyring = l->opts->no_new_keyring,
		.io = {
			.stdio = { 0, 1, 2 },
			.preserve_fds = l->preserve_fds,
			.console_socket = l->console_socket,
			.ret_master = &l->master,
		},
		.keep_fd = FD_INVALID,
	};
	int r;

	if (l->stdio == STDIO_NULL)
		for (int i = 0; i < 3; i++)
			opts.io.stdio[i] = FD_INVALID;
	r = make(l, &opts, &l->pidfd, &ctx->err);
	return r < 0 ? r : launch_send_pidfd(l->pidfd_socket, "standard", l->pidfd, &ctx->err);
}

int launch_create(struct ctx *ctx, const struct launch_opts *opts, const char *id, bool foreground,
                  struct launch *l)
{
	struct cg *cg = NULL, *shim_cg = NULL;
	int r;

	*l = (struct launch){
		.root.fd = FD_INVALID,
		.master = FD_INVALID,
		.pidfd = FD_INVALID,
		.console_socket = FD_INVALID,
		.notify = FD_INVALID,
		.pidfd_socket = FD_INVALID,
		.shim_exe_fd = FD_INVALID,
		.opts = opts,
	};
	/* Directories on cgroupfs must be as passable as the kernel makes them; all modes of our
	 * own are given in full. */
	(void)umask(022);
	l->pid_file = launch_absolute(opts->pid_file);
	r = launch_preserved(opts->preserve_fds, &l->preserve_fds, &ctx->err);
	if (r < 0)
		return r;
	if (!ctr_id_valid(id, &ctx->err))
		return -EINVAL;
	r = load(ctx, l, foreground);
	if (r == 0)
		r = probe_require(&ctx->err);
	if (r == 0)
		r = ctx_root(ctx, true, &l->root);
	if (r == 0 && faccessat(l->root.fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = err_text(&ctx->err, -EEXIST, "container with given ID already exists: \"%s\"",
		             id);
	if (r == 0 && notify_host() && !opts->restore) {
		_cleanup_free_ char *dir = path_join(l->root.path, id);

		notify_add(l->spec, dir);
	}
	if (r == 0)
		r = ctr_plan_new(l->spec, &l->root, launch_is_rootless(ctx), opts->restore,
		                 &l->plan, &ctx->err);
	if (r == 0 && opts->no_pivot)
		r = ctr_plan_check_no_pivot(l->plan, &ctx->err);
	if (r == 0)
		r = open_early(ctx, l);
	if (r == 0)
		r = launch_plan_cgroups(ctx, l, id, &cg, &shim_cg);
	if (r < 0)
		return r;
	r = ctr_reserve(&l->root, id, l->spec, cg, shim_cg, &l->ctr, &ctx->err);
	if (r < 0)
		return r;
	l->session_path = path_join(l->root.path, id);
	l->address = keeper_address(l->session_path, l->ctr->shim_link);
	l->log_path = log_choice_path(&opts->log, &l->log, l->session_path);
	r = notify_host() && !opts->restore ? notify_make(l->ctr->dir_fd, &ctx->err) : 0;
	if (r == 0)
		r = l->with_shim ? create_with_shim(ctx, l) : create_here(ctx, l);
	if (r == 0)
		r = interrupt_check(&ctx->err);
	if (r < 0)
		launch_destroy(l);
	return r;
}

void launch_destroy(struct launch *l)
{
	struct err err = { 0 };

	if (!l->ctr)
		return;
	(void)ctr_reload(l->ctr, NULL); /* what a keeper has recorded before it failed */
	if (ctr_destroy(l->ctr, true, &err) < 0)
		log_warn("undo of container \"%s\": %s; try: berth delete --force %s", l->ctr->id,
		         err.msg, l->ctr->id);
}

int launch_start(struct ctx *ctx, struct launch *l)
{
	int r = l->opts->restore ? 0 : notify_listen(l->ctr->dir_fd, &l->notify, &ctx->err);

	if (r == 0)
		r = l->opts->restore ? ctr_restored(l->ctr, l->spec, &ctx->err)
		                     : ctr_start(l->ctr, &ctx->err);
	if (r < 0) {
		launch_destroy(l);
		return r;
	}
	if (l->with_shim && !l->opts->restore)
		shim_notify_started(l->ctr->dir_fd);
	return 0;
}

int launch_write_pid_file(struct ctx *ctx, struct launch *l)
{
	int r = l->pid_file ? pid_file_write(l->pid_file, l->ctr->init.pid, &ctx->err) : 0;

	if (r < 0)
		launch_destroy(l);
	return r;
}

void launch_done(struct launch *l)
{
	ctr_plan_free(l->plan);
	spec_free(l->spec);
	ctr_close(l->ctr);
	ctr_root_done(&l->root);
	fd_close(l->master);
	fd_close(l->pidfd);
	fd_close(l->console_socket);
	fd_close(l->pidfd_socket);
	fd_close(l->notify);
	fd_close(l->shim_exe_fd);
	exit_option_done(&l->exit_command);
	free(l->session_path);
	free(l->address);
	free(l->log_path);
	free(l->pid_file);
}
