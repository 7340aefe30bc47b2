/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: a new tmpfs begins with a copy of the directory that it will cover.
 *
 * The copy is made into the detached mount, before anybody can see it. The source belongs to the
 * image and is taken as hostile: every entry is opened O_NOFOLLOW below its parent's descriptor and
 * judged by fstat, nothing is followed, mounts are not entered, holes stay holes, and depth is
 * bounded. How much may be copied is bounded by the size of the tmpfs. Kept are type, mode, owner,
 * times, link text and extended attributes; hard links become files of their own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/log.h"
#include "mount/internal.h"

#define DEPTH_MAX      64 /* each level holds three descriptors */
#define XATTR_LIST_MAX 65536
#define XATTR_MAX      65536
#define CHUNK_MAX      (1u << 30) /* what one sendfile(2) is asked for */

static int copy_dir(int from, int to, unsigned int depth);

/* In the kernel; the file offset of `from` is not used. */
static int copy_range(int from, int to, off_t start, off_t end)
{
	if (lseek(to, start, SEEK_SET) < 0)
		return -errno;
	while (start < end) {
		size_t want = end - start > CHUNK_MAX ? CHUNK_MAX : (size_t)(end - start);
		ssize_t n = sendfile(to, from, &start, want);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break; /* cut short under us */
	}
	return 0;
}

/* Only what holds data: a sparse file of any size costs what is in it. */
static int copy_data(int from, int to, off_t size)
{
	off_t data = 0, hole = 0;
	int r;

	while (hole < size) {
		data = lseek(from, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0 && errno == EINVAL)
			return copy_range(from, to, 0, size);
		if (data < 0)
			return -errno;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = copy_range(from, to, data, hole);
		if (r < 0)
			return r;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

/* What the new file system or our privileges do not allow (user.* before 6.6, trusted.* in a user
 * namespace, labels) is left out: it means nothing there. */
static int copy_xattrs(int from, int to)
{
	_cleanup_free_ char *names = xmalloc(XATTR_LIST_MAX);
	_cleanup_free_ char *value = NULL;
	ssize_t len = flistxattr(from, names, XATTR_LIST_MAX);

	if (len < 0)
		return errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		ssize_t n;

		if (streq(name, "security.selinux"))
			continue;
		if (!value)
			value = xmalloc(XATTR_MAX);
		n = fgetxattr(from, name, value, XATTR_MAX);
		if (n < 0)
			continue;
		if (fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != EOPNOTSUPP &&
		    errno != EPERM && errno != EACCES)
			return -errno;
	}
	return 0;
}

/* An owner that has no id in the user namespace cannot be given: it becomes ours. */
static int own(int r)
{
	return r == 0 || errno == EINVAL || errno == EPERM ? 0 : -errno;
}

/* The new file is complete but for what others may do with it. */
static int copy_meta(int from, int to, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r = own(fchown(to, st->st_uid, st->st_gid));

	if (r == 0)
		r = copy_xattrs(from, to);
	/* After chown, which takes the set-ID bits away. */
	if (r == 0 && fchmod(to, st->st_mode & 07777) < 0)
		r = -errno;
	if (r == 0 && futimens(to, times) < 0)
		r = -errno;
	return r;
}

/* Opened again for reading: whatever it turned into since it was looked at, only a plain file is
 * read. */
static int copy_regular(int from_dir, int to_dir, const char *name)
{
	_cleanup_close_ int from = FD_INVALID, to = FD_INVALID;
	struct stat st;
	int r;

	from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_data(from, to, st.st_size);
	return r < 0 ? r : copy_meta(from, to, &st);
}

/* Its mode and times come last, when nothing is added any more. */
static int copy_subdir(int from_dir, int to_dir, const char *name, unsigned int depth)
{
	_cleanup_close_ int from = FD_INVALID, to = FD_INVALID;
	struct stat st;
	int r;

	from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (mkdirat(to_dir, name, 0700) < 0)
		return -errno;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return -errno;
	r = copy_dir(from, to, depth + 1);
	return r < 0 ? r : copy_meta(from, to, &st);
}

/* The text, wherever it leads. */
static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0)
		return -errno;
	return own(fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW));
}

/* FIFOs, sockets, devices: by mknod, never opened. */
static int copy_node(int to_dir, const char *name, const struct stat *st)
{
	int r;

	if (mknodat(to_dir, name, st->st_mode & S_IFMT, st->st_rdev) < 0) {
		/* A device in a user namespace: it would not open there either. */
		if (errno == EPERM && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
			return 0;
		return -errno;
	}
	r = own(fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW));
	if (r == 0 && fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0)
		r = -errno;
	return r;
}

static int copy_entry(int from, int to, const char *name, uint64_t mount_id, unsigned int depth)
{
	_cleanup_close_ int seen = FD_INVALID;
	struct mnt_place place;
	struct stat st;
	int r;

	seen = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (seen < 0 || fstat(seen, &st) < 0)
		return -errno;
	r = mnt_place_of(seen, &place);
	if (r < 0)
		return r;
	/* Another mount below: what it shows is not what the tmpfs covers. */
	if (place.mount_id != mount_id)
		return 0;
	if (S_ISDIR(st.st_mode))
		return copy_subdir(from, to, name, depth);
	if (S_ISREG(st.st_mode))
		return copy_regular(from, to, name);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	return copy_node(to, name, &st);
}

static int copy_dir(int from, int to, unsigned int depth)
{
	struct mnt_place place;
	struct dirent *e;
	DIR *dir;
	int fd, r;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	r = mnt_place_of(from, &place);
	if (r < 0)
		return r;
	/* closedir(3) closes what it was given. */
	fd = fcntl(from, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		r = copy_entry(from, to, e->d_name, place.mount_id, depth);
		if (r < 0)
			log_debug("copy-up stopped at \"%s\"", e->d_name);
	}
	if (r == 0 && errno != 0)
		r = -errno;
	closedir(dir);
	return r;
}

int mnt_copy_up(int dir_fd, int mount_fd, const char *what, struct err *err)
{
	_cleanup_close_ int from = FD_INVALID, to = FD_INVALID;
	struct stat st;
	int r;

	from = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return err_set(err, -errno, "open \"%s\" for tmpcopyup", what);
	to = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return err_set(err, -errno, "open the new tmpfs");
	r = copy_dir(from, to, 0);
	if (r == 0)
		r = own(fchown(to, st.st_uid, st.st_gid));
	return r < 0 ? err_set(err, r, "tmpcopyup of \"%s\"", what) : 0;
}
