/* SPDX-License-Identifier: Apache-2.0 */
/* Where kept output is logged: see log_choice.h. */
#include "runtime/log_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/proc.h"
#include "runtime/launch.h"

#define LOG_MAX_MIN   4096 /* these are the bounds of the hand-over */
#define LOG_FILES_MAX 1000
#define PLACE_MS      1000

/* In a child, since the file system may be one that hangs. 0: yes, or nobody knows. */
static int ask_place(const char *dir)
{
	struct pollfd p = { .events = POLLIN };
	_cleanup_close_ int in = FD_INVALID;
	int fds[2], answer = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	pid = fork();
	if (pid == 0) {
		answer = faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
		(void)!write(fds[1], &answer, sizeof(answer));
		_exit(0);
	}
	fd_close(fds[1]);
	if (pid < 0)
		return -errno;
	p.fd = in;
	if (poll(&p, 1, PLACE_MS) > 0) {
		(void)!read(in, &answer, sizeof(answer));
		(void)proc_waitpid(pid, NULL);
	} else {
		/* It may be where not even this ends it: it is not waited for. */
		(void)kill(pid, SIGKILL);
	}
	return answer;
}

static int check_place(const char *path, struct err *err)
{
	_cleanup_free_ char *dir = path_dir(path);
	int r = ask_place(dir);

	/* The shim opens it when it is too late to fail. */
	return r < 0 ? err_set(err, r, "option --container-log: \"%s\"", path) : 0;
}

static int parse_bounds(const struct log_opts *opts, struct log_choice *ret, struct err *err)
{
	int64_t n = 0;

	/* The lower bound is that of the shim, which must be able to hold a record. */
	if (opts->max && (num_parse_size(opts->max, &n) < 0 || n < LOG_MAX_MIN))
		return err_text(err, -EINVAL,
		                "option --container-log-max: \"%s\" is no size of %d bytes or more",
		                opts->max, LOG_MAX_MIN);
	ret->max = (size_t)n;
	if (opts->files && (num_parse_int(opts->files, &ret->files) < 0 || ret->files < 1 ||
	                    ret->files > LOG_FILES_MAX))
		return err_text(err, -EINVAL,
		                "option --container-log-files: \"%s\" is no number from 1 to %d",
		                opts->files, LOG_FILES_MAX);
	return 0;
}

int log_choice_parse(const struct log_opts *opts, struct log_choice *ret, struct err *err)
{
	int r;

	*ret = (struct log_choice){ .format = LOG_CRI };
	if (opts->format && log_driver_parse(opts->format, &ret->format) < 0)
		return err_text(err, -EINVAL,
		                "option --container-log-format: \"%s\" is none of cri, json-file, "
		                "journald",
		                opts->format);
	if (ret->format == LOG_JOURNALD && (opts->path || opts->max || opts->files))
		return err_text(err, -EINVAL,
		                "option --container-log%s: a log in the journal has no files",
		                opts->path  ? ""
		                : opts->max ? "-max"
		                            : "-files");
	r = parse_bounds(opts, ret, err);
	return r == 0 && opts->path ? check_place(opts->path, err) : r;
}

char *log_choice_path(const struct log_opts *opts, const struct log_choice *choice,
                      const char *session_path)
{
	if (choice->format == LOG_JOURNALD)
		return xstrdup(LOG_IN_JOURNAL);
	return opts->path ? launch_absolute(opts->path) : path_join(session_path, "log");
}
