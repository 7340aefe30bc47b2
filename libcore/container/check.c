/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host can and cannot do: a closed table of looks, each with what it is like without and
 * what helps. The kernel's rows are those of the probe table, so that what is told is what the code
 * goes by; a row that is required is one without which nothing runs.
 */
#include "container/check.h"

#include <string.h>

#include "base/mem.h"
#include "kernel/probe.h"

struct row {
	const char *group, *name;
	check_fn *look;
	const char *arg;
	const char *consequence, *remedy;
	bool required;
};

#define SANDBOX "; in a sandbox, one that allows the call"

/* clang-format off */
static const struct row rows[] = {
	{ "host", "proc", check_proc, NULL, "no container can be made",
	  "mount a procfs on /proc", true },
	{ "host", "state", check_state, NULL, "no container can be made with this state root",
	  "give a directory of your own with --root, or set XDG_RUNTIME_DIR", true },
	{ "namespace", "user", check_namespace, "user",
	  "containers with a user namespace are refused: none at all for ordinary users",
	  "sysctl user.max_user_namespaces above 0; kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0 where the distribution has these", false },
	{ "namespace", "mount", check_namespace, "mount", "no container can be made",
	  "run as root with CAP_SYS_ADMIN, or where user namespaces are allowed", true },
	{ "namespace", "pid", check_namespace, "pid", "containers with a pid namespace are refused",
	  "run as root with CAP_SYS_ADMIN, or where user namespaces are allowed", false },
	{ "namespace", "network", check_namespace, "network", "containers with a network namespace are refused",
	  "a kernel with CONFIG_NET_NS, and CAP_SYS_ADMIN or user namespaces", false },
	{ "namespace", "ipc", check_namespace, "ipc", "containers with an ipc namespace are refused",
	  "a kernel with CONFIG_IPC_NS, and CAP_SYS_ADMIN or user namespaces", false },
	{ "namespace", "uts", check_namespace, "uts", "containers with a uts namespace are refused",
	  "a kernel with CONFIG_UTS_NS, and CAP_SYS_ADMIN or user namespaces", false },
	{ "namespace", "cgroup", check_namespace, "cgroup", "containers with a cgroup namespace are refused",
	  "a kernel with CONFIG_CGROUPS of 4.6 or newer, and CAP_SYS_ADMIN or user namespaces", false },
	{ "namespace", "time", check_namespace, "time", "containers with a time namespace are refused",
	  "a kernel with CONFIG_TIME_NS of 5.6 or newer, and CAP_SYS_ADMIN or user namespaces", false },
	{ "cgroup", "layout", check_layout, NULL,
	  "what only cgroup v2 has is refused (linux.resources.unified), and some lists of device rules cannot be expressed",
	  "boot with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1)", false },
	{ "cgroup", "delegation", check_delegation, NULL,
	  "containers run without a cgroup; limits, pause and a cgroupsPath are refused",
	  "root: mount cgroups read-write; ordinary users: log in through systemd, which delegates, and give Delegate=cpu cpuset io memory pids to user@.service", false },
	{ "cgroup", "cpu", check_controller, "cpu", "linux.resources.cpu is refused", NULL, false },
	{ "cgroup", "cpuset", check_controller, "cpuset", "linux.resources.cpu.cpus and mems are refused", NULL, false },
	{ "cgroup", "memory", check_controller, "memory", "linux.resources.memory is refused; nobody is told of OOM kills", NULL, false },
	{ "cgroup", "pids", check_controller, "pids", "linux.resources.pids is refused", NULL, false },
	{ "cgroup", "io", check_controller, "io", "linux.resources.blockIO is refused", NULL, false },
	{ "cgroup", "hugetlb", check_controller, "hugetlb", "linux.resources.hugepageLimits is refused", NULL, false },
	{ "cgroup", "rdma", check_controller, "rdma", "linux.resources.rdma is refused", NULL, false },
	{ "cgroup", "devices", check_controller, "devices", "linux.resources.devices is refused, or left out for ordinary users, who can't make device nodes anyway", NULL, false },
	{ "cgroup", "freezer", check_controller, "freezer", "pause and resume are refused", NULL, false },
	{ "cgroup", "kill", check_kill, NULL, "processes are killed one by one, frozen meanwhile",
	  "cgroup v2 and Linux 5.14 or newer", false },
	{ "ids", "subuid", check_subids, "/etc/subuid",
	  "containers of this user have a single user id: images with files of several users don't work", NULL, false },
	{ "ids", "subgid", check_subids, "/etc/subgid",
	  "containers of this user have a single group id", NULL, false },
	{ "ids", "newuidmap", check_map_helper, "newuidmap",
	  "ordinary users can map no user id but their own",
	  "install newuidmap (package uidmap or shadow-utils), setuid root or with cap_setuid", false },
	{ "ids", "newgidmap", check_map_helper, "newgidmap",
	  "ordinary users can map no group id but their own",
	  "install newgidmap (package uidmap or shadow-utils), setuid root or with cap_setgid", false },
	{ "security", "capabilities", check_capabilities, NULL,
	  "containers can't be given what the caller lacks; without CAP_SYS_RESOURCE no limit is raised and no OOM score lowered",
	  "run outside of the sandbox that took them away", false },
	{ "security", "apparmor", check_apparmor, NULL,
	  "process.apparmorProfile is refused, but for \"unconfined\"",
	  "a kernel with AppArmor, switched on (apparmor=1 security=apparmor)", false },
	{ "security", "selinux", check_selinux, NULL,
	  "process.selinuxLabel and linux.mountLabel are refused",
	  "a kernel with SELinux, switched on, and a policy", false },
	{ "programs", "systemd", check_systemd, NULL, "--systemd-cgroup is refused", NULL, false },
	{ "programs", "linger", check_linger, NULL,
	  "when this user logs out, XDG_RUNTIME_DIR goes, and with it the state of containers there",
	  "loginctl enable-linger, or a lasting --root", false },
	{ "programs", "criu", check_criu, NULL, "checkpoint and restore are refused",
	  "install criu and libcriu (packages criu, libcriu2)", false },
};
/* clang-format on */

