/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a shim: see shim_mode.h. */
#include "runtime/shim_mode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"

/* 1, 0, or -1 for auto; -EINVAL. */
static int parse_mode(const char *mode, const char *where, struct err *err)
{
	if (!mode || !*mode || streq(mode, "auto"))
		return -1;
	if (streq(mode, "always"))
		return 1;
	if (streq(mode, "never"))
		return 0;
	return err_text(err, -EINVAL, "%s: \"%s\" is none of auto, always, never", where, mode);
}

int shim_decide(const struct shim_question *q, struct err *err)
{
	int mode = parse_mode(q->option, "option --shim", err);

	if (mode == -1)
		mode = parse_mode(q->environment, "BERTH_SHIM", err);
	if (mode != -1)
		return mode;
	if (q->foreground)
		return q->terminal_here;
	if (!q->parent_reaps)
		return 1;
	/*
	 * Without a PID file systemd, as pid 1 or as a user's manager, does not know the container:
	 * it would reap the status and forget it, and kill what is left when the unit ends.
	 */
	if (q->parent_is_init || q->main_unit_process)
		return !(q->main_unit_process && q->pid_file);
	return 0;
}

/* The grandchild: wait until its parent has gone and say who the new one is. */
static _Noreturn void report_new_parent(int out, pid_t old)
{
	pid_t now;

	while ((now = getppid()) == old)
		usleep(20); /* the parent is in _exit already */
	(void)!write(out, &now, sizeof(now));
	_exit(0);
}

bool shim_parent_reaps(void)
{
	_cleanup_close_ int in = FD_INVALID;
	int fds[2];
	pid_t child, answer[2] = { 0 };

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	in = fds[0];
	child = fork();
	if (child == 0) {
		pid_t self = getpid();
		pid_t grandchild = fork();

		if (grandchild == 0)
			report_new_parent(fds[1], self);
		_exit(grandchild < 0);
	}
	fd_close(fds[1]);
	if (child < 0)
		return false;
	(void)proc_waitpid(child, NULL);
	/* To the end of the pipe: the grandchild is then as good as gone. */
	return fd_read_all(in, answer, sizeof(answer)) == sizeof(answer[0]) &&
	       answer[0] == getppid();
}

void shim_ask(struct shim_question *q)
{
	const char *exec_pid = getenv("SYSTEMD_EXEC_PID");
	uint32_t pid;

	q->environment = getenv("BERTH_SHIM");
	q->parent_is_init = getppid() == 1;
	q->main_unit_process =
	    exec_pid && num_parse_u32(exec_pid, &pid) == 0 && (pid_t)pid == getpid();
	if (parse_mode(q->option, "", NULL) == -1 && parse_mode(q->environment, "", NULL) == -1 &&
	    !q->foreground)
		q->parent_reaps = shim_parent_reaps();
}
