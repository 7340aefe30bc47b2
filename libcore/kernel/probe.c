/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature probes. Calls are made with arguments that a kernel which has the call rejects in its own
 * way, before it changes anything: then an errno other than ENOSYS (no such call) and EPERM (what
 * sandboxes answer) proves that the call is there. Answers are cached; the cache is one of the two
 * mutable globals of libcore.
 */
#include "kernel/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <linux/seccomp.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "kernel/syscalls.h"

#define PIDFS_FS_MAGIC  0x50494446
#define KERNEL_REQUIRED "5.12"

enum answer { UNKNOWN, NO, YES };

enum probe {
	P_OPENAT2,
	P_MOUNT_SETATTR,
	P_CLONE3,
	P_CLOSE_RANGE,
	P_PIDFD_OPEN,
	P_CLONE3_INTO_CGROUP,
	P_PIDFD_INFO,
	P_PIDFS,
	P_USER_NS,
	P_TIME_NS,
	P_CGROUP_NS,
	P_SECCOMP,
	P_SECCOMP_NOTIFY,
	P_FSCONFIG,
	P_OPEN_TREE,
	P_IDMAPPED_MOUNTS,
	P_LANDLOCK,
	P_KEYRINGS,
	P_MEMFD_EXEC,
	N_PROBES
};

static enum answer cache[N_PROBES];

static bool cached(enum probe which, bool (*try)(void))
{
	if (cache[which] == UNKNOWN) {
		int saved = errno;

		cache[which] = try() ? YES : NO;
		errno = saved;
	}
	return cache[which] == YES;
}

/* Close a descriptor that a probe got; was it one? */
static bool got_fd(int fd)
{
	fd_close(fd);
	return fd >= 0;
}

static bool try_openat2(void)
{
	return got_fd(k_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT));
}

static bool try_mount_setattr(void)
{
	/* A structure of size 0 is refused before privileges are looked at. */
	return syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 && errno == EINVAL;
}

static bool try_clone3(void)
{
	return k_clone3(NULL, 0) == -EINVAL;
}

