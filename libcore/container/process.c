/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stretch of a container's process, for init and for exec alike: from "inside the
 * namespaces" to execve(2).
 *
 * The order is the security argument: descriptors first, so that nothing of the host can be reached
 * any more; a filter before the credentials when the process may not set no_new_privs (loading one
 * then needs CAP_SYS_ADMIN), else as the very last act; the bounding set before the ids (it needs
 * CAP_SETPCAP); ids, then capabilities; PATH is searched as the final user, so that a missing or
 * forbidden program is found before "created".
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "berth/log.h"
#include "kernel/syscalls.h"

static bool is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* The process's user owns its stdio, so that it can open /proc/self/fd/1 and /dev/stderr again. Not
 * for devices that others share. */
static void chown_stdio(int fd, const struct spec_user *user)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_uid == user->uid || is_null_device(&st))
		return;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd))
		(void)!fchown(fd, user->uid,
		              (gid_t)-1); /* EPERM, EINVAL (unmapped), EROFS: theirs then */
}

static int stdio_terminal(struct process_ctx *p, struct err *err)
{
	for (int i = 0; i < 3; i++)
		if (dup3(p->slave_fd, i, 0) < 0 && p->slave_fd != i)
			return err_set(err, -errno, "put the terminal on descriptor %d", i);
	if (fchown(0, p->process->user.uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL &&
	    errno != EROFS)
		return err_set(err, -errno, "give the terminal to uid %u", p->process->user.uid);
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		return err_set(err, -errno, "make the terminal the controlling one");
	return 0;
}

/* The container's own null device, or FD_INVALID. Whatever else the image has there is not opened: a
 * FIFO would hold us up. */
static int open_own_null(int flags)
{
	_cleanup_close_ int seen = open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_close_ int fd = FD_INVALID;
	struct stat st;

	if (knocked_out("own-null"))
		return open("/dev/null", flags | O_CLOEXEC);
	if (seen < 0 || fstat(seen, &st) < 0 || !is_null_device(&st))
		return FD_INVALID;
	/* It may have been swapped in between. */
	fd = open("/dev/null", flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_null_device(&st) || fd_nonblock(fd, false) < 0)
		return FD_INVALID;
	return take_fd(&fd);
}

static int stdio_given(struct process_ctx *p, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int from = p->io->stdio[i];
		_cleanup_close_ int null = FD_INVALID;
		struct stat st;

		/* The container's own device rather than the host's: its mount, its rules. */
		if (from < 0 || (fstat(from, &st) == 0 && is_null_device(&st))) {
			null = open_own_null(i == 0 ? O_RDONLY : O_WRONLY);
			if (null >= 0)
				from = null;
		}
		if (from < 0)
			continue; /* an image without /dev/null: what is on the descriptor is null
			             already */
		if (from != i && dup3(from, i, 0) < 0)
			return err_set(err, -errno, "put descriptor %d on %d", from, i);
		if (from == i)
			(void)fd_cloexec(i, false);
		chown_stdio(i, &p->process->user);
	}
	return 0;
}

