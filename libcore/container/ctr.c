/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container object: reserve, open, lock, status.
 *
 * The lock is an flock on the container's directory, so it dies with its holder. A directory that
 * was removed while we waited for its lock is recognised by its link count. Status is derived,
 * never stored: no state.json means that creation has not finished (or was cut off), the FIFO says
 * whether init waits, the verified pidfd whether it lives, the freezer whether it is paused.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"

#define LOCK_TIMEOUT_S 10

const char *ctr_status_name(enum ctr_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused",
		                             "stopped" };

	return names[status];
}

static void on_alarm(int sig)
{
	(void)sig; /* only there to interrupt flock(2) */
}

/* flock with a bound: a timer rather than a polling loop, so that we go on at once when the holder
 * is done. */
static int lock_bounded(int fd)
{
	struct sigaction old, act = { .sa_handler = on_alarm };
	struct itimerval off = { 0 }, timer = { .it_value.tv_sec = LOCK_TIMEOUT_S,
		                                .it_interval.tv_usec = 100000 };
	sigset_t mask, old_mask;
	int r;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	sigemptyset(&act.sa_mask);
	sigaction(SIGALRM, &act, &old);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &mask, &old_mask);
	setitimer(ITIMER_REAL, &timer, NULL);
	r = flock(fd, LOCK_EX) < 0 ? -errno : 0;
	setitimer(ITIMER_REAL, &off, NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGALRM, &old, NULL);
	return r == -EINTR ? -EBUSY : r;
}

static char *now_rfc3339(void)
{
	struct timespec ts;
	struct tm tm;
	char date[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return xasprintf("%s.%09ldZ", date, ts.tv_nsec);
}

static struct ctr *ctr_new(const struct ctr_root *root, const char *id)
{
	struct ctr *ctr = xcalloc(1, sizeof(*ctr));

	ctr->id = xstrdup(id);
	ctr->root = root;
	ctr->dir_fd = FD_INVALID;
	return ctr;
}

void ctr_close(struct ctr *ctr)
{
	if (!ctr)
		return;
	fd_close(ctr->dir_fd); /* the lock goes with the last copy */
	free(ctr->id);
	free(ctr->bundle);
	free(ctr->created);
	free(ctr->shim_link);
	free(ctr->rdt_group);
	free(ctr->rdt_monitor);
	free(ctr->oci_version);
	free(ctr->rootfs);
	free(ctr->shim_address);
	free(ctr->log_path);
	for (size_t i = 0; i < ctr->n_annotations; i++) {
		free(ctr->annotations[i].key);
		free(ctr->annotations[i].value);
	}
	free(ctr->annotations);
	cg_free(ctr->cgroup);
	cg_free(ctr->shim_cgroup);
	mnt_host_root_free(ctr->host_root);
	free(ctr);
}

void ctr_close_ptr(struct ctr **ctr)
{
	ctr_close(take_ptr(*ctr));
}

static void copy_identity(struct ctr_identity *to, const struct proc_id *from)
{
	to->pid = from->pid;
	to->start_time = from->start_time;
	to->pidfs_ino = from->pidfs_ino;
	memcpy(to->boot_id, from->boot_id, sizeof(to->boot_id));
}

int ctr_identity_of(pid_t pid, int pidfd, struct ctr_identity *ret)
{
	struct proc_id id;
	int r = proc_id_get(pid, pidfd, &id);

	if (r == 0)
		copy_identity(ret, &id);
	return r;
}

int ctr_identity_open(const struct ctr_identity *identity)
{
	struct proc_id id = { .pid = identity->pid,
		              .start_time = identity->start_time,
		              .pidfs_ino = identity->pidfs_ino };

	if (identity->pid <= 0)
		return -ESRCH;
	memcpy(id.boot_id, identity->boot_id, sizeof(id.boot_id));
	return proc_id_open(&id);
}

bool ctr_identity_alive(const struct ctr_identity *identity)
{
	_cleanup_close_ int fd = ctr_identity_open(identity);

	return fd >= 0 && !proc_pidfd_exited(fd);
}

static int write_config_copy(struct ctr *ctr, const struct spec *spec, struct err *err)
{
	int r =
	    file_replace_at(ctr->dir_fd, "config.json", spec->text, spec->text_len, 0600, false);

	return r < 0 ? err_set(err, r, "write the copy of config.json of container \"%s\"", ctr->id)
	             : 0;
}

/* Undo of a reservation that could not be completed: nothing but files of ours is there yet. */
static void unreserve(const struct ctr *ctr)
{
	(void)file_remove_tree_at(ctr->root->fd, ctr->id);
}

/* The groups that delete is to remove: decided before any is made. */
static int note_rdt(struct ctr *ctr, const struct spec_intel_rdt *spec, struct err *err)
{
	struct rdt rdt;
	int r = rdt_plan(NULL, spec, ctr->id, &rdt, err);

	if (r < 0)
		return r;
	if (rdt.ours)
		ctr->rdt_group = take_ptr(rdt.group);
	ctr->rdt_monitor = take_ptr(rdt.monitor);
	rdt_done(&rdt);
	return 0;
}

int ctr_reserve(const struct ctr_root *root, const char *id, const struct spec *spec, struct cg *cg,
                struct cg *shim_cg, struct ctr **ret, struct err *err)
{
	_cleanup_ctr_ struct ctr *ctr = ctr_new(root, id);
	int r;

	ctr->cgroup = cg;
	ctr->shim_cgroup = shim_cg;
	if (!ctr_id_valid(id, err))
		return -EINVAL;
	r = note_rdt(ctr, &spec->linux_.intel_rdt, err);
	if (r < 0)
		return r;
	if (mkdirat(root->fd, id, 0700) < 0) {
		if (errno == EEXIST)
			return err_text(err, -EEXIST,
			                "container with given ID already exists: \"%s\"", id);
		return err_set(err, -errno, "make the directory of container \"%s\" in \"%s\"", id,
		               root->path);
	}
	ctr->dir_fd = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ctr->dir_fd < 0 || flock(ctr->dir_fd, LOCK_EX | LOCK_NB) < 0) {
		r = err_set(err, -errno, "lock the directory of container \"%s\"", id);
		unlinkat(root->fd, id, AT_REMOVEDIR);
		return r;
	}
	ctr->locked = true;
	ctr->bundle = xstrdup(spec->bundle);
	ctr->created = now_rfc3339();
	ctr->owner = geteuid();
	ctr->shim_link = ctr_shim_link(root, id);
	(void)proc_boot_id(ctr->boot_id);
	(void)ctr_identity_of(getpid(), -1, &ctr->creator);
	r = record_write_intent(ctr, err);
	if (r == 0)
		r = write_config_copy(ctr, spec, err);
	if (r < 0) {
		unreserve(ctr);
		return r;
	}
	*ret = take_ptr(ctr);
	return 0;
}

