/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `explain` warns of: one row for each thing that weakens what a container keeps apart from
 * the host, or that has no use here. A row looks at the plan alone and adds its notes; nothing is
 * refused by one.
 */
#include <string.h>
#include <sys/mount.h>

#include <linux/capability.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "container/internal.h"
#include "kernel/probe.h"
#include "kernel/syscalls.h"
#include "tables/namespaces.h"

#define CAP(name) (1ULL << CAP_##name)

static const struct powerful {
	uint64_t cap;
	const char *name, *what;
} powerful_caps[] = {
	{ CAP(SYS_ADMIN), "CAP_SYS_ADMIN", "mounts, namespaces and most other doors to the host" },
	{ CAP(SYS_MODULE), "CAP_SYS_MODULE", "loads code into the kernel" },
	{ CAP(SYS_RAWIO), "CAP_SYS_RAWIO", "reaches hardware and memory" },
	{ CAP(SYS_PTRACE), "CAP_SYS_PTRACE", "reads and changes other processes" },
	{ CAP(DAC_READ_SEARCH), "CAP_DAC_READ_SEARCH", "opens host files by their handles" },
	{ CAP(SYS_BOOT), "CAP_SYS_BOOT", "restarts the host" },
	{ CAP(SYS_TIME), "CAP_SYS_TIME", "sets the host's clock" },
	{ CAP(SYSLOG), "CAP_SYSLOG", "reads and clears the kernel's log" },
	{ CAP(MAC_ADMIN), "CAP_MAC_ADMIN", "changes mandatory access control" },
	{ CAP(MAC_OVERRIDE), "CAP_MAC_OVERRIDE", "ignores mandatory access control" },
	{ CAP(BPF), "CAP_BPF", "loads programs into the kernel" },
	{ CAP(PERFMON), "CAP_PERFMON", "observes the kernel" },
};

static bool is_root_on_host(const struct explain *x)
{
	return !x->plan->ns.has[NS_USER] && x->plan->spec->process.user.uid == 0;
}

static void note_root(const struct explain *x)
{
	if (is_root_on_host(x))
		desc_note(x->d, DESC_DANGER, "process.user.uid",
		          "root of the container is root of the host: there is no user namespace");
}

static void note_caps(const struct explain *x)
{
	const struct spec_caps *caps = &x->plan->spec->process.caps;

	if (x->plan->ns.has[NS_USER])
		return; /* they reach no further than the namespace */
	for (size_t i = 0; i < ARRAY_SIZE(powerful_caps); i++)
		if ((caps->bounding | caps->permitted) & powerful_caps[i].cap)
			desc_note(x->d, DESC_DANGER, "process.capabilities", "%s: %s",
			          powerful_caps[i].name, powerful_caps[i].what);
}

