/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-memory counters of a container. They are cumulative over the cgroup's life and vanish with
 * it: whoever wants to know reads before the directory is removed.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

int cg_oom_read(const struct cg *cg, struct cg_oom *ret)
{
	const struct cg_dir *v1 = cg_find_v1(cg, "memory");
	const struct cg_dir *dir = v1 ? v1 : cg_find_v2(cg);
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	*ret = (struct cg_oom){ 0 };
	if (!dir)
		return -EOPNOTSUPP;
	fd = cg_dir_open(dir, NULL);
	if (fd < 0)
		return fd;
	if (v1) {
		r = cg_read_key(fd, "memory.oom_control", "oom_kill", &ret->oom_kill);
		ret->oom = ret->oom_kill; /* v1 has no counter of its own for it */
		return r;
	}
	r = cg_read_key(fd, "memory.events", "oom", &ret->oom);
	if (r == 0)
		r = cg_read_key(fd, "memory.events", "oom_kill", &ret->oom_kill);
	return r == -ENOENT ? -EOPNOTSUPP : r; /* no memory controller here */
}

const char *cg_oom_file(const struct cg *cg, char *buf, size_t size)
{
	const struct cg_dir *v1 = cg_find_v1(cg, "memory");
	const struct cg_dir *dir = v1 ? v1 : cg_find_v2(cg);
	int n;

	if (!dir)
		return NULL;
	n = snprintf(buf, size, "%s%s/%s", dir->mount, dir->path,
	             v1 ? "memory.oom_control" : "memory.events");
	return n > 0 && (size_t)n < size ? buf : NULL;
}

/* v1: an eventfd that the kernel adds to, for as long as the cgroup exists. */
static int watch_v1(const struct cg_dir *dir, struct cg_oom_watch *ret, struct err *err)
{
	_cleanup_close_ int fd = cg_dir_open(dir, err), control = FD_INVALID, event = FD_INVALID;
	char line[32];
	int r;

	if (fd < 0)
		return fd;
	control = cg_openat(fd, "memory.oom_control", O_RDONLY);
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control < 0 || event < 0)
		return err_set(err, control < 0 ? control : -errno, "watch memory.oom_control");
	snprintf(line, sizeof(line), "%d %d", event, control);
	r = cg_write_file(fd, "cgroup.event_control", line);
	if (r < 0)
		return err_set(err, r, "write %s%s/cgroup.event_control", dir->mount, dir->path);
	ret->fd = take_fd(&event);
	ret->events = POLLIN;
	return 0;
}

int cg_oom_watch_open(const struct cg *cg, struct cg_oom_watch *ret, struct err *err)
{
	const struct cg_dir *v1 = cg_find_v1(cg, "memory"), *v2 = cg_find_v2(cg);
	_cleanup_close_ int fd = FD_INVALID;
	struct cg_oom now;

	*ret = (struct cg_oom_watch){ .fd = FD_INVALID, .cg = cg };
	if (v1)
		return watch_v1(v1, ret, err);
	if (!v2 || cg_oom_read(cg, &now) < 0)
		return err_text(err, -EOPNOTSUPP, "no memory controller: no news of its end");
	fd = cg_dir_open(v2, err);
	if (fd < 0)
		return fd;
	ret->fd = cg_openat(fd, "memory.events", O_RDONLY);
	if (ret->fd < 0)
		return err_set(err, ret->fd, "open memory.events");
	ret->events = POLLPRI;
	ret->seen = now.oom_kill;
	return 0;
}

uint64_t cg_oom_watch_take(struct cg_oom_watch *watch)
{
	const struct cg_dir *v1 = cg_find_v1(watch->cg, "memory");
	_cleanup_close_ int dir = FD_INVALID;
	char text[1024];
	uint64_t n = 0, now;
	ssize_t len;

	if (watch->fd < 0)
		return 0;
	if (v1) {
		if (read(watch->fd, &n, sizeof(n)) != sizeof(n))
			return 0;
		/* The removal of the cgroup is an event, too. */
		dir = cg_dir_open(v1, NULL);
		return dir < 0 ? 0 : n;
	}
	/* This descriptor has to be read: that is what ends its POLLPRI. */
	len = pread(watch->fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	if (cg_text_key(text, "oom_kill", &now) < 0)
		return 0;
	n = now - watch->seen;
	watch->seen = now;
	return n;
}

void cg_oom_watch_close(struct cg_oom_watch *watch)
{
	fd_reset(&watch->fd);
}
