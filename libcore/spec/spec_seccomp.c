/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp (config-linux.md, "Seccomp"): names become libseccomp's numbers here, and the errno
 * of an action is folded into it. Names of system calls stay strings: whether one exists depends on
 * the architecture and is settled when the filter is compiled.
 */
#include <errno.h>

#include <seccomp.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "spec/parts.h"
#include "tables/seccomp_names.h"

#define ERRNO_MAX 4095  /* MAX_ERRNO of the kernel: larger ones are not seen as errors */
#define TRACE_MAX 65535 /* SECCOMP_RET_DATA */

/* An action and the errno beside it, as written; action_1 is 0 while absent (SCMP_ACT_KILL is 0).
 */
struct action {
	uint64_t action_1; /* value + 1 */
	struct opt_u64 data;
};

static int parse_action(struct load *l, const cJSON *j, void *member)
{
	int64_t v;
	int r = field_name(l, j, seccomp_action_table, "action", &v);

	if (r < 0)
		return r;
	*(uint64_t *)member = (uint64_t)(uint32_t)v + 1;
	return 0;
}

/* Fold the data in; the default of both actions that carry any is EPERM. */
static int fold_action(struct load *l, const struct action *a, const char *data_name, uint32_t *ret)
{
	uint32_t action = (uint32_t)(a->action_1 - 1);
	uint32_t data = a->data.set ? (uint32_t)a->data.v : EPERM;

	if (action == SCMP_ACT_ERRNO(0)) {
		if (data > ERRNO_MAX)
			return load_fail_at(l, data_name, "out of range 0..%d", ERRNO_MAX);
		*ret = SCMP_ACT_ERRNO(data);
	} else if (action == SCMP_ACT_TRACE(0)) {
		*ret = SCMP_ACT_TRACE(data);
	} else if (a->data.set) {
		return load_fail_at(l, data_name, "has no meaning with this action");
	} else {
		*ret = action;
	}
	return 0;
}

/* SCMP_CMP_*: numbers of libseccomp, 1 to 7. */
static int parse_operator(struct load *l, const cJSON *j, void *member)
{
	int64_t v;
	int r = field_name(l, j, seccomp_operator_table, "operator", &v);

	if (r == 0)
		*(uint32_t *)member = (uint32_t)v;
	return r;
}

/* The native one need not be listed; the compiler of the filter adds it. */
static int parse_architecture(struct load *l, const cJSON *j, void *member)
{
	int64_t v;
	int r = field_name(l, j, seccomp_arch_table, "architecture", &v);

	if (r == 0)
		*(uint32_t *)member = (uint32_t)v;
	return r;
}

/*
 * An empty list differs from an absent one: absent means the default flags, empty none (see
 * flags_present).
 */
static int parse_flags(struct load *l, const cJSON *j, void *member)
{
	uint64_t flags = 0;
	int r = field_flags(l, j, seccomp_flag_table, "flag", &flags);

	*(uint32_t *)member = (uint32_t)flags;
	return r;
}

/* Registers are 64 bits wide, so value takes all of them; an index beyond the sixth does not exist.
 */
static const struct field arg_fields[] = {
	{ .name = "index",
	  .kind = F_U32,
	  .required = true,
	  .offset = offsetof(struct spec_seccomp_arg, index),
	  .max = 5 },
	{ .name = "value",
	  .kind = F_U64,
	  .required = true,
	  .offset = offsetof(struct spec_seccomp_arg, value),
	  .max = UINT64_MAX },
	{ .name = "valueTwo",
	  .kind = F_U64,
	  .offset = offsetof(struct spec_seccomp_arg, value_two),
	  .max = UINT64_MAX },
	{ .name = "op",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct spec_seccomp_arg, op),
	  .parse = parse_operator },
	{ .name = NULL },
};

/* One entry of syscalls[] as written. */
struct rule_in {
	struct spec_seccomp_rule rule;
	struct action action;
	char *name; /* early format: one name */
};

static const struct field rule_fields[] = {
	{ .name = "names", .kind = F_STRV, .offset = offsetof(struct rule_in, rule.names) },
	{ .name = "name",
	  .kind = F_STRING,
	  .early = true,
	  .offset = offsetof(struct rule_in, name) },
	{ .name = "action",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct rule_in, action.action_1),
	  .parse = parse_action },
	{ .name = "errnoRet",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct rule_in, action.data),
	  .max = TRACE_MAX },
	{ .name = "args",
	  .kind = F_ARRAY,
	  .offset = offsetof(struct rule_in, rule.args),
	  .n_offset = offsetof(struct rule_in, rule.n_args),
	  .elem_size = sizeof(struct spec_seccomp_arg),
	  .sub = arg_fields },
	{ .name = NULL },
};

