/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From mounts[] of the spec to decided operations. Pure: nothing outside the spec is looked at, so
 * every refusal here comes before the first side effect.
 *
 * Rules that are ours to decide:
 * - Options are read left to right and the last one wins; the recursive forms apply after the plain
 *   ones.
 * - What options do to a bind is told in bind.c.
 * - Superblock flags (sync, lazytime, ...) have no meaning for a bind. Other runtimes accept them
 *   there since the kernel ignores them, so they are accepted and logged at debug.
 * - On everything but the kernel's own file systems "ro" makes the superblock read-only too: a
 *   read-only block device cannot be mounted otherwise.
 */
#include "mount/mount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/strv.h"
#include "berth/log.h"
#include "mount/internal.h"
#include "tables/mount_options.h"

/* What may be bound over inside /proc: files that show the machine's size and state, which managers
 * replace by the container's own figures. Anything else could fake what the runtime reads there. */
static const char *const proc_bind_table[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

/* Superblocks that are shared with other mounts or have nothing to write back: "ro" is for the
 * mount alone. */
static const char *const mount_only_ro_table[] = {
	"cgroup", "cgroup2", "devpts", "mqueue", "proc", "sysfs", "tmpfs",
};

/* File systems that take no "context=". */
static const char *const own_label_table[] = { "cgroup", "cgroup2", "mqueue", "proc", "sysfs" };

static bool in_table(const char *const *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(table[i], name))
			return true;
	}
	return false;
}

bool mnt_proc_bind_allowed(const char *destination)
{
	return in_table(proc_bind_table, ARRAY_SIZE(proc_bind_table), destination);
}

/* One row of the option table onto the pair of masks it concerns. */
static void op_attr(struct mnt_op *op, const struct mount_option *row)
{
	uint64_t *set = row->recursive ? &op->rec_set : &op->attr_set;
	uint64_t *clr = row->recursive ? &op->rec_clr : &op->attr_clr;

	/* The access-time kinds are one field: a row names the new kind in attr_set and the whole
	 * field in attr_clr, which the kernel wants to see together. */
	*set &= ~(row->attr_clr | row->attr_set);
	*clr &= ~row->attr_set;
	*set |= row->attr_set;
	*clr |= row->attr_clr;
}

/* Each is one call after the mount has been attached: "slave,shared" is not the same as "shared".
 */
