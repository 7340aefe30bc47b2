/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process object: of config.json and, alone, of `exec --process` (config.md, "Process").
 *
 * Invariant after loading: args is not empty, cwd is absolute, every entry of env is NAME=VALUE
 * with each name once, limits are consistent, capability sets are such that the kernel will take
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"
#include "spec/knockout.h"
#include "spec/parts.h"
#include "tables/caps.h"
#include "tables/rlimits.h"

#define ID_MAX       4294967294 /* 2^32 - 1 is "no change" to the kernel */
#define WARNINGS_MAX 65536
#define GROUPS_MAX   65536 /* NGROUPS_MAX of the kernel */

/*
 * Unknown names are skipped with a warning, not refused: a list written for a newer kernel should
 * work, and to hold less than was asked for never weakens isolation.
 */
static int parse_cap_set(struct load *l, const cJSON *j, void *member)
{
	uint64_t *set = member;
	const cJSON *item;
	size_t i = 0;

	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array of capability names");
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push_index(l, i++);
		const char *name;
		int64_t cap;
		int r = field_string(l, item, &name);

		if (r < 0)
			return r;
		if (names_value(caps_table, name, &cap) < 0)
			load_warn(l, "ignored unknown capability \"%.100s\"", name);
		else
			*set |= UINT64_C(1) << cap;
		load_pop(l, mark);
	}
	return 0;
}

#define CAP_SET(n)                                                                     \
	{                                                                              \
		.name = #n, .kind = F_CUSTOM, .offset = offsetof(struct spec_caps, n), \
		.parse = parse_cap_set                                                 \
	}

static const struct field cap_fields[] = {
	CAP_SET(bounding),  CAP_SET(effective), CAP_SET(inheritable),
	CAP_SET(permitted), CAP_SET(ambient),   { .name = NULL },
};

/*
 * The early format has one flat list. It fills bounding, effective and permitted; what that time
 * put into inheritable as well stays empty, since inheritable sets of plain containers let a file
 * capability raise more than was meant.
 */
static int parse_caps(struct load *l, const cJSON *j, void *member)
{
	struct spec_caps *caps = member;
	int r;

	caps->present = true;
	if (cJSON_IsArray(j) && l->early) {
		l->early_seen = true;
		r = parse_cap_set(l, j, &caps->bounding);
		caps->effective = caps->permitted = caps->bounding;
		return r;
	}
	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	return fields_load(l, cap_fields, j, caps);
}

/* Names are setrlimit(2)'s macros; the value is their number. */
static int parse_rlimit_type(struct load *l, const cJSON *j, void *member)
{
	int64_t v;
	int r = field_name(l, j, rlimits_table, "limit", &v);

	if (r == 0)
		*(int *)member = (int)v;
	return r;
}

static int finish_rlimit(struct load *l, void *object)
{
	const struct spec_rlimit *limit = object;

	if (limit->soft > limit->hard)
		return load_fail_at(l, "soft", "is above the hard limit");
	return 0;
}

static const struct field rlimit_fields[] = {
	{ .name = "type",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct spec_rlimit, resource),
	  .parse = parse_rlimit_type },
	{ .name = "soft",
	  .kind = F_U64,
	  .required = true,
	  .offset = offsetof(struct spec_rlimit, soft),
	  .max = UINT64_MAX },
	{ .name = "hard",
	  .kind = F_U64,
	  .required = true,
	  .offset = offsetof(struct spec_rlimit, hard),
	  .max = UINT64_MAX },
	{ .name = NULL },
};

/* 2^32 - 1 is not an id: setgroups(2) would take it for "no group". */
static int parse_gid(struct load *l, const cJSON *j, void *member)
{
	uint64_t v;

	if (json_uint64(j, &v) < 0 || v > ID_MAX)
		return load_fail(l, -EINVAL, "expected a group id (0..%lld)", (long long)ID_MAX);
	*(gid_t *)member = (gid_t)v;
	return 0;
}

