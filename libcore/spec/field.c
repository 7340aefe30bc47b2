/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker of the field tables: see field.h.
 *
 * A JSON null counts as absent for strings, arrays and objects, since managers written in Go send
 * it for an unset slice or pointer. For numbers and booleans it is an error: there it can only come
 * from a mistake, and taking it for 0 would make "uid": null root.
 */
#include "spec/field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"

/* Plain copies: this runs for every property of every document, long before any message is due. */
static void path_add(struct load *l, const char *text)
{
	size_t room = sizeof(l->path) - 1 - l->path_len, len = strlen(text);

	if (len > room)
		len = room; /* cut: the beginning is what helps to find the place */
	memcpy(l->path + l->path_len, text, len);
	l->path_len += len;
	l->path[l->path_len] = '\0';
}

size_t load_push(struct load *l, const char *name)
{
	size_t mark = l->path_len;

	if (mark)
		path_add(l, ".");
	path_add(l, name);
	return mark;
}

size_t load_push_index(struct load *l, size_t i)
{
	char digits[24], *p = digits + sizeof(digits);
	size_t mark = l->path_len;

	*--p = '\0';
	*--p = ']';
	do {
		*--p = (char)('0' + i % 10);
	} while ((i /= 10));
	*--p = '[';
	path_add(l, p);
	return mark;
}

void load_pop(struct load *l, size_t mark)
{
	l->path_len = mark;
	l->path[mark] = '\0';
}

static void fail_v(struct load *l, int code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void fail_v(struct load *l, int code, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	err_text(l->err, code, "%s%s%s", l->path, l->path_len ? ": " : "", text);
}

int load_fail(struct load *l, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_v(l, code, fmt, ap);
	va_end(ap);
	return code;
}

int load_fail_at(struct load *l, const char *name, const char *fmt, ...)
{
	size_t mark = load_push(l, name);
	va_list ap;

	va_start(ap, fmt);
	fail_v(l, -EINVAL, fmt, ap);
	va_end(ap);
	load_pop(l, mark);
	return -EINVAL;
}

void load_warn(struct load *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?'; /* a line feed separates warnings */
	}
	/* A document can earn any number of warnings: those beyond the buffer's maximum are lost.
	 */
	buf_printf(&l->warnings, "%s%s%s%s", l->warnings.len ? "\n" : "", l->path,
	           l->path_len ? ": " : "", text);
}

const cJSON *field_member(const cJSON *object, const char *name)
{
	const cJSON *j;

	cJSON_ArrayForEach (j, object) {
		if (streq(j->string, name))
			return j;
	}
	return NULL;
}

/*
 * Strings.
 */

int field_string(struct load *l, const cJSON *j, const char **ret)
{
	*ret = "";
	if (!json_is_string(j))
		return load_fail(l, -EINVAL, "expected a string");
	*ret = j->valuestring;
	return 0;
}

/* Appended one by one: base/strv.h grows a vector in O(log n) per string. */
int field_strv(struct load *l, const cJSON *j, char ***ret)
{
	const cJSON *item;
	size_t i = 0;

	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array of strings");
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push_index(l, i++);
		const char *s;
		int r = field_string(l, item, &s);

		if (r < 0)
			return r;
		strv_add(ret, s);
		load_pop(l, mark);
	}
	return 0;
}

int field_name(struct load *l, const cJSON *j, const struct name_value *table, const char *what,
               int64_t *ret)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (names_value(table, s, ret) < 0)
		return load_fail(l, -EINVAL, "unknown %s \"%.100s\"", what, s);
	return 0;
}

int field_flags(struct load *l, const cJSON *j, const struct name_value *table, const char *what,
                uint64_t *ret)
{
	const cJSON *item;
	size_t i = 0;

	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array of strings");
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push_index(l, i++);
		int64_t v;
		int r = field_name(l, item, table, what, &v);

		if (r < 0)
			return r;
		*ret |= (uint64_t)v;
		load_pop(l, mark);
	}
	return 0;
}

/*
 * Empty and absent are one thing to most consumers, and to managers that write every field of their
 * own structs; only where the spec requires a value is the difference an error of its own.
 */
static int load_string(struct load *l, const struct field *f, const cJSON *j, char **member)
{
	const char *s;
	int r = field_string(l, j, &s);

	if (r < 0)
		return r;
	if (!*s && f->required)
		return load_fail(l, -EINVAL, "must not be empty");
	free(*member);
	*member = *s ? xstrdup(s) : NULL;
	return 0;
}

/*
 * Numbers.
 */

