/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-memory counters of a container. They are cumulative over the cgroup's life and vanish with
 * it: whoever wants to know reads before the directory is removed.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stdio.h>

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