/* username is for other platforms and ignored. Ids are those of the container's user namespace. */
static const struct field user_fields[] = {
	{ .name = "uid", .kind = F_U32, .offset = offsetof(struct spec_user, uid), .max = ID_MAX },
	{ .name = "gid", .kind = F_U32, .offset = offsetof(struct spec_user, gid), .max = ID_MAX },
	{ .name = "umask",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct spec_user, umask),
	  .max = 0777 },
	{ .name = "additionalGids",
	  .kind = F_ARRAY,
	  .offset = offsetof(struct spec_user, additional_gids),
	  .n_offset = offsetof(struct spec_user, n_additional_gids),
	  .elem_size = sizeof(gid_t),
	  .max = GROUPS_MAX,
	  .parse = parse_gid },
	{ .name = NULL },
};

/* The kernel's struct winsize has 16 bits for each. */
static const struct field console_fields[] = {
	{ .name = "height",
	  .kind = F_U16,
	  .offset = offsetof(struct spec_process, console_height),
	  .max = UINT16_MAX },
	{ .name = "width",
	  .kind = F_U16,
	  .offset = offsetof(struct spec_process, console_width),
	  .max = UINT16_MAX },
	{ .name = NULL },
};

#define AT(member) .offset = offsetof(struct spec_process, member)

/*
 * args and cwd are not marked "required": spec_process_check() has the words that callers of
 * runtimes know for these.
 */
const struct field spec_process_fields[] = {
	{ .name = "terminal", .kind = F_BOOL, AT(terminal) },
	{ .name = "consoleSize", .kind = F_OBJECT, .sub = console_fields },
	{ .name = "user", .kind = F_OBJECT, AT(user), .sub = user_fields },
	{ .name = "args", .kind = F_STRV, AT(args) },
	{ .name = "env", .kind = F_STRV, AT(env) },
	{ .name = "cwd", .kind = F_STRING, AT(cwd) },
	{ .name = "capabilities",
	  .kind = F_CUSTOM,
	  AT(caps),
	  .inner = cap_fields,
	  .parse = parse_caps },
	{ .name = "rlimits",
	  .kind = F_ARRAY,
	  AT(rlimits),
	  .n_offset = offsetof(struct spec_process, n_rlimits),
	  .elem_size = sizeof(struct spec_rlimit),
	  .sub = rlimit_fields,
	  .finish = finish_rlimit },
	{ .name = "noNewPrivileges", .kind = F_BOOL, AT(no_new_privileges) },
	{ .name = "oomScoreAdj", .kind = F_OPT_I64, AT(oom_score_adj), .min = -1000, .max = 1000 },
	{ .name = "apparmorProfile", .kind = F_STRING, AT(apparmor_profile) },
	{ .name = "selinuxLabel", .kind = F_STRING, AT(selinux_label) },
	{ .name = "scheduler",
	  .kind = F_OBJECT,
	  AT(scheduler),
	  .sub = spec_scheduler_fields,
	  .present_1 = offsetof(struct spec_process, scheduler.present) + 1,
	  .finish = spec_scheduler_finish },
	{ .name = "ioPriority",
	  .kind = F_OBJECT,
	  AT(io_priority),
	  .sub = spec_io_priority_fields,
	  .present_1 = offsetof(struct spec_process, io_priority.present) + 1 },
	{ .name = "execCPUAffinity",
	  .kind = F_OBJECT,
	  AT(exec_affinity),
	  .sub = spec_affinity_fields,
	  .finish = spec_affinity_finish },
	{ .name = NULL },
};

/*
 * Environment. Names are compared up to the '='.
 */

static int compare_names(const char *a, const char *b)
{
	size_t la = strcspn(a, "="), lb = strcspn(b, "=");
	int r = memcmp(a, b, la < lb ? la : lb);

	return r ? r : (la > lb) - (la < lb);
}

/* qsort(3) is not stable, so entries of one name are told apart by where they stand. */
static int compare_entries(const void *a, const void *b)
{
	char **x = *(char ***)a, **y = *(char ***)b;
	int r = compare_names(*x, *y);

	return r ? r : (x > y) - (x < y); /* same name: by position */
}

