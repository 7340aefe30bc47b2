/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out one operation of the plan.
 *
 * Model: build the mount detached (fsopen/fsmount or open_tree), give it its attributes while no
 * container can see it, find or make the target inside the root, attach one descriptor on the
 * other, then propagation, then look whether read-only really holds. The target is judged by its
 * descriptor: whatever the path looked like, nothing is attached to the root itself or to anything
 * on procfs that the plan has not allowed by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"
#include "mount/internal.h"

#define FS_LOG_MAX   256
#define FS_PARAM_MAX 255 /* fsconfig(2) takes no longer values */

/* ---- mount fds */

int mnt_set_attr(int mount_fd, bool recursive, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	if (knocked_out("readonly"))
		attr.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return k_mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr);
}

int mnt_set_propagation(int mount_fd, unsigned long propagation)
{
	struct mount_attr attr = { .propagation = propagation & ~(unsigned long)MS_REC };

	return k_mount_setattr(mount_fd, "",
	                       AT_EMPTY_PATH | (propagation & MS_REC ? AT_RECURSIVE : 0), &attr);
}

int mnt_verify_readonly(int mount_fd, const char *what, struct err *err)
{
	struct statfs sfs;

	if (fstatfs(mount_fd, &sfs) < 0)
		return err_set(err, -errno, "statfs of %s", what);
	if (!(sfs.f_flags & ST_RDONLY) && !knocked_out("readonly"))
		return err_set(err, -ENOTRECOVERABLE, "%s was made read-only but is still writable",
		               what);
	return 0;
}

int mnt_attach(int mount_fd, int target_fd, const char *what, struct err *err)
{
	int r = k_move_mount_fd(mount_fd, target_fd);

	return r < 0 ? err_set(err, r, "attaching the mount on \"%s\"", what) : 0;
}

/* Newer kernels say in the context's log which parameter they dislike and why. */
static int fs_error(int fsfd, int code, struct err *err, const char *fstype, const char *what)
{
	char log[FS_LOG_MAX];

	if (k_fs_log(fsfd, log, sizeof(log)) > 0)
		return err_set(err, code, "%s (%s)", what, log);
	return err_set(err, code, "%s (file system %s)", what, fstype);
}

/* "key=value" or a flag. The first "=" separates: values may hold more. */
static int set_param(int fsfd, const char *param)
{
	_cleanup_free_ char *key = NULL;
	const char *eq = strchr(param, '=');

	if (!eq)
		return k_fsconfig_flag(fsfd, param);
	key = xstrndup(param, (size_t)(eq - param));
	return k_fsconfig_string(fsfd, key, eq + 1);
}

/* In the order of the configuration: with some file systems the last one wins. */
static int set_params(int fsfd, const char *fstype, char *const *super, struct err *err)
{
	for (char *const *p = super; p && *p; p++) {
		int r = set_param(fsfd, *p);
		char what[128];

		if (r >= 0)
			continue;
		/* mount(2) takes these for every file system; most do nothing with them. */
		if (r == -EINVAL && (streq(*p, "i_version") || streq(*p, "mand"))) {
			log_debug("file system %s has no flag \"%s\"", fstype, *p);
			continue;
		}
		if (r == -EINVAL && strlen(*p) > FS_PARAM_MAX)
			r = -E2BIG;
		snprintf(what, sizeof(what), "option \"%.100s\"", *p);
		return fs_error(fsfd, r, err, fstype, what);
	}
	return 0;
}

int mnt_new_fs(const char *fstype, const char *source, char *const *super, uint64_t attrs,
               struct err *err)
{
	_cleanup_close_ int fsfd = FD_INVALID;
	int r;

	fsfd = k_fsopen(fstype);
	if (fsfd < 0)
		return err_set(err, fsfd, "file system type \"%s\"", fstype);
	if (source && source[0] != '\0') {
		r = k_fsconfig_string(fsfd, "source", source);
		if (r < 0)
			return fs_error(fsfd, r, err, fstype, "setting the source");
	}
	r = set_params(fsfd, fstype, super, err);
	if (r < 0)
		return r;
	/* Old file systems parse nothing before this point. */
	r = k_fsconfig_create(fsfd);
	if (r < 0)
		return fs_error(fsfd, r, err, fstype, "creating the file system");
	r = k_fsmount(fsfd, (unsigned int)attrs);
	if (r < 0)
		return fs_error(fsfd, r, err, fstype, "making the mount");
	return r;
}

/* ---- attributes */

