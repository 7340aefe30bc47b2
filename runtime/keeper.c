/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: see keeper.h. */
#include "runtime/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "berth/log.h"
#include "cgroup/cgroup.h"
#include "kernel/syscalls.h"
#include "runtime/exit_option.h"
#include "runtime/interrupt.h"
#include "runtime/self.h"
#include "shim/wire/exit_record.h"
#include "shim/wire/handover.h"
#include "shim/wire/oom_count.h"
#include "version.h"

#define BACKLOG  16
#define READY_MS 10000 /* the shim's own work is a millisecond */

struct report {
	pid_t pid; /* > 0: made */
	struct err err;
};

struct keeper {
	struct keeper_job *job;
	struct shim_handover h;
	struct ctr_process_io io;
	int master;
	int io_fds[3]; /* the container's ends; ours to close */
};

char *keeper_address(const char *session_path, const char *shim_link)
{
	return shim_link ? xstrdup(shim_link) : path_join(session_path, "shim.sock");
}

/* Where BERTH_SHIM_PATH says and nowhere else, or beside us (a build tree), or where it is
 * installed. */
int keeper_open_shim(struct err *err)
{
	const char *given = getenv("BERTH_SHIM_PATH");
	_cleanup_free_ char *path =
	    given ? xstrdup(given) : path_join(self_directory(), "berth-shim");
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && !given)
		fd = open(BERTH_LIBEXECDIR "/berth-shim", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_set(
		    err, -errno,
		    "open the shim \"%s\", or \"" BERTH_LIBEXECDIR
		    "/berth-shim\" (install it, set BERTH_SHIM_PATH, or use --shim=never)",
		    path);
	return fd;
}

/* Out of the caller's cgroup: a service manager kills what is left in the cgroup of a unit that
 * ends. */
static int leave_cgroup(const struct keeper_job *job, struct err *err)
{
	struct err e = { 0 };
	int r;

	if (job->in_shim_cgroup)
		return 0;
	if (!job->shim_cgroup || !job->shim_cgroup->usable) {
		log_debug("the shim stays in the caller's cgroup: %s",
		          job->shim_cgroup ? job->shim_cgroup->why : "no cgroup");
		return 0;
	}
	r = cg_attach(job->shim_cgroup, getpid(), &e);
	if (r < 0 && job->must_be_there) {
		*err = e;
		return err_prefix(err, "option --shim-cgroup");
	}
	if (r < 0)
		log_warn("the shim stays in the caller's cgroup: %s", e.msg);
	return 0;
}

/* K is born where it is to live, if at all possible. */
static pid_t fork_keeper(struct keeper_job *job, struct err *err)
{
	struct cg *cg = job->shim_cgroup;
	struct err e = { 0 };
	pid_t pid;
	int r;

	r = cg && cg->usable ? cg_create(cg, &e) : 0;
	if (r < 0 && job->must_be_there) {
		*err = e;
		return err_prefix(err, "option --shim-cgroup");
	}
	if (r < 0) {
		log_warn("the shim stays in the caller's cgroup: %s", e.msg);
		cg->usable = false;
	}
	if (cg && cg->usable) {
		pid = cg_fork(cg, &job->in_shim_cgroup);
	} else {
		pid = fork();
		pid = pid < 0 ? -errno : pid;
	}
	return pid < 0 ? err_set(err, pid, "fork the keeper") : pid;
}

/* The short name of a socket. Its directory has to be ours, and nobody's link: who could change it
 * would be who clients speak to. */
static int link_socket(const char *link, const char *session_path, struct err *err)
{
	_cleanup_free_ char *path = path_dir(link);
	_cleanup_free_ char *target = path_join(session_path, "shim.sock");
	_cleanup_close_ int dir = FD_INVALID;
	const char *name = path_base(link);
	struct stat st;

	(void)file_mkdir_p(path, 0700);
	dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(err, -EPERM, "\"%s\" may be written by others", path);
	(void)unlinkat(dir, name, 0);
	return symlinkat(target, dir, name) < 0 ? err_set(err, -errno, "link \"%s\"", link) : 0;
}

static int listen_socket(struct keeper *k, struct err *err)
{
	struct keeper_job *job = k->job;
	int fd;

	if (job->found) /* what is there is of a shim that is gone */
		(void)unlinkat(job->session_fd, "shim.sock", 0);
	fd = sock_listen_at(job->session_fd, "shim.sock", BACKLOG);

	if (fd < 0)
		return err_set(err, fd, "listen on \"%s/shim.sock\"", job->session_path);
	k->h.listen_fd = fd;
	return job->shim_link ? link_socket(job->shim_link, job->session_path, err) : 0;
}

