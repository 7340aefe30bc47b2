/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits as properties of a systemd unit. Pure.
 *
 * systemd writes the files of a unit's cgroup again whenever it sees fit, from what it knows: a
 * limit that it has a property for must be told, one that it has none for stays untouched. The
 * files are written after it. What it rounds, the quota of processors, is rounded there as well: it
 * would not stay exact beyond the next change of any other property.
 *
 * Values of 64 bits all set are systemd's "infinity".
 */
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

#define INFINITE       UINT64_MAX
#define DEFAULT_PERIOD 100000 /* microseconds */
#define SECOND         1000000u
#define QUOTA_STEP     10000 /* systemd keeps whole hundredths of a processor */
#define CPUS_MAX       8192  /* CONFIG_NR_CPUS goes no higher */

static void property_done(struct cg_property *p)
{
	free(p->name);
	free(p->type);
	strv_free(p->words);
	free(p->numbers);
}

void cg_properties_done(struct cg_properties *p)
{
	for (size_t i = 0; i < p->n; i++)
		property_done(&p->list[i]);
	free(p->list);
	*p = (struct cg_properties){ 0 };
}

void cg_property_drop(struct cg_properties *p, size_t i)
{
	property_done(&p->list[i]);
	memmove(&p->list[i], &p->list[i + 1], (p->n - i - 1) * sizeof(*p->list));
	p->n--;
}

struct cg_property *cg_property_add(struct cg_properties *p, const char *name, const char *type)
{
	for (size_t i = 0; i < p->n; i++) {
		if (streq(p->list[i].name, name)) {
			cg_property_drop(p, i);
			break;
		}
	}
	p->list = xreallocarray(p->list, p->n + 1, sizeof(*p->list));
	p->list[p->n] = (struct cg_property){ .name = xstrdup(name), .type = xstrdup(type) };
	return &p->list[p->n++];
}

void cg_property_push(struct cg_property *p, uint64_t v)
{
	p->numbers = xreallocarray(p->numbers, p->n + 1, sizeof(*p->numbers));
	p->numbers[p->n++] = v;
}

void cg_property_push_word(struct cg_property *p, const char *v)
{
	strv_add(&p->words, v);
	p->n++;
}

void cg_property_number(struct cg_properties *p, const char *name, char type, uint64_t v)
{
	const char signature[2] = { type, '\0' };

	cg_property_push(cg_property_add(p, name, signature), v);
}

void cg_property_word(struct cg_properties *p, const char *name, const char *type, const char *v)
{
	cg_property_push_word(cg_property_add(p, name, type), v);
}

/* A limit: the file says the same, so that an old systemd may do without. */
static void put(struct cg_properties *p, const char *name, uint64_t v)
{
	cg_property_number(p, name, 't', v);
	p->list[p->n - 1].optional = true;
}

/* 0: "unset"; negative: no limit. */
static void put_i64(struct cg_properties *p, const char *name, struct opt_i64 v)
{
	if (v.set && v.v != 0)
		put(p, name, v.v < 0 ? INFINITE : (uint64_t)v.v);
}

static int put_memory(const struct spec_resources *res, bool v2, struct cg_properties *p,
                      struct err *err)
{
	int64_t swap;
	bool set;
	int r;

	put_i64(p, v2 ? "MemoryMax" : "MemoryLimit", res->memory.limit);
	if (!v2)
		return cg_swap_check(res->memory.limit, res->memory.swap, err);
	put_i64(p, "MemoryLow", res->memory.reservation);
	r = cg_swap_v2(res->memory.limit, res->memory.swap, &set, &swap, err);
	if (r == 0 && set)
		put(p, "MemorySwapMax", swap < 0 ? INFINITE : (uint64_t)swap);
	return r;
}

/* Processor time in a second, rounded up as systemd does. */
static uint64_t quota_per_second(int64_t quota, uint64_t period)
{
	uint64_t total;

	if (quota <= 0 || __builtin_mul_overflow((uint64_t)quota, SECOND, &total))
		return INFINITE;
	return (total / period + QUOTA_STEP - 1) / QUOTA_STEP * QUOTA_STEP;
}

static void put_quota(struct cg_properties *p, int64_t quota, uint64_t period)
{
	if (period)
		put(p, "CPUQuotaPeriodUSec", period);
	else
		period = DEFAULT_PERIOD;
	put(p, "CPUQuotaPerSecUSec", quota_per_second(quota, period));
}

int64_t cg_quota_of_unit(int64_t quota, uint64_t period)
{
	uint64_t per_second = quota_per_second(quota, period ? period : DEFAULT_PERIOD), total;

	if (per_second == INFINITE ||
	    __builtin_mul_overflow(per_second, period ? period : DEFAULT_PERIOD, &total))
		return quota;
	return (int64_t)(total / SECOND);
}

