/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount points without mounts: what a restore needs on a root file system that has never seen the
 * container, for example one that was unpacked from an image elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "mount/internal.h"

/* The earlier mount that covers the place, the last one counts; NULL: it is on the root. */
static const struct mnt_op *cover_of(const struct mnt_plan *plan, size_t i)
{
	for (size_t k = i; k-- > 0;)
		if (!plan->ops[k].remount &&
		    path_is_under(plan->ops[i].destination, plan->ops[k].destination))
			return &plan->ops[k];
	return NULL;
}

static int make_at(int root_fd, const struct mnt_op *op, const char *path, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	unsigned int flags = MNT_CREATE_DIR;
	struct stat st;

	if (op->bind && op->source && stat(op->source, &st) == 0 && !S_ISDIR(st.st_mode))
		flags = MNT_CREATE_FILE;
	fd = mnt_resolve(root_fd, path, flags, NULL);
	return fd < 0 ? err_set(err, fd, "make the mount point \"%s\"", op->destination) : 0;
}

/*
 * What is below a bind belongs to the source, whose contents are in no image: the creation made the
 * mount point in there, too. Into what is bound for reading it could not; other file systems come
 * with their contents.
 */
static int make_in_source(const struct mnt_op *cover, const struct mnt_op *op, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;

	if (!cover->bind || !cover->source || mnt_op_readonly(cover))
		return 0;
	fd = open(cover->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR ? 0 : err_set(err, -errno, "open \"%s\"", cover->source);
	return make_at(fd, op, op->destination + strlen(cover->destination), err);
}

static int make_point(int root_fd, const struct mnt_plan *plan, size_t i, struct err *err)
{
	const struct mnt_op *op = &plan->ops[i], *cover = cover_of(plan, i);

	if (!cover)
		return make_at(root_fd, op, op->destination, err);
	return streq(cover->destination, op->destination) ? 0 : make_in_source(cover, op, err);
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
		if (!plan->ops[i].remount)
			r = make_point(root_fd, plan, i, err);
	return r;
}
