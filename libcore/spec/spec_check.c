/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that span objects of the document: one function per rule, each naming the section of the
 * runtime-spec that it comes from. They run when all is loaded and before anything is done, so a
 * document that passes is one that a capable host can carry out.
 *
 * What needs the host is left to the layers that act: whether a namespace path is the host's own
 * (sysctl net.* through a path), whether files exist, what the kernel supports.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/path.h"
#include "spec/parts.h"
#include "tables/caps.h"

#define UTS_NAME_MAX     64 /* __NEW_UTS_LEN */
#define SYSCTL_NAME_MAX  1024
#define LABEL_MAX        4000 /* one page holds what is written: "exec LABEL" */
#define MOUNT_LABEL_MAX  255  /* fsconfig(2) */
#define SYSCTL_VALUE_MAX 4095
#define ANNOTATIONS_MAX  (2U << 20)

bool spec_has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

/* Listed at all: new, or joined by path. */
static bool ns_listed(const struct spec *spec, enum spec_ns_type type)
{
	return spec->linux_.namespaces[type].wanted;
}

static bool ns_is_new(const struct spec *spec, enum spec_ns_type type)
{
	return ns_listed(spec, type) && !spec->linux_.namespaces[type].path;
}

/*
 * The process alone.
 */

/* config.md, "POSIX process": env has the form of environ(7). */
static int check_env(const struct spec_process *process, struct err *err)
{
	for (size_t i = 0; process->env && process->env[i]; i++) {
		const char *eq = strchr(process->env[i], '=');

		if (!eq)
			return err_text(err, -EINVAL, "process.env[%zu]: entry without \"=\"", i);
		if (eq == process->env[i])
			return err_text(err, -EINVAL, "process.env[%zu]: empty name", i);
	}
	return 0;
}

/* config.md, "POSIX process": no limit twice. */
static int check_rlimits(const struct spec_process *process, struct err *err)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];
		uint64_t bit = UINT64_C(1) << limit->resource;

		if (seen & bit)
			return err_text(err, -EINVAL,
			                "process.rlimits[%zu].type: limit is set twice", i);
		if (limit->soft > limit->hard)
			return err_text(err, -EINVAL,
			                "process.rlimits[%zu].soft: is above the hard limit", i);
		seen |= bit;
	}
	return 0;
}

static int check_label(const char *field, const char *label, size_t max, struct err *err)
{
	if (!label)
		return 0;
	if (strlen(label) > max)
		return err_text(err, -EINVAL, "%s: longer than %zu bytes", field, max);
	if (spec_has_control(label))
		return err_text(err, -EINVAL, "%s: control character", field);
	return 0;
}

/* config.md, "Linux Process": one line of text for the security modules. */
static int check_labels(const struct spec_process *process, struct err *err)
{
	int r = check_label("process.apparmorProfile", process->apparmor_profile, LABEL_MAX, err);

	return r < 0 ? r
	             : check_label("process.selinuxLabel", process->selinux_label, LABEL_MAX, err);
}

/* Name of the lowest capability in a non-empty set. */
static const char *first_cap(uint64_t set)
{
	return names_name(caps_table, __builtin_ctzll(set));
}

/* config.md, "Linux Process", and capabilities(7): sets that the kernel would refuse. The ambient
 * ones that it would refuse are left out with a warning, see spec_process_finish(). */
static int check_caps(const struct spec_process *process, struct err *err)
{
	const struct spec_caps *caps = &process->caps;
	uint64_t bad = caps->effective & ~caps->permitted;

	if (bad)
		return err_set(err, -EPERM,
		               "process.capabilities.effective: %s is not in the permitted set",
		               first_cap(bad));
	return 0;
}

/*
 * Also run after options of exec have changed a loaded process, so it repeats what the tables have
 * checked already.
 */
