/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's root: made a mount of its own, entered, and closed again for writing.
 *
 * Propagation is set before anything is cloned, so that no clone made here is a peer of a mount of
 * the host unless rootfsPropagation asks for it. The handles that later steps rely on (procfs, the
 * null device) are opened first, while no mount of the container exists that could stand in for
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/log.h"
#include "mount/internal.h"

#define PROC_ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

void mnt_ctx_done(struct mnt_ctx *ctx)
{
	fd_reset(&ctx->root_fd);
	fd_reset(&ctx->proc_fd);
	fd_reset(&ctx->null_fd);
	for (size_t i = 0; i < ctx->n_late; i++)
		fd_close(ctx->late[i].fd);
	free(take_ptr(ctx->late));
	ctx->n_late = 0;
}

int mnt_check_rootfs(const struct spec *spec, struct err *err)
{
	const char *path = spec->root.path;
	struct stat st;

	if (!path || path[0] != '/')
		return err_text(err, -EINVAL, "invalid rootfs: root.path is not an absolute path");
	if (lstat(path, &st) < 0)
		return err_set(err, -errno, "invalid rootfs: \"%s\"", path);
	/* Links above it are the administrator's business; the name itself must be the thing, or
	 * who owns the bundle could point at any directory between this look and its use. */
	if (S_ISLNK(st.st_mode))
		return err_text(err, -ELOOP, "invalid rootfs: \"%s\" is a symbolic link", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "invalid rootfs: \"%s\"", path);
	return 0;
}

