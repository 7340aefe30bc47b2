/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id-mapped bind mounts: files show other owners through this mount than they have on disk.
 *
 * Which mappings: those in an option "idmap=uids=..." (a form that some managers write), else the
 * mount's own uidMappings and gidMappings, else, with the bare option, those of the container's
 * user namespace. "ridmap" reaches the mounts below as well; mappings without an option mean
 * "idmap" (config.md, "Mounts").
 *
 * The kernel takes the mapping as a user namespace and lets only whoever owns the file system apply
 * it, so the creator does that to a clone of the source and init attaches the clone.
 *
 * Kernel: mount_setattr(2) with MOUNT_ATTR_IDMAP, 5.12; EINVAL from file systems that cannot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "mount/internal.h"
#include "tables/mount_options.h"

#define OPTION_MAX 4096
#define ID_END     ((uint64_t)UINT32_MAX) /* 2^32-1 is "no id" */

/* The text of an option with mappings, NULL: it is another option. */
static const char *option_text(const char *option, bool *ret_recursive)
{
	*ret_recursive = option[0] == 'r';
	if (strncmp(option, "idmap=", strlen("idmap=")) == 0)
		return option + strlen("idmap=");
	if (strncmp(option, "ridmap=", strlen("ridmap=")) == 0)
		return option + strlen("ridmap=");
	return NULL;
}

bool mnt_is_idmap_option(const char *option)
{
	bool recursive;

	return option_text(option, &recursive) != NULL;
}

static void set_maps(struct spec_id_map **to, size_t *to_n, const struct spec_id_map *from,
                     size_t n)
{
	free(*to);
	*to = NULL;
	*to_n = n;
	if (n == 0)
		return;
	*to = xcalloc(n, sizeof(**to));
	memcpy(*to, from, n * sizeof(**to));
}

/* The ids of "@" are the container's; all of a range must lie in one of its own. */
static int to_host(struct spec_id_map *map, const struct spec_id_map *maps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t offset = (uint64_t)map->host_id - maps[i].container_id;

		if (map->host_id < maps[i].container_id || offset >= maps[i].size)
			continue;
		if (map->size > maps[i].size - offset)
			return -ERANGE;
		map->host_id = maps[i].host_id + (uint32_t)offset;
		return 0;
	}
	return -ERANGE;
}

/* "0-1000-10": on disk, as shown, how many. */
static int parse_range(char *text, struct spec_id_map *ret)
{
	uint32_t *const numbers[] = { &ret->container_id, &ret->host_id, &ret->size };
	char *save = NULL;
	size_t n = 0;

	for (char *s = strtok_r(text, "-", &save); s; s = strtok_r(NULL, "-", &save)) {
		if (n == ARRAY_SIZE(numbers) || num_parse_u32(s, numbers[n]) < 0)
			return -EINVAL;
		n++;
	}
	if (n != ARRAY_SIZE(numbers) || ret->size == 0)
		return -EINVAL;
	return (uint64_t)ret->container_id + ret->size > ID_END ||
	               (uint64_t)ret->host_id + ret->size > ID_END
	           ? -ERANGE
	           : 0;
}

static int parse_ranges(char *text, const struct spec_id_map *maps, size_t n_maps,
                        struct spec_id_map **ret, size_t *ret_n)
{
	char *save = NULL;

	for (char *s = strtok_r(text, "#", &save); s; s = strtok_r(NULL, "#", &save)) {
		bool relative = *s == '@';
		struct spec_id_map map;
		int r = parse_range(s + relative, &map);

		if (r == 0 && relative)
			r = to_host(&map, maps, n_maps);
		if (r < 0)
			return r;
		*ret = xreallocarray(*ret, *ret_n + 1, sizeof(**ret));
		(*ret)[(*ret_n)++] = map;
	}
	return *ret_n ? 0 : -EINVAL;
}

int mnt_idmap_parse(const struct spec *spec, const char *text, struct mnt_op *op, struct err *err)
{
	const struct spec_linux *l = &spec->linux_;
	_cleanup_free_ char *copy = xstrdup(text);
	char *save = NULL;
	int r = strlen(text) > OPTION_MAX ? -E2BIG : 0;

	set_maps(&op->uid_maps, &op->n_uid_maps, NULL, 0);
	set_maps(&op->gid_maps, &op->n_gid_maps, NULL, 0);
	for (char *s = strtok_r(copy, ";", &save); s && r == 0; s = strtok_r(NULL, ";", &save)) {
		if (strncmp(s, "uids=", 5) == 0 && !op->uid_maps)
			r = parse_ranges(s + 5, l->uid_maps, l->n_uid_maps, &op->uid_maps,
			                 &op->n_uid_maps);
		else if (strncmp(s, "gids=", 5) == 0 && !op->gid_maps)
			r = parse_ranges(s + 5, l->gid_maps, l->n_gid_maps, &op->gid_maps,
			                 &op->n_gid_maps);
		else
			r = -EINVAL;
	}
	if (r == -ERANGE)
		return err_set(err, r,
		               "option \"idmap=%.100s\": an id is out of range, or not one of the "
		               "container's",
		               text);
	return r < 0 ? err_set(err, r,
	                       "option \"idmap=%.100s\": expected "
	                       "uids=DISK-SHOWN-COUNT[#...];gids=...",
	                       text)
	             : 0;
}

