/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery: see recover.h. */
#include "runtime/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "berth/log.h"
#include "runtime/keeper.h"
#include "runtime/kept.h"
#include "runtime/recover_end.h"
#include "runtime/recover_pipes.h"

#define DYING_MS  5000 /* for one that was killed to be gone */
#define HELPER_MS 5000 /* for the old one's helper to see that it is alone */

struct recovery {
	const char *ref;            /* as given */
	const char *name;           /* of a kept exec; "": the container's own */
	struct ctr *ctr;            /* locked */
	struct ctr_session session; /* of a kept exec */
	struct ctr_identity process, shim;
	int dir_fd, pidfd;
	struct keep_record record;
	struct shim_handover conf; /* what the new shim is told */
};

static void done(struct recovery *r)
{
	if (*r->name)
		ctr_session_done(&r->session);
	for (int *fd = (int[]){ r->conf.stdin_fd, r->conf.stdout_fd, r->conf.stderr_fd,
	                        r->conf.exit_command_fd, r->pidfd, r->dir_fd, -1 };
	     *fd != -1; fd++)
		fd_close(*fd);
	keep_record_done(&r->record);
	ctr_close(r->ctr);
}

static int open_exec(struct recovery *r, struct err *err)
{
	int e = ctr_session_read(r->ctr, r->name, &r->session);

	if (e < 0)
		return err_set(err, e, "read the record of \"%s\"", r->ref);
	r->process = r->session.process;
	r->shim = r->session.shim;
	r->dir_fd = ctr_session_dir(r->ctr, r->name);
	return r->dir_fd < 0 ? err_set(err, r->dir_fd, "open the directory of \"%s\"", r->ref) : 0;
}

static int open_target(const struct ctr_root *root, struct recovery *r, struct err *err)
{
	_cleanup_free_ char *id = xstrndup(r->ref, strcspn(r->ref, "/"));
	_cleanup_close_ int check = FD_INVALID;
	int e = ctr_session_open(root, r->ref, &check, err); /* names and existence */

	if (e == 0)
		e = ctr_open(root, id, true, &r->ctr, err);
	if (e < 0)
		return e;
	if (strchr(r->ref, '/')) {
		r->name = strchr(r->ref, '/') + 1;
		e = open_exec(r, err);
	} else {
		r->process = r->ctr->init;
		r->shim = r->ctr->shim;
		r->dir_fd = fcntl(r->ctr->dir_fd, F_DUPFD_CLOEXEC, 3);
	}
	if (e == 0 && (r->shim.pid <= 0 || r->process.pid <= 0))
		e = err_text(err, -ESRCH, "\"%s\" has no shim", r->ref);
	return e;
}

/* CLOCK_BOOTTIME, which no container outlives. */
static int64_t boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int find_pipes(struct recovery *r, struct err *err)
{
	_cleanup_free_ pid_t *pids = NULL, *all = NULL;
	int fds[3], e;
	size_t n = 0;

	(void)ctr_pids(r->ctr, &pids, &n, NULL);
	all = xcalloc(n + 1, sizeof(*all));
	all[0] = r->process.pid;
	for (size_t i = 0; i < n; i++)
		all[i + 1] = pids[i];
	e = recover_pipes(r->record.pipes, all, n + 1, r->pidfd, fds, err);
	if (e == -EACCES && ctr_status(r->ctr) == CTR_CREATED)
		return err_prefix(err, "a container that waits to be started lets nobody look at "
		                       "it: start it first");
	if (e < 0)
		return e;
	r->conf.stdin_fd = fds[0];
	r->conf.stdout_fd = fds[1];
	r->conf.stderr_fd = fds[2];
	return 0;
}

/* The old shim's helper goes when it sees that it is alone; its lock is what the new one needs. */
static int find_exit_command(struct recovery *r, struct err *err)
{
	int64_t deadline = clock_ms() + HELPER_MS, timeout_ms;
	int fd = openat(r->dir_fd, EXIT_COMMAND_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, -errno, "open \"" EXIT_COMMAND_NAME "\"");
	r->conf.exit_command_fd = fd;
	while (exit_command_holder_at(r->dir_fd, &timeout_ms) > 0) {
		if (clock_ms() > deadline)
			return err_text(err, -EBUSY, "the exit command's helper does not end");
		(void)poll(NULL, 0, 5);
	}
	return 0;
}

