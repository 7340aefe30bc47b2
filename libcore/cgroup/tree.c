/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories and files of cgroup file systems.
 *
 * Every path is walked by openat2(2) from the mount point of its hierarchy, beneath it, without
 * links and without crossing a mount, and the mount point is checked to be a cgroup file system
 * first: a path from a configuration or a journal can name nothing else than a cgroup.
 *
 * Directories of others may come and go at any time. The parent that all containers share is
 * removed by whoever leaves last, so making a path starts again when a level vanished under it.
 */
#include "cgroup/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/strv.h"
#include "berth/log.h"
#include "cgroup/systemd.h"
#include "kernel/syscalls.h"

#define RESOLVE     (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
#define MKDIR_TRIES 64

int cg_open_mount(const char *mount, bool v2, struct err *err)
{
	_cleanup_close_ int fd = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs sfs;

	if (fd < 0)
		return err_set(err, -errno, "open cgroup mount %s", mount);
	if (fstatfs(fd, &sfs) < 0)
		return err_set(err, -errno, "statfs %s", mount);
	if ((unsigned long)sfs.f_type != (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
		return err_text(err, -ENOTDIR, "%s: not a cgroup file system of version %d", mount,
		                v2 ? 2 : 1);
	return take_fd(&fd);
}

int cg_openat(int root, const char *path, int flags)
{
	_cleanup_close_ int fd = FD_INVALID;

	path += strspn(path, "/");
	/* A container may nest deeper than PATH_MAX; who removes it has to get there. */
	while (strlen(path) >= PATH_MAX) {
		_cleanup_free_ char *head = xstrndup(path, PATH_MAX / 2);
		char *slash = strrchr(head, '/');
		int next;

		if (!slash)
			return -ENAMETOOLONG;
		*slash = '\0';
		next = k_openat2(fd < 0 ? root : fd, head, O_PATH | O_DIRECTORY, 0, RESOLVE);
		if (next < 0)
			return next;
		fd_close(fd);
		fd = next;
		path += slash - head + 1;
	}
	return k_openat2(fd < 0 ? root : fd, *path ? path : ".", (uint64_t)flags, 0, RESOLVE);
}

int cg_dir_open(const struct cg_dir *dir, struct err *err)
{
	_cleanup_close_ int root = cg_open_mount(dir->mount, dir->v2, err);
	int fd;

	if (root < 0)
		return root;
	fd = cg_openat(root, dir->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_set(err, fd, "open cgroup %s%s", dir->mount, dir->path);
	return fd;
}

int cg_write_file(int dirfd, const char *file, const char *value)
{
	_cleanup_close_ int fd = cg_openat(dirfd, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (size_t)n != strlen(value) ? -EIO : 0;
}

int cg_read(int dirfd, const char *file, char **ret)
{
	_cleanup_close_ int fd = cg_openat(dirfd, file, O_RDONLY);
	char *text;
	size_t len;
	int r;

	if (fd < 0)
		return fd;
	r = file_read_fd(fd, CG_FILE_MAX, &text, &len);
	if (r < 0)
		return r;
	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
	*ret = text;
	return 0;
}

int cg_text_key(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		if (n > len && strncmp(line, key, len) == 0 && line[len] == ' ') {
			_cleanup_free_ char *number = xstrndup(line + len + 1, n - len - 1);

			return num_parse_u64(number, ret);
		}
		line += n + (line[n] == '\n');
	}
	return -ENOENT;
}

int cg_read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = cg_read(dirfd, file, &text);

	return r < 0 ? r : cg_text_key(text, key, ret);
}

int cg_read_number(int dirfd, const char *file, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = cg_read(dirfd, file, &text);

	return r < 0 ? r : num_parse_u64(text, ret);
}

struct paths {
	char **v;
	size_t n, cap;
};

static void paths_add(struct paths *p, char *path)
{
	if (p->n + 1 >= p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = path;
	p->v[p->n] = NULL;
}

static int add_children(int fd, const char *path, struct paths *p)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		int r = -errno;

		fd_close(fd);
		return r;
	}
	while ((de = readdir(dir)))
		if (de->d_type == DT_DIR && !streq(de->d_name, ".") && !streq(de->d_name, ".."))
			paths_add(p, *path ? path_join(path, de->d_name) : xstrdup(de->d_name));
	closedir(dir);
	return 0;
}

/* A work list rather than recursion: two descriptors suffice for any depth. */
int cg_subtree(int dirfd, char ***ret)
{
	struct paths p = { 0 };

	paths_add(&p, xstrdup(""));
	for (size_t i = 0; i < p.n; i++) {
		int fd = cg_openat(dirfd, p.v[i], O_RDONLY | O_DIRECTORY);
		int r = fd < 0 ? fd : add_children(fd, p.v[i], &p);

		if (r < 0 && r != -ENOENT) { /* gone: somebody else was faster */
			strv_free(p.v);
			return r;
		}
	}
	*ret = p.v;
	return 0;
}

const struct cg_dir *cg_find_v1(const struct cg *cg, const char *controller)
{
	for (size_t i = 0; i < cg->n_dirs; i++)
		if (!cg->dirs[i].v2 && cg_names_have(cg->dirs[i].name, controller))
			return &cg->dirs[i];
	return NULL;
}

const struct cg_dir *cg_find_v2(const struct cg *cg)
{
	for (size_t i = 0; i < cg->n_dirs; i++)
		if (cg->dirs[i].v2)
			return &cg->dirs[i];
	return NULL;
}

/* Hand the controllers of a directory on to its children: v2 gives them only what is listed. */
static void enable_controllers(int fd, const char *where)
{
	_cleanup_free_ char *have = NULL, *on = NULL;
	_cleanup_buf_ struct buf all = BUF_INIT(4096);
	char *save = NULL;

	if (cg_read(fd, "cgroup.controllers", &have) < 0 ||
	    cg_read(fd, "cgroup.subtree_control", &on) < 0)
		return;
	for (char *c = on; *c; c++)
		if (*c == ' ')
			*c = ',';
	for (char *c = strtok_r(have, " ", &save); c; c = strtok_r(NULL, " ", &save))
		if (!cg_names_have(on, c))
			buf_printf(&all, "%s+%s", all.len ? " " : "", c);
	if (all.len == 0 || cg_write_file(fd, "cgroup.subtree_control", all.data) == 0)
		return;
	/* One that can't be had must not cost the others. Whether it is needed is found out when
	 * a limit is set, which names it. */
	for (char *c = strtok_r(all.data, " ", &save); c; c = strtok_r(NULL, " ", &save)) {
		int r = cg_write_file(fd, "cgroup.subtree_control", c);

		if (r < 0)
			log_debug("cgroup %s: enable controller %s: %s", where, c, strerror(-r));
	}
}

void cg_enable_above(const struct cg_dir *dir)
{
	_cleanup_close_ int fd = cg_open_mount(dir->mount, true, NULL);
	_cleanup_free_ char *path = xstrdup(dir->path);
	char *save = NULL;

	for (char *name = strtok_r(path, "/", &save); name && fd >= 0;
	     name = strtok_r(NULL, "/", &save)) {
		int next = cg_openat(fd, name, O_RDONLY | O_DIRECTORY);

		enable_controllers(fd, dir->path);
		fd_close(fd);
		fd = next;
	}
}

/* A v1 cpuset is born without a processor or a memory node, and takes no process like that. */
static int inherit_cpuset(int parent, int fd)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *own = NULL, *up = NULL;
		int r = cg_read(fd, files[i], &own);

		if (r < 0)
			return r;
		if (*own)
			continue;
		r = cg_read(parent, files[i], &up);
		if (r == 0 && *up)
			r = cg_write_file(fd, files[i], up);
		if (r < 0)
			return r;
	}
	return 0;
}

