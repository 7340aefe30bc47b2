/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thin wrappers of Linux system calls that libc lacks or declares only in recent versions.
 *
 * Model: every wrapper returns the result (>= 0) or -errno and leaves errno unspecified. A kernel
 * without the call answers -ENOSYS; an outer sandbox may answer -EPERM instead. Nothing is cached
 * or emulated here: kernel/probe.h knows what exists, callers own fall-backs. Every descriptor is
 * born close-on-exec, whatever the caller's flags say.
 *
 * Numbers: all calls since 5.1 have one number on every architecture that berth is built for, so
 * they are given here for headers that are older than the running kernel.
 */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <linux/openat2.h>
#include <linux/sched.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424 /* 5.1 */
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428 /* 5.2 */
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429 /* 5.2 */
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430 /* 5.2 */
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431 /* 5.2 */
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432 /* 5.2 */
#endif
#ifndef SYS_fspick
#define SYS_fspick 433 /* 5.2 */
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* 5.3 */
#endif
#ifndef SYS_clone3
#define SYS_clone3 435 /* 5.3 */
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* 5.9 */
#endif
#ifndef SYS_openat2
#define SYS_openat2 437 /* 5.6 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* 5.6 */
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442 /* 5.12 */
#endif

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444 /* 5.13 */
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431 /* 5.2 */
#endif

/* Constants that headers may lack. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME \
	0x00000080 /* 5.6; not a flag of clone(2): it would sit in the exit signal \
	            */
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL /* 5.7 */
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL /* 5.5 */
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1) /* 5.9 */
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2) /* 5.11 */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x00000100 /* 5.15 */
#endif
#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x00000200 /* 6.5 */
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000 /* 5.12 */
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* 5.14 */
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U /* 5.8 */
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U /* 6.8 */
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000 /* 5.8 */
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 0x0001U
#endif
#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 0x0002U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* 6.3 */
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* 6.3; older kernels answer -EINVAL */
#endif
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK /* 5.10 */
#endif

/*
 * openat2(2), 5.6. flags are those of open(2), O_CLOEXEC is added; mode must be 0 without
 * O_CREAT/O_TMPFILE; resolve: RESOLVE_*. A scoped walk that races with a rename or mount anywhere
 * on the system gives EAGAIN: retried here (bounded; then -EAGAIN), except with RESOLVE_CACHED
 * where it is an answer.
 */
int k_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve);

/*
 * clone3(2), 5.3. Like fork: returns twice; 0 in the child, the pid in the parent, or -errno. No
 * pthread_atfork handlers run and libc's locks are as they were, so the caller is single-threaded.
 * args->stack must be 0 and CLONE_VM absent. CLONE_INTO_CGROUP needs 5.7 (older: -E2BIG or
 * -EINVAL).
 */
pid_t k_clone3(const struct clone_args *args, size_t size);

/* close_range(2), 5.9; CLOSE_RANGE_CLOEXEC needs 5.11 (older: -EINVAL). Both ends are inclusive. */
int k_close_range(unsigned int first, unsigned int last, unsigned int flags);

/* pidfd_open(2), 5.3: always close-on-exec. -ESRCH: no such process, -EINVAL: not a thread-group
 * leader. */
int k_pidfd_open(pid_t pid, unsigned int flags);
/* pidfd_send_signal(2), 5.1, without siginfo. -ESRCH once the process has been reaped. */
int k_pidfd_send_signal(int pidfd, int sig);
/* pidfd_getfd(2), 5.6: a close-on-exec copy of targetfd; needs PTRACE_MODE_ATTACH_REALCREDS. */
int k_pidfd_getfd(int pidfd, int targetfd);

/* open_tree(2), 5.2: flags OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW ...
 */
int k_open_tree(int dirfd, const char *path, unsigned int flags);
/* move_mount(2), 5.2: flags MOVE_MOUNT_*. */
int k_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
/* The common form: attach the detached mount mount_fd exactly on what to_fd refers to. */
int k_move_mount_fd(int mount_fd, int to_fd);
/*
 * mount_setattr(2), 5.12: flags AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW. Unlike
 * mount(MS_REMOUNT), bits that are in neither attr_set nor attr_clr stay as they are.
 */
