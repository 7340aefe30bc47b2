/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out the lists of writes that the tables make, and the device rules.
 *
 * Which table speaks for a controller: the hierarchy that holds it, v1 first (a hybrid host has
 * both, and a controller is in one of them only). A controller that nobody holds is an error as
 * soon as a limit of it is asked for. Errors name limit, value and file.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/log.h"
#include "cgroup/systemd.h"

struct target { /* what cg offers, looked up once */
	const struct cg *cg;
	const char *v2_controllers; /* comma-separated; NULL: no v2 directory */
	char *owned;                /* what it points into, or NULL */
};

static void target_done(struct target *t)
{
	free(t->owned);
}

static int target_init(struct target *t, const struct cg *cg, struct err *err)
{
	const struct cg_dir *v2 = cg_find_v2(cg);
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	*t = (struct target){ .cg = cg };
	if (!v2)
		return 0;
	fd = cg_dir_open(v2, err);
	if (fd < 0)
		return fd;
	r = cg_read(fd, "cgroup.controllers", &t->owned);
	if (r < 0)
		return err_set(err, r, "read %s%s/cgroup.controllers", v2->mount, v2->path);
	for (char *c = t->owned; *c; c++)
		if (*c == ' ')
			*c = ',';
	t->v2_controllers = t->owned;
	return 0;
}

/* The one controller that was renamed. */
static const char *v1_name(const char *controller)
{
	return streq(controller, "io") ? "blkio" : controller;
}

static const char *v2_name(const char *controller)
{
	return streq(controller, "blkio") ? "io" : controller;
}

static bool v2_has(const struct target *t, const char *controller)
{
	return t->v2_controllers && cg_names_have(t->v2_controllers, controller);
}

static bool use_v2(const char *controller, const void *ctx)
{
	const struct target *t = ctx;

	if (t->cg->mode == CG_V2)
		return true;
	return *controller && v2_has(t, v2_name(controller)) &&
	       !cg_find_v1(t->cg, v1_name(controller));
}

static bool use_v1(const char *controller, const void *ctx)
{
	return !use_v2(controller, ctx);
}

static bool possible(const struct target *t, const struct cg_write *w, bool v2,
                     const struct cg_dir **ret, struct err *err)
{
	const struct cg_dir *dir = v2 ? cg_find_v2(t->cg) : cg_find_v1(t->cg, w->controller);

	if (dir && (!v2 || v2_has(t, w->controller))) {
		*ret = dir;
		return true;
	}
	if (dir && streq(w->what, "unified"))
		err_text(err, -ENOENT,
		         "unified resource \"%s\" can't be set: controller \"%s\" not available",
		         w->file, w->controller);
	else
		err_text(err, -ENOENT, "cannot set %s limit: controller \"%s\" not available",
		         w->what, w->controller);
	return false;
}

bool cg_write_possible(const struct cg *cg, const char *v2_controllers, const struct cg_write *w,
                       bool v2, struct err *err)
{
	const struct target t = { .cg = cg, .v2_controllers = v2_controllers };
	const struct cg_dir *dir;

	return possible(&t, w, v2, &dir, err);
}

static int open_for(const struct target *t, const struct cg_write *w, bool v2,
                    const struct cg_dir **ret, struct err *err)
{
	return possible(t, w, v2, ret, err) ? cg_dir_open(*ret, err) : -ENOENT;
}

/* A memory limit below what can be reclaimed: say how much that is. */
static void explain_busy(int fd, const struct cg_write *w, struct err *err)
{
	_cleanup_free_ char *now = NULL, *peak = NULL;

	if (strncmp(w->file, "memory.", 7) != 0 || cg_read(fd, "memory.usage_in_bytes", &now) < 0 ||
	    cg_read(fd, "memory.max_usage_in_bytes", &peak) < 0)
		return;
	err_prefix(err, "memory limit %s: current usage %s, peak usage %s", w->value, now, peak);
}

