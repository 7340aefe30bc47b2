/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrade of shims: see upgrade.h. */
#include "runtime/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "kernel/syscalls.h"
#include "runtime/keeper.h"
#include "security/security.h"
#include "shim/wire/client.h"

#define RUN_MS     10000 /* for the new program to answer */
#define OUTPUT_MAX 512

/* ---- running the new program */

/* fds end up as 3, 4, ...; exe behind them. */
static _Noreturn void child(int exe, char *const argv[], const int *fds, int n, int out)
{
	char *env[] = { NULL };
	int copies[4];

	exe = fcntl(exe, F_DUPFD_CLOEXEC, 20);
	for (int i = 0; i < n; i++)
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);
	if (dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(127);
	for (int i = 0; i < n; i++)
		if (dup2(copies[i], 3 + i) < 0)
			_exit(127);
	fd_cloexec_from(3 + (unsigned int)n);
	proc_reset_signals();
	errno = -k_execveat(exe, "", argv, env, AT_EMPTY_PATH);
	dprintf(1, "it can't be executed: %s\n", strerrordesc_np(errno));
	_exit(127);
}

/* The first line of what it says, until it ends or the deadline. */
static int collect(int fd, char text[static OUTPUT_MAX])
{
	int64_t deadline = clock_ms() + RUN_MS;
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		if (len == OUTPUT_MAX - 1)
			break;
		n = read(fd, text + len, OUTPUT_MAX - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/* Run it; fds are 3, 4, ... there. 0: it says so. Its words are in text. */
static int run_program(int exe, char *const argv[], const int *fds, int n,
                       char text[static OUTPUT_MAX], struct err *err)
{
	_cleanup_close_ int out = FD_INVALID;
	int p[2], r, status = -1;
	pid_t pid;

	text[0] = '\0';
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(err, -errno, "make a pipe");
	out = p[0];
	pid = fork();
	if (pid == 0)
		child(exe, argv, fds, n, p[1]);
	fd_close(p[1]);
	if (pid < 0)
		return err_set(err, -errno, "run the installed shim");
	r = collect(out, text);
	if (r < 0)
		(void)kill(pid, SIGKILL); /* our child, not yet reaped */
	(void)proc_waitpid(pid, &status);
	if (r < 0)
		return err_set(err, r, "wait for the installed shim's answer");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_text(err, -ENOEXEC, "the installed shim is unusable: signal %d ended it",
		                WTERMSIG(status));
	return err_text(err, -ENOEXEC, "the installed shim is unusable: %s",
	                text[0] ? text : "it ended without a word");
}

int upgrade_open(struct upgrade *ret, struct err *err)
{
	char *argv[] = { (char *)"berth-shim", (char *)"--handover-versions", NULL };
	_cleanup_close_ int path = keeper_open_shim(err), file = FD_INVALID, exe = FD_INVALID;
	char text[OUTPUT_MAX], rest;
	struct upgrade u;
	int r;

	if (path < 0)
		return path;
	file = fd_reopen(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_set(err, file, "read the installed shim");
	exe = selfexe_seal(file, "berth-shim");
	if (exe < 0)
		return err_set(err, exe, "copy the installed shim into memory");
	r = run_program(exe, argv, NULL, 0, text, err);
	if (r < 0)
		return r;
	if (sscanf(text, "%d %d%c", &u.oldest, &u.newest, &rest) != 2 || u.oldest > u.newest)
		return err_text(err, -EINVAL,
		                "the installed shim is unusable: it names no versions");
	u.exe = take_fd(&exe);
	*ret = u;
	return 0;
}

void upgrade_close(struct upgrade *u)
{
	fd_reset(&u->exe);
}

/* ---- one shim */

struct exchange {
	struct shim_client shim;
	int fds[3]; /* text, data, program (borrowed) */
	struct varlink_reply reply;
};

static void exchange_done(struct exchange *x)
{
	shim_disconnect(&x->shim);
	fd_reset(&x->fds[0]);
	fd_reset(&x->fds[1]);
	varlink_reply_done(&x->reply);
}

/* What an error of the method means here. */
static int explain(const struct upgrade *u, const struct varlink_reply *reply, int r,
                   struct err *err)
{
	int oldest, newest;

	if (reply->error && strstr(reply->error, ".MethodNotFound"))
		return err_text(err, -EOPNOTSUPP, "the running shim is too old to be upgraded");
	if (!reply->error || !strstr(reply->error, ".HandoverVersion"))
		return r;
	oldest = (int)json_get_int(reply->parameters, "oldest", 0);
	newest = (int)json_get_int(reply->parameters, "newest", 0);
	return err_text(err, -EPROTONOSUPPORT,
	                "the installed shim is too %s: it reads hand-overs of version %d to %d, "
	                "and the running one writes %d to %d",
	                newest < u->oldest ? "new" : "old", u->oldest, u->newest, oldest, newest);
}

/* Call Upgrade and wait for its answer. */
static int exchange(const struct upgrade *u, int dir_fd, bool check, struct exchange *x,
                    struct err *err)
{
	char params[96];
	int r;

	for (int i = 0; i < 2; i++) {
		x->fds[i] = memfd_create("berth-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (x->fds[i] < 0)
			return err_set(err, -errno, "create memfd for the hand-over");
	}
	x->fds[2] = u->exe;
	snprintf(params, sizeof(params), "{\"oldest\":%d,\"newest\":%d,\"check\":%s}", u->oldest,
	         u->newest, check ? "true" : "false");
	r = shim_connect(dir_fd, &x->shim, err);
	if (r >= 0)
		r = shim_send_fds(&x->shim, "Upgrade", params, x->fds, check ? 2 : 3, err);
	if (r >= 0)
		r = shim_receive(&x->shim, SHIM_CALL_MS, &x->reply, err);
	return r < 0 ? explain(u, &x->reply, r, err) : 0;
}

/* Would the new program understand what this shim would hand over? */
static int try_out(const struct upgrade *u, int dir_fd, struct err *err)
{
	char *argv[] = { (char *)"berth-shim", (char *)"--handover-check",
		         (char *)"3",          (char *)"4",
		         (char *)"5",          NULL };
	struct exchange x = { .shim.fd = FD_INVALID, .fds = { FD_INVALID, FD_INVALID } };
	char text[OUTPUT_MAX];
	int r = exchange(u, dir_fd, true, &x, err);

	if (r >= 0)
		r = run_program(u->exe, argv, x.fds, 3, text, err);
	exchange_done(&x);
	return r;
}

int upgrade_session(const struct upgrade *u, int dir_fd, char **ret_version, struct err *err)
{
	struct exchange x = { .shim.fd = FD_INVALID, .fds = { FD_INVALID, FD_INVALID } };
	int r = try_out(u, dir_fd, err);

	if (r < 0)
		return r;
	r = exchange(u, dir_fd, false, &x, err);
	if (r == -ECONNRESET)
		err_text(err, r,
		         "the shim is gone since it was to be replaced: the process runs "
		         "on, but nobody holds its output and exit status");
	if (r >= 0)
		*ret_version =
		    xstrdup(json_get_str(x.reply.parameters, "version", "of unknown version"));
	exchange_done(&x);
	return r;
}
