/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore: criu rebuilds the processes of a checkpoint as a container of ours.
 *
 * The caller has reserved the id and has a plan, as for a creation; the cgroup and its limits are
 * made from the configuration, everything inside comes from the images. criu makes the restored
 * init its own sibling: a child of the process that calls, which keeps it (shim) or leaves it to
 * whoever adopts our orphans (manager).
 *
 * criu wants the root as a mount point of which nothing is hidden. It is bound on a directory of
 * the state, in a mount namespace that the caller enters for the restore alone, so that whatever is
 * killed, no mount stays on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "berth/log.h"
#include "container/criu.h"
#include "container/internal.h"

#define ROOT_NAME "criu-root"

struct restoration {
	struct ctr *ctr;
	struct ctr_plan *plan;
	const struct ctr_create_opts *opts;
	struct criu criu;
	struct err *err;
	char *root; /* where the root is bound */
	int old_ns; /* the caller's mount namespace while it is in another */
	pid_t pid;
	pid_t holder; /* keeps a systemd unit alive until init is in it; 0: none */
	int master, pidfd;
	bool failed; /* in a notification: err says why */
};

/* libcriu's callback gets no argument of ours. Set for the time of one call. */
static struct restoration *current;

/*
 * A mount namespace of our own with the root bound as criu wants it. First of all: criu mounts
 * below its directories, so they have to be opened in here.
 */
