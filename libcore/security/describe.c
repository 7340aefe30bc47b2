/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, limits and the seccomp filter in words. The reduction of capabilities to what the
 * caller has is caps_available(), by which the process's sets are reduced too.
 */
#include <stdio.h>
#include <string.h>

#include <seccomp.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/strv.h"
#include "security/identity.h"
#include "security/security.h"
#include "tables/caps.h"
#include "tables/rlimits.h"
#include "tables/seccomp_names.h"

static void limit_text(char *buf, size_t size, uint64_t v)
{
	if (v == UINT64_MAX)
		snprintf(buf, size, "unlimited");
	else
		snprintf(buf, size, "%llu", (unsigned long long)v);
}

void sec_describe_limits(const struct spec_process *process, struct desc *d)
{
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct spec_rlimit *l = &process->rlimits[i];
		char soft[24], hard[24];

		limit_text(soft, sizeof(soft), l->soft);
		limit_text(hard, sizeof(hard), l->hard);
		desc_item_at(d, "rlimit", "process.rlimits", i);
		desc_str(d, "type", names_name(rlimits_table, l->resource));
		desc_str(d, "soft", soft);
		desc_str(d, "hard", hard);
	}
}

static char **cap_names(uint64_t mask)
{
	char **v = NULL;

	for (int cap = 0; cap < 64; cap++)
		if (mask & 1ULL << cap)
			strv_add(&v, caps_first_name(1ULL << cap));
	return v;
}

/* have: what can be given. The initial namespace's capabilities do not bound those of a new user
 * namespace, where init has all that the kernel knows. */
static void describe_set(const char *name, uint64_t mask, uint64_t have, struct desc *d)
{
	static char *const none[] = { NULL };
	_cleanup_free_ char *path = xasprintf("process.capabilities.%s", name);
	_cleanup_strv_ char **given = cap_names(mask & have), **lacking = cap_names(mask & ~have);

	desc_item(d, "capabilities", mask ? path : NULL);
	desc_str(d, "set", name);
	desc_list(d, "names", given ? given : none);
	for (char **p = lacking; p && *p; p++)
		desc_note(d, DESC_NO_EFFECT, path,
		          "%s is left out: the caller does not have it (kernel, bounding set or "
		          "sandbox)",
		          *p);
}

static void describe_user(const struct spec_user *user, struct desc *d)
{
	_cleanup_strv_ char **groups = NULL;

	desc_item(d, "user", "process.user");
	desc_uint(d, "uid", user->uid);
	desc_uint(d, "gid", user->gid);
	for (size_t i = 0; i < user->n_additional_gids; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", user->additional_gids[i]);
		strv_add(&groups, text);
	}
	desc_list(d, "groups", groups);
}

void sec_describe_credentials(const struct spec_process *process, bool userns, struct desc *d)
{
	const struct spec_caps *caps = &process->caps;
	uint64_t have = userns ? UINT64_MAX : caps_available();

	describe_user(&process->user, d);
	describe_set("bounding", caps->bounding, have, d);
	describe_set("effective", caps->effective, have, d);
	describe_set("permitted", caps->permitted, have, d);
	describe_set("inheritable", caps->inheritable, have, d);
	describe_set("ambient", caps->ambient, have, d);
	if (process->no_new_privileges) {
		desc_item(d, "no-new-privileges", "process.noNewPrivileges");
		desc_flag(d, "set", true);
	}
}

/* "SCMP_ACT_ERRNO(38)" */
static void action_text(char *buf, size_t size, uint32_t action)
{
	const char *name = names_name(seccomp_action_table, action);
	uint32_t data = action & SECCOMP_RET_DATA;

	/* KILL is the old word of the specification for this one. */
	if (action == SCMP_ACT_KILL_THREAD)
		name = "SCMP_ACT_KILL_THREAD";
	if (!name)
		name = names_name(seccomp_action_table, action & ~(uint32_t)SECCOMP_RET_DATA);
	if (data)
		snprintf(buf, size, "%s(%u)", name ? name : "unknown", data);
	else
		snprintf(buf, size, "%s", name ? name : "unknown");
}

static void describe_rules(const struct spec_seccomp *s, struct desc *d)
{
	size_t calls = 0, conditions = 0;

	for (size_t i = 0; i < s->n_rules; i++) {
		calls += strv_len(s->rules[i].names);
		conditions += s->rules[i].n_args > 0;
	}
	if (s->n_rules == 0)
		return;
	desc_item(d, "seccomp", "linux.seccomp.syscalls");
	desc_uint(d, "rules", s->n_rules);
	desc_uint(d, "calls", calls);
	desc_uint(d, "with-arguments", conditions);
}

void sec_describe_seccomp(const struct spec_seccomp *s, const struct seccomp_filter *filter,
                          bool early, struct desc *d)
{
	_cleanup_strv_ char **names = NULL;
	char action[64];

	if (!s->present)
		return;
	action_text(action, sizeof(action), s->default_action);
	desc_item(d, "seccomp", "linux.seccomp.defaultAction");
	desc_str(d, "default", action);
	desc_str(d, "loaded", early ? "before the credentials change" : "last");
	desc_uint(d, "instructions", filter->n);
	for (size_t i = 0; i < s->n_architectures; i++) {
		const char *name = names_name(seccomp_arch_table, s->architectures[i]);

		strv_add(&names, name ? name : "unknown");
	}
	if (names) {
		desc_item(d, "seccomp", "linux.seccomp.architectures");
		desc_list(d, "architectures", names);
	}
	strv_free(take_ptr(names));
	for (const struct name_value *f = seccomp_flag_table; f->name; f++)
		if (filter->flags & (uint32_t)f->value)
			strv_add(&names, f->name);
	if (names) {
		desc_item(d, "seccomp", s->flags_present ? "linux.seccomp.flags" : NULL);
		desc_list(d, "flags", names);
	}
	describe_rules(s, d);
}
