/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: a pty of the container's own devpts, and /dev/console on it.
 *
 * The multiplexer is opened below a directory that is known to be a devpts, without crossing a
 * mount, and the slave comes from the master itself (TIOCGPTPEER), so that no name in the
 * container's /dev/pts decides what becomes the terminal or is bound on /dev/console.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "base/fd.h"
#include "base/mem.h"
#include "mount/internal.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST  143

/* The multiplexer of the devpts that is mounted on /dev/pts now. */
static int open_ptmx(const struct mnt_ctx *ctx, struct err *err)
{
	_cleanup_close_ int root = FD_INVALID, dir = FD_INVALID, fd = FD_INVALID;
	struct statfs sfs;
	struct stat st;

	/* In a mount namespace that was joined, the root is its root. */
	if (ctx->root_fd < 0)
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	dir = mnt_resolve(root >= 0 ? root : ctx->root_fd, "/dev/pts", MNT_NO_SYMLINKS, NULL);
	if (dir < 0)
		return err_set(err, dir, "open /dev/pts in the container");
	if (fstatfs(dir, &sfs) < 0)
		return err_set(err, -errno, "statfs of /dev/pts");
	if (sfs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, -ENODEV, "/dev/pts in the container is not a devpts");
	/* The real open comes after the checks: opening some other device could have effects. */
	fd = k_openat2(dir, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0,
	               RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_set(err, fd, "open /dev/pts/ptmx in the container");
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "stat of /dev/pts/ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(err, -ENODEV, "/dev/pts/ptmx is not the pty multiplexer");
	return take_fd(&fd);
}

/* Unix98 pty slaves have the majors 136 to 143, whatever they are called. */
static int check_slave(int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "stat of the pty");
	if (!S_ISCHR(st.st_mode) || major(st.st_rdev) < PTS_MAJOR_FIRST ||
	    major(st.st_rdev) > PTS_MAJOR_LAST)
		return err_set(err, -ENODEV, "the terminal is not a pty");
	return 0;
}

int mnt_open_pty(struct mnt_ctx *ctx, int *ret_master, int *ret_slave, char name[static 32],
                 struct err *err)
{
	_cleanup_close_ int master = FD_INVALID, slave = FD_INVALID;
	unsigned int number = 0;
	int unlock = 0, r;

	master = open_ptmx(ctx, err);
	if (master < 0)
		return master;
	/* A new pty is locked until its master says otherwise. */
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(err, -errno, "unlocking the pty");
	if (ioctl(master, TIOCGPTN, &number) < 0)
		return err_set(err, -errno, "asking for the number of the pty");
	/* By the master, not by name: /dev/pts/N could be anything by now. */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(err, -errno, "opening the other side of the pty");
	r = check_slave(slave, err);
	if (r < 0)
		return r;
	snprintf(name, 32, "/dev/pts/%u", number);
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}

/* The file to bind on; an existing link, directory or anything odd is refused. */
static int console_target(const struct mnt_ctx *ctx, struct err *err)
{
	_cleanup_close_ int dev = FD_INVALID, fd = FD_INVALID;
	struct stat st;
	_umask_zero_(saved);

	(void)saved;
	dev = mnt_resolve(ctx->root_fd, "/dev", MNT_NO_SYMLINKS | MNT_CREATE_DIR, NULL);
	if (dev < 0)
		return err_set(err, dev, "open /dev in the container");
	fd = mnt_new_file(dev, "console", 0600);
	/* A read-only file system says so even when the name is there. */
	if (fd < 0 && errno != EEXIST && errno != EROFS)
		return err_set(err, -errno, "create /dev/console");
	fd_reset(&fd);
	fd = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "open /dev/console");
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return err_set(err, S_ISLNK(st.st_mode) ? -ELOOP : -EEXIST,
		               "/dev/console is neither a file nor a device");
	return take_fd(&fd);
}

int mnt_bind_console(struct mnt_ctx *ctx, int slave_fd, struct err *err)
{
	_cleanup_close_ int target = FD_INVALID, mount_fd = FD_INVALID;
	struct stat a, b;
	int r;

	if (ctx->root_fd < 0)
		return 0;
	r = check_slave(slave_fd, err);
	if (r < 0)
		return r;
	target = console_target(ctx, err);
	if (target < 0)
		return target;
	/* The very file that slave_fd has open, not a name of it. */
	mount_fd = k_open_tree(slave_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	if (mount_fd < 0)
		return err_set(err, mount_fd, "clone of the pty for /dev/console");
	if (fstat(slave_fd, &a) < 0 || fstat(mount_fd, &b) < 0)
		return err_set(err, -errno, "stat of the pty");
	if (a.st_rdev != b.st_rdev || a.st_ino != b.st_ino)
		return err_set(err, -ENODEV, "the clone for /dev/console is another pty");
	return mnt_attach(mount_fd, target, "/dev/console", err);
}
