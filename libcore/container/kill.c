/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals, pause and the list of processes. Signals go to init through its verified pidfd, or to
 * the whole cgroup where init's death alone would not end the container (no pid namespace of its
 * own).
 */
#include "container/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"

static bool has_cgroup(const struct ctr *ctr)
{
	return ctr->cgroup && ctr->cgroup->usable && ctr->cgroup->n_dirs > 0;
}

static bool survived_init(const struct ctr *ctr)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	return !ctr->private_pidns && has_cgroup(ctr) && ctr_same_boot(ctr) &&
	       cg_pids(ctr->cgroup, &pids, &n, NULL) == 0 && n > 0;
}

int ctr_kill(struct ctr *ctr, int sig, bool all, struct err *err)
{
	_cleanup_close_ int pidfd = FD_INVALID;
	int r;

	pidfd = ctr_same_boot(ctr) ? ctr_init_pidfd(ctr) : -ESRCH;
	if (all && has_cgroup(ctr) && ctr_same_boot(ctr))
		return cg_kill(ctr->cgroup, sig, err);
	/* Init may be gone and the container live on: in a pid namespace of others it was no
	 * special process. */
	if (pidfd < 0 && sig == SIGKILL && survived_init(ctr))
		return cg_kill(ctr->cgroup, sig, err);
	if (pidfd < 0)
		return all ? 0 : err_text(err, -ESRCH, "container not running: no such process");
	if (sig == SIGKILL && !ctr->private_pidns && has_cgroup(ctr))
		r = cg_kill(ctr->cgroup, sig, err);
	else
		r = proc_pidfd_signal(pidfd, sig);
	if (r < 0)
		return err_set(err, r, "signal init of container \"%s\"", ctr->id);
	/* A frozen process does not die of it on v1; on v2 it does, and thawing is what the caller
	 * expects either way. */
	if (sig == SIGKILL && has_cgroup(ctr) && cg_is_frozen(ctr->cgroup))
		(void)cg_freeze(ctr->cgroup, false, NULL);
	return 0;
}

int ctr_kill_and_wait(struct ctr *ctr)
{
	int r = ctr_kill(ctr, SIGKILL, true, NULL);

	if (ctr_same_boot(ctr))
		r = end_process(&ctr->init, "container init", NULL);
	return r;
}

int ctr_pause(struct ctr *ctr, bool pause, struct err *err)
{
	enum ctr_status status = ctr_status(ctr);

	if (pause && status != CTR_RUNNING && status != CTR_CREATED)
		return err_text(err, -EINVAL,
		                status == CTR_PAUSED ? "container is paused already"
		                                     : "container not running");
	if (!pause && status != CTR_PAUSED)
		return err_text(err, -EINVAL, "container not paused");
	if (!has_cgroup(ctr))
		return err_text(err, -EOPNOTSUPP,
		                "cannot pause: the container runs without a cgroup (%s)",
		                ctr->cgroup ? ctr->cgroup->why : "none");
	return cg_freeze(ctr->cgroup, pause, err);
}

int ctr_pids(const struct ctr *ctr, pid_t **ret, size_t *ret_n, struct err *err)
{
	*ret = NULL;
	*ret_n = 0;
	if (!ctr->has_state || ctr_status(ctr) == CTR_STOPPED)
		return 0;
	if (has_cgroup(ctr))
		return cg_pids(ctr->cgroup, ret, ret_n, err);
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)[(*ret_n)++] = ctr->init.pid;
	return 0;
}
