/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount plan in words. Options are named by the rows of the option table, from the masks that
 * the plan arrived at: what is shown is what is applied, not what was written.
 */
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "mount/internal.h"
#include "tables/devices.h"
#include "tables/mount_options.h"

/* Access times are one field of three kinds. */
static const char *atime_name(uint64_t set, bool recursive)
{
	switch (set & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_NOATIME:
		return recursive ? "rnoatime" : "noatime";
	case MOUNT_ATTR_STRICTATIME:
		return recursive ? "rstrictatime" : "strictatime";
	default:
		return recursive ? "rrelatime" : "relatime";
	}
}

/* The words for a pair of masks: recursive rows have names of their own. */
static void add_attrs(char ***words, uint64_t set, uint64_t clr, bool recursive)
{
	for (const struct mount_option *o = mount_option_table; o->name; o++) {
		if (o->kind != MOPT_ATTR || o->recursive != recursive ||
		    (o->attr_clr & MOUNT_ATTR__ATIME))
			continue;
		if ((set & o->attr_set) || (clr & o->attr_clr))
			strv_add(words, o->name);
	}
	if (clr & MOUNT_ATTR__ATIME)
		strv_add(words, atime_name(set, recursive));
}

static const char *propagation_name(unsigned long flag)
{
	for (const struct mount_option *o = mount_option_table; o->name; o++)
		if (o->kind == MOPT_PROPAGATION && o->propagation == (flag & ~MS_REC) &&
		    o->recursive == !!(flag & MS_REC))
			return o->name;
	return "unknown";
}

static void describe_options(const struct mnt_op *op, struct desc *d)
{
	_cleanup_strv_ char **words = NULL, **implied = NULL, **propagation = NULL;

	add_attrs(&words, op->attr_set, op->attr_clr, false);
	add_attrs(&words, op->rec_set, op->rec_clr, true);
	desc_list(d, "options", words);
	add_attrs(&implied, 0, op->implied_clr, false);
	desc_list(d, "if-not-locked", implied);
	desc_list(d, "data", op->super);
	for (size_t i = 0; i < ARRAY_SIZE(op->propagation) && op->propagation[i]; i++)
		strv_add(&propagation, propagation_name(op->propagation[i]));
	desc_list(d, "propagation", propagation);
	desc_flag(d, "recursive", op->recursive);
	desc_flag(d, "copy-up", op->copy_up);
	desc_flag(d, "remount", op->remount);
	desc_flag(d, "read-only-late", op->late_readonly);
}

/* A hierarchy of a v1 view: a directory, and a mount of its own, on the small tmpfs. */
static void describe_v1(const struct mnt_op *op, const struct mnt_cgroup_view *view, struct desc *d)
{
	_cleanup_strv_ char **words = NULL;

	add_attrs(&words, op->attr_set, op->attr_clr, false);
	for (size_t i = 0; i < view->n_dirs; i++) {
		const struct mnt_cgroup_dir *dir = &view->dirs[i];
		_cleanup_free_ char *target = path_join(op->destination, dir->name);

		desc_item_at(d, "mount", "mounts", op->index);
		desc_str(d, "target", target);
		desc_str(d, "type", dir->options ? "cgroup" : "cgroup2");
		desc_fmt(d, "source", "%s%s", dir->host_mount, dir->path);
		desc_list(d, "options", words);
	}
}

static void describe_cgroup(const struct mnt_op *op, const struct mnt_cgroup_view *view,
                            struct desc *d)
{
	desc_item_at(d, "mount", "mounts", op->index);
	desc_str(d, "target", op->destination);
	if (!view || view->n_dirs == 0) {
		desc_str(d, "type", "tmpfs");
		desc_str(d, "source", "tmpfs");
		desc_flag(d, "empty", true);
	} else if (view->v2) {
		desc_str(d, "type", "cgroup2");
		desc_fmt(d, "source", "%s%s", view->dirs[0].host_mount,
		         view->cgroupns ? view->dirs[0].path : "/");
	} else {
		desc_str(d, "type", "tmpfs");
		desc_str(d, "source", "tmpfs");
	}
	describe_options(op, d);
	if (view && !view->v2)
		describe_v1(op, view, d);
}

void mnt_describe_mounts(const struct mnt_plan *plan, const struct mnt_cgroup_view *cgroups,
                         struct desc *d)
{
	for (size_t i = 0; mnt_plan_mounts(plan) && i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];

		if (mnt_op_is_cgroup(op, cgroups)) {
			describe_cgroup(op, cgroups, d);
			continue;
		}
		desc_item_at(d, "mount", "mounts", op->index);
		desc_str(d, "target", op->destination);
		desc_str(d, "type", op->fstype);
		if (!op->remount)
			desc_str(d, "source", op->source);
		describe_options(op, d);
	}
}

/* "0:1000:10" for each range: on disk, as shown, how many. */
static void describe_maps(const char *key, const struct spec_id_map *maps, size_t n, struct desc *d)
{
	_cleanup_strv_ char **words = NULL;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *word =
		    xasprintf("%u:%u:%u", maps[i].container_id, maps[i].host_id, maps[i].size);

		strv_add(&words, word);
	}
	desc_list(d, key, words);
}

