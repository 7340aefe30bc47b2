/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of properties in one spelling, before a document is walked by its tables.
 *
 * Managers that were written against a decoder which does not mind the case of names have such
 * names in their documents: "CPU", or even "CPU" beside "cpu". They mean here what they mean there.
 * A name that differs from a row of its table in case only becomes the row's. Where that makes two
 * of one name, the later counts; of two objects, each of its members. Names that no table knows
 * (annotations, sysctls, files of cgroups) are values of the user's, and stay as they are.
 *
 * Each change is a warning: it may be a typing error.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "spec/field.h"

static bool other_case(const char *a, const char *b)
{
	return (a[0] | 0x20) == (b[0] | 0x20) && strcasecmp(a, b) == 0;
}

/* The row of a name: its own before one in another case. */
static const struct field *row_of(const struct field *table, const char *name)
{
	for (const struct field *f = table; f->name; f++)
		if (streq(f->name, name))
			return f;
	for (const struct field *f = table; f->name; f++)
		if (other_case(f->name, name))
			return f;
	return NULL;
}

/* A member of that name before `end`; NULL as `end`: any. */
static cJSON *find_before(cJSON *object, const char *name, const cJSON *end)
{
	for (cJSON *c = object->child; c && c != end; c = c->next)
		if (streq(c->string, name))
			return c;
	return NULL;
}

/* Both are in one spelling already, so that equal names are equal properties. Takes `later` over.
 */
static void put_over(cJSON *object, cJSON *earlier, cJSON *later)
{
	cJSON *next;

	if (!cJSON_IsObject(earlier) || !cJSON_IsObject(later)) {
		(void)cJSON_ReplaceItemViaPointer(object, earlier, later);
		return;
	}
	for (cJSON *c = later->child; c; c = next) {
		cJSON *old = find_before(earlier, c->string, NULL);

		next = c->next;
		(void)cJSON_DetachItemViaPointer(later, c);
		if (old)
			put_over(earlier, old, c);
		else
			(void)cJSON_AddItemToArray(earlier, c); /* it has its name */
	}
	cJSON_Delete(later);
}

static void fold_value(struct load *l, const struct field *f, cJSON *value)
{
	const struct field *table = f->inner ? f->inner : f->sub;
	const char *step = f->inner_step ? f->inner_step : f->kind == F_ARRAY ? "[]" : "";
	size_t i = 0;

	if (!table)
		return;
	if (!*step) {
		fields_fold(l, table, value);
		return;
	}
	if (*step == '[' ? !cJSON_IsArray(value) : !cJSON_IsObject(value))
		return;
	for (cJSON *item = value->child; item; item = item->next) {
		size_t mark = *step == '[' ? load_push_index(l, i++) : load_push(l, item->string);

		fields_fold(l, table, item);
		load_pop(l, mark);
	}
}

void fields_fold(struct load *l, const struct field *table, cJSON *object)
{
	cJSON *next;

	if (!cJSON_IsObject(object)) /* reading it will say so */
		return;
	for (cJSON *c = object->child; c; c = next) {
		const struct field *f = row_of(table, c->string);
		cJSON *earlier;
		size_t mark;

		next = c->next;
		if (!f)
			continue;
		if (!streq(c->string, f->name)) {
			load_warn(l, "property \"%s\" is taken for \"%s\"", c->string, f->name);
			memcpy(c->string, f->name, strlen(f->name)); /* of one length */
		}
		mark = load_push(l, f->name);
		fold_value(l, f, c);
		load_pop(l, mark);
		earlier = find_before(object, f->name, c);
		if (!earlier)
			continue;
		load_warn(l, "property \"%s\" is there more than once: what comes later counts",
		          f->name);
		(void)cJSON_DetachItemViaPointer(object, c);
		put_over(object, earlier, c);
	}
}
