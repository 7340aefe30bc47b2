/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit command's helper. The locked-down shim can make no process and open no program, so the
 * one that can is made before, only if there is an exit command, and parked in a read:
 *
 *	shim ──fork──► (fork, exit) ──► helper: own session, no descriptor but three, lock taken
 *	  │ exit record on disk                    │
 *	  └──────────── the record as text ───────►│ runs the command, kills its group at the time-out
 *
 * The shim trusts nobody, and nobody with rights may trust the shim: all that the helper takes from
 * it is a record, that is numbers. Command, arguments and environment are as the runtime wrote them
 * into a file.
 *
 * It is nobody's child but init's, so neither waits for the other: the shim ends when it is told
 * to, an upgraded shim has but the socket to know. When the socket ends without a record, as by a
 * kill of the shim, the helper goes: whoever takes the shim's place has one of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "shim/shim.h"
#include "shim/wire/exit_command.h"

enum { HELPER_SOCK = 3, HELPER_SPEC, HELPER_DIR, HELPER_END };

static _Noreturn void helper_main(void)
{
	char text[EXIT_RECORD_SIZE];
	struct exit_record rec;
	ssize_t n;

	(void)prctl(PR_SET_NAME, "berth-exit");
	if (exit_command_lock(HELPER_SPEC) < 0 || write(HELPER_SOCK, "1", 1) != 1)
		_exit(1);
	do
		n = read(HELPER_SOCK, text, sizeof(text));
	while (n < 0 && errno == EINTR);
	if (n > 0 && exit_record_parse(text, (size_t)n, &rec) >= 0)
		exit_command_run(HELPER_SPEC, HELPER_DIR, &rec);
	_exit(0);
}

/* The three descriptors to their places, by way of numbers that are none of them; no others. */
static void become_helper(int sock, int spec, int dir)
{
	int from[] = { sock, spec, dir };

	for (int i = 0; i < 3; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, HELPER_END);
		if (from[i] < 0)
			_exit(1);
	}
	for (int i = 0; i < 3; i++)
		if (dup3(from[i], HELPER_SOCK + i, O_CLOEXEC) < 0)
			_exit(1);
	(void)syscall(SYS_close_range, HELPER_END, ~0U, 0U);
	(void)setsid();
	helper_main();
}

int helper_start(struct shim *shim, struct err *err)
{
	struct session *s = &shim->session;
	_cleanup_close_ int ours = FD_INVALID, theirs = FD_INVALID;
	int fds[2];
	pid_t pid;
	char byte;

	if (s->conf.exit_command_fd < 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(err, -errno, "make the socket of the exit command's helper");
	ours = fds[0];
	theirs = fds[1];
	pid = fork();
	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		become_helper(theirs, s->conf.exit_command_fd, s->conf.dir_fd);
	}
	if (pid < 0)
		return err_set(err, -errno, "fork the exit command's helper");
	fd_reset(&theirs);
	fd_reset(&s->conf.exit_command_fd);
	(void)proc_waitpid(pid, NULL);
	/* It has its lock from before the first exit on. */
	if (read(ours, &byte, 1) != 1)
		return err_text(err, -EPIPE, "the exit command's helper does not start");
	s->helper_fd = take_fd(&ours);
	return 0;
}

void helper_tell(struct shim *shim)
{
	struct session *s = &shim->session;
	char text[EXIT_RECORD_SIZE];
	size_t len;

	if (s->helper_fd < 0)
		return;
	len = exit_record_format(&s->exit, text);
	(void)send(s->helper_fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	fd_reset(&s->helper_fd);
}
