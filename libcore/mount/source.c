/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where binds come from: the source as a detached clone.
 *
 * Three ways, by who may open it and when it exists:
 * - init clones it when its turn comes: plain binds;
 * - the creator has cloned it ahead of all: what init's user namespace may not reach, and id-mapped
 *   ones, since only the owner of a file system may map its ids;
 * - the creator clones it when init asks, in init's mount namespace: the same where the source may
 *   lie on what the container has mounted before ("late"), which no path outside leads to.
 *
 * All mounts of a container lie below its root, so a source is late when its path, or where links
 * lead it, is below that; one that is not there yet may be, too.
 *
 * Kernel: open_tree(2) with OPEN_TREE_CLONE wants the caller in the mount namespace of what it
 * clones, so the creator sends a child there (setns(2)); mount_setattr(2) takes the clone, which is
 * in none, from whoever owns the file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "berth/log.h"
#include "mount/internal.h"

bool mnt_source_is_late(const struct mnt_op *op, const char *root)
{
	_cleanup_free_ char *clean = op->source && root ? path_clean(op->source) : NULL;

	return clean && op->bind && !op->remount && path_is_under(clean, root);
}

bool mnt_op_source_is_cloned(const struct mnt_plan *plan, const struct mnt_op *op)
{
	return op->bind && !op->remount && !op->late_source &&
	       (plan->has_userns || op->idmap != MNT_IDMAP_NONE);
}

int mnt_clone_source(const struct mnt_op *op)
{
	return k_open_tree(AT_FDCWD, op->source,
	                   OPEN_TREE_CLONE | (op->recursive ? AT_RECURSIVE : 0));
}

/* ---- the creator, ahead of all */

/* The clone is a peer of the host's mount: no mount may travel back that way. */
static int clone_apart(const struct mnt_op *op)
{
	int fd = mnt_clone_source(op);
	int r;

	if (fd < 0)
		return fd;
	r = mnt_set_propagation(fd, MS_SLAVE | MS_REC);
	if (r < 0)
		fd_close(fd);
	return r < 0 ? r : fd;
}

/* The same question as mnt_source_is_late(), put to the file system. */
static bool leads_into_root(const struct mnt_op *op, const char *root)
{
	_cleanup_free_ char *source = realpath(op->source, NULL);

	if (!source)
		return op->idmap && errno == ENOENT;
	return root && path_is_under(source, root);
}

int mnt_plan_open_sources(struct mnt_plan *plan, struct err *err)
{
	_cleanup_free_ char *root = NULL;

	if (!mnt_plan_mounts(plan))
		return 0;
	for (size_t i = 0; i < plan->n_ops; i++) {
		struct mnt_op *op = &plan->ops[i];
		int fd, r;

		if (!mnt_op_source_is_cloned(plan, op))
			continue;
		if (!root)
			root = realpath(plan->spec->root.path, NULL);
		op->late_source = leads_into_root(op, root);
		if (op->late_source)
			continue;
		fd = clone_apart(op);
		/* Whatever it is, init tries for itself and has the better story to tell. */
		if (fd < 0 && !op->idmap)
			continue;
		r = fd < 0 ? err_set(err, fd, "bind source \"%s\"", op->source)
		           : mnt_idmap_apply(op, fd, err);
		if (r < 0) {
			fd_close(fd);
			return err_prefix(err, "mounts[%zu] (%s)", op->index, op->destination);
		}
		op->source_fd = fd;
	}
	return 0;
}

/* ---- the creator, when init asks */

struct inside {
	const struct mnt_op *op;
	int mntns_fd;
};

static int clone_inside(void *arg, struct err *err)
{
	const struct inside *in = arg;
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	if (setns(in->mntns_fd, CLONE_NEWNS) < 0)
		return err_set(err, -errno, "enter the container's mount namespace");
	fd = mnt_clone_source(in->op);
	if (fd < 0)
		return err_set(err, fd, "bind source \"%s\"", in->op->source);
	r = mnt_idmap_apply(in->op, fd, err);
	return r < 0 ? r : take_fd(&fd);
}

int mnt_open_source_inside(const struct mnt_op *op, int mntns_fd, struct err *err)
{
	struct inside in = { .op = op, .mntns_fd = mntns_fd };

	return mnt_in_child(clone_inside, &in, true, err);
}

/* ---- init */

static int ask(struct mnt_ctx *ctx, const struct mnt_op *op, struct err *err)
{
	int proc_fd = mnt_proc_fd(ctx, err);
	_cleanup_close_ int mntns_fd = FD_INVALID;

	if (proc_fd < 0)
		return proc_fd;
	/* Opened here, since another process would need the right to trace this one. */
	mntns_fd = openat(proc_fd, "thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (mntns_fd < 0)
		return err_set(err, -errno, "open the mount namespace");
	log_debug("%s: asking the creator for %s", op->destination, op->source);
	return ctx->ask(ctx->ask_arg, op, mntns_fd, err);
}

static int copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

int mnt_open_source(struct mnt_ctx *ctx, const struct mnt_op *op, struct err *err)
{
	bool late = op->late_source && ctx->ask;
	int fd;

	/* Its ids are mapped where that is allowed. */
	if (op->idmap && late)
		return ask(ctx, op, err);
	if (op->idmap) {
		fd = op->source_fd < 0 ? -EBADF : copy_of(op->source_fd);
		return fd < 0 ? err_set(err, fd, "id-mapped source \"%s\"", op->source) : fd;
	}
	fd = mnt_clone_source(op);
	if (fd >= 0)
		return fd;
	/* Out of our reach (a directory above is closed to our ids). */
	if ((fd == -EACCES || fd == -EPERM) && late)
		return ask(ctx, op, err);
	/* The same, or holding mounts that we may not uncover: the creator's clone is next best,
	 * since it carries no locked flags. */
	if ((fd == -EACCES || fd == -EPERM || fd == -EINVAL) && op->source_fd >= 0) {
		int copy = copy_of(op->source_fd);

		log_debug("%s: using the creator's clone of %s", op->destination, op->source);
		if (copy >= 0)
			return copy;
	}
	if (fd == -EINVAL && !op->recursive)
		return err_set(
		    err, fd,
		    "bind source \"%s\" (is something mounted below it? a user namespace "
		    "needs rbind then)",
		    op->source);
	return err_set(err, fd, "bind source \"%s\"", op->source);
}
