/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount of type "cgroup": the container's view of its control groups.
 *
 * v2: with a cgroup namespace a new mount of the unified hierarchy, whose root is then the
 * container's own cgroup; where that is not permitted, a bind of the container's directory. Without
 * the namespace a bind of the host's mount, never a new one: mounting the unified hierarchy from
 * the initial cgroup namespace sets the options of the hierarchy for the whole host (nsdelegate and
 * others would be lost).
 * v1 and hybrid: a small tmpfs with one directory for each hierarchy, mounted or bound likewise,
 * links for the controllers that share one, and then closed for writing if so asked.
 * Read-only is checked on each.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "berth/log.h"
#include "mount/internal.h"

/* "cpu,cpuacct" -> { "cpu", "cpuacct" }; NULL when there is nothing. */
static char **split_commas(const char *text)
{
	char **v = NULL;

	while (*text) {
		size_t n = strcspn(text, ",");
		_cleanup_free_ char *part = xstrndup(text, n);

		if (n > 0)
			strv_add(&v, part);
		text += n + (text[n] == ',');
	}
	return v;
}

/* A directory of the host's hierarchy as a detached mount. Not recursive: no hierarchy has mounts
 * of its own inside. */
static int clone_dir(const char *host_mount, const char *path, struct err *err)
{
	_cleanup_free_ char *dir = path_join(host_mount, path);
	int fd = k_open_tree(AT_FDCWD, dir, OPEN_TREE_CLONE);
	int r;

	if (fd < 0)
		return err_set(err, fd, "bind of the host's \"%s\"", dir);
	/* Without a mount namespace the host's is a peer of it. */
	r = mnt_set_propagation(fd, MS_SLAVE);
	if (r == 0)
		return fd;
	fd_close(fd);
	return err_set(err, r, "making a bind of the host's \"%s\" a slave", dir);
}

/* One hierarchy as a detached mount with the attributes of op. */
static int make_hierarchy(const struct mnt_op *op, const struct mnt_cgroup_view *view,
                          const struct mnt_cgroup_dir *dir, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	bool unified = view->v2 || !dir->options;
	int r;

	if (view->cgroupns) {
		_cleanup_strv_ char **params = dir->options ? split_commas(dir->options) : NULL;

		fd = mnt_new_fs(unified ? "cgroup2" : "cgroup", "cgroup", params, 0, err);
		if (fd < 0) {
			log_debug("%s: no new cgroup mount (%s), binding the host's",
			          op->destination, strerror(-fd));
			err_clear(err);
		}
	}
	/* EPERM and EBUSY are the usual ones (user namespace without a cgroup namespace of its own,
	 * a v1 controller that v2 holds); whatever it was, the bind shows whether it matters. */
	if (fd < 0) {
		/* Who shares the host's namespace sees the host's v2 tree, as everywhere. */
		bool whole = view->v2 && !view->cgroupns;

		fd = clone_dir(dir->host_mount, whole ? "/" : dir->path, err);
		if (fd < 0)
			return fd;
	}
	r = mnt_apply_attrs(fd, op, err);
	return r < 0 ? r : take_fd(&fd);
}

/* The end of finish_mount() for mounts that have no late part. */
static int attach_checked(int fd, int target, const char *what, const struct mnt_op *op,
                          struct err *err)
{
	int r = mnt_attach(fd, target, what, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(op->propagation) && op->propagation[i]; i++) {
		r = mnt_set_propagation(fd, op->propagation[i]);
		if (r < 0)
			return err_set(err, r, "setting propagation");
	}
	return mnt_op_readonly(op) ? mnt_verify_readonly(fd, what, err) : 0;
}

static int do_v2(const struct mnt_op *op, const struct mnt_cgroup_view *view, int target,
                 struct err *err)
{
	_cleanup_close_ int fd = make_hierarchy(op, view, &view->dirs[0], err);

	return fd < 0 ? fd : attach_checked(fd, target, op->destination, op, err);
}

/* "cpu" and "cpuacct" beside "cpu,cpuacct". */
static int make_links(int dir, const char *name, struct err *err)
{
	_cleanup_strv_ char **parts = NULL;

	if (!strchr(name, ','))
		return 0;
	parts = split_commas(name);
	for (char **p = parts; *p; p++) {
		if (symlinkat(name, dir, *p) < 0 && errno != EEXIST)
			return err_set(err, -errno, "link \"%s\" to \"%s\"", *p, name);
	}
	return 0;
}

/* One directory of the v1 view. The name comes from the host's mount table, yet it is checked: it
 * becomes a name on our tmpfs. */
static int do_v1_dir(const struct mnt_op *op, const struct mnt_cgroup_view *view, int base,
                     const struct mnt_cgroup_dir *dir, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID, target = FD_INVALID;
	int r;

	if (!dir->name || strchr(dir->name, '/') || dir->name[0] == '\0' || dir->name[0] == '.')
		return err_set(err, -EINVAL, "name of a cgroup hierarchy");
	if (mkdirat(base, dir->name, 0755) < 0)
		return err_set(err, -errno, "mkdir \"%s\"", dir->name);
	target = openat(base, dir->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return err_set(err, -errno, "open \"%s\"", dir->name);
	fd = make_hierarchy(op, view, dir, err);
	if (fd < 0)
		return fd;
	r = attach_checked(fd, target, dir->name, op, err);
	return r < 0 ? r : make_links(base, dir->name, err);
}

static int do_v1(const struct mnt_op *op, const struct mnt_cgroup_view *view, int target,
                 struct err *err)
{
	static char mode[] = "mode=0755";
	char *const params[] = { mode, NULL };
	_cleanup_close_ int base = FD_INVALID;
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int r;

	base = mnt_new_fs("tmpfs", "tmpfs", params, attrs, err);
	if (base < 0)
		return base;
	/* Attached first: kernels before 6.15 refuse mounts inside a tree that is still detached.
	 */
	r = mnt_attach(base, target, op->destination, err);
	for (size_t i = 0; i < view->n_dirs && r == 0; i++) {
		r = do_v1_dir(op, view, base, &view->dirs[i], err);
		if (r < 0)
			err_prefix(err, "hierarchy \"%s\"", view->dirs[i].name);
	}
	if (r < 0 || !mnt_op_readonly(op))
		return r;
	r = mnt_set_attr(base, false, MOUNT_ATTR_RDONLY, 0);
	if (r < 0)
		return err_set(err, r, "making \"%s\" read-only", op->destination);
	return mnt_verify_readonly(base, op->destination, err);
}

/* No cgroup of our own to show: an empty read-only directory hides the host's. */
static int do_none(const struct mnt_op *op, int target, struct err *err)
{
	static char blocks[] = "nr_blocks=1", inodes[] = "nr_inodes=1";
	char *const params[] = { blocks, inodes, NULL };
	_cleanup_close_ int fd = FD_INVALID;

	log_debug("%s: no cgroup to show", op->destination);
	fd = mnt_new_fs(
	    "tmpfs", "tmpfs", params,
	    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	return fd < 0 ? fd : mnt_attach(fd, target, op->destination, err);
}

int mnt_do_cgroup(struct mnt_ctx *ctx, const struct mnt_op *op, const struct mnt_cgroup_view *view,
                  struct err *err)
{
	_cleanup_target_ struct mnt_target target = MNT_TARGET_INIT;
	int r = mnt_open_target(ctx, op, true, &target, err);

	if (r < 0)
		return r;
	if (!view || view->n_dirs == 0)
		return do_none(op, target.fd, err);
	return view->v2 ? do_v2(op, view, target.fd, err) : do_v1(op, view, target.fd, err);
}
