/* SPDX-License-Identifier: Apache-2.0 */
/* The linux object but for resources and seccomp (config-linux.md). */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "spec/parts.h"
#include "tables/namespaces.h"

#define ID_MAX    4294967294
#define MAJOR_MAX 4095
#define MINOR_MAX 1048575

/*
 * Namespaces: a list in the document, an array by type here.
 */

struct ns_in {
	char *type, *path;
};

static const struct field ns_fields[] = {
	{ .name = "type",
	  .kind = F_STRING,
	  .required = true,
	  .offset = offsetof(struct ns_in, type) },
	{ .name = "path", .kind = F_STRING, .offset = offsetof(struct ns_in, path) },
	{ .name = NULL },
};

static int ns_find(const char *name)
{
	for (int i = 0; i < NS_TYPES; i++) {
		if (streq(ns_table[i].name, name))
			return i;
	}
	return -ENOENT;
}

/* A type listed twice would leave open which of the two is meant, so it is an error by the spec. */
static int take_namespace(struct load *l, struct ns_in *in, struct spec_namespace *all)
{
	int type = ns_find(in->type);

	if (type < 0)
		return load_fail_at(l, "type", "namespace \"%.100s\" does not exist", in->type);
	if (all[type].wanted)
		return load_fail_at(l, "type", "namespace \"%s\" is listed twice", in->type);
	if (in->path && in->path[0] != '/')
		return load_fail_at(l, "path", "must be absolute");
	all[type].wanted = true;
	all[type].path = take_ptr(in->path);
	return 0;
}

/* Elements are walked into a temporary, since their place depends on their content. */
static int parse_namespaces(struct load *l, const cJSON *j, void *member)
{
	const cJSON *item;
	size_t i = 0;

	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array");
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push_index(l, i++);
		struct ns_in in = { NULL, NULL };
		int r;

		if (!cJSON_IsObject(item))
			return load_fail(l, -EINVAL, "expected an object");
		r = fields_load(l, ns_fields, item, &in);
		if (r == 0)
			r = take_namespace(l, &in, member);
		fields_free(ns_fields, &in);
		if (r < 0)
			return r;
		load_pop(l, mark);
	}
	return 0;
}

static void release_namespaces(void *member)
{
	struct spec_namespace *all = member;

	for (int i = 0; i < NS_TYPES; i++) {
		free(all[i].path);
		all[i].path = NULL;
	}
}

const char *spec_ns_name(enum spec_ns_type type)
{
	return ns_table[type].name;
}

/*
 * Id mappings.
 */

/* The kernel refuses a range that wraps; the last id, 2^32 - 1, stands for "none". */
int spec_map_finish(struct load *l, void *object)
{
	const struct spec_id_map *map = object;

	if ((uint64_t)map->container_id + map->size > (uint64_t)ID_MAX + 1 ||
	    (uint64_t)map->host_id + map->size > (uint64_t)ID_MAX + 1)
		return load_fail_at(l, "size", "the range ends above %lld", (long long)ID_MAX);
	return 0;
}

#define MAP_ROW(json, member, least)                                                              \
	{                                                                                         \
		.name = json, .kind = F_U32, .required = true, .min = (least), .max = UINT32_MAX, \
		.offset = offsetof(struct spec_id_map, member)                                    \
	}

const struct field spec_map_fields[] = {
	MAP_ROW("containerID", container_id, 0),
	MAP_ROW("hostID", host_id, 0),
	MAP_ROW("size", size, 1),
	{ .name = NULL },
};

/*
 * Devices.
 */

/*
 * As written: the walker must tell an absent major or fileMode from 0, struct spec_device need not.
 */
struct device_in {
	struct spec_device d;
	struct opt_u64 major, minor, mode;
};

static int parse_device_type(struct load *l, const cJSON *j, void *member)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (strlen(s) != 1 || !strchr("cubp", *s))
		return load_fail(l, -EINVAL, "unknown device type \"%.20s\"", s);
	*(char *)member = *s == 'u' ? 'c' : *s;
	return 0;
}

static const struct field device_fields[] = {
	{ .name = "path",
	  .kind = F_STRING,
	  .required = true,
	  .offset = offsetof(struct device_in, d.path) },
	{ .name = "type",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct device_in, d.type),
	  .parse = parse_device_type },
	{ .name = "major",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct device_in, major),
	  .max = MAJOR_MAX },
	{ .name = "minor",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct device_in, minor),
	  .max = MINOR_MAX },
	{ .name = "fileMode",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct device_in, mode),
	  .max = UINT32_MAX },
	{ .name = "uid",
	  .kind = F_U32,
	  .offset = offsetof(struct device_in, d.uid),
	  .max = ID_MAX },
	{ .name = "gid",
	  .kind = F_U32,
	  .offset = offsetof(struct device_in, d.gid),
	  .max = ID_MAX },
	{ .name = NULL },
};