/* Drop all but the last entry of each name; sorting keeps a hostile list of 10^5 entries cheap. */
static void collapse_env(char **env)
{
	size_t n = strv_len(env), out = 0;
	_cleanup_free_ char ***order = NULL;

	if (n < 2)
		return;
	order = xcalloc(n, sizeof(*order));
	for (size_t i = 0; i < n; i++)
		order[i] = &env[i];
	qsort(order, n, sizeof(*order), compare_entries);
	for (size_t i = 0; i + 1 < n; i++) {
		if (compare_names(*order[i], *order[i + 1]) == 0) {
			free(*order[i]);
			*order[i] = NULL; /* the next comparison starts at i + 1 */
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (env[i])
			env[out++] = env[i];
	}
	/* A vector's tail is NULL throughout (base/strv.c). */
	for (size_t i = out; i < n; i++)
		env[i] = NULL;
}

/* Less than was asked for, but nothing more: managers rely on being let through with a warning. */
static void drop_ambient(struct load *l, struct spec_caps *caps)
{
	uint64_t bad = caps->ambient & ~(caps->permitted & caps->inheritable);

	for (uint64_t left = bad; left; left &= left - 1)
		load_warn(l,
		          "can't raise ambient capability %s: it is not in the permitted and the "
		          "inheritable set",
		          names_name(caps_table, __builtin_ctzll(left)));
	caps->ambient &= ~bad;
}

int spec_process_finish(struct load *l, void *object)
{
	struct spec_process *process = object;
	int r = spec_process_check(process, l->err);

	drop_ambient(l, &process->caps);
	/* Only then: an entry without '=' must be refused, not dropped as a duplicate. */
	if (r == 0)
		collapse_env(process->env);
	return r;
}

int spec_load_process(const char *text, size_t len, struct spec_process *ret_process,
                      struct err *err)
{
	struct load l = { .path = "process",
		          .path_len = strlen("process"),
		          .err = err,
		          .warnings = BUF_INIT(WARNINGS_MAX) };
	_cleanup_json_ cJSON *json = NULL;
	int r;

	memset(ret_process, 0, sizeof(*ret_process));
	if (len > SPEC_FILE_MAX)
		return err_set(err, -EFBIG, "process document");
	r = json_parse(text, len, &json, err);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(json))
		return load_fail(&l, -EINVAL, "expected an object");
	fields_fold(&l, spec_process_fields, json);
	spec_knock_out(json, "process.");
	r = fields_load(&l, spec_process_fields, json, ret_process);
	if (r == 0)
		r = spec_process_finish(&l, ret_process);
	if (r < 0)
		spec_process_done(ret_process);
	if (l.warnings.len)
		log_debug("%s", l.warnings.data);
	buf_done(&l.warnings);
	return r;
}

void spec_process_done(struct spec_process *process)
{
	fields_free(spec_process_fields, process);
}

/* NULL stays NULL; an allocation of no bytes is never made. */
static void *copy_array(const void *from, size_t n, size_t size)
{
	void *to;

	if (n == 0)
		return NULL;
	to = xcalloc(n, size);
	memcpy(to, from, n * size);
	return to;
}

int spec_process_copy(const struct spec_process *from, struct spec_process *ret)
{
	*ret = *from;
	ret->args = from->args ? strv_dup(from->args) : NULL;
	ret->env = from->env ? strv_dup(from->env) : NULL;
	ret->cwd = xstrdup(from->cwd);
	ret->apparmor_profile = xstrdup(from->apparmor_profile);
	ret->selinux_label = xstrdup(from->selinux_label);
	ret->exec_affinity.initial = xstrdup(from->exec_affinity.initial);
	ret->exec_affinity.final = xstrdup(from->exec_affinity.final);
	ret->rlimits = copy_array(from->rlimits, from->n_rlimits, sizeof(*from->rlimits));
	ret->user.additional_gids =
	    copy_array(from->user.additional_gids, from->user.n_additional_gids,
	               sizeof(*from->user.additional_gids));
	return 0;
}

static void set_label(char **member, const char *label)
{
	if (!label)
		return;
	free(*member);
	*member = *label ? xstrdup(label) : NULL;
}

void spec_process_set_labels(struct spec_process *process, const char *apparmor,
                             const char *selinux)
{
	set_label(&process->apparmor_profile, apparmor);
	set_label(&process->selinux_label, selinux);
}
