/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container's cgroup: list, attach, signal, freeze.
 *
 * A container has one directory per hierarchy. With v2 alone that is one subtree to look at; on v1
 * and hybrid hosts a process counts when it is in any of them. Signals go through pidfds that were
 * opened before the list was read a second time: a pid that is still listed then is the process
 * that the pidfd holds, or one that is gone, so that a recycled pid is never hit. Where cgroup.kill
 * (5.14) exists it replaces all that for SIGKILL: it reaches frozen processes and forks under way.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "berth/log.h"
#include "cgroup/systemd.h"
#include "kernel/syscalls.h"

#define BATCH       32 /* pidfds open at a time */
#define KILL_PASSES 64 /* a fork bomb that outruns so many needs a pids limit */

struct pids {
	pid_t *v;
	size_t n, cap;
};

static void pids_done(struct pids *p)
{
	free(p->v);
}

static void pids_add(struct pids *p, pid_t pid)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 32;
		p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = pid;
}

static int pid_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static void pids_sort(struct pids *p)
{
	size_t kept = 0;

	if (p->n == 0)
		return;
	qsort(p->v, p->n, sizeof(*p->v), pid_compare);
	for (size_t i = 0; i < p->n; i++)
		if (kept == 0 || p->v[i] != p->v[kept - 1])
			p->v[kept++] = p->v[i];
	p->n = kept;
}

static bool pids_have(const struct pids *p, pid_t pid)
{
	return p->n && bsearch(&pid, p->v, p->n, sizeof(pid), pid_compare);
}

/* A thread's process: threaded cgroups list only threads. */
static pid_t process_of(pid_t tid)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	const char *line;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if (file_read_at(AT_FDCWD, path, 1u << 16, &text, NULL) < 0)
		return 0;
	line = strstr(text, "\nTgid:");
	if (line) {
		_cleanup_free_ char *number = NULL;

		line += 6 + strspn(line + 6, " \t");
		number = xstrndup(line, strspn(line, "0123456789"));
		if (num_parse_int(number, &pid) < 0)
			return 0;
	}
	return pid;
}

static int add_from(int dirfd, const char *path, bool v2, struct pids *out, bool *ret_hidden)
{
	_cleanup_close_ int fd = cg_openat(dirfd, path, O_PATH | O_DIRECTORY);
	_cleanup_free_ char *text = NULL;
	bool threads = false;
	char *save = NULL;
	int r;

	if (fd < 0)
		return fd;
	r = cg_read(fd, "cgroup.procs", &text);
	if (r == -EOPNOTSUPP && v2) {
		threads = true;
		r = cg_read(fd, "cgroup.threads", &text);
	}
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int pid;

		if (num_parse_int(line, &pid) < 0)
			return -EBADMSG;
		if (pid == 0) /* in a pid namespace that we don't see into */
			*ret_hidden = true;
		else if (threads)
			pid = process_of(pid);
		if (pid > 0)
			pids_add(out, pid);
	}
	return 0;
}

static int collect_dir(const struct cg_dir *dir, struct pids *out, bool *ret_hidden,
                       struct err *err)
{
	struct err e = { 0 };
	_cleanup_close_ int fd = cg_dir_open(dir, &e);
	_cleanup_strv_ char **paths = NULL;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		if (err)
			*err = e;
		return fd;
	}
	r = cg_subtree(fd, &paths);
	for (size_t i = 0; r == 0 && paths[i]; i++) {
		r = add_from(fd, paths[i], dir->v2, out, ret_hidden);
		if (r == -ENOENT || r == -ENODEV) /* removed meanwhile */
			r = 0;
	}
	if (r < 0)
		return err_set(err, r, "list the processes of cgroup %s%s", dir->mount, dir->path);
	return 0;
}

static int collect(const struct cg *cg, struct pids *out, struct err *err)
{
	bool hidden = false;

	out->n = 0;
	for (size_t i = 0; i < cg->n_dirs; i++) {
		int r = collect_dir(&cg->dirs[i], out, &hidden, err);

		if (r < 0)
			return r;
	}
	pids_sort(out);
	return 0;
}

