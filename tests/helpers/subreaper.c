/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subreaper PIDFILE CMD... [-- CMD...]...: a container manager in miniature.
 *
 * A child subreaper that runs each CMD in turn (its direct children, as a manager's runtime calls
 * are), then inherits the process named in PIDFILE and waits for it, exactly as conmon and
 * containerd's shim do. Prints what it saw, one fact a line:
 *
 *   status N            after each CMD: its exit status
 *   child PID COMM      after the last CMD: every child it has
 *   init exited N       or "init killed N": what the kernel said of the process in PIDFILE
 *   left PID COMM       children that are there, and stay, after init was reaped
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 255;
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void list_children(const char *word)
{
	char path[64], comm[64];
	FILE *children, *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	children = fopen(path, "r");
	if (!children)
		return;
	while (fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		f = fopen(path, "r");
		if (f && fgets(comm, sizeof(comm), f))
			printf("%s %d %s", word, pid, comm);
		if (f)
			fclose(f);
	}
	fclose(children);
}

int main(int argc, char **argv)
{
	FILE *f;
	int init, status;

	if (argc < 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return 254;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 2; i < argc; i++) {
		char **cmd = argv + i;
		int rc;

		while (i < argc && strcmp(argv[i], "--"))
			i++;
		argv[i] = NULL;
		rc = run(cmd);
		printf("status %d\n", rc);
		if (rc)
			return 1;
	}
	f = fopen(argv[1], "r");
	if (!f || fscanf(f, "%d", &init) != 1) {
		printf("no pid file\n");
		return 1;
	}
	fclose(f);
	list_children("child");
	alarm(60);
	while (waitpid(init, &status, 0) != init)
		if (errno != EINTR) {
			printf("init not inherited\n");
			return 1;
		}
	if (WIFEXITED(status))
		printf("init exited %d\n", WEXITSTATUS(status));
	else
		printf("init killed %d\n", WTERMSIG(status));
	/* Others that came our way may be about to end; two seconds are more than they need. */
	for (int i = 0; i < 200 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		usleep(10000);
	list_children("left");
	return 0;
}