/* FNV-1a: spreads names over short socket links; a collision is found by the exclusive creation of
 * the link. */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

/* Longest path that bind(2) and connect(2) take, without the final NUL. */
#define SUN_PATH_MAX 107
#define LINK_LENGTH  (sizeof("/.s/0123456789abcdef") - 1)

char *ctr_shim_link(const struct ctr_root *root, const char *session)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/shim.sock", root->path, session);
	_cleanup_free_ char *place = NULL;

	if (strlen(path) <= SUN_PATH_MAX)
		return NULL;
	/* A root so deep that not even the link fits: the default one, if that is shorter. */
	if (strlen(root->path) + LINK_LENGTH > SUN_PATH_MAX)
		place = ctr_root_default(NULL);
	return xasprintf("%s/.s/%016llx", place ? place : root->path,
	                 (unsigned long long)hash(path));
}

static int not_there(const char *id, struct err *err)
{
	return err_text(err, -ENOENT, "container \"%s\" does not exist: %s", id, strerror(ENOENT));
}

int ctr_lock(struct ctr *ctr, struct err *err)
{
	struct stat st;
	int r = lock_bounded(ctr->dir_fd);

	if (r < 0)
		return err_set(err, r, "lock container \"%s\": another command works on it",
		               ctr->id);
	ctr->locked = true;
	if (fstat(ctr->dir_fd, &st) == 0 && st.st_nlink == 0)
		return not_there(ctr->id, err);
	return 0;
}

void ctr_unlock(struct ctr *ctr)
{
	(void)flock(ctr->dir_fd, LOCK_UN);
	ctr->locked = false;
}

static int open_container(const struct ctr_root *root, const char *id, bool lock, bool damaged,
                          struct ctr **ret, struct err *err)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	struct stat st;
	int r;

	if (!ctr_id_valid(id, err))
		return -EINVAL;
	ctr = ctr_new(root, id);
	ctr->dir_fd = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ctr->dir_fd < 0)
		return errno == ENOENT
		           ? not_there(id, err)
		           : err_set(err, -errno, "open the directory of container \"%s\"", id);
	if (lock) {
		r = ctr_lock(ctr, err);
		if (r < 0)
			return r;
	}
	if (fstat(ctr->dir_fd, &st) < 0)
		return err_set(err, -errno, "stat the directory of container \"%s\"", id);
	if (st.st_nlink == 0)
		return not_there(id, err);
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_set(err, -EPERM, "the directory of container \"%s\" is not ours alone",
		               id);
	r = record_read(ctr, err);
	if (r < 0 && !damaged)
		return r;
	*ret = take_ptr(ctr);
	return 0;
}