static int step_root(void *arg, struct err *err)
{
	struct restoration *c = arg;
	const char *rootfs = c->plan->spec->root.path;

	if (mkdirat(c->ctr->dir_fd, ROOT_NAME, 0755) < 0 && errno != EEXIST)
		return err_set(err, -errno, "make the directory for the root");
	c->old_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (c->old_ns < 0)
		return err_set(err, -errno, "open \"/proc/self/ns/mnt\"");
	if (unshare(CLONE_NEWNS) < 0) {
		fd_reset(&c->old_ns);
		return err_set(err, -errno, "make a mount namespace for criu");
	}
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_set(err, -errno, "keep mounts from the host");
	if (mount(rootfs, c->root, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_set(err, -errno, "bind the root \"%s\"", rootfs);
	return 0;
}

static int step_criu(void *arg, struct err *err)
{
	struct restoration *c = arg;
	int r = criu_open(&c->criu, c->plan->spec, err);

	if (r == 0 && c->criu.api.set_root(c->root) < 0)
		r = err_set(err, -ENOMEM, "name the root to criu");
	return r;
}

static int step_cgroup(void *arg, struct err *err)
{
	struct restoration *c = arg;
	struct cg *cg = c->ctr->cgroup;
	size_t planned;
	int r;

	if (!cg || !cg->usable)
		return 0;
	planned = cg->n_dirs;
	r = cg_create(cg, err);
	/* A unit starts with its first process, and criu makes what is not there. */
	if (r == 0 && cg->unit)
		r = cg_hold(cg, &c->holder, err);
	if (cg->n_dirs != planned) {
		int w = record_write_intent(c->ctr, r < 0 ? NULL : err);

		r = r < 0 ? r : w;
	}
	return r < 0 ? r : cgroup_apply(c->plan, cg, err);
}

/* Into the container's own cgroup, whatever its place was called when it was dumped. */
static int step_cgroup_root(void *arg, struct err *err)
{
	struct restoration *c = arg;
	const struct cg *cg = c->ctr->cgroup;

	for (size_t i = 0; cg && cg->usable && i < cg->n_dirs; i++) {
		const struct cg_dir *d = &cg->dirs[i];
		_cleanup_free_ char *named = xasprintf("name=%s", d->name);
		const char *name = streq(d->name, "systemd") ? named : d->name;

		if (c->criu.api.add_cg_root(d->v2 ? "" : name, d->path) < 0)
			return err_set(err, -ENOMEM, "name the cgroup to criu");
	}
	return 0;
}

static int step_mounts(void *arg, struct err *err)
{
	struct restoration *c = arg;
	struct criu_external *list;
	size_t n;
	int r = mnt_make_mount_points(c->plan->mnt, err);

	if (r < 0)
		return r;
	criu_externals(c->plan->spec, c->plan->mnt, c->ctr->cgroup, &list, &n);
	r = criu_restore_mounts(&c->criu, list, n, err);
	criu_externals_free(list, n);
	return r;
}

static int step_namespaces(void *arg, struct err *err)
{
	struct restoration *c = arg;

	return criu_restore_namespaces(&c->criu, &c->plan->ns, err);
}

static int step_stdio(void *arg, struct err *err)
{
	struct restoration *c = arg;

	if (c->plan->spec->process.terminal)
		c->criu.api.set_orphan_pts_master(true);
	return criu_restore_stdio(&c->criu, &c->opts->io, err);
}

/* What the shim has kept so far, where it keeps it by default. */
static int step_log(void *arg, struct err *err)
{
	struct restoration *c = arg;
	_cleanup_free_ char *dir = path_join(c->ctr->root->path, c->ctr->id);
	const char *path = c->opts->log_path;

	return c->opts->stdio_kept && path && path_is_under(path, dir)
	           ? criu_restore_log(c->criu.images_fd, c->ctr->dir_fd, err)
	           : 0;
}

/* ---- what criu tells us on the way; < 0 makes it give up */

static int on_pts_master(struct restoration *c, void *notify)
{
	(void)notify;
	fd_reset(&c->master);
	c->master = c->criu.api.get_orphan_pts_master_fd();
	if (c->master < 0)
		return err_text(c->err, -EIO, "criu sent no terminal");
	(void)fd_cloexec(c->master, true);
	return 0;
}

/*
 * criu moves the restored tasks into the cgroup that it was given, but not where it is to leave
 * cgroups alone: then the root task is moved before it has children.
 */
static int enter_cgroup(struct restoration *c)
{
	struct cg *cg = c->ctr->cgroup;
	enum criu_cg_mode mode;
	int r = criu_parse_mode(c->criu.opts->cgroups_mode, &mode, c->err);

	if (r < 0 || !cg || !cg->usable || mode != CRIU_CG_IGNORE)
		return r;
	return cg_attach(cg, c->pid, c->err);
}

/* The root task exists, its namespaces are about to be filled. */
static int on_namespaces(struct restoration *c, void *notify)
{
	const struct spec *spec = c->plan->spec;
	int r;

	c->pid = c->criu.api.notify_pid(notify);
	r = enter_cgroup(c);
	if (r == 0)
		r = ctr_run_hooks(c->ctr, spec, HOOK_PRESTART, CTR_CREATING, c->pid, c->err);
	if (r == 0)
		r = ctr_run_hooks(c->ctr, spec, HOOK_CREATE_RUNTIME, CTR_CREATING, c->pid, c->err);
	return r;
}

/* Everything is rebuilt and still stopped: the last moment to be sure. */
static int on_restored(struct restoration *c, void *notify)
{
	struct ctr *ctr = c->ctr;
	int r;

	c->pid = c->criu.api.notify_pid(notify);
	c->pidfd = proc_pidfd_open(c->pid);
	if (c->pidfd < 0)
		return err_set(c->err, c->pidfd, "open the restored init (pid %d)", c->pid);
	r = ctr_identity_of(c->pid, c->pidfd, &ctr->init);
	if (r < 0)
		return err_set(c->err, r, "identify init (pid %d)", c->pid);
	ctr_describe(ctr, c->plan, c->opts);
	r = record_write_state(ctr, c->err);
	ctr->has_state = r == 0;
	return r;
}

static const struct {
	const char *action;
	int (*run)(struct restoration *c, void *notify);
} action_table[] = {
	{ "orphan-pts-master", on_pts_master },
	{ "setup-namespaces", on_namespaces },
	{ "post-restore", on_restored },
};

static int on_notify(char *action, void *notify)
{
	/* criu runs by now: hooks and all else of ours belong where we were. */
	if (criu_leave(&current->criu, current->err) < 0) {
		current->failed = true;
		return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(action_table); i++) {
		int r;

		if (!streq(action, action_table[i].action))
			continue;
		r = action_table[i].run(current, notify);
		current->failed |= r < 0;
		log_debug("criu: %s: %d", action, r);
		return r;
	}
	return 0;
}

static int step_restore(void *arg, struct err *err)
{
	struct restoration *c = arg;
	int r, code;

	c->err = err;
	c->criu.api.set_notify_cb(on_notify);
	current = c;
	r = criu_call(&c->criu, c->criu.api.restore_child, &code, err);
	current = NULL;
	if (r < 0)
		return r;
	if (code >= 0 && !c->failed && c->pidfd >= 0)
		return 0;
	return c->failed ? err_prefix(err, "restore") : criu_failed(&c->criu, code, "restore", err);
}

static int step_console(void *arg, struct err *err)
{
	struct restoration *c = arg;

	if (!c->plan->spec->process.terminal)
		return 0;
	if (c->master < 0)
		return err_text(err, -EINVAL,
		                "process.terminal is set, but the checkpoint has no terminal");
	return console_deliver(&c->plan->spec->process, &c->opts->io, &c->master, "/dev/pts/0",
	                       err);
}

static const struct step restore_steps[] = {
	{ "root", step_root },
	{ "criu", step_criu },
	{ "cgroup and limits", step_cgroup },
	{ "cgroup of the images", step_cgroup_root },
	{ "external mounts", step_mounts },
	{ "external namespaces", step_namespaces },
	{ "standard descriptors", step_stdio },
	{ "kept log", step_log },
	{ "restore", step_restore },
	{ "console", step_console },
	{ NULL, NULL },
};

/* Back to where we were: with the last process in it the namespace and its mounts are gone. */
static int leave_namespace(struct restoration *c, struct err *err)
{
	int r = 0;

	if (c->old_ns >= 0 && setns(c->old_ns, CLONE_NEWNS) < 0)
		r = err_set(err, -errno, "return to the mount namespace");
	fd_reset(&c->old_ns);
	(void)unlinkat(c->ctr->dir_fd, ROOT_NAME, AT_REMOVEDIR);
	return r;
}

int ctr_restore(struct ctr *ctr, struct ctr_plan *plan, const struct ctr_create_opts *opts,
                const struct ctr_criu_opts *criu, int *ret_pidfd, struct err *err)
{
	_cleanup_free_ char *dir = path_join(ctr->root->path, ctr->id);
	_cleanup_free_ char *root = path_join(dir, ROOT_NAME);
	struct restoration c = {
		.ctr = ctr,
		.plan = plan,
		.opts = opts,
		.criu = CRIU_INIT(CRIU_RESTORE, criu),
		.root = root,
		.old_ns = FD_INVALID,
		.master = FD_INVALID,
		.pidfd = FD_INVALID,
	};
	int left, r = ctr_criu_check(criu, err);

	if (r == 0)
		r = criu_check_mounts(plan->mnt, err);
	if (r == 0)
		r = steps_run("restore", restore_steps, &c, err);
	left = leave_namespace(&c, r < 0 ? NULL : err);
	if (c.holder > 0) {
		(void)kill(c.holder, SIGKILL); /* our child, not yet reaped */
		(void)proc_waitpid(c.holder, NULL);
	}
	r = r < 0 ? r : left;
	if (r < 0 && c.pidfd >= 0) {
		(void)proc_pidfd_signal(c.pidfd, SIGKILL);
		(void)proc_waitpid(c.pid, NULL);
	}
	if (r == 0 && ret_pidfd)
		*ret_pidfd = take_fd(&c.pidfd);
	criu_close(&c.criu);
	fd_close(c.master);
	fd_close(c.pidfd);
	return r;
}

int ctr_restored(const struct ctr *ctr, const struct spec *spec, struct err *err)
{
	return ctr_run_hooks(ctr, spec, HOOK_POSTSTART, CTR_RUNNING, ctr->init.pid, err);
}
