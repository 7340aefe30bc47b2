/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names inside the container's root.
 *
 * Existing objects are found by one openat2(2) that treats root_fd as "/" and refuses magic links.
 * Missing ones are made by a walk of single components, each opened O_PATH|O_NOFOLLOW below the
 * descriptor of the one before, so that whoever swaps a directory for a link while we walk can make
 * us fail but not leave the root: a link is only ever text that we put in front of what remains,
 * ".." goes back through root_fd, and creation is mkdirat or O_EXCL|O_NOFOLLOW.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "mount/internal.h"

#define LINKS_MAX 40 /* as many as the kernel follows */

static bool no_links(unsigned int flags)
{
	return (flags & MNT_NO_SYMLINKS) && !knocked_out("plain-place");
}

/* root_fd is "/" for every step of the walk, ".." and absolute links included. */
static int open_scoped(int root_fd, const char *path, uint64_t open_flags, unsigned int flags)
{
	uint64_t scope = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

	if (knocked_out("root-scope")) {
		path += strspn(path, "/");
		path = *path ? path : ".";
		scope = 0;
	}
	return k_openat2(root_fd, path, open_flags, 0,
	                 scope | (no_links(flags) ? RESOLVE_NO_SYMLINKS : 0));
}

int mnt_new_file(int dir_fd, const char *name, mode_t mode)
{
	int flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY;

	if (knocked_out("create-nofollow"))
		flags &= ~(O_EXCL | O_NOFOLLOW);
	return openat(dir_fd, name, flags, mode);
}

bool mnt_is_procfs(int fd)
{
	struct statfs sfs;

	return fstatfs(fd, &sfs) == 0 && sfs.f_type == PROC_SUPER_MAGIC;
}

bool mnt_is_procfs_or_sysfs(int fd)
{
	struct statfs sfs;

	return fstatfs(fd, &sfs) == 0 &&
	       (sfs.f_type == PROC_SUPER_MAGIC || sfs.f_type == SYSFS_MAGIC);
}

bool mnt_is_procfs_root(int fd)
{
	struct stat st;

	/* The root directory of every procfs has inode number 1. */
	return mnt_is_procfs(fd) && fstat(fd, &st) == 0 && st.st_ino == 1;
}

/* One call for all that is ever asked about an opened name. */
int mnt_place_of(int fd, struct mnt_place *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID, &stx) <
	    0)
		return -errno;
	*ret = (struct mnt_place){
		.mount_id = stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0,
		.ino = stx.stx_ino,
		.dev_major = stx.stx_dev_major,
		.dev_minor = stx.stx_dev_minor,
		.mode = stx.stx_mode,
	};
	return 0;
}

/* The same inode can be in many mounts, and only one of them is the place. */
bool mnt_place_equal(const struct mnt_place *a, const struct mnt_place *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       (a->mount_id == b->mount_id || a->mount_id == 0 || b->mount_id == 0);
}

bool mnt_same_place(int fd, int other_fd)
{
	struct mnt_place a = { 0 }, b = { 0 };

	return mnt_place_of(fd, &a) == 0 && mnt_place_of(other_fd, &b) == 0 &&
	       mnt_place_equal(&a, &b);
}

/* The walk that makes what is missing. */
struct walk {
	int root_fd;
	unsigned int flags;
	int cur;    /* O_PATH descriptor of where we are; owned unless it is root_fd */
	char *done; /* the same as text: absolute, without links */
	char *todo; /* what remains */
	int links;
	bool created;
};

static void walk_done(struct walk *w)
{
	if (w->cur != w->root_fd)
		fd_close(w->cur);
	free(w->done);
	free(w->todo);
}

/* Step to fd, of which `done` is the path; both are ours from here on. */
static void walk_enter(struct walk *w, int fd, char *done)
{
	if (w->cur != w->root_fd)
		fd_close(w->cur);
	free(w->done);
	w->cur = fd;
	w->done = done;
}

/* ".." only comes out of links. Going back by name through the root cannot leave it; the directory
 * may have been moved meanwhile, and openat(fd, "..") would follow it anywhere. */
