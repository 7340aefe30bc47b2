/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that change while a container runs: a patch (the object that `update` is given) laid
 * over the resources that are in force.
 *
 * Two documents come of it: the merged one, which is what the container has from then on and what
 * its record keeps, and the effect, which holds only what has to be written now: the patch and the
 * few stored values without which a patched one has no meaning (a quota needs its period). Both are
 * JSON text, so that a property which is new to the tables needs no line here. Pure.
 *
 * Rules: an absent or null property stays as it is; so does 0 where 0 stands for "not set"; lists
 * are merged by what names their entries (device number, page size, interface). Device rules never
 * change: a program that others have attached to the cgroup, or rules that they have added, would
 * be lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "berth/log.h"
#include "spec/knockout.h"
#include "spec/parts.h"

#define WARNINGS_MAX   65536
#define DEFAULT_SHARES 1024 /* the kernel's own, a weight of 100 */

/* Properties whose 0 (or empty string) is "leave it". */
static const struct {
	const char *group, *name;
} zero_is_unset[] = {
	{ "memory", "limit" },       { "memory", "reservation" }, { "memory", "swap" },
	{ "memory", "kernel" },      { "memory", "kernelTCP" },   { "cpu", "shares" },
	{ "cpu", "quota" },          { "cpu", "period" },         { "cpu", "realtimeRuntime" },
	{ "cpu", "realtimePeriod" }, { "cpu", "cpus" },           { "cpu", "mems" },
	{ "blockIO", "weight" },     { "blockIO", "leafWeight" },
};

static cJSON *checked(cJSON *j)
{
	if (!j)
		abort(); /* out of memory, as in xmalloc() */
	return j;
}

static cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

/* A number of the document that is not 0; false also for what is no number: the loader refuses it.
 */
static bool number_of(const cJSON *res, const char *group, const char *name, int64_t *ret)
{
	return json_int64(member(member(res, group), name), ret) == 0 && *ret != 0;
}

static void put_copy(cJSON *to, const char *group, const char *name, const cJSON *value)
{
	cJSON *object = member(to, group);

	if (!value || cJSON_IsNull(value))
		return;
	if (!object)
		object = checked(cJSON_AddObjectToObject(to, group));
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	cJSON_AddItemToObject(object, name, checked(cJSON_Duplicate(value, true)));
}

static void put_number(cJSON *to, const char *group, const char *name, int64_t value)
{
	_cleanup_free_ char *text = xasprintf("%lld", (long long)value);
	_cleanup_json_ cJSON *raw = checked(cJSON_CreateRaw(text));

	put_copy(to, group, name, raw);
}

/* --- the patch, without what it does not say --- */

__attribute__((nonnull(1))) static void drop_nulls(cJSON *object)
{
	cJSON *next;

	for (cJSON *c = object->child; c; c = next) {
		next = c->next;
		if (cJSON_IsNull(c))
			cJSON_Delete(cJSON_DetachItemViaPointer(object, c));
		else if (cJSON_IsObject(c))
			drop_nulls(c);
	}
}

static bool is_unset(const cJSON *j)
{
	int64_t v;

	return (json_is_string(j) && !*j->valuestring) || (json_int64(j, &v) == 0 && v == 0);
}

/*
 * Managers send the rules that the container has, with whatever they really change. Those are left
 * alone, with what others have added to the filter since; an empty list is no list.
 */
static void drop_same_devices(const cJSON *stored, cJSON *patch)
{
	const cJSON *rules = member(patch, "devices");

	if (!cJSON_IsArray(rules))
		return; /* reading it will say so */
	if (cJSON_GetArraySize(rules) == 0 || cJSON_Compare(rules, member(stored, "devices"), true))
		cJSON_DeleteItemFromObjectCaseSensitive(patch, "devices");
}

static void drop_unset(const cJSON *stored, cJSON *patch)
{
	drop_nulls(patch);
	drop_same_devices(stored, patch);
	for (size_t i = 0; i < ARRAY_SIZE(zero_is_unset); i++) {
		cJSON *group = member(patch, zero_is_unset[i].group);

		if (is_unset(member(group, zero_is_unset[i].name)))
			cJSON_DeleteItemFromObjectCaseSensitive(group, zero_is_unset[i].name);
	}
}

/* --- merging --- */

static bool same_number(const cJSON *a, const cJSON *b, const char *name)
{
	int64_t x, y;

	return json_int64(member(a, name), &x) == 0 && json_int64(member(b, name), &y) == 0 &&
	       x == y;
}

