/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --exit-command. The command is found, and its environment taken, when the process is made: what
 * runs later does not depend on what the host looks like then.
 */
#include "runtime/exit_option.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/strv.h"
#include "runtime/launch.h"

#define GRACE_MS 2000 /* to end after the time-out */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* As execvp(3) would find it; NULL: nowhere. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *dirs = xstrdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL;

	if (strchr(name, '/')) {
		_cleanup_free_ char *absolute = launch_absolute(name);

		return is_program(absolute) ? take_ptr(absolute) : NULL;
	}
	for (char *dir = strtok_r(dirs, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *joined = path_join(dir, name);
		_cleanup_free_ char *absolute = launch_absolute(joined);

		if (is_program(absolute))
			return take_ptr(absolute);
	}
	return NULL;
}

int exit_option_parse(const struct exit_opts *o, bool with_shim, struct exit_command *ret,
                      struct err *err)
{
	_cleanup_free_ char *program = NULL;

	*ret = (struct exit_command){ 0 };
	if (!o->command && (o->args || o->timeout_ms))
		return err_text(err, -EINVAL, "option --exit-command-%s needs --exit-command",
		                o->args ? "arg" : "timeout");
	if (!o->command)
		return 0;
	if (!with_shim)
		return err_text(err, -EINVAL,
		                "option --exit-command needs a shim: use --shim=always");
	if (o->timeout_ms < 0)
		return err_text(err, -EINVAL, "option --exit-command-timeout is negative");
	program = *o->command ? find_program(o->command) : NULL;
	if (!program)
		return err_text(err, -ENOENT, "option --exit-command: there is no program \"%s\"",
		                o->command);
	strv_add(&ret->argv, program);
	for (char **arg = o->args; arg && *arg; arg++)
		strv_add(&ret->argv, *arg);
	ret->timeout_ms = o->timeout_ms ? o->timeout_ms : EXIT_COMMAND_TIMEOUT_MS;
	return 0;
}

/* Names that the command is given a meaning for; those of a caller that is an exit command itself
 * would hide them. */
static bool is_ours(const char *assignment)
{
	static const char *const names[] = {
		"BERTH_ID=",   "BERTH_NAME=",       "BERTH_ROOT=",
		"BERTH_EXIT_", "BERTH_STARTED_AT=", "BERTH_EXITED_AT="
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(assignment, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

int exit_option_write(int session_fd, struct exit_command *c, const char *root_path, const char *id,
                      const char *name, struct err *err)
{
	int r;

	if (!c->argv)
		return FD_INVALID;
	for (char **e = environ; e && *e; e++)
		if (!is_ours(*e))
			strv_add(&c->env, *e);
	env_set(&c->env, "BERTH_ID", id);
	env_set(&c->env, "BERTH_NAME", name);
	env_set(&c->env, "BERTH_ROOT", root_path);
	r = exit_command_write_at(session_fd, c);
	return r < 0 ? err_set(err, r, "write \"%s\"", EXIT_COMMAND_NAME) : r;
}

void exit_option_done(struct exit_command *c)
{
	strv_free(c->argv);
	strv_free(c->env);
	*c = (struct exit_command){ 0 };
}

static bool is_part_of(pid_t helper)
{
	const char *text = getenv(EXIT_COMMAND_HELPER);
	int pid;

	return text && num_parse_int(text, &pid) == 0 && pid == helper;
}

void exit_option_await(int session_fd)
{
	int64_t timeout_ms, again;
	pid_t helper = exit_command_holder_at(session_fd, &timeout_ms);
	_cleanup_close_ int pidfd = FD_INVALID;
	struct pollfd p = { .events = POLLIN };

	if (helper <= 0 || is_part_of(helper))
		return;
	pidfd = (int)syscall(SYS_pidfd_open, helper, 0);
	/* Still the same one? Then the number was not another's when it was opened. */
	if (pidfd < 0 || exit_command_holder_at(session_fd, &again) != helper)
		return;
	p.fd = pidfd;
	if (timeout_ms > INT32_MAX - GRACE_MS)
		timeout_ms = INT32_MAX - GRACE_MS;
	while (poll(&p, 1, (int)timeout_ms + GRACE_MS) < 0 && errno == EINTR)
		;
}