static void describe_source(const struct mnt_op *op, struct desc *d)
{
	desc_item_at(d, "source", "mounts", op->index);
	desc_str(d, "source", op->source);
	desc_flag(d, "recursive", op->recursive);
	if (!op->idmap)
		return;
	desc_str(d, "id-map", op->idmap == MNT_IDMAP_TREE ? "tree" : "mount");
	describe_maps("uids", op->uid_maps, op->n_uid_maps, d);
	describe_maps("gids", op->gid_maps, op->n_gid_maps, d);
}

void mnt_describe_sources(const struct mnt_plan *plan, struct desc *d)
{
	for (size_t i = 0; mnt_plan_mounts(plan) && i < plan->n_ops; i++)
		if (mnt_op_source_is_cloned(plan, &plan->ops[i]))
			describe_source(&plan->ops[i], d);
}

void mnt_describe_late_sources(const struct mnt_plan *plan, struct desc *d)
{
	for (size_t i = 0; mnt_plan_mounts(plan) && i < plan->n_ops; i++)
		if (plan->ops[i].idmap && plan->ops[i].late_source)
			describe_source(&plan->ops[i], d);
}

void mnt_describe_host_root(const struct mnt_plan *plan, struct desc *d)
{
	if (!plan->on_host)
		return;
	desc_item(d, "host-mount", "root.path");
	desc_str(d, "target", plan->spec->root.path);
	desc_str(d, "propagation", "private");
}

void mnt_describe_root(const struct mnt_plan *plan, struct desc *d)
{
	unsigned long wanted = plan->spec->linux_.rootfs_propagation;

	if (!mnt_plan_mounts(plan))
		return;
	if (plan->has_mountns) {
		desc_item(d, "host-tree", wanted ? "linux.rootfsPropagation" : NULL);
		desc_str(d, "propagation", propagation_name(mnt_host_propagation(wanted)));
	}
	desc_item(d, "root", "root.path");
	desc_str(d, "source", plan->spec->root.path);
}

static void describe_device(const struct mnt_plan *plan, const struct spec_device *dev,
                            struct desc *d)
{
	desc_str(d, "node", dev->path);
	desc_fmt(d, "type", "%c", dev->type);
	if (dev->type != 'p')
		desc_fmt(d, "number", "%u:%u", dev->major, dev->minor);
	if (mnt_device_is_bound(plan, dev)) {
		desc_str(d, "by", "bind");
		return;
	}
	desc_str(d, "by", "mknod");
	desc_fmt(d, "mode", "%04o", (unsigned int)dev->mode);
	desc_uint(d, "uid", dev->uid);
	desc_uint(d, "gid", dev->gid);
}

void mnt_describe_devices(const struct mnt_plan *plan, struct desc *d)
{
	const struct spec *spec = plan->spec;

	if (!mnt_plan_mounts(plan) || plan->dev_is_bind)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(default_device_table); i++) {
		const struct default_device *row = &default_device_table[i];
		_cleanup_free_ char *path = xstrdup(row->path);
		struct spec_device dev = {
			.path = path,
			.type = 'c',
			.major = row->major,
			.minor = row->minor,
			.mode = 0666,
		};

		if (mnt_device_is_configured(spec, row->path))
			continue;
		desc_item(d, "device", NULL);
		describe_device(plan, &dev, d);
	}
	for (size_t i = 0; i < spec->linux_.n_devices; i++) {
		if (mnt_device_is_link(&spec->linux_.devices[i]))
			continue;
		desc_item_at(d, "device", "linux.devices", i);
		describe_device(plan, &spec->linux_.devices[i], d);
	}
	desc_item(d, "link", NULL);
	desc_str(d, "link", "/dev/ptmx");
	desc_str(d, "to", "pts/ptmx");
	for (size_t i = 0; i < ARRAY_SIZE(default_link_table); i++) {
		desc_item(d, "link", NULL);
		desc_str(d, "link", default_link_table[i].path);
		desc_str(d, "to", default_link_table[i].target);
	}
}

void mnt_describe_finish(const struct mnt_plan *plan, bool no_pivot, struct desc *d)
{
	unsigned long propagation = plan->spec->linux_.rootfs_propagation;

	if (!mnt_plan_mounts(plan))
		return;
	desc_item(d, "root", NULL);
	if (plan->on_host)
		desc_str(d, "by", "chroot");
	else
		desc_str(d, "by", no_pivot ? "move and chroot" : "pivot_root");
	if (propagation) {
		desc_item(d, "root", "linux.rootfsPropagation");
		desc_str(d, "propagation", propagation_name(propagation));
	}
	for (size_t i = 0; i < plan->n_ops; i++) {
		if (!plan->ops[i].late_readonly)
			continue;
		desc_item_at(d, "read-only", "mounts", plan->ops[i].index);
		desc_str(d, "target", plan->ops[i].destination);
	}
	if (plan->spec->root.readonly) {
		desc_item(d, "read-only", "root.readonly");
		desc_str(d, "target", "/");
	}
}

void mnt_describe_masks(const struct mnt_plan *plan, struct desc *d)
{
	const struct spec_linux *l = &plan->spec->linux_;

	if (!mnt_plan_mounts(plan))
		return;
	for (size_t i = 0; l->readonly_paths && l->readonly_paths[i]; i++) {
		desc_item_at(d, "read-only", "linux.readonlyPaths", i);
		desc_str(d, "target", l->readonly_paths[i]);
	}
	for (size_t i = 0; l->masked_paths && l->masked_paths[i]; i++) {
		desc_item_at(d, "masked", "linux.maskedPaths", i);
		desc_str(d, "target", l->masked_paths[i]);
	}
}