int spec_process_check(const struct spec_process *process, struct err *err)
{
	int r;

	if (!process->cwd || !*process->cwd)
		return err_text(err, -EINVAL, "process.cwd: Cwd property must not be empty");
	if (process->cwd[0] != '/')
		return err_text(err, -EINVAL, "process.cwd: Cwd must be an absolute path");
	if (strlen(process->cwd) >= PATH_MAX)
		return err_text(err, -EINVAL, "process.cwd: path is too long");
	if (!process->args || !process->args[0])
		return err_text(err, -EINVAL, "process.args: args must not be empty");
	if (process->user.uid == UINT32_MAX || process->user.gid == UINT32_MAX)
		return err_text(err, -EINVAL, "process.user: 4294967295 is not a valid id");
	r = check_env(process, err);
	if (r == 0)
		r = check_rlimits(process, err);
	if (r == 0)
		r = check_labels(process, err);
	return r == 0 ? check_caps(process, err) : r;
}

/*
 * The document.
 */

/* In a JSON document: "\u001f", "\"". */
static size_t escaped_size(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (unsigned char)*s < 0x20 || *s == 0x7f ? 6 : *s == '"' || *s == '\\' ? 2 : 1;
	return n;
}

/*
 * config.md, "Annotations", sets no limit. They are part of each state that a hook or a manager is
 * given, and of our own record, which has one: more would be a record that nobody can read again.
 */
static int check_annotations(const struct spec *spec, struct err *err)
{
	size_t total = 0;

	for (size_t i = 0; i < spec->n_annotations; i++) {
		const struct spec_kv *kv = &spec->annotations[i];

		total += escaped_size(kv->key) + escaped_size(kv->value) + strlen("\"\":\"\",");
		if (total > ANNOTATIONS_MAX)
			return err_text(err, -EFBIG, "annotations: larger than %u bytes altogether",
			                ANNOTATIONS_MAX);
	}
	return 0;
}

static int check_uts_name(const struct spec *spec, const char *field, const char *name,
                          struct err *err)
{
	if (!name)
		return 0;
	if (strlen(name) > UTS_NAME_MAX)
		return err_text(err, -EINVAL, "%s: longer than %d bytes", field, UTS_NAME_MAX);
	if (spec_has_control(name))
		return err_text(err, -EINVAL, "%s: control character", field);
	if (!ns_listed(spec, NS_UTS))
		return err_text(err, -EINVAL,
		                "%s: unable to set %s without a private UTS namespace", field,
		                field);
	return 0;
}

/* config.md, "Hostname" and "Domainname". */
static int check_uts(const struct spec *spec, struct err *err)
{
	int r = check_uts_name(spec, "hostname", spec->hostname, err);

	return r == 0 ? check_uts_name(spec, "domainname", spec->domainname, err) : r;
}

/* config-linux.md, "Mount Label". */
static int check_mount_label(const struct spec *spec, struct err *err)
{
	return check_label("linux.mountLabel", spec->linux_.mount_label, MOUNT_LABEL_MAX, err);
}

/* config-linux.md, "Offset for Time Namespace": only a new one can be given any. */
static int check_time_offsets(const struct spec *spec, struct err *err)
{
	if (!spec->linux_.time_offsets.present || ns_is_new(spec, NS_TIME))
		return 0;
	if (ns_listed(spec, NS_TIME))
		return err_text(err, -EINVAL,
		                "linux.timeOffsets: time namespace is enabled, but both namespace "
		                "path and time offsets specified -- you may only provide one");
	return err_text(err, -EINVAL,
	                "linux.timeOffsets: time namespace offsets specified, but time namespace "
	                "isn't enabled in the config");
}

/* config-linux.md, "Namespaces": without one of its own, mounts are made in the caller's. What
 * would have to be changed there for everybody is refused. */
