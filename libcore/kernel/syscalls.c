/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call wrappers: see the header. The only logic here is the -errno convention, the
 * close-on-exec rule and the retry of scoped path walks.
 */
#include "kernel/syscalls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/keyctl.h>

/* A walk only restarts when somebody renames or mounts at that very moment; a storm may not hang
 * us. */
#define OPENAT2_TRIES 128

#ifndef FSPICK_CLOEXEC
#define FSPICK_CLOEXEC 0x00000001
#endif

static long ret_errno(long r)
{
	return r < 0 ? -errno : r;
}

int k_openat2(int dirfd, const char *path, uint64_t flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	int r = -EAGAIN;

	for (int i = 0; i < OPENAT2_TRIES; i++) {
		r = ret_errno(syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
		if (r == -EINTR || (r == -EAGAIN && !(resolve & RESOLVE_CACHED)))
			continue;
		break;
	}
	return r;
}

pid_t k_clone3(const struct clone_args *args, size_t size)
{
	return ret_errno(syscall(SYS_clone3, args, size));
}

int k_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return ret_errno(syscall(SYS_close_range, first, last, flags));
}

int k_pidfd_open(pid_t pid, unsigned int flags)
{
	return ret_errno(syscall(SYS_pidfd_open, pid, flags));
}

int k_pidfd_send_signal(int pidfd, int sig)
{
	return ret_errno(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

int k_pidfd_getfd(int pidfd, int targetfd)
{
	return ret_errno(syscall(SYS_pidfd_getfd, pidfd, targetfd, 0));
}

int k_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return ret_errno(syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC));
}

