/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdexit PID: when that process is killed, keep it from ending until the end of our input. Says
 * "ready" when it watches, "held" when the process was killed and is still there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
	int status;
	char byte;

	if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) < 0) {
		perror("holdexit");
		return 1;
	}
	(void)!write(STDOUT_FILENO, "ready\n", 6);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);

		if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8)))
			break;
		ptrace(PTRACE_CONT, pid, NULL, sig == SIGTRAP ? 0 : sig);
	}
	(void)!write(STDOUT_FILENO, "held\n", 5);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0;
}