static int walk_up(struct walk *w)
{
	_cleanup_free_ char *up = path_dir(w->done);
	int fd;

	if (streq(up, "/")) {
		walk_enter(w, w->root_fd, take_ptr(up));
		return 0;
	}
	fd = open_scoped(w->root_fd, up, O_PATH | O_DIRECTORY, MNT_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	walk_enter(w, fd, take_ptr(up));
	return 0;
}

/* Put the target of the link in front of what remains. */
static int walk_link(struct walk *w, int link_fd)
{
	char target[PATH_MAX];
	char *todo;
	ssize_t n;

	/* On procfs a link's text need not be where it leads; nothing can be made there anyway. */
	if (no_links(w->flags) || ++w->links > LINKS_MAX || mnt_is_procfs(link_fd))
		return -ELOOP;
	n = readlinkat(link_fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	todo = xasprintf("%s/%s", target, w->todo);
	free(w->todo);
	w->todo = todo;
	if (target[0] == '/')
		walk_enter(w,
		           knocked_out("root-scope") ? open("/", O_PATH | O_CLOEXEC) : w->root_fd,
		           xstrdup("/"));
	return 0;
}

/* -EEXIST is no error: somebody was faster, and the next open sees what it is. */
static int make_missing(struct walk *w, const char *name, bool last)
{
	if (last && (w->flags & MNT_CREATE_FILE)) {
		int fd = mnt_new_file(w->cur, name, 0644);

		if (fd < 0)
			return errno == EEXIST ? 0 : -errno;
		fd_close(fd);
	} else if (mkdirat(w->cur, name, 0755) < 0) {
		return errno == EEXIST ? 0 : -errno;
	}
	w->created = last;
	return 0;
}

/* One real name: enter it, make it, or unfold the link that it is. */
static int walk_name(struct walk *w, const char *name, bool last)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;
	int r;

	fd = openat(w->cur, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		r = make_missing(w, name, last);
		if (r < 0)
			return r;
		fd = openat(w->cur, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* What was opened is what is judged: the name may be something else already. */
	if (S_ISLNK(st.st_mode))
		return walk_link(w, fd);
	if (!last && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	walk_enter(w, take_fd(&fd), path_join(w->done, name));
	return 0;
}

/* Take one name off what remains. 0: go on, 1: nothing is left, -errno. */
static int walk_step(struct walk *w)
{
	_cleanup_free_ char *name = NULL;
	char *p = w->todo + strspn(w->todo, "/");
	size_t len = strcspn(p, "/");
	const char *rest = p + len + strspn(p + len, "/");
	bool last = rest[0] == '\0';

	if (len == 0)
		return 1;
	name = xstrndup(p, len);
	memmove(w->todo, rest, strlen(rest) + 1);
	if (streq(name, "."))
		return 0;
	if (streq(name, ".."))
		return walk_up(w);
	return walk_name(w, name, last);
}

/* Component by component from the root; see the head of this file. */
static int walk(int root_fd, const char *path, unsigned int flags, bool *ret_created)
{
	struct walk w = { .root_fd = root_fd, .flags = flags, .cur = root_fd };
	int r;

	w.done = xstrdup("/");
	w.todo = xstrdup(path);
	do
		r = walk_step(&w);
	while (r == 0);
	if (r > 0 && w.cur == root_fd)
		r = fcntl(root_fd, F_DUPFD_CLOEXEC, 3), r = r < 0 ? -errno : r;
	else if (r > 0)
		r = take_fd(&w.cur);
	if (ret_created)
		*ret_created = r >= 0 && w.created;
	walk_done(&w);
	return r;
}

int mnt_resolve(int root_fd, const char *path, unsigned int flags, bool *ret_created)
{
	int fd = open_scoped(root_fd, path, O_PATH, flags);

	if (ret_created)
		*ret_created = false;
	if (fd != -ENOENT || !(flags & (MNT_CREATE_DIR | MNT_CREATE_FILE)))
		return fd;
	return walk(root_fd, path, flags, ret_created);
}

int mnt_resolve_parent(int root_fd, const char *path, unsigned int flags, const char **ret_name)
{
	_cleanup_free_ char *dir = NULL;
	const char *name = path_base(path);

	if (name[0] == '\0' || streq(name, ".") || streq(name, "..") || strchr(name, '/'))
		return -EINVAL;
	dir = path_dir(path);
	*ret_name = name;
	return mnt_resolve(root_fd, dir, (flags & MNT_NO_SYMLINKS) | MNT_CREATE_DIR, NULL);
}

int mnt_make_cwd(struct mnt_ctx *ctx, const char *cwd, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;
	_umask_zero_(saved);

	(void)saved;
	if (ctx->root_fd < 0)
		return 0;
	fd = mnt_resolve(ctx->root_fd, cwd, MNT_CREATE_DIR, NULL);
	/* A user namespace cannot look into directories of ids that it does not have. */
	/* It may be there and open to the container's user alone; chdir decides. */
	if (fd == -EACCES)
		return 0;
	if (fd < 0)
		return err_set(err, fd, "cannot make the working directory \"%s\"", cwd);
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "stat of the working directory \"%s\"", cwd);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "working directory \"%s\"", cwd);
	return 0;
}

int mnt_open_in_root(int root_fd, const char *path, int flags, struct err *err)
{
	_cleanup_close_ int seen = FD_INVALID, fd = FD_INVALID;
	struct stat a, b;

	/* O_NONBLOCK below for the same reason, should it be swapped in between. */
	/* Opening a FIFO or a device has effects, so look before the real open. */
	seen = open_scoped(root_fd, path, O_PATH, 0);
	if (seen < 0)
		return err_set(err, seen, "open \"%s\" in the container", path);
	if (fstat(seen, &a) < 0)
		return err_set(err, -errno, "stat \"%s\" in the container", path);
	if (!S_ISREG(a.st_mode))
		return err_set(err, S_ISDIR(a.st_mode) ? -EISDIR : -EINVAL,
		               "\"%s\" in the container is not a regular file", path);
	fd = open_scoped(root_fd, path, (uint64_t)flags | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return err_set(err, fd, "open \"%s\" in the container", path);
	if (fstat(fd, &b) < 0)
		return err_set(err, -errno, "stat \"%s\" in the container", path);
	if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
		return err_set(err, -ESTALE, "\"%s\" in the container changed under us", path);
	return take_fd(&fd);
}
