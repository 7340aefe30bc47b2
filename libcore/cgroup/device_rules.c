/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What devices a container may use: one ordered list of rules in which, for each access bit on its
 * own, the last rule that matches decides. "Read and write" is granted when both are.
 *
 * v2 runs that list as a program (device_program.c). The v1 controller knows a default and a set of
 * exceptions without order, so the list is reduced to that here; where a later rule takes a part
 * out of an earlier, wider exception, v1 has no way to say it, and the caller gets an error rather
 * than a filter that lets more through. Pure.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

enum { ACC_R = 1, ACC_W = 2, ACC_M = 4, ACC_ALL = 7 }; /* as spec_device_rule.access */

/* What every container gets on top of its own rules: to make any node (using it is another matter),
 * and the harmless devices that programs take for granted. */
static const struct spec_device_rule common_rules[] = {
	{ true, 'c', -1, -1, ACC_M },    /* */
	{ true, 'b', -1, -1, ACC_M },    /* */
	{ true, 'c', 1, 3, ACC_ALL },    /* null */
	{ true, 'c', 1, 5, ACC_ALL },    /* zero */
	{ true, 'c', 1, 7, ACC_ALL },    /* full */
	{ true, 'c', 1, 8, ACC_ALL },    /* random */
	{ true, 'c', 1, 9, ACC_ALL },    /* urandom */
	{ true, 'c', 5, 0, ACC_ALL },    /* tty */
	{ true, 'c', 5, 2, ACC_ALL },    /* ptmx */
	{ true, 'c', 136, -1, ACC_ALL }, /* pts/N */
	{ true, 'c', 10, 200, ACC_ALL }, /* net/tun */
};

const size_t cg_n_common_device_rules = ARRAY_SIZE(common_rules);

static void add(struct cg_devices *d, struct spec_device_rule rule)
{
	d->rules = xreallocarray(d->rules, d->n + 1, sizeof(*d->rules));
	d->rules[d->n++] = rule;
}

static void add_rule(struct cg_devices *d, const struct spec_device_rule *rule)
{
	struct spec_device_rule r = *rule;

	if (r.access == 0)
		return;
	if (r.type != 'a') {
		add(d, r);
		return;
	}
	if (r.major == -1 && r.minor == -1 && r.access == ACC_ALL) {
		/* Whatever was said before no longer counts. */
		d->n = 0;
		d->default_allow = r.allow;
		return;
	}
	r.type = 'b';
	add(d, r);
	r.type = 'c';
	add(d, r);
}

void cg_devices_build(const struct spec_resources *res, struct cg_devices *ret)
{
	*ret = (struct cg_devices){ 0 };
	for (size_t i = 0; i < res->n_devices; i++)
		add_rule(ret, &res->devices[i]);
	for (size_t i = 0; i < ARRAY_SIZE(common_rules); i++)
		add_rule(ret, &common_rules[i]);
}

void cg_devices_done(struct cg_devices *d)
{
	free(d->rules);
	*d = (struct cg_devices){ 0 };
}

bool cg_devices_allow_all(const struct cg_devices *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (!d->rules[i].allow)
			return false;
	return d->default_allow;
}

static bool within(int64_t inner, int64_t outer)
{
	return outer == -1 || inner == outer;
}

/* Is every device of a one of b. */
static bool is_subset(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return a->type == b->type && within(a->major, b->major) && within(a->minor, b->minor);
}

static bool overlap(const struct spec_device_rule *a, const struct spec_device_rule *b)
{
	return a->type == b->type && (within(a->major, b->major) || within(b->major, a->major)) &&
	       (within(a->minor, b->minor) || within(b->minor, a->minor));
}

static struct spec_device_rule *find_same(const struct cg_devices *d,
                                          const struct spec_device_rule *rule)
{
	for (size_t i = 0; i < d->n; i++) {
		struct spec_device_rule *r = &d->rules[i];

		if (r->type == rule->type && r->major == rule->major && r->minor == rule->minor)
			return r;
	}
	return NULL;
}

void cg_device_rule_text(const struct spec_device_rule *r, char *buf, size_t size)
{
	char major[24] = "*", minor[24] = "*";

	if (r->major >= 0)
		snprintf(major, sizeof(major), "%lld", (long long)r->major);
	if (r->minor >= 0)
		snprintf(minor, sizeof(minor), "%lld", (long long)r->minor);
	snprintf(buf, size, "%c %s:%s %s%s%s", r->type, major, minor, r->access & ACC_R ? "r" : "",
	         r->access & ACC_W ? "w" : "", r->access & ACC_M ? "m" : "");
}