static int check_mount_ns(const struct spec *spec, struct err *err)
{
	const struct spec_linux *lin = &spec->linux_;

	if (ns_listed(spec, NS_MOUNT))
		return 0;
	if (lin->masked_paths || lin->readonly_paths)
		return err_text(err, -EINVAL,
		                "linux.%s: unable to restrict sys entries without a private MNT "
		                "namespace",
		                lin->masked_paths ? "maskedPaths" : "readonlyPaths");
	if (ns_listed(spec, NS_USER))
		return err_text(err, -EINVAL,
		                "linux.namespaces: a user namespace without a mount namespace: the "
		                "kernel lets it mount nothing, not even its root");
	return 0;
}

/* In 64 bits: a range may end at 2^32. */
static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

/* user_namespaces(7): ranges of neither column may overlap. At most 340 lines, so n^2 is cheap. */
static int check_map(const char *field, const struct spec_id_map *maps, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct spec_id_map *a = &maps[i], *b = &maps[k];

			if (overlap(a->container_id, a->size, b->container_id, b->size))
				return err_text(err, -EINVAL,
				                "%s[%zu].containerID: overlaps entry %zu", field, i,
				                k);
			if (overlap(a->host_id, a->size, b->host_id, b->size))
				return err_text(err, -EINVAL, "%s[%zu].hostID: overlaps entry %zu",
				                field, i, k);
		}
	}
	return 0;
}

/* config-linux.md, "User namespace mappings". */
static int check_maps(const struct spec *spec, struct err *err)
{
	const struct spec_linux *lin = &spec->linux_;
	bool uids = lin->n_uid_maps > 0, gids = lin->n_gid_maps > 0;
	int r;

	if ((uids || gids) && !ns_listed(spec, NS_USER))
		return err_text(err, -EINVAL,
		                "linux.%s: user namespace mappings specified, but user namespace "
		                "isn't enabled in the config",
		                uids ? "uidMappings" : "gidMappings");
	if (ns_is_new(spec, NS_USER) && !uids && !gids)
		return err_text(
		    err, -EINVAL,
		    "linux.namespaces: user namespaces enabled, but no namespace path to "
		    "join nor mappings to apply specified");
	if (ns_is_new(spec, NS_USER) && uids != gids)
		return err_text(err, -EINVAL, "linux.%s: required with a new user namespace",
		                uids ? "gidMappings" : "uidMappings");
	r = check_map("linux.uidMappings", lin->uid_maps, lin->n_uid_maps, err);
	return r == 0 ? check_map("linux.gidMappings", lin->gid_maps, lin->n_gid_maps, err) : r;
}

