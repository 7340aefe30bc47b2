/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a container's unit: its name, where its cgroup will be, its properties. Pure.
 *
 * systemd puts the cgroup of a unit below that of its slice, and a slice's place follows from its
 * name: a dash goes one level down, so that a-b.slice is /a.slice/a-b.slice. That makes the path
 * known before the unit is there, and it can be journalled.
 */
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#define UNIT_CHARS                                     \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr" \
	"stuvwxyz0123456789:-_.\\"
#define ANNOTATION_PREFIX "org.systemd.property."

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && streq(s + n - m, end);
}

bool cg_unit_valid(const char *name)
{
	return (ends_with(name, ".scope") || ends_with(name, ".slice")) &&
	       strspn(name, UNIT_CHARS) == strlen(name) && strlen(name) <= CG_UNIT_NAME_MAX &&
	       name[0] != '.';
}

char *cg_unit_escape(const char *s)
{
	_cleanup_free_ char *out = xcalloc(4 * strlen(s) + 1, 1);
	char *to = out;

	for (const char *p = s; *p; p++) {
		/* The dash stays as it is: in a scope's name it has no meaning of its own. */
		if (*p != '\\' && strchr(UNIT_CHARS, *p) && !(p == s && *p == '.'))
			*to++ = *p;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*p);
	}
	return take_ptr(out);
}

int cg_slice_path(const char *slice, char **ret, struct err *err)
{
	_cleanup_free_ char *name = NULL, *path = NULL;

	if (!ends_with(slice, ".slice") || !cg_unit_valid(slice))
		return err_text(err, -EINVAL, "invalid slice name: %.128s", slice);
	path = xstrdup("/");
	if (streq(slice, "-.slice")) {
		*ret = take_ptr(path);
		return 0;
	}
	name = xstrndup(slice, strlen(slice) - strlen(".slice"));
	for (size_t end = 0;; end++) {
		_cleanup_free_ char *up = take_ptr(path), *level = NULL;
		size_t n = strcspn(name + end, "-");

		if (n == 0)
			return err_text(err, -EINVAL, "invalid slice name: %.128s", slice);
		end += n;
		level = xasprintf("%.*s.slice", (int)end, name);
		path = path_join(up, level);
		if (name[end] == '\0')
			break;
	}
	*ret = take_ptr(path);
	return 0;
}

/* "slice:prefix:name" into three; false: not of that form. */
static bool split(const char *path, char **ret)
{
	for (int i = 0; i < 3; i++) {
		size_t n = strcspn(path, ":");

		if ((path[n] == ':') != (i < 2))
			return false;
		ret[i] = xstrndup(path, n);
		path += n + 1;
	}
	return *ret[2] != '\0';
}

static int names(const struct cg_request *req, char **part, char **ret_unit, char **ret_slice,
                 struct err *err)
{
	const char *path = req->cgroups_path;

	if (!path || !*path) {
		part[0] = xstrdup("");
		part[1] = xstrdup(req->unit_prefix ? req->unit_prefix : CG_UNIT_PREFIX);
		part[2] = cg_unit_escape(req->id);
	} else if (!split(path, part)) {
		return err_text(err, -EINVAL,
		                "linux.cgroupsPath: expected cgroupsPath to be of format "
		                "\"slice:prefix:name\" for systemd cgroups, got \"%.200s\" instead",
		                path);
	}
	if (*part[0] == '\0')
		*ret_slice = xstrdup(req->rootless ? "user.slice" : "system.slice");
	else
		*ret_slice = xstrdup(part[0]);
	if (ends_with(part[2], ".slice"))
		*ret_unit = xstrdup(part[2]);
	else
		*ret_unit = xasprintf("%s%s%s.scope", part[1], *part[1] ? "-" : "", part[2]);
	if (!cg_unit_valid(*ret_unit))
		return err_text(err, -EINVAL,
		                "linux.cgroupsPath: \"%.300s\" is no name of a systemd unit",
		                *ret_unit);
	return 0;
}

int cg_unit_names(const struct cg_request *req, char **ret_unit, char **ret_slice, char **ret_path,
                  struct err *err)
{
	char *part[3] = { NULL, NULL, NULL };
	_cleanup_free_ char *unit = NULL, *slice = NULL, *path = NULL;
	int r = names(req, part, &unit, &slice, err);

