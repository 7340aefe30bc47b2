/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount points without mounts: what a restore needs on a root file system that has never seen the
 * container, for example one that was unpacked from an image elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "mount/internal.h"

/* Does an earlier mount cover the place? What is below belongs to that mount. */
static bool is_covered(const struct mnt_plan *plan, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (path_is_under(plan->ops[i].destination, plan->ops[k].destination))
			return true;
	return false;
}

static int make_point(int root_fd, const struct mnt_op *op, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	unsigned int flags = MNT_CREATE_DIR;
	struct stat st;

	if (op->bind && op->source && stat(op->source, &st) == 0 && !S_ISDIR(st.st_mode))
		flags = MNT_CREATE_FILE;
	fd = mnt_resolve(root_fd, op->destination, flags, NULL);
	return fd < 0 ? err_set(err, fd, "make the mount point \"%s\"", op->destination) : 0;
}

int mnt_make_mount_points(const struct mnt_plan *plan, struct err *err)
{
	const char *root = plan->spec->root.path;
	_cleanup_close_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_umask_zero_(saved);
	int r = 0;

	(void)saved;
	if (root_fd < 0)
		return err_set(err, -errno, "open the root \"%s\"", root);
	for (size_t i = 0; i < plan->n_ops && r == 0; i++)
		if (!plan->ops[i].remount && !is_covered(plan, i))
			r = make_point(root_fd, &plan->ops[i], err);
	return r;
}