static bool try_close_range(void)
{
	return k_close_range(UINT_MAX, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool try_pidfd_open(void)
{
	return got_fd(k_pidfd_open(getpid(), 0));
}

static bool try_clone3_into_cgroup(void)
{
	/* Without the flag the kernel calls it invalid; with it, it misses the descriptor. */
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
		                   .exit_signal = SIGCHLD,
		                   .cgroup = INT_MAX };

	return k_clone3(&args, sizeof(args)) == -EBADF;
}

/*
 * A child that exits at once; exit_signal 0 keeps it from every SIGCHLD handler. Its pidfd is in
 * *ret_pidfd and it has been reaped. The wait status, or -errno.
 */
static int short_child(uint64_t flags, int *ret_pidfd)
{
	int pidfd = FD_INVALID, status = 0;
	struct clone_args args = { .flags = flags | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd };
	pid_t pid = k_clone3(&args, sizeof(args)), r;

	if (pid < 0)
		return pid;
	if (pid == 0)
		_exit(0);
	do
		r = waitpid(pid, &status, __WALL);
	while (r < 0 && errno == EINTR);
	*ret_pidfd = pidfd;
	return r < 0 ? -errno : status;
}

static bool try_pidfd_info(void)
{
	_cleanup_close_ int pidfd = FD_INVALID;
	int status = -1;

	return short_child(0, &pidfd) >= 0 && proc_pidfd_exit_status(pidfd, &status) == 0;
}

static bool try_pidfs(void)
{
	_cleanup_close_ int pidfd = k_pidfd_open(getpid(), 0);
	struct statfs fs;

	return pidfd >= 0 && fstatfs(pidfd, &fs) == 0 && (unsigned long)fs.f_type == PIDFS_FS_MAGIC;
}

int probe_unshare(uint64_t flags)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(unshare((int)flags) < 0 ? errno : 0);
	if (proc_waitpid(pid, &status) < 0 || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static bool try_user_ns(void)
{
	return probe_unshare(CLONE_NEWUSER) == 0;
}

static bool try_time_ns(void)
{
	return access("/proc/self/ns/time", F_OK) == 0;
}

static bool try_cgroup_ns(void)
{
	return access("/proc/self/ns/cgroup", F_OK) == 0;
}

static bool try_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return k_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool try_seccomp_notify(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return k_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static bool try_fsconfig(void)
{
	/* No such descriptor: said before privileges are looked at. */
	return syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0) < 0 && errno == EINVAL;
}

static bool try_open_tree(void)
{
	return got_fd(k_open_tree(AT_FDCWD, "/", AT_NO_AUTOMOUNT));
}

static bool try_idmapped_mounts(void)
{
	/* Permitted and known, it misses the descriptor of a user namespace. */
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = INT_MAX };

	return k_mount_setattr(AT_FDCWD, "/", 0, &attr) == -EBADF;
}

static bool try_landlock(void)
{
	/* Asks for the version of the interface. Off at boot: EOPNOTSUPP. */
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static bool try_keyrings(void)
{
	/* Asks for the serial of our session keyring without making one; ENOKEY is an answer. */
	long r = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);

	return r >= 0 || (errno != ENOSYS && errno != EPERM);
}

static bool try_memfd_exec(void)
{
	return got_fd(k_memfd_create("probe", MFD_EXEC));
}

bool probe_openat2(void)
{
	return cached(P_OPENAT2, try_openat2);
}

bool probe_mount_setattr(void)
{
	return cached(P_MOUNT_SETATTR, try_mount_setattr);
}

bool probe_clone3(void)
{
	return cached(P_CLONE3, try_clone3);
}

bool probe_close_range(void)
{
	return cached(P_CLOSE_RANGE, try_close_range);
}

bool probe_pidfd_open(void)
{
	return cached(P_PIDFD_OPEN, try_pidfd_open);
}

bool probe_clone3_into_cgroup(void)
{
	return cached(P_CLONE3_INTO_CGROUP, try_clone3_into_cgroup);
}

bool probe_pidfd_info(void)
{
	return cached(P_PIDFD_INFO, try_pidfd_info);
}

bool probe_pidfs(void)
{
	return cached(P_PIDFS, try_pidfs);
}

bool probe_user_ns(void)
{
	return cached(P_USER_NS, try_user_ns);
}

bool probe_time_ns(void)
{
	return cached(P_TIME_NS, try_time_ns);
}

bool probe_cgroup_ns(void)
{
	return cached(P_CGROUP_NS, try_cgroup_ns);
}

bool probe_seccomp(void)
{
	return cached(P_SECCOMP, try_seccomp);
}

bool probe_seccomp_notify(void)
{
	return cached(P_SECCOMP_NOTIFY, try_seccomp_notify);
}

static bool probe_fsconfig(void)
{
	return cached(P_FSCONFIG, try_fsconfig);
}

static bool probe_open_tree(void)
{
	return cached(P_OPEN_TREE, try_open_tree);
}

bool probe_idmapped_mounts(void)
{
	return cached(P_IDMAPPED_MOUNTS, try_idmapped_mounts);
}

bool probe_landlock(void)
{
	return cached(P_LANDLOCK, try_landlock);
}

bool probe_keyrings(void)
{
	return cached(P_KEYRINGS, try_keyrings);
}

bool probe_memfd_exec(void)
{
	return cached(P_MEMFD_EXEC, try_memfd_exec);
}

const struct probe_row probe_table[] = {
	{ "openat2", "5.6", true, probe_openat2,
	  "no container: paths inside a root can't be resolved safely" },
	{ "fsopen", "5.2", true, probe_fsconfig,
	  "no container: file systems can't be mounted by descriptor" },
	{ "open_tree", "5.2", true, probe_open_tree,
	  "no container: bind mounts can't be made by descriptor" },
	{ "mount_setattr", "5.12", true, probe_mount_setattr,
	  "no container: mounts can't be made read-only safely" },
	{ "close_range", "5.11", true, probe_close_range,
	  "no container: descriptors of the host can't be closed safely" },
	{ "pidfd_open", "5.3", true, probe_pidfd_open,
	  "no container: a process can't be told from a later one of its number" },
	{ "clone3", "5.3", false, probe_clone3,
	  "clone(2) is used: init is moved into its cgroup after its birth; no new time "
	  "namespaces" },
	{ "clone_into_cgroup", "5.7", false, probe_clone3_into_cgroup,
	  "init is moved into its cgroup after its birth, which takes longer" },
	{ "pidfd_exit_info", "6.15", false, probe_pidfd_info,
	  "the exit status of a container without a shim is unknown to `wait`" },
	{ "pidfs", "6.9", false, probe_pidfs, "processes are recognized by number and start time" },
	{ "user_namespace", "3.8", false, probe_user_ns,
	  "containers with a user namespace are refused: none at all for ordinary users" },
	{ "time_namespace", "5.6", false, probe_time_ns,
	  "containers with a time namespace are refused" },
	{ "cgroup_namespace", "4.6", false, probe_cgroup_ns,
	  "containers with a cgroup namespace are refused" },
	{ "idmapped_mounts", "5.12", false, probe_idmapped_mounts,
	  "mounts with idmap or ridmap are refused" },
	{ "seccomp", "3.17", false, probe_seccomp,
	  "containers with a seccomp profile are refused" },
	{ "seccomp_notify", "5.0", false, probe_seccomp_notify,
	  "profiles with SCMP_ACT_NOTIFY are refused" },
	{ "landlock", "5.13", false, probe_landlock,
	  "the shim does not close the file system to itself" },
	{ "keyrings", "2.6.10", false, probe_keyrings,
	  "containers share the caller's session keyring" },
	{ "memfd_exec", "6.3", false, probe_memfd_exec,
	  "the sealed copy of our binary is made without MFD_EXEC" },
	{ 0 },
};

int probe_require(struct err *err)
{
	for (const struct probe_row *row = probe_table; row->name; row++)
		if (row->required && !row->have())
			return err_text(
			    err, -ENOSYS,
			    "this kernel has no %s, or a sandbox forbids it: berth needs "
			    "Linux " KERNEL_REQUIRED " or newer",
			    row->name);
	return 0;
}