static void note_namespaces(const struct explain *x)
{
	static const struct {
		enum spec_ns_type type;
		const char *what;
	} rows[] = {
		{ NS_MOUNT, "the host's mounts can be seen and changed; the container's are in the "
		            "host's tree "
		            "until it is deleted" },
		{ NS_PID, "the host's processes can be seen, and signalled by its root" },
		{ NS_NET, "the host's interfaces, ports and abstract sockets are shared" },
		{ NS_IPC, "the host's shared memory and message queues are shared" },
		{ NS_UTS, "the host's name is shared" },
		{ NS_CGROUP, "the host's tree of cgroups can be seen" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!x->plan->ns.has[rows[i].type])
			desc_note(x->d, DESC_DANGER, "linux.namespaces", "no %s namespace: %s",
			          ns_table[rows[i].type].name, rows[i].what);
}

/* Is a path of these closed for writing, or below one that is? */
static bool is_covered(char *const *paths, const char *path)
{
	for (char *const *p = paths; p && *p; p++)
		if (path_is_under(path, *p))
			return true;
	return false;
}

static bool op_is_writable(const struct mnt_op *op)
{
	return !(((op->attr_set & ~op->rec_clr) | op->rec_set) & MOUNT_ATTR_RDONLY);
}

static void note_kernel_files(const struct explain *x, const struct mnt_op *op, const char *path)
{
	const struct spec_linux *l = &x->plan->spec->linux_;

	if (streq(op->fstype, "sysfs") && op_is_writable(op) && !x->plan->ns.has[NS_USER])
		desc_note(x->d, DESC_DANGER, path, "%s: sysfs can be written", op->destination);
	if (!streq(op->fstype, "proc") || !op_is_writable(op) || x->plan->ns.has[NS_USER])
		return;
	if (!is_covered(l->readonly_paths, "/proc/sys") &&
	    !is_covered(l->masked_paths, "/proc/sys"))
		desc_note(x->d, DESC_DANGER, path,
		          "/proc/sys can be written: kernel parameters of the host");
	if (!is_covered(l->readonly_paths, "/proc/sysrq-trigger") &&
	    !is_covered(l->masked_paths, "/proc/sysrq-trigger"))
		desc_note(x->d, DESC_DANGER, path,
		          "/proc/sysrq-trigger can be written: restarts the host");
}

/* Host paths whose bind gives away the host. */
static const struct {
	const char *path, *what;
	bool below; /* what is below it counts too */
} delicate_sources[] = {
	{ "/var/run/docker.sock", "who may write to it is root of the host", false },
	{ "/run/docker.sock", "who may write to it is root of the host", false },
	{ "/run/containerd/containerd.sock", "who may write to it is root of the host", false },
	{ "/run/podman/podman.sock", "who may write to it commands the host's containers", false },
	{ "/run/crio/crio.sock", "who may write to it is root of the host", false },
	{ "/run/systemd/private", "who may write to it is root of the host", false },
	{ "/run/dbus/system_bus_socket", "the host's services", false },
	{ "/", "the host's whole file system", false },
	{ "/etc", "the host's configuration and password files", false },
	{ "/root", "the home of the host's root", true },
	{ "/boot", "the host's kernel", true },
	{ "/dev", "the host's devices", false },
	{ "/proc", "the host's processes", true },
	{ "/sys", "the host's kernel objects", false },
	{ "/run", "the host's sockets", false },
	{ "/var/run", "the host's sockets", false },
	{ "/var/lib/docker", "other containers' files", true },
	{ "/var/lib/containers", "other containers' files", true },
};

static void note_source(const struct explain *x, const struct mnt_op *op, const char *path)
{
	_cleanup_free_ char *source = op->source ? path_clean(op->source) : NULL;

	for (size_t i = 0; source && i < ARRAY_SIZE(delicate_sources); i++) {
		const char *row = delicate_sources[i].path;

		if (delicate_sources[i].below ? path_is_under(source, row) : streq(source, row)) {
			desc_note(x->d, DESC_DANGER, path, "%s is bound from the host: %s", row,
			          delicate_sources[i].what);
			return;
		}
	}
}

static void note_mounts(const struct explain *x)
{
	const struct mnt_plan *mnt = x->plan->mnt;

	for (size_t i = 0; mnt && i < mnt->n_ops; i++) {
		const struct mnt_op *op = &mnt->ops[i];
		_cleanup_free_ char *path = xasprintf("mounts[%zu]", op->index);

		note_kernel_files(x, op, path);
		if (op->bind && !op->remount)
			note_source(x, op, path);
		for (size_t k = 0; op->bind && k < ARRAY_SIZE(op->propagation); k++)
			if (op->propagation[k] & MS_SHARED)
				desc_note(x->d, DESC_DANGER, path,
				          "%s is shared: mounts made below it appear on the host",
				          op->destination);
		/* An overlaid setuid program of a bind is the host user's. */
		if (op->bind && (op->attr_clr & MOUNT_ATTR_NOSUID))
			desc_note(x->d, DESC_DANGER, path,
			          "%s: setuid programs are allowed by name", op->destination);
	}
}

static void note_masks(const struct explain *x)
{
	const struct spec_linux *l = &x->plan->spec->linux_;

	if (!l->masked_paths && !x->plan->ns.has[NS_USER])
		desc_note(x->d, DESC_DANGER, NULL,
		          "linux.maskedPaths is absent: /proc/kcore and others show the host's "
		          "memory to who may read them");
}

static void note_propagation(const struct explain *x)
{
	if (x->plan->spec->linux_.rootfs_propagation & MS_SHARED)
		desc_note(x->d, DESC_DANGER, "linux.rootfsPropagation",
		          "shared: what the container mounts can appear outside");
}

static void note_seccomp(const struct explain *x)
{
	const struct spec_seccomp *s = &x->plan->spec->linux_.seccomp;

	if (!s->present)
		desc_note(x->d, DESC_DANGER, NULL,
		          "linux.seccomp is absent: every system call is allowed");
	else if (x->plan->filter.n == 0)
		desc_note(x->d, DESC_NO_EFFECT, "linux.seccomp",
		          "the profile allows everything: no filter is loaded");
	if (s->present && !probe_seccomp())
		desc_note(x->d, DESC_REFUSED, "linux.seccomp",
		          "this kernel has no seccomp filters, or a sandbox forbids them");
}

static void note_privileges(const struct explain *x)
{
	if (!x->plan->spec->process.no_new_privileges)
		desc_note(x->d, DESC_DANGER, NULL,
		          "process.noNewPrivileges is off: setuid programs of the image raise "
		          "privileges up to the bounding set");
}

static void note_features(const struct explain *x)
{
	const struct ns_plan *ns = &x->plan->ns;
	struct err err = { 0 };

	if (probe_require(&err) < 0)
		desc_note(x->d, DESC_REFUSED, NULL, "%s", err.msg);
	if (ns->new_user && !probe_user_ns())
		desc_note(x->d, DESC_REFUSED, "linux.namespaces",
		          "this caller may not create user namespaces");
	if (ns->has[NS_TIME] && !probe_time_ns())
		desc_note(x->d, DESC_REFUSED, "linux.namespaces",
		          "this kernel has no time namespaces");
	if (ns->has[NS_CGROUP] && !probe_cgroup_ns())
		desc_note(x->d, DESC_REFUSED, "linux.namespaces",
		          "this kernel has no cgroup namespaces");
}

void explain_notes(const struct explain *x)
{
	static void (*const rows[])(const struct explain *x) = {
		note_features, note_root,        note_caps,    note_namespaces, note_mounts,
		note_masks,    note_propagation, note_seccomp, note_privileges,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i](x);
}