int k_mount_setattr(int dirfd, const char *path, unsigned int flags, const struct mount_attr *attr);

/* fsopen(2), 5.2: a context for a new superblock of fstype. */
int k_fsopen(const char *fstype);
/* fspick(2), 5.2: a context to reconfigure the superblock of an existing mount; flags FSPICK_*. */
int k_fspick(int dirfd, const char *path, unsigned int flags);
/* fsconfig(2), 5.2. Values are limited to 255 bytes by the kernel (-EINVAL above). */
int k_fsconfig_string(int fsfd, const char *key, const char *value);
int k_fsconfig_flag(int fsfd, const char *key);
int k_fsconfig_fd(int fsfd, const char *key, int fd);
int k_fsconfig_create(int fsfd);
int k_fsconfig_reconfigure(int fsfd);
/* fsmount(2), 5.2: a detached mount of the created superblock; attrs: MOUNT_ATTR_*. */
int k_fsmount(int fsfd, unsigned int attrs);
/*
 * What the kernel wrote into the context's log about the last failure, without its "e " tag, into
 * buf (always terminated, empty when there is nothing). Returns the length. Draining: call once.
 */
size_t k_fs_log(int fsfd, char *buf, size_t cap);

/*
 * Mount id of path (statx(2) with STATX_MNT_ID, 5.8), the number in /proc/PID/mountinfo; flags
 * AT_*. -EOPNOTSUPP where the kernel does not fill it in.
 */
int k_mount_id(int dirfd, const char *path, int flags, uint64_t *ret);
/* The same with STATX_MNT_ID_UNIQUE (6.8): an id that is never used again. */
int k_mount_id_unique(int dirfd, const char *path, int flags, uint64_t *ret);

/* pivot_root(2). With both "." the old root is stacked on the new one, to be detached by umount2.
 */
int k_pivot_root(const char *new_root, const char *put_old);

/* seccomp(2), 3.17: op SECCOMP_*; a listener descriptor where flags ask for one, else 0. */
int k_seccomp(unsigned int op, unsigned int flags, void *args);
/*
 * keyctl(KEYCTL_JOIN_SESSION_KEYRING): a new session keyring (name NULL: anonymous). Returns its
 * serial. -ENOSYS: a kernel without keys, or a sandbox; -EDQUOT: the user's key quota.
 */
int k_keyctl_join_session(const char *name);
/* keyctl(KEYCTL_GETPERM by KEYCTL_DESCRIBE) + KEYCTL_SETPERM: add bits to a key's permissions. */
int k_keyctl_or_perm(int key, uint32_t bits);

/* execveat(2), 3.19: returns only on failure. flags AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW. */
int k_execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);
/* memfd_create(2), 3.17: flags MFD_*, MFD_CLOEXEC is added. */
int k_memfd_create(const char *name, unsigned int flags);
/* bpf(2): attr is the caller's union bpf_attr of size bytes. Descriptors are born close-on-exec. */
int k_bpf(int cmd, void *attr, size_t size);

/* sched_setattr(2), 3.14, in the layout of 5.3; libc's declaration is recent and clashes with the
 * kernel's. */
struct k_sched_attr {
	uint32_t size;
	uint32_t sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
	uint32_t sched_util_min, sched_util_max;
};
int k_sched_setattr(pid_t pid, const struct k_sched_attr *attr);
int k_sched_getattr(pid_t pid, struct k_sched_attr *ret);
/* sched_setaffinity(2), sched_getaffinity(2): size in bytes. */
int k_sched_setaffinity(pid_t pid, size_t size, const uint64_t *mask);
int k_sched_getaffinity(pid_t pid, size_t size, uint64_t *mask);
/* ioprio_set(2), ioprio_get(2): class << 13 | priority. */
int k_ioprio_set(int which, pid_t who, int value);
int k_ioprio_get(int which, pid_t who);
/* set_mempolicy(2) of the calling thread; maxnode is one more than the bits of nodes. -ENOSYS: no
 * NUMA in this kernel. */
int k_set_mempolicy(int mode, const uint64_t *nodes, unsigned long maxnode);
/* The calling thread's mode and mode flags. */
int k_get_mempolicy(int *ret_mode);
