/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a container's cgroup goes.
 *
 * cg_place is the decision: pure given the host and one question (may we create below this path).
 * cg_plan adds what only the file system knows: which levels exist already, and that nobody lives
 * in the leaf. Nothing is made here; the result is journalled first and created after.
 *
 * Invariants of every path in a plan: absolute below the mount point, cleaned, no "..", no control
 * character, never the root of a hierarchy, never our own cgroup or one that contains it.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroup/systemd.h"

#define NO_PERMISSION \
	"rootless needs no limits + no cgrouppath when no permission is granted for cgroups"

unsigned int cg_path_depth(const char *path)
{
	unsigned int n = 0;

	while (*(path += strspn(path, "/"))) {
		path += strcspn(path, "/");
		n++;
	}
	return n;
}

int cg_path_check(const char *path, char **ret, struct err *err)
{
	_cleanup_free_ char *clean = NULL;

	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_text(err, -EINVAL,
			                "linux.cgroupsPath: control character at offset %zu",
			                (size_t)(p - path));
	if (path_has_dotdot(path))
		return err_text(err, -EINVAL, "linux.cgroupsPath \"%.200s\": \"..\" is not allowed",
		                path);
	if (strlen(path) >= PATH_MAX / 2)
		return err_set(err, -ENAMETOOLONG, "linux.cgroupsPath \"%.80s...\"", path);
	for (const char *p = path; *(p += strspn(p, "/")); p += strcspn(p, "/"))
		if (strcspn(p, "/") > NAME_MAX)
			return err_set(err, -ENAMETOOLONG, "linux.cgroupsPath \"%.80s...\"", path);
	clean = path_clean(path);
	if (streq(clean, "/") || streq(clean, "."))
		return err_text(
		    err, -EINVAL,
		    "linux.cgroupsPath \"%.200s\": the root cgroup can't be a container's", path);
	*ret = take_ptr(clean);
	return 0;
}

/* The highest of our own cgroup and its ancestors that we may create in; NULL: none. */
static char *highest_writable(const struct cg_hier *h, cg_may_write_fn *may_write, void *ctx)
{
	_cleanup_free_ char *own = cg_hier_own(h);
	size_t end = 0;

	if (!own)
		return NULL;
	if (may_write(h, "/", ctx))
		return xstrdup("/");
	while (own[end]) {
		_cleanup_free_ char *prefix = NULL;

		end++; /* the slash */
		end += strcspn(own + end, "/");
		prefix = xstrndup(own, end);
		if (!streq(prefix, "/") && may_write(h, prefix, ctx))
			return take_ptr(prefix);
	}
	return NULL;
}

static char *base_of(const struct cg_hier *h, const struct cg_request *req,
                     cg_may_write_fn *may_write, void *ctx)
{
	if (req->below_own)
		return cg_hier_own(h);
	if (req->rootless)
		return highest_writable(h, may_write, ctx);
	return xstrdup("/");
}

int cg_refuse_own(const struct cg_hier *h, const char *path, struct err *err)
{
	_cleanup_free_ char *own = cg_hier_own(h);

	if (own && path_is_under(own, path))
		return err_text(err, -EBUSY,
		                "cgroup %s%s: is the caller's own cgroup or contains it", h->mount,
		                path);
	return 0;
}

static int unusable(struct cg *cg, int code, const char *why, struct err *err)
{
	if (!cg->optional)
		return err_set(err, code, "unable to apply cgroup configuration: %s", why);
	cg->usable = false;
	snprintf(cg->why, sizeof(cg->why), "%s", why);
	return 0;
}

void cg_add_dir(struct cg *cg, const struct cg_hier *h, char *path, unsigned int ours)
{
	cg->dirs = xreallocarray(cg->dirs, cg->n_dirs + 1, sizeof(*cg->dirs));
	cg->dirs[cg->n_dirs++] = (struct cg_dir){
		.name = xstrdup(h->name),
		.mount = xstrdup(h->mount),
		.path = path,
		.v2 = h->v2,
		.ours = ours,
	};
}

/* One hierarchy. 0 and *ret NULL: none of it is open to us. */
static int place_in(const struct cg_hier *h, const struct cg_request *req, const char *parent,
                    const char *explicit, cg_may_write_fn *may_write, void *ctx, char **ret,
                    struct err *err)
{
	_cleanup_free_ char *base = NULL, *path = NULL;
	int r;

