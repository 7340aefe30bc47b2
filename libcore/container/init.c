/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's first process, from its birth to execve(2): one step table.
 *
 * It was cloned into its new namespaces (or by the joiner into the given ones) and shares nothing
 * with the creator but the sync socket and copies of memory. It is tied to the creator by PDEATHSIG
 * and by EOF on the socket until it is released; then it loads the late filter, says "created" and
 * waits in read(2) on exec.fifo, holding no other descriptor of the host than the two FIFOs (and,
 * for an ordinary user, what nsask.c is about).
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "berth/log.h"
#include "kernel/syscalls.h"

static int step_go(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return sync_expect(a->sync, SYNC_GO, &a->host_pid, sizeof(a->host_pid), NULL, err);
}

/* Root of the new user namespace. A change of credentials clears PDEATHSIG and may make us
 * dumpable: both are set again. */
static int step_user_root(void *arg, struct err *err)
{
	struct init_args *a = arg;

	if (a->plan->ns.has[NS_USER]) {
		_cleanup_close_ int proc =
		    open("/proc",
		         O_PATH | O_DIRECTORY | O_CLOEXEC); /* the host's: nothing is mounted yet */

		a->process.setgroups_denied = proc >= 0 && setgroups_is_denied(proc, "self");
		/* Groups first while we may; setgroups is denied in single-id maps. */
		if (setgroups(0, NULL) < 0 && errno != EPERM)
			return err_set(err, -errno, "drop supplementary groups");
		if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			return err_set(err, -errno,
			               "become root of the user namespace: does linux.uidMappings "
			               "map container id 0?");
	}
	(void)proc_set_dumpable(false);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

static int step_session(void *arg, struct err *err)
{
	struct init_args *a = arg;
	int r;

	if (setsid() < 0 && errno != EPERM)
		return err_set(err, -errno, "start a session");
	r = process_open_procfs(&a->process, err);
	if (r < 0 || a->opts->no_new_keyring)
		return r;
	return process_keyring(&a->process, a->ctr->id, err);
}

static int step_cgroup_namespace(void *arg, struct err *err)
{
	struct init_args *a = arg;
	const struct ns_plan *ns = &a->plan->ns;

	if ((ns->new_flags & CLONE_NEWCGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return err_set(err, -errno, "make a cgroup namespace");
	nsask_hold(&a->ask); /* this was the last one */
	return 0;
}

static int step_network(void *arg, struct err *err)
{
	struct init_args *a = arg;
	struct ifreq ifr = { .ifr_name = "lo" };
	_cleanup_close_ int sock = FD_INVALID;

	if (!(a->plan->ns.new_flags & CLONE_NEWNET))
		return 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_set(err, -errno, "open a socket to bring up \"lo\"");
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return err_set(err, -errno, "bring up \"lo\"");
	return 0;
}

static int step_root(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return mnt_plan_mounts(a->plan->mnt) ? mnt_prepare_root(&a->mnt, a->plan->mnt, err) : 0;
}

static int ask_source(void *arg, const struct mnt_op *op, int mntns_fd, struct err *err)
{
	struct init_args *a = arg;
	uint32_t i = (uint32_t)(op - a->plan->mnt->ops);
	int fd = FD_INVALID;
	int r = sync_send(a->sync, SYNC_ASK_SOURCE, &i, sizeof(i), mntns_fd, err);

	if (r == 0)
		r = sync_expect(a->sync, SYNC_SOURCE, NULL, 0, &fd, err);
	return r < 0 ? r : fd;
}

static int step_mounts(void *arg, struct err *err)
{
	struct init_args *a = arg;

	a->mnt.ask = ask_source;
	a->mnt.ask_arg = a;
	return mnt_plan_mounts(a->plan->mnt) ? mnt_mount_all(&a->mnt, a->plan->mnt, a->cgroups, err)
	                                     : 0;
}

static int step_devices(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return mnt_plan_mounts(a->plan->mnt) ? mnt_make_devices(&a->mnt, a->plan->mnt, err) : 0;
}

static int step_host_hooks(void *arg, struct err *err)
{
	struct init_args *a = arg;
	int r = sync_send(a->sync, SYNC_MOUNTED, NULL, 0, FD_INVALID, err);

	return r < 0 ? r : sync_expect(a->sync, SYNC_HOOKS_DONE, NULL, 0, NULL, err);
}

static int step_create_container_hooks(void *arg, struct err *err)
{
	struct init_args *a = arg;
	const struct spec *spec = a->plan->spec;
	_cleanup_free_ char *state = NULL;

	if (spec->hooks.n[HOOK_CREATE_CONTAINER] == 0)
		return 0;
	/* Such hooks name files of the container, which is not at "/" yet, from its root. */
	if (a->mnt.root_fd >= 0 && fchdir(a->mnt.root_fd) < 0)
		return err_set(err, -errno, "chdir to the root for createContainer hooks");
	state = state_document(a->ctr, spec, CTR_CREATING, a->host_pid);
	return hooks_run(&spec->hooks, HOOK_CREATE_CONTAINER, state, NULL, err);
}

static int step_console(void *arg, struct err *err)
{
	struct init_args *a = arg;
	_cleanup_close_ int master = FD_INVALID;
	int r;

	if (!a->plan->spec->process.terminal)
		return 0;
	r = mnt_open_pty(&a->mnt, &master, &a->process.slave_fd, a->console_name, err);
	if (r == 0 && mnt_plan_mounts(a->plan->mnt))
		r = mnt_bind_console(&a->mnt, a->process.slave_fd, err);
	if (r == 0)
		r = sync_send(a->sync, SYNC_CONSOLE, a->console_name, strlen(a->console_name) + 1,
		              master, err);
	return r;
}

static int step_change_root(void *arg, struct err *err)
{
	struct init_args *a = arg;
	const struct mnt_plan *mnt = a->plan->mnt;
	int r;

	if (!mnt_plan_mounts(mnt)) {
		/* A mount namespace that was joined: its root is the root; nothing of it is ours to
		 * change. */
		return chdir("/") < 0
		           ? err_set(err, -errno, "enter the root of the joined mount namespace")
		           : 0;
	}
	r = mnt_change_root(&a->mnt, mnt, a->opts->no_pivot, err);
	if (r == 0)
		r = mnt_make_cwd(&a->mnt, a->plan->spec->process.cwd, err);
	return r == 0 ? mnt_finish_root(&a->mnt, mnt, err) : r;
}

static int step_names(void *arg, struct err *err)
{
	struct init_args *a = arg;
	const struct spec *spec = a->plan->spec;

	umask(init_umask(&spec->process));
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return err_set(err, -errno, "set hostname \"%s\"", spec->hostname);
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return err_set(err, -errno, "set domainname \"%s\"", spec->domainname);
	return 0;
}

static int step_labels(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return process_labels(&a->process, err);
}

static int step_sysctl(void *arg, struct err *err)
{
	struct init_args *a = arg;
	int r = sysctl_apply(a->sys_fd, a->plan->spec, err);

	fd_reset(&a->sys_fd);
	return r;
}

static int step_masks(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return mnt_plan_mounts(a->plan->mnt) ? mnt_mask_paths(&a->mnt, a->plan->mnt, err) : 0;
}

static int step_memory(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return process_memory(&a->process, err);
}

static int step_ready(void *arg, struct err *err)
{
	struct init_args *a = arg;
	int r = sync_send(a->sync, SYNC_READY, NULL, 0, FD_INVALID, err);

	return r < 0 ? r : sync_expect(a->sync, SYNC_RELEASE, NULL, 0, NULL, err);
}

static void on_end_signal(int sig)
{
	_exit(128 + sig);
}

/*
 * Before any filter: execve resets handlers, so nothing remains to be done afterwards. The first
 * process of a pid namespace ignores what it has no handler for, and a container that was created
 * and never started has to go on TERM.
 */
static void prepare_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sigaction act = { .sa_handler = on_end_signal };

	proc_reset_signals();
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaction(ends[i], &act, NULL);
}

/* Behind the FIFOs, which are there already. */
static void keep_for_exec(struct init_args *a)
{
	int *keep = a->process.keep;

	while (*keep >= 0)
		keep++;
	for (size_t i = 0; i < a->ask.n; i++)
		*keep++ = a->ask.fd[i];
	*keep++ = a->ask.sock;
	*keep = FD_INVALID;
}

static int step_stdio(void *arg, struct err *err)
{
	struct init_args *a = arg;
	int r;

	prepare_signals();
	/* What a listing would show to whoever shares our pid namespace: nothing of the host from
	 * here on. */
	mnt_ctx_done(&a->mnt);
	r = process_stdio(&a->process, err);
	fd_reset(&a->process.slave_fd);
	keep_for_exec(a);
	if (r == 0)
		r = process_environment(&a->process, err);
	return r == 0 ? process_close_others(&a->process, err) : r;
}

/* The tie to the creator ends before a filter could forbid the call. From here the creator's death
 * is survived. */
static int step_untie(void *arg, struct err *err)
{
	(void)arg;
	return prctl(PR_SET_PDEATHSIG, 0) < 0
	           ? err_set(err, -errno, "clear the parent death signal")
	           : 0;
}

static int step_credentials(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return process_credentials(&a->process, err);
}

static int step_lookup(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return process_lookup(&a->process, err);
}

static int step_late_seccomp(void *arg, struct err *err)
{
	struct init_args *a = arg;

	return process_late_seccomp(&a->process, err);
}

const struct step init_steps[] = {
	{ "wait until moved and mapped", step_go, "read from the sync socket", NULL },
	{ "become root of the user namespace", step_user_root,
	  "take its ids 0:0 if there is one; stay tied to the creator, not dumpable", NULL },
	{ "session and keyring", step_session, "start a session of its own", explain_session },
	{ "cgroup namespace", step_cgroup_namespace, "unshare it inside the container's cgroup",
	  explain_cgroup_namespace },
	{ "loopback", step_network, "bring up \"lo\" of a new network namespace", explain_network },
	{ "root file system", step_root, "make the rootfs a mount, apart from the host's",
	  explain_root },
	{ "mounts", step_mounts, "mount all in list order", explain_mounts },
	{ "devices", step_devices, "fill /dev", explain_devices },
	{ "host hooks", step_host_hooks, "wait while the creator runs its hooks", NULL },
	{ "createContainer hooks", step_create_container_hooks,
	  "run hooks in the container's namespaces, programs of the host",
	  explain_container_hooks },
	{ "console", step_console, "open a pty of the container's devpts, send its master", NULL },
	{ "change root", step_change_root,
	  "enter the new root, let go of the old, close for writing", explain_change_root },
	{ "hostname, domainname, umask", step_names, "set them", explain_names },
	{ "labels", step_labels, "AppArmor profile and SELinux label of the program and its keys",
	  explain_labels },
	{ "sysctl", step_sysctl, "write kernel parameters through the host's /proc/sys",
	  explain_sysctl },
	{ "masked and read-only paths", step_masks, "cover them, and check that they are",
	  explain_masks },
	{ "personality, memory policy", step_memory, "set what its program is to inherit",
	  explain_memory },
	{ "ready", step_ready, "tell the creator, wait to be released", NULL },
	{ "stdio and descriptors", step_stdio, "put stdio in place, close all else",
	  explain_stdio },
	{ "untie from the creator", step_untie, "survive its death from here on", NULL },
	{ "credentials", step_credentials, "give up what is not the process's own",
	  explain_credentials },
	{ "find the program", step_lookup, "look it up in the container's PATH", explain_program },
	{ "seccomp", step_late_seccomp, "load the filter, if not before the credentials",
	  explain_seccomp },
	{ NULL, NULL, NULL, NULL },
};

/* After "created": only read(2) is needed to wait, write(2) to answer. Errors go to exec.report as
 * text. */
static void fail_start(const struct init_args *a, const struct err *err)
{
	(void)fd_write_all(a->report_fd, err->msg, strlen(err->msg));
	_exit(1);
}

static void wait_for_start(const struct init_args *a)
{
	char go;
	ssize_t n;

	for (;;) {
		n = read(a->fifo_fd, &go, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1)
			_exit(1);
		if (go != NSASK_QUESTION)
			return;
		nsask_answer(&a->ask, a->fifo_fd);
	}
}

static void start_hooks(struct init_args *a)
{
	const struct spec *spec = a->plan->spec;
	_cleanup_free_ char *state = NULL;
	struct err err = { 0 };

	if (spec->hooks.n[HOOK_START_CONTAINER] == 0)
		return;
	if (listener_wanted(a->process.filter))
		listener_wait_for_children();
	state = state_document(a->ctr, spec, CTR_CREATED, getpid());
	if (hooks_run(&spec->hooks, HOOK_START_CONTAINER, state, a->process.env, &err) < 0)
		fail_start(a, &err);
}

void init_main(struct init_args *a)
{
	struct err err = { 0 };

	a->process.mnt = &a->mnt;
	if (steps_run("init", init_steps, a, &err) < 0) {
		sync_send_error(a->sync, &err);
		_exit(1);
	}
	/* The filter may already be in force: neither of these has to work for the creator to
	 * notice. */
	(void)sync_send(a->sync, SYNC_CREATED, NULL, 0, FD_INVALID, NULL);
	fd_reset(&a->sync);
	wait_for_start(a);
	start_hooks(a);
	(void)!write(a->report_fd, "\n", 1);
	process_exec(&a->process, &err);
	fail_start(a, &err);
	_exit(1);
}
