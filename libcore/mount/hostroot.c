/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a container that has no mount namespace: mounts on the rootfs, on the host.
 *
 * Everything that such a container mounts would stay on the host for good. So its root is a mount
 * of ours, and all else is mounted on that: one umount2(MNT_DETACH) takes the lot, what the
 * container has mounted itself included. The ids of a mount are known before it is attached, so
 * they are in the journal before anything is to be undone.
 *
 * Nothing may travel: where the rootfs lies on a shared mount, as it does under most init systems,
 * what is attached there appears in other mount namespaces, and what is detached vanishes there,
 * but only if nothing is mounted on it. Hence two mounts: the outer one is bare, and private as
 * soon as it is attached; the inner one, on top of it, has the mounts below the rootfs and is the
 * container's root. Before they are taken away all of the tree is made private, since otherwise
 * the host's own mounts would go where a clone of one is still its peer.
 *
 * Kernel: statx(2) with STATX_MNT_ID (5.8) and STATX_MNT_ID_UNIQUE (6.8). The plain ids are used
 * again; without the other ones the mount point has to be the right one, too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "berth/log.h"
#include "mount/internal.h"

#define MOUNTINFO_MAX (64u << 20)

void mnt_host_root_free(struct mnt_host_root *root)
{
	if (!root)
		return;
	free(root->path);
	free(root);
}

static int namespace_of(int proc_fd, const char *pid, uint64_t *ret)
{
	char path[300]; /* a name of a directory, and the rest */
	struct stat st;

	snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	if (fstatat(proc_fd, path, &st, 0) < 0)
		return -errno;
	*ret = st.st_ino;
	return 0;
}

/* ---- making */

static int clone_one(int dir, const char *path, bool recursive, uint64_t *ret_id,
                     uint64_t *ret_unique, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	fd =
	    k_open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0u));
	if (fd < 0)
		return err_set(err, fd, "clone of the rootfs \"%s\" in the host's mount namespace",
		               path);
	r = mnt_set_propagation(fd, MS_PRIVATE | MS_REC);
	if (r < 0)
		return err_set(err, r, "making the rootfs private");
	r = k_mount_id(fd, "", AT_EMPTY_PATH, ret_id);
	if (r < 0)
		return err_set(err, r, "find the id of a mount");
	r = k_mount_id_unique(fd, "", AT_EMPTY_PATH, ret_unique);
	if (r < 0)
		*ret_unique = 0;
	return take_fd(&fd);
}

int mnt_host_root_clone(const struct mnt_plan *plan, struct mnt_host_root **ret,
                        int ret_fds[static MNT_HOST_ROOTS], struct err *err)
{
	const char *path = plan->spec->root.path;
	_cleanup_close_ int dir = FD_INVALID, proc_fd = FD_INVALID;
	struct mnt_host_root *root;
	int r = 0;

	dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, -errno, "invalid rootfs: \"%s\"", path);
	proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	root = xcalloc(1, sizeof(*root));
	root->path = realpath(path, NULL);
	if (!root->path)
		r = err_set(err, -errno, "invalid rootfs: \"%s\"", path);
	if (r == 0) {
		r = namespace_of(proc_fd, "self", &root->ns);
		if (r < 0)
			err_set(err, r, "look at the mount namespace");
	}
	for (int i = 0; i < MNT_HOST_ROOTS && r >= 0; i++) {
		r = clone_one(dir, path, i == MNT_HOST_INNER, &root->id[i], &root->unique[i], err);
		if (r >= 0)
			ret_fds[i] = r;
	}
	if (r < 0) {
		mnt_host_root_free(root);
		return r;
	}
	*ret = root;
	return 0;
}

int mnt_host_root_attach(const struct mnt_host_root *root, const int fds[static MNT_HOST_ROOTS],
                         struct err *err)
{
	_cleanup_close_ int dir = open(root->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (dir < 0)
		return err_set(err, -errno, "invalid rootfs: \"%s\"", root->path);
	r = mnt_attach(fds[MNT_HOST_OUTER], dir, root->path, err);
	if (r < 0)
		return r;
	/* What is attached to a shared mount is shared. */
	r = mnt_set_propagation(fds[MNT_HOST_OUTER], MS_PRIVATE);
	if (r < 0)
		return err_set(err, r, "making the rootfs private");
	return mnt_attach(fds[MNT_HOST_INNER], fds[MNT_HOST_OUTER], root->path, err);
}

static bool is_mount(const struct mnt_host_root *root, int i, int fd)
{
	uint64_t id = 0, unique = 0;

	if (k_mount_id(fd, "", AT_EMPTY_PATH, &id) < 0 || id != root->id[i])
		return false;
	return root->unique[i] == 0 || (k_mount_id_unique(fd, "", AT_EMPTY_PATH, &unique) == 0 &&
	                                unique == root->unique[i]);
}

bool mnt_host_root_is(const struct mnt_host_root *root, int fd)
{
	struct statx stx;

	return is_mount(root, MNT_HOST_INNER, fd) &&
	       statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) == 0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* ---- taking away */

/* Fields: id, parent, device, root, mount point, ... */
bool mnt_mountinfo_id(char *line, uint64_t *ret_id, char **ret_mount_point)
{
	char *save = NULL, *fields[5];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (!fields[i])
			return false;
	}
	if (num_parse_u64(fields[0], ret_id) < 0)
		return false;
	text_unescape_octal(fields[4]);
	*ret_mount_point = fields[4];
	return true;
}