/* Both ends are part of the message, so that the reader needs no manual to mend the document. */
static int load_unsigned(struct load *l, const struct field *f, const cJSON *j, uint64_t *ret)
{
	uint64_t min = f->min > 0 ? (uint64_t)f->min : 0;
	int r = json_uint64(j, ret);

	if (r == 0 && *ret >= min && *ret <= f->max)
		return 0;
	if (r < 0 && r != -ERANGE)
		return load_fail(l, -EINVAL, "expected an integer");
	return load_fail(l, -EINVAL, "out of range %" PRIu64 "..%" PRIu64, min, f->max);
}

static int load_signed(struct load *l, const struct field *f, const cJSON *j, int64_t *ret)
{
	int64_t max = f->max > INT64_MAX ? INT64_MAX : (int64_t)f->max;
	int r = json_int64(j, ret);

	if (r == 0 && *ret >= f->min && *ret <= max)
		return 0;
	if (r < 0 && r != -ERANGE)
		return load_fail(l, -EINVAL, "expected an integer");
	return load_fail(l, -EINVAL, "out of range %" PRId64 "..%" PRId64, f->min, max);
}

/* One width per kind: the table has already limited the value to what the member can hold. */
static int load_number(struct load *l, const struct field *f, const cJSON *j, void *member)
{
	uint64_t u = 0;
	int64_t i = 0;
	bool is_signed = f->kind == F_I64 || f->kind == F_OPT_I64;
	int r = is_signed ? load_signed(l, f, j, &i) : load_unsigned(l, f, j, &u);

	if (r < 0)
		return r;
	switch (f->kind) {
	case F_U16:
		*(uint16_t *)member = (uint16_t)u;
		break;
	case F_U32:
		*(uint32_t *)member = (uint32_t)u;
		break;
	case F_U64:
		*(uint64_t *)member = u;
		break;
	case F_I64:
		*(int64_t *)member = i;
		break;
	case F_OPT_U64:
		*(struct opt_u64 *)member = (struct opt_u64){ .set = true, .v = u };
		break;
	default:
		*(struct opt_i64 *)member = (struct opt_i64){ .set = true, .v = i };
		break;
	}
	return 0;
}

static int load_bool(struct load *l, const struct field *f, const cJSON *j, void *member)
{
	bool v = cJSON_IsTrue(j);

	if (!cJSON_IsBool(j))
		return load_fail(l, -EINVAL, "expected true or false");
	if (f->kind == F_BOOL)
		*(bool *)member = v;
	else
		*(struct opt_bool *)member = (struct opt_bool){ .set = true, .v = v };
	return 0;
}

/*
 * Containers.
 */

/* The table knows the members, finish() what holds between them. */
static int load_object(struct load *l, const struct field *f, const cJSON *j, void *object)
{
	int r;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	r = fields_load(l, f->sub, j, object);
	if (r < 0)
		return r;
	return f->finish ? f->finish(l, object) : 0;
}

/* Array pointers differ in type from row to row, so they are read and written as bytes. */
static void *get_pointer(const struct field *f, const void *base)
{
	void *p;

	memcpy(&p, (const char *)base + f->offset, sizeof(p));
	return p;
}

static void set_pointer(const struct field *f, void *base, void *p)
{
	memcpy((char *)base + f->offset, &p, sizeof(p));
}

static int load_array(struct load *l, const struct field *f, const cJSON *j, void *base)
{
	size_t count = (size_t)cJSON_GetArraySize(j), i = 0;
	const cJSON *item;
	char *items;

	if (!cJSON_IsArray(j))
		return load_fail(l, -EINVAL, "expected an array");
	if (f->max && count > f->max)
		return load_fail(l, -EINVAL, "more than %" PRIu64 " entries", f->max);
	/* An alias of the early format may follow the proper name: the first one wins. */
	if (count == 0 || get_pointer(f, base))
		return 0;
	/* Zeroed and counted at once, so that freeing after a failure in the middle is safe. */
	items = xcalloc(count, f->elem_size);
	set_pointer(f, base, items);
	*(size_t *)((char *)base + f->n_offset) = count;
	cJSON_ArrayForEach (item, j) {
		size_t mark = load_push_index(l, i);
		char *elem = items + i++ * f->elem_size;
		int r = f->parse ? f->parse(l, item, elem) : load_object(l, f, item, elem);

		if (r < 0)
			return r;
		load_pop(l, mark);
	}
	return 0;
}

/*
 * Keys may be anything but empty (config.md, "Annotations"); that none is there twice is the
 * parser's doing. Entries are counted as they are completed, so a failure frees exactly those.
 */
