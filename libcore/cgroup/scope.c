/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container's unit: located when it is planned, started with the first process,
 * changed, stopped.
 *
 * A scope cannot be empty. It comes into being with the container's first process, which waits
 * meanwhile, and goes when the last one has ended; systemd then removes its cgroup by itself. All
 * between is done in the cgroup's files, as without systemd: the unit is delegated. Where another
 * version of cgroups has hierarchies that systemd does not use, directories of the same name are
 * made there, and removed again, by us.
 *
 * Stopping goes by the journal and needs no systemd that answers: one that is gone has taken its
 * units along, and directories that are left are removed like any others.
 */
#include "cgroup/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "berth/log.h"

static int check_host(const struct cg_host *host, const struct cg_request *req, struct err *err)
{
	if (host->mode == CG_NONE)
		return err_text(err, -ENOENT,
		                "the systemd cgroup driver needs cgroups, and no hierarchy is "
		                "mounted");
	if (req->user_manager && host->mode != CG_V2)
		return err_text(err, -EOPNOTSUPP,
		                "the systemd cgroup driver of an ordinary user needs cgroup v2: "
		                "nothing else can be delegated");
	return 0;
}

/* A hierarchy whose directories above the unit's are systemd's, too. */
static bool is_managed(const struct cg_hier *h)
{
	static const char *const names[] = { "systemd", "cpu",    "cpuacct", "cpuset",
		                             "blkio",   "memory", "devices", "pids" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (cg_names_have(h->name, names[i]))
			return true;
	return h->v2;
}

static int add_dirs(struct cg *cg, const struct cg_host *host, const char *path, struct err *err)
{
	for (size_t i = 0; i < host->n_hiers; i++) {
		const struct cg_hier *h = &host->hiers[i];
		char *place;
		int r;

		if (host->mode == CG_V2 && !h->v2)
			continue;
		place = cg_hier_path(h, path);
		if (!place)
			return err_text(err, -ENOENT, "systemd's cgroup %s is not below %s", path,
			                h->mount);
		cg_add_dir(cg, h, place, is_managed(h) ? 1 : cg_path_depth(place));
		r = cg_refuse_own(h, place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int cg_unit_locate(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                   struct err *err)
{
	_cleanup_free_ char *below = NULL, *top = NULL, *path = NULL;
	_cleanup_bus_ struct cg_bus *bus = NULL;
	struct cg_unit *unit = NULL;
	int r = check_host(host, req, err);
	struct cg *cg;

	if (r == 0)
		r = cg_unit_plan(req, host->mode == CG_V2, &unit, &below, err);
	if (r < 0)
		return r;
	cg = xcalloc(1, sizeof(*cg));
	cg->mode = host->mode;
	cg->usable = true;
	cg->rootless = req->rootless;
	cg->unit = unit;
	r = cg_bus_open(req->user_manager, &bus, err);
	if (r == 0)
		r = cg_bus_root(bus, &top, err);
	if (r == 0) {
		_cleanup_free_ char *joined = path_join(*top ? top : "/", below);

		path = path_clean(joined);
		r = add_dirs(cg, host, path, err);
	}
	if (r < 0) {
		cg_free(cg);
		return r;
	}
	*ret = cg;
	return 0;
}

/* That name is somebody else's: nothing of it is ours to undo. */
static void disown(struct cg *cg)
{
	while (cg->n_dirs > 0)
		cg_drop_dir(cg, cg->n_dirs - 1);
	cg_unit_free(take_ptr(cg->unit));
	cg->usable = false;
}

static bool is_inside(const struct cg *cg, pid_t pid)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (cg_pids(cg, &pids, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* For a unit that is known from its journal alone, the shim's. */
static void put_least(struct cg_properties *p)
{
	cg_property_number(p, "Delegate", 'b', 1);
	cg_property_number(p, "DefaultDependencies", 'b', 0);
	cg_property_word(p, "CollectMode", "s", "inactive-or-failed");
	p->list[p->n - 1].optional = true;
}

static int start(struct cg *cg, pid_t pid, struct err *err)
{
	struct cg_unit *unit = cg->unit;
	_cleanup_bus_ struct cg_bus *bus = NULL;
	int r = cg_bus_open(unit->user, &bus, err);

	if (r < 0)
		return r;
	if (unit->properties.n == 0)
		put_least(&unit->properties);
	if (!unit->slice)
		cg_property_push(cg_property_add(&unit->properties, "PIDs", "au"), (uint64_t)pid);
	r = cg_bus_start(bus, unit->name, &unit->properties, err);
	if (r < 0)
		return r;
	unit->started = true;
	if (cg->mode == CG_V2 && !unit->slice) {
		if (!is_inside(cg, pid))
			return err_text(err, -ESRCH, "systemd: %s is not at %s%s, or has ended",
			                unit->name, cg->dirs[0].mount, cg->dirs[0].path);
		/* It delegates the controllers that it knows. The rest are the container's, too,
		 * as without systemd. */
		cg_enable_above(&cg->dirs[0]);
		return 0;
	}
	/* Hierarchies that systemd does not know, and slices, to which it adds nobody. */
	r = cg_create_dirs(cg, err);
	return r < 0 ? r : cg_attach_dirs(cg, pid, err);
}

void cg_unit_prepare(struct cg *cg)
{
	_cleanup_close_ int fd = cg->unit->started ? cg_dir_open(&cg->dirs[0], NULL) : FD_INVALID;

	cg->unit->started = fd >= 0;
}

/* Below the unit's own cgroup; NULL: the directory is not there. */
static const char *below_unit(const struct cg *cg)
{
	_cleanup_free_ char *part = xasprintf("/%s", cg->unit->name);
	const char *p = strstr(cg->dirs[0].path, part);

	if (p)
		p += strlen(part);
	return p && (*p == '\0' || *p == '/') ? p : NULL;
}

/* From a session to what the user's manager has: only systemd may. */
static int ask(const struct cg *cg, pid_t pid, struct err *err)
{
	_cleanup_bus_ struct cg_bus *bus = NULL;
	const char *below = below_unit(cg);
	int r = below ? cg_bus_open(cg->unit->user, &bus, err) : -ENOENT;

	return r < 0 ? r : cg_bus_attach(bus, cg->unit->name, below, pid, err);
}

int cg_unit_attach(struct cg *cg, pid_t pid, struct err *err)
{
	struct err e = { 0 };
	int r;

	if (!cg->unit->started) {
		r = start(cg, pid, err);
		if (r == -EEXIST)
			disown(cg);
		return r < 0 ? err_prefix(err, "unable to apply cgroup configuration") : 0;
	}
	r = cg_attach_dirs(cg, pid, &e);
	if ((r == -EACCES || r == -EPERM) && cg->mode == CG_V2) {
		log_debug("%s: asking systemd", e.msg);
		r = ask(cg, pid, &e);
	}
	if (r < 0 && err)
		*err = e;
	return r;
}

int cg_hold(struct cg *cg, pid_t *ret, struct err *err)
{
	pid_t parent = getpid(), pid = fork();
	int r;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	if (pid < 0)
		return err_set(err, -errno, "fork a process to hold the cgroup");
	r = cg_attach(cg, pid, err);
	if (r < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	*ret = pid;
	return 0;
}

int cg_unit_update(const struct cg *cg, const struct spec_resources *res, struct err *err)
{
	_cleanup_(cg_properties_done)
	struct cg_properties p = { 0 };
	_cleanup_bus_ struct cg_bus *bus = NULL;
	int r = cg_properties_limits(res, cg->mode == CG_V2, &p, err);

	if (r < 0 || p.n == 0)
		return r;
	r = cg_bus_open(cg->unit->user, &bus, err);
	return r < 0 ? r : cg_bus_set(bus, cg->unit->name, &p, err);
}

int cg_unit_update_devices(const struct cg *cg, const struct spec_resources *res, struct err *err)
{
	_cleanup_(cg_properties_done)
	struct cg_properties p = { 0 };
	_cleanup_bus_ struct cg_bus *bus = NULL;
	int r;

	if (cg->unit->user) /* a manager of a user has no device filters */
		return 0;
	cg_properties_devices(res, &p);
	r = cg_bus_open(cg->unit->user, &bus, err);
	return r < 0 ? r : cg_bus_set(bus, cg->unit->name, &p, err);
}

int cg_unit_stop(const struct cg *cg, int timeout_ms, struct err *err)
{
	_cleanup_bus_ struct cg_bus *bus = NULL;
	int r = cg_bus_open(cg->unit->user, &bus, err);

	return r < 0 ? r : cg_bus_stop(bus, cg->unit->name, timeout_ms, err);
}
