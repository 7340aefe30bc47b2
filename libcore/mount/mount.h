/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's view of the file system.
 *
 * A plan is made from the spec without touching anything (mnt_plan_build), its bind sources may be
 * opened by the creator (mnt_plan_open_sources, needed when the container's user namespace could
 * not reach them), and the steps below carry it out inside the new mount namespace, in the order in
 * which they are declared. Everything inside the root is reached by openat2(RESOLVE_IN_ROOT) from
 * root_fd and attached by descriptor (open_tree/fsopen -> mount_setattr -> move_mount); no string
 * is resolved twice. Targets that are /proc or /sys must be real directories reached without a
 * symlink. Procfs and sysfs are written only through proc_fd, a private fsopen("proc") instance
 * that no container mount can shadow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/describe.h"
#include "berth/err.h"
#include "berth/spec.h"

/* One hierarchy for a mount of type "cgroup"; filled by container/ from the cgroup layer. */
struct mnt_cgroup_dir {
	const char *name; /* v1: "cpu,cpuacct" or "systemd" (directory below the mount); v2: NULL */
	const char *options;    /* v1: mount options "cpu,cpuacct" or "none,name=systemd"; NULL: the
	                           unified hierarchy of a hybrid host */
	const char *host_mount; /* "/sys/fs/cgroup/cpu" */
	const char *path;       /* the container's path below host_mount, starts with '/' */
};
struct mnt_cgroup_view {
	bool v2;       /* unified host */
	bool cgroupns; /* the container has its own cgroup namespace */
	const struct mnt_cgroup_dir *dirs;
	size_t n_dirs;
};

/* Ids of an id-mapped bind: those on disk (container_id) show as host_id. */
enum mnt_idmap {
	MNT_IDMAP_NONE,
	MNT_IDMAP_MOUNT, /* this mount alone */
	MNT_IDMAP_TREE,  /* and those below it */
};

struct mnt_op {                  /* one mount, decided */
	size_t index;            /* mounts[index] of the spec */
	const char *destination; /* borrowed from the spec */
	const char *fstype;      /* "bind" for binds */
	const char *source;      /* may be NULL */
	bool bind, recursive;
	bool copy_up; /* tmpfs: begins with a copy of what it covers */
	bool remount; /* change the mount that is already at destination; source is not used */
	uint64_t attr_set, attr_clr;  /* MOUNT_ATTR_*, this mount */
	uint64_t implied_clr;         /* binds: cleared too, as far as it is not locked (bind.c) */
	uint64_t rec_set, rec_clr;    /* AT_RECURSIVE */
	unsigned long propagation[4]; /* in order of appearance; 0 ends */
	char **super;                 /* flags and key=value parameters for fsconfig(2); owned */
	bool late_readonly;   /* made read-only only after the root is complete (tmpfs, /dev) */
	bool on_proc, on_sys; /* destination is, or is below, /proc or /sys */
	int source_fd;        /* detached clone made by the creator, else FD_INVALID */
	/* The source may lie on what the container mounts before: opened when its turn comes, not
	 * by the creator ahead of all. Binds by path alone; mnt_plan_open_sources() adds those that
	 * links lead there. */
	bool late_source;
	enum mnt_idmap idmap;
	struct spec_id_map *uid_maps, *gid_maps; /* owned; none: those of the user namespace that
	                                            the container joins */
	size_t n_uid_maps, n_gid_maps;
	int userns_fd; /* set by the creator before mnt_plan_open_sources() when idmap asks for it;
	                  owned */
};

struct mnt_plan {
	const struct spec *spec; /* borrowed: must outlive the plan */
	struct mnt_op *ops;
	size_t n_ops;
	bool dev_is_bind; /* /dev comes from the host: no nodes, links, ptmx */
	bool has_userns;  /* new or joined: device nodes are bound from the host */
	bool has_mountns; /* a new mount namespace */
	bool on_host;     /* none: mounts are made in the caller's, below a root of our own */
};
/* Else the mount namespace is joined by path and nothing here is done. */
static inline bool mnt_plan_mounts(const struct mnt_plan *plan)
{
	return plan->has_mountns || plan->on_host;
}

