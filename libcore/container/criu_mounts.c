/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts whose source is outside of the container, for criu "external" ones.
 *
 * Their key in the images is the destination as the configuration has it, so that a restore from
 * another bundle finds its own source for it. A dump has to name the mount points as the kernel
 * shows them: each destination is resolved inside the root of the running container (it may lead
 * through links), and only what is a mount point there is named. Everything else (tmpfs, proc,
 * cgroup2 in a cgroup namespace, masked directories, /dev/console) belongs to the container and
 * criu rebuilds it.
 */
#include "container/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/syscalls.h"
#include "tables/devices.h"

#define MOUNTINFO_MAX (16u << 20)

struct list {
	struct criu_external *items;
	size_t n;
};

/* Takes both strings over. */
static struct criu_external *add(struct list *l, char *name, char *source)
{
	l->items = xreallocarray(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n] = (struct criu_external){ .name = name, .source = source };
	return &l->items[l->n++];
}

/*
 * The container's cgroups where it sees them by binds. With a cgroup namespace on v2 the mount is
 * the container's own, which criu rebuilds.
 */
static void add_cgroups(struct list *list, const struct mnt_op *op, const struct cg *cg,
                        bool cgroupns)
{
	for (size_t i = 0; cg && cg->usable && i < cg->n_dirs; i++) {
		const struct cg_dir *d = &cg->dirs[i];

		if (d->v2 && cg->mode == CG_V2 && !cgroupns)
			add(list, xstrdup(op->destination), path_join(d->mount, d->path));
		else if (!d->v2)
			add(list, path_join(op->destination, d->name),
			    path_join(d->mount, d->path));
	}
}

void criu_externals(const struct spec *spec, const struct mnt_plan *plan, const struct cg *cg,
                    struct criu_external **ret, size_t *ret_n)
{
	const struct spec_linux *l = &spec->linux_;
	struct list list = { 0 };

	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];

		if (op->bind && !op->remount && op->source)
			add(&list, xstrdup(op->destination), xstrdup(op->source))->recursive =
			    op->recursive;
		else if (op->fstype && streq(op->fstype, "cgroup"))
			add_cgroups(&list, op, cg, l->namespaces[NS_CGROUP].wanted);
	}
	for (char **p = l->masked_paths; p && *p; p++)
		add(&list, xstrdup(*p), xstrdup("/dev/null"))->masked = true;
	/* Nodes that could not be made were bound from the host. */
	for (size_t i = 0; !plan->dev_is_bind && i < ARRAY_SIZE(default_device_table); i++) {
		const char *path = default_device_table[i].path;

		add(&list, xstrdup(path), xstrdup(path));
	}
	for (size_t i = 0; !plan->dev_is_bind && i < l->n_devices; i++)
		add(&list, xstrdup(l->devices[i].path), xstrdup(l->devices[i].path));
	*ret = list.items;
	*ret_n = list.n;
}

void criu_externals_free(struct criu_external *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].source);
	}
	free(list);
}

static int read_mount_points(pid_t pid, char ***ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/mountinfo", pid);
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int r = file_read_at(AT_FDCWD, path, MOUNTINFO_MAX, &text, NULL);

	if (r < 0)
		return err_set(err, r, "read \"%s\"", path);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *field = line;

		for (int i = 0; i < 4 && field; i++) {
			field = strchr(field, ' ');
			field = field ? field + 1 : NULL;
		}
		if (!field)
			continue;
		field[strcspn(field, " ")] = '\0';
		text_unescape_octal(field);
		strv_add(ret, field);
	}
	return 0;
}

/* What name is in the container, as its kernel writes it; false when there is nothing to name. */
static bool resolve(int root, const struct criu_external *e, char *ret, size_t size)
{
	_cleanup_close_ int fd =
	    k_openat2(root, e->name, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	char link[32];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (e->masked && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, size - 1);
	if (n <= 0 || (size_t)n == size - 1)
		return false;
	ret[n] = '\0';
	return true;
}

static int name_mount(struct criu *c, const char *key, const char *value, struct err *err)
{
	return c->api.add_ext_mount(key, value) < 0
	           ? err_set(err, -ENOMEM, "name the mount \"%s\" to criu", key)
	           : 0;
}

/* Is there a mount of the container's own making at this place? */
static bool is_planned(const struct mnt_plan *plan, const struct criu_external *list, size_t n,
                       const char *path)
{
	for (size_t i = 0; i < plan->n_ops; i++)
		if (streq(plan->ops[i].destination, path))
			return true;
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].name, path))
			return true;
	return false;
}

/* What came along with a recursive bind: its own name, and how far below it lies. */
static int dump_below(struct criu *c, const struct mnt_plan *plan, const struct criu_external *list,
                      size_t n, size_t i, char *const *points, const char *path, struct err *err)
{
	size_t len = strlen(path);
	int r = 0;

	for (; points && *points && r == 0; points++) {
		_cleanup_free_ char *name = NULL;

		if (streq(*points, path) || !path_is_under(*points, path) ||
		    is_planned(plan, list, n, *points))
			continue;
		name = path_join(list[i].name, *points + len);
		r = name_mount(c, *points, name, err);
	}
	return r;
}

int criu_dump_mounts(struct criu *c, pid_t pid, const struct mnt_plan *plan,
                     const struct criu_external *list, size_t n, struct err *err)
{
	_cleanup_free_ char *root_path = xasprintf("/proc/%d/root", pid);
	_cleanup_close_ int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ char **points = NULL;
	char path[PATH_MAX];
	int r;

	if (root < 0)
		return err_set(err, -errno, "open \"%s\"", root_path);
	r = read_mount_points(pid, &points, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (!resolve(root, &list[i], path, sizeof(path)) || !strv_contains(points, path))
			continue;
		r = name_mount(c, path, list[i].name, err);
		if (r == 0 && list[i].recursive)
			r = dump_below(c, plan, list, n, i, points, path, err);
	}
	return r;
}

static int restore_below(struct criu *c, const struct criu_external *e, char *const *points,
                         struct err *err)
{
	_cleanup_free_ char *source = realpath(e->source, NULL);
	int r = 0;

	for (; source && points && *points && r == 0; points++) {
		_cleanup_free_ char *name = NULL;

		if (streq(*points, source) || !path_is_under(*points, source))
			continue;
		name = path_join(e->name, *points + strlen(source));
		r = name_mount(c, name, *points, err);
	}
	return r;
}

int criu_restore_mounts(struct criu *c, const struct criu_external *list, size_t n, struct err *err)
{
	_cleanup_strv_ char **points = NULL;
	int r = read_mount_points(getpid(), &points, err);

	for (size_t i = 0; i < n && r == 0; i++) {
		/* criu goes up from the source to its mount, and takes "/dir/." for one. */
		_cleanup_free_ char *source = realpath(list[i].source, NULL);

		r = name_mount(c, list[i].name, source ? source : list[i].source, err);
		if (r == 0 && list[i].recursive)
			r = restore_below(c, &list[i], points, err);
	}
	return r;
}

int criu_check_mounts(const struct mnt_plan *plan, struct err *err)
{
	if (plan->on_host)
		return err_text(err, -EOPNOTSUPP,
		                "linux.namespaces: criu needs a container with a mount namespace");
	for (size_t i = 0; i < plan->n_ops; i++)
		if (plan->ops[i].idmap != MNT_IDMAP_NONE)
			return err_text(err, -EOPNOTSUPP,
			                "mounts[%zu] (%s): criu does not know id-mapped mounts",
			                plan->ops[i].index, plan->ops[i].destination);
	return 0;
}