/* The mount point of one of ours that is still in the mount table, in text. NULL: there is none. */
static const char *find_mounted(const struct mnt_host_root *root, char *text)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		uint64_t id;
		char *point;

		if (!mnt_mountinfo_id(l, &id, &point) ||
		    (id != root->id[MNT_HOST_OUTER] && id != root->id[MNT_HOST_INNER]))
			continue;
		/* The directory may have been renamed since, the mount with it; without unique ids
		 * such a one could be anybody's. */
		if (root->unique[MNT_HOST_OUTER] || streq(point, root->path))
			return point;
	}
	return NULL;
}

/* Is the mount of this plain id another one by now? Asked of a mount that was opened. */
static bool is_recycled(const struct mnt_host_root *root, int fd)
{
	uint64_t id = 0;

	if (k_mount_id(fd, "", AT_EMPTY_PATH, &id) < 0)
		return false;
	return id == root->id[MNT_HOST_OUTER] || id == root->id[MNT_HOST_INNER];
}

/* 1: one was taken away, there may be another. */
static int remove_one(const struct mnt_host_root *root, int proc_fd, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = FD_INVALID;
	const char *point;
	int r;

	r = file_read_at(proc_fd, "thread-self/mountinfo", MOUNTINFO_MAX, &text, NULL);
	if (r < 0)
		return err_set(err, r, "read the mount table");
	point = find_mounted(root, text);
	if (!point)
		return 0;
	fd = open(point, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open the root \"%s\"", point);
	if (!is_mount(root, MNT_HOST_OUTER, fd) && !is_mount(root, MNT_HOST_INNER, fd))
		return is_recycled(root, fd)
		           ? 0
		           : err_text(err, -EBUSY,
		                      "something is mounted over the root \"%s\", which the "
		                      "container has on the host (another container on the same "
		                      "root?): remove that first",
		                      point);
	r = mnt_set_propagation(fd, MS_PRIVATE | MS_REC);
	if (r < 0)
		return err_set(err, r, "making \"%s\" private", point);
	/* By the directory that was looked at, not by a name. */
	if (fchdir(fd) < 0 || umount2(".", MNT_DETACH) < 0)
		return err_set(err, -errno, "unmount \"%s\"", point);
	log_debug("unmounted %s", point);
	return 1;
}

/* A namespace lives in its processes (or in files that are bound somewhere, which is nobody's way
 * to keep a container): without one it is gone, and its mounts are. */
static int open_namespace(int proc_fd, uint64_t ns)
{
	_cleanup_close_ int copy = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	bool denied = false;
	int fd = -ESRCH;
	struct dirent *de;

	if (!dir)
		return -errno;
	(void)take_fd(&copy);
	while (fd < 0 && (de = readdir(dir))) {
		uint64_t found = 0;
		char path[300];

		if (de->d_name[0] < '1' || de->d_name[0] > '9')
			continue;
		denied |= namespace_of(proc_fd, de->d_name, &found) == -EACCES;
		if (found != ns)
			continue;
		snprintf(path, sizeof(path), "%s/ns/mnt", de->d_name);
		fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fd = -ESRCH;
	}
	closedir(dir);
	return fd == -ESRCH && denied ? -EACCES : fd;
}

static int remove_all(void *arg, struct err *err)
{
	const struct mnt_host_root *root = arg;
	_cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int ns_fd = FD_INVALID;
	uint64_t own = 0;
	int r;

	if (proc_fd < 0)
		return err_set(err, -errno, "open \"/proc\"");
	r = namespace_of(proc_fd, "self", &own);
	if (r < 0)
		return err_set(err, r, "look at the mount namespace");
	if (own != root->ns) {
		ns_fd = open_namespace(proc_fd, root->ns);
		if (ns_fd == -ESRCH)
			return 0;
		if (ns_fd < 0 || setns(ns_fd, CLONE_NEWNS) < 0)
			return err_set(err, ns_fd < 0 ? ns_fd : -errno,
			               "enter the mount namespace that has the root \"%s\"",
			               root->path);
	}
	do
		r = remove_one(root, proc_fd, err);
	while (r > 0);
	return r;
}

int mnt_host_root_remove(const struct mnt_host_root *root, struct err *err)
{
	struct mnt_host_root copy = *root;

	return mnt_in_child(remove_all, &copy, false, err);
}