static bool same_string(const cJSON *a, const cJSON *b, const char *name)
{
	const char *x = json_get_str(a, name, NULL), *y = json_get_str(b, name, NULL);

	return x && y && streq(x, y);
}

static bool same_entry(const cJSON *a, const cJSON *b)
{
	return (same_number(a, b, "major") && same_number(a, b, "minor")) ||
	       same_string(a, b, "pageSize") || same_string(a, b, "name");
}

static void merge_list(cJSON *into, const cJSON *from)
{
	const cJSON *item;
	cJSON *next;

	cJSON_ArrayForEach (item, from) {
		for (cJSON *old = into->child; old; old = next) {
			next = old->next;
			if (same_entry(old, item))
				cJSON_Delete(cJSON_DetachItemViaPointer(into, old));
		}
		cJSON_AddItemToArray(into, checked(cJSON_Duplicate(item, true)));
	}
}

static void merge_object(cJSON *into, const cJSON *from)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, from) {
		cJSON *old = member(into, item->string);

		if (cJSON_IsObject(old) && cJSON_IsObject(item)) {
			merge_object(old, item);
		} else if (cJSON_IsArray(old) && cJSON_IsArray(item)) {
			merge_list(old, item);
		} else {
			cJSON_DeleteItemFromObjectCaseSensitive(into, item->string);
			cJSON_AddItemToObject(into, item->string,
			                      checked(cJSON_Duplicate(item, true)));
		}
	}
}

/* A list in which the order counts is replaced as a whole. */
static void replace_devices(cJSON *merged, const cJSON *patch)
{
	const cJSON *rules = member(patch, "devices");

	if (!rules)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(merged, "devices");
	cJSON_AddItemToObject(merged, "devices", checked(cJSON_Duplicate(rules, true)));
}

/* --- values that hang together --- */

/* Memory alone was changed: what becomes of the limit of memory plus swap. */
static void follow_limit(const cJSON *stored, const cJSON *patch, bool swap_apart, cJSON *merged)
{
	int64_t limit, swap, old_limit, old_swap;

	if (!number_of(patch, "memory", "limit", &limit) ||
	    number_of(patch, "memory", "swap", &swap) ||
	    !number_of(stored, "memory", "swap", &old_swap))
		return;
	if (limit == -1)
		put_number(merged, "memory", "swap", -1);
	else if (swap_apart && old_swap > 0 && number_of(stored, "memory", "limit", &old_limit) &&
	         old_limit > 0 && old_swap >= old_limit &&
	         limit <= INT64_MAX - (old_swap - old_limit))
		/* v2 limits swap by itself, and nobody asked for a change of that. */
		put_number(merged, "memory", "swap", limit + (old_swap - old_limit));
}

static bool has_weight(const cJSON *res)
{
	const cJSON *files = member(res, "unified");
	int64_t v;

	return number_of(res, "cpu", "shares", &v) || member(files, "cpu.weight") ||
	       member(files, "cpu.weight.nice");
}

static bool has_idle(const cJSON *res)
{
	return member(member(res, "cpu"), "idle") || member(member(res, "unified"), "cpu.idle");
}

/* `unified` is written last, and has the last word. */
static bool is_idle(const cJSON *res)
{
	const char *file = json_get_str(member(res, "unified"), "cpu.idle", NULL);
	int64_t v;

	if (file)
		return *file == '1';
	return number_of(res, "cpu", "idle", &v) && v == 1;
}

static void drop(cJSON *object, const char *name)
{
	if (object)
		cJSON_DeleteItemFromObjectCaseSensitive(object, name);
}

/*
 * An idle group has no weight; a change of the one ends the other. A group that was idle has the
 * kernel's default, which has to be said: systemd would go on to think it idle.
 */
static void follow_idle(const cJSON *stored, const cJSON *patch, cJSON *merged, cJSON *effect)
{
	cJSON *cpu = member(merged, "cpu"), *files = member(merged, "unified");
	bool was = is_idle(stored);

	if (member(member(patch, "cpu"), "idle") && !member(member(patch, "unified"), "cpu.idle"))
		drop(files, "cpu.idle"); /* the last word was an earlier one */
	if (has_idle(patch) && !has_weight(patch) && was != is_idle(patch)) {
		drop(cpu, "shares");
		drop(files, "cpu.weight");
		drop(files, "cpu.weight.nice");
		if (was)
			put_number(effect, "cpu", "shares", DEFAULT_SHARES);
	}
	if (has_weight(patch) && !has_idle(patch) && was) {
		drop(files, "cpu.idle");
		put_number(merged, "cpu", "idle", 0);
		put_number(effect, "cpu", "idle", 0);
	}
}

