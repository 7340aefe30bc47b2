/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Birth of a container's process: directly, or by way of a joiner.
 *
 * New namespaces alone need one clone3. Whatever must be joined is joined by a joiner J, a
 * throw-away child: it does the setns calls and clones the process with CLONE_PARENT, so that the
 * process is the creator's child and not J's, hands over its pidfd and exits. The creator itself
 * never enters a namespace.
 *
 *     creator ──clone──► J ──setns…──clone(CLONE_PARENT)──► process (child of creator)
 *        ◄──── pidfd ────┘
 *
 * On v2 the first of them is born inside the container's cgroup; elsewhere the creator moves it
 * there before it is let go.
 */
#include "container/internal.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"

/* In every child: what only the creator may hold, and the tie to it. EOF on the socket covers a
 * creator that died before the prctl. */
static void child_begin(const struct spawn_opts *opts)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (const int *fd = opts->close_fds; fd && *fd >= 0; fd++)
		fd_close(*fd);
	fd_reset(&opts->sock[0]);
	if (opts->cgroup_fd >= 0)
		fd_close(opts->cgroup_fd);
}

static void joiner_fail(int sock, const struct err *err)
{
	sync_send_error(sock, err);
	_exit(1);
}

/*
 * A process in the container's pid namespace is seen by the container, which may hold
 * CAP_SYS_PTRACE: a directory of the host among its descriptors would be a way out, however
 * briefly it is there. The namespaces' own files are needed for the joins.
 */
static int joiner_close(const struct spawn_opts *opts, struct err *err)
{
	int keep[5 + NS_TYPES];
	size_t n = 0;

	if (!opts->only)
		return 0;
	keep[n++] = opts->sock[1];
	if (opts->root_fd >= 0)
		keep[n++] = opts->root_fd;
	for (int i = 0; i < 3; i++)
		if (opts->only->stdio[i] >= 0)
			keep[n++] = opts->only->stdio[i];
	for (int i = 0; i < NS_TYPES; i++)
		if (opts->ns->fd[i] >= 0)
			keep[n++] = opts->ns->fd[i];
	return close_all_but(3 + opts->only->preserve_fds, keep, n, err);
}

/*
 * A time namespace with offsets. In a user namespace that was made for it the joiner is dumpable
 * while it writes: its files in /proc belong to the host's root otherwise.
 */
static int joiner_time(const struct ns_plan *ns, struct err *err)
{
	int r;

	if (!ns->time_offsets)
		return 0;
	r = ns->user_first ? ns_become_root(err) : 0;
	if (r < 0)
		return r;
	(void)proc_set_dumpable(ns->user_first);
	r = ns_make_time(ns->time_offsets, err);
	(void)proc_set_dumpable(false);
	return r;
}

/* Before there is a process in the container's namespaces, which would hold the descriptor. */
static int joiner_root(const struct spawn_opts *opts, struct err *err)
{
	if (opts->root_fd < 0)
		return 0;
	if (fchdir(opts->root_fd) < 0 || chroot(".") < 0)
		return err_set(err, -errno, "enter the container's root");
	fd_close(opts->root_fd);
	return 0;
}

/* Returns only in the process that is to become init (or exec's process). */
static void joiner_main(const struct spawn_opts *opts, uint64_t new_flags)
{
	struct err err = { 0 };
	int sock = opts->sock[1];
	int pidfd = FD_INVALID;
	pid_t pid;

	if (sync_expect(sock, SYNC_GO, NULL, 0, NULL, &err) < 0)
		_exit(1);
	if (joiner_close(opts, &err) < 0 || joiner_time(opts->ns, &err) < 0 ||
	    ns_join_all(opts->ns, &err) < 0 || joiner_root(opts, &err) < 0)
		joiner_fail(sock, &err);
	pid = ns_clone(new_flags, FD_INVALID, true, &pidfd, NULL, &err);
	if (pid < 0)
		joiner_fail(sock, &err);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	if (sync_send(sock, SYNC_PIDFD, NULL, 0, pidfd, &err) < 0)
		joiner_fail(sock, &err);
	_exit(0);
}