static int load_map(struct load *l, const struct field *f, const cJSON *j, void *base)
{
	struct spec_kv **items = (struct spec_kv **)((char *)base + f->offset);
	size_t *n = (size_t *)((char *)base + f->n_offset);
	size_t count = (size_t)cJSON_GetArraySize(j);
	const cJSON *item;

	if (!cJSON_IsObject(j))
		return load_fail(l, -EINVAL, "expected an object");
	if (count == 0)
		return 0;
	*items = xcalloc(count, sizeof(**items));
	cJSON_ArrayForEach (item, j) {
		const char *s;
		size_t mark;
		int r;

		if (!*item->string)
			return load_fail(l, -EINVAL, "empty key");
		mark = load_push(l, item->string);
		r = field_string(l, item, &s);
		if (r < 0)
			return r;
		(*items)[*n].key = xstrdup(item->string);
		(*items)[*n].value = xstrdup(s);
		(*n)++;
		load_pop(l, mark);
	}
	return 0;
}

/* What a refused field may hold. Nothing asked for: "", [], {}, null, or an object or array of
 * nothing but such. */
static bool is_empty(const cJSON *j)
{
	const cJSON *item;

	if (cJSON_IsNull(j))
		return true;
	if (cJSON_IsString(j))
		return !j->valuestring || !*j->valuestring;
	if (!cJSON_IsArray(j) && !cJSON_IsObject(j))
		return false;
	cJSON_ArrayForEach (item, j) {
		if (!is_empty(item))
			return false;
	}
	return true;
}

/* base is the struct that the table describes, j a value that is present. */
static int load_field(struct load *l, const struct field *f, const cJSON *j, void *base)
{
	void *member = (char *)base + f->offset;

	if (f->present_1)
		*((bool *)base + f->present_1 - 1) = true;
	l->early_seen |= f->early;
	switch (f->kind) {
	case F_BOOL:
	case F_OPT_BOOL:
		return load_bool(l, f, j, member);
	case F_U16:
	case F_U32:
	case F_U64:
	case F_I64:
	case F_OPT_U64:
	case F_OPT_I64:
		return load_number(l, f, j, member);
	case F_STRING:
		return load_string(l, f, j, member);
	case F_STRV:
		return field_strv(l, j, member);
	case F_OBJECT:
		return load_object(l, f, j, member);
	case F_ARRAY:
		return load_array(l, f, j, base);
	case F_MAP:
		return load_map(l, f, j, base);
	case F_CUSTOM:
		return f->parse(l, j, member);
	case F_REFUSED:
		return is_empty(j) ? 0 : load_fail(l, -EOPNOTSUPP, "not supported yet");
	}
	return -EINVAL;
}

/*
 * Rows are walked in the order of the table, not of the document: what is reported first does not
 * depend on how a document was written, and a row may rely on those above it.
 */
int fields_load(struct load *l, const struct field *table, const cJSON *object, void *base)
{
	for (const struct field *f = table; f->name; f++) {
		const cJSON *j = f->early && !l->early ? NULL : field_member(object, f->name);
		size_t mark;
		int r;

		if (j && cJSON_IsNull(j) && f->kind >= F_STRING &&
		    !f->scalar) /* see the head of the file */
			j = NULL;
		if (!j && !f->required)
			continue;
		mark = load_push(l, f->name);
		r = j ? load_field(l, f, j, base)
		      : load_fail(l, -EINVAL, "required property is missing");
		if (r < 0)
			return r;
		load_pop(l, mark);
	}
	return 0;
}

static void free_array(const struct field *f, void *base)
{
	char *items = get_pointer(f, base);
	size_t *n = (size_t *)((char *)base + f->n_offset);

	for (size_t i = 0; f->sub && i < *n; i++)
		fields_free(f->sub, items + i * f->elem_size);
	free(items);
	set_pointer(f, base, NULL);
	*n = 0;
}

static void free_map(const struct field *f, void *base)
{
	struct spec_kv **items = (struct spec_kv **)((char *)base + f->offset);
	size_t *n = (size_t *)((char *)base + f->n_offset);

	for (size_t i = 0; i < *n; i++) {
		free((*items)[i].key);
		free((*items)[i].value);
	}
	free(*items);
	*items = NULL;
	*n = 0;
}

/* The mirror of load_field(): kinds that own nothing have no branch. */
void fields_free(const struct field *table, void *base)
{
	for (const struct field *f = table; f->name; f++) {
		void *member = (char *)base + f->offset;

		if (f->kind == F_STRING) {
			free(*(char **)member);
			*(char **)member = NULL;
		} else if (f->kind == F_STRV) {
			strv_free_ptr(member);
		} else if (f->kind == F_OBJECT) {
			fields_free(f->sub, member);
		} else if (f->kind == F_ARRAY) {
			free_array(f, base);
		} else if (f->kind == F_MAP) {
			free_map(f, base);
		} else if (f->kind == F_CUSTOM && f->release) {
			f->release(member);
		}
	}
}