	*ret = NULL;
	if (explicit && explicit[0] == '/') {
		path = xstrdup(explicit);
	} else {
		base = base_of(h, req, may_write, ctx);
		if (!base)
			return 0;
		if (explicit) {
			path = path_join(base, explicit);
		} else {
			_cleanup_free_ char *up = path_join(base, parent);

			path = path_join(up, req->id);
		}
	}
	r = cg_refuse_own(h, path, err);
	if (r == 0)
		*ret = take_ptr(path);
	return r;
}

static int place_nowhere(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                         struct err *err)
{
	struct cg *cg = xcalloc(1, sizeof(*cg));
	int r;

	cg->mode = host->mode;
	cg->rootless = req->rootless;
	cg->optional = !req->limits_wanted;
	r = unusable(cg, -EINVAL, "limits were asked for, and cgroups are disabled", err);
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	snprintf(cg->why, sizeof(cg->why), "cgroups are disabled");
	*ret = cg;
	return 0;
}

int cg_place(const struct cg_host *host, const struct cg_request *req, const char *parent,
             cg_may_write_fn *may_write, void *ctx, struct cg **ret, struct err *err)
{
	_cleanup_free_ char *explicit = NULL;
	struct cg *cg;
	int r = 0;

	if (req->disabled)
		return place_nowhere(host, req, ret, err);
	if (req->cgroups_path && *req->cgroups_path) {
		r = cg_path_check(req->cgroups_path, &explicit, err);
		if (r < 0)
			return r;
	}
	cg = xcalloc(1, sizeof(*cg));
	cg->mode = host->mode;
	cg->usable = true;
	cg->rootless = req->rootless;
	cg->optional = !req->limits_wanted && !explicit;
	if (host->mode == CG_NONE)
		r = unusable(cg, -ENOENT, "no cgroup hierarchy is mounted", err);
	for (size_t i = 0; r == 0 && host->mode != CG_NONE && i < host->n_hiers; i++) {
		const struct cg_hier *h = &host->hiers[i];
		char *path;

		if (host->mode == CG_V2 && !h->v2)
			continue; /* a named v1 hierarchy beside v2 is somebody's own business */
		r = place_in(h, req, parent, explicit, may_write, ctx, &path, err);
		if (r == 0 && path)
			/* The shared parent is tried on every removal: the last to leave takes it
			 * away, whoever made it. */
			cg_add_dir(cg, h, path, explicit ? 0 : 2);
	}
	if (r == 0 && host->mode != CG_NONE && cg->n_dirs == 0)
		r = unusable(cg, -EACCES,
		             cg->optional ? "no permission is granted for cgroups"
		             : explicit   ? "no cgroup may be written"
		                          : NO_PERMISSION,
		             err);
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}