static int prepare_level(const struct cg_dir *dir, int parent, int fd)
{
	_cleanup_free_ char *type = NULL;

	if (!dir->v2)
		return cg_names_have(dir->name, "cpuset") ? inherit_cpuset(parent, fd) : 0;
	/* Below a threaded cgroup nothing but a threaded one may hold processes. It has no domain
	 * controllers: a limit that needs one fails later, by name. */
	if (cg_read(fd, "cgroup.type", &type) == 0 && streq(type, "domain invalid"))
		return cg_write_file(fd, "cgroup.type", "threaded");
	return 0;
}

/* -ESTALE: a level vanished between two steps. */
static int make_levels(const struct cg_dir *dir, struct err *err)
{
	_cleanup_close_ int fd = cg_open_mount(dir->mount, dir->v2, err);
	_cleanup_free_ char *path = xstrdup(dir->path);
	char *save = NULL;

	if (fd < 0)
		return fd;
	for (char *name = strtok_r(path, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		_cleanup_close_ int next = FD_INVALID;
		int r;

		if (dir->v2)
			enable_controllers(fd, dir->path);
		if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST) {
			if (errno == ENOENT || errno == ENODEV)
				return -ESTALE;
			return err_set(err, -errno, "mkdir %s%s (%s)", dir->mount, dir->path, name);
		}
		next = cg_openat(fd, name, O_RDONLY | O_DIRECTORY);
		r = next < 0 ? next : prepare_level(dir, fd, next);
		if (r == -ENOENT || r == -ENODEV)
			return -ESTALE;
		if (r < 0)
			return err_set(err, r, "set up cgroup %s%s (%s)", dir->mount, dir->path,
			               name);
		fd_close(fd);
		fd = take_fd(&next);
	}
	return 0;
}

