/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.readonlyPaths and linux.maskedPaths.
 *
 * A read-only path is bound on itself with what is mounted below it; the clone keeps the attributes
 * of what it covers. A masked file gets the host's null device (a clone that was made and checked
 * before any mount of the container existed), a masked directory an empty read-only tmpfs. One
 * detached mount of each is made; the first path takes it and the others get clones of it, since
 * kernels before 6.15 clone only what is attached. Missing paths are skipped, anything else that is
 * in the way is an error, and each path is looked up once more afterwards to see that it shows what
 * was put there.
 *
 * "Missing" has to be the kernel's word, not that of whoever swaps the image's /proc for an empty
 * directory just now: what is below a procfs or sysfs of ours is looked up from its root.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "mount/internal.h"

#define MASK_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct mask {
	int fd; /* FD_INVALID: not made yet */
	bool attached;
};

/* Has the configuration put its own procfs or sysfs there? The last mount is the one that shows. */
static bool is_kernel_fs(const struct mnt_plan *plan, const char *top)
{
	bool found = false;

	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];

		if (!op->remount && streq(op->destination, top))
			found = streq(op->fstype, "proc") || streq(op->fstype, "sysfs") ||
			        (op->bind && op->on_proc);
	}
	return found;
}

/* The O_PATH descriptor of path, or -errno. */
static int look_up(const struct mnt_ctx *ctx, const struct mnt_plan *plan, const char *path)
{
	static const char *const tops[] = { "/proc", "/sys" };
	_cleanup_free_ char *clean = path_clean(path);

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		const char *rest = clean + strlen(tops[i]);
		_cleanup_close_ int dir = FD_INVALID;

		if (!path_is_under(clean, tops[i]) || !is_kernel_fs(plan, tops[i]) ||
		    knocked_out("masks-verified"))
			continue;
		dir = mnt_resolve(ctx->root_fd, tops[i], MNT_NO_SYMLINKS, NULL);
		if (dir < 0 || !mnt_is_procfs_or_sysfs(dir))
			return dir == -EACCES ? dir : -ELOOP;
		return *rest ? mnt_resolve(dir, rest, 0, NULL) : take_fd(&dir);
	}
	return mnt_resolve(ctx->root_fd, path, 0, NULL);
}

/* The O_PATH descriptor of path, or -ENOENT when there is nothing to restrict. */
static int open_path(const struct mnt_ctx *ctx, const struct mnt_plan *plan, const char *path,
                     struct mnt_place *ret, struct err *err)
{
	_cleanup_close_ int fd = look_up(ctx, plan, path);
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	if (fd < 0)
		return err_set(err, fd, "open \"%s\"", path);
	r = mnt_place_of(fd, ret);
	if (r < 0)
		return err_set(err, r == -ENOENT ? -EIO : r, "stat \"%s\"", path);
	if (mnt_place_equal(ret, &ctx->root_place))
		return err_set(err, -EINVAL, "\"%s\" is the root of the container", path);
	return take_fd(&fd);
}

/* Is mount_fd what the path shows now, and closed for writing? */
static int verify(const struct mnt_ctx *ctx, const char *path, int mount_fd, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;

	if (knocked_out("masks-verified"))
		return 0;
	fd = mnt_resolve(ctx->root_fd, path, 0, NULL);
	if (fd < 0)
		return err_set(err, fd, "looking at \"%s\" again", path);
	if (!mnt_same_place(fd, mount_fd))
		return err_set(err, -ENOTRECOVERABLE, "\"%s\" is still uncovered", path);
	return mnt_verify_readonly(fd, path, err);
}

static int make_readonly(const struct mnt_ctx *ctx, const struct mnt_plan *plan, const char *path,
                         struct err *err)
{
	_cleanup_close_ int target = FD_INVALID, mount_fd = FD_INVALID;
	struct mnt_place place;
	int r;

	target = open_path(ctx, plan, path, &place, err);
	if (target < 0)
		return target == -ENOENT ? 0 : target;
	mount_fd = k_open_tree(target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE);
	if (mount_fd < 0)
		return err_set(err, mount_fd, "clone of \"%s\"", path);
	/* The path alone, as other runtimes do: what is mounted below has attributes of its own. */
	r = mnt_set_attr(mount_fd, false, MOUNT_ATTR_RDONLY, 0);
	if (r < 0)
		return err_set(err, r, "making \"%s\" read-only", path);
	r = mnt_attach(mount_fd, target, path, err);
	return r < 0 ? r : verify(ctx, path, mount_fd, err);
}

/* The next mount to attach: the first one itself, then clones. */
static int next_mask(struct mask *m, struct err *err)
{
	int fd;

	if (m->attached)
		fd = k_open_tree(m->fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	else
		fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 3), fd = fd < 0 ? -errno : fd;
	if (fd < 0)
		return err_set(err, fd, "clone of the mask");
	m->attached = true;
	return fd;
}

/* One block, one inode: nothing could be put there even if it were writable. */
static int make_tmpfs(struct mask *m, struct err *err)
{
	static char blocks[] = "nr_blocks=1", inodes[] = "nr_inodes=1";
	char *const params[] = { blocks, inodes, NULL };

	if (m->fd >= 0)
		return 0;
	m->fd = mnt_new_fs("tmpfs", "tmpfs", params, MASK_ATTRS, err);
	return m->fd < 0 ? m->fd : 0;
}

/* A path that is named twice, or once more by a link, shows a mask already. */
static bool is_masked(int target, const struct mnt_place *place, const struct mask *m)
{
	struct mnt_place mask;

	return m->attached && mnt_place_of(m->fd, &mask) == 0 && mask.ino == place->ino &&
	       mask.dev_major == place->dev_major && mask.dev_minor == place->dev_minor &&
	       mnt_verify_readonly(target, "mask", NULL) == 0;
}

static int mask_path(const struct mnt_ctx *ctx, const struct mnt_plan *plan, const char *path,
                     struct mask *dir, struct mask *file, struct err *err)
{
	_cleanup_close_ int target = FD_INVALID, mount_fd = FD_INVALID;
	struct mask *m = file;
	struct mnt_place place;
	int r;

	target = open_path(ctx, plan, path, &place, err);
	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (S_ISDIR(place.mode)) {
		m = dir;
		r = make_tmpfs(m, err);
		if (r < 0)
			return r;
	}
	if (is_masked(target, &place, m))
		return 0;
	mount_fd = next_mask(m, err);
	if (mount_fd < 0)
		return mount_fd;
	r = mnt_attach(mount_fd, target, path, err);
	return r < 0 ? r : verify(ctx, path, mount_fd, err);
}

int mnt_mask_paths(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	const struct spec_linux *l = &plan->spec->linux_;
	struct mask dir = { .fd = FD_INVALID }, file = { .fd = ctx->null_fd };
	int r = 0;

	if (!mnt_plan_mounts(plan))
		return 0;
	if (knocked_out("own-null"))
		file.fd = k_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE);
	/* In this order a path in both lists ends up masked. */
	for (char **p = l->readonly_paths; p && *p && r == 0; p++) {
		r = make_readonly(ctx, plan, *p, err);
		if (r < 0)
			err_prefix(err, "linux.readonlyPaths");
	}
	for (char **p = l->masked_paths; p && *p && r == 0; p++) {
		r = mask_path(ctx, plan, *p, &dir, &file, err);
		if (r < 0)
			err_prefix(err, "linux.maskedPaths");
	}
	fd_close(dir.fd);
	return r;
}