/* "0-3,8" as bits, that of processor 0 the lowest of the first byte. */
static int put_mask(struct cg_properties *p, const char *name, const char *list, struct err *err)
{
	uint8_t mask[CPUS_MAX / 8] = { 0 };
	struct cg_property *property;
	size_t n = 0;

	for (const char *s = list; *s;) {
		size_t len = strcspn(s, ","), dash = strcspn(s, "-,");
		_cleanup_free_ char *from = xstrndup(s, dash);
		_cleanup_free_ char *to =
		    dash < len ? xstrndup(s + dash + 1, len - dash - 1) : xstrdup(from);
		uint32_t a, b;

		if (num_parse_u32(from, &a) < 0 || num_parse_u32(to, &b) < 0 || a > b ||
		    b >= CPUS_MAX)
			return err_text(err, -EINVAL,
			                "cannot set cpuset limit: bad list \"%.128s\"", list);
		for (uint32_t i = a; i <= b; i++)
			mask[i / 8] |= (uint8_t)(1u << i % 8);
		n = b / 8 + 1 > n ? b / 8 + 1 : n;
		s += len + (s[len] == ',');
	}
	property = cg_property_add(p, name, "ay");
	property->optional = true; /* 244 */
	for (size_t i = 0; i < n; i++)
		cg_property_push(property, mask[i]);
	return 0;
}

static int put_cpu(const struct spec_resources *res, bool v2, struct cg_properties *p,
                   struct err *err)
{
	int64_t quota = res->cpu.quota.set ? res->cpu.quota.v : 0;
	uint64_t period = res->cpu.period.set ? res->cpu.period.v : 0;
	uint64_t shares = res->cpu.shares.set ? res->cpu.shares.v : 0;
	bool idle = v2 && cg_is_idle(res);
	int r = 0;

	if (idle)
		put(p, "CPUWeight", 0); /* 252 */
	else if (shares)
		put(p, v2 ? "CPUWeight" : "CPUShares", v2 ? cg_weight_from_shares(shares) : shares);
	if (quota || period)
		put_quota(p, quota, period);
	if (v2 && res->cpu.cpus && *res->cpu.cpus)
		r = put_mask(p, "AllowedCPUs", res->cpu.cpus, err);
	if (r == 0 && v2 && res->cpu.mems && *res->cpu.mems)
		r = put_mask(p, "AllowedMemoryNodes", res->cpu.mems, err);
	return r;
}

/* --- unified: files of v2 that are properties, too --- */

typedef int unified_fn(struct cg_properties *p, const char *name, const char *value,
                       struct err *err);

static int unified_bad(const char *value, struct err *err)
{
	return err_text(err, -EINVAL, "\"%.128s\" is no value for it", value);
}

static int unified_max(struct cg_properties *p, const char *name, const char *value,
                       struct err *err)
{
	uint64_t v = INFINITE;

	if (!streq(value, "max") && num_parse_u64(value, &v) < 0)
		return unified_bad(value, err);
	put(p, name, v);
	return 0;
}

static int unified_weight(struct cg_properties *p, const char *name, const char *value,
                          struct err *err)
{
	uint64_t v;

	value += strncmp(value, "default ", 8) == 0 ? 8 : 0;
	if (strpbrk(value, " :\n")) /* of one device: the file knows */
		return 0;
	if (num_parse_u64(value, &v) < 0)
		return unified_bad(value, err);
	put(p, name, v);
	return 0;
}

/* What it asks for is a weight of 0, and put_cpu() has seen to that. */
static int unified_idle(struct cg_properties *p, const char *name, const char *value,
                        struct err *err)
{
	(void)p;
	(void)name;
	return streq(value, "0") || streq(value, "1") ? 0 : unified_bad(value, err);
}

static int unified_cpu_max(struct cg_properties *p, const char *name, const char *value,
                           struct err *err)
{
	size_t n = strcspn(value, " ");
	_cleanup_free_ char *quota = xstrndup(value, n);
	uint64_t period = 0;
	int64_t q = -1;

	(void)name;
	if ((!streq(quota, "max") && (num_parse_i64(quota, &q) < 0 || q <= 0)) ||
	    (value[n] && num_parse_u64(value + n + 1, &period) < 0))
		return unified_bad(value, err);
	put_quota(p, q, period);
	return 0;
}