static bool may_write_real(const struct cg_hier *h, const char *path, void *ctx)
{
	_cleanup_close_ int root = cg_open_mount(h->mount, h->v2, NULL);
	_cleanup_close_ int fd = root < 0 ? root : cg_openat(root, path, O_PATH | O_DIRECTORY);

	(void)ctx;
	/* A delegated cgroup is one where both may be written; without cgroup.procs a process could
	 * not be brought there from our own. */
	return fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0 &&
	       faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

/* How many trailing components of the path are missing. */
static unsigned int missing_levels(int root, const char *path)
{
	unsigned int depth = cg_path_depth(path);

	for (unsigned int missing = 0; missing < depth; missing++) {
		_cleanup_free_ char *prefix = xstrdup(path);
		_cleanup_close_ int fd = FD_INVALID;

		for (unsigned int i = 0; i < missing; i++)
			*strrchr(prefix, '/') = '\0';
		fd = cg_openat(root, prefix, O_PATH | O_DIRECTORY);
		if (fd >= 0)
			return missing;
	}
	return depth;
}

static int survey(struct cg *cg, bool counted, bool shared, struct err *err)
{
	for (size_t i = 0; i < cg->n_dirs; i++) {
		struct cg_dir *d = &cg->dirs[i];
		_cleanup_close_ int root = cg_open_mount(d->mount, d->v2, err);
		unsigned int missing;

		if (root < 0)
			return root;
		missing = missing_levels(root, d->path);
		if (counted)
			d->ours = missing;
		if (missing > 0 || shared)
			continue;
		if (cg_dir_populated(d))
			return err_text(err, -EBUSY, "cgroup %s%s: container's cgroup is not empty",
			                d->mount, d->path);
		if (cg_dir_frozen(d))
			return err_text(err, -EBUSY,
			                "cgroup %s%s: container's cgroup unexpectedly frozen",
			                d->mount, d->path);
	}
	return 0;
}

static int plan(const struct cg_host *host, const struct cg_request *req, const char *parent,
                bool shared, struct cg **ret, struct err *err)
{
	struct cg *cg;
	int r = req->systemd ? cg_unit_locate(host, req, &cg, err)
	                     : cg_place(host, req, parent, may_write_real, NULL, &cg, err);

	if (r < 0)
		return r;
	r = survey(cg, !req->systemd && req->cgroups_path && *req->cgroups_path, shared, err);
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}

int cg_plan(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
            struct err *err)
{
	return plan(host, req, CG_PARENT_NAME, false, ret, err);
}

/* Of the name alone nothing depends, so that it may be one that nobody else has. */
static char *shim_unit(const char *id)
{
	uint32_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	return xasprintf("%s-%08x", id, number);
}

/* Nothing but the shim's own directory is made, and only that is removed again. */
static int place_shim(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                      struct err *err)
{
	_cleanup_free_ char *place = path_clean(req->shim_place);
	struct cg *cg = xcalloc(1, sizeof(*cg));
	int r = 0;

	cg->mode = host->mode;
	cg->usable = true;
	cg->rootless = req->rootless;
	for (size_t i = 0; r == 0 && i < host->n_hiers; i++) {
		const struct cg_hier *h = &host->hiers[i];
		_cleanup_close_ int root = FD_INVALID, fd = FD_INVALID;
		char *path;

		if (host->mode == CG_V2 && !h->v2)
			continue;
		root = cg_open_mount(h->mount, h->v2, err);
		if (root < 0)
			r = root;
		else
			fd = cg_openat(root, place, O_PATH | O_DIRECTORY);
		if (fd < 0)
			continue;
		path = path_join(place, req->id);
		r = cg_refuse_own(h, path, err);
		cg_add_dir(cg, h, path, 1);
	}
	if (r == 0 && cg->n_dirs == 0)
		r = err_text(err, -ENOENT, "there is no cgroup \"%.200s\"", place);
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}

static bool in_unit(const char *path)
{
	while (*(path += strspn(path, "/"))) {
		_cleanup_free_ char *level = xstrndup(path, strcspn(path, "/"));
		const char *dot = strrchr(level, '.');

		if (dot && (streq(dot, ".service") || streq(dot, ".scope")))
			return true;
		path += strlen(level);
	}
	return false;
}

bool cg_host_in_unit(const struct cg_host *host)
{
	for (size_t i = 0; i < host->n_hiers; i++)
		if ((host->hiers[i].v2 || streq(host->hiers[i].name, "systemd")) &&
		    in_unit(host->hiers[i].own))
			return true;
	return false;
}

int cg_plan_shim(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                 struct err *err)
{
	_cleanup_free_ char *name = shim_unit(req->id), *escaped = cg_unit_escape(name);
	_cleanup_free_ char *slice =
	    req->shim_place ? xasprintf("%s:" CG_SHIM_PREFIX ":%s", req->shim_place, escaped)
	                    : NULL;
	const struct cg_request scope = {
		.id = name,
		.cgroups_path = slice,
		.rootless = req->rootless,
		.systemd = true,
		.user_manager = req->user_manager,
		.unit_prefix = CG_SHIM_PREFIX,
	};
	const struct cg_request dir = { .id = req->id, .rootless = req->rootless };
	struct cg *cg;
	int r;

	if (req->systemd)
		return plan(host, &scope, CG_SHIM_NAME, true, ret, err);
	if (req->shim_place)
		return place_shim(host, req, ret, err);
	/* A new shim may find the remains of the one that it replaces. */
	r = plan(host, &dir, CG_SHIM_NAME, true, ret, err);
	if (r == 0 && (*ret)->usable)
		return 0;
	/* An ordinary user outside of what is delegated to him: his systemd may. */
	if (access(CG_SYSTEMD_RUNS, F_OK) == 0 &&
	    plan(host, &scope, CG_SHIM_NAME, true, &cg, NULL) == 0) {
		if (r == 0)
			cg_free(*ret);
		*ret = cg;
		return 0;
	}
	return r;
}

void cg_free(struct cg *cg)
{
	if (!cg)
		return;
	for (size_t i = 0; i < cg->n_dirs; i++) {
		free(cg->dirs[i].name);
		free(cg->dirs[i].mount);
		free(cg->dirs[i].path);
	}
	free(cg->dirs);
	cg_unit_free(cg->unit);
	free(cg);
}