int mnt_plan_build(const struct spec *spec, struct mnt_plan **ret, struct err *err); /* pure */
void mnt_plan_free(struct mnt_plan *plan);
/* Do two id-mapped mounts have the same mappings? */
bool mnt_same_idmap(const struct mnt_op *a, const struct mnt_op *b);
/*
 * Creator side: clone bind sources into detached mounts. With a user namespace all of them, and
 * what is refused is left to init; id-mapped ones always, since only the owner of a file system may
 * map its ids (mount_setattr(2) with MOUNT_ATTR_IDMAP, 5.12). Late ones are left out.
 */
int mnt_plan_open_sources(struct mnt_plan *plan, struct err *err);
/*
 * Creator side, for init that asks (mnt_ctx.ask): the same for one bind, with the creator's
 * privileges in the mount namespace mntns_fd, as far as it has been built. Returns the detached
 * clone, or -errno.
 */
int mnt_open_source_inside(const struct mnt_op *op, int mntns_fd, struct err *err);

/*
 * The root of a container without a mount namespace: two mounts on the rootfs in the mount
 * namespace of the creator. All that the container mounts is on the inner one, so that taking the
 * outer one away takes everything.
 */
enum { MNT_HOST_OUTER, MNT_HOST_INNER, MNT_HOST_ROOTS };
struct mnt_host_root {
	char *path;                      /* the rootfs, links resolved; owned */
	uint64_t ns;                     /* inode of the mount namespace */
	uint64_t id[MNT_HOST_ROOTS];     /* as in mountinfo; used again by the kernel */
	uint64_t unique[MNT_HOST_ROOTS]; /* never used again; 0 before Linux 6.8 */
};
void mnt_host_root_free(struct mnt_host_root *root);
/* Clone both, detached, with their ids: to be recorded before they are attached. */
int mnt_host_root_clone(const struct mnt_plan *plan, struct mnt_host_root **ret,
                        int ret_fds[static MNT_HOST_ROOTS], struct err *err);
int mnt_host_root_attach(const struct mnt_host_root *root, const int fds[static MNT_HOST_ROOTS],
                         struct err *err);
/* Is this directory the root of the inner mount? */
bool mnt_host_root_is(const struct mnt_host_root *root, int fd);
/*
 * Take both away with all that is on them, in whatever mount namespace they are. Never attached, or
 * gone (with its namespace, too), is success; -EBUSY: something else is mounted over them.
 */
int mnt_host_root_remove(const struct mnt_host_root *root, struct err *err);

struct mnt_place {         /* what a descriptor refers to: an object within one mount */
	uint64_t mount_id; /* 0 where the kernel does not tell (before 5.8): any mount matches */
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	mode_t mode;
};

struct mnt_ctx {
	int root_fd;                 /* the container's root mount; O_PATH-like, CLOEXEC */
	struct mnt_place root_place; /* of root_fd */
	int proc_fd;                 /* see mnt_proc_fd() */
	int null_fd; /* a private read-only clone of the host's /dev/null, verified to be character
	                1:3; masks attach it, so it is for this layer alone */
	/* Have the creator open the source of a bind: the answer of mnt_open_source_inside(). NULL:
	 * there is nobody to ask. mntns_fd is the caller's. */
	int (*ask)(void *arg, const struct mnt_op *op, int mntns_fd, struct err *err);
	void *ask_arg;
	struct mnt_late *late; /* mounts that become read-only in mnt_finish_root; owned */
	size_t n_late;
	bool pivoted;
};
#define MNT_CTX_INIT                                        \
	{                                                   \
		.root_fd = -9, .proc_fd = -9, .null_fd = -9 \
	}