/* How a loaded rule is freed. */
static const struct field rule_owned[] = {
	{ .name = "names", .kind = F_STRV, .offset = offsetof(struct spec_seccomp_rule, names) },
	{ .name = "args",
	  .kind = F_ARRAY,
	  .offset = offsetof(struct spec_seccomp_rule, args),
	  .n_offset = offsetof(struct spec_seccomp_rule, n_args),
	  .sub = arg_fields,
	  .elem_size = sizeof(struct spec_seccomp_arg) },
	{ .name = NULL },
};

/* Ownership goes to the array even on failure, so that one path frees. */
static int parse_rule(struct load *l, const cJSON *j, void *member)
{
	struct spec_seccomp_rule *rule = member;
	struct rule_in in = { 0 };
	int r;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, rule_fields, j, &in);
	if (in.name && !in.rule.names)
		strv_add(&in.rule.names, in.name);
	free(in.name);
	*rule = in.rule; /* owned by the array from here on */
	if (r < 0)
		return r;
	if (!rule->names)
		return load_fail_at(l, "names", "must not be empty");
	for (char **name = rule->names; *name; name++) {
		if (!**name)
			return load_fail_at(l, "names", "holds an empty name");
	}
	return fold_action(l, &in.action, "errnoRet", &rule->action);
}

/* The object as written: the default action and its errno become one number. */
struct seccomp_in {
	struct spec_seccomp s; /* first: the table also frees a struct spec_seccomp */
	struct action action;
};

#define AT(member) .offset = offsetof(struct seccomp_in, s.member)

const struct field spec_seccomp_fields[] = {
	{ .name = "defaultAction",
	  .kind = F_CUSTOM,
	  .required = true,
	  .offset = offsetof(struct seccomp_in, action.action_1),
	  .parse = parse_action },
	{ .name = "defaultErrnoRet",
	  .kind = F_OPT_U64,
	  .offset = offsetof(struct seccomp_in, action.data),
	  .max = TRACE_MAX },
	{ .name = "architectures",
	  .kind = F_ARRAY,
	  AT(architectures),
	  .n_offset = offsetof(struct seccomp_in, s.n_architectures),
	  .elem_size = sizeof(uint32_t),
	  .parse = parse_architecture },
	{ .name = "flags",
	  .kind = F_CUSTOM,
	  AT(flags),
	  .parse = parse_flags,
	  .present_1 = offsetof(struct seccomp_in, s.flags_present) + 1 },
	{ .name = "listenerPath", .kind = F_STRING, AT(listener_path) },
	{ .name = "listenerMetadata", .kind = F_STRING, AT(listener_metadata) },
	{ .name = "syscalls",
	  .kind = F_ARRAY,
	  AT(rules),
	  .n_offset = offsetof(struct seccomp_in, s.n_rules),
	  .elem_size = sizeof(struct spec_seccomp_rule),
	  .sub = rule_owned,
	  .inner = rule_fields,
	  .parse = parse_rule },
	{ .name = NULL },
};

/*
 * An agent answers for the process, so there must be one; and the process must be able to say which
 * descriptor to give it, which it does by write(2).
 */
static int check_notify(struct load *l, const struct spec_seccomp *s)
{
	bool used = false;

	if (s->default_action == SCMP_ACT_NOTIFY)
		return load_fail_at(l, "defaultAction",
		                    "SCMP_ACT_NOTIFY cannot be the default action");
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &s->rules[i];

		if (rule->action != SCMP_ACT_NOTIFY)
			continue;
		used = true;
		if (strv_contains(rule->names, "write")) {
			load_push(l, "syscalls");
			load_push_index(l, i);
			return load_fail_at(l, "names",
			                    "SCMP_ACT_NOTIFY cannot be used for the write "
			                    "syscall");
		}
	}
	if (used && !s->listener_path)
		return load_fail_at(l, "listenerPath", "required with SCMP_ACT_NOTIFY");
	if (s->listener_metadata && !s->listener_path)
		return load_fail_at(l, "listenerMetadata", "must not be set without listenerPath");
	if (s->listener_path && !used)
		load_warn(l, "listenerPath has no effect without SCMP_ACT_NOTIFY");
	return 0;
}

/* Relative to the bundle, as all paths of the document. */
static void finish_listener(struct load *l, struct spec_seccomp *s)
{
	char *absolute;

	if (!s->listener_path || s->listener_path[0] == '/' || !l->bundle)
		return;
	absolute = path_join(l->bundle, s->listener_path);
	free(s->listener_path);
	s->listener_path = absolute;
}

int spec_seccomp_parse(struct load *l, const cJSON *j, void *member)
{
	struct spec_seccomp *seccomp = member;
	struct seccomp_in in = { 0 };
	int r;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, spec_seccomp_fields, j, &in);
	if (r == 0)
		r = fold_action(l, &in.action, "defaultErrnoRet", &in.s.default_action);
	in.s.present = true;
	if (r == 0)
		r = check_notify(l, &in.s);
	finish_listener(l, &in.s);
	*seccomp = in.s; /* owned by the document from here on */
	return r;
}

void spec_seccomp_release(void *member)
{
	fields_free(spec_seccomp_fields, member);
}
