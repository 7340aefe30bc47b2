/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change of root without pivot_root(2), for hosts whose root is the initial ramdisk: the new root
 * is moved over "/" and entered with chroot(2).
 *
 * The old tree then stays in the namespace, below the new root and out of sight. A process that may
 * mount could still profit from it: the kernel allows a new procfs or sysfs in a user namespace
 * only where a complete one is visible already, and the host's would count. So each of them that
 * lies outside the new root is unmounted, or covered where that is not allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "berth/log.h"
#include "mount/internal.h"

#define MOUNTINFO_MAX (64u << 20)

/* Fields: id, parent, device, root, mount point, options, optional ones, "-", type, source. */
bool mnt_mountinfo_full(char *line, char **ret_mount_point)
{
	char *type = strstr(line, " - ");
	char *save = NULL, *root = NULL, *point = NULL;
	int field = 0;

	if (!type)
		return false;
	*type = '\0';
	type += 3;
	type[strcspn(type, " ")] = '\0';
	if (!streq(type, "proc") && !streq(type, "sysfs"))
		return false;
	for (char *f = strtok_r(line, " ", &save); f; f = strtok_r(NULL, " ", &save)) {
		field++;
		if (field == 4)
			root = f;
		else if (field == 5)
			point = f;
	}
	if (!root || !point || !streq(root, "/"))
		return false;
	text_unescape_octal(point);
	*ret_mount_point = point;
	return true;
}

/* An empty read-only tmpfs on top: the kernel no longer counts the mount as visible. */
static int cover(int fd, const char *path, struct err *err)
{
	static char blocks[] = "nr_blocks=1", inodes[] = "nr_inodes=1";
	char *const params[] = { blocks, inodes, NULL };
	_cleanup_close_ int tmpfs = FD_INVALID;

	tmpfs = mnt_new_fs("tmpfs", "tmpfs", params, MOUNT_ATTR_RDONLY, err);
	if (tmpfs < 0)
		return err_prefix(err, "covering \"%s\"", path);
	return mnt_attach(tmpfs, fd, path, err);
}

static int hide(const char *path, bool shared, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* Hidden already, by a mount on top of it or of its parent. */
	if (fd < 0 || !mnt_is_procfs_or_sysfs(fd))
		return 0;
	r = mnt_set_propagation(fd, MS_SLAVE | MS_REC);
	if (r < 0)
		return err_set(err, r, "making \"%s\" a slave", path);
	/* Below a shared mount the host would lose it too. */
	if (!shared && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (!shared && errno != EINVAL && errno != EPERM)
		return err_set(err, -errno, "unmounting \"%s\"", path);
	log_debug("covering %s", path);
	return cover(fd, path, err);
}

static int hide_all(int proc_fd, bool shared, const char *root, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r;

	r = file_read_at(proc_fd, "thread-self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	if (r < 0)
		return err_set(err, r, "reading the mount table");
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *point;

		if (!mnt_mountinfo_full(l, &point) || path_is_under(point, root))
			continue;
		r = hide(point, shared, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int mnt_move_root(struct mnt_ctx *ctx, const struct mnt_plan *plan, struct err *err)
{
	bool shared = mnt_host_is_shared(plan->spec->linux_.rootfs_propagation);
	_cleanup_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int proc_fd = mnt_proc_fd(ctx, err);
	/* The kernel's own idea of where the root is, links above it resolved, as in mountinfo. */
	char link[64], root[PATH_MAX];
	ssize_t n;
	int r;

	if (proc_fd < 0)
		return proc_fd;
	if (old < 0)
		return err_set(err, -errno, "open the old root");
	snprintf(link, sizeof(link), "thread-self/fd/%d", ctx->root_fd);
	n = readlinkat(proc_fd, link, root, sizeof(root) - 1);
	if (n < 0)
		return err_set(err, -errno, "reading the path of the root");
	root[n] = '\0';
	r = hide_all(proc_fd, shared, root, err);
	if (r < 0)
		return r;
	/* What is moved over a shared mount would appear on the host as well. */
	r = mnt_set_propagation(old, MS_SLAVE);
	if (r < 0)
		return err_set(err, r, "making the old root a slave");
	r = k_move_mount(ctx->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return err_set(err, r, "moving the root to \"/\"");
	if (fchdir(ctx->root_fd) < 0)
		return err_set(err, -errno, "chdir to the new root");
	if (chroot(".") < 0)
		return err_set(err, -errno, "chroot to the new root");
	return 0;
}