static const struct {
	uint64_t attr;
	unsigned long statfs_flag;
	const char *name;
} lockable_table[] = {
	{ MOUNT_ATTR_RDONLY, ST_RDONLY, "ro" },
	{ MOUNT_ATTR_NOSUID, ST_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, ST_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, ST_NOEXEC, "noexec" },
	{ MOUNT_ATTR__ATIME, ST_NOATIME, "noatime" },
	{ MOUNT_ATTR__ATIME, ST_RELATIME, "relatime" },
	{ MOUNT_ATTR_NODIRATIME, ST_NODIRATIME, "nodiratime" },
};

/* EPERM from mount_setattr(2) means that a flag came from a more privileged mount namespace. */
/* The names are for the user: which of the options could not be had. */
static int locked_error(int mount_fd, uint64_t clear, struct err *err)
{
	struct buf names __attribute__((cleanup(buf_done))) = BUF_INIT(128);
	struct statfs sfs;

	if (fstatfs(mount_fd, &sfs) < 0)
		sfs.f_flags = 0;
	for (size_t i = 0; i < ARRAY_SIZE(lockable_table); i++) {
		if ((lockable_table[i].attr & clear) &&
		    ((unsigned long)sfs.f_flags & lockable_table[i].statfs_flag))
			buf_printf(&names, " %s", lockable_table[i].name);
	}
	return err_set(err, -EPERM, "cannot clear locked flags%s",
	               names.data ? names.data : " of a mount inside");
}

/* mount_setattr(2) leaves alone what is in neither mask, so locked flags that nobody named stay. */
static int apply(int mount_fd, bool recursive, uint64_t set, uint64_t clear, struct err *err)
{
	int r;

	if (!set && !clear)
		return 0;
	r = mnt_set_attr(mount_fd, recursive, set, clear);
	if (r == -EPERM && clear)
		return locked_error(mount_fd, clear, err);
	if (r < 0)
		return err_set(err, r, "setting mount attributes");
	return 0;
}

int mnt_apply_attrs(int mount_fd, const struct mnt_op *op, struct err *err)
{
	/* What comes late must stay writable until then, whichever option asked for it. */
	uint64_t late = op->late_readonly ? MOUNT_ATTR_RDONLY : 0;
	int r = apply(mount_fd, false, op->attr_set & ~late, op->attr_clr, err);

	return r < 0 ? r : apply(mount_fd, true, op->rec_set & ~late, op->rec_clr, err);
}

/* ---- the target */

/* What callers match: a proc or sysfs whose place is not a plain directory. */
static int target_error(const struct mnt_op *op, int code, struct err *err)
{
	const char *type = streq(op->fstype, "bind") ? NULL : op->fstype;

	if ((code == -ELOOP || code == -ENOTDIR) &&
	    (streq(op->destination, "/proc") || streq(op->destination, "/sys") ||
	     (type && (streq(type, "proc") || streq(type, "sysfs")))))
		return err_set(err, code, "filesystem \"%s\" must be mounted on ordinary directory",
		               op->fstype);
	return err_set(err, code, "mount point \"%s\"", op->destination);
}

/* Judged on the descriptor, since the path may have been anything. */
static int check_target(const struct mnt_ctx *ctx, const struct mnt_op *op, int fd,
                        const struct mnt_place *place, struct err *err)
{
	if (mnt_place_equal(place, &ctx->root_place))
		return err_set(err, -EINVAL, "\"%s\" is the root of the container",
		               op->destination);
	/* on_proc was resolved without links, so its path is the truth. */
	if (!op->on_proc && mnt_is_procfs(fd) && !knocked_out("procfs-only"))
		return err_set(err, -EPERM, "\"%s\" leads into procfs", op->destination);
	return 0;
}

int mnt_open_target(const struct mnt_ctx *ctx, const struct mnt_op *op, bool is_dir,
                    struct mnt_target *ret, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	unsigned int flags = is_dir ? MNT_CREATE_DIR : MNT_CREATE_FILE;
	struct mnt_place place;
	int r;

	/* A procfs or sysfs that lands elsewhere than where the runtime will mask it is an escape.
	 */
	if (op->on_proc || streq(op->destination, "/sys") || streq(op->fstype, "proc") ||
	    streq(op->fstype, "sysfs"))
		flags |= MNT_NO_SYMLINKS;
	fd = mnt_resolve(ctx->root_fd, op->destination, flags, &ret->created);
	if (fd < 0)
		return target_error(op, fd, err);
	/* move_mount(2) would give the same errors, but with less to say. */
	r = mnt_place_of(fd, &place);
	if (r < 0)
		return err_set(err, r, "stat \"%s\"", op->destination);
	if (is_dir && !S_ISDIR(place.mode))
		return target_error(op, -ENOTDIR, err);
	if (!is_dir && S_ISDIR(place.mode))
		return target_error(op, -EISDIR, err);
	r = check_target(ctx, op, fd, &place, err);
	if (r < 0)
		return r;
	ret->fd = take_fd(&fd);
	ret->mode = place.mode;
	return 0;
}

