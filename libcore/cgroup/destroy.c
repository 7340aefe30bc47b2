/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a container's cgroup away, from nothing but its record.
 *
 * Order: kill what is left, thaw (a frozen process of v1 dies only then), wait for the kernel to
 * say that nobody is left, remove the sub-directories, then our own levels from the leaf up. Every
 * step may find its work done already. A level above the leaf that others use stays. When processes
 * remain (uninterruptible in the kernel) the answer is -EBUSY and everything is left so that it can
 * be tried again.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "berth/log.h"
#include "cgroup/systemd.h"

/* Wait until nobody is left. v2 wakes us; without it look again, and kill what came since. */
static int wait_empty(const struct cg *cg, int64_t deadline, struct err *err)
{
	const struct cg_dir *v2 = cg_find_v2(cg);
	unsigned int step = 0;

	if (v2) {
		_cleanup_close_ int fd = cg_dir_open(v2, NULL);
		int r = fd < 0 ? 0 : cg_wait_event(fd, "populated", 0, deadline);

		if (r < 0 && r != -ETIMEDOUT && r != -ENODEV)
			return err_set(err, r, "wait for cgroup %s%s", v2->mount, v2->path);
	}
	while (cg_is_populated(cg)) {
		if (cg_remaining(deadline) == 0)
			return err_set(err, -EBUSY, "cgroup %s%s: processes remain",
			               cg->dirs[0].mount, cg->dirs[0].path);
		cg_backoff(&step, deadline);
		if (step % 16 == 0)
			(void)cg_kill(cg, SIGKILL, NULL);
	}
	return 0;
}

/*
 * 0: it is gone. EBUSY: v1 counts a process until it is reaped and the memory controller may still
 * be letting go, neither of which sends an event.
 */
static int remove_one(int parent, const char *name, int64_t deadline)
{
	unsigned int step = 0;

	for (;;) {
		int e;

		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		/* The kernel asks for permission before it looks whether there is anything. */
		e = errno;
		if (e != EBUSY && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno == ENOENT)
			return 0;
		if (e != EBUSY || cg_remaining(deadline) == 0)
			return -e;
		cg_backoff(&step, deadline);
	}
}

static int open_parent(int root, const char *path, const char **ret_name)
{
	_cleanup_free_ char *up = path_dir(path);

	*ret_name = path_base(path);
	return cg_openat(root, streq(up, ".") ? "/" : up, O_PATH | O_DIRECTORY);
}

static int remove_path(int root, const char *path, int64_t deadline)
{
	const char *name;
	_cleanup_close_ int parent = open_parent(root, path, &name);

	if (parent == -ENOENT)
		return 0;
	return parent < 0 ? parent : remove_one(parent, name, deadline);
}

/* What the container has made below its own directory. */
static int remove_below(int root, const char *path, int64_t deadline)
{
	_cleanup_close_ int fd = cg_openat(root, path, O_RDONLY | O_DIRECTORY);
	_cleanup_strv_ char **paths = NULL;
	int r, first = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = cg_subtree(fd, &paths);
	if (r < 0)
		return r;
	for (size_t i = strv_len(paths); i-- > 1;) { /* [0] is the directory itself */
		r = remove_path(fd, paths[i], deadline);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

static int remove_dir(const struct cg_dir *dir, int64_t deadline, struct err *err)
{
	_cleanup_close_ int root = cg_open_mount(dir->mount, dir->v2, err);
	_cleanup_free_ char *path = xstrdup(dir->path);
	int r;

	if (root < 0)
		return root;
	r = remove_below(root, path, deadline);
	if (r == 0 && dir->ours > 0)
		r = remove_path(root, path, deadline);
	if (r < 0)
		return err_set(err, r, "remove cgroup %s%s", dir->mount, dir->path);
	for (unsigned int i = 1; i < dir->ours; i++) {
		*strrchr(path, '/') = '\0';
		/* Busy: others live below it, and the last of them removes it. */
		if (remove_path(root, path, 0) < 0)
			break;
	}
	return 0;
}

int cg_destroy(const struct cg *cg, int timeout_ms, struct err *err)
{
	int64_t deadline = cg_deadline(timeout_ms);
	int first = 0, r;

	if (cg->n_dirs == 0)
		return 0;
	if (cg_is_populated(cg)) {
		r = cg_kill(cg, SIGKILL, err);
		if (r < 0)
			return r;
		cg_thaw_all(cg);
		r = wait_empty(cg, deadline, err);
		if (r < 0)
			return r;
	}
	if (cg->unit) {
		struct err e = { 0 };

		/* What it leaves is removed below; a manager that is gone has left no unit. */
		if (cg_unit_stop(cg, cg_remaining(deadline), &e) < 0)
			log_debug("%s", e.msg);
	}
	for (size_t i = 0; i < cg->n_dirs; i++) {
		struct err e = { 0 };

		r = remove_dir(&cg->dirs[i], deadline, &e);
		if (r < 0 && first == 0) {
			first = r;
			if (err)
				*err = e;
		}
	}
	return first;
}
