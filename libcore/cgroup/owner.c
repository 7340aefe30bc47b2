/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving the container its own cgroup (Runtime Specification, config-linux.md, "Cgroup ownership"):
 * its directory and those files of it that the kernel calls delegable, so that the user of the
 * container can make cgroups below it. The limits themselves stay the host's.
 *
 * Cgroup v2 alone: delegation is not safe in v1. cgroups(7), "Cgroups delegation".
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cgroup/internal.h"

bool cg_owner_wanted(const struct spec *spec)
{
	const struct spec_namespace *ns = &spec->linux_.namespaces[NS_CGROUP];

	if (!ns->wanted || ns->path)
		return false;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (m->type && (streq(m->type, "cgroup") || streq(m->type, "cgroup2")) &&
		    streq(m->destination, "/sys/fs/cgroup"))
			return !m->options || !strv_contains(m->options, "ro");
	}
	return false;
}

/* One of the list that is not there is not in this cgroup, or not in this kernel. */
static int give(int dirfd, const char *name, uid_t uid)
{
	int r = fchownat(dirfd, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);

	return r < 0 && errno != ENOENT ? -errno : 0;
}

static int give_files(int dirfd, char *names, uid_t uid)
{
	char *save = NULL;
	int r = 0;

	for (char *name = strtok_r(names, "\n", &save); name && r == 0;
	     name = strtok_r(NULL, "\n", &save))
		if (!strchr(name, '/'))
			r = give(dirfd, name, uid);
	return r;
}

int cg_set_owner(const struct cg *cg, uid_t uid, struct err *err)
{
	const struct cg_dir *dir = cg->usable && cg->mode == CG_V2 ? cg_find_v2(cg) : NULL;
	_cleanup_close_ int fd = dir ? cg_dir_open(dir, err) : FD_INVALID;
	_cleanup_free_ char *names = NULL;
	struct stat st;
	int r;

	if (!dir)
		return 0;
	if (fd < 0)
		return fd;
	/* An ordinary user's own: nothing to be done, and nothing that he could do. */
	if (fstat(fd, &st) == 0 && st.st_uid == uid)
		return 0;
	if (file_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", 4096, &names, NULL) < 0)
		names = xstrdup("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
	r = give(fd, "", uid);
	if (r == 0)
		r = give_files(fd, names, uid);
	return r < 0 ? err_set(err, r, "give cgroup %s%s to user %u", dir->mount, dir->path, uid)
	             : 0;
}