/* ---- the kinds */

/* Attach, then what only an attached mount can have. Late ones are remembered by descriptor. */
static int finish_mount(struct mnt_ctx *ctx, const struct mnt_op *op, int mount_fd, int target_fd,
                        struct err *err)
{
	int r = mnt_attach(mount_fd, target_fd, op->destination, err);

	if (r < 0)
		return r;
	/* Attaching to a shared parent shares the child, so the choice is made afterwards. */
	for (size_t i = 0; i < ARRAY_SIZE(op->propagation) && op->propagation[i]; i++) {
		r = mnt_set_propagation(mount_fd, op->propagation[i]);
		if (r < 0)
			return err_set(err, r, "setting propagation");
	}
	if (!op->late_readonly)
		return mnt_op_readonly(op) ? mnt_verify_readonly(mount_fd, op->destination, err)
		                           : 0;

	struct mnt_late *late = &ctx->late[ctx->n_late++];

	late->destination = op->destination;
	late->recursive = op->rec_set & MOUNT_ATTR_RDONLY;
	late->fd = fcntl(mount_fd, F_DUPFD_CLOEXEC, 3);
	if (late->fd < 0)
		return err_set(err, -errno, "keeping \"%s\"", op->destination);
	return 0;
}

/* The source is opened first: whether it is a directory decides what the target must be. */
static int do_bind(struct mnt_ctx *ctx, const struct mnt_op *op, const struct mnt_plan *plan,
                   struct err *err)
{
	_cleanup_target_ struct mnt_target target = MNT_TARGET_INIT;
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;
	int r;

	fd = mnt_open_source(ctx, op, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "stat of bind source \"%s\"", op->source);
	/* A part of procfs, or a look-alike, would let the image fake what the runtime reads. */
	if (streq(op->destination, "/proc") && !mnt_is_procfs_root(fd) &&
	    !knocked_out("procfs-only"))
		return err_set(err, -EPERM,
		               "\"/proc\" cannot be mounted because it is not of type proc");
	/* In the host's namespace its mounts are shared with others of their kind, and so would be
	 * what is mounted, and unmounted, on the clone. */
	if (plan->on_host) {
		r = mnt_set_propagation(fd, MS_SLAVE | MS_REC);
		if (r < 0)
			return err_set(err, r, "making \"%s\" a slave", op->source);
	}
	r = mnt_open_target(ctx, op, S_ISDIR(st.st_mode), &target, err);
	if (r == 0)
		r = mnt_bind_apply(fd, op, plan->has_userns, err);
	return r < 0 ? r : finish_mount(ctx, op, fd, target.fd, err);
}

