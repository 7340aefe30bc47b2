/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the exit command: by the helper that a shim has parked, or by a recovery that finds the
 * process ended. Out of memory ends whoever runs it, which nobody but `delete` waits for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strv.h"
#include "shim/wire/exit_command.h"

static void set(char ***env, const char *name, const char *value)
{
	_cleanup_free_ char *text = xasprintf("%s=%s", name, value);

	strv_add(env, text);
}

static void set_number(char ***env, const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	set(env, name, text);
}

static void set_time(char ***env, const char *name, int64_t ns)
{
	char text[EXIT_TIME_SIZE] = "";

	if (ns > 0)
		exit_time_format(ns, text);
	set(env, name, text);
}

static char **environment(const struct exit_command *c, const struct exit_record *rec)
{
	char **env = strv_dup(c->env);

	set_number(&env, "BERTH_EXIT_KNOWN", rec->known);
	if (rec->known)
		set_number(&env, "BERTH_EXIT_CODE", rec->code);
	else
		set(&env, "BERTH_EXIT_CODE", "unknown");
	set_number(&env, "BERTH_EXIT_SIGNAL", rec->signal);
	set_number(&env, "BERTH_EXIT_CORE", rec->core);
	set_number(&env, "BERTH_EXIT_OOM", rec->oom);
	set_time(&env, "BERTH_STARTED_AT", rec->started_ns);
	set_time(&env, "BERTH_EXITED_AT", rec->exited_ns);
	set_number(&env, EXIT_COMMAND_HELPER, getpid());
	return env;
}

/* Run it to its end, or to its time-out; how it ended. */
static struct exit_record run(const struct exit_command *c, char **env)
{
	struct exit_record rec = exit_record_unknown();
	struct pollfd p = { .events = POLLIN };
	int status, r;
	pid_t pid;

	rec.started_ns = clock_real_ns();
	pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		proc_reset_signals();
		execve(c->argv[0], c->argv, env);
		_exit(127);
	}
	if (pid < 0)
		return rec;
	(void)setpgid(pid, pid); /* whoever comes first */
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	do
		r = poll(&p, 1, c->timeout_ms > INT32_MAX ? INT32_MAX : (int)c->timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		(void)kill(-pid, SIGKILL); /* it is not reaped yet: the group is still its own */
	if (proc_waitpid(pid, &status) == 0) {
		int64_t started = rec.started_ns;

		rec = exit_record_from_status(status, clock_real_ns());
		rec.started_ns = started;
	}
	return rec;
}

void exit_command_run(int spec_fd, int dir_fd, const struct exit_record *how)
{
	char text[EXIT_RECORD_SIZE];
	struct exit_record rec;
	struct exit_command c;
	size_t n;

	if (exit_command_read_fd(spec_fd, &c) < 0)
		return;
	rec = run(&c, environment(&c, how));
	/* Only for people to look at: the container may be deleted by now. */
	n = exit_record_format(&rec, text);
	(void)file_replace_at(dir_fd, EXIT_COMMAND_RESULT, text, n, 0600, false);
}
