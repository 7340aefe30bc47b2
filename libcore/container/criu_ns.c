/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces that a container joined by path: they are somebody else's, so none of them is in the
 * images, and a restore joins what the configuration names then.
 *
 * criu knows three ways, and each type has one. Network and pid namespaces are external by name,
 * and lent to the restore. Of ipc and uts criu leaves out of the images what it lives in itself,
 * and what it lives in is what restored tasks come into: it is started in them. (The way that it
 * has for joining them would write the images' host name and sysctls, and make their segments and
 * queues, in a namespace where others live.) The clocks of a time namespace are always in the
 * images; their tasks join another one at the last moment.
 *
 * A user namespace can be joined in none of these ways: it comes back new, with the maps it had.
 */
#include "container/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum how { LENT, LIVED_IN, JOINED };

static const struct shared {
	enum spec_ns_type type;
	enum how how;
	int flag;
	const char *file; /* in /proc/PID/ns, and criu's name of the type */
	const char *key;  /* LENT: name in the images */
} shared_table[] = {
	{ NS_NET, LENT, CLONE_NEWNET, "net", "extRootNetNS" },
	{ NS_PID, LENT, CLONE_NEWPID, "pid", "extRootPidNS" },
	{ NS_IPC, LIVED_IN, CLONE_NEWIPC, "ipc", NULL },
	{ NS_UTS, LIVED_IN, CLONE_NEWUTS, "uts", NULL },
	{ NS_TIME, JOINED, CLONE_NEWTIME, "time", NULL },
};

static int open_own(const char *file, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/ns/%s", file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set(err, -errno, "open \"%s\"", path) : fd;
}

/* criu will live in fd's namespace. Takes fd over. */
static int add_lived_in(struct criu *c, const struct shared *row, int fd, struct err *err)
{
	struct criu_home *home;
	int own = open_own(row->file, err);

	if (own < 0) {
		fd_close(fd);
		return own;
	}
	c->homes = xreallocarray(c->homes, c->n_homes + 1, sizeof(*c->homes));
	home = &c->homes[c->n_homes++];
	*home = (struct criu_home){ .fd = fd, .own = own, .flag = row->flag, .file = row->file };
	return 0;
}

static int dump_namespace(struct criu *c, const struct shared *row, pid_t pid, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/%s", pid, row->file);
	_cleanup_free_ char *key = NULL;
	struct stat st;
	int fd;

	if (row->how == JOINED)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	if (row->how == LIVED_IN)
		return add_lived_in(c, row, fd, err);
	if (fstat(fd, &st) < 0) {
		fd_close(fd);
		return err_set(err, -errno, "stat \"%s\"", path);
	}
	fd_close(fd);
	key = xasprintf("%s[%llu]:%s", row->file, (unsigned long long)st.st_ino, row->key);
	return c->api.add_external(key) < 0
	           ? err_set(err, -ENOMEM, "name the %s namespace to criu", row->file)
	           : 0;
}

int criu_dump_namespaces(struct criu *c, const struct spec *spec, pid_t pid, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shared_table) && r == 0; i++) {
		const struct spec_namespace *ns = &spec->linux_.namespaces[shared_table[i].type];

		if (ns->wanted && ns->path)
			r = dump_namespace(c, &shared_table[i], pid, err);
	}
	return r;
}

static int restore_namespace(struct criu *c, const struct shared *row, int fd, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	int copy;

	switch (row->how) {
	case LENT:
		return criu_lend(c, fd, row->key, err);
	case LIVED_IN:
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return copy < 0 ? err_set(err, -errno, "copy a descriptor")
		                : add_lived_in(c, row, copy, err);
	case JOINED:
		break;
	}
	/* criu opens it itself, and what the configuration names may be another one by then. */
	path = xasprintf("/proc/%d/fd/%d", getpid(), fd);
	return c->api.join_ns_add(row->file, path, NULL) < 0
	           ? err_set(err, -ENOMEM, "name the %s namespace to criu", row->file)
	           : 0;
}

int criu_restore_namespaces(struct criu *c, const struct ns_plan *ns, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shared_table) && r == 0; i++)
		if (ns->join[shared_table[i].type])
			r = restore_namespace(c, &shared_table[i], ns->fd[shared_table[i].type],
			                      err);
	return r;
}

int criu_enter(struct criu *c, struct err *err)
{
	for (size_t i = 0; i < c->n_homes; i++) {
		struct criu_home *home = &c->homes[i];

		if (setns(home->fd, home->flag) < 0) {
			int r = err_set(err, -errno, "enter the %s namespace", home->file);

			(void)criu_leave(c, NULL);
			return r;
		}
		home->inside = true;
	}
	return 0;
}

int criu_leave(struct criu *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < c->n_homes; i++) {
		struct criu_home *home = &c->homes[i];

		if (home->inside && setns(home->own, home->flag) < 0)
			r = err_set(err, -errno, "return to the %s namespace", home->file);
		home->inside = false;
	}
	return r;
}

void criu_homes_free(struct criu *c)
{
	for (size_t i = 0; i < c->n_homes; i++) {
		fd_close(c->homes[i].fd);
		fd_close(c->homes[i].own);
	}
	free(c->homes);
}
