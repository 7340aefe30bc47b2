/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this layer share; nothing outside libcore/mount includes it.
 *
 * Descriptors called "mount fd" refer to the root of a mount, detached (fresh from fsmount(2) or
 * open_tree(2) with OPEN_TREE_CLONE) until mnt_attach() has put it somewhere; they stay valid
 * afterwards and are what attributes are changed and verified through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/fd.h"
#include "berth/err.h"
#include "kernel/syscalls.h"
#include "mount/mount.h"

#ifndef PROC_SUPER_MAGIC
#define PROC_SUPER_MAGIC 0x9fa0
#endif
#ifndef SYSFS_MAGIC
#define SYSFS_MAGIC 0x62656572
#endif
#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif
#ifndef MOUNT_ATTR__ATIME
#define MOUNT_ATTR__ATIME 0x00000070
#endif

/* A mount that gets MOUNT_ATTR_RDONLY in mnt_finish_root. */
struct mnt_late {
	int fd;                  /* mount fd, owned */
	const char *destination; /* borrowed from the spec */
	bool recursive;
};

/* umask(2) is 0 from here to the end of the scope: modes of created objects are exact. For the
 * public functions; what they call relies on it. */
static inline void mnt_umask_restore(const mode_t *saved)
{
	umask(*saved);
}
#define _umask_zero_(name) __attribute__((cleanup(mnt_umask_restore))) const mode_t name = umask(0)

/* ---- resolve.c: names inside the root */

enum mnt_resolve_flags {
	MNT_NO_SYMLINKS = 1, /* -ELOOP when any component is a symbolic link */
	MNT_CREATE_DIR = 2,  /* make missing components, the last one a directory (0755) */
	MNT_CREATE_FILE = 4, /* make missing components, the last one an empty file (0644) */
};

/*
 * An O_PATH descriptor of path inside root_fd. Links are followed as if root_fd were "/"; magic
 * links never. *ret_created (may be NULL): the last component was made here. Returns the
 * descriptor, or -errno without a message (callers know what the path is for).
 */
int mnt_resolve(int root_fd, const char *path, unsigned int flags, bool *ret_created);
/* Make the file name in dir_fd; there must be nothing of that name, nor a link. Its descriptor, for
 * writing, or -errno. */
int mnt_new_file(int dir_fd, const char *name, mode_t mode);
/* The parent directory of path (flags: MNT_NO_SYMLINKS; missing directories are made) and the last
 * name, which is never resolved here and points into path. -EINVAL for "/" and "..". */
int mnt_resolve_parent(int root_fd, const char *path, unsigned int flags, const char **ret_name);
int mnt_place_of(int fd, struct mnt_place *ret);
bool mnt_place_equal(const struct mnt_place *a, const struct mnt_place *b);
bool mnt_same_place(int fd, int other_fd); /* false when either cannot be looked at */
/* fstatfs(2): is it a file of procfs; its root directory. */
bool mnt_is_procfs(int fd);
bool mnt_is_procfs_root(int fd);
bool mnt_is_procfs_or_sysfs(int fd);

/* ---- operations.c: mount points */

struct mnt_target {
	int fd; /* O_PATH, owned */
	mode_t mode;
	bool created;
};
#define MNT_TARGET_INIT   \
	{                 \
		.fd = -9, \
	}
static inline void mnt_target_done(const struct mnt_target *target)
{
	fd_close(target->fd);
}
#define _cleanup_target_ __attribute__((cleanup(mnt_target_done)))

/* The mount point of op, made if need be and judged by its descriptor: a directory or not as is_dir
 * says, not the root, not on procfs unless the plan allowed it. */
int mnt_open_target(const struct mnt_ctx *ctx, const struct mnt_op *op, bool is_dir,
                    struct mnt_target *ret, struct err *err);

/* ---- operations.c: mount fds */

/* New file system: fsopen, parameters, create, fsmount. super: "flag" and "key=value". */
int mnt_new_fs(const char *fstype, const char *source, char *const *super, uint64_t attrs,
               struct err *err);
/* Attach on target_fd. */
int mnt_attach(int mount_fd, int target_fd, const char *what, struct err *err);
/* mount_setattr(2) on a mount fd; -errno. */
int mnt_set_attr(int mount_fd, bool recursive, uint64_t set, uint64_t clear);
int mnt_set_propagation(int mount_fd, unsigned long propagation); /* MS_* | MS_REC */
/* 0 when statfs says read-only, else -EROFS with a message: nothing is trusted to be so. */
int mnt_verify_readonly(int mount_fd, const char *what, struct err *err);
/* The attributes of op on a mount fd: locked flags are named in the error. */
int mnt_apply_attrs(int mount_fd, const struct mnt_op *op, struct err *err);