/* config.md, "Mounts": uidMappings and gidMappings of a mount go together. */
static int check_mount_maps(const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		char field[48];
		int r;

		if ((m->n_uid_maps > 0) != (m->n_gid_maps > 0))
			return err_text(err, -EINVAL,
			                "mounts[%zu].%s: id-mapped mounts must have both uid and "
			                "gid mappings specified",
			                i, m->n_uid_maps ? "gidMappings" : "uidMappings");
		snprintf(field, sizeof(field), "mounts[%zu].uidMappings", i);
		r = check_map(field, m->uid_maps, m->n_uid_maps, err);
		if (r < 0)
			return r;
		snprintf(field, sizeof(field), "mounts[%zu].gidMappings", i);
		r = check_map(field, m->gid_maps, m->n_gid_maps, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_mapped(const struct spec_id_map *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	}
	return n == 0; /* no mappings given: not for us to say */
}

/* config.md, "User": ids are those of the container's namespace and must exist there. */
static int check_mapped_ids(const struct spec *spec, struct err *err)
{
	const struct spec_user *user = &spec->process.user;
	const struct spec_linux *lin = &spec->linux_;

	if (!is_mapped(lin->uid_maps, lin->n_uid_maps, user->uid))
		return err_text(
		    err, -EINVAL,
		    "process.user.uid: cannot setuid to unmapped uid %u in user namespace",
		    user->uid);
	if (!is_mapped(lin->gid_maps, lin->n_gid_maps, user->gid))
		return err_text(
		    err, -EINVAL,
		    "process.user.gid: cannot setgid to unmapped gid %u in user namespace",
		    user->gid);
	for (size_t i = 0; i < user->n_additional_gids; i++) {
		if (!is_mapped(lin->gid_maps, lin->n_gid_maps, user->additional_gids[i]))
			return err_text(err, -EINVAL,
			                "process.user.additionalGids[%zu]: cannot use unmapped gid "
			                "%u in user namespace",
			                i, user->additional_gids[i]);
	}
	return 0;
}

/*
 * config-linux.md, "Cgroups Path". Both forms ("/a/b", "slice:prefix:name") become paths below a
 * cgroup mount; nothing may lead out of it, and the root cgroup itself is never a container's.
 */
static int check_cgroups_path(const struct spec *spec, struct err *err)
{
	const char *path = spec->linux_.cgroups_path;
	_cleanup_free_ char *clean = NULL;

	if (!path)
		return 0;
	if (path_has_dotdot(path))
		return err_text(err, -EINVAL, "linux.cgroupsPath: \"..\" is not allowed");
	if (spec_has_control(path))
		return err_text(err, -EINVAL, "linux.cgroupsPath: control character");
	clean = path_clean(path);
	if (streq(clean, "/") || streq(clean, "."))
		return err_text(err, -EINVAL, "linux.cgroupsPath: must not be the root cgroup");
	if (strlen(path) >= PATH_MAX)
		return err_text(err, -EINVAL, "linux.cgroupsPath: path is too long");
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len > NAME_MAX)
			return err_text(err, -EINVAL,
			                "linux.cgroupsPath: a component is longer than %d bytes",
			                NAME_MAX);
		p += len;
	}
	return 0;
}

/*
 * Sysctls.
 */

