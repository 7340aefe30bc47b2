/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering namespaces: the joiner's work.
 *
 * Order. Entering any namespace takes CAP_SYS_ADMIN over the user namespace that owns it. Root of
 * the host has that before it enters a user namespace and may lose it there (a network namespace
 * that the host owns); an ordinary user has it only afterwards. So all others are tried first, what
 * is refused with EPERM waits until the user namespace is entered, and both work. The mount
 * namespace is the last of each round, because it takes root and working directory along and with
 * them our /proc.
 *
 * The joiner is never dumpable: the container's root may have CAP_SYS_PTRACE over it from the first
 * setns on (CVE-2016-9962).
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "tables/namespaces.h"

static const enum spec_ns_type join_order[] = { NS_NET, NS_IPC,  NS_UTS,  NS_CGROUP,
	                                        NS_PID, NS_TIME, NS_MOUNT };

static int join_one(const struct ns_plan *plan, enum spec_ns_type type)
{
	return setns(plan->fd[type], (int)ns_table[type].clone_flag) < 0 ? -errno : 0;
}

/* One round over what is still to be joined; with may_defer EPERM leaves it for the next. */
static int join_others(const struct ns_plan *plan, bool todo[static NS_TYPES], bool may_defer,
                       struct err *err)
{
	for (size_t i = 0; i < sizeof(join_order) / sizeof(join_order[0]); i++) {
		enum spec_ns_type t = join_order[i];
		int r;

		if (!todo[t])
			continue;
		r = join_one(plan, t);
		if (r == -EPERM && may_defer)
			continue;
		if (r < 0)
			return err_set(err, r, "join the %s namespace%s", ns_table[t].name,
			               r == -EPERM ? " (it belongs to another user namespace)"
			                           : "");
		todo[t] = false;
	}
	return 0;
}

/* A change of credentials may make us dumpable (fs.suid_dumpable) and unties us from the parent. */
static void harden(void)
{
	(void)proc_set_dumpable(false);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int join_user(const struct ns_plan *plan, struct err *err)
{
	int r = join_one(plan, NS_USER);

	if (r < 0)
		return err_set(err, r, "join the user namespace");
	return ns_become_root(err);
}

int ns_become_root(struct err *err)
{
	harden();
	/* Refused where setgroups is denied: then there were none to keep anything with. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_set(err, -errno, "drop supplementary groups in the user namespace");
	if (setresgid(0, 0, 0) < 0)
		return err_set(err, -errno, "become group 0 of the user namespace%s",
		               errno == EINVAL ? " (it does not map gid 0)" : "");
	if (setresuid(0, 0, 0) < 0)
		return err_set(err, -errno, "become user 0 of the user namespace%s",
		               errno == EINVAL ? " (it does not map uid 0)" : "");
	harden();
	return 0;
}

int ns_join_all(const struct ns_plan *plan, struct err *err)
{
	bool todo[NS_TYPES] = { false };
	int r;

	harden();
	/* One that we are in already asks for no privilege. Looked up before any setns: afterwards
	 * /proc may be another. */
	for (int t = 0; t < NS_TYPES; t++)
		todo[t] = plan->join[t] && plan->fd[t] >= 0 && !ns_is_own(plan->fd[t], t);
	r = join_others(plan, todo, todo[NS_USER], err);
	if (r < 0 || !todo[NS_USER])
		return r;
	r = join_user(plan, err);
	return r < 0 ? r : join_others(plan, todo, false, err);
}