static int write_one(int fd, const struct cg_dir *dir, const struct cg_write *w, struct err *err)
{
	_cleanup_free_ char *now = NULL;
	int r = cg_write_file(fd, w->file, w->value);

	if (r < 0) {
		err_set(err, r, "cannot set %s limit: write \"%s\" to %s%s/%s", w->what, w->value,
		        dir->mount, dir->path, w->file);
		if (r == -EBUSY)
			explain_busy(fd, w, err);
		return r;
	}
	if (!(w->flags & CG_W_VERIFY))
		return 0;
	r = cg_read(fd, w->file, &now);
	if (r == 0 && !streq(now, w->value))
		return err_text(err, -ERANGE, "cannot set %s limit: %s%s/%s took \"%s\" as %s",
		                w->what, dir->mount, dir->path, w->file, w->value, now);
	return 0;
}

/* The value that a write is about to replace, so that it can be put back. */
static void remember(int fd, const struct cg_dir *dir, const struct cg_write *w,
                     struct cg_undo *undo)
{
	_cleanup_free_ char *now = NULL, *value = NULL;

	if (!undo || cg_read(fd, w->file, &now) < 0)
		return;
	value = cg_undo_value(w->file, w->value, now);
	if (value)
		cg_undo_add(undo, dir, w->file, value);
}

/* Writes that failed with EINVAL, EBUSY or ERANGE because of a neighbour's old value are kept in
 * `later` and done again when all others are through. */
static int write_list(const struct target *t, const struct cg_writes *list, bool v2,
                      struct cg_undo *undo, struct err *err)
{
	_cleanup_free_ bool *later = xcalloc(list->n + 1, sizeof(*later));
	bool missed = false;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < list->n; i++) {
			const struct cg_write *w = &list->list[i];
			const struct cg_dir *dir = NULL;
			_cleanup_close_ int fd = FD_INVALID;
			int r;

			if (pass == 1 ? !later[i] : (w->flags & CG_W_ALTERNATIVE) && !missed)
				continue;
			fd = open_for(t, w, v2, &dir, err);
			if (fd < 0)
				return fd;
			remember(fd, dir, w, undo);
			r = write_one(fd, dir, w, err);
			missed = r == -ENOENT && (w->flags & CG_W_MISSING_OK);
			if (r == 0 || missed)
				continue;
			if (pass == 1 || !(w->flags & CG_W_RETRY) || (r != -EINVAL && r != -EBUSY))
				return r;
			later[i] = true;
		}
	}
	err_clear(err);
	return 0;
}

static int check_memory(const struct target *t, const struct spec_resources *res, struct err *err)
{
	const struct cg_dir *dir = cg_find_v2(t->cg);
	_cleanup_close_ int fd = FD_INVALID;
	uint64_t usage = 0, swap = 0;

	if (!cg_memory_check_wanted(res) || !dir || !use_v2("memory", t))
		return 0;
	fd = cg_dir_open(dir, err);
	if (fd < 0)
		return fd;
	if (cg_read_number(fd, "memory.current", &usage) < 0)
		return 0; /* no memory controller: setting the limit says so */
	(void)cg_read_number(fd, "memory.swap.current", &swap);
	return cg_memory_check(res, usage, swap, err);
}

void cg_limits_ignored(const struct cg *cg, const char *v2_controllers,
                       const struct spec_resources *res, struct buf *ret)
{
	const struct target t = { .cg = cg, .v2_controllers = v2_controllers };

	cg_ignored(res, use_v2("cpu", &t), use_v2("memory", &t), use_v2("blkio", &t), ret);
}

/* Said, not silent: the container runs without what was asked for, or, if strict, not at all. */
static int tell_ignored(const struct target *t, const struct spec_resources *res, struct err *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT(1024);

	cg_limits_ignored(t->cg, t->v2_controllers, res, &names);
	if (names.len == 0)
		return 0;
	if (t->cg->strict)
		return err_text(err, -EOPNOTSUPP,
		                "linux.resources: without effect on this host's cgroups: %s "
		                "(refused by --strict)",
		                names.data);
	log_warn("resources without effect on this host's cgroups: %s", names.data);
	return 0;
}

/* systemd hands down what it knows, and that is not all. */
static int get_controllers(struct target *t, const struct cg_writes *v2, struct err *err)
{
	const struct cg *cg = t->cg;

	for (size_t i = 0; i < v2->n; i++) {
		if (v2_has(t, v2->list[i].controller))
			continue;
		cg_enable_above(cg_find_v2(cg));
		target_done(t);
		return target_init(t, cg, err);
	}
	return 0;
}

