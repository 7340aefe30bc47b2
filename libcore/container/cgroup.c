/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a container's cgroup once it is there: its limits are set, and it is given to the
 * container's user where the configuration lets him write there.
 */
#include <errno.h>

#include "berth/log.h"
#include "container/internal.h"

static int give(const struct ctr_plan *plan, const struct cg *cg, struct err *err)
{
	const struct spec_linux *l = &plan->spec->linux_;
	struct err e = { 0 };
	uid_t uid;
	int r;

	if (!cg_owner_wanted(plan->spec))
		return 0;
	/* A user namespace by path without maps in the configuration: nobody knows whose it is. */
	if (plan->ns.has[NS_USER] && l->n_uid_maps == 0)
		return 0;
	uid = ns_host_id(l->uid_maps, l->n_uid_maps, plan->spec->process.user.uid);
	if (uid == (uid_t)-1)
		return 0;
	r = cg_set_owner(cg, uid, &e);
	/* Subordinate ids are not an ordinary user's to give things to. */
	if (r == -EPERM || r == -EACCES || r == -EINVAL) {
		log_debug("%s: tolerated", e.msg);
		return 0;
	}
	if (r < 0 && err)
		*err = e;
	return r;
}

int cgroup_apply(const struct ctr_plan *plan, struct cg *cg, struct err *err)
{
	int r =
	    cg_apply(cg, &plan->spec->linux_.resources, plan->rootless, plan->ns.has[NS_USER], err);

	return r < 0 ? r : give(plan, cg, err);
}
