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
#include "base/strv.h"
#include "kernel/syscalls.h"
#include "tables/devices.h"

#define MOUNTINFO_MAX (16u << 20)

struct list {
	struct criu_external *items;
	size_t n;
};

static void add(struct list *l, const char *name, const char *source, bool masked)
{
	l->items = xreallocarray(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n++] =
	    (struct criu_external){ .name = name, .source = source, .masked = masked };
}

void criu_externals(const struct spec *spec, const struct mnt_plan *plan,
                    struct criu_external **ret, size_t *ret_n)
{
	const struct spec_linux *l = &spec->linux_;
	struct list list = { 0 };

	for (size_t i = 0; i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];

		if (op->bind && !op->remount && op->source)
			add(&list, op->destination, op->source, false);
	}
	for (char **p = l->masked_paths; p && *p; p++)
		add(&list, *p, "/dev/null", true);
	/* Nodes that could not be made were bound from the host. */
	if (!plan->dev_is_bind) {
		for (size_t i = 0; i < ARRAY_SIZE(default_device_table); i++)
			add(&list, default_device_table[i].path, default_device_table[i].path,
			    false);
		for (size_t i = 0; i < l->n_devices; i++)
			add(&list, l->devices[i].path, l->devices[i].path, false);
	}
	*ret = list.items;
	*ret_n = list.n;
}

/* Undo the octal escapes of mountinfo, in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
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
		unescape(field);
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

int criu_dump_mounts(struct criu *c, pid_t pid, const struct criu_external *list, size_t n,
                     struct err *err)
{
	_cleanup_free_ char *root_path = xasprintf("/proc/%d/root", pid);
	_cleanup_close_ int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ char **points = NULL;
	char path[PATH_MAX];
	int r;

	if (root < 0)
		return err_set(err, -errno, "open \"%s\"", root_path);
	r = read_mount_points(pid, &points, err);
	for (size_t i = 0; i < n && r == 0; i++)
		if (resolve(root, &list[i], path, sizeof(path)) && strv_contains(points, path) &&
		    c->api.add_ext_mount(path, list[i].name) < 0)
			r = err_set(err, -ENOMEM, "name the mount \"%s\" to criu", path);
	return r;
}

int criu_restore_mounts(struct criu *c, const struct criu_external *list, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (c->api.add_ext_mount(list[i].name, list[i].source) < 0)
			return err_set(err, -ENOMEM, "name the mount \"%s\" to criu", list[i].name);
	return 0;
}