/* ---- bind.c */

/* The attributes of a bind from its options; replaces what op has of access times. Pure. */
void mnt_bind_attrs(struct mnt_op *op, char *const *options);
/* As mnt_apply_attrs() for a bind, with what its options clear without naming it. */
int mnt_bind_apply(int mount_fd, const struct mnt_op *op, bool has_userns, struct err *err);

/* Read-only once everything has been applied: the recursive options come last. */
static inline bool mnt_op_readonly(const struct mnt_op *op)
{
	return ((op->attr_set & ~op->rec_clr) | op->rec_set) & MOUNT_ATTR_RDONLY;
}

/* A mount of type "cgroup" (or, on a v2 host, "cgroup2"): shows the container's own cgroups. */
bool mnt_op_is_cgroup(const struct mnt_op *op, const struct mnt_cgroup_view *cgroups);

/* ---- copyup.c */

/* Copy the directory dir_fd into the fresh mount, which is not attached yet. */
int mnt_copy_up(int dir_fd, int mount_fd, const char *what, struct err *err);

/* ---- child.c */

/*
 * Run fn in a child that may enter other namespaces and directories: what it returns, with its
 * error; a descriptor that it returns is passed on when `wants_fd`. It ends with its parent at the
 * latest.
 */
int mnt_in_child(int (*fn)(void *arg, struct err *err), void *arg, bool wants_fd, struct err *err);

/* ---- hostroot.c: one line of mountinfo, which is cut up */

bool mnt_mountinfo_id(char *line, uint64_t *ret_id, char **ret_mount_point);

/* ---- source.c */

/* Clone the source of a bind where it is now; -errno. Following links is right here: the path is
 * the host's. */
int mnt_clone_source(const struct mnt_op *op);
/* The source as a detached mount for the bind that init makes. */
int mnt_open_source(struct mnt_ctx *ctx, const struct mnt_op *op, struct err *err);
/* May the source lie on an earlier mount of the container, as far as its path says? Pure. */
bool mnt_source_is_late(const struct mnt_op *op, const char *root);

/* ---- cgroup.c: one mount of type "cgroup" */
int mnt_do_cgroup(struct mnt_ctx *ctx, const struct mnt_op *op, const struct mnt_cgroup_view *view,
                  struct err *err);

/* ---- devices.c: decisions, shared with describe.c */

/* Is the default node of this path left to linux.devices? */
bool mnt_device_is_configured(const struct spec *spec, const char *path);
/* The host's node is bound rather than one made (where that is not permitted either way). */
bool mnt_device_is_bound(const struct mnt_plan *plan, const struct spec_device *d);
/* A configured device in whose place a link is made. */
bool mnt_device_is_link(const struct spec_device *d);

/* ---- root.c */

/* The propagation that the host's tree gets in the container's namespace: MS_* | MS_REC. */
unsigned long mnt_host_propagation(unsigned long wanted);

/* With this rootfsPropagation, can a mount of the old tree other than "/" be shared with the host?
 */
bool mnt_host_is_shared(unsigned long wanted);

/* ---- moveroot.c: MS_MOVE and chroot */

int mnt_move_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err);
/* Is this line of mountinfo a whole procfs or sysfs? Its unescaped mount point; line is cut up. */
bool mnt_mountinfo_full(char *line, char **ret_mount_point);

/* ---- idmap.c */

/* An option "idmap=..." or "ridmap=...". */
bool mnt_is_idmap_option(const char *option);
/* What the options and mappings of the mount say about ids, into op. Pure. */
int mnt_idmap_build(const struct spec *spec, struct mnt_op *op, struct err *err);
/* "uids=0-1000-10#10-2000-1;gids=@0-1-5": the text of an option "idmap=". Pure. */
int mnt_idmap_parse(const struct spec *spec, const char *text, struct mnt_op *op, struct err *err);
/* Map the ids of the detached clone fd. */
int mnt_idmap_apply(const struct mnt_op *op, int fd, struct err *err);

/* Does the creator clone the source of this mount ahead of all, rather than leave it to init? */
bool mnt_op_source_is_cloned(const struct mnt_plan *plan, const struct mnt_op *op);

/* ---- plan.c: pure decisions, for the tests */

/* Is a bind on this path, below /proc, allowed (the short list)? */
bool mnt_proc_bind_allowed(const char *destination);