int ctr_open(const struct ctr_root *root, const char *id, bool lock, struct ctr **ret,
             struct err *err)
{
	return open_container(root, id, lock, false, ret, err);
}

int ctr_open_damaged(const struct ctr_root *root, const char *id, struct ctr **ret, struct err *err)
{
	return open_container(root, id, true, true, ret, err);
}

int ctr_reload(struct ctr *ctr, struct err *err)
{
	return record_read(ctr, err);
}

bool ctr_same_boot(const struct ctr *ctr)
{
	char now[40];

	if (ctr->boot_id[0] == '\0' || proc_boot_id(now) < 0)
		return true; /* unknown: the identities decide */
	return streq(now, ctr->boot_id);
}

int ctr_init_pidfd(const struct ctr *ctr)
{
	_cleanup_close_ int fd = ctr_identity_open(&ctr->init);

	if (fd >= 0 && proc_pidfd_exited(fd))
		return -ESRCH;
	return fd < 0 ? fd : take_fd(&fd);
}

bool ctr_shim_alive(const struct ctr *ctr)
{
	return ctr_identity_alive(&ctr->shim);
}

int ctr_set_shim(struct ctr *ctr, const struct ctr_identity *shim, struct err *err)
{
	ctr->shim = *shim;
	return record_write_state(ctr, err);
}

int ctr_set_shim_cgroup(struct ctr *ctr, struct cg *shim_cg, struct err *err)
{
	cg_free(ctr->shim_cgroup);
	ctr->shim_cgroup = shim_cg;
	return record_write_intent(ctr, err);
}

int64_t ctr_started_ns(const struct ctr *ctr)
{
	struct stat st;

	/* Init's last act before execve is to write a byte there. */
	if (fifo_init_waits(ctr->dir_fd) > 0 ||
	    fstatat(ctr->dir_fd, "exec.report", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

/* Does somebody else hold the lock? Only asked when we do not. */
static bool is_locked_by_other(const struct ctr *ctr)
{
	_cleanup_close_ int fd = FD_INVALID;

	if (ctr->locked)
		return false;
	/* A file description of its own: trying on ours would keep the lock. */
	fd = openat(ctr->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

enum ctr_status ctr_status(const struct ctr *ctr)
{
	_cleanup_close_ int pidfd = FD_INVALID;

	if (!ctr->has_state)
		return is_locked_by_other(ctr) ? CTR_CREATING : CTR_STOPPED;
	if (!ctr_same_boot(ctr))
		return CTR_STOPPED;
	pidfd = ctr_init_pidfd(ctr);
	if (pidfd < 0)
		return CTR_STOPPED;
	if (ctr->cgroup && cg_is_frozen(ctr->cgroup))
		return CTR_PAUSED;
	return fifo_init_waits(ctr->dir_fd) > 0 ? CTR_CREATED : CTR_RUNNING;
}

bool ctr_is_aborted(const struct ctr *ctr)
{
	return !ctr->has_state && !is_locked_by_other(ctr);
}

int ctr_load_spec(const struct ctr *ctr, struct spec **ret, struct err *err)
{
	_cleanup_spec_ struct spec *spec = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r = file_read_at(ctr->dir_fd, "config.json", SPEC_FILE_MAX, &text, &len);

	if (r < 0)
		return err_set(err, r, "read the configuration of container \"%s\"", ctr->id);
	r = spec_load_text(text, len, ctr->bundle, &spec, err);
	if (r == 0)
		r = update_overlay(ctr, spec, err);
	if (r == 0)
		*ret = take_ptr(spec);
	return r;
}

int ctr_session_open(const struct ctr_root *root, const char *ref, int *ret_dirfd, struct err *err)
{
	_cleanup_free_ char *id = xstrdup(ref);
	char *name = strchr(id, '/');
	_cleanup_close_ int dir = FD_INVALID;
	_cleanup_free_ char *sub = NULL;
	int fd;

	if (name)
		*name++ = '\0';
	if (!ctr_id_valid(id, err) || (name && !ctr_id_valid(name, err)))
		return -EINVAL;
	dir = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return errno == ENOENT
		           ? not_there(id, err)
		           : err_set(err, -errno, "open the directory of container \"%s\"", id);
	if (!name) {
		*ret_dirfd = take_fd(&dir);
		return 0;
	}
	sub = path_join("exec", name);
	fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, -errno, "container \"%s\" has no kept process \"%s\"", id,
		               name);
	*ret_dirfd = fd;
	return 0;
}
