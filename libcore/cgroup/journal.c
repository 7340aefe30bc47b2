/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as one JSON object, for the record that is written before anything is made and read by
 * whoever has to clean up. It is our own file, and is checked like anybody's: the paths in it are
 * ones that directories get removed at.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/path.h"
#include "cgroup/systemd.h"

static const struct name_value mode_table[] = {
	{ "none", CG_NONE }, { "v1", CG_V1 }, { "hybrid", CG_HYBRID }, { "v2", CG_V2 }, { 0 },
};

int cg_to_json(const struct cg *cg, struct buf *b)
{
	int r = buf_printf(b, "{\"mode\":\"%s\",\"usable\":%s,\"why\":",
	                   names_name(mode_table, cg->mode), cg->usable ? "true" : "false");

	if (r == 0)
		r = json_str(b, cg->why);
	if (r == 0)
		r = buf_puts(b, ",\"dirs\":[");
	for (size_t i = 0; r == 0 && i < cg->n_dirs; i++) {
		const struct cg_dir *d = &cg->dirs[i];

		r = buf_puts(b, i ? ",{\"name\":" : "{\"name\":");
		if (r == 0)
			r = json_str(b, d->name);
		if (r == 0)
			r = buf_puts(b, ",\"mount\":");
		if (r == 0)
			r = json_str(b, d->mount);
		if (r == 0)
			r = buf_puts(b, ",\"path\":");
		if (r == 0)
			r = json_str(b, d->path);
		if (r == 0)
			r = buf_printf(b, ",\"v2\":%s,\"ours\":%u}", d->v2 ? "true" : "false",
			               d->ours);
	}
	if (r == 0)
		r = buf_puts(b, "]");
	if (r == 0 && cg->unit) {
		r = buf_puts(b, ",\"unit\":{\"name\":");
		if (r == 0)
			r = json_str(b, cg->unit->name);
		if (r == 0)
			r = buf_printf(b, ",\"user\":%s}", cg->unit->user ? "true" : "false");
	}
	return r < 0 ? r : buf_puts(b, "}");
}

/* Absolute, and as path_clean would leave it. */
static bool is_clean(const char *path)
{
	_cleanup_free_ char *clean = NULL;

	if (!path || path[0] != '/' || path_has_dotdot(path))
		return false;
	clean = path_clean(path);
	return streq(clean, path);
}

static int dir_from_json(const cJSON *j, struct cg *cg, struct err *err)
{
	const char *name = json_get_str(j, "name", NULL);
	const char *mount = json_get_str(j, "mount", NULL);
	const char *path = json_get_str(j, "path", NULL);
	bool v2 = json_get_bool(j, "v2", false);
	int64_t ours = json_get_int(j, "ours", -1);

	if (!name || !is_clean(mount) || !is_clean(path) || streq(path, "/") || ours < 0 ||
	    ours > cg_path_depth(path) || (*name == '\0') != v2 || cg->n_dirs >= CG_DIRS_MAX)
		return err_text(err, -EBADMSG, "cgroup record: directory %zu is damaged",
		                cg->n_dirs);
	cg->dirs = xreallocarray(cg->dirs, cg->n_dirs + 1, sizeof(*cg->dirs));
	cg->dirs[cg->n_dirs++] = (struct cg_dir){
		.name = xstrdup(name),
		.mount = xstrdup(mount),
		.path = xstrdup(path),
		.v2 = v2,
		.ours = (unsigned int)ours,
	};
	return 0;
}

static int unit_from_json(const cJSON *j, struct cg *cg, struct err *err)
{
	const cJSON *unit = json_get(j, "unit");
	const char *name = json_get_str(unit, "name", "");

	if (!unit)
		return 0;
	if (!cg_unit_valid(name))
		return err_text(err, -EBADMSG, "cgroup record: its unit is damaged");
	cg->unit = xcalloc(1, sizeof(*cg->unit));
	cg->unit->name = xstrdup(name);
	cg->unit->user = json_get_bool(unit, "user", false);
	cg->unit->started = true;
	return 0;
}

int cg_from_json(const cJSON *j, struct cg **ret, struct err *err)
{
	const cJSON *dirs = json_get(j, "dirs"), *item;
	const char *mode_name = json_get_str(j, "mode", "");
	int64_t mode;
	struct cg *cg;
	int r;

	if (!cJSON_IsObject(j) || !cJSON_IsArray(dirs) ||
	    names_value(mode_table, mode_name, &mode) < 0)
		return err_text(err, -EBADMSG, "cgroup record: damaged");
	cg = xcalloc(1, sizeof(*cg));
	cg->mode = (enum cg_mode)mode;
	cg->usable = json_get_bool(j, "usable", false);
	snprintf(cg->why, sizeof(cg->why), "%.*s", (int)sizeof(cg->why) - 1,
	         json_get_str(j, "why", ""));
	r = unit_from_json(j, cg, err);
	cJSON_ArrayForEach (item, dirs) {
		if (r == 0)
			r = dir_from_json(item, cg, err);
	}
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}