static int op_propagation(struct mnt_op *op, const struct mount_option *row, struct err *err)
{
	unsigned long flag = row->propagation | (row->recursive ? MS_REC : 0);

	for (size_t i = 0; i < ARRAY_SIZE(op->propagation); i++) {
		if (op->propagation[i] == 0) {
			op->propagation[i] = flag;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "too many propagation options");
}

static void super_remove(struct mnt_op *op, const char *word)
{
	char **to = op->super;

	for (char **p = op->super; word && p && *p; p++) {
		if (streq(*p, word))
			free(*p);
		else
			*to++ = *p;
	}
	if (to)
		*to = NULL;
	if (op->super && !op->super[0])
		strv_free(take_ptr(op->super));
}

/* Words that end a superblock flag: nothing to end in a new file system, and the kernel has no word
 * for one of them. */
static void super_settle(struct mnt_op *op)
{
	for (const struct mount_option *row = mount_option_table; row->name; row++)
		if (row->kind == MOPT_SUPER && !row->super &&
		    (!op->remount || streq(row->name, "noiversion")))
			super_remove(op, row->name);
}

static int op_option(struct mnt_op *op, const char *option, struct err *err)
{
	const struct mount_option *row = mount_option_find(option);

	if (!row) {
		if (option[0] != '\0' && !mnt_is_idmap_option(option))
			strv_add(&op->super, option);
		return 0;
	}
	switch (row->kind) {
	case MOPT_ATTR:
		op_attr(op, row);
		return 0;
	case MOPT_SUPER:
		super_remove(op, row->opposite);
		strv_add(&op->super, row->super ? row->super : row->name);
		return 0;
	case MOPT_BIND:
		op->bind = true;
		op->recursive = row->recursive;
		return 0;
	case MOPT_PROPAGATION:
		return op_propagation(op, row, err);
	case MOPT_REMOUNT:
		op->remount = true;
		return 0;
	case MOPT_TMPCOPYUP:
		op->copy_up = true;
		return 0;
	case MOPT_IDMAP: /* idmap.c reads these */
	case MOPT_NOTHING:
		break;
	}
	return 0;
}

/* "uid=" and "gid=" of an id without a mapping would be the kernel's bare EINVAL later. */
static int check_id(const struct mnt_op *op, const char *key, const struct spec_id_map *maps,
                    size_t n_maps, struct err *err)
{
	size_t len = strlen(key);
	uint32_t id;

	for (char **p = op->super; p && *p; p++) {
		bool mapped = false;

		if (strncmp(*p, key, len) != 0 || num_parse_u32(*p + len, &id) < 0)
			continue;
		for (size_t i = 0; i < n_maps; i++)
			mapped |=
			    id >= maps[i].container_id && id - maps[i].container_id < maps[i].size;
		if (!mapped)
			return err_set(err, -EINVAL,
			               "option \"%s\": the id is not mapped in the user namespace",
			               *p);
	}
	return 0;
}

/* Only where the maps are ours to write and the parameters are known to be ids. */
static int check_ids(const struct spec *spec, const struct mnt_op *op, struct err *err)
{
	const struct spec_linux *l = &spec->linux_;
	int r;

	/* A namespace that is joined has maps that only the kernel knows. */
	if (!l->namespaces[NS_USER].wanted || l->namespaces[NS_USER].path)
		return 0;
	if (!streq(op->fstype, "tmpfs") && !streq(op->fstype, "devpts"))
		return 0;
	r = check_id(op, "uid=", l->uid_maps, l->n_uid_maps, err);
	return r < 0 ? r : check_id(op, "gid=", l->gid_maps, l->n_gid_maps, err);
}

/* The kernel would ignore parameters of a bind; asking for them is a mistake worth a word. */
static int check_bind_data(const struct mnt_op *op, const struct spec_mount *m, struct err *err)
{
	for (char **p = m->options; p && *p; p++) {
		const struct mount_option *row = mount_option_find(*p);

		if (row && row->kind == MOPT_SUPER && row->super)
			log_debug("%s: option \"%s\" has no effect on a bind mount",
			          op->destination, *p);
		if (!row && (*p)[0] != '\0' && !mnt_is_idmap_option(*p))
			return err_set(err, -EINVAL,
			               "option \"%s\": bind mounts cannot have any "
			               "filesystem-specific options applied",
			               *p);
	}
	return 0;
}

/*
 * linux.mountLabel is the context of every file in a new file system. The kernel's own ones have
 * labels from the policy (for mqueue the label is set when it is mounted); what the configuration
 * says of one mount comes before what it says of all.
 */
static void op_label(const struct spec *spec, struct mnt_op *op)
{
	_cleanup_free_ char *context = NULL;

	if (!spec->linux_.mount_label || op->remount ||
	    in_table(own_label_table, ARRAY_SIZE(own_label_table), op->fstype))
		return;
	for (char **p = op->super; p && *p; p++) {
		if (strncmp(*p, "context=", strlen("context=")) == 0)
			return;
	}
	context = xasprintf("context=%s", spec->linux_.mount_label);
	strv_add(&op->super, context);
}

/* Refusals that the destination alone decides; where links lead is seen when it is opened. */
static int check_place(struct mnt_op *op, struct err *err)
{
	const char *dest = op->destination;

	op->on_proc = path_is_under(dest, "/proc");
	op->on_sys = path_is_under(dest, "/sys");
	if (streq(dest, "/"))
		return err_set(err, -EINVAL, "mounting on the root of the container");
	if (!op->on_proc || op->remount || knocked_out("procfs-only"))
		return 0;
	if (streq(dest, "/proc")) {
		/* Whether a bind brings a whole procfs is checked on its descriptor. */
		if (op->bind || streq(op->fstype, "proc"))
			return 0;
		return err_set(err, -EPERM,
		               "\"%s\" cannot be mounted because it is not of type proc", dest);
	}
	if (op->bind && mnt_proc_bind_allowed(dest))
		return 0;
	return err_set(err, -EPERM, "\"%s\" cannot be mounted because it is inside /proc", dest);
}

/* Some managers name a place inside the container by its path on the host. */
static const char *strip_root(const char *destination, const char *root)
{
	size_t len = root ? strlen(root) : 0;

	return len > 1 && path_is_under(destination, root) && destination[len] ? destination + len
	                                                                       : destination;
}

static int op_build(const struct spec *spec, struct mnt_op *op, struct err *err)
{
	const struct spec_mount *m = &spec->mounts[op->index];
	int r;

	op->destination = strip_root(m->destination, spec->root.path);
	op->source = m->source;
	for (char **p = m->options; p && *p; p++) {
		r = op_option(op, *p, err);
		if (r < 0)
			return r;
	}
	super_settle(op);
	op->fstype = op->bind ? "bind" : m->type;
	if (op->remount && !op->fstype)
		op->fstype = "none";
	if (!op->fstype || op->fstype[0] == '\0')
		return err_set(err, -EINVAL, "type is missing and it is not a bind mount");
	r = check_place(op, err);
	if (r == 0)
		r = mnt_idmap_build(spec, op, err);
	if (r < 0)
		return r;
	if (op->copy_up && !streq(op->fstype, "tmpfs"))
		return err_set(err, -EINVAL, "option \"tmpcopyup\" is for tmpfs");
	if (op->bind) {
		r = check_bind_data(op, m, err);
		if (r < 0)
			return r;
		strv_free(take_ptr(op->super));
		if (!op->remount)
			mnt_bind_attrs(op, m->options);
		if (!op->remount && (!op->source || op->source[0] == '\0'))
			return err_set(err, -EINVAL, "source is missing");
		op->late_source = mnt_source_is_late(op, spec->root.path);
		return 0;
	}
	if (mnt_op_readonly(op) && !op->remount &&
	    !in_table(mount_only_ro_table, ARRAY_SIZE(mount_only_ro_table), op->fstype))
		strv_add(&op->super, "ro");
	op_label(spec, op);
	/* A remount changes what exists and has nothing to wait for. */
	/* Later mounts and device nodes are made inside, so these close last. */
	op->late_readonly = !op->remount && mnt_op_readonly(op) &&
	                    (streq(op->fstype, "tmpfs") || streq(op->destination, "/dev"));
	return check_ids(spec, op, err);
}

int mnt_plan_build(const struct spec *spec, struct mnt_plan **ret, struct err *err)
{
	const struct spec_namespace *ns = spec->linux_.namespaces;
	struct mnt_plan *plan;
	int r = 0;

	if (!ns[NS_MOUNT].wanted && (spec->linux_.masked_paths || spec->linux_.readonly_paths))
		return err_set(err, -EINVAL,
		               "unable to restrict sys entries without a private MNT namespace");
	plan = xcalloc(1, sizeof(*plan));
	plan->spec = spec;
	plan->has_userns = ns[NS_USER].wanted;
	plan->has_mountns = ns[NS_MOUNT].wanted && !ns[NS_MOUNT].path;
	plan->on_host = !ns[NS_MOUNT].wanted;
	plan->ops = xcalloc(spec->n_mounts ? spec->n_mounts : 1, sizeof(*plan->ops));
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct mnt_op *op = &plan->ops[i];

		op->index = i;
		op->source_fd = op->userns_fd = FD_INVALID;
		plan->n_ops = i + 1;
		r = op_build(spec, op, err);
		if (r < 0) {
			err_prefix(err, "mounts[%zu] (%s)", i, spec->mounts[i].destination);
			mnt_plan_free(plan);
			return r;
		}
		if (op->bind && !op->remount && streq(op->destination, "/dev"))
			plan->dev_is_bind = true;
	}
	*ret = plan;
	return 0;
}

void mnt_plan_free(struct mnt_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_ops; i++) {
		strv_free(plan->ops[i].super);
		fd_close(plan->ops[i].source_fd);
		fd_close(plan->ops[i].userns_fd);
		free(plan->ops[i].uid_maps);
		free(plan->ops[i].gid_maps);
	}
	free(plan->ops);
	free(plan);
}