static int write_lists(const struct target *t, const struct cg_writes *v1,
                       const struct cg_writes *v2, struct cg_undo *undo, struct err *err)
{
	int r = write_list(t, v1, false, undo, err);

	return r < 0 ? r : write_list(t, v2, true, undo, err);
}

int cg_limits_list(const struct cg *cg, const char *v2_controllers,
                   const struct spec_resources *res, struct cg_writes *ret_v1,
                   struct cg_writes *ret_v2, struct err *err)
{
	const struct target t = { .cg = cg, .v2_controllers = v2_controllers };
	struct spec_resources own = *res; /* its lists are borrowed */
	int r;

	/* What systemd knows is what will be in force: it writes the file again with any other
	 * property of its controller. */
	if (cg->unit && own.cpu.quota.set)
		own.cpu.quota.v =
		    cg_quota_of_unit(own.cpu.quota.v, own.cpu.period.set ? own.cpu.period.v : 0);
	r = cg_emit(cg_knobs_v1, &own, use_v1, &t, ret_v1, err);
	return r < 0 ? r : cg_emit(cg_knobs_v2, &own, use_v2, &t, ret_v2, err);
}

/* undo: an update, else the limits of a new container. */
static int apply_limits(struct target *t, const struct spec_resources *res, struct cg_undo *undo,
                        struct err *err)
{
	_cleanup_(cg_writes_done)
	struct cg_writes v1 = { 0 }, v2 = { 0 };
	int r = cg_limits_list(t->cg, t->v2_controllers, res, &v1, &v2, err);

	if (r == 0 && t->cg->unit)
		r = get_controllers(t, &v2, err);
	if (r == 0)
		r = check_memory(t, res, err);
	if (r == 0 && t->cg->strict)
		r = tell_ignored(t, res, err); /* before anything is written */
	if (r == 0)
		r = write_lists(t, &v1, &v2, undo, err);
	/* The files have shown that it can be done. systemd writes some of them as it sees fit. */
	if (r == 0 && undo && t->cg->unit) {
		r = cg_unit_update(t->cg, res, err);
		if (r == 0)
			r = write_lists(t, &v1, &v2, undo, err);
	}
	return r == 0 ? tell_ignored(t, res, err) : r;
}

static int devices_v1(const struct cg_dir *dir, const struct cg_devices *rules, struct err *err)
{
	_cleanup_(cg_devices_done)
	struct cg_devices want = { 0 }, now = { 0 };
	_cleanup_(cg_writes_done)
	struct cg_writes list = { 0 };
	_cleanup_close_ int fd = cg_dir_open(dir, err);
	_cleanup_free_ char *text = NULL;
	int r;

	if (fd < 0)
		return fd;
	r = cg_devices_flatten(rules, &want, err);
	if (r < 0)
		return r;
	r = cg_read(fd, "devices.list", &text);
	if (r == 0)
		r = cg_devices_parse_list(text, &now);
	if (r < 0)
		return err_set(err, r, "read %s%s/devices.list", dir->mount, dir->path);
	cg_devices_transition(&now, &want, &list);
	for (size_t i = 0; i < list.n; i++) {
		const struct cg_write *w = &list.list[i];

		r = cg_write_file(fd, w->file, w->value);
		if (r < 0)
			return err_set(err, r, "write \"%s\" to %s%s/%s", w->value, dir->mount,
			               dir->path, w->file);
	}
	return 0;
}

static int devices_v2(const struct cg_dir *dir, const struct cg_devices *rules, struct err *err)
{
	_cleanup_close_ int fd = cg_dir_open(dir, err);
	_cleanup_free_ struct bpf_insn *insns = NULL;
	size_t n = 0;
	int r;

	if (fd < 0)
		return fd;
	if (!cg_devices_allow_all(rules)) {
		r = cg_devices_program(rules, &insns, &n);
		if (r < 0)
			return err_set(err, r, "device rules: %zu of them", rules->n);
	}
	return cg_bpf_set(fd, insns, n, err);
}

