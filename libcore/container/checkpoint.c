/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoint: criu writes the images of a running container.
 *
 * What is outside of the container is named to criu first: bind mounts, masks, standard
 * descriptors, namespaces that were joined by path, the cgroup to freeze. criu itself lets the
 * processes run again when it fails, and kills them when it succeeds, unless they are to be left
 * running; a dump therefore never half-happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "container/criu.h"
#include "container/internal.h"

#define END_TIMEOUT_MS 10000

struct checkpoint {
	struct ctr *ctr;
	struct spec *spec;
	struct mnt_plan *mnt;
	struct criu criu;
	int pidfd;
	bool was_paused;
};

static int step_container(void *arg, struct err *err)
{
	struct checkpoint *c = arg;
	enum ctr_status status = ctr_status(c->ctr);
	int r;

	if (status != CTR_RUNNING && status != CTR_PAUSED)
		return err_text(err, -EINVAL, "container cannot be checkpointed in %s state",
		                ctr_status_name(status));
	c->was_paused = status == CTR_PAUSED;
	c->pidfd = ctr_init_pidfd(c->ctr);
	if (c->pidfd < 0)
		return err_set(err, c->pidfd, "find init of container \"%s\"", c->ctr->id);
	r = ctr_load_spec(c->ctr, &c->spec, err);
	if (r == 0)
		r = mnt_plan_build(c->spec, &c->mnt, err);
	return r < 0 ? r : criu_check_mounts(c->mnt, err);
}

static int step_criu(void *arg, struct err *err)
{
	struct checkpoint *c = arg;
	int r = criu_open(&c->criu, c->spec, err);

	if (r < 0)
		return r;
	c->criu.api.set_pid(c->ctr->init.pid);
	if (c->criu.api.set_root(c->ctr->rootfs) < 0)
		return err_set(err, -ENOMEM, "name the root to criu");
	/* Memory is tracked from a pre-dump on, so that the next images hold the changes alone. */
	if (c->criu.opts->pre_dump || c->criu.opts->parent_path)
		c->criu.api.set_track_mem(true);
	c->criu.api.set_orphan_pts_master(true);
	return 0;
}

static int step_mounts(void *arg, struct err *err)
{
	struct checkpoint *c = arg;
	struct criu_external *list;
	size_t n;
	int r;

	criu_externals(c->spec, c->mnt, c->ctr->cgroup, &list, &n);
	r = criu_dump_mounts(&c->criu, c->ctr->init.pid, c->mnt, list, n, err);
	criu_externals_free(list, n);
	return r;
}

static int step_namespaces(void *arg, struct err *err)
{
	struct checkpoint *c = arg;

	return criu_dump_namespaces(&c->criu, c->spec, c->ctr->init.pid, err);
}

/* The whole of it is stopped at once through its cgroup rather than process by process. */
static int step_freezer(void *arg, struct err *err)
{
	struct checkpoint *c = arg;
	const struct cg *cg = c->ctr->cgroup;

	for (size_t i = 0; cg && cg->usable && i < cg->n_dirs; i++) {
		const struct cg_dir *d = &cg->dirs[i];
		_cleanup_free_ char *path = path_join(d->mount, d->path);

		if (!streq(d->name, "freezer") && !(d->v2 && cg->mode == CG_V2))
			continue;
		return c->criu.api.set_freeze_cgroup(path) < 0
		           ? err_set(err, -ENOMEM, "name the cgroup to criu")
		           : 0;
	}
	return 0;
}

static int step_stdio(void *arg, struct err *err)
{
	struct checkpoint *c = arg;

	return criu_dump_stdio(&c->criu, c->ctr->init.pid, err);
}

static int step_dump(void *arg, struct err *err)
{
	struct checkpoint *c = arg;
	const struct ctr_criu_opts *o = c->criu.opts;
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	int code;
	int r =
	    criu_call(&c->criu, o->pre_dump ? c->criu.api.pre_dump : c->criu.api.dump, &code, err);

	if (r < 0)
		return r;
	if (code < 0)
		return criu_failed(&c->criu, code, "dump the container", err);
	if (o->pre_dump || o->leave_running)
		return 0;
	if (poll(&p, 1, END_TIMEOUT_MS) <= 0)
		return err_text(err, -EBUSY, "init (pid %d) still runs after the dump",
		                c->ctr->init.pid);
	return 0;
}

static const struct step checkpoint_steps[] = {
	{ "container", step_container },
	{ "criu", step_criu },
	{ "external mounts", step_mounts },
	{ "external namespaces", step_namespaces },
	{ "freezer", step_freezer },
	{ "standard descriptors", step_stdio },
	{ "dump", step_dump },
	{ NULL, NULL },
};

/* The container runs on; criu does not see to that when it is killed itself. */
static void undo(struct checkpoint *c)
{
	const struct cg *cg = c->ctr->cgroup;

	if (c->pidfd >= 0 && !c->was_paused && cg && cg->usable && cg_is_frozen(cg))
		(void)cg_freeze(cg, false, NULL);
	criu_discard_images(&c->criu);
}

int ctr_checkpoint(struct ctr *ctr, const struct ctr_criu_opts *opts, struct err *err)
{
	struct checkpoint c = { .ctr = ctr,
		                .criu = CRIU_INIT(CRIU_DUMP, opts),
		                .pidfd = FD_INVALID };
	int r = ctr_criu_check(opts, err);

	if (r == 0)
		r = steps_run("checkpoint", checkpoint_steps, &c, err);
	if (r < 0)
		undo(&c);
	criu_close(&c.criu);
	mnt_plan_free(c.mnt);
	spec_free(c.spec);
	fd_close(c.pidfd);
	return r;
}