int cg_pids(const struct cg *cg, pid_t **ret, size_t *ret_n, struct err *err)
{
	struct pids p = { 0 };
	int r = collect(cg, &p, err);

	if (r < 0) {
		pids_done(&p);
		return r;
	}
	*ret = p.v;
	*ret_n = p.n;
	return 0;
}

bool cg_dir_populated(const struct cg_dir *dir)
{
	bool hidden = false;
	_cleanup_(pids_done)
	struct pids p = { 0 };

	if (dir->v2) {
		_cleanup_close_ int fd = cg_dir_open(dir, NULL);
		uint64_t v = 0;

		return fd >= 0 && cg_read_key(fd, "cgroup.events", "populated", &v) == 0 && v;
	}
	return collect_dir(dir, &p, &hidden, NULL) == 0 && (p.n > 0 || hidden);
}

bool cg_is_populated(const struct cg *cg)
{
	for (size_t i = 0; i < cg->n_dirs; i++)
		if (cg_dir_populated(&cg->dirs[i]))
			return true;
	return false;
}

bool cg_has_self(const struct cg *cg)
{
	_cleanup_(pids_done)
	struct pids p = { 0 };

	/* Not by comparing paths: in a cgroup namespace, or below a bind of a part of a hierarchy,
	 * the same cgroup has several. */
	return collect(cg, &p, NULL) == 0 && pids_have(&p, getpid());
}

static int move_all(const struct pids *p, int up)
{
	for (size_t i = 0; i < p->n; i++) {
		char number[16];
		int r;

		snprintf(number, sizeof(number), "%d", p->v[i]);
		r = cg_write_file(up, "cgroup.procs", number);
		if (r < 0 && r != -ESRCH)
			return r;
	}
	return 0;
}

/* v2 takes processes in the root, or where no controllers are passed on: as near as possible. */
static int evacuate_dir(const struct cg_dir *dir)
{
	_cleanup_free_ char *path = xasprintf("%s%s", dir->mount, dir->path);
	size_t top = strlen(dir->mount);
	unsigned int skip = dir->ours > 2 ? dir->ours : 2;
	_cleanup_(pids_done)
	struct pids p = { 0 };
	bool hidden = false;
	int r = collect_dir(dir, &p, &hidden, NULL);

	for (char *slash; r == 0 && strlen(path) > top && (slash = strrchr(path, '/'));) {
		_cleanup_close_ int up = FD_INVALID;

		*slash = '\0';
		if (skip > 1) {
			skip--;
			continue;
		}
		up = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = up < 0 ? -errno : move_all(&p, up);
		if (r == 0)
			return 0;
		if (strlen(path) > top)
			r = 0;
	}
	return r;
}

int cg_evacuate(const struct cg *cg)
{
	int r = 0;

	for (size_t i = 0; i < cg->n_dirs && r == 0; i++)
		r = evacuate_dir(&cg->dirs[i]);
	return r;
}

pid_t cg_fork(const struct cg *cg, bool *ret_inside)
{
	_cleanup_close_ int fd = cg_v2_fd(cg);
	pid_t pid;

	*ret_inside = true;
	if (fd >= 0) {
		const struct clone_args args = {
			.flags = CLONE_INTO_CGROUP,
			.exit_signal = SIGCHLD,
			.cgroup = (uint64_t)fd,
		};

		pid = k_clone3(&args, sizeof(args));
		if (pid >= 0)
			return pid;
		log_debug("fork into the cgroup: %s", strerror(-pid));
	}
	*ret_inside = false;
	pid = fork();
	return pid < 0 ? -errno : pid;
}

int cg_attach_dirs(const struct cg *cg, pid_t pid, struct err *err)
{
	bool self = pid == getpid();
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)pid);
	for (size_t i = 0; i < cg->n_dirs; i++) {
		const struct cg_dir *dir = &cg->dirs[i];
		/* Moving a process waits for every CPU to pass a quiet point, 10 ms and more. A
		 * thread that moves itself does not, and we have no other thread. v1 only: v2 does
		 * not take single threads, and has CLONE_INTO_CGROUP instead. */
		const char *file = self && !dir->v2 ? "tasks" : "cgroup.procs";
		_cleanup_close_ int fd = cg_dir_open(dir, NULL);
		int r = fd;

		if (r >= 0)
			r = cg_write_file(fd, file, self ? "0" : number);
		if (r < 0) {
			err_set(err, r, "error adding pid %s to cgroups: %s%s/%s", number,
			        dir->mount, dir->path, file);
			return err_prefix(err, "unable to apply cgroup configuration");
		}
	}
	return 0;
}

