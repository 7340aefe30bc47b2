/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state root: the directory that holds one directory for each container.
 *
 * It is opened once, checked to be ours and closed to others, and everything below is reached
 * through its descriptor. Names that start with a dot are ours (the seccomp cache, socket links);
 * ids cannot start with one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "berth/container.h"
#include "security/security.h"

/* NAME_MAX less what we append to an id in names of our own (cgroup names, ".tmp" files). */
#define ID_MAX 200

bool ctr_id_valid(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0) {
		err_text(err, -EINVAL, "container id cannot be empty");
		return false;
	}
	if (len > ID_MAX || id[0] == '.' || id[0] == '-' ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") !=
	        len) {
		err_text(err, -EINVAL,
		         "invalid container ID format \"%.64s\": use up to %d of A-Z a-z 0-9 _ + - "
		         ". and start with neither \".\" nor \"-\"",
		         id, ID_MAX);
		return false;
	}
	return true;
}

/*
 * Root of the host has /run. Root of a user namespace has it too where it is the root of a whole
 * system (USER=root); else it is an ordinary user's manager of containers, which calls us with
 * XDG_RUNTIME_DIR and little else.
 */
static bool uses_run(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER");

	if (geteuid() != 0)
		return false;
	return !run || !*run || (user && streq(user, "root")) || caps_in_initial_userns();
}

char *ctr_root_default(struct err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (uses_run())
		return xstrdup("/run/berth");
	if (!run || run[0] != '/') {
		err_text(
		    err, -ENOENT,
		    "no place for state: XDG_RUNTIME_DIR is not set; give one with --root DIR");
		return NULL;
	}
	return path_join(run, "berth");
}

bool ctr_user_lingers(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	_cleanup_free_ char *path = NULL;

	if (!pw)
		return false;
	path = path_join("/var/lib/systemd/linger", pw->pw_name);
	return access(path, F_OK) == 0;
}

bool ctr_ends_with_login(uid_t uid)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *own = xasprintf("/run/user/%u", uid);

	return uid != 0 && run && streq(run, own) && access("/run/systemd/system", F_OK) == 0 &&
	       !ctr_user_lingers(uid);
}

static int check_dir(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "stat state root \"%s\"", path);
	if (knocked_out("private-modes"))
		return 0;
	if (st.st_uid != geteuid())
		return err_set(
		    err, -EPERM,
		    "state root \"%s\" is owned by uid %u, not by %u: give another --root", path,
		    st.st_uid, geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(
		    err, -EPERM,
		    "state root \"%s\" may be written by others (mode %04o): chmod it to 0700",
		    path, st.st_mode & 07777);
	return 0;
}

int ctr_root_open(const char *path, bool create, struct ctr_root *ret, struct err *err)
{
	_cleanup_free_ char *absolute = NULL;
	_cleanup_free_ char *clean = NULL;
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	if (path[0] == '/') {
		clean = path_clean(path);
	} else {
		_cleanup_free_ char *cwd = getcwd(NULL, 0);

		if (!cwd)
			return err_set(err, -errno, "find the current directory");
		absolute = path_join(cwd, path);
		clean = path_clean(absolute);
	}
	if (path[0] == '\0' || streq(clean, "/"))
		return err_text(err, -EINVAL, "Option --root argument should not be set to %s",
		                *path ? path : "an empty string");
	if (create) {
		r = file_mkdir_p(clean, knocked_out("private-modes") ? 0755 : 0700);
		if (r < 0)
			return err_set(err, r, "make state root \"%s\"", clean);
	}
	fd = open(clean, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, -errno, "open state root \"%s\"", clean);
	r = check_dir(fd, clean, err);
	if (r < 0)
		return r;
	ret->path = take_ptr(clean);
	ret->fd = take_fd(&fd);
	return 0;
}

void ctr_root_done(struct ctr_root *root)
{
	free(take_ptr(root->path));
	fd_reset(&root->fd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int ctr_list_ids(const struct ctr_root *root, char ***ret, struct err *err)
{
	_cleanup_strv_ char **ids = NULL;
	struct dirent *de;
	DIR *dir;
	int fd;

	fd = openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int r = -errno;

		fd_close(fd);
		return err_set(err, r, "read state root \"%s\"", root->path);
	}
	while ((de = readdir(dir)))
		if (ctr_id_valid(de->d_name, NULL) &&
		    (de->d_type == DT_DIR || de->d_type == DT_UNKNOWN))
			strv_add(&ids, de->d_name);
	closedir(dir);
	if (ids)
		qsort(ids, strv_len(ids), sizeof(*ids), by_name);
	*ret = take_ptr(ids);
	return 0;
}
