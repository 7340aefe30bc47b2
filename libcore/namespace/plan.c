/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which namespaces are made, which are joined, and the descriptors of the latter.
 *
 * A path is opened once and everything after that goes by the descriptor: it is first an O_PATH
 * handle, so that a FIFO or device in its place has no effect, then checked to be on nsfs and of
 * the type that the configuration says (NS_GET_NSTYPE), since setns(2) with the wrong file would
 * otherwise join something else or fail late.
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include "base/fd.h"
#include "base/proc.h"
#include "tables/namespaces.h"

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

static void plan_init(struct ns_plan *plan)
{
	*plan = (struct ns_plan){ 0 };
	for (int t = 0; t < NS_TYPES; t++)
		plan->fd[t] = FD_INVALID;
}

void ns_plan_from_spec(const struct spec *spec, struct ns_plan *ret)
{
	plan_init(ret);
	for (int t = 0; t < NS_TYPES; t++) {
		const struct spec_namespace *ns = &spec->linux_.namespaces[t];

		if (!ns->wanted)
			continue;
		ret->has[t] = true;
		if (ns->path)
			ret->join[t] = ret->needs_joiner = true;
		else
			ret->new_flags |= ns_table[t].clone_flag;
	}
	ret->new_user = ret->new_flags & ns_table[NS_USER].clone_flag;
	if (!spec->linux_.time_offsets.present)
		return;
	ret->time_offsets = &spec->linux_.time_offsets;
	ret->new_flags &= ~ns_table[NS_TIME].clone_flag;
	ret->needs_joiner = true;
}

void ns_plan_done(struct ns_plan *plan)
{
	for (int t = 0; t < NS_TYPES; t++)
		fd_reset(&plan->fd[t]);
}

bool ns_is_own(int fd, enum spec_ns_type type)
{
	struct stat theirs, ours;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns_table[type].proc);
	return fstat(fd, &theirs) == 0 && stat(path, &ours) == 0 && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

/* The type's name behind a CLONE_NEW* flag, for messages. */
static const char *type_name(int flag)
{
	for (int t = 0; t < NS_TYPES; t++)
		if (ns_table[t].clone_flag == (uint64_t)flag)
			return ns_table[t].name;
	return "unknown";
}

static int open_path(const char *path, enum spec_ns_type type, int *ret, struct err *err)
{
	const char *name = ns_table[type].name;
	_cleanup_close_ int handle = open(path, O_PATH | O_CLOEXEC);
	_cleanup_close_ int fd = FD_INVALID;
	struct statfs fs;
	int flag;

	if (handle < 0)
		return err_set(err, -errno, "linux.namespaces: open %s namespace \"%s\"", name,
		               path);
	if (fstatfs(handle, &fs) < 0)
		return err_set(err, -errno, "linux.namespaces: check \"%s\"", path);
	if (fs.f_type != NSFS_MAGIC)
		return err_text(err, -EINVAL,
		                "linux.namespaces: \"%s\" is not a namespace file (type %s wanted)",
		                path, name);
	fd = fd_reopen(handle, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, fd, "linux.namespaces: open %s namespace \"%s\"", name, path);
	flag = ioctl(fd, NS_GET_NSTYPE);
	if (flag < 0)
		return err_set(err, -errno, "linux.namespaces: ask for the type of \"%s\"", path);
	if ((uint64_t)flag != ns_table[type].clone_flag)
		return err_text(err, -EINVAL,
		                "linux.namespaces: \"%s\" is a namespace of type %s, not %s", path,
		                type_name(flag), name);
	*ret = take_fd(&fd);
	return 0;
}