/*
 * A pipe for output. The container's end is O_RDWR: should the shim die, a writer then neither gets
 * SIGPIPE nor loses what it wrote. Both ends are separate file descriptions, so the container
 * cannot change the flags of ours.
 */
static int output_pipe(int *ret_theirs, int *ret_ours)
{
	_cleanup_close_ int r = FD_INVALID, w = FD_INVALID;
	int fds[2], theirs;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r = fds[0];
	w = fds[1];
	theirs = fd_reopen(w, O_RDWR | O_CLOEXEC);
	if (theirs < 0)
		return theirs;
	(void)fd_nonblock(r, true);
	*ret_theirs = theirs;
	*ret_ours = take_fd(&r);
	return 0;
}

static int input_pipe(int *ret_theirs, int *ret_ours)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	(void)fd_nonblock(fds[1], true);
	*ret_theirs = fds[0];
	*ret_ours = fds[1];
	return 0;
}

static int kept_pipes(struct keeper *k, struct err *err)
{
	int r = 0;

	/* Without input there is no pipe: /dev/null, as where nothing is kept. */
	if (k->job->stdin_mode != SHIM_STDIN_NEVER)
		r = input_pipe(&k->io_fds[0], &k->h.stdin_fd);
	if (r == 0)
		r = output_pipe(&k->io_fds[1], &k->h.stdout_fd);
	if (r == 0)
		r = output_pipe(&k->io_fds[2], &k->h.stderr_fd);
	return r < 0 ? err_set(err, r, "make the pipes of the container") : 0;
}

static int prepare_stdio(struct keeper *k, struct err *err)
{
	struct keeper_job *job = k->job;
	int r = 0;

	for (int i = 0; i < 3; i++) {
		k->io_fds[i] = FD_INVALID;
		if (job->found)
			continue;
		if (job->stdio == STDIO_INHERIT) {
			k->io_fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
			if (k->io_fds[i] < 0)
				return err_set(err, -errno, "keep descriptor %d for the container",
				               i);
		}
	}
	if (!job->found && job->stdio == STDIO_KEEP && !job->process->terminal)
		r = kept_pipes(k, err);
	memcpy(k->io.stdio, k->io_fds, sizeof(k->io_fds));
	k->io.preserve_fds = job->preserve_fds;
	k->io.console_socket = job->console_socket;
	k->io.ret_master = &k->master;
	return r;
}

/* The caller must get end-of-file on its pipes when the runtime has gone, whatever lives on here.
 */
static int drop_stdio(struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_set(err, -errno, "open \"/dev/null\"");
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return err_set(err, -errno, "put /dev/null on descriptor %d", i);
	fd_close(null);
	return 0;
}

/* What the shim watches and uses of the container's cgroup; each may be missing. */
static void open_cgroup_files(struct keeper *k)
{
	const struct cg *cg = k->job->cgroup;
	char path[4096];

	if (!cg || !cg->usable)
		return;
	if (cg_oom_file(cg, path, sizeof(path))) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		k->h.oom_fd = fd < 0 ? FD_INVALID : fd;
	}
	if (cg_freeze_file(cg, path, sizeof(path))) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		k->h.freeze_fd = fd < 0 ? FD_INVALID : fd;
	}
	for (size_t i = 0; i < cg->n_dirs && k->job->name[0] == '\0'; i++) {
		int fd;

		if (!cg->dirs[i].v2)
			continue;
		snprintf(path, sizeof(path), "%s%s/cgroup.kill", cg->dirs[i].mount,
		         cg->dirs[i].path);
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		k->h.cgroup_kill_fd = fd < 0 ? FD_INVALID : fd;
	}
}

/* The process waits to execute its program: its status line tells the shim whether it ever did. */
static void open_stat(struct keeper *k)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", k->h.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	k->h.stat_fd = fd < 0 ? FD_INVALID : fd;
}

/* What a recovery needs, should the shim be killed. */
static int record(const struct keeper *k, struct err *err)
{
	struct keep_record rec = { .conf = k->h };
	const int fds[] = { k->h.stdin_fd, k->h.stdout_fd, k->h.stderr_fd };
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		rec.pipes[i] = keep_pipe_of(fds[i]);
	r = keep_record_write_at(k->job->session_fd, &rec);
	return r < 0 ? err_set(err, r, "write \"%s/" KEEP_RECORD_NAME "\"", k->job->session_path)
	             : 0;
}

