/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a creation: all that can be decided, and refused, before the first side effect.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"

void ctr_plan_free(struct ctr_plan *plan)
{
	if (!plan)
		return;
	ns_plan_done(&plan->ns);
	mnt_plan_free(plan->mnt);
	seccomp_filter_done(&plan->filter);
	strv_free(plan->env);
	free(plan);
}

/* The cache lives in the state root; without one (or on a full disk) profiles are compiled each
 * time. */
int ctr_seccomp_cache(const struct ctr_root *root)
{
	int fd;

	if (!root)
		return FD_INVALID;
	if (mkdirat(root->fd, ".seccomp", 0700) < 0 && errno != EEXIST)
		return FD_INVALID;
	fd = openat(root->fd, ".seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? FD_INVALID : fd;
}

static int check_rootless(struct ctr_plan *plan, struct err *err)
{
	const struct spec_linux *l = &plan->spec->linux_;

	if (geteuid() == 0)
		return 0;
	if (!plan->ns.has[NS_USER])
		return err_text(
		    err, -EPERM,
		    "rootless container requires user namespaces: add {\"type\":\"user\"} to "
		    "linux.namespaces (berth spec --rootless does)");
	if (plan->ns.new_user && (l->n_uid_maps == 0 || l->n_gid_maps == 0))
		return err_text(err, -EINVAL,
		                "linux.uidMappings: rootless containers require at least one UID "
		                "and one GID mapping");
	return 0;
}

static bool is_mapped(const struct spec_id_map *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

static int check_ids(struct ctr_plan *plan, struct err *err)
{
	const struct spec_linux *l = &plan->spec->linux_;
	const struct spec_user *user = &plan->spec->process.user;

	if (!plan->ns.new_user)
		return 0;
	if (!is_mapped(l->uid_maps, l->n_uid_maps, user->uid))
		return err_text(
		    err, -EINVAL,
		    "process.user.uid: cannot setuid to unmapped uid %u in user namespace",
		    user->uid);
	if (!is_mapped(l->gid_maps, l->n_gid_maps, user->gid))
		return err_text(
		    err, -EINVAL,
		    "process.user.gid: cannot setgid to unmapped gid %u in user namespace",
		    user->gid);
	for (size_t i = 0; i < user->n_additional_gids; i++)
		if (!is_mapped(l->gid_maps, l->n_gid_maps, user->additional_gids[i]))
			return err_text(err, -EINVAL,
			                "process.user.additionalGids[%zu]: gid %u is not mapped in "
			                "the user namespace",
			                i, user->additional_gids[i]);
	return 0;
}

/* What the security modules of this host can't do. */
static int check_labels(struct ctr_plan *plan, struct err *err)
{
	const struct spec *spec = plan->spec;
	struct lsm_labels labels = process_labels_of(&spec->process, NULL);

	lsm_detect_host(&plan->lsm);
	return lsm_check(&plan->lsm, &labels, spec->linux_.mount_label, err);
}

/* Who does not own the file systems may not map their ids (mount_setattr(2)). */
static int check_idmaps(struct ctr_plan *plan, struct err *err)
{
	if (geteuid() == 0 || !plan->mnt)
		return 0;
	for (size_t i = 0; i < plan->mnt->n_ops; i++)
		if (plan->mnt->ops[i].idmap)
			return err_text(err, -EPERM,
			                "mounts[%zu] (%s): id-mapped mounts are not supported for "
			                "rootless containers",
			                plan->mnt->ops[i].index, plan->mnt->ops[i].destination);
	return 0;
}

int ctr_plan_check_no_pivot(const struct ctr_plan *plan, struct err *err)
{
	return plan->mnt->has_mountns ? mnt_check_no_pivot(plan->spec, err) : 0;
}

bool ctr_wants_limits(const struct spec *spec)
{
	const struct spec_resources *r = &spec->linux_.resources;

	return r->memory.limit.set || r->memory.reservation.set || r->memory.swap.set ||
	       r->memory.swappiness.set || r->memory.disable_oom_killer.v || r->cpu.shares.set ||
	       r->cpu.quota.set || r->cpu.period.set || r->cpu.burst.set || r->cpu.rt_runtime.set ||
	       r->cpu.rt_period.set || r->cpu.idle.set || r->cpu.cpus || r->cpu.mems ||
	       r->pids_limit.set || r->block_io.weight.set || r->block_io.leaf_weight.set ||
	       r->block_io.n_weight_device || r->block_io.n_read_bps || r->block_io.n_write_bps ||
	       r->block_io.n_read_iops || r->block_io.n_write_iops || r->n_hugepages || r->rdma.n ||
	       r->network.class_id.set || r->network.n_priorities || r->n_unified;
}

static int plan_namespaces(struct ctr_plan *plan, struct err *err)
{
	return ns_plan_open(&plan->ns, plan->spec, err);
}

/* Under a name that is not the container's: its id is not known yet, the rest can be judged. */
static int plan_rdt(struct ctr_plan *plan, struct err *err)
{
	struct rdt rdt;
	int r = rdt_plan(NULL, &plan->spec->linux_.intel_rdt, "", &rdt, err);

	if (r == 0)
		rdt_done(&rdt);
	return r;
}

/* Those of a restored container are in its network namespace already, or in the images. */
static int plan_net_devices(struct ctr_plan *plan, struct err *err)
{
	return plan->restore ? 0 : ns_netdevs_check(plan->spec, plan->ns.fd[NS_NET], err);
}

static int plan_sysctl(struct ctr_plan *plan, struct err *err)
{
	return sysctl_check(plan->spec, &plan->ns, err);
}

static int plan_rootfs(struct ctr_plan *plan, struct err *err)
{
	return mnt_check_rootfs(plan->spec, err);
}

static int plan_mounts(struct ctr_plan *plan, struct err *err)
{
	return mnt_plan_build(plan->spec, &plan->mnt, err);
}

static int plan_seccomp(struct ctr_plan *plan, struct err *err)
{
	_cleanup_close_ int cache = FD_INVALID;
	int r;

	if (!plan->spec->linux_.seccomp.present)
		return 0;
	cache = ctr_seccomp_cache(plan->root);
	r = seccomp_compile_cached(cache, &plan->spec->linux_.seccomp, &plan->filter, err);
	if (r < 0)
		return r;
	log_debug("seccomp filter flags: %u", plan->filter.flags);
	return seccomp_check_kernel(&plan->filter, err);
}

/* In this order; each leaves the plan in a state that the others and ctr_plan_free() can work with,
 * also when it fails: `explain` goes on after a refusal. */
static int (*const plan_parts[])(struct ctr_plan *plan, struct err *err) = {
	check_rootless, check_ids,   check_labels, plan_namespaces, plan_net_devices, plan_sysctl,
	plan_rootfs,    plan_mounts, check_idmaps, plan_seccomp,    plan_rdt,
};

static struct ctr_plan *plan_begin(struct spec *spec, bool rootless)
{
	struct ctr_plan *plan = xcalloc(1, sizeof(*plan));

	plan->spec = spec;
	plan->rootless = rootless;
	ns_plan_from_spec(spec, &plan->ns);
	return plan;
}

int ctr_plan_new(struct spec *spec, const struct ctr_root *root, bool rootless, bool restore,
                 struct ctr_plan **ret, struct err *err)
{
	struct ctr_plan *plan = plan_begin(spec, rootless);

	plan->root = root;
	plan->restore = restore;
	for (size_t i = 0; i < ARRAY_SIZE(plan_parts); i++) {
		int r = plan_parts[i](plan, err);

		if (r < 0) {
			ctr_plan_free(plan);
			return r;
		}
	}
	plan->env = strv_dup(spec->process.env);
	*ret = plan;
	return 0;
}

struct ctr_plan *ctr_plan_describe(struct spec *spec, bool rootless, struct desc *d)
{
	struct ctr_plan *plan = plan_begin(spec, rootless);

	for (size_t i = 0; i < ARRAY_SIZE(plan_parts); i++) {
		struct err err = { 0 };

		/* Without a state root, so without its cache: nothing is written. */
		if (plan_parts[i](plan, &err) < 0)
			desc_note(d, DESC_REFUSED, NULL, "%s", err.msg);
	}
	plan->env = strv_dup(spec->process.env);
	return plan;
}
