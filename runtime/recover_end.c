/* SPDX-License-Identifier: Apache-2.0 */
/* The end that nobody saw: see recover_end.h. */
#include "runtime/recover_end.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"
#include "cgroup/cgroup.h"
#include "shim/wire/exit_command.h"
#include "shim/wire/keep_record.h"

#define REAP_TRIES 12 /* after 1, 2, 4, ... ms: how long the parent may take to collect it: 4 s */

/* What the kernel says of it, once its parent has collected it. */
static struct exit_record ask(int pidfd)
{
	int status, r = pidfd < 0 ? -ESRCH : proc_pidfd_exit_status(pidfd, &status);

	for (int i = 0; r == -EAGAIN && i < REAP_TRIES; i++) {
		(void)poll(NULL, 0, 1 << i);
		r = proc_pidfd_exit_status(pidfd, &status);
	}
	return r == 0 ? exit_record_from_status(status, 0) : exit_record_unknown();
}

static bool was_oom(const struct ctr *ctr, const struct keep_record *rec)
{
	struct cg_oom oom;

	return ctr->cgroup && ctr->cgroup->usable && rec->conf.oom_kills >= 0 &&
	       cg_oom_read(ctr->cgroup, &oom) >= 0 && oom.oom_kill > (uint64_t)rec->conf.oom_kills;
}

/* What is left of the record is as true as it was. */
static void add_known(int dir_fd, const struct ctr *ctr, struct exit_record *rec)
{
	struct keep_record keep;

	if (keep_record_read_at(dir_fd, &keep, NULL) < 0)
		return;
	rec->started_ns = keep.conf.started_ns ? keep.conf.started_ns : ctr_started_ns(ctr);
	rec->oom = was_oom(ctr, &keep);
	keep_record_done(&keep);
}

/* In a process of its own: nobody waits for the command but delete. */
static _Noreturn void command_main(int fd, int dir_fd, const struct ctr *ctr, int ready,
                                   const struct exit_record *rec)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int keep[] = { fd, dir_fd };

	(void)setsid();
	if (ctr->shim_cgroup && ctr->shim_cgroup->usable)
		(void)cg_attach(ctr->shim_cgroup, getpid(), NULL);
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			_exit(1);
	(void)!chdir("/");
	if (exit_command_lock(fd) < 0)
		_exit(1);
	(void)!write(ready, "1", 1);
	/* The container's lock above all must not live on here. */
	for (int i = 0; i < 2; i++) {
		keep[i] = fcntl(keep[i], F_DUPFD_CLOEXEC, 100);
		if (keep[i] < 0 || dup3(keep[i], 3 + i, O_CLOEXEC) < 0)
			_exit(1);
	}
	(void)fd_close_from(5);
	exit_command_run(3, 4, rec);
	_exit(0);
}

static void run_command(int dir_fd, const struct ctr *ctr, const struct exit_record *rec)
{
	_cleanup_close_ int fd = openat(dir_fd, EXIT_COMMAND_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int ready = FD_INVALID;
	int p[2];
	pid_t pid;
	char byte;

	if (fd < 0 || pipe2(p, O_CLOEXEC) < 0)
		return;
	ready = p[0];
	pid = fork();
	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		command_main(fd, dir_fd, ctr, p[1], rec);
	}
	fd_close(p[1]);
	if (pid < 0)
		return;
	(void)proc_waitpid(pid, NULL);
	(void)!read(ready, &byte, 1); /* it has the file's lock, so that a delete waits for it */
}

int recover_end(int dir_fd, const struct ctr *ctr, int pidfd, struct exit_record *ret,
                struct err *err)
{
	int r;

	*ret = ask(pidfd);
	add_known(dir_fd, ctr, ret);
	r = exit_record_write_at(dir_fd, ret);
	if (r < 0)
		return err_set(err, r, "write the exit record");
	run_command(dir_fd, ctr, ret);
	return 0;
}
