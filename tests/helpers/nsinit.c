/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsinit [--pid] CMD...: a private little world for one test file.
 *
 * Unshares the mount name space (and, with --pid, the pid name space with a fresh /proc), then runs
 * CMD as the child of a process that does nothing but reap. Everything a test leaves running is
 * therefore visible as "a process of this name space that was not there before", is reaped at once
 * when it ends, and is gone when the file is done. SIGTERM ends all of it, and then us: who waits for
 * us may count on it that nobody is left.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "nsinit: %s: %s\n", what, strerror(errno));
	_exit(125);
}

/* Reap everybody; return when the one child that matters has ended. */
static int reap(pid_t child)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("waitpid");
		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static pid_t spawn(char **argv)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	return child;
}

static pid_t init;

static void end_all(int sig)
{
	(void)sig;
	kill(init, SIGKILL);
}

int main(int argc, char **argv)
{
	int own_pids = argc > 1 && !strcmp(argv[1], "--pid");

	argv += 1 + own_pids;
	if (!*argv)
		return 125;
	if (unshare(CLONE_NEWNS | (own_pids ? CLONE_NEWPID : 0)))
		die("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("make / private");
	if (!own_pids)
		return reap(spawn(argv));

	init = fork();
	if (init < 0)
		die("fork");
	if (init > 0) {
		signal(SIGTERM, end_all);
		return reap(init);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		die("mount /proc");
	return reap(spawn(argv));
}
