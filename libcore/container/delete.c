/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Undo: everything that the records name, in an order that can be cut off anywhere and run again.
 *
 *     processes (cgroup, init, shims) → cgroups leaf-up → mounts on the host → socket links →
 *     poststop hooks → files, the intent last
 *
 * Nothing here needs state.json: the journal alone is enough. Waiting is for events (pidfds,
 * cgroup.events), with a bound; when the bound is hit the records stay, so that the delete can be
 * repeated.
 */
#include "container/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "berth/log.h"

#define DESTROY_TIMEOUT_MS 10000

/* Kill by identity and wait for the end; a process that is gone, or was never known, is success. */
int end_process(const struct ctr_identity *identity, const char *what, struct err *err)
{
	_cleanup_close_ int pidfd = ctr_identity_open(identity);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	if (pidfd < 0 || proc_pidfd_exited(pidfd))
		return 0;
	r = proc_pidfd_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_set(err, r, "kill the %s (pid %d)", what, identity->pid);
	r = poll(&p, 1, DESTROY_TIMEOUT_MS);
	return r > 0 ? 0
	             : err_text(err, -EBUSY, "%s still running: pid %d does not end", what,
	                        identity->pid);
}

static int end_cgroup(const struct cg *cg, const char *what, struct err *err)
{
	int r;

	if (!cg || cg->n_dirs == 0)
		return 0;
	r = cg_destroy(cg, DESTROY_TIMEOUT_MS, err);
	return r < 0 ? err_prefix(err, "remove the cgroup of the %s", what) : 0;
}

/* Kept exec sessions have a shim each; the record names it. */
static void end_sessions(struct ctr *ctr)
{
	int fd = openat(ctr->dir_fd, "exec", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			ctr_session_remove(ctr, de->d_name);
	if (dir)
		closedir(dir);
}

static int end_kernel_side(struct ctr *ctr, struct err *err)
{
	int r;

	if (!ctr_same_boot(ctr)) {
		/* Another boot: nothing of it runs any more, and what runs is not ours to kill. */
		return ctr->cgroup && cg_is_populated(ctr->cgroup)
		           ? 0
		           : end_cgroup(ctr->cgroup, "container", err);
	}
	if (ctr->cgroup && cg_is_frozen(ctr->cgroup))
		(void)cg_freeze(ctr->cgroup, false, NULL);
	r = end_process(&ctr->init, "container init", err);
	if (r == 0)
		r = end_cgroup(ctr->cgroup, "container", err);
	if (r == 0)
		r = rdt_remove(ctr->rdt_monitor, err);
	if (r == 0)
		r = rdt_remove(ctr->rdt_group, err);
	if (r < 0)
		return r;
	end_sessions(ctr);
	/* Never the process that does this: a failed create is undone by the keeper, which is to be
	 * the shim. */
	if (ctr->shim.pid != getpid())
		r = end_process(&ctr->shim, "shim", err);
	/* Called by an exit command, which lives there: it goes on further up. (A unit of systemd
	 * goes by itself when it is empty.) */
	if (r == 0 && ctr->shim_cgroup && cg_has_self(ctr->shim_cgroup) &&
	    (ctr->shim_cgroup->unit || cg_evacuate(ctr->shim_cgroup) < 0))
		return r;
	if (r == 0 && ctr->shim_cgroup)
		r = end_cgroup(ctr->shim_cgroup, "shim", err);
	/* When nobody is left who uses them, or could make more. */
	if (r == 0 && ctr->host_root)
		r = mnt_host_root_remove(ctr->host_root, err);
	return r;
}

static void unlink_shim_link(const struct ctr *ctr)
{
	if (ctr->shim_link)
		(void)unlink(ctr->shim_link);
}

/* All files but the intent first: a crash in between leaves a directory from which delete can go
 * on. */
static int remove_files(const struct ctr *ctr, struct err *err)
{
	int fd = openat(ctr->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!dir)
		return err_set(err, -errno, "read the directory of container \"%s\"", ctr->id);
	while (r == 0 && (de = readdir(dir)))
		if (!streq(de->d_name, ".") && !streq(de->d_name, "..") &&
		    !streq(de->d_name, "intent.json"))
			r = file_remove_tree_at(ctr->dir_fd, de->d_name);
	closedir(dir);
	if (r == 0)
		r = file_remove_tree_at(ctr->dir_fd, "intent.json");
	if (r == 0 && unlinkat(ctr->root->fd, ctr->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? err_set(err, r, "remove the directory of container \"%s\"", ctr->id) : 0;
}

int ctr_destroy(struct ctr *ctr, bool poststop, struct err *err)
{
	_cleanup_spec_ struct spec *spec = NULL;
	int r = end_kernel_side(ctr, err);

	if (r < 0)
		return r;
	unlink_shim_link(ctr);
	if (ctr->has_state && !(ctr->hooks & (1u << HOOK_POSTSTOP)))
		poststop = false;
	if (poststop && ctr_load_spec(ctr, &spec, NULL) == 0) {
		struct err hook_err = { 0 };

		/* spec: failures of poststop hooks are warned of, the rest goes on. */
		if (ctr_run_hooks(ctr, spec, HOOK_POSTSTOP, CTR_STOPPED, 0, &hook_err) < 0)
			log_warn("%s", hook_err.msg);
	}
	return remove_files(ctr, err);
}

int ctr_delete(struct ctr *ctr, bool force, struct err *err)
{
	enum ctr_status status = ctr_status(ctr);

	if (!force && (status == CTR_RUNNING || status == CTR_PAUSED))
		return err_text(err, -EBUSY, "cannot delete container %s that is not stopped: %s",
		                ctr->id, ctr_status_name(status));
	return ctr_destroy(ctr, ctr->has_state, err);
}