int cg_attach(struct cg *cg, pid_t pid, struct err *err)
{
	return cg->unit ? cg_unit_attach(cg, pid, err) : cg_attach_dirs(cg, pid, err);
}

/* One signal for each of the first n pids that is still in the cgroup after its pidfd is open. */
static int signal_batch(const struct cg *cg, const pid_t *pids, size_t n, int sig, size_t *ret_sent)
{
	_cleanup_(pids_done)
	struct pids again = { 0 };
	int fds[BATCH];
	int r;

	for (size_t i = 0; i < n; i++)
		fds[i] = pids[i] == getpid() ? FD_INVALID : k_pidfd_open(pids[i], 0);
	r = collect(cg, &again, NULL);
	for (size_t i = 0; i < n; i++) {
		if (r >= 0 && fds[i] >= 0 && pids_have(&again, pids[i])) {
			int k = k_pidfd_send_signal(fds[i], sig);

			if (k == 0)
				(*ret_sent)++;
			else if (k != -ESRCH)
				r = k;
		} else if (r >= 0 && (fds[i] == -EMFILE || fds[i] == -ENFILE)) {
			r = fds[i];
		}
		fd_close(fds[i]);
	}
	return r;
}

static int signal_pass(const struct cg *cg, const struct pids *p, int sig, size_t *ret_sent,
                       struct err *err)
{
	for (size_t i = 0; i < p->n; i += BATCH) {
		size_t n = p->n - i < BATCH ? p->n - i : BATCH;
		int r = signal_batch(cg, p->v + i, n, sig, ret_sent);

		if (r < 0)
			return err_set(err, r, "send signal %d to the cgroup's processes", sig);
	}
	return 0;
}

/*
 * Frozen, nothing can fork away from the list; where cgroup.kill has been at work there is nothing
 * to freeze, and only what is in a v1 hierarchy alone is left. What was signalled once is not new.
 */
static int kill_by_list(const struct cg *cg, bool freeze, struct err *err)
{
	_cleanup_(pids_done)
	struct pids p = { 0 }, before = { 0 };
	int r;

	if (freeze)
		(void)cg_freeze(cg, true, NULL); /* helps, and is not needed */
	for (int pass = 0; pass < KILL_PASSES; pass++) {
		size_t sent = 0, new = 0;

		r = collect(cg, &p, err);
		for (size_t i = 0; r == 0 && i < p.n; i++)
			new += !pids_have(&before, p.v[i]);
		if (r < 0 || new == 0)
			break;
		r = signal_pass(cg, &p, SIGKILL, &sent, err);
		if (r < 0)
			break;
		before.n = 0;
		for (size_t i = 0; i < p.n; i++)
			pids_add(&before, p.v[i]);
	}
	/* Whatever happened, and whoever froze it: a dead man must be able to fall. */
	cg_thaw_all(cg);
	return r;
}

int cg_kill(const struct cg *cg, int sig, struct err *err)
{
	_cleanup_(pids_done)
	struct pids p = { 0 };
	const struct cg_dir *v2 = cg_find_v2(cg);
	bool killed = false;
	size_t sent = 0;
	int r = collect(cg, &p, err);

	if (r < 0)
		return r;
	if (pids_have(&p, getpid()))
		return err_text(err, -EBUSY,
		                "refusing to signal a cgroup that contains this process");
	if (sig != SIGKILL)
		return signal_pass(cg, &p, sig, &sent, err);
	if (v2) {
		_cleanup_close_ int fd = cg_dir_open(v2, NULL);

		r = fd < 0 ? fd : cg_write_file(fd, "cgroup.kill", "1");
		killed = r == 0;
		if (killed && cg->mode == CG_V2)
			return 0;
		if (r < 0 && r != -ENOENT)
			log_debug("cgroup %s%s: cgroup.kill: %s", v2->mount, v2->path,
			          strerror(-r));
	}
	return kill_by_list(cg, !killed, err);
}
