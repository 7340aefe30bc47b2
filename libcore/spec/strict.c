/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --strict: nothing of a document is ignored, guessed or made weaker.
 *
 * The specification has unknown properties ignored, and managers count on being let through with a
 * warning in some other places. Who writes the documents himself may rather want to know: in this
 * mode each warning of the loader is the error, and so is a property that no table has a row for.
 * What is checked is the text that was loaded, a second time; nothing that is accepted otherwise
 * becomes different by it.
 */
#include <errno.h>
#include <string.h>

#include <seccomp.h>

#include "base/json.h"
#include "base/mem.h"
#include "spec/parts.h"

#define WARNINGS_MAX 65536

/* The first line of the warnings: one is enough to refuse by. */
static int refuse_warning(const char *warnings, struct err *err)
{
	return err_text(err, -EINVAL, "%.*s (refused by --strict)", (int)strcspn(warnings, "\n"),
	                warnings);
}

static const struct field *row_of(const struct load *l, const struct field *table, const char *name)
{
	for (const struct field *f = table; f->name; f++) {
		if (strcmp(f->name, name) == 0 && (l->early || !f->early))
			return f;
	}
	return NULL;
}

static int check_object(struct load *l, const struct field *table, const cJSON *object);

/* What stands below a row: an object, or the elements or members of one that are objects. */
static int check_value(struct load *l, const struct field *f, const cJSON *value)
{
	const struct field *table = f->inner ? f->inner : f->sub;
	const char *step = f->inner_step ? f->inner_step : f->kind == F_ARRAY ? "[]" : "";
	const cJSON *item;
	size_t i = 0;
	int r = 0;

	if (!table)
		return 0;
	if (!*step)
		return check_object(l, table, value);
	cJSON_ArrayForEach (item, value) {
		size_t mark = *step == '[' ? load_push_index(l, i++) : load_push(l, item->string);

		r = check_object(l, table, item);
		if (r < 0)
			return r;
		load_pop(l, mark);
	}
	return r;
}

static int check_object(struct load *l, const struct field *table, const cJSON *object)
{
	const cJSON *item;

	if (!cJSON_IsObject(object)) /* null, or a form of the early format */
		return 0;
	cJSON_ArrayForEach (item, object) {
		const struct field *f = row_of(l, table, item->string);
		size_t mark;
		int r;

		if (!f)
			return load_fail_at(l, item->string,
			                    "unknown property, or one of another platform "
			                    "(refused by --strict)");
		mark = load_push(l, f->name);
		r = check_value(l, f, item);
		if (r < 0)
			return r;
		load_pop(l, mark);
	}
	return 0;
}

/* Filters leave out the names that libseccomp does not know: a rule less than was asked for. */
static int check_syscalls(const struct spec_seccomp *seccomp, struct err *err)
{
	for (size_t i = 0; i < seccomp->n_rules; i++) {
		char **names = seccomp->rules[i].names;

		for (size_t k = 0; names && names[k]; k++) {
			if (seccomp_syscall_resolve_name(names[k]) == __NR_SCMP_ERROR)
				return err_text(err, -EINVAL,
				                "linux.seccomp.syscalls[%zu].names[%zu]: unknown "
				                "system call \"%.100s\" (refused by --strict)",
				                i, k, names[k]);
		}
	}
	return 0;
}

int spec_strict(const struct spec *spec, struct err *err)
{
	struct load l = { .err = err, .early = spec->early_format, .bundle = spec->bundle };
	_cleanup_json_ cJSON *json = NULL;
	int r;

	if (spec->warnings)
		return refuse_warning(spec->warnings, err);
	r = json_parse(spec->text, spec->text_len, &json, err);
	if (r == 0)
		r = check_object(&l, spec_top_fields, json);
	return r == 0 ? check_syscalls(&spec->linux_.seccomp, err) : r;
}

/*
 * Loaded once more for its warnings alone: whoever asks has loaded it, so what else may be wrong
 * with it has been said.
 */
static int warnings_of(const struct field *table, const char *path, cJSON *json, void *base,
                       int (*finish)(struct load *, void *), struct err *err)
{
	struct load l = { .warnings = BUF_INIT(WARNINGS_MAX), .err = err };
	int r;

	load_push(&l, path);
	fields_fold(&l, table, json);
	r = fields_load(&l, table, json, base);
	if (r == 0)
		r = finish(&l, base);
	if (r == 0 && l.warnings.len)
		r = refuse_warning(l.warnings.data, err);
	buf_done(&l.warnings);
	return r;
}

/* A document that is no config.json. whole: empty, and the caller's to clear. */
static int check_part(const char *text, size_t len, const char *path, const struct field *table,
                      void *whole, int (*finish)(struct load *, void *), struct err *err)
{
	struct load l = { .err = err };
	_cleanup_json_ cJSON *json = NULL;
	int r = json_parse(text, len, &json, err);

	if (r == 0)
		r = warnings_of(table, path, json, whole, finish, err);
	load_push(&l, path);
	return r == 0 ? check_object(&l, table, json) : r;
}

int spec_strict_process(const char *text, size_t len, struct err *err)
{
	struct spec_process process = { 0 };
	int r = check_part(text, len, "process", spec_process_fields, &process, spec_process_finish,
	                   err);

	spec_process_done(&process);
	return r;
}

int spec_strict_resources(const char *text, size_t len, struct err *err)
{
	struct spec_resources resources = { 0 };
	int r = check_part(text, len, "resources", spec_resources_fields, &resources,
	                   spec_resources_finish, err);

	spec_resources_done(&resources);
	return r;
}
