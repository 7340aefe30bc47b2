/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one clone: new namespaces, pidfd, cgroup and parent in a single call.
 *
 * clone3(2) puts the child into its cgroup as it is born. Where that is refused (threaded or
 * non-leaf groups, an old kernel, a delegation without write permission) the child is born in the
 * caller's and the caller is told, who attaches it by the file interface and reports that error.
 * Where an outer sandbox hides clone3 behind ENOSYS, clone(2) serves, which knows all but cgroups
 * and time namespaces.
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "base/fd.h"
#include "berth/log.h"
#include "kernel/syscalls.h"
#include "tables/namespaces.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* The kernel takes a parent's exit signal only from its own: with CLONE_PARENT the child inherits
 * the caller's, and clone3 wants 0. */
static unsigned int exit_signal(uint64_t flags)
{
	return flags & CLONE_PARENT ? 0 : SIGCHLD;
}

static pid_t clone_new(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	int pidfd = FD_INVALID;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = exit_signal(flags),
	};
	pid_t pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid = k_clone3(&args, sizeof(args));
	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}

/* The order of clone(2)'s arguments differs by architecture from the fourth on, all 0 here; s390
 * has the first two swapped. The pidfd is stored where the parent's tid would be. */
static pid_t clone_old(uint64_t flags, int *ret_pidfd)
{
	unsigned long all = (unsigned long)flags | CLONE_PIDFD | exit_signal(flags);
	int pidfd = FD_INVALID;
	long pid;

#if defined(__s390__) || defined(__s390x__)
	pid = syscall(SYS_clone, 0UL, all, &pidfd, 0UL, 0UL);
#else
	pid = syscall(SYS_clone, all, 0UL, &pidfd, 0UL, 0UL);
#endif
	if (pid < 0)
		return -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

/* Errors that speak of the cgroup, or may. When they do not, the second try gives them again. */
static bool may_be_cgroup(int r)
{
	switch (r) {
	case -EBUSY:      /* has children with controllers */
	case -EOPNOTSUPP: /* a threaded group */
	case -EACCES:     /* delegation: cgroup.procs of the common ancestor */
	case -EPERM:
	case -EBADF:
	case -ENODEV: /* removed meanwhile */
	case -ENOENT:
	case -EINVAL: /* kernels that do not know the flag */
	case -E2BIG:
		return true;
	default:
		return false;
	}
}

static int clone_error(int r, uint64_t flags, struct err *err)
{
	if (r == -EPERM && (flags & CLONE_NEWUSER))
		return err_set(err, r,
		               "create a process in a new user namespace (see "
		               "/proc/sys/user/max_user_namespaces and the distribution's "
		               "restrictions on unprivileged user namespaces)");
	if (r == -EPERM && flags & ~(uint64_t)CLONE_PARENT)
		return err_set(err, r,
		               "create a process in new namespaces (CAP_SYS_ADMIN is missing; as "
		               "an ordinary user add a user namespace)");
	if (r == -ENOSPC || r == -EUSERS)
		return err_set(err, r,
		               "create a process in new namespaces (a limit in /proc/sys/user/ is "
		               "reached)");
	if (r == -EINVAL)
		return err_set(err, r,
		               "create a process in new namespaces (a type that this kernel "
		               "lacks?)");
	if (r == -EAGAIN)
		return err_set(err, r, "create a process (a limit of processes is reached)");
	return err_set(err, r, "create a process");
}

pid_t ns_clone(uint64_t new_flags, int cgroup_fd, bool clone_parent, int *ret_pidfd,
               bool *ret_into_cgroup, struct err *err)
{
	uint64_t flags = new_flags | (clone_parent ? CLONE_PARENT : 0);
	bool into = cgroup_fd >= 0;
	_cleanup_close_ int pidfd = FD_INVALID;
	pid_t pid = clone_new(flags, cgroup_fd, &pidfd);

	if (into && pid < 0 && may_be_cgroup(pid)) {
		log_debug("clone into the cgroup: error %d, trying without", -pid);
		into = false;
		pid = clone_new(flags, FD_INVALID, &pidfd);
	}
	if (pid == -ENOSYS) {
		into = false;
		if (flags & CLONE_NEWTIME)
			return err_set(err, -ENOSYS,
			               "create a time namespace: clone3(2) is needed and not "
			               "available");
		pid = clone_old(flags, &pidfd);
	}
	if (pid < 0)
		return clone_error(pid, flags, err);
	if (pid == 0)
		return 0;
	if (ret_pidfd)
		*ret_pidfd = take_fd(&pidfd);
	if (ret_into_cgroup)
		*ret_into_cgroup = into;
	return pid;
}