const char *ctr_check_state_name(enum ctr_check_state state)
{
	static const char *const names[] = {
		[CTR_CHECK_OK] = "ok",
		[CTR_CHECK_LIMITED] = "limited",
		[CTR_CHECK_MISSING] = "missing",
	};

	return names[state];
}

void ctr_check_add(struct ctr_checks *checks, const struct ctr_check *row, const char *detail,
                   const char *remedy)
{
	checks->list = xreallocarray(checks->list, checks->n + 1, sizeof(*checks->list));
	checks->list[checks->n] = *row;
	checks->list[checks->n].detail = xstrdup(detail);
	checks->list[checks->n++].remedy = xstrdup(remedy);
}

static void add_kernel(struct ctr_checks *checks)
{
	for (const struct probe_row *p = probe_table; p->name; p++) {
		_cleanup_free_ char *remedy = xasprintf("Linux %s or newer" SANDBOX, p->kernel);
		const struct ctr_check row = {
			.group = "kernel",
			.name = p->name,
			.required = p->required,
			.state = p->have() ? CTR_CHECK_OK : CTR_CHECK_MISSING,
			.consequence = p->without,
		};

		ctr_check_add(checks, &row, NULL, remedy);
	}
}

/* The place of a container that asks for nothing. Its name is one that no id can have. */
static void find_cgroup(struct check *c)
{
	const struct cg_request req = { .id = ".check", .rootless = c->rootless };
	struct err err = { 0 };

	if (cg_host_detect(&c->host, &err) == 0 && cg_plan(c->host, &req, &c->cgroup, &err) == 0)
		c->controllers = cg_controllers_below(c->cgroup);
	memcpy(c->why, err.msg, sizeof(c->why) - 1);
	if (c->cgroup && !c->cgroup->usable)
		memcpy(c->why, c->cgroup->why, sizeof(c->cgroup->why));
}

void ctr_check_host(bool rootless, const char *root_path, struct ctr_checks *ret)
{
	struct check c = { .rootless = rootless, .root_path = root_path };

	*ret = (struct ctr_checks){ 0 };
	lsm_detect_host(&c.lsm);
	find_cgroup(&c);
	add_kernel(ret);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct ctr_check row = {
			.group = r->group,
			.name = r->name,
			.required = r->required,
			.consequence = r->consequence,
		};

		c.arg = r->arg;
		c.detail[0] = c.remedy[0] = '\0';
		row.state = r->look(&c);
		ctr_check_add(ret, &row, c.detail[0] ? c.detail : NULL,
		              c.remedy[0] ? c.remedy : r->remedy);
	}
	free(c.controllers);
	cg_free(c.cgroup);
	cg_host_free(c.host);
}

bool ctr_checks_usable(const struct ctr_checks *checks)
{
	for (size_t i = 0; i < checks->n; i++)
		if (checks->list[i].required && checks->list[i].state == CTR_CHECK_MISSING)
			return false;
	return true;
}

void ctr_checks_done(struct ctr_checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		free(checks->list[i].detail);
		free(checks->list[i].remedy);
	}
	free(checks->list);
	*checks = (struct ctr_checks){ 0 };
}