/* A process that has been there before us. */
static int adopt_process(struct keeper *k, struct err *err)
{
	struct keeper_job *job = k->job;
	struct ctr_identity self = { 0 };
	int r = ctr_identity_of(getpid(), -1, &self);

	if (r < 0)
		return err_set(err, r, "look at ourselves");
	r = job->make(job, &k->io, &self, &k->h.pid, &k->h.pidfd, err);
	if (r < 0)
		return r;
	if (!k->h.started_ns)
		open_stat(k);
	open_cgroup_files(k);
	return 0;
}

static void choose_log(struct keeper *k)
{
	const struct log_choice *log = &k->job->log;

	k->h.log_format = log->format;
	if (log->format != LOG_JOURNALD)
		k->h.log_path = k->job->log_path;
	/* For tests, and journals elsewhere. */
	k->h.journal = getenv("BERTH_JOURNAL_SOCKET");
	if (log->max)
		k->h.log_max = log->max;
	if (log->files)
		k->h.log_files = log->files;
}

static int make_process(struct keeper *k, struct err *err)
{
	struct keeper_job *job = k->job;
	struct ctr_identity self = { 0 };
	uint64_t kills;
	int r;

	(void)ctr_identity_of(getpid(), -1, &self);
	r = exit_record_reserve_at(job->session_fd);
	if (r < 0)
		return err_set(err, r, "reserve the exit record in \"%s\"", job->session_path);
	k->h.exit_command_fd = exit_option_write(job->session_fd, job->exit_command, job->root_path,
	                                         job->id, job->name, err);
	if (k->h.exit_command_fd < 0 && job->exit_command->argv)
		return k->h.exit_command_fd;
	k->h.created_ns = clock_real_ns();
	r = job->make(job, &k->io, &self, &k->h.pid, &k->h.pidfd, err);
	if (r < 0)
		return r;
	if (job->started)
		k->h.started_ns = job->started_ns ? job->started_ns : clock_real_ns();
	else
		open_stat(k);
	if (job->process->terminal && job->console_socket < 0) {
		k->h.pty_fd = take_fd(&k->master);
		k->h.terminal = true;
		k->h.rows = job->process->console_height;
		k->h.cols = job->process->console_width;
		(void)fd_nonblock(k->h.pty_fd, true);
	}
	for (int i = 0; i < 3; i++)
		fd_reset(&k->io_fds[i]);
	open_cgroup_files(k);
	if (oom_count_read(k->h.oom_fd, &kills))
		k->h.oom_kills = (int64_t)kills;
	if (job->stdio == STDIO_KEEP)
		choose_log(k);
	k->h.stdin_mode = job->stdio == STDIO_KEEP ? job->stdin_mode : SHIM_STDIN_NEVER;
	return record(k, err);
}

static void send_report(int fd, pid_t pid, const struct err *err)
{
	struct report rep = { .pid = pid, .err = *err };

	(void)send(fd, &rep, sizeof(rep), MSG_NOSIGNAL);
}

/* Nobody is left to tell: end the process, and record how it ended. */
static _Noreturn void lost(struct keeper *k)
{
	struct exit_record rec = exit_record_unknown();
	int status;

	if (k->h.adopted) /* it is not ours to end */
		_exit(1);
	(void)proc_pidfd_signal(k->h.pidfd, SIGKILL);
	if (proc_waitpid(k->h.pid, &status) >= 0)
		rec = exit_record_from_status(status, clock_real_ns());
	(void)exit_record_write_at(k->job->session_fd, &rec);
	_exit(1);
}

/* The shim says on the report socket that it serves, or why not. */
static _Noreturn void become_shim(struct keeper *k, int report)
{
	struct keeper_job *job = k->job;
	char number[16];
	char *argv[] = { (char *)"berth-shim", (char *)"--handover", number, NULL };
	char *env[] = { NULL };
	int memfd = FD_INVALID;

	umask(077); /* what the shim makes is its own */
	k->h.id = job->id;
	k->h.name = job->name;
	k->h.session_path = job->session_path;
	k->h.ready_fd = report;
	if (job->name[0])
		k->h.linger_ms = job->linger_ms;
	if (handover_write(&k->h, &memfd, NULL) < 0 || handover_keep_fds(&k->h, memfd) < 0)
		lost(k);
	snprintf(number, sizeof(number), "%d", memfd);
	(void)k_execveat(job->shim_exe_fd, "", argv, knocked_out("shim") ? environ : env,
	                 AT_EMPTY_PATH);
	lost(k);
}

