/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.sysctl: written by init through a descriptor of the host's /proc/sys that was opened and
 * verified before any mount of the container existed, so that nothing in the image can redirect a
 * write. Which keys belong to which namespace was checked when the spec was loaded; that a joined
 * network namespace is not the host's can only be checked here.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "kernel/syscalls.h"

int sysctl_check(const struct spec *spec, const struct ns_plan *ns, struct err *err)
{
	for (size_t i = 0; i < spec->linux_.n_sysctl; i++) {
		const char *key = spec->linux_.sysctl[i].key;

		if (strncmp(key, "net", 3) == 0 && ns->join[NS_NET] &&
		    ns_is_own(ns->fd[NS_NET], NS_NET))
			return err_text(err, -EINVAL,
			                "linux.sysctl: sysctl \"%s\" is not in a separate kernel "
			                "namespace: the network namespace is the host's",
			                key);
	}
	return 0;
}

static int write_one(int sys_fd, const struct spec_kv *kv, struct err *err)
{
	uint64_t scope =
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
	_cleanup_free_ char *path = spec_sysctl_path(kv->key);
	size_t len = strlen(kv->value);
	_cleanup_close_ int fd = FD_INVALID;
	ssize_t n;

	if (knocked_out("private-procfs")) {
		sys_fd = open("/proc/sys", O_RDONLY | O_CLOEXEC); /* the container's */
		scope = 0;
	}
	fd = k_openat2(sys_fd, path, O_WRONLY | O_CLOEXEC, 0, scope);
	if (fd < 0)
		return err_set(err, fd, "open sysctl \"%s\"", kv->key);
	n = write(fd, kv->value, len);
	if (n < 0)
		return err_set(err, -errno, "write \"%s\" to sysctl \"%s\"", kv->value, kv->key);
	return (size_t)n == len ? 0
	                        : err_set(err, -EIO, "write \"%s\" to sysctl \"%s\": short write",
	                                  kv->value, kv->key);
}

int sysctl_apply(int sys_fd, const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->linux_.n_sysctl; i++) {
		int r = write_one(sys_fd, &spec->linux_.sysctl[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