	for (int i = 0; i < 3; i++)
		free(part[i]);
	if (r == 0)
		r = cg_slice_path(slice, &path, err);
	if (r < 0)
		return r;
	if (ends_with(unit, ".slice")) {
		free(take_ptr(path));
		r = cg_slice_path(unit, &path, err);
		if (r < 0)
			return r;
	} else {
		char *up = take_ptr(path);

		path = path_join(up, unit);
		free(up);
	}
	if (streq(path, "/"))
		return err_text(
		    err, -EINVAL,
		    "linux.cgroupsPath: the root slice can't be a container's own unit");
	*ret_unit = take_ptr(unit);
	*ret_slice = take_ptr(slice);
	*ret_path = take_ptr(path);
	return 0;
}

static void put_basics(const struct cg_request *req, const char *slice, bool v2,
                       struct cg_unit *unit)
{
	struct cg_properties *p = &unit->properties;
	_cleanup_free_ char *text =
	    xasprintf("%s container %s", req->unit_prefix ? "shim of" : "berth", req->id);

	cg_property_word(p, "Description", "s", text);
	if (unit->slice) {
		cg_property_word(p, "Wants", "as", slice);
	} else {
		cg_property_word(p, "Slice", "s", slice);
		cg_property_number(p, "Delegate", 'b', 1);
	}
	cg_property_number(p, "DefaultDependencies", 'b', 0);
	/* A container's scope that failed says why until it is deleted. */
	if (unit->slice || req->unit_prefix) {
		cg_property_word(p, "CollectMode", "s", "inactive-or-failed");
		p->list[p->n - 1].optional = true; /* 236 */
	}
	cg_property_number(p, "MemoryAccounting", 'b', 1);
	cg_property_number(p, "CPUAccounting", 'b', 1);
	cg_property_number(p, v2 ? "IOAccounting" : "BlockIOAccounting", 'b', 1);
	cg_property_number(p, "TasksAccounting", 'b', 1);
	for (size_t i = p->n - 4; i < p->n; i++)
		p->list[i].optional = true; /* 258 has no CPUAccounting */
}

static int put_annotations(const struct cg_request *req, struct cg_properties *p, struct err *err)
{
	for (size_t i = 0; i < req->n_annotations; i++) {
		const struct spec_kv *kv = &req->annotations[i];
		int r;

		if (strncmp(kv->key, ANNOTATION_PREFIX, strlen(ANNOTATION_PREFIX)) != 0)
			continue;
		r = cg_property_annotation(kv->key + strlen(ANNOTATION_PREFIX), kv->value, p, err);
		if (r < 0)
			return err_prefix(err, "annotation \"%.200s\"", kv->key);
	}
	return 0;
}

int cg_unit_plan(const struct cg_request *req, bool v2, struct cg_unit **ret, char **ret_path,
                 struct err *err)
{
	_cleanup_free_ char *slice = NULL, *path = NULL;
	struct cg_unit *unit = xcalloc(1, sizeof(*unit));
	int r = cg_unit_names(req, &unit->name, &slice, &path, err);

	if (r == 0) {
		unit->user = req->user_manager;
		unit->slice = ends_with(unit->name, ".slice");
		put_basics(req, slice, v2, unit);
		if (req->resources && req->resources->present)
			r = cg_properties_limits(req->resources, v2, &unit->properties, err);
		if (r == 0 && req->resources && !req->rootless)
			cg_properties_devices(req->resources, &unit->properties);
	}
	if (r == 0)
		r = put_annotations(req, &unit->properties, err);
	if (r < 0) {
		cg_unit_free(unit);
		return r;
	}
	*ret = unit;
	*ret_path = take_ptr(path);
	return 0;
}

struct cg_unit *cg_unit_copy(const struct cg_unit *unit)
{
	struct cg_unit *copy = unit ? xcalloc(1, sizeof(*copy)) : NULL;

	if (copy) {
		copy->name = xstrdup(unit->name);
		copy->user = unit->user;
		copy->started = unit->started;
	}
	return copy;
}

void cg_unit_free(struct cg_unit *unit)
{
	if (!unit)
		return;
	cg_properties_done(&unit->properties);
	free(unit->name);
	free(unit);
}