enum cg_devices_way cg_devices_by(const struct cg *cg, const struct spec_resources *res,
                                  const struct cg_devices *rules)
{
	if (cg_find_v1(cg, "devices"))
		return CG_DEVICES_V1;
	if (cg_find_v2(cg))
		return CG_DEVICES_V2;
	return cg_devices_allow_all(rules) || !res->devices_present ? CG_DEVICES_NONE
	                                                            : CG_DEVICES_IMPOSSIBLE;
}

static int apply_devices(const struct cg *cg, const struct spec_resources *res, bool rootless,
                         bool userns, struct err *err)
{
	_cleanup_(cg_devices_done)
	struct cg_devices rules = { 0 };
	struct err e = { 0 };
	int r = 0;

	cg_devices_build(res, &rules);
	switch (cg_devices_by(cg, res, &rules)) {
	case CG_DEVICES_V1:
		r = devices_v1(cg_find_v1(cg, "devices"), &rules, &e);
		break;
	case CG_DEVICES_V2:
		r = devices_v2(cg_find_v2(cg), &rules, &e);
		break;
	case CG_DEVICES_NONE:
		return 0;
	case CG_DEVICES_IMPOSSIBLE:
		r = err_text(&e, -ENOENT, "device rules: controller \"devices\" not available");
		break;
	}
	/* Who lacks the privilege for device filters (or lives in a user namespace) can't make
	 * device nodes that work either; the filter would be a second lock on that door. */
	if ((r == -EPERM || r == -EACCES) && (rootless || userns)) {
		log_debug("%s: tolerated", e.msg);
		return 0;
	}
	if (r < 0 && err)
		*err = e;
	return r;
}

bool cg_limits_wanted(const struct spec_resources *res, bool rootless)
{
	_cleanup_(cg_writes_done)
	struct cg_writes list = { 0 };

	if (!res->present)
		return false;
	if (res->n_unified > 0)
		return true;
	if (res->devices_present && !rootless) {
		_cleanup_(cg_devices_done)
		struct cg_devices rules = { 0 };

		cg_devices_build(res, &rules);
		if (!cg_devices_allow_all(&rules))
			return true;
	}
	/* An error means that something was asked for: it is reported when it is applied. */
	return cg_emit(cg_knobs_v1, res, NULL, NULL, &list, NULL) < 0 || list.n > 0;
}

/* Limits of a container that has no cgroup: an error as soon as there is one. */
static int refuse_limits(const struct spec_resources *res, struct err *err)
{
	_cleanup_(cg_writes_done)
	struct cg_writes list = { 0 };
	int r = cg_emit(cg_knobs_v1, res, NULL, NULL, &list, err);

	if (r == 0 && list.n > 0)
		r = err_text(err, -ENOENT,
		             "cannot set %s limit: container could not join or create cgroup",
		             list.list[0].what);
	return r;
}

static int set_limits(struct cg *cg, const struct spec_resources *res, struct cg_undo *undo,
                      struct err *err)
{
	_cleanup_(target_done)
	struct target t = { 0 };
	int r;

	if (!cg->usable || cg->n_dirs == 0)
		return refuse_limits(res, err);
	r = target_init(&t, cg, err);
	return r < 0 ? r : apply_limits(&t, res, undo, err);
}

/*
 * Last, since it cannot be taken back: either the new rules are in force or the old ones. Who has
 * asked for rules by name is told when they cannot be had.
 */
static int update_devices(const struct cg *cg, const struct spec_resources *res, struct err *err)
{
	int r;

	if (!res->devices_present || !cg->usable || cg->n_dirs == 0)
		return 0;
	r = apply_devices(cg, res, false, false, err);
	return r == 0 && cg->unit ? cg_unit_update_devices(cg, res, err) : r;
}

int cg_update(struct cg *cg, const struct spec_resources *res, struct err *err)
{
	_cleanup_(cg_undo_done)
	struct cg_undo undo = { 0 };
	int r = set_limits(cg, res, &undo, err);

	if (r == 0)
		r = update_devices(cg, res, err);
	if (r < 0)
		cg_undo_run(&undo);
	return r;
}

int cg_apply(struct cg *cg, const struct spec_resources *res, bool rootless, bool userns,
             struct err *err)
{
	int r = set_limits(cg, res, NULL, err);

	if (r == 0 && cg->usable && cg->n_dirs > 0)
		r = apply_devices(cg, res, rootless, userns, err);
	return r;
}