static int make_dir(const struct cg_dir *dir, struct err *err)
{
	for (int i = 0; i < MKDIR_TRIES; i++) {
		int r = make_levels(dir, err);

		if (r != -ESTALE)
			return r;
	}
	return err_set(err, -ESTALE, "cgroup %s%s: removed while it was being made", dir->mount,
	               dir->path);
}

void cg_drop_dir(struct cg *cg, size_t i)
{
	free(cg->dirs[i].name);
	free(cg->dirs[i].mount);
	free(cg->dirs[i].path);
	memmove(&cg->dirs[i], &cg->dirs[i + 1], (cg->n_dirs - i - 1) * sizeof(*cg->dirs));
	cg->n_dirs--;
}

int cg_create_dirs(struct cg *cg, struct err *err)
{
	size_t i = 0;

	while (i < cg->n_dirs) {
		struct err e = { 0 };
		int r = make_dir(&cg->dirs[i], &e);

		if (r == 0) {
			i++;
			continue;
		}
		/* A host that grants nothing is no reason not to run what asks for nothing. */
		if (cg->optional && (r == -EACCES || r == -EPERM || r == -EROFS)) {
			log_debug("%s: left out", e.msg);
			snprintf(cg->why, sizeof(cg->why), "%.*s", (int)sizeof(cg->why) - 1, e.msg);
			cg_drop_dir(cg, i);
			continue;
		}
		if (err)
			*err = e;
		if (cg->rootless && (r == -EACCES || r == -EPERM || r == -EROFS))
			err_prefix(err,
			           "rootless needs no limits + no cgrouppath when no permission "
			           "is granted for cgroups");
		return err_prefix(err, "unable to apply cgroup configuration");
	}
	if (cg->n_dirs == 0)
		cg->usable = false;
	return 0;
}

int cg_create(struct cg *cg, struct err *err)
{
	if (!cg->unit)
		return cg_create_dirs(cg, err);
	cg_unit_prepare(cg);
	return 0;
}

int cg_v2_fd(const struct cg *cg)
{
	const struct cg_dir *dir = cg_find_v2(cg);

	/* On a hybrid host membership in v2 alone limits nothing: there cg_attach does it all. */
	if (!cg->usable || cg->mode != CG_V2 || !dir)
		return -EOPNOTSUPP;
	return cg_dir_open(dir, NULL);
}