static const struct field device_owned[] = {
	{ .name = "path", .kind = F_STRING, .offset = offsetof(struct spec_device, path) },
	{ .name = NULL },
};

/* Some managers copy st_mode, type bits included: taken when they say what the entry says. */
static int device_mode(struct load *l, const struct device_in *in, struct spec_device *d)
{
	uint64_t kind = d->type == 'c' ? S_IFCHR : d->type == 'b' ? S_IFBLK : S_IFIFO;
	uint64_t bits = in->mode.v & ~(uint64_t)07777;

	if (bits && bits != kind)
		return load_fail_at(l, "fileMode", "out of range 0..%d", 07777);
	d->mode = in->mode.set ? (mode_t)(in->mode.v & 07777) : 0666;
	return 0;
}

/*
 * ".." is refused rather than cleaned: no manager writes it, and a node outside of /dev by accident
 * is worse than an error.
 */
static int parse_device(struct load *l, const cJSON *j, void *member)
{
	struct spec_device *d = member;
	struct device_in in = { 0 };
	size_t mark;
	char *clean;
	int r;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, device_fields, j, &in);
	*d = in.d; /* owned by the array from here on */
	if (r < 0)
		return r;
	if (d->type != 'p' && (!in.major.set || !in.minor.set))
		return load_fail(l, -EINVAL, "needs major and minor");
	d->major = (uint32_t)in.major.v;
	d->minor = (uint32_t)in.minor.v;
	if (d->path[0] != '/' || path_has_dotdot(d->path))
		return load_fail_at(l, "path", "must be absolute and without \"..\"");
	clean = path_clean(d->path);
	free(d->path);
	d->path = clean;
	if (streq(d->path, "/"))
		return load_fail_at(l, "path", "must name a file");
	mark = load_push(l, "path");
	r = spec_path_limits(l, d->path);
	load_pop(l, mark);
	return r < 0 ? r : device_mode(l, &in, d);
}

/*
 * Paths to mask or to make read-only.
 */

/*
 * Duplicates are legal and missing paths are skipped when the list is applied; the root itself
 * would hide the whole container.
 */
static int parse_paths(struct load *l, const cJSON *j, void *member)
{
	char ***paths = member;
	int r = field_strv(l, j, paths);

	for (size_t i = 0; r == 0 && *paths && (*paths)[i]; i++) {
		size_t mark = load_push_index(l, i);
		char *clean;

		if ((*paths)[i][0] != '/')
			return load_fail(l, -EINVAL, "must be absolute");
		clean = path_clean((*paths)[i]);
		free((*paths)[i]);
		(*paths)[i] = clean;
		if (streq(clean, "/"))
			return load_fail(l, -EINVAL, "must not be the root");
		r = spec_path_limits(l, clean);
		load_pop(l, mark);
	}
	return r;
}

static void release_paths(void *member)
{
	strv_free_ptr(member);
}