static void complete(const cJSON *stored, const cJSON *patch, cJSON *merged, cJSON *effect)
{
	const cJSON *cpu = member(stored, "cpu"), *memory = member(stored, "memory");
	int64_t v;
	bool quota = number_of(patch, "cpu", "quota", &v);
	bool period = number_of(patch, "cpu", "period", &v);

	if (quota && !period)
		put_copy(effect, "cpu", "period", member(cpu, "period"));
	if (period && !quota)
		put_copy(effect, "cpu", "quota", member(cpu, "quota"));
	if (number_of(patch, "memory", "swap", &v) && !number_of(patch, "memory", "limit", &v))
		put_copy(effect, "memory", "limit", member(memory, "limit"));
	if (!member(member(patch, "memory"), "checkBeforeUpdate"))
		put_copy(effect, "memory", "checkBeforeUpdate",
		         member(memory, "checkBeforeUpdate"));
	follow_idle(stored, patch, merged, effect);
}

/* Of a whole document or of resources: what follows goes by the names of the properties. */
static void fold(const struct field *table, cJSON *j)
{
	struct load l = { .warnings = BUF_INIT(WARNINGS_MAX) };

	fields_fold(&l, table, j);
	if (l.warnings.len)
		log_debug("%s", l.warnings.data);
	buf_done(&l.warnings);
}

static int parse_object(const char *text, const char *what, cJSON **ret, struct err *err)
{
	int r = json_parse(text, strlen(text), ret, err);

	if (r < 0)
		return err_prefix(err, "%s", what);
	if (!cJSON_IsObject(*ret))
		return err_text(err, -EINVAL, "%s: expected an object", what);
	fold(spec_resources_fields, *ret);
	return 0;
}

int spec_resources_merge(const char *stored_text, const char *patch_text, bool swap_apart,
                         char **ret_merged, char **ret_effect, struct err *err)
{
	_cleanup_json_ cJSON *stored = NULL, *patch = NULL, *merged = NULL, *effect = NULL;
	char *a, *b;
	int r = parse_object(stored_text, "stored resources", &stored, err);

	if (r == 0)
		r = parse_object(patch_text, "resources", &patch, err);
	if (r != 0)
		return r;
	drop_unset(stored, patch);
	merged = checked(cJSON_Duplicate(stored, true));
	effect = checked(cJSON_Duplicate(patch, true));
	merge_object(merged, patch);
	replace_devices(merged, patch);
	follow_limit(stored, patch, swap_apart, merged);
	complete(stored, patch, merged, effect);
	a = cJSON_PrintUnformatted(checked(merged));
	b = cJSON_PrintUnformatted(checked(effect));
	if (!a || !b)
		abort();
	*ret_merged = a;
	*ret_effect = b;
	return 0;
}

int spec_resources_text(const char *config, size_t len, char **ret, struct err *err)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *resources;
	int r = json_parse(config, len, &json, err);

	if (r < 0)
		return r;
	fold(spec_top_fields, json);
	resources = json_get(json_get(json, "linux"), "resources");
	*ret = cJSON_IsObject(resources) ? cJSON_PrintUnformatted(resources) : xstrdup("{}");
	if (!*ret)
		abort();
	return 0;
}

int spec_load_resources(const char *text, struct spec_resources *ret, struct err *err)
{
	struct load l = { .err = err, .warnings = BUF_INIT(WARNINGS_MAX) };
	_cleanup_json_ cJSON *json = NULL;
	int r = parse_object(text, "resources", &json, err);

	*ret = (struct spec_resources){ 0 };
	if (r < 0)
		return r;
	spec_knock_out(json, "linux.resources.");
	load_push(&l, "resources");
	r = fields_load(&l, spec_resources_fields, json, ret);
	if (r == 0)
		r = spec_resources_finish(&l, ret);
	ret->present = true;
	buf_done(&l.warnings);
	if (r < 0)
		spec_resources_done(ret);
	return r;
}

void spec_resources_done(struct spec_resources *res)
{
	fields_free(spec_resources_fields, res);
	*res = (struct spec_resources){ 0 };
}