int mnt_check_no_pivot(const struct spec *spec, struct err *err)
{
	if (spec->linux_.rootfs_propagation & MS_PRIVATE)
		return err_text(err, -EINVAL,
		                "linux.rootfsPropagation: [r]private is not safe without "
		                "pivot_root");
	return 0;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/*
 * A clone of the host's null device, read-only, so that nobody in the container can change owner or
 * mode of the host's node through it (writing to a device does not need a writable mount).
 */
static int open_null(struct err *err)
{
	_cleanup_close_ int node = FD_INVALID, fd = FD_INVALID;
	struct stat st;
	int r;

	node = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (node < 0 || fstat(node, &st) < 0)
		return err_set(err, -errno, "open the host's /dev/null");
	if (!is_null(&st))
		return err_set(err, -ENODEV, "the host's /dev/null is not the null device");
	fd = k_open_tree(node, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	if (fd < 0)
		return err_set(err, fd, "clone of the host's /dev/null");
	r = mnt_set_attr(fd, false, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0);
	if (r == 0)
		r = mnt_set_propagation(fd, MS_PRIVATE);
	if (r < 0)
		return err_set(err, r, "restricting the clone of the host's /dev/null");
	return take_fd(&fd);
}

static int open_proc(struct err *err)
{
	static char subset[] = "subset=pid";
	char *const params[] = { subset, NULL };
	int fd;

	fd = mnt_new_fs("proc", "proc", params, PROC_ATTRS, err);
	if (fd == -EINVAL) /* subset=pid is of 5.8 */
		fd = mnt_new_fs("proc", "proc", NULL, PROC_ATTRS, err);
	if (fd != -EPERM) {
		if (fd < 0)
			return err_prefix(err, "private procfs");
		err_clear(err);
		return fd;
	}
	/* A user namespace that may not mount procfs (it does not own the pid namespace, or the
	 * host's has parts mounted over): no container mount exists yet, so the host's will do. */
	err_clear(err);
	fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open /proc");
	if (!mnt_is_procfs_root(fd)) {
		fd_close(fd);
		return err_set(err, -ENODEV, "/proc is not a procfs");
	}
	return fd;
}

int mnt_proc_fd(struct mnt_ctx *ctx, struct err *err)
{
	if (ctx->proc_fd < 0)
		ctx->proc_fd = open_proc(err);
	return ctx->proc_fd;
}

unsigned long mnt_host_propagation(unsigned long wanted)
{
	/* Of the whole tree where nothing else is asked for: host mounts still come in, none go
	 * out. */
	if (wanted == 0)
		return MS_SLAVE | MS_REC;
	/* An unbindable tree could not be cloned; it becomes so in mnt_finish_root. */
	return wanted & MS_UNBINDABLE ? MS_PRIVATE | (wanted & MS_REC) : wanted;
}

static int set_host_propagation(unsigned long wanted, struct err *err)
{
	_cleanup_close_ int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(err, -errno, "open \"/\"");
	r = mnt_set_propagation(fd, mnt_host_propagation(wanted));
	return r < 0 ? err_set(err, r, "setting the propagation of the old root") : 0;
}

/* pivot_root(2) refuses a root below a shared mount, and the attachment would show on the host:
 * find the mount that holds dir_fd by going up. As a slave it still hears of the host's mounts. */
static int make_parent_slave(int dir_fd, struct err *err)
{
	_cleanup_close_ int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);

	for (int depth = 0; fd >= 0 && depth < PATH_MAX; depth++) {
		int r = mnt_set_propagation(fd, MS_SLAVE);
		int up;

		if (r != -EINVAL)
			return r < 0 ? err_set(err, r, "making the parent mount a slave") : 0;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return err_set(err, -errno, "looking for the parent mount");
		fd_close(fd);
		fd = up;
	}
	return err_set(err, -EINVAL, "looking for the parent mount");
}

/* Only the recursive forms reach the mounts below "/". */
bool mnt_host_is_shared(unsigned long wanted)
{
	if (wanted == 0)
		return false;
	return !(wanted & MS_REC) || !(wanted & (MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE));
}

/* pivot_root(2) wants a mount: the rootfs is cloned, with all below it, onto itself. */
static int bind_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	const char *path = plan->spec->root.path;
	unsigned long wanted = plan->spec->linux_.rootfs_propagation;
	bool shared = mnt_host_is_shared(wanted);
	_cleanup_close_ int dir = FD_INVALID, fd = FD_INVALID;
	int r;

	dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, -errno, "invalid rootfs: \"%s\"", path);
	if (shared) {
		r = make_parent_slave(dir, err);
		if (r < 0)
			return r;
	}
	fd = k_open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE);
	if (fd < 0)
		return err_set(err, fd, "clone of the rootfs \"%s\"", path);
	/* A root that is a peer of the host's mount could not be entered; mnt_finish_root makes it
	 * shared again, in a group of its own that hears of nothing outside. */
	if (shared) {
		r = mnt_set_propagation(fd, MS_SLAVE | MS_REC);
		if (r == 0 && (wanted & (MS_PRIVATE | MS_SHARED)))
			r = mnt_set_propagation(fd, wanted & MS_PRIVATE ? wanted : MS_PRIVATE);
		if (r < 0)
			return err_set(err, r, "setting the propagation of the rootfs");
	}
	r = mnt_attach(fd, dir, path, err);
	if (r < 0)
		return r;
	ctx->root_fd = take_fd(&fd);
	r = mnt_place_of(ctx->root_fd, &ctx->root_place);
	return r < 0 ? err_set(err, r, "stat of the rootfs") : 0;
}

int mnt_prepare_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	int r;

	if (!mnt_plan_mounts(plan))
		return 0;
	if (plan->on_host) {
		r = mnt_place_of(ctx->root_fd, &ctx->root_place);
		return r < 0 ? err_set(err, r, "stat of the rootfs") : 0;
	}
	r = set_host_propagation(plan->spec->linux_.rootfs_propagation, err);
	if (r < 0)
		return r;
	/* A clone that nobody attaches costs an RCU grace period when it is closed. */
	if (plan->spec->linux_.masked_paths) {
		ctx->null_fd = open_null(err);
		if (ctx->null_fd < 0)
			return ctx->null_fd;
	}
	return bind_root(ctx, plan, err);
}