/* mount_namespaces(7). The empty string is what managers send for "not set". */
static const struct name_value propagation_table[] = {
	{ "shared", MS_SHARED },
	{ "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "unbindable", MS_UNBINDABLE },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ "", 0 },
	{ NULL, 0 },
};

static int parse_propagation(struct load *l, const cJSON *j, void *member)
{
	int64_t v;
	int r = field_name(l, j, propagation_table, "propagation", &v);

	if (r == 0)
		*(unsigned long *)member = (unsigned long)v;
	return r;
}

/*
 * Cache and memory bandwidth classes.
 */

/* Part of a path, so nothing that could lead elsewhere; "/" alone is the root group. */
static int finish_clos_id(struct load *l, const char *id)
{
	if (!id || streq(id, "/"))
		return 0;
	if (streq(id, ".") || streq(id, "..") || strchr(id, '/') || strlen(id) > NAME_MAX ||
	    spec_has_control(id))
		return load_fail_at(l, "closID", "invalid name \"%.100s\"", id);
	/* The kernel's own directories beside the groups. */
	if (streq(id, "info") || streq(id, "mon_groups") || streq(id, "mon_data"))
		return load_fail_at(l, "closID", "\"%s\" is not a group", id);
	return 0;
}

/* Lines for the schemata file; what is a line of its own in the list must be one. */
static int finish_schema(struct load *l, const char *name, const char *text, bool one_line)
{
	for (const char *p = text ? text : ""; *p; p++) {
		if (*p != '\n' || one_line) {
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return load_fail_at(l, name, "control character");
		}
	}
	return 0;
}

static int finish_intel_rdt(struct load *l, void *object)
{
	const struct spec_intel_rdt *rdt = object;
	int r = finish_clos_id(l, rdt->clos_id);

	if (r == 0)
		r = finish_schema(l, "l3CacheSchema", rdt->l3_cache, false);
	if (r == 0)
		r = finish_schema(l, "memBwSchema", rdt->mem_bw, false);
	for (char **s = rdt->schemata; r == 0 && s && *s; s++)
		r = finish_schema(l, "schemata", *s, true);
	return r;
}

#define RDT(member) .offset = offsetof(struct spec_intel_rdt, member)

static const struct field intel_rdt_fields[] = {
	{ .name = "closID", .kind = F_STRING, RDT(clos_id) },
	{ .name = "schemata", .kind = F_STRV, RDT(schemata) },
	{ .name = "l3CacheSchema", .kind = F_STRING, RDT(l3_cache) },
	{ .name = "memBwSchema", .kind = F_STRING, RDT(mem_bw) },
	{ .name = "enableMonitoring", .kind = F_BOOL, RDT(enable_monitoring) },
	{ .name = NULL },
};

#define AT(member) .offset = offsetof(struct spec_linux, member)

/*
 * Fields of the runtime-spec 1.3 that are not implemented stand at the end as refused, so that
 * nobody runs with less than was asked for.
 */
const struct field spec_linux_fields[] = {
	{ .name = "namespaces",
	  .kind = F_CUSTOM,
	  AT(namespaces),
	  .inner = ns_fields,
	  .inner_step = "[]",
	  .parse = parse_namespaces,
	  .release = release_namespaces },
	{ .name = "uidMappings",
	  .kind = F_ARRAY,
	  AT(uid_maps),
	  .n_offset = offsetof(struct spec_linux, n_uid_maps),
	  .elem_size = sizeof(struct spec_id_map),
	  .max = SPEC_MAPS_MAX,
	  .sub = spec_map_fields,
	  .finish = spec_map_finish },
	{ .name = "gidMappings",
	  .kind = F_ARRAY,
	  AT(gid_maps),
	  .n_offset = offsetof(struct spec_linux, n_gid_maps),
	  .elem_size = sizeof(struct spec_id_map),
	  .max = SPEC_MAPS_MAX,
	  .sub = spec_map_fields,
	  .finish = spec_map_finish },
	{ .name = "devices",
	  .kind = F_ARRAY,
	  AT(devices),
	  .n_offset = offsetof(struct spec_linux, n_devices),
	  .elem_size = sizeof(struct spec_device),
	  .sub = device_owned,
	  .inner = device_fields,
	  .parse = parse_device },
	{ .name = "cgroupsPath", .kind = F_STRING, AT(cgroups_path) },
	{ .name = "resources",
	  .kind = F_OBJECT,
	  AT(resources),
	  .sub = spec_resources_fields,
	  .present_1 = offsetof(struct spec_linux, resources.present) + 1,
	  .finish = spec_resources_finish },
	{ .name = "rootfsPropagation",
	  .kind = F_CUSTOM,
	  AT(rootfs_propagation),
	  .parse = parse_propagation },
	{ .name = "seccomp",
	  .kind = F_CUSTOM,
	  AT(seccomp),
	  .inner = spec_seccomp_fields,
	  .parse = spec_seccomp_parse,
	  .release = spec_seccomp_release },
	{ .name = "sysctl",
	  .kind = F_MAP,
	  AT(sysctl),
	  .n_offset = offsetof(struct spec_linux, n_sysctl) },
	{ .name = "maskedPaths",
	  .kind = F_CUSTOM,
	  AT(masked_paths),
	  .parse = parse_paths,
	  .release = release_paths },
	{ .name = "readonlyPaths",
	  .kind = F_CUSTOM,
	  AT(readonly_paths),
	  .parse = parse_paths,
	  .release = release_paths },
	{ .name = "mountLabel", .kind = F_STRING, AT(mount_label) },
	{ .name = "personality",
	  .kind = F_OBJECT,
	  AT(personality),
	  .sub = spec_personality_fields,
	  .present_1 = offsetof(struct spec_linux, personality.present) + 1 },
	{ .name = "memoryPolicy",
	  .kind = F_OBJECT,
	  AT(memory_policy),
	  .sub = spec_memory_policy_fields,
	  .present_1 = offsetof(struct spec_linux, memory_policy.present) + 1,
	  .finish = spec_memory_policy_finish },
	{ .name = "timeOffsets",
	  .kind = F_CUSTOM,
	  AT(time_offsets),
	  .inner = spec_time_offsets_fields,
	  .parse = spec_time_offsets_parse },
	{ .name = "intelRdt",
	  .kind = F_OBJECT,
	  AT(intel_rdt),
	  .sub = intel_rdt_fields,
	  .present_1 = offsetof(struct spec_linux, intel_rdt.present) + 1,
	  .finish = finish_intel_rdt },
	{ .name = "netDevices",
	  .kind = F_CUSTOM,
	  .offset = 0, /* a list and its length: the parser knows where */
	  .inner = spec_net_device_fields,
	  .inner_step = ".*",
	  .parse = spec_net_devices_parse,
	  .release = spec_net_devices_release },
	{ .name = NULL },
};
