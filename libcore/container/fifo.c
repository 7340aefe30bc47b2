/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two FIFOs of a container: exec.fifo, on which init waits for "go", and exec.report, on which
 * it answers.
 *
 * Init holds both O_RDWR and close-on-exec, so the kernel itself knows whether init still waits:
 * opening exec.fifo O_WRONLY|O_NONBLOCK succeeds while it does and gives ENXIO once it has exec'd
 * or died. Nobody else may hold exec.fifo for reading.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int make_one(int dir_fd, const char *name, int *ret, struct err *err)
{
	int fd;

	if (mkfifoat(dir_fd, name, 0600) < 0 && errno != EEXIST)
		return err_set(err, -errno, "make \"%s\"", name);
	fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, -errno, "open \"%s\"", name);
	*ret = fd;
	return 0;
}

int fifo_make(int dir_fd, int *ret_fifo, int *ret_report, struct err *err)
{
	int r = make_one(dir_fd, "exec.fifo", ret_fifo, err);

	return r < 0 ? r : make_one(dir_fd, "exec.report", ret_report, err);
}

int fifo_init_waits(int dir_fd)
{
	int fd = openat(dir_fd, "exec.fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENXIO || errno == ENOENT ? 0 : -errno;
	fd_close(fd);
	return 1;
}