int k_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return ret_errno(syscall(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

int k_move_mount_fd(int mount_fd, int to_fd)
{
	return k_move_mount(mount_fd, "", to_fd, "",
	                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int k_mount_setattr(int dirfd, const char *path, unsigned int flags, const struct mount_attr *attr)
{
	return ret_errno(syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof(*attr)));
}

int k_fsopen(const char *fstype)
{
	return ret_errno(syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC));
}

int k_fspick(int dirfd, const char *path, unsigned int flags)
{
	return ret_errno(syscall(SYS_fspick, dirfd, path, flags | FSPICK_CLOEXEC));
}

static int fsconfig_call(int fsfd, unsigned int cmd, const char *key, const void *value, int aux)
{
	return ret_errno(syscall(SYS_fsconfig, fsfd, cmd, key, value, aux));
}

int k_fsconfig_string(int fsfd, const char *key, const char *value)
{
	return fsconfig_call(fsfd, FSCONFIG_SET_STRING, key, value, 0);
}

int k_fsconfig_flag(int fsfd, const char *key)
{
	return fsconfig_call(fsfd, FSCONFIG_SET_FLAG, key, NULL, 0);
}

int k_fsconfig_fd(int fsfd, const char *key, int fd)
{
	return fsconfig_call(fsfd, FSCONFIG_SET_FD, key, NULL, fd);
}

int k_fsconfig_create(int fsfd)
{
	return fsconfig_call(fsfd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int k_fsconfig_reconfigure(int fsfd)
{
	return fsconfig_call(fsfd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

int k_fsmount(int fsfd, unsigned int attrs)
{
	return ret_errno(syscall(SYS_fsmount, fsfd, FSMOUNT_CLOEXEC, attrs));
}

size_t k_fs_log(int fsfd, char *buf, size_t cap)
{
	char line[256];
	size_t len = 0;
	ssize_t n;

	if (cap == 0)
		return 0;
	buf[0] = '\0';
	/* One message per read(2), "e text", "w text" or "i text"; ENODATA ends the log. */
	while ((n = read(fsfd, line, sizeof(line) - 1)) > 0) {
		size_t skip = n > 2 && line[1] == ' ' ? 2 : 0;

		if (line[0] != 'e')
			continue;
		line[n] = '\0';
		len = n - skip;
		if (len > 0 && line[skip + len - 1] == '\n')
			len--;
		if (len >= cap)
			len = cap - 1;
		memcpy(buf, line + skip, len);
		buf[len] = '\0';
	}
	return len;
}

static int mount_id(int dirfd, const char *path, int flags, unsigned int kind, uint64_t *ret)
{
	struct statx stx;
	int r = ret_errno(statx(dirfd, path, flags, kind, &stx));

	if (r < 0)
		return r;
	if (!(stx.stx_mask & kind))
		return -EOPNOTSUPP;
	*ret = stx.stx_mnt_id;
	return 0;
}

int k_mount_id(int dirfd, const char *path, int flags, uint64_t *ret)
{
	return mount_id(dirfd, path, flags, STATX_MNT_ID, ret);
}

int k_mount_id_unique(int dirfd, const char *path, int flags, uint64_t *ret)
{
	return mount_id(dirfd, path, flags, STATX_MNT_ID_UNIQUE, ret);
}

int k_pivot_root(const char *new_root, const char *put_old)
{
	return ret_errno(syscall(SYS_pivot_root, new_root, put_old));
}

int k_seccomp(unsigned int op, unsigned int flags, void *args)
{
	return ret_errno(syscall(SYS_seccomp, op, flags, args));
}

int k_keyctl_join_session(const char *name)
{
	return ret_errno(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0));
}

int k_keyctl_or_perm(int key, uint32_t bits)
{
	char desc[512];
	unsigned int perm;
	long n = ret_errno(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, desc, sizeof(desc) - 1, 0));

	if (n < 0)
		return n;
	/* "type;uid;gid;perm(hex);description"; n counts the whole text even where it did not fit.
	 */
	desc[n < (long)sizeof(desc) ? n : (long)sizeof(desc) - 1] = '\0';
	if (sscanf(desc, "%*[^;];%*d;%*d;%x;", &perm) != 1)
		return -EINVAL;
	return ret_errno(syscall(SYS_keyctl, KEYCTL_SETPERM, key, perm | bits, 0, 0));
}

int k_execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return ret_errno(syscall(SYS_execveat, dirfd, path, argv, envp, flags));
}

int k_memfd_create(const char *name, unsigned int flags)
{
	return ret_errno(syscall(SYS_memfd_create, name, flags | MFD_CLOEXEC));
}

int k_bpf(int cmd, void *attr, size_t size)
{
	return ret_errno(syscall(SYS_bpf, cmd, attr, size));
}

int k_sched_setattr(pid_t pid, const struct k_sched_attr *attr)
{
	return ret_errno(syscall(SYS_sched_setattr, pid, attr, 0));
}

int k_sched_getattr(pid_t pid, struct k_sched_attr *ret)
{
	return ret_errno(syscall(SYS_sched_getattr, pid, ret, sizeof(*ret), 0));
}

int k_sched_setaffinity(pid_t pid, size_t size, const uint64_t *mask)
{
	return ret_errno(syscall(SYS_sched_setaffinity, pid, size, mask));
}

int k_sched_getaffinity(pid_t pid, size_t size, uint64_t *mask)
{
	memset(mask, 0, size);
	return ret_errno(syscall(SYS_sched_getaffinity, pid, size, mask));
}

int k_ioprio_set(int which, pid_t who, int value)
{
	return ret_errno(syscall(SYS_ioprio_set, which, who, value));
}

int k_ioprio_get(int which, pid_t who)
{
	return ret_errno(syscall(SYS_ioprio_get, which, who));
}

int k_set_mempolicy(int mode, const uint64_t *nodes, unsigned long maxnode)
{
	return ret_errno(syscall(SYS_set_mempolicy, mode, nodes, maxnode));
}

int k_get_mempolicy(int *ret_mode)
{
	return ret_errno(syscall(SYS_get_mempolicy, ret_mode, NULL, 0, NULL, 0));
}