/* Is there a parameter that begins so? */
static bool has_param(char *const *super, const char *prefix)
{
	for (char *const *p = super; p && *p; p++) {
		if (strncmp(*p, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* A user namespace without a network namespace of its own may not mount sysfs. What the host shows
 * is then all there is: it is bound, submounts and all, so that nothing hidden is uncovered. */
static int sysfs_fallback(const struct mnt_op *op, struct err *err)
{
	_cleanup_close_ int fd = k_open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE | AT_RECURSIVE);
	int r;

	log_debug("%s: sysfs cannot be mounted here, binding the host's /sys", op->destination);
	if (fd < 0)
		return err_set(err, fd, "bind of the host's /sys in place of sysfs");
	if (op->attr_set & MOUNT_ATTR_RDONLY) {
		r = mnt_set_attr(fd, true, MOUNT_ATTR_RDONLY, 0);
		if (r < 0)
			return err_set(err, r, "making the host's /sys read-only");
	}
	return take_fd(&fd);
}

/* A fresh mount has no attributes but those it is made with, so there is nothing to clear. */
static int make_fs(const struct mnt_op *op, const struct mnt_target *target, struct err *err)
{
	uint64_t late = op->late_readonly ? MOUNT_ATTR_RDONLY : 0;
	_cleanup_strv_ char **copy = NULL;
	char **super = op->super;

	/* A tmpfs that says nothing about its mode covers a directory whose mode somebody chose. */
	if (streq(op->fstype, "tmpfs") && !target->created && !has_param(super, "mode=")) {
		char mode[32];

		snprintf(mode, sizeof(mode), "mode=%04o", target->mode & 07777);
		copy = strv_dup(super);
		strv_add(&copy, mode);
		super = copy;
	}
	return mnt_new_fs(op->fstype, op->source, super, op->attr_set & ~late, err);
}

/* mqueue takes no context= but has attributes of files. */
static int label_root(int mount_fd, const char *label, struct err *err)
{
	_cleanup_close_ int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "security.selinux", label, strlen(label) + 1, 0) < 0)
		return err_set(err, -errno, "linux.mountLabel: label the mount \"%s\"", label);
	return 0;
}

/* The target comes first here: a tmpfs takes its mode from it. */
static int do_fs(struct mnt_ctx *ctx, const struct mnt_op *op, const char *mount_label,
                 struct err *err)
{
	uint64_t late = op->late_readonly ? MOUNT_ATTR_RDONLY : 0;
	_cleanup_target_ struct mnt_target target = MNT_TARGET_INIT;
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	r = mnt_open_target(ctx, op, true, &target, err);
	if (r < 0)
		return r;
	fd = make_fs(op, &target, err);
	if (fd == -EPERM && streq(op->fstype, "sysfs")) {
		err_clear(err);
		fd = sysfs_fallback(op, err);
		r = fd < 0 ? fd : mnt_apply_attrs(fd, op, err);
	} else {
		r = fd < 0 ? fd : apply(fd, true, op->rec_set & ~late, op->rec_clr, err);
	}
	if (r == 0 && mount_label && streq(op->fstype, "mqueue"))
		r = label_root(fd, mount_label, err);
	if (r == 0 && op->copy_up && !target.created)
		r = mnt_copy_up(target.fd, fd, op->destination, err);
	return r < 0 ? r : finish_mount(ctx, op, fd, target.fd, err);
}

/* Option "remount": attributes by mount_setattr, parameters by a new round of fsconfig. */
static int do_remount(struct mnt_ctx *ctx, const struct mnt_op *op, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID, fsfd = FD_INVALID;
	struct mnt_place place;
	int r;

	fd = mnt_resolve(ctx->root_fd, op->destination, op->on_proc ? MNT_NO_SYMLINKS : 0, NULL);
	if (fd < 0)
		return target_error(op, fd, err);
	r = mnt_place_of(fd, &place);
	if (r < 0)
		return err_set(err, r, "stat \"%s\"", op->destination);
	r = check_target(ctx, op, fd, &place, err);
	if (r < 0)
		return r;
	/* Parameters first: a superblock that turns writable must not meet a mount that is so
	 * already. */
	if (op->super) {
		fsfd = k_fspick(fd, "", FSPICK_EMPTY_PATH);
		if (fsfd < 0)
			return err_set(err, fsfd, "opening \"%s\" to change it", op->destination);
		r = set_params(fsfd, op->fstype, op->super, err);
		if (r < 0)
			return r;
		r = k_fsconfig_reconfigure(fsfd);
		if (r < 0)
			return fs_error(fsfd, r, err, op->fstype, "changing the file system");
	}
	r = mnt_apply_attrs(fd, op, err);
	if (r < 0)
		return r;
	return mnt_op_readonly(op) ? mnt_verify_readonly(fd, op->destination, err) : 0;
}

bool mnt_op_is_cgroup(const struct mnt_op *op, const struct mnt_cgroup_view *cgroups)
{
	if (op->bind || op->remount)
		return false;
	return streq(op->fstype, "cgroup") ||
	       (streq(op->fstype, "cgroup2") && cgroups && cgroups->v2);
}

int mnt_mount_all(struct mnt_ctx *ctx, const struct mnt_plan *plan,
                  const struct mnt_cgroup_view *cgroups, struct err *err)
{
	_umask_zero_(saved);

	(void)saved;
	if (!mnt_plan_mounts(plan))
		return 0;
	/* As many as there could be, so that keeping one cannot fail half-way. */
	free(ctx->late);
	ctx->late = xcalloc(plan->n_ops ? plan->n_ops : 1, sizeof(*ctx->late));
	ctx->n_late = 0;
	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];
		int r;

		if (op->remount)
			r = do_remount(ctx, op, err);
		else if (op->bind)
			r = do_bind(ctx, op, plan, err);
		else if (mnt_op_is_cgroup(op, cgroups))
			r = mnt_do_cgroup(ctx, op, cgroups, err);
		else
			r = do_fs(ctx, op, plan->spec->linux_.mount_label, err);
		if (r < 0) {
			err_prefix(err, "error mounting \"%s\" to rootfs at \"%s\"",
			           op->source && op->source[0] ? op->source : op->fstype,
			           op->destination);
			return r;
		}
	}
	return 0;
}