/* Wait for the joiner's message; a joiner that died silently must not leave us waiting on the
 * socket that its child still holds. */
static int take_pidfd(const struct spawn_opts *opts, int joiner_pidfd, int *ret_pidfd,
                      struct err *err)
{
	struct pollfd fds[2] = { { .fd = opts->sock[0], .events = POLLIN },
		                 { .fd = joiner_pidfd, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "wait for the joiner");
	if (!(fds[0].revents & POLLIN)) {
		/* It may have sent just before it exited. */
		if (poll(fds, 1, 0) <= 0)
			return err_text(err, -EPIPE,
			                "the process that joins the namespaces was killed");
	}
	return sync_expect(opts->sock[0], SYNC_PIDFD, NULL, 0, ret_pidfd, err);
}

/* A process joins a container that may have changed its cgroups: on v2 it is where init is that
 * there is room, or a cgroup at all. */
static int attach(const struct spawn_opts *opts, pid_t pid, struct err *err)
{
	struct cg *inits = NULL;
	int r = cg_attach(opts->cgroup, pid, err);

	if ((r != -EBUSY && r != -EOPNOTSUPP && r != -ENOENT) || opts->follow <= 0 ||
	    cg_follow(opts->cgroup, opts->follow, r == -ENOENT, &inits) < 0)
		return r;
	err_clear(err);
	r = cg_attach(inits, pid, err);
	cg_free(inits);
	return r;
}

static pid_t finish_joiner(const struct spawn_opts *opts, pid_t joiner, int joiner_pidfd,
                           bool in_cgroup, int *ret_pidfd, struct err *err)
{
	int r = 0;
	pid_t pid;

	if (opts->cgroup && !in_cgroup)
		r = attach(opts, joiner, err);
	if (r == 0 && opts->ns->user_first)
		r = ns_write_maps(joiner, opts->spec, err);
	if (r == 0)
		r = sync_send(opts->sock[0], SYNC_GO, NULL, 0, FD_INVALID, err);
	if (r == 0)
		r = take_pidfd(opts, joiner_pidfd, ret_pidfd, err);
	if (r < 0)
		(void)proc_pidfd_signal(joiner_pidfd, SIGKILL);
	(void)proc_waitpid(joiner, NULL);
	if (r < 0)
		return r;
	pid = proc_pidfd_pid(*ret_pidfd);
	if (pid <= 0) {
		fd_reset(ret_pidfd);
		return err_set(err, pid < 0 ? pid : -ESRCH, "find the pid of the joined process");
	}
	return pid;
}

pid_t spawn_process(const struct spawn_opts *opts, int *ret_pidfd, struct err *err)
{
	/* The new cgroup namespace is unshared by the process once it is in its cgroup: a namespace
	 * made by clone would be rooted at the creator's. */
	uint64_t new_flags = opts->ns->new_flags & ~(uint64_t)CLONE_NEWCGROUP;
	uint64_t first_flags = new_flags;
	_cleanup_close_ int pidfd = FD_INVALID;
	bool in_cgroup = false;
	pid_t pid;
	int r;

	if (opts->ns->needs_joiner)
		first_flags = opts->ns->user_first ? CLONE_NEWUSER : 0;
	new_flags &= ~(opts->ns->user_first ? (uint64_t)CLONE_NEWUSER : 0);
	pid = ns_clone(first_flags, opts->cgroup_fd, false, &pidfd, &in_cgroup, err);
	if (pid < 0)
		return pid;
	if (pid == 0) {
		child_begin(opts);
		if (opts->ns->needs_joiner)
			joiner_main(opts, new_flags);
		return 0;
	}
	fd_reset(&opts->sock[1]);
	if (opts->ns->needs_joiner)
		return finish_joiner(opts, pid, pidfd, in_cgroup, ret_pidfd, err);
	if (opts->cgroup && !in_cgroup) {
		r = attach(opts, pid, err);
		if (r < 0) {
			(void)proc_pidfd_signal(pidfd, SIGKILL);
			(void)proc_waitpid(pid, NULL);
			return r;
		}
	}
	*ret_pidfd = take_fd(&pidfd);
	return pid;
}