static int unified_oom_group(struct cg_properties *p, const char *name, const char *value,
                             struct err *err)
{
	if (!streq(value, "0") && !streq(value, "1"))
		return unified_bad(value, err);
	cg_property_word(p, name, "s", *value == '1' ? "kill" : "continue");
	p->list[p->n - 1].optional = true; /* of scopes: 253 */
	return 0;
}

static const struct {
	const char *file, *name;
	unified_fn *put;
} unified_table[] = {
	{ "cpu.idle", NULL, unified_idle },
	{ "cpu.max", NULL, unified_cpu_max },
	{ "cpu.weight", "CPUWeight", unified_weight },
	{ "cpuset.cpus", "AllowedCPUs", put_mask },
	{ "cpuset.mems", "AllowedMemoryNodes", put_mask },
	{ "io.weight", "IOWeight", unified_weight },
	{ "memory.high", "MemoryHigh", unified_max },
	{ "memory.low", "MemoryLow", unified_max },
	{ "memory.max", "MemoryMax", unified_max },
	{ "memory.min", "MemoryMin", unified_max },
	{ "memory.oom.group", "OOMPolicy", unified_oom_group },
	{ "memory.swap.max", "MemorySwapMax", unified_max },
	{ "memory.zswap.max", "MemoryZSwapMax", unified_max },
	{ "pids.max", "TasksMax", unified_max },
};

static int put_unified(const struct spec_resources *res, struct cg_properties *p, struct err *err)
{
	for (size_t i = 0; i < res->n_unified; i++) {
		const struct spec_kv *kv = &res->unified[i];
		_cleanup_free_ char *value = xstrndup(kv->value, strcspn(kv->value, "\n"));

		for (size_t k = 0; k < ARRAY_SIZE(unified_table); k++) {
			int r = 0;

			if (streq(unified_table[k].file, kv->key) &&
			    !cg_weight_yields(res, kv->key))
				r = unified_table[k].put(p, unified_table[k].name, value, err);
			if (r < 0)
				return err_prefix(err, "unified resource \"%.128s\"", kv->key);
		}
	}
	return 0;
}

int cg_properties_limits(const struct spec_resources *res, bool v2, struct cg_properties *p,
                         struct err *err)
{
	const struct opt_u64 *weight = &res->block_io.weight;
	int r = put_memory(res, v2, p, err);

	if (r == 0)
		r = put_cpu(res, v2, p, err);
	if (r < 0)
		return r;
	if (res->pids_limit.set && res->pids_limit.v == 0)
		put(p, "TasksMax", 1); /* as the file's row does */
	else
		put_i64(p, "TasksMax", res->pids_limit);
	if (weight->set && weight->v)
		put(p, v2 ? "IOWeight" : "BlockIOWeight",
		    v2 ? cg_io_weight_from_blkio(weight->v) : weight->v);
	return v2 ? put_unified(res, p, err) : 0;
}

/* /dev/char/1:3, char-136 (any minor of a major), char-*. NULL: systemd has no word for it. */
static char *device_name(const struct spec_device_rule *rule)
{
	const char *type = rule->type == 'b' ? "block" : "char";

	if (rule->major < 0)
		return rule->minor < 0 ? xasprintf("%s-*", type) : NULL;
	if (rule->minor < 0)
		return xasprintf("%s-%lld", type, (long long)rule->major);
	return xasprintf("/dev/%s/%lld:%lld", type, (long long)rule->major, (long long)rule->minor);
}

/* Rules that start from "allow all", or that systemd cannot say, are left to the filter alone. */
void cg_properties_devices(const struct spec_resources *res, struct cg_properties *p)
{
	_cleanup_(cg_devices_done)
	struct cg_devices all = { 0 }, flat = { 0 };
	struct cg_property *list;
	bool strict;

	cg_devices_build(res, &all);
	strict = cg_devices_flatten(&all, &flat, NULL) == 0 && !flat.default_allow;
	for (size_t i = 0; strict && i < flat.n; i++) {
		_cleanup_free_ char *name = device_name(&flat.rules[i]);

		strict = name != NULL;
	}
	cg_property_word(p, "DevicePolicy", "s", strict ? "strict" : "auto");
	list = cg_property_add(p, "DeviceAllow", "a(ss)");
	for (size_t i = 0; strict && i < flat.n; i++) {
		_cleanup_free_ char *name = device_name(&flat.rules[i]);
		unsigned int access = flat.rules[i].access;
		char mode[4], *to = mode;

		if (access & 1)
			*to++ = 'r';
		if (access & 2)
			*to++ = 'w';
		if (access & 4)
			*to++ = 'm';
		*to = '\0';
		cg_property_push_word(list, name);
		strv_add(&list->words, mode);
	}
}
