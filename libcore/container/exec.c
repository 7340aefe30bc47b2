/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exec: one more process in a running (or created) container.
 *
 * A joiner enters all of init's namespaces and clones the process as the caller's child. The
 * container is hostile by now, so the process holds nothing of the host from the moment it is born:
 * not dumpable before the join, all descriptors closed early, ids and capabilities exactly those
 * asked for, no inheritable set unless given. Success is end-of-file on the sync socket
 * (close-on-exec), an error comes as a message.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strv.h"
#include "berth/log.h"
#include "kernel/syscalls.h"

struct exec_run {
	struct ctr *ctr;
	const struct ctr_exec_opts *opts;
	struct spec *spec;
	struct ns_plan ns;
	struct seccomp_filter filter;
	struct lsm_host lsm;
	struct lsm_labels labels;
	struct cg *sub; /* what --cgroup names; NULL: the container's own */
	int proc_fd, cgroup_fd, init_pidfd;
	int root_fd; /* without a mount namespace: the container's root */
	int sock[2];
	int pidfd;
	pid_t pid;
};

/* --- the process's side --- */

static int child_terminal(struct exec_run *x, struct process_ctx *p, struct err *err)
{
	_cleanup_close_ int master = FD_INVALID;
	char name[32] = "";
	int r;

	if (!x->opts->process->terminal)
		return 0;
	p->mnt->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->mnt->root_fd < 0)
		return err_set(err, -errno, "open the container's root");
	r = mnt_open_pty(p->mnt, &master, &p->slave_fd, name, err);
	if (r == 0)
		r = sync_send(x->sock[1], SYNC_CONSOLE, name, strlen(name) + 1, master, err);
	return r;
}

static int child_ready(struct exec_run *x, struct err *err)
{
	int r = sync_send(x->sock[1], SYNC_READY, NULL, 0, FD_INVALID, err);

	return r < 0 ? r : sync_expect(x->sock[1], SYNC_RELEASE, NULL, 0, NULL, err);
}

static int child_prepare(struct exec_run *x, struct process_ctx *p, struct err *err)
{
	const struct opt_u64 *mask = &x->opts->process->user.umask;
	int r;

	r = sync_expect(x->sock[1], SYNC_GO, &p->setgroups_denied, sizeof(p->setgroups_denied),
	                NULL, err);
	if (r < 0)
		return r;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir("/") < 0)
		return err_set(err, -errno, "enter the container's root");
	if (setsid() < 0 && errno != EPERM)
		return err_set(err, -errno, "start a session");
	if (!x->ctr->no_new_keyring)
		r = process_keyring(p, x->ctr->id, err);
	if (r == 0)
		r = process_labels(p, err);
	if (r == 0)
		r = process_memory(p, err);
	if (r < 0)
		return r;
	umask(mask->set ? (mode_t)mask->v : 0022);
	r = child_terminal(x, p, err);
	if (r == 0)
		r = child_ready(x, err);
	if (r < 0)
		return r;
	mnt_ctx_done(p->mnt);
	r = process_stdio(p, err);
	fd_reset(&p->slave_fd);
	if (r == 0)
		r = process_environment(p, err);
	if (r == 0)
		r = process_close_others(p, err);
	if (r == 0 && prctl(PR_SET_PDEATHSIG, 0) < 0)
		r = err_set(err, -errno, "clear the parent death signal");
	proc_reset_signals();
	if (r == 0)
		r = process_credentials(p, err);
	return r == 0 ? process_lookup(p, err) : r;
}

static void child_main(struct exec_run *x)
{
	struct mnt_ctx mnt = MNT_CTX_INIT;
	struct process_ctx p = {
		.process = x->opts->process,
		.io = &x->opts->io,
		.filter = &x->filter,
		.env = strv_dup(x->opts->process->env),
		.sync = x->sock[1],
		.slave_fd = FD_INVALID,
		.lsm = x->lsm,
		.labels = x->labels,
		.personality = &x->spec->linux_.personality,
		.memory_policy = &x->spec->linux_.memory_policy,
		.mnt = &mnt,
		.keep = { x->sock[1], FD_INVALID },
	};
	struct err err = { 0 };
	int r = child_prepare(x, &p, &err);

	if (r == 0)
		r = process_late_seccomp(&p, &err);
	if (r == 0)
		(void)process_exec(&p, &err);
	sync_send_error(x->sock[1], &err);
	_exit(255);
}

/* --- the caller's side --- */

static int refuse(struct exec_run *x, struct err *err)
{
	switch (ctr_status(x->ctr)) {
	case CTR_STOPPED:
		return err_text(err, -EINVAL, "cannot exec in a stopped container");
	case CTR_CREATING:
		return err_text(err, -EBUSY, "cannot exec in a container that is being created");
	case CTR_PAUSED:
		if (!x->opts->ignore_paused)
			return err_text(err, -EINVAL,
			                "cannot exec in a paused container (use --ignore-paused to "
			                "override)");
		/* We shall wait for a resume, which needs the lock. */
		ctr_unlock(x->ctr);
		return 0;
	default:
		return 0;
	}
}

