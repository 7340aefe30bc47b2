/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files. Everything is relative to a directory descriptor and the last component is never a
 * link that is followed. Files that somebody else may have prepared are opened O_NONBLOCK and
 * checked before they are read, so a FIFO or device in their place is an error instead of a hang.
 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define READ_FIRST   4096 /* most state and kernel files fit: one read and the one that sees EOF */
#define TREE_DEPTH   128  /* one descriptor and one frame per level */
#define TREE_PASSES  8    /* a directory that others keep filling is not ours to empty */
#define TMP_ATTEMPTS 16

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	size_t cap = max < READ_FIRST ? max : READ_FIRST, len = 0;
	_cleanup_free_ char *data = NULL;

	for (;;) {
		ssize_t n;

		/* One byte more than allowed tells "exactly max" from "too much"; one for the NUL.
		 */
		data = xreallocarray(data, cap + 2, 1);
		n = fd_read_all(fd, data + len, cap + 1 - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len <= cap)
			break;
		if (cap == max)
			return -EFBIG;
		cap = cap > max / 4 ? max : cap * 4;
	}
	data[len] = '\0';
	*ret = take_ptr(data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_read_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd =
	    openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return file_read_fd(fd, max, ret, ret_len);
}

int file_write_at(int dirfd, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* The kernel parses what one write brings: splitting it would change its meaning. */
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Create "<dir>/.<base>.<random>" next to name; the descriptor, and the name in *ret_tmp. */
static int open_tmp(int dirfd, const char *name, char **ret_tmp)
{
	const char *base = path_base(name);

	for (int i = 0; i < TMP_ATTEMPTS; i++) {
		_cleanup_free_ char *tmp = NULL;
		uint64_t rnd;
		int fd;

		if (getrandom(&rnd, sizeof(rnd), 0) != sizeof(rnd))
			return -EIO;
		tmp = xasprintf("%.*s.%s.%016llx", (int)(base - name), name, base,
		                (unsigned long long)rnd);
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			*ret_tmp = take_ptr(tmp);
			return fd;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int fill_tmp(int fd, const void *data, size_t len, mode_t mode, bool sync)
{
	int r = fd_write_all(fd, data, len);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0) /* whatever the umask is */
		return -errno;
	return sync && fdatasync(fd) < 0 ? -errno : 0;
}

int file_replace_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
                    bool sync)
{
	_cleanup_free_ char *tmp = NULL;
	_cleanup_close_ int fd = open_tmp(dirfd, name, &tmp);
	int r;

	if (fd < 0)
		return fd;
	r = fill_tmp(fd, data, len, mode, sync);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0 && tmp)
		unlinkat(dirfd, tmp, 0);
	return r;
}

/* A bind mount shares the device with its surroundings, so the mount itself is asked for. 5.8. */
static int refuse_mount(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) < 0)
		return -errno;
	return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT ? -EXDEV : 0;
}

static int remove_at(int dirfd, const char *name, int depth);

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Remove all entries of the directory fd (taken over); 1: something was there, 0: empty. */
static int empty_dir(int fd, int depth)
{
	_cleanup_(close_dir)
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	int found = 0;

	if (!dir) {
		fd_close(fd);
		return -errno;
	}
	rewinddir(dir);
	while ((errno = 0, de = readdir(dir))) {
		int r;

		if (streq(de->d_name, ".") || streq(de->d_name, ".."))
			continue;
		r = remove_at(dirfd(dir), de->d_name, depth + 1);
		if (r < 0)
			return r;
		found = 1;
	}
	return errno ? -errno : found;
}

static int remove_dir(int dirfd, const char *name, int fd, int depth)
{
	/* A pass may miss entries that the file system moved meanwhile, or that were added. */
	for (int pass = 0; pass < TREE_PASSES; pass++) {
		int copy, r;

		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (copy < 0)
			return -errno;
		r = empty_dir(copy, depth);
		if (r < 0)
			return r;
	}
	return unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_at(int dirfd, const char *name, int depth)
{
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	/* unlink first: it never follows a link, and most entries are files. */
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EBUSY)
		return -errno;
	r = -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? r : errno == ENOENT ? 0 : -errno;
	r = refuse_mount(fd);
	if (r < 0)
		return r;
	if (depth >= TREE_DEPTH)
		return -ELOOP;
	return remove_dir(dirfd, name, fd, depth);
}

int file_remove_tree_at(int dirfd, const char *name)
{
	return remove_at(dirfd, name, 0);
}

int file_mkdir_p(const char *path, mode_t mode)
{
	_cleanup_free_ char *p = xstrdup(path);
	struct stat st;
	char *s = p;

	if (*p == '\0')
		return -ENOENT;
	for (;;) {
		char *end, saved;

		s += strspn(s, "/");
		end = s + strcspn(s, "/");
		saved = *end;
		*end = '\0';
		if (end > s && mkdir(p, mode) < 0 && errno != EEXIST) {
			/* On a read-only or foreign file system an existing parent may answer
			 * otherwise. */
			int e = errno;

			if (stat(p, &st) < 0 || !S_ISDIR(st.st_mode))
				return -e;
		}
		*end = saved;
		if (!saved)
			break;
		s = end;
	}
	if (stat(p, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