void mnt_ctx_done(struct mnt_ctx *ctx);

/*
 * Check that root.path is a directory that can be used; pure look, before any side effect. Message
 * "invalid rootfs: ..." for callers.
 */
int mnt_check_rootfs(const struct spec *spec, struct err *err);

/* May the root be changed without pivot_root(2)? Not where the old one, still there below the new,
 * would be private: what the host unmounts would live on in it. Pure. */
int mnt_check_no_pivot(const struct spec *spec, struct err *err);

/*
 * A procfs of the caller's pid namespace that no mount of the container can shadow, made on the
 * first call: private, with subset=pid where the kernel has it (5.8); in a user namespace that may
 * not mount procfs an O_PATH descriptor of a verified /proc, so call it before mnt_change_root
 * then. Owned by ctx.
 */
int mnt_proc_fd(struct mnt_ctx *ctx, struct err *err);

/* For a plan on the host root_fd is the caller's to set: the inner mount. Otherwise: open null_fd,
 * set the propagation of the old root (default rslave), make root.path a mount and open root_fd. */
int mnt_prepare_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err);
/* All mounts in list order; cgroups may be NULL when no mount of type cgroup is planned. */
int mnt_mount_all(struct mnt_ctx *ctx, const struct mnt_plan *plan,
                  const struct mnt_cgroup_view *cgroups, struct err *err);
/* Default and configured device nodes, links, /dev/ptmx. */
int mnt_make_devices(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err);
/*
 * Open a pty of the container's own devpts (/dev/pts/ptmx inside root_fd, verified). *ret_slave by
 * TIOCGPTPEER. name gets "/dev/pts/N".
 */
int mnt_open_pty(struct mnt_ctx *ctx, int *ret_master, int *ret_slave, char name[static 32],
                 struct err *err);
/* Bind the slave on /dev/console (created without following links). */
int mnt_bind_console(struct mnt_ctx *ctx, int slave_fd, struct err *err);
/* pivot_root into root_fd and detach the old root; with no_pivot MS_MOVE-like and chroot; on the
 * host chroot alone.
 * Afterwards "/" and the cwd are the container's. */
int mnt_change_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, bool no_pivot,
                    struct err *err);
/* Late read-only remounts, rootfsPropagation of the new root, root.readonly. */
int mnt_finish_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err);
/* linux.readonlyPaths and linux.maskedPaths; verified to be in force. */
int mnt_mask_paths(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err);
/* Create (0755) and enter nothing: make process.cwd exist inside the root. */
int mnt_make_cwd(struct mnt_ctx *ctx, const char *cwd, struct err *err);

/*
 * Before a restore, which mounts but makes nothing: the missing mount points on the root file system
 * itself and in the sources of binds (what lies on any other mount comes back with that mount).
 */
int mnt_make_mount_points(const struct mnt_plan *plan, struct err *err);

/* Open a path of the container for reading: O_PATH first, regular file, no link out of the root;
 * -errno. */
int mnt_open_in_root(int root_fd, const char *path, int flags, struct err *err);

/*
 * The plan in words, in the order in which the functions above carry it out. Each mount that is
 * made is an item whose first member is its mount point. cgroups: NULL when it is not known yet.
 */
void mnt_describe_sources(const struct mnt_plan *plan, struct desc *d);
void mnt_describe_late_sources(const struct mnt_plan *plan, struct desc *d);
void mnt_describe_host_root(const struct mnt_plan *plan, struct desc *d);
void mnt_describe_root(const struct mnt_plan *plan, struct desc *d);
void mnt_describe_mounts(const struct mnt_plan *plan, const struct mnt_cgroup_view *cgroups,
                         struct desc *d);
void mnt_describe_devices(const struct mnt_plan *plan, struct desc *d);
void mnt_describe_finish(const struct mnt_plan *plan, bool no_pivot, struct desc *d);
void mnt_describe_masks(const struct mnt_plan *plan, struct desc *d);