int ns_plan_open(struct ns_plan *plan, const struct spec *spec, struct err *err)
{
	plan->needs_joiner = plan->time_offsets != NULL;
	plan->user_first = plan->time_offsets && plan->new_user && geteuid() != 0;
	for (int t = 0; t < NS_TYPES; t++) {
		int r;

		if (!plan->join[t])
			continue;
		r = open_path(spec->linux_.namespaces[t].path, t, &plan->fd[t], err);
		if (r < 0)
			return r;
		/* setns(2) refuses the user namespace that one is in: being in it is all that was
		 * asked for. */
		if (t == NS_USER && ns_is_own(plan->fd[t], t)) {
			plan->has[t] = plan->join[t] = false;
			fd_reset(&plan->fd[t]);
			continue;
		}
		plan->needs_joiner = true;
	}
	return 0;
}

static int open_of_process(int dir, pid_t pid, enum spec_ns_type type, int *ret, struct err *err)
{
	_cleanup_close_ int fd = openat(dir, ns_table[type].proc, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		*ret = FD_INVALID; /* a kernel without this type */
		return 0;
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_set(err, -errno,
		               "open the %s namespace of process %d (of another user, or in a "
		               "container that was not started yet)",
		               ns_table[type].name, pid);
	if (fd < 0)
		return err_set(err, -errno, "open the %s namespace of process %d",
		               ns_table[type].name, pid);
	*ret = take_fd(&fd);
	return 0;
}

int ns_plan_from_pid(pid_t pid, int pidfd, struct ns_plan *ret, struct err *err)
{
	_cleanup_close_ int dir = FD_INVALID;
	char path[32];
	int r = 0;

	plan_init(ret);
	snprintf(path, sizeof(path), "/proc/%d/ns", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, errno == ENOENT ? -ESRCH : -errno, "open \"%s\"", path);
	for (int t = 0; t < NS_TYPES && r == 0; t++) {
		r = open_of_process(dir, pid, t, &ret->fd[t], err);
		if (r == 0 && ret->fd[t] >= 0 && ns_is_own(ret->fd[t], t))
			fd_reset(&ret->fd[t]);
		ret->has[t] = ret->join[t] = ret->fd[t] >= 0;
		ret->needs_joiner |= ret->join[t];
	}
	/* Alive now means that the pid was this process's own while its files were opened. */
	if (r == 0 && proc_pidfd_exited(pidfd))
		r = err_text(err, -ESRCH, "process %d has exited", pid);
	if (r < 0)
		ns_plan_done(ret);
	return r;
}

int ns_plan_from_fds(const int fds[], size_t n, struct ns_plan *ret, struct err *err)
{
	int r = 0;

	plan_init(ret);
	for (size_t i = 0; i < n; i++) {
		int flag = ioctl(fds[i], NS_GET_NSTYPE), t = 0;

		while (t < NS_TYPES && (flag < 0 || ns_table[t].clone_flag != (uint64_t)flag))
			t++;
		if (t == NS_TYPES || ret->fd[t] >= 0)
			r = -EPROTO;
		if (r < 0 || ns_is_own(fds[i], t)) {
			fd_close(fds[i]);
			continue;
		}
		ret->fd[t] = fds[i];
		ret->has[t] = ret->join[t] = ret->needs_joiner = true;
	}
	if (r < 0) {
		ns_plan_done(ret);
		err_text(err, r, "not the namespaces of a process");
	}
	return r;
}

void ns_describe(const struct ns_plan *plan, const struct spec *spec, const int index[NS_TYPES],
                 struct desc *d)
{
	for (int t = 0; t < NS_TYPES; t++) {
		if (index[t] >= 0)
			desc_item_at(d, "namespace", "linux.namespaces", (size_t)index[t]);
		else
			desc_item(d, "namespace", NULL);
		desc_str(d, "type", ns_table[t].name);
		desc_str(d, "state", plan->join[t] ? "joined" : plan->has[t] ? "new" : "host");
		if (plan->join[t])
			desc_str(d, "file", spec->linux_.namespaces[t].path);
	}
	if (plan->needs_joiner) {
		desc_item(d, "joiner", NULL);
		desc_str(d, "what", "a child that joins, clones init and exits");
	}
}
