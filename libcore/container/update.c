/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New limits for a container that exists. resources.json in its directory holds linux.resources as
 * they are now, whole; config.json stays the bytes that the container was created from. The limits
 * are written first and recorded after: a crash in between leaves limits that the record does not
 * know of, and the next update writes them again.
 */
#include "container/internal.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define RESOURCES_FILE "resources.json"

/* linux.resources in force, as JSON text. */
static int stored_resources(const struct ctr *ctr, char **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read_at(ctr->dir_fd, RESOURCES_FILE, SPEC_FILE_MAX, ret, NULL);

	if (r == 0)
		return 0;
	if (r == -ENOENT)
		r = file_read_at(ctr->dir_fd, "config.json", SPEC_FILE_MAX, &text, &len);
	if (r < 0)
		return err_set(err, r, "read the resources of container \"%s\"", ctr->id);
	return spec_resources_text(text, len, ret, err);
}

int update_overlay(const struct ctr *ctr, struct spec *spec, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct spec_resources res;
	int r = file_read_at(ctr->dir_fd, RESOURCES_FILE, SPEC_FILE_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "read \"" RESOURCES_FILE "\" of container \"%s\"", ctr->id);
	r = spec_load_resources(text, &res, err);
	if (r < 0)
		return err_prefix(err, "\"" RESOURCES_FILE "\" of container \"%s\"", ctr->id);
	spec_resources_done(&spec->linux_.resources);
	spec->linux_.resources = res;
	return 0;
}

/* Both documents are checked in full before the first write. */
static int load_both(const char *merged, const char *effect, struct spec_resources *ret,
                     struct err *err)
{
	struct spec_resources whole;
	int r = spec_load_resources(merged, &whole, err);

	if (r < 0)
		return r;
	spec_resources_done(&whole);
	return spec_load_resources(effect, ret, err);
}

static bool swap_is_apart(const struct ctr *ctr)
{
	return ctr->cgroup && ctr->cgroup->mode == CG_V2;
}

int ctr_update(struct ctr *ctr, const char *patch, struct err *err)
{
	_cleanup_free_ char *stored = NULL, *merged = NULL, *effect = NULL;
	struct cg none = { .usable = false };
	struct spec_resources res;
	int r;

	if (ctr_status(ctr) == CTR_STOPPED)
		return err_text(err, -ESRCH, "container not running: no such process");
	r = stored_resources(ctr, &stored, err);
	if (r == 0)
		r = spec_resources_merge(stored, patch, swap_is_apart(ctr), &merged, &effect, err);
	if (r == 0)
		r = load_both(merged, effect, &res, err);
	if (r < 0)
		return r;
	r = cg_update(ctr->cgroup ? ctr->cgroup : &none, &res, err);
	spec_resources_done(&res);
	if (r < 0 || !merged) /* never the latter */
		return r;
	r = file_replace_at(ctr->dir_fd, RESOURCES_FILE, merged, strlen(merged), 0600, false);
	return r < 0 ? err_set(err, r, "record the resources of container \"%s\"", ctr->id) : 0;
}