/* Without a mount namespace the root is init's, as long as it is the one that was made for it: a
 * container that may chroot(2) could have gone to any other place of the host. */
static int open_root(struct exec_run *x, struct err *err)
{
	char path[32];

	if (!x->ctr->host_root)
		return 0;
	snprintf(path, sizeof(path), "%d/root", x->ctr->init.pid);
	x->root_fd = openat(x->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (x->root_fd < 0)
		return err_set(err, -errno, "open the root of the container");
	if (!mnt_host_root_is(x->ctr->host_root, x->root_fd))
		return err_text(err, -EPERM,
		                "cannot exec: the container's first process has left the root "
		                "\"%s\" that was made for it",
		                x->ctr->host_root->path);
	return 0;
}

static int prepare(struct exec_run *x, struct err *err)
{
	_cleanup_close_ int cache = FD_INVALID;
	int r = refuse(x, err);

	if (r == 0)
		r = ctr_load_spec(x->ctr, &x->spec, err);
	if (r < 0)
		return r;
	x->labels = process_labels_of(x->opts->process, &x->spec->process);
	lsm_detect_host(&x->lsm);
	r = lsm_check(&x->lsm, &x->labels, NULL, err);
	if (r < 0)
		return r;
	x->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (x->proc_fd < 0)
		return err_set(err, -errno, "open \"/proc\"");
	x->init_pidfd = ctr_init_pidfd(x->ctr);
	if (x->init_pidfd < 0)
		return err_text(err, -ESRCH, "cannot exec in a stopped container");
	r = open_root(x, err);
	if (r < 0)
		return r;
	/* This looks last whether it is still the same process. */
	r = ns_plan_from_pid(x->ctr->init.pid, x->init_pidfd, &x->ns, err);
	/* Not dumpable until execve, so that nothing of the host can be had from it: its namespaces
	 * are then open to root alone. */
	if ((r == -EACCES || r == -EPERM) && fifo_init_waits(x->ctr->dir_fd) > 0) {
		r = nsask(x->ctr, &x->spec->linux_.seccomp, x->init_pidfd, &x->ns, err);
		if (r < 0)
			err_prefix(err, "cannot exec in a created container");
	}
	if (r == 0 && x->spec->linux_.seccomp.present) {
		cache = ctr_seccomp_cache(x->ctr->root);
		r = seccomp_compile_cached(cache, &x->spec->linux_.seccomp, &x->filter, err);
	}
	if (r == 0 && x->opts->cgroups)
		r = cg_sub(x->ctr->cgroup, x->opts->cgroups, &x->sub, err);
	if (r == 0 && x->ctr->cgroup && x->ctr->cgroup->usable)
		x->cgroup_fd = cg_v2_fd(x->sub ? x->sub : x->ctr->cgroup);
	return r;
}

static int spawn(struct exec_run *x, struct err *err)
{
	int close_fds[] = { x->ctr->dir_fd, x->opts->keep_fd >= 0 ? x->opts->keep_fd : FD_INVALID,
		            FD_INVALID };
	struct cg *cg = x->sub ? x->sub : x->ctr->cgroup;
	struct spawn_opts opts = {
		.ns = &x->ns,
		.cgroup_fd = x->cgroup_fd,
		.cgroup = cg && cg->usable ? cg : NULL,
		.follow = x->sub ? 0 : x->ctr->init.pid,
		.sock = x->sock,
		.close_fds = close_fds,
		.only = &x->opts->io,
		.root_fd = x->root_fd,
	};
	int r = sync_pair(x->sock, err);

	if (r < 0)
		return r;
	/* A joiner even when nothing is to be joined: one path, and PDEATHSIG semantics that do not
	 * differ. */
	x->ns.needs_joiner = true;
	x->pid = spawn_process(&opts, &x->pidfd, err);
	if (x->pid == 0) {
		/* Its joiner has closed all else. */
		ns_plan_done(&x->ns);
		x->root_fd = FD_INVALID;
		child_main(x);
	}
	return x->pid < 0 ? (int)x->pid : 0;
}

static const struct spec_cpu_affinity *cpus_of(const struct exec_run *x)
{
	const struct spec_cpu_affinity *own = &x->opts->process->exec_affinity;

	return own->initial || own->final ? own : &x->spec->process.exec_affinity;
}

/* The first CPUs are those that the process is cloned on, before and while it enters the cgroup:
 * they are lent to us for that long. */
static int spawn_bound(struct exec_run *x, struct err *err)
{
	const struct spec_cpu_affinity *cpus = cpus_of(x);
	uint64_t own[SPEC_CPUS_MAX / 64];
	int r;

	if (!cpus->initial)
		return spawn(x, err);
	r = k_sched_getaffinity(0, sizeof(own), own);
	if (r < 0)
		return err_set(err, r, "process.execCPUAffinity.initial: look at the present CPUs");
	r = affinity_apply(0, cpus->initial, "process.execCPUAffinity.initial", err);
	if (r < 0)
		return r;
	r = spawn(x, err);
	(void)k_sched_setaffinity(0, sizeof(own), own);
	return r;
}

/* It is in its cgroup now. Neither list: all CPUs that the cgroup allows, whatever ours are. */
static int final_cpus(const struct exec_run *x, struct err *err)
{
	const struct spec_cpu_affinity *cpus = cpus_of(x);

	if (cpus->initial && !cpus->final)
		return 0;
	return affinity_apply(x->pid, cpus->final, "process.execCPUAffinity.final", err);
}

/* Children inherit a class; this one is not a child of the container. */
static int join_class(const struct exec_run *x, struct err *err)
{
	struct rdt rdt;
	int r = rdt_plan(NULL, &x->spec->linux_.intel_rdt, x->ctr->id, &rdt, err);

	if (r == 0)
		r = rdt_join(&rdt, x->pid, err);
	if (r == 0)
		rdt_done(&rdt);
	return r;
}

static int supervise(struct exec_run *x, struct err *err)
{
	const struct spec_process *process = x->opts->process;
	_cleanup_close_ int master = FD_INVALID;
	char name[32] = "", pid_name[16];
	bool denied;
	int r;

	snprintf(pid_name, sizeof(pid_name), "%d", x->pid);
	denied = setgroups_is_denied(x->proc_fd, pid_name);
	r = join_class(x, err);
	if (r == 0)
		r = final_cpus(x, err);
	if (r == 0)
		r = oom_score_adj_set(x->proc_fd, x->pid, process, geteuid() != 0, err);
	if (r == 0)
		r = sync_send(x->sock[0], SYNC_GO, &denied, sizeof(denied), FD_INVALID, err);
	if (r == 0 && process->terminal)
		r = sync_expect(x->sock[0], SYNC_CONSOLE, name, sizeof(name) - 1, &master, err);
	if (r == 0 && process->terminal)
		r = console_deliver(process, &x->opts->io, &master, name, err);
	if (r == 0)
		r = sync_expect(x->sock[0], SYNC_READY, NULL, 0, NULL, err);
	if (r == 0)
		r = process_schedule(x->pid, process, &x->spec->process, &x->spec->linux_, err);
	if (r == 0)
		r = sync_send(x->sock[0], SYNC_RELEASE, NULL, 0, FD_INVALID, err);
	if (r == 0 && listener_wanted(&x->filter)) {
		struct listener_handover h = {
			.ctr = x->ctr,
			.spec = x->spec,
			.status = ctr_status(x->ctr),
			.init_pid = x->ctr->init.pid,
			.pid = x->pid,
			.sock = x->sock[0],
		};

		r = listener_deliver(&h, err);
	}
	if (r < 0)
		return r;
	/* The next thing to be read is an error or, after execve, end-of-file. */
	r = sync_expect(x->sock[0], SYNC_CREATED, NULL, 0, NULL, err);
	if (r == -EPIPE) {
		err_clear(err);
		return 0;
	}
	return r;
}

int ctr_exec(struct ctr *ctr, const struct ctr_exec_opts *opts, pid_t *ret_pid, int *ret_pidfd,
             struct err *err)
{
	struct exec_run x = {
		.ctr = ctr,
		.opts = opts,
		.proc_fd = FD_INVALID,
		.cgroup_fd = FD_INVALID,
		.init_pidfd = FD_INVALID,
		.root_fd = FD_INVALID,
		.sock = { FD_INVALID, FD_INVALID },
		.pidfd = FD_INVALID,
	};
	int r;

	for (int i = 0; i < NS_TYPES; i++)
		x.ns.fd[i] = FD_INVALID;
	r = prepare(&x, err);
	if (r == 0)
		r = spawn_bound(&x, err);
	if (r == 0)
		r = supervise(&x, err);
	if (r < 0 && x.pidfd >= 0) {
		(void)proc_pidfd_signal(x.pidfd, SIGKILL);
		(void)proc_waitpid(x.pid, NULL);
	}
	if (r == 0) {
		*ret_pid = x.pid;
		*ret_pidfd = take_fd(&x.pidfd);
	} else if (err && err->exit_status == 0) {
		err->exit_status = 255;
	}
	fd_close(x.proc_fd);
	fd_close(x.cgroup_fd);
	fd_close(x.init_pidfd);
	fd_close(x.root_fd);
	fd_close(x.sock[0]);
	fd_close(x.sock[1]);
	fd_close(x.pidfd);
	cg_free(x.sub);
	ns_plan_done(&x.ns);
	seccomp_filter_done(&x.filter);
	spec_free(x.spec);
	return r;
}