static int find(struct recovery *r, struct err *err)
{
	int e = keep_record_read_at(r->dir_fd, &r->record, err);

	if (e < 0)
		return e;
	r->conf = r->record.conf;
	r->conf.adopted = true;
	r->conf.terminal = false;
	r->conf.terminal_lost = r->record.conf.terminal;
	if (!r->conf.started_ns)
		r->conf.started_ns = ctr_started_ns(r->ctr);
	/* An event takes more than a microsecond, a byte more than a sixteenth of a nanosecond. */
	r->conf.sequence = boot_ns() / 1000;
	r->conf.origin = boot_ns() * 16;
	e = find_pipes(r, err);
	return e < 0 ? e : find_exit_command(r, err);
}

/* In the keeper: from now on it is the shim of the record. */
static int adopt(struct keeper_job *job, const struct ctr_process_io *io,
                 const struct ctr_identity *shim, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
	struct recovery *r = job->arg;

	(void)io;
	*ret_pid = r->process.pid;
	*ret_pidfd = r->pidfd;
	if (!*r->name)
		return ctr_set_shim(r->ctr, shim, err);
	r->session.shim = *shim;
	return ctr_session_record(r->dir_fd, &r->session, err);
}

static int run_keeper(struct recovery *r, pid_t *ret_shim, struct err *err)
{
	_cleanup_free_ char *session_path =
	    *r->name ? xasprintf("%s/%s/exec/%s", r->ctr->root->path, r->ctr->id, r->name)
	             : path_join(r->ctr->root->path, r->ctr->id);
	_cleanup_close_ int exe = keeper_open_shim(err);
	struct keeper_job job = {
		.id = r->ctr->id,
		.name = r->name,
		.session_path = session_path,
		.session_fd = r->dir_fd,
		.shim_link = *r->name ? r->session.link : r->ctr->shim_link,
		.shim_exe_fd = exe,
		.console_socket = FD_INVALID,
		.cgroup = r->ctr->cgroup,
		.shim_cgroup = r->ctr->shim_cgroup,
		.linger_ms = kept_linger_ms(r->session.ttl_ms),
		.make = adopt,
		.arg = r,
		.found = &r->conf,
	};
	pid_t pid;

	return exe < 0 ? exe : keeper_run(&job, &pid, ret_shim, err);
}

/*
 * 1: it lives. One that was killed a moment ago serves nobody any more, but still has the pipes and
 * the locks that its successor needs: it is waited for.
 */
static int await_old_shim(const struct recovery *r, struct err *err)
{
	_cleanup_close_ int pidfd = ctr_identity_open(&r->shim);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || proc_pidfd_exited(pidfd))
		return 0;
	if (!proc_is_dying(r->shim.pid))
		return 1;
	if (poll(&p, 1, DYING_MS) > 0)
		return 0;
	return err_text(err, -EBUSY, "its shim (pid %d) was killed, but does not end", r->shim.pid);
}

static int recover(struct recovery *r, struct recovered *ret, struct err *err)
{
	int e = await_old_shim(r, err);

	if (e < 0)
		return e;
	if (e == 1) {
		*ret = (struct recovered){ .outcome = RECOVER_LIVES, .shim = r->shim.pid };
		return 0;
	}
	*ret = (struct recovered){ .outcome = RECOVER_OVER };
	if (exit_record_read_at(r->dir_fd, &ret->exit) >= 0)
		return 0;
	r->pidfd = ctr_identity_open(&r->process);
	if (r->pidfd < 0 || proc_pidfd_exited(r->pidfd)) {
		ret->outcome = RECOVER_ENDED;
		return recover_end(r->dir_fd, r->ctr, r->pidfd, &ret->exit, err);
	}
	e = find(r, err);
	if (e == 0)
		e = run_keeper(r, &ret->shim, err);
	ret->outcome = RECOVER_DONE;
	ret->terminal_lost = r->conf.terminal_lost;
	return e;
}

int recover_session(const struct ctr_root *root, const char *ref, struct recovered *ret,
                    struct err *err)
{
	struct recovery r = { .ref = ref, .name = "", .dir_fd = FD_INVALID, .pidfd = FD_INVALID };
	int e;

	handover_init(&r.conf);
	e = open_target(root, &r, err);
	if (e == 0)
		e = recover(&r, ret, err);
	done(&r);
	return e;
}