static _Noreturn void keeper_main(struct keeper_job *job, int report)
{
	struct keeper k = { .job = job, .master = FD_INVALID };
	struct err err = { 0 };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	proc_reset_signals();
	if (job->found)
		k.h = *job->found;
	else
		handover_init(&k.h);
	(void)setsid();
	umask(022);
	/* A descriptor of its own: the one in hand carries the lock, which must end with the
	 * runtime. */
	k.h.dir_fd = openat(job->session_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = k.h.dir_fd < 0 ? err_set(&err, -errno, "open \"%s\"", job->session_path)
	                   : leave_cgroup(job, &err);
	if (r == 0)
		r = prepare_stdio(&k, &err);
	if (r == 0)
		r = drop_stdio(&err);
	if (r == 0)
		r = listen_socket(&k, &err);
	if (r == 0)
		r = job->found ? adopt_process(&k, &err) : make_process(&k, &err);
	if (r < 0) {
		send_report(report, -1, &err);
		_exit(1);
	}
	prctl(PR_SET_PDEATHSIG, 0);
	send_report(report, k.h.pid, &err);
	(void)!chdir("/");
	become_shim(&k, report);
}

/*
 * One message of the keeper's, or of the shim that it has become. An interruption ends it, and with
 * it (PDEATHSIG) what it was making. *ret_len 0: there is none, and it has ended.
 */
static int receive(int fd, pid_t keeper, int timeout_ms, void *data, size_t size, size_t *ret_len,
                   struct err *err)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		               { .fd = interrupt_fd(), .events = POLLIN } };
	ssize_t n;
	int r = 0;

	while (r == 0 && !p[0].revents) {
		int ready = poll(p, 2, timeout_ms);

		if (ready < 0 && errno != EINTR)
			r = err_set(err, -errno, "wait for the keeper");
		else if (ready == 0)
			r = err_text(err, -ETIMEDOUT, "the shim does not begin to serve");
		else if (ready > 0 && p[1].revents)
			r = interrupt_check(err);
	}
	if (r < 0) {
		(void)kill(keeper, SIGKILL); /* our child, not yet reaped */
		(void)proc_waitpid(keeper, NULL);
		return r;
	}
	do
		n = recv(fd, data, size, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		(void)proc_waitpid(keeper, NULL);
	*ret_len = n < 0 ? 0 : (size_t)n;
	return 0;
}

static int read_report(int fd, pid_t keeper, pid_t *ret_pid, struct err *err)
{
	struct report rep;
	size_t len;
	int r = receive(fd, keeper, -1, &rep, sizeof(rep), &len, err);

	if (r < 0)
		return r;
	if (len != sizeof(rep))
		return err_text(err, -EPIPE,
		                "the keeper (pid %d) was killed before it could report", keeper);
	rep.err.msg[sizeof(rep.err.msg) - 1] = '\0';
	if (rep.pid <= 0) {
		(void)proc_waitpid(keeper, NULL);
		*err = rep.err;
		return rep.err.code < 0 ? rep.err.code : -EIO;
	}
	*ret_pid = rep.pid;
	return 0;
}

/* One byte: the shim serves. Anything else is why it does not. */
static int await_ready(int fd, pid_t shim, struct err *err)
{
	char text[sizeof(err->msg)];
	size_t len;
	int r = receive(fd, shim, READY_MS, text, sizeof(text) - 1, &len, err);

	if (r < 0 || len == 1)
		return r;
	if (len == 0)
		return err_text(err, -EPIPE, "the shim (pid %d) ended before it served", shim);
	(void)proc_waitpid(shim, NULL);
	text[len] = '\0';
	return err_text(err, -EIO, "the shim: %s", text);
}

int keeper_run(struct keeper_job *job, pid_t *ret_pid, pid_t *ret_keeper, struct err *err)
{
	_cleanup_close_ int ours = FD_INVALID;
	int sock[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return err_set(err, -errno, "make the report socket");
	ours = sock[0];
	job->report_fd = sock[1];
	(void)fflush(stdout);
	pid = fork_keeper(job, err);
	if (pid < 0) {
		fd_close(sock[1]);
		return pid;
	}
	if (pid == 0) {
		fd_close(ours);
		keeper_main(job, sock[1]);
	}
	fd_close(sock[1]);
	*ret_keeper = pid;
	r = read_report(ours, pid, ret_pid, err);
	return r < 0 ? r : await_ready(ours, pid, err);
}
