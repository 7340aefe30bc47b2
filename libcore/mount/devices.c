/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: the default and the configured nodes, the links, ptmx.
 *
 * Everything is made with the *at calls below a descriptor of the parent directory, and the last
 * name is never followed. /dev itself must be an ordinary directory: an image whose /dev is a link
 * is refused. Where mknod(2) is not ours to use (user namespace, no CAP_MKNOD) the host's node of
 * the same path and numbers is bound; it keeps nosuid and noexec, and outside a user namespace it
 * is read-only, which stops chmod and chown of the host's node but not the use of the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "berth/log.h"
#include "mount/internal.h"
#include "tables/devices.h"

static mode_t type_mode(char type)
{
	switch (type) {
	case 'b':
		return S_IFBLK;
	case 'p':
		return S_IFIFO;
	default:
		return S_IFCHR;
	}
}

/* Type and number, as asked for; a FIFO has no number. */
static bool is_device(const struct stat *st, const struct spec_device *d)
{
	if ((st->st_mode & S_IFMT) != type_mode(d->type))
		return false;
	return d->type == 'p' || st->st_rdev == makedev(d->major, d->minor);
}

/* The host's node as a detached mount; it must be the very device that was asked for. */
static int clone_host_node(const struct spec_device *d, bool userns, struct err *err)
{
	_cleanup_close_ int node = FD_INVALID, fd = FD_INVALID;
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | (userns ? 0 : MOUNT_ATTR_RDONLY);
	struct stat st;
	int r;

	/* The same name on the host, not followed: its numbers decide, not where a link leads. */
	node = k_openat2(AT_FDCWD, d->path, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_MAGICLINKS);
	if (node < 0)
		return err_set(err, node, "open the host's \"%s\"", d->path);
	if (fstat(node, &st) < 0)
		return err_set(err, -errno, "stat of the host's \"%s\"", d->path);
	if (!is_device(&st, d))
		return err_set(err, -ENODEV, "the host's \"%s\" is not device %c %u:%u", d->path,
		               d->type, d->major, d->minor);
	fd = k_open_tree(node, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	if (fd < 0)
		return err_set(err, fd, "clone of the host's \"%s\"", d->path);
	r = mnt_set_attr(fd, false, attrs, 0);
	if (r == 0)
		r = mnt_set_propagation(fd, MS_PRIVATE);
	if (r < 0)
		return err_set(err, r, "restricting the host's \"%s\"", d->path);
	return take_fd(&fd);
}

/* O_PATH descriptor of an empty file to bind on; what is there already must not be a link. */
static int node_target(int dir, const char *name, const char *path, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;

	/* Never O_TRUNC, never through a link: what is there stays as it is, below the mount. */
	fd = mnt_new_file(dir, name, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_set(err, -errno, "create \"%s\"", path);
	fd_reset(&fd);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	if (S_ISLNK(st.st_mode))
		return err_set(err, -ELOOP, "\"%s\"", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "\"%s\"", path);
	return take_fd(&fd);
}

/* The host's node over an empty file. */
static int bind_node(int dir, const char *name, const struct spec_device *d, bool userns,
                     struct err *err)
{
	_cleanup_close_ int mount_fd = FD_INVALID, target = FD_INVALID;

	mount_fd = clone_host_node(d, userns, err);
	if (mount_fd < 0)
		return mount_fd;
	target = node_target(dir, name, d->path, err);
	if (target < 0)
		return target;
	return mnt_attach(mount_fd, target, d->path, err);
}

/* 0: made, 1: it was there and is the same device, -errno. */
static int make_node(int dir, const char *name, const struct spec_device *d, bool own,
                     struct err *err)
{
	struct stat st;
	dev_t dev = d->type == 'p' ? 0 : makedev(d->major, d->minor);

	if (mknodat(dir, name, type_mode(d->type) | (d->mode & 07777), dev) == 0) {
		if (own && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(err, -errno, "chown of device \"%s\"", d->path);
		return 0;
	}
	if (errno != EEXIST)
		return err_set(err, -errno, "mknod of device \"%s\"", d->path);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, -errno, "stat \"%s\"", d->path);
	if (!is_device(&st, d))
		return err_set(err, -EEXIST, "\"%s\" is there and is not device %c %u:%u", d->path,
		               d->type, d->major, d->minor);
	return 1;
}

bool mnt_device_is_bound(const struct mnt_plan *plan, const struct spec_device *d)
{
	return plan->has_userns && d->type != 'p';
}

/* own: the directory's set-group-ID bit or the configuration may ask for other owners than ours. */
static int make_device(const struct mnt_plan *plan, int dir, const char *name,
                       const struct spec_device *d, bool own, struct err *err)
{
	int r;

	if (mnt_device_is_bound(plan, d))
		return bind_node(dir, name, d, true, err);
	r = make_node(dir, name, d, own, err);
	if (r != -EPERM)
		return r < 0 ? r : 0;
	log_debug("mknod of %s is not permitted, binding the host's", d->path);
	err_clear(err);
	return bind_node(dir, name, d, plan->has_userns, err);
}

static int make_configured(const struct mnt_ctx *ctx, const struct mnt_plan *plan,
                           const struct spec_device *d, struct err *err)
{
	_cleanup_close_ int dir = FD_INVALID;
	const char *name = NULL;

	/* Links inside the root are allowed here: /dev/net of some images is one. */
	dir = mnt_resolve_parent(ctx->root_fd, d->path, 0, &name);
	if (dir < 0)
		return err_set(err, dir, "directory of device \"%s\"", d->path);
	/* What is on procfs or sysfs may only be covered by what the plan allows. */
	if (mnt_is_procfs_or_sysfs(dir))
		return err_set(err, -EPERM, "device \"%s\" leads into procfs or sysfs", d->path);
	return make_device(plan, dir, name, d, true, err);
}

/* linux.devices may give a default node other permissions: then the default is not made. */
bool mnt_device_is_configured(const struct spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->linux_.n_devices; i++) {
		if (streq(spec->linux_.devices[i].path, path))
			return true;
	}
	return false;
}

/* What is asked for as /dev/ptmx gives way to the link, and as a bind it could not. */
bool mnt_device_is_link(const struct spec_device *d)
{
	return streq(d->path, "/dev/ptmx");
}

static int make_nodes(const struct mnt_ctx *ctx, const struct mnt_plan *plan, int dev,
                      struct err *err)
{
	const struct spec *spec = plan->spec;
	struct stat st;
	int r;

	if (fstat(dev, &st) < 0)
		return err_set(err, -errno, "stat of /dev in the container");
	/* All in /dev itself, whose descriptor is at hand. */
	for (size_t i = 0; i < ARRAY_SIZE(default_device_table); i++) {
		const struct default_device *row = &default_device_table[i];
		_cleanup_free_ char *path = NULL;
		struct spec_device d = { .type = 'c', .mode = 0666 };

		if (mnt_device_is_configured(spec, row->path))
			continue;
		path = xstrdup(row->path);
		d.path = path;
		d.major = row->major;
		d.minor = row->minor;
		r = make_device(plan, dev, path_base(path), &d, st.st_mode & S_ISGID, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < spec->linux_.n_devices; i++) {
		if (mnt_device_is_link(&spec->linux_.devices[i]))
			continue;
		r = make_configured(ctx, plan, &spec->linux_.devices[i], err);
		if (r < 0)
			return err_prefix(err, "linux.devices[%zu]", i);
	}
	return 0;
}

static int make_link(int dev, const char *name, const char *target, struct err *err)
{
	/* Whatever the image has there is the image's choice: the runtime does not use it. */
	if (symlinkat(target, dev, name) < 0 && errno != EEXIST)
		return err_set(err, -errno, "link /dev/%s", name);
	return 0;
}

/* fd, stdin, stdout, stderr, and core where the container can see kcore at all. */
static int make_links(const struct mnt_ctx *ctx, int dev, struct err *err)
{
	_cleanup_close_ int kcore = FD_INVALID;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(default_link_table); i++) {
		r = make_link(dev, path_base(default_link_table[i].path),
		              default_link_table[i].target, err);
		if (r < 0)
			return r;
	}
	kcore = mnt_resolve(ctx->root_fd, "/proc/kcore", MNT_NO_SYMLINKS, NULL);
	return kcore < 0 ? 0 : make_link(dev, "core", "/proc/kcore", err);
}

/* /dev/ptmx leads to the container's own devpts. */
static int make_ptmx(int dev, struct err *err)
{
	char target[16] = "";

	/* The host's multiplexer, which an image may contain, would open ptys of the host. */
	if (readlinkat(dev, "ptmx", target, sizeof(target) - 1) > 0 && streq(target, "pts/ptmx"))
		return 0;
	if (unlinkat(dev, "ptmx", 0) < 0 && errno != ENOENT)
		return err_set(err, -errno, "removing the old /dev/ptmx");
	if (symlinkat("pts/ptmx", dev, "ptmx") < 0)
		return err_set(err, -errno, "link /dev/ptmx");
	return 0;
}

int mnt_make_devices(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	_umask_zero_(saved);
	_cleanup_close_ int dev = FD_INVALID;
	int r;

	(void)saved;
	/* A /dev that is the host's is left as the host has it. */
	if (!mnt_plan_mounts(plan) || plan->dev_is_bind)
		return 0;
	dev = mnt_resolve(ctx->root_fd, "/dev", MNT_NO_SYMLINKS | MNT_CREATE_DIR, NULL);
	if (dev == -ELOOP)
		return err_text(err, dev, "/dev of the image must be an ordinary directory");
	if (dev < 0)
		return err_set(err, dev, "open /dev in the container");
	/* The default nodes do not go through make_configured(). */
	if (mnt_is_procfs_or_sysfs(dev))
		return err_text(err, -EPERM, "/dev in the container is a procfs or sysfs");
	r = make_nodes(ctx, plan, dev, err);
	if (r < 0)
		return r;
	r = make_ptmx(dev, err);
	return r < 0 ? r : make_links(ctx, dev, err);
}