int process_stdio(struct process_ctx *p, struct err *err)
{
	return p->slave_fd >= 0 ? stdio_terminal(p, err) : stdio_given(p, err);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int close_all_but(int first, int *keep, size_t n, struct err *err)
{
	qsort(keep, n, sizeof(*keep), by_number);
	log_setup(-1, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
	if (knocked_out("closed-fds"))
		return 0;
	for (size_t i = 0; i <= n; i++) {
		unsigned int last = i < n ? (unsigned int)keep[i] - 1 : ~0u;

		if (i < n && keep[i] < first)
			continue;
		if (last >= (unsigned int)first) {
			int r = k_close_range((unsigned int)first, last, 0);

			if (r < 0)
				return err_set(err, r, "close inherited descriptors");
		}
		if (i < n)
			first = keep[i] + 1;
	}
	return 0;
}

/*
 * Really closed, not only marked: while init waits for start, whoever may look at its descriptors
 * must find nothing of the host. What is passed on loses its close-on-exec mark; our own few stay,
 * marked.
 */
int process_close_others(struct process_ctx *p, struct err *err)
{
	int first = 3 + p->io->preserve_fds;
	int keep[ARRAY_SIZE(p->keep)] = { 0 };
	size_t n = 0;

	for (int fd = 3; fd < first; fd++)
		(void)fd_cloexec(fd, false);
	for (size_t i = 0; i < ARRAY_SIZE(p->keep) && p->keep[i] >= 0; i++)
		keep[n++] = p->keep[i];
	return close_all_but(first, keep, n, err);
}

int process_environment(struct process_ctx *p, struct err *err)
{
	const char *home = env_get(p->env, "HOME");

	(void)err;
	if (!home || !*home) {
		int wait = knocked_out("image-files") ? 0 : O_NONBLOCK | O_NOFOLLOW;
		_cleanup_close_ int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | wait);
		_cleanup_free_ char *found = cred_home(fd, p->process->user.uid);

		env_set(&p->env, "HOME", found);
	}
	return 0;
}

static int enter_cwd(const struct spec_process *process)
{
	return chdir(process->cwd) < 0 ? -errno : 0;
}

/* A working directory outside of the root shows as "(unreachable)": the way in of leaked directory
 * descriptors. */
static int check_cwd(const struct spec_process *process, struct err *err)
{
	char buf[4096];
	long n = syscall(SYS_getcwd, buf, sizeof(buf));

	if (knocked_out("cwd-inside"))
		return 0;
	if (n < 0)
		return errno == ENOENT
		           ? err_text(err, -ENOENT, "cwd \"%s\" is not in the container's root",
		                      process->cwd)
		           : err_set(err, -errno, "check cwd \"%s\"", process->cwd);
	if (buf[0] != '/')
		return err_text(err, -EPERM, "cwd \"%s\" is outside of the container's root",
		                process->cwd);
	return 0;
}

static int load_filter(struct process_ctx *p, struct err *err)
{
	if (!p->filter || p->filter->n == 0)
		return 0;
	return listener_wanted(p->filter) ? listener_load(p->filter, p->sync, err)
	                                  : seccomp_filter_load(p->filter, err);
}

int process_credentials(struct process_ctx *p, struct err *err)
{
	const struct spec_process *process = p->process;
	struct cred_plan cred = { .process = process, .setgroups_denied = p->setgroups_denied };
	int cwd, r = 0;

	if (process->no_new_privileges)
		r = cred_no_new_privs(err);
	else
		r = load_filter(p, err);
	if (r < 0)
		return r;
	/* Once as root and, where that was refused, once as the user: either may be the only one
	 * who can enter. */
	cwd = enter_cwd(process);
	r = caps_drop_bounding(&process->caps, err);
	if (r == 0)
		r = cred_apply_ids(&cred, err);
	if (r < 0)
		return r;
	if (cwd == -EACCES || cwd == -EPERM)
		cwd = enter_cwd(process);
	if (cwd < 0)
		return err_set(err, cwd, "chdir to cwd (\"%s\") set in config.json failed",
		               process->cwd);
	r = caps_apply(&process->caps, err);
	return r < 0 ? r : check_cwd(process, err);
}

/* 0: can be executed as far as one can tell; else the reason. */
static int can_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int search_path(struct process_ctx *p, const char *name, struct err *err)
{
	const char *path = env_get(p->env, "PATH");
	int found = -ENOENT;

	for (const char *dir = path ? path : ""; *dir;) {
		size_t len = strcspn(dir, ":");
		int n = snprintf(p->exec_path, sizeof(p->exec_path), "%.*s/%s",
		                 (int)(len ? len : 1), len ? dir : ".", name);

		if (n > 0 && (size_t)n < sizeof(p->exec_path)) {
			int r = can_execute(p->exec_path);

			if (r == 0)
				return 0;
			if (r != -ENOENT && r != -ENOTDIR)
				found = r;
		}
		dir += len + (dir[len] == ':');
	}
	if (found == -ENOENT)
		return err_set(err, -ENOENT, "exec: \"%s\": executable file not found in $PATH",
		               name);
	return err_set(err, found, "exec: \"%s\"", name);
}

int process_lookup(struct process_ctx *p, struct err *err)
{
	const char *name = p->process->args[0];
	int r;

	if (name[0] == '\0')
		return err_set(err, -ENOENT,
		               "process.args[0]: exec: \"\": executable file not found in $PATH");
	if (!strchr(name, '/'))
		return search_path(p, name, err);
	if (strlen(name) >= sizeof(p->exec_path))
		return err_set(err, -ENAMETOOLONG, "exec: \"%.64s...\"", name);
	memcpy(p->exec_path, name, strlen(name) + 1);
	r = can_execute(name);
	return r < 0 ? err_set(err, r, "exec: \"%s\"", name) : 0;
}

int process_late_seccomp(struct process_ctx *p, struct err *err)
{
	return p->process->no_new_privileges ? load_filter(p, err) : 0;
}

int process_exec(struct process_ctx *p, struct err *err)
{
	int e;

	execve(p->exec_path, p->process->args, p->env);
	e = errno;
	/* The file is there, its interpreter or dynamic loader is not. */
	if (e == ENOENT)
		return err_text(err, -e, "exec %s: no such file or directory", p->exec_path);
	return err_set(err, -e, "exec: \"%s\"", p->exec_path);
}