/* A rule that agrees with the default takes its devices out of the exceptions. */
static int cut(struct cg_devices *d, const struct spec_device_rule *rule, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct spec_device_rule r = d->rules[i];

		if (overlap(&r, rule) && (r.access & rule->access)) {
			if (!is_subset(&r, rule)) {
				char a[64], b[64];

				cg_device_rule_text(rule, a, sizeof(a));
				cg_device_rule_text(&r, b, sizeof(b));
				return err_text(err, -EOPNOTSUPP,
				                "device rules: cgroup v1 can't express %s \"%s\" "
				                "after %s \"%s\"",
				                rule->allow ? "allow" : "deny", a,
				                r.allow ? "allow" : "deny", b);
			}
			r.access &= ~rule->access;
		}
		if (r.access)
			d->rules[kept++] = r;
	}
	d->n = kept;
	return 0;
}

int cg_devices_flatten(const struct cg_devices *d, struct cg_devices *ret, struct err *err)
{
	*ret = (struct cg_devices){ .default_allow = d->default_allow };
	for (size_t i = 0; i < d->n; i++) {
		const struct spec_device_rule *rule = &d->rules[i];
		struct spec_device_rule *same = find_same(ret, rule);
		int r;

		if (rule->allow == ret->default_allow) {
			r = cut(ret, rule, err);
			if (r < 0) {
				cg_devices_done(ret);
				return r;
			}
		} else if (same) {
			same->access |= rule->access;
		} else {
			add(ret, *rule);
		}
	}
	return 0;
}

static int parse_number(const char *s, int64_t *ret)
{
	uint32_t v;
	int r;

	if (streq(s, "*")) {
		*ret = -1;
		return 0;
	}
	r = num_parse_u32(s, &v);
	*ret = v;
	return r;
}

/* "c 1:3 rwm" */
static int parse_line(char *line, struct spec_device_rule *ret)
{
	char *save = NULL;
	char *type = strtok_r(line, " ", &save);
	char *major = strtok_r(NULL, ":", &save);
	char *minor = strtok_r(NULL, " ", &save);
	char *access = strtok_r(NULL, " ", &save);
	unsigned int bits = 0;

	if (!type || !major || !minor || !access || strlen(type) != 1 || !strchr("abc", type[0]))
		return -EINVAL;
	for (; *access; access++) {
		if (!strchr("rwm", *access))
			return -EINVAL;
		bits |= *access == 'r' ? ACC_R : *access == 'w' ? ACC_W : ACC_M;
	}
	*ret = (struct spec_device_rule){ .allow = true, .type = type[0], .access = bits };
	if (parse_number(major, &ret->major) < 0 || parse_number(minor, &ret->minor) < 0)
		return -EINVAL;
	return 0;
}

int cg_devices_parse_list(const char *text, struct cg_devices *ret)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *save = NULL;

	*ret = (struct cg_devices){ 0 };
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct spec_device_rule rule;

		if (parse_line(line, &rule) < 0) {
			cg_devices_done(ret);
			return -EINVAL;
		}
		if (rule.type == 'a') {
			ret->n = 0;
			ret->default_allow = true;
		} else {
			add(ret, rule);
		}
	}
	return 0;
}

static void write_rule(struct cg_writes *out, bool allow, const struct spec_device_rule *rule)
{
	static const struct cg_knob knob = { .what = "devices", .controller = "devices" };
	char text[64];

	cg_device_rule_text(rule, text, sizeof(text));
	cg_write_add(out, &knob, allow ? "devices.allow" : "devices.deny", 0, "%s", text);
}

/* Write what each exception of `from` has more than those of `other`. */
static void write_missing(struct cg_writes *out, bool allow, const struct cg_devices *from,
                          const struct cg_devices *other)
{
	for (size_t i = 0; i < from->n; i++) {
		struct spec_device_rule r = from->rules[i];
		const struct spec_device_rule *same = find_same(other, &r);

		if (same)
			r.access &= ~same->access;
		if (r.access)
			write_rule(out, allow, &r);
	}
}

void cg_devices_transition(const struct cg_devices *now, const struct cg_devices *want,
                           struct cg_writes *out)
{
	static const struct spec_device_rule all = {
		.type = 'a', .major = -1, .minor = -1, .access = ACC_ALL
	};
	static const struct cg_devices none = { 0 };

	if (!now->default_allow && !want->default_allow) {
		/* Never a moment in which something that stays allowed is not. */
		write_missing(out, true, want, now);
		write_missing(out, false, now, want);
		return;
	}
	/* Towards deny: the set starts empty. Towards allow: the kernel doesn't show the exceptions
	 * of a cgroup that allows by default; saying "all" again clears them. */
	if (!(now->default_allow && want->default_allow && want->n == 0))
		write_rule(out, want->default_allow, &all);
	write_missing(out, !want->default_allow, want, &none);
}
