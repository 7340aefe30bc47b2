/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creation as the creator sees it: one step table that runs beside the one in init.c.
 *
 * The caller has reserved the id (journal and lock) and has a plan. What fails here leaves init
 * dead; everything else is undone by ctr_destroy() from the journal, by this process or by a later
 * delete.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <termios.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"
#include "berth/log.h"
#include "kernel/syscalls.h"

struct creation {
	struct ctr *ctr;
	struct ctr_plan *plan;
	const struct ctr_create_opts *opts;
	struct cg_host *host;
	struct cg_view_store view;
	struct rdt rdt;
	int fifo_fd, report_fd, sys_fd, proc_fd, cgroup_fd;
	struct nsask ask;
	int root_fds[MNT_HOST_ROOTS]; /* without a mount namespace: its root */
	int sock[2];
	int pidfd;
	pid_t pid;
	int master_fd;
	int net_fd; /* only with network devices to move */
	struct ns_netdev *net_devices;
};

/* procfs and /proc/sys of the host, verified, before anything of the container exists. */
static int step_open_proc(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct statfs fs;

	c->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (c->proc_fd < 0 || fstatfs(c->proc_fd, &fs) < 0)
		return err_set(err, -errno, "open \"/proc\"");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_text(err, -EINVAL,
		                "\"/proc\" is not a procfs: mount one to create containers");
	if (c->plan->spec->linux_.n_sysctl == 0)
		return 0;
	c->sys_fd = openat(c->proc_fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return c->sys_fd < 0 ? err_set(err, -errno, "open \"/proc/sys\"") : 0;
}

static int step_cgroup(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct cg *cg = c->ctr->cgroup;
	size_t planned;
	int r;

	if (!cg || !cg->usable)
		return 0;
	/* systemd makes it, with the first process in it. */
	if (cg->unit)
		return 0;
	planned = cg->n_dirs;
	r = cg_create(cg, err);
	/* What was left out (rootless) must not be looked for by exec and delete. */
	if (r == 0 && cg->n_dirs != planned)
		r = record_write_intent(c->ctr, err);
	if (r == 0)
		r = cgroup_apply(c->plan, cg, err);
	if (r == 0)
		c->cgroup_fd = cg_v2_fd(cg);
	return r;
}

static int step_classes(void *arg, struct err *err)
{
	struct creation *c = arg;
	const struct spec_intel_rdt *spec = &c->plan->spec->linux_.intel_rdt;
	int r = rdt_plan(NULL, spec, c->ctr->id, &c->rdt, err);

	return r < 0 ? r : rdt_make(&c->rdt, spec, err);
}

static int step_view(void *arg, struct err *err)
{
	struct creation *c = arg;
	int r = cg_host_detect(&c->host, err);

	if (r == 0)
		cg_view_build(c->ctr->cgroup, c->host, c->plan->ns.has[NS_CGROUP], &c->view);
	return r;
}

/* The user namespace that says how the ids of op are mapped; one for all that map alike. */
static int open_idmap(struct ctr_plan *plan, struct mnt_op *op, struct err *err)
{
	int fd = FD_INVALID;

	if (!op->n_uid_maps) /* by path: the plan has it open */
		fd = plan->ns.fd[NS_USER];
	for (struct mnt_op *other = plan->mnt->ops; other < op && fd < 0; other++)
		if (mnt_same_idmap(op, other))
			fd = other->userns_fd;
	if (fd >= 0) {
		op->userns_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return op->userns_fd < 0 ? err_set(err, -errno, "copy a descriptor") : 0;
	}
	if (!op->n_uid_maps)
		return err_text(err, -EINVAL, "the user namespace of the runtime maps no ids");
	op->userns_fd =
	    ns_make_userns(op->uid_maps, op->n_uid_maps, op->gid_maps, op->n_gid_maps, err);
	return op->userns_fd < 0 ? op->userns_fd : 0;
}

static int step_sources(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct mnt_plan *mnt = c->plan->mnt;

	if (!mnt_plan_mounts(mnt))
		return 0;
	for (size_t i = 0; i < mnt->n_ops; i++) {
		int r = mnt->ops[i].idmap ? open_idmap(c->plan, &mnt->ops[i], err) : 0;

		if (r < 0)
			return err_prefix(err, "mounts[%zu] (%s)", mnt->ops[i].index,
			                  mnt->ops[i].destination);
	}
	return mnt_plan_open_sources(mnt, err);
}

/* Recorded before they are there, so that whatever happens next, they are taken away. */
static int step_host_root(void *arg, struct err *err)
{
	struct creation *c = arg;
	int r;

	if (!c->plan->mnt->on_host)
		return 0;
	log_warn("linux.namespaces: no mount namespace: the container sees the mounts of the host "
	         "and can change them; its own are below \"%s\" on the host until it is deleted",
	         c->plan->spec->root.path);
	r = mnt_host_root_clone(c->plan->mnt, &c->ctr->host_root, c->root_fds, err);
	if (r == 0)
		r = record_write_intent(c->ctr, err);
	return r < 0 ? r : mnt_host_root_attach(c->ctr->host_root, c->root_fds, err);
}

static int step_fifos(void *arg, struct err *err)
{
	struct creation *c = arg;

	int r = fifo_make(c->ctr->dir_fd, &c->fifo_fd, &c->report_fd, err);

	return r == 0 && geteuid() != 0 ? nsask_open(&c->ask, err) : r;
}

static void run_init(struct creation *c)
{
	struct init_args a = {
		.ctr = c->ctr,
		.plan = c->plan,
		.opts = c->opts,
		.cgroups = &c->view.view,
		.sync = c->sock[1],
		.sys_fd = c->sys_fd,
		.fifo_fd = c->fifo_fd,
		.report_fd = c->report_fd,
		.ask = c->ask,
		.mnt = MNT_CTX_INIT,
		.process = {
			.process = &c->plan->spec->process,
			.io = &c->opts->io,
			.filter = &c->plan->filter,
			.env = c->plan->env,
			.sync = c->sock[1],
			.slave_fd = FD_INVALID,
			.lsm = c->plan->lsm,
			.labels = process_labels_of(&c->plan->spec->process, NULL),
			.personality = &c->plan->spec->linux_.personality,
			.memory_policy = &c->plan->spec->linux_.memory_policy,
			.keep = { c->sock[1], c->fifo_fd, c->report_fd, FD_INVALID },
		},
	};

	a.mnt.root_fd = c->root_fds[MNT_HOST_INNER];
	fd_close(c->root_fds[MNT_HOST_OUTER]);
	fd_close(c->proc_fd);
	init_main(&a);
}

static int step_spawn(void *arg, struct err *err)
{
	struct creation *c = arg;
	int close_fds[] = { c->ctr->dir_fd, c->opts->keep_fd >= 0 ? c->opts->keep_fd : FD_INVALID,
		            FD_INVALID };
	struct spawn_opts opts = {
		.ns = &c->plan->ns,
		.spec = c->plan->spec,
		.cgroup_fd = c->cgroup_fd,
		.cgroup = c->ctr->cgroup && c->ctr->cgroup->usable ? c->ctr->cgroup : NULL,
		.sock = c->sock,
		.close_fds = close_fds,
		.root_fd = FD_INVALID,
	};
	int r = sync_pair(c->sock, err);

	if (r < 0)
		return r;
	c->pid = spawn_process(&opts, &c->pidfd, err);
	if (c->pid < 0 && opts.cgroup && !opts.cgroup->usable)
		(void)record_write_intent(c->ctr, NULL); /* what turned out not to be ours */
	if (c->pid == 0)
		run_init(c);
	/* Only init may hold the reading end of exec.fifo, and only it the writing end of the
	 * report. */
	fd_reset(&c->fifo_fd);
	fd_reset(&c->report_fd);
	fd_reset(&c->ask.sock);
	fd_reset(&c->sys_fd);
	return c->pid < 0 ? (int)c->pid : 0;
}

/* Neither the end of a pid namespace nor a cgroup ends what its first process leaves behind. */
static void warn_of_leftovers(const struct creation *c)
{
	const struct cg *cg = c->ctr->cgroup;

	if (!c->plan->ns.has[NS_PID] && (!cg || !cg->usable))
		log_warn("no cgroup, and no pid namespace of its own: processes of this container "
		         "that outlive its first one cannot be found. Such configuration is "
		         "strongly discouraged");
}

/* Of a unit, which is there only now. */
static int step_limits(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct cg *cg = c->ctr->cgroup;

	warn_of_leftovers(c);
	if (!cg || !cg->usable || !cg->unit)
		return 0;
	return cgroup_apply(c->plan, cg, err);
}

static int step_maps(void *arg, struct err *err)
{
	struct creation *c = arg;
	int r = 0;

	if (c->plan->ns.new_user && !c->plan->ns.user_first)
		r = ns_write_maps(c->pid, c->plan->spec, err);
	else if (c->plan->ns.join[NS_USER])
		r = ns_check_maps(c->pid, c->plan->spec, err);
	if (r == 0)
		r = rdt_join(&c->rdt, c->pid, err);
	/* The caller's own CPUs are no business of a container. */
	if (r == 0)
		r = affinity_apply(c->pid, NULL, NULL, err);
	/* While init is still as dumpable as we are, so that a rootless creator may write there. */
	if (r == 0)
		r = oom_score_adj_set(c->proc_fd, c->pid, &c->plan->spec->process,
		                      c->plan->rootless, err);
	return r;
}

/* The namespace is kept open until the end, so that a creation that fails can take them back. */
static int step_net_devices(void *arg, struct err *err)
{
	struct creation *c = arg;
	const struct ctr_plan *plan = c->plan;
	char path[32];

	if (plan->spec->linux_.n_net_devices == 0)
		return 0;
	snprintf(path, sizeof(path), "%d/ns/net", c->pid);
	c->net_fd = plan->ns.join[NS_NET] ? fcntl(plan->ns.fd[NS_NET], F_DUPFD_CLOEXEC, 3)
	                                  : openat(c->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (c->net_fd < 0)
		return err_set(err, -errno, "open the container's network namespace");
	return ns_netdevs_move(plan->spec, c->net_fd, &c->net_devices, err);
}

static int step_identity(void *arg, struct err *err)
{
	struct creation *c = arg;
	int r = ctr_identity_of(c->pid, c->pidfd, &c->ctr->init);

	return r < 0 ? err_set(err, r, "identify init (pid %d)", c->pid) : 0;
}

static int step_go(void *arg, struct err *err)
{
	struct creation *c = arg;

	return sync_send(c->sock[0], SYNC_GO, &c->pid, sizeof(c->pid), FD_INVALID, err);
}

/* An error is for init, which knows what it wanted the source for and reports it in its turn. */
static int answer_source(struct creation *c, uint32_t i, int mntns_fd, struct err *err)
{
	const struct mnt_plan *mnt = c->plan->mnt;
	struct err why = { 0 };
	int fd, r;

	if (i >= mnt->n_ops || !mnt->ops[i].late_source)
		return err_text(err, -EPROTO, "init asks for a mount source that is not planned");
	fd = mnt_open_source_inside(&mnt->ops[i], mntns_fd, &why);
	if (fd < 0) {
		sync_send_error(c->sock[0], &why);
		return 0;
	}
	r = sync_send(c->sock[0], SYNC_SOURCE, NULL, 0, fd, err);
	fd_close(fd);
	return r;
}

/* Until init has mounted all. */
static int step_late_sources(void *arg, struct err *err)
{
	struct creation *c = arg;

	for (;;) {
		_cleanup_close_ int mntns_fd = FD_INVALID;
		uint32_t i = 0;
		int r = sync_expect_either(c->sock[0], SYNC_MOUNTED, SYNC_ASK_SOURCE, &i, sizeof(i),
		                           &mntns_fd, err);

		if (r < 0 || r == SYNC_MOUNTED)
			return r < 0 ? r : 0;
		r = answer_source(c, i, mntns_fd, err);
		if (r < 0)
			return r;
	}
}

static int step_hooks(void *arg, struct err *err)
{
	struct creation *c = arg;
	const struct spec *spec = c->plan->spec;
	int r = ctr_run_hooks(c->ctr, spec, HOOK_PRESTART, CTR_CREATING, c->pid, err);

	if (r == 0)
		r = ctr_run_hooks(c->ctr, spec, HOOK_CREATE_RUNTIME, CTR_CREATING, c->pid, err);
	return r < 0 ? r : sync_send(c->sock[0], SYNC_HOOKS_DONE, NULL, 0, FD_INVALID, err);
}

/*
 * A terminal that is ours to relay: what comes out of it goes to a terminal that adds its own
 * carriage returns, or to a file or pipe that has no use for any. Whoever takes the terminal over a
 * console socket has it as the kernel made it.
 */
static int no_carriage_returns(int master, struct err *err)
{
	struct termios t;

	if (tcgetattr(master, &t) < 0)
		return err_set(err, -errno, "modes of the terminal");
	t.c_oflag &= ~(tcflag_t)ONLCR;
	if (tcsetattr(master, TCSANOW, &t) < 0)
		return err_set(err, -errno, "set the modes of the terminal");
	return 0;
}

int console_deliver(const struct spec_process *process, const struct ctr_process_io *io,
                    int *master, const char *name, struct err *err)
{
	struct winsize ws = { .ws_row = process->console_height, .ws_col = process->console_width };
	int r;

	if (ws.ws_row && ws.ws_col && ioctl(*master, TIOCSWINSZ, &ws) < 0)
		return err_set(err, -errno, "set the size of the terminal");
	if (io->console_socket >= 0) {
		r = sock_send_fds(io->console_socket, name, strlen(name), master, 1);
		return r < 0 ? err_set(err, r, "send the terminal to the console socket") : 0;
	}
	r = no_carriage_returns(*master, err);
	if (r == 0 && io->ret_master)
		*io->ret_master = take_fd(master);
	return r;
}

static int step_console(void *arg, struct err *err)
{
	struct creation *c = arg;
	_cleanup_close_ int master = FD_INVALID;
	char name[32] = "";
	int r;

	if (!c->plan->spec->process.terminal)
		return 0;
	r = sync_expect(c->sock[0], SYNC_CONSOLE, name, sizeof(name) - 1, &master, err);
	return r < 0 ? r
	             : console_deliver(&c->plan->spec->process, &c->opts->io, &master, name, err);
}

void ctr_describe(struct ctr *ctr, const struct ctr_plan *plan, const struct ctr_create_opts *opts)
{
	const struct spec *spec = plan->spec;

	ctr->oci_version = xstrdup(spec->oci_version);
	ctr->rootfs = xstrdup(spec->root.path);
	ctr->private_pidns = plan->ns.has[NS_PID];
	ctr->terminal = spec->process.terminal;
	ctr->shim = opts->shim;
	ctr->shim_address = xstrdup(opts->shim_address);
	ctr->log_path = xstrdup(opts->log_path);
	ctr->stdio_kept = opts->stdio_kept;
	ctr->no_new_keyring = opts->no_new_keyring;
	for (int i = 0; i < HOOK_KINDS; i++)
		ctr->hooks |= spec->hooks.n[i] > 0 ? 1u << i : 0;
	ctr->n_annotations = 0;
	ctr->annotations = xcalloc(spec->n_annotations + 1, sizeof(*ctr->annotations));
	for (size_t i = 0; i < spec->n_annotations; i++) {
		struct spec_kv *kv = &ctr->annotations[ctr->n_annotations++];

		kv->key = xstrdup(spec->annotations[i].key);
		kv->value = xstrdup(spec->annotations[i].value);
	}
}

static int step_state(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct ctr *ctr = c->ctr;
	int r = sync_expect(c->sock[0], SYNC_READY, NULL, 0, NULL, err);

	if (r == 0)
		r = process_schedule(c->pid, &c->plan->spec->process, NULL, &c->plan->spec->linux_,
		                     err);
	if (r < 0)
		return r;
	ctr_describe(ctr, c->plan, c->opts);
	r = record_write_state(ctr, err);
	if (r < 0)
		return r;
	ctr->has_state = true;
	return sync_send(c->sock[0], SYNC_RELEASE, NULL, 0, FD_INVALID, err);
}

/*
 * Init loads its filter last and may then be unable to say anything. CREATED, or EOF from a process
 * that lives, or a filter that is in force in a process that sleeps: each means that it waits.
 */
int await_created(int sock, int pidfd, struct err *err)
{
	int r = sync_expect(sock, SYNC_CREATED, NULL, 0, NULL, err);

	if (r == -EPIPE && !proc_pidfd_exited(pidfd)) {
		err_clear(err);
		return 0;
	}
	if (r == -EPIPE)
		return err_text(
		    err, -EPIPE,
		    "init was killed before it could wait for start: does the seccomp profile kill "
		    "on read, write, close or sendmsg, or is the memory limit too low?");
	return r;
}

static int step_listener(void *arg, struct err *err)
{
	struct creation *c = arg;
	struct listener_handover h = {
		.ctr = c->ctr,
		.spec = c->plan->spec,
		.status = CTR_CREATING,
		.init_pid = c->pid,
		.pid = c->pid,
		.sock = c->sock[0],
	};

	return listener_wanted(&c->plan->filter) ? listener_deliver(&h, err) : 0;
}

static int step_created(void *arg, struct err *err)
{
	struct creation *c = arg;

	return await_created(c->sock[0], c->pidfd, err);
}

static int step_read_back(void *arg, struct err *err)
{
	struct creation *c = arg;

	const struct spec_linux *l = &c->plan->spec->linux_;
	struct readback_args args = {
		.process = &c->plan->spec->process,
		.uid_maps = l->uid_maps,
		.gid_maps = l->gid_maps,
		.n_uid_maps = l->n_uid_maps,
		.n_gid_maps = l->n_gid_maps,
		.filter = &c->plan->filter,
		.userns = c->plan->ns.has[NS_USER],
		.ids_unchecked = c->plan->ns.join[NS_USER],
	};

	int r = process_read_back(c->proc_fd, c->pid, &args, err);

	if (r == 0 && c->plan->ns.time_offsets)
		r = ns_check_time(c->proc_fd, c->pid, c->plan->ns.time_offsets, err);
	return r;
}

const struct step create_steps[] = {
	{ "open /proc", step_open_proc, "open the host's procfs and check that it is one", NULL },
	{ "cgroup and limits", step_cgroup, "make the cgroup, write limits and device rules",
	  explain_cgroup },
	{ "cache and bandwidth classes", step_classes,
	  "make the resctrl groups, write their schemata", explain_classes },
	{ "cgroup view", step_view, "find what mounts of type cgroup are to show", NULL },
	{ "mount sources", step_sources, "clone bind sources while they can be reached",
	  explain_sources },
	{ "root on the host", step_host_root,
	  "without a mount namespace: journal and make the root's mounts", explain_host_root },
	{ "fifos", step_fifos, "make exec.fifo and exec.report, where init waits for start", NULL },
	{ "clone init", step_spawn, "clone the first process into its namespaces", explain_clone },
	{ "limits of the unit", step_limits,
	  "with the systemd driver: start the unit, write what it has no property for",
	  explain_unit },
	{ "id maps, classes, CPUs, oom score", step_maps, "write what only the creator may",
	  explain_maps },
	{ "network devices", step_net_devices, "move devices of the host into the container",
	  explain_net_devices },
	{ "identity of init", step_identity, "note which process init is, so that no other is hit",
	  NULL },
	{ "let init go", step_go, "tell init that it has been moved and mapped", NULL },
	{ "late mount sources", step_late_sources,
	  "while init mounts: open for it what lies on its own mounts", explain_late_sources },
	{ "prestart and createRuntime hooks", step_hooks,
	  "run the host's hooks once init has mounted all", explain_host_hooks },
	{ "console", step_console, "take the terminal's master from init and hand it on",
	  explain_console },
	{ "rlimits, scheduler and state", step_state,
	  "set limits and scheduling, write state.json, release init", explain_limits },
	{ "seccomp agent", step_listener,
	  "with SCMP_ACT_NOTIFY: take the listener from init and give it to the agent",
	  explain_listener },
	{ "wait for created", step_created, "wait until init waits for start", NULL },
	{ "read back", step_read_back, "compare with /proc what init has applied", NULL },
	{ NULL, NULL, NULL, NULL },
};

int ctr_create(struct ctr *ctr, struct ctr_plan *plan, const struct ctr_create_opts *opts,
               int *ret_pidfd, struct err *err)
{
	struct creation c = {
		.ctr = ctr,
		.plan = plan,
		.opts = opts,
		.fifo_fd = FD_INVALID,
		.ask = { .sock = FD_INVALID },
		.report_fd = FD_INVALID,
		.sys_fd = FD_INVALID,
		.proc_fd = FD_INVALID,
		.cgroup_fd = FD_INVALID,
		.net_fd = FD_INVALID,
		.root_fds = { FD_INVALID, FD_INVALID },
		.sock = { FD_INVALID, FD_INVALID },
		.pidfd = FD_INVALID,
	};
	int r;

	r = steps_run("create", create_steps, &c, err);
	if (r < 0 && c.pidfd >= 0) {
		(void)proc_pidfd_signal(c.pidfd, SIGKILL);
		(void)proc_waitpid(c.pid, NULL);
	}
	if (r < 0)
		ns_netdevs_return(plan->spec, c.net_fd, &c.net_devices);
	ns_netdevs_free(plan->spec, &c.net_devices);
	if (r == 0 && ret_pidfd)
		*ret_pidfd = take_fd(&c.pidfd);
	for (int i = 0; i < MNT_HOST_ROOTS; i++)
		fd_close(c.root_fds[i]);
	fd_close(c.net_fd);
	fd_close(c.fifo_fd);
	fd_close(c.ask.sock);
	fd_close(c.report_fd);
	fd_close(c.sys_fd);
	fd_close(c.proc_fd);
	fd_close(c.cgroup_fd);
	fd_close(c.sock[0]);
	fd_close(c.sock[1]);
	fd_close(c.pidfd);
	rdt_done(&c.rdt);
	cg_view_done(&c.view);
	cg_host_free(c.host);
	return r;
}