char *spec_sysctl_path(const char *key)
{
	char *path = xstrdup(key);
	const char *first = strpbrk(key, "./");

	/* As in sysctl(8): after a leading '/' separator dots are literal, else the two change
	 * places. */
	if (first && *first == '.') {
		for (char *p = path; *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	}
	return path;
}

static bool sysctl_well_formed(const char *path)
{
	if (!*path || strlen(path) > SYSCTL_NAME_MAX || spec_has_control(path) ||
	    path_has_dotdot(path))
		return false;
	/* No empty or "." component: those would make two spellings of one name. */
	for (const char *p = path;; p++) {
		size_t len = strcspn(p, "/");

		if (len == 0 || len > NAME_MAX || (len == 1 && *p == '.'))
			return false;
		p += len;
		if (!*p)
			return true;
	}
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ipc_namespaces(7) and mq_overview(7). */
static bool is_ipc_sysctl(const char *path)
{
	static const char *const names[] = { "msgmax", "msgmnb", "msgmni", "sem",
		                             "shmall", "shmmax", "shmmni", "shm_rmid_forced" };

	if (starts_with(path, "fs/mqueue/"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (starts_with(path, "kernel/") && streq(path + strlen("kernel/"), names[i]))
			return true;
	}
	return false;
}

/* The namespace that a sysctl belongs to; NS_TYPES: none, it is the host's. */
static enum spec_ns_type sysctl_ns(const char *path)
{
	if (is_ipc_sysctl(path))
		return NS_IPC;
	if (starts_with(path, "net/"))
		return NS_NET;
	if (starts_with(path, "user/"))
		return NS_USER;
	if (streq(path, "kernel/domainname") || streq(path, "kernel/hostname"))
		return NS_UTS;
	return NS_TYPES;
}

/*
 * The words are those that callers of runtimes know. A network namespace that is joined by path and
 * turns out to be the host's own is caught by container/ before anything is written.
 */
static int check_sysctl(const struct spec *spec, const struct spec_kv *kv, struct err *err)
{
	_cleanup_free_ char *path = spec_sysctl_path(kv->key);
	enum spec_ns_type type;

	if (!sysctl_well_formed(path))
		return err_text(err, -EINVAL, "linux.sysctl: invalid name \"%.100s\"", kv->key);
	type = sysctl_ns(path);
	if (type == NS_TYPES)
		return err_text(err, -EINVAL,
		                "linux.sysctl: sysctl \"%s\" is not in a separate kernel namespace",
		                kv->key);
	if (!ns_listed(spec, type))
		return err_text(
		    err, -EINVAL,
		    "linux.sysctl: sysctl \"%s\" is not allowed in the hosts %s namespace", kv->key,
		    spec_ns_name(type));
	if (streq(path, "kernel/hostname") ||
	    (streq(path, "kernel/domainname") && spec->domainname))
		return err_text(
		    err, -EINVAL,
		    "linux.sysctl: sysctl \"%s\" is not allowed as it conflicts with the "
		    "OCI \"%s\" field",
		    kv->key, path + strlen("kernel/"));
	if (strlen(kv->value) > SYSCTL_VALUE_MAX)
		return err_text(err, -EINVAL, "linux.sysctl: value of \"%s\" is too long", kv->key);
	for (const char *p = kv->value; *p; p++) {
		if ((unsigned char)*p < 0x20 && *p != '\t')
			return err_text(err, -EINVAL,
			                "linux.sysctl: control character in the value of \"%s\"",
			                kv->key);
	}
	return 0;
}

/* config-linux.md, "Sysctl": only what a namespace of the container's keeps from the host. */
static int check_sysctls(const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->linux_.n_sysctl; i++) {
		int r = check_sysctl(spec, &spec->linux_.sysctl[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* dev_valid_name() of the kernel. */
static bool is_device_name(const char *name)
{
	if (!*name || strlen(name) >= IF_NAMESIZE || streq(name, ".") || streq(name, ".."))
		return false;
	for (; *name; name++) {
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name) ||
		    (unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	}
	return true;
}

/* One "%d" stands for a number that the kernel chooses; it knows no other use of '%'. */
static bool is_device_template(const char *name)
{
	const char *percent = strchr(name, '%');

	return !percent || (percent[1] == 'd' && !strchr(percent + 1, '%'));
}

/* config-linux.md, "Network Devices". */
static int check_net_devices(const struct spec *spec, struct err *err)
{
	const struct spec_linux *lin = &spec->linux_;

	if (lin->n_net_devices && !ns_listed(spec, NS_NET))
		return err_text(
		    err, -EINVAL,
		    "linux.netDevices: unable to move network devices without a private "
		    "NET namespace");
	for (size_t i = 0; i < lin->n_net_devices; i++) {
		const struct spec_net_device *dev = &lin->net_devices[i];

		if (!is_device_name(dev->host_name))
			return err_text(err, -EINVAL,
			                "linux.netDevices: invalid network device name \"%.64s\"",
			                dev->host_name);
		if (!is_device_name(dev->name) || !is_device_template(dev->name))
			return err_text(err, -EINVAL,
			                "linux.netDevices.%s.name: invalid network device name "
			                "\"%.64s\"",
			                dev->host_name, dev->name);
		for (size_t k = 0; k < i; k++)
			if (streq(lin->net_devices[k].name, dev->name) && !strchr(dev->name, '%'))
				return err_text(err, -EINVAL,
				                "linux.netDevices.%s.name: \"%s\" is the name of "
				                "\"%s\" already",
				                dev->host_name, dev->name,
				                lin->net_devices[k].host_name);
	}
	return 0;
}

int spec_check(const struct spec *spec, struct err *err)
{
	static int (*const rules[])(const struct spec *, struct err *) = {
		check_annotations, check_uts,         check_mount_ns,     check_maps,
		check_mount_maps,  check_net_devices, check_mapped_ids,   check_cgroups_path,
		check_sysctls,     check_mount_label, check_time_offsets,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		int r = rules[i](spec, err);

		if (r < 0)
			return r;
	}
	return 0;
}