/* The last of the options wins, as with all others. */
static int read_options(const struct spec *spec, struct mnt_op *op, struct err *err)
{
	const struct spec_mount *m = &spec->mounts[op->index];
	int r = 0;

	for (char **p = m->options; p && *p && r == 0; p++) {
		const struct mount_option *row = mount_option_find(*p);
		bool recursive = row && row->recursive;
		const char *text = row ? NULL : option_text(*p, &recursive);

		if (text)
			r = mnt_idmap_parse(spec, text, op, err);
		else if (!row || row->kind != MOPT_IDMAP)
			continue;
		op->idmap = recursive ? MNT_IDMAP_TREE : MNT_IDMAP_MOUNT;
	}
	return r;
}

int mnt_idmap_build(const struct spec *spec, struct mnt_op *op, struct err *err)
{
	const struct spec_mount *m = &spec->mounts[op->index];
	const struct spec_linux *l = &spec->linux_;
	const struct spec_namespace *user = &l->namespaces[NS_USER];
	int r = read_options(spec, op, err);

	if (r < 0)
		return r;
	if (!op->idmap && m->n_uid_maps == 0 && m->n_gid_maps == 0)
		return 0;
	if (!op->idmap)
		op->idmap = MNT_IDMAP_MOUNT;
	if (!op->bind || op->remount)
		return err_text(err, -EINVAL,
		                "id-mapped mounts are only supported for bind-mounts");
	if (!op->n_uid_maps && !op->n_gid_maps) {
		bool own = m->n_uid_maps > 0;

		set_maps(&op->uid_maps, &op->n_uid_maps, own ? m->uid_maps : l->uid_maps,
		         own ? m->n_uid_maps : l->n_uid_maps);
		own = m->n_gid_maps > 0;
		set_maps(&op->gid_maps, &op->n_gid_maps, own ? m->gid_maps : l->gid_maps,
		         own ? m->n_gid_maps : l->n_gid_maps);
	}
	if (!op->n_uid_maps && !op->n_gid_maps && user->wanted && user->path)
		return 0; /* those of the namespace, whatever they are */
	if (!op->n_uid_maps || !op->n_gid_maps)
		return err_text(err, -EINVAL,
		                "id-mapped mounts must have both uid and gid mappings specified, "
		                "by the mount or by the container's user namespace");
	return 0;
}

bool mnt_same_idmap(const struct mnt_op *a, const struct mnt_op *b)
{
	size_t one = sizeof(*a->uid_maps);

	return a->idmap && b->idmap && a->n_uid_maps == b->n_uid_maps &&
	       a->n_gid_maps == b->n_gid_maps &&
	       (!a->n_uid_maps || memcmp(a->uid_maps, b->uid_maps, one * a->n_uid_maps) == 0) &&
	       (!a->n_gid_maps || memcmp(a->gid_maps, b->gid_maps, one * a->n_gid_maps) == 0);
}

int mnt_idmap_apply(const struct mnt_op *op, int fd, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	bool tree = op->idmap == MNT_IDMAP_TREE;
	int r;

	if (!op->idmap)
		return 0;
	attr.userns_fd = (uint64_t)op->userns_fd;
	r = op->userns_fd < 0
	        ? -EBADF
	        : k_mount_setattr(fd, "", AT_EMPTY_PATH | (tree ? AT_RECURSIVE : 0u), &attr);
	if (r == -EINVAL)
		return err_set(err, r,
		               "mapping the ids of \"%s\" (the file system%s may not support "
		               "id-mapped mounts)",
		               op->source, tree ? ", or one mounted below it," : "");
	if (r == -EPERM)
		return err_set(err, r,
		               "mapping the ids of \"%s\" (it is id-mapped already, or the file "
		               "system belongs to another user namespace)",
		               op->source);
	return r < 0 ? err_set(err, r, "mapping the ids of \"%s\"", op->source) : 0;
}