/* Is "/" now what root_fd refers to? Nothing may go on in a half-changed root. */
static int enter_root(struct mnt_ctx *ctx, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;

	if (chdir("/") < 0)
		return err_set(err, -errno, "chdir to the new root");
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open the new root");
	if (!mnt_same_place(fd, ctx->root_fd))
		return err_set(err, -ENOTRECOVERABLE, "the root did not change");
	ctx->pivoted = true;
	return 0;
}

static int pivot(struct mnt_ctx *ctx, struct err *err)
{
	_cleanup_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (old < 0)
		return err_set(err, -errno, "open the old root");
	if (fchdir(ctx->root_fd) < 0)
		return err_set(err, -errno, "chdir to the new root");
	/* No directory for the old root is needed, so none is made in the image. */
	r = k_pivot_root(".", ".");
	if (r == -EINVAL)
		return err_set(err, r, "pivot_root (an initial ramdisk as root needs --no-pivot)");
	if (r < 0)
		return err_set(err, r, "pivot_root");
	/* The old root lies on top of the new one. Slave first: what is unmounted here must not be
	 * unmounted on the host. */
	r = mnt_set_propagation(old, MS_SLAVE | MS_REC);
	if (r < 0)
		return err_set(err, r, "making the old root a slave");
	if (fchdir(old) < 0)
		return err_set(err, -errno, "chdir to the old root");
	/* Lazily: our own descriptors keep parts of it busy until they are closed. */
	if (umount2(".", MNT_DETACH) < 0)
		return err_set(err, -errno, "detaching the old root");
	return enter_root(ctx, err);
}

/* The host's mounts stay in sight of who may call chroot(2) himself: there is no namespace to keep
 * them from him. The directory comes first, so that none outside is left to climb out by. */
static int enter_by_chroot(struct mnt_ctx *ctx, struct err *err)
{
	if (fchdir(ctx->root_fd) < 0)
		return err_set(err, -errno, "chdir to the new root");
	if (chroot(".") < 0)
		return err_set(err, -errno, "chroot to the new root");
	return enter_root(ctx, err);
}

int mnt_change_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, bool no_pivot,
                    struct err *err)
{
	int r;

	if (!mnt_plan_mounts(plan))
		return 0;
	if (plan->on_host)
		return enter_by_chroot(ctx, err);
	if (!no_pivot)
		return pivot(ctx, err);
	r = mnt_check_no_pivot(plan->spec, err);
	if (r < 0)
		return r;
	r = mnt_move_root(ctx, plan, err);
	return r < 0 ? r : enter_root(ctx, err);
}

int mnt_finish_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	unsigned long propagation = plan->spec->linux_.rootfs_propagation;
	int r;

	if (!mnt_plan_mounts(plan))
		return 0;
	if (propagation && !(propagation & MS_PRIVATE)) {
		r = mnt_set_propagation(ctx->root_fd, propagation);
		if (r < 0)
			return err_set(err, r, "setting linux.rootfsPropagation");
	}
	/* By the descriptors of the mounts themselves: nothing can have come between. */
	for (size_t i = 0; i < ctx->n_late; i++) {
		const struct mnt_late *late = &ctx->late[i];

		r = mnt_set_attr(late->fd, late->recursive, MOUNT_ATTR_RDONLY, 0);
		if (r < 0)
			return err_set(err, r, "making \"%s\" read-only", late->destination);
		r = mnt_verify_readonly(late->fd, late->destination, err);
		if (r < 0)
			return r;
	}
	if (!plan->spec->root.readonly)
		return 0;
	/* nosuid, nodev and noexec of the mount stay: only this bit is named. */
	r = mnt_set_attr(ctx->root_fd, false, MOUNT_ATTR_RDONLY, 0);
	if (r < 0)
		return err_set(err, r, "making the root read-only");
	return mnt_verify_readonly(ctx->root_fd, "the root", err);
}
