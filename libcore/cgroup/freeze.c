/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing, and waiting for what cgroups do in their own time.
 *
 * v2 says when: a change of cgroup.events wakes whoever polls it for POLLPRI. The freezer of v1
 * says nothing and may hang half-way (FREEZING) while a task forks or is traced; there the only way
 * is to look again, thaw for an instant, and try again, within a bound. A freeze that does not
 * complete is undone. Hybrid hosts have both; the v2 one is used, since frozen processes can still
 * be killed.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"

#define BACKOFF_FIRST_US 200
#define BACKOFF_MAX_US   20000
#define EARLY_LOOKS_MS   16
#define NUDGE_EVERY      8 /* looks at a hanging v1 freezer before it is thawed and frozen again */

int64_t cg_deadline(int ms)
{
	return clock_ms() + ms;
}

int cg_remaining(int64_t deadline)
{
	int64_t left = deadline - cg_deadline(0);

	return left < 0 ? 0 : left > 1 << 30 ? 1 << 30 : (int)left;
}

void cg_backoff(unsigned int *step, int64_t deadline)
{
	int64_t us = *step < 8 ? BACKOFF_FIRST_US << *step : BACKOFF_MAX_US;
	int64_t left = (int64_t)cg_remaining(deadline) * 1000;
	struct timespec ts;

	(*step)++;
	us = us > BACKOFF_MAX_US ? BACKOFF_MAX_US : us;
	us = us > left ? left : us;
	ts = (struct timespec){ .tv_nsec = us * 1000 };
	nanosleep(&ts, NULL);
}

int cg_wait_event(int dirfd, const char *key, uint64_t value, int64_t deadline)
{
	_cleanup_close_ int fd = cg_openat(dirfd, "cgroup.events", O_RDONLY);
	int slice = 1;

	if (fd < 0)
		return fd;
	/* The kernel holds a notification back when it gave one in the last 10 ms: the first few
	 * looks are sooner than that, then it is up to the kernel. */
	for (;; slice *= slice < EARLY_LOOKS_MS ? 2 : 1) {
		struct pollfd pfd = { .fd = fd, .events = POLLPRI };
		char text[256];
		uint64_t now = 0;
		ssize_t n;
		int r;

		/* Reading arms the next wake-up: read, look, then sleep. */
		n = pread(fd, text, sizeof(text) - 1, 0);
		if (n < 0)
			return -errno;
		text[n] = '\0';
		r = cg_text_key(text, key, &now);
		if (r < 0 || now == value)
			return r;
		/* An empty cgroup never says that it is frozen: who was to freeze has died. */
		if (streq(key, "frozen") && cg_text_key(text, "populated", &now) == 0 && now == 0)
			return 0;
		r = cg_remaining(deadline);
		if (r == 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, slice < EARLY_LOOKS_MS && slice < r ? slice : r) < 0 &&
		    errno != EINTR)
			return -errno;
	}
}

static int freeze_v2(int fd, bool frozen, int64_t deadline)
{
	int r = cg_write_file(fd, "cgroup.freeze", frozen ? "1" : "0");

	/* Thawing is complete as far as this level goes; an ancestor may be frozen on its own. */
	if (r < 0 || !frozen)
		return r;
	r = cg_wait_event(fd, "frozen", 1, deadline);
	if (r < 0)
		(void)cg_write_file(fd, "cgroup.freeze", "0");
	return r;
}

static int freeze_v1(int fd, bool frozen, int64_t deadline)
{
	const char *want = frozen ? "FROZEN" : "THAWED";
	unsigned int step = 0;
	int r = cg_write_file(fd, "freezer.state", want);

	while (r == 0) {
		_cleanup_free_ char *state = NULL;

		r = cg_read(fd, "freezer.state", &state);
		if (r < 0 || streq(state, want))
			break;
		if (cg_remaining(deadline) == 0) {
			r = -ETIMEDOUT;
			break;
		}
		if (frozen && step % NUDGE_EVERY == NUDGE_EVERY - 1)
			(void)cg_write_file(fd, "freezer.state", "THAWED");
		cg_backoff(&step, deadline);
		r = cg_write_file(fd, "freezer.state", want);
	}
	if (r < 0 && frozen)
		(void)cg_write_file(fd, "freezer.state", "THAWED");
	return r;
}

static const struct cg_dir *freezer_of(const struct cg *cg)
{
	const struct cg_dir *v2 = cg_find_v2(cg);

	return v2 ? v2 : cg_find_v1(cg, "freezer");
}

int cg_freeze(const struct cg *cg, bool frozen, struct err *err)
{
	const struct cg_dir *dir = freezer_of(cg);
	int64_t deadline = cg_deadline(CG_FREEZE_MS);
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	if (!cg->usable || !dir)
		return err_set(err, -EOPNOTSUPP, "%s the container: it has no cgroup that can",
		               frozen ? "freeze" : "thaw");
	fd = cg_dir_open(dir, err);
	if (fd < 0)
		return fd;
	r = dir->v2 ? freeze_v2(fd, frozen, deadline) : freeze_v1(fd, frozen, deadline);
	if (r < 0)
		return err_set(err, r, "%s cgroup %s%s", frozen ? "freeze" : "thaw", dir->mount,
		               dir->path);
	return 0;
}

const char *cg_freeze_file(const struct cg *cg, char *buf, size_t size)
{
	const struct cg_dir *dir = freezer_of(cg);
	int n;

	if (!dir)
		return NULL;
	n = snprintf(buf, size, "%s%s/%s", dir->mount, dir->path,
	             dir->v2 ? "cgroup.events" : "freezer.state");
	return n > 0 && (size_t)n < size ? buf : NULL;
}

bool cg_dir_frozen(const struct cg_dir *dir)
{
	_cleanup_close_ int fd = FD_INVALID;
	_cleanup_free_ char *text = NULL;

	if (!dir->v2 && !cg_names_have(dir->name, "freezer"))
		return false;
	fd = cg_dir_open(dir, NULL);
	if (fd < 0 || cg_read(fd, dir->v2 ? "cgroup.freeze" : "freezer.state", &text) < 0)
		return false;
	return dir->v2 ? streq(text, "1") : !streq(text, "THAWED");
}

bool cg_is_frozen(const struct cg *cg)
{
	for (size_t i = 0; i < cg->n_dirs; i++)
		if (cg_dir_frozen(&cg->dirs[i]))
			return true;
	return false;
}

/* Children first: thawing a child of a frozen parent takes effect with the parent. */
static void thaw_subtree(int fd, bool v2)
{
	_cleanup_strv_ char **paths = NULL;

	if (cg_subtree(fd, &paths) < 0)
		return;
	for (size_t i = strv_len(paths); i-- > 0;) {
		_cleanup_close_ int sub = cg_openat(fd, paths[i], O_PATH | O_DIRECTORY);

		if (sub >= 0)
			(void)cg_write_file(sub, v2 ? "cgroup.freeze" : "freezer.state",
			                    v2 ? "0" : "THAWED");
	}
}

void cg_thaw_all(const struct cg *cg)
{
	for (size_t i = 0; i < cg->n_dirs; i++) {
		const struct cg_dir *dir = &cg->dirs[i];
		_cleanup_close_ int fd = FD_INVALID;

		if (!dir->v2 && !cg_names_have(dir->name, "freezer"))
			continue;
		fd = cg_dir_open(dir, NULL);
		if (fd >= 0)
			thaw_subtree(fd, dir->v2);
	}
}
