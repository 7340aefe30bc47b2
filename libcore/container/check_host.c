/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The looks of `check`, but for the kernel's. Each fills in what it found and says how it is;
 * nothing outlives one but what the kernel caches.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "container/check.h"
#include "container/criu_api.h"
#include "kernel/probe.h"
#include "namespace/namespace.h"
#include "security/identity.h"
#include "tables/namespaces.h"

#define SUBIDS_MAX    (4u << 20)
#define SUBIDS_ENOUGH 65536

#define say(c, ...)    snprintf((c)->detail, sizeof((c)->detail), __VA_ARGS__)
#define advise(c, ...) snprintf((c)->remedy, sizeof((c)->remedy), __VA_ARGS__)

/* ---- host */

enum ctr_check_state check_proc(struct check *c)
{
	struct statfs fs;

	if (statfs("/proc", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return CTR_CHECK_OK;
	say(c, "/proc is not a procfs");
	return CTR_CHECK_MISSING;
}

/* May it be made, should it be missing: the nearest directory that is there. */
static bool may_make(const char *path)
{
	_cleanup_free_ char *dir = path_clean(path);

	while (access(dir, F_OK) < 0 && errno == ENOENT && !streq(dir, "/")) {
		char *up = path_dir(dir);

		free(dir);
		dir = up;
	}
	return faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0;
}

enum ctr_check_state check_state(struct check *c)
{
	struct err err = { 0 };
	_cleanup_free_ char *path = c->root_path ? xstrdup(c->root_path) : ctr_root_default(&err);
	struct ctr_root root = { .fd = FD_INVALID };
	int r;

	if (!path) {
		say(c, "%.400s", err.msg);
		return CTR_CHECK_MISSING;
	}
	r = ctr_root_open(path, false, &root, &err);
	ctr_root_done(&root);
	say(c, "%.400s", r < 0 && r != -ENOENT ? err.msg : path);
	if (r < 0 && r != -ENOENT)
		return CTR_CHECK_MISSING;
	return may_make(path) ? CTR_CHECK_OK : CTR_CHECK_MISSING;
}

/* ---- namespaces, by making one in a child that ends at once */

enum ctr_check_state check_namespace(struct check *c)
{
	uint64_t flag = 0;
	int r;

	for (int t = 0; t < NS_TYPES; t++)
		if (streq(ns_table[t].name, c->arg))
			flag = ns_table[t].clone_flag;
	r = probe_unshare(flag);
	if (r == 0)
		return CTR_CHECK_OK;
	say(c, "%s", strerror(-r));
	if (r != -EPERM || flag == ns_table[NS_USER].clone_flag)
		return CTR_CHECK_MISSING;
	if (probe_unshare(flag | ns_table[NS_USER].clone_flag) < 0)
		return CTR_CHECK_MISSING;
	say(c, "with a user namespace");
	/* An ordinary user has no other way, and it is as good. */
	return c->rootless ? CTR_CHECK_OK : CTR_CHECK_LIMITED;
}

/* ---- cgroups */

enum ctr_check_state check_layout(struct check *c)
{
	static const char *const names[] = {
		[CG_NONE] = "none",
		[CG_V1] = "v1",
		[CG_HYBRID] = "v1 controllers with v2 beside them",
		[CG_V2] = "v2",
	};
	enum cg_mode mode = c->host ? c->host->mode : CG_NONE;

	say(c, "%s", names[mode]);
	return mode == CG_V2     ? CTR_CHECK_OK
	       : mode == CG_NONE ? CTR_CHECK_MISSING
	                         : CTR_CHECK_LIMITED;
}

static bool has_cgroup(const struct check *c)
{
	return c->cgroup && c->cgroup->usable && c->cgroup->n_dirs > 0;
}

enum ctr_check_state check_delegation(struct check *c)
{
	size_t closed = 0;

	if (!has_cgroup(c)) {
		say(c, "%s", c->why);
		return CTR_CHECK_MISSING;
	}
	for (size_t i = 0; i < c->cgroup->n_dirs; i++) {
		int r = cg_may_make(&c->cgroup->dirs[i]);

		if (r == 0)
			continue;
		if (closed++ == 0)
			say(c, "%s: %s", c->cgroup->dirs[i].mount, strerror(-r));
	}
	if (closed == c->cgroup->n_dirs)
		return CTR_CHECK_MISSING;
	if (closed == 0)
		say(c, "%s%s", c->cgroup->dirs[0].mount, c->cgroup->dirs[0].path);
	return closed ? CTR_CHECK_LIMITED : CTR_CHECK_OK;
}

enum ctr_check_state check_controller(struct check *c)
{
	if (has_cgroup(c)) {
		const char *where = cg_controller_of(c->cgroup, c->controllers, c->arg);

		if (where) {
			say(c, "%s", where);
			return CTR_CHECK_OK;
		}
	}
	if (!has_cgroup(c)) {
		advise(c, "see \"delegation\"");
		return CTR_CHECK_MISSING;
	}
	advise(c,
	       "a kernel that has the controller, mounted as v1 or, with v2, in "
	       "cgroup.subtree_control "
	       "of %s%s",
	       c->rootless ? "the user's slice (Delegate= of user@.service)" : "the root",
	       streq(c->arg, "memory") ? "; cgroup_enable=memory on some machines" : "");
	return CTR_CHECK_MISSING;
}

enum ctr_check_state check_kill(struct check *c)
{
	return has_cgroup(c) && cg_has_kill(c->cgroup) ? CTR_CHECK_OK : CTR_CHECK_MISSING;
}

/* ---- ids */

/* "name:first:count" and "uid:first:count". */
uint64_t check_count_subids(const char *text, const char *name, uid_t uid)
{
	_cleanup_free_ char *copy = xstrdup(text);
	_cleanup_free_ char *number = xasprintf("%u", uid);
	char *save = NULL;
	uint64_t sum = 0;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL;
		uint32_t n, start;

		if (!count)
			continue;
		*first++ = *count++ = '\0';
		if ((streq(line, number) || (name && streq(line, name))) &&
		    num_parse_u32(first, &start) == 0 && num_parse_u32(count, &n) == 0)
			sum += n;
	}
	return sum;
}

enum ctr_check_state check_subids(struct check *c)
{
	uid_t uid = geteuid();
	const struct passwd *pw = getpwuid(uid); /* one thread, and used up before the next call */
	_cleanup_free_ char *text = NULL;
	uint64_t n;

	if (uid == 0) {
		say(c, "root maps any id");
		return CTR_CHECK_OK;
	}
	if (file_read_at(AT_FDCWD, c->arg, SUBIDS_MAX, &text, NULL) < 0)
		text = xstrdup("");
	n = check_count_subids(text, pw ? pw->pw_name : NULL, uid);
	say(c, "%llu ids in %s", (unsigned long long)n, c->arg);
	advise(c, "usermod --add-sub%cids 100000-165535 %s, as root, with a range that is free",
	       c->arg[strlen("/etc/sub")], pw ? pw->pw_name : "USER");
	return n >= SUBIDS_ENOUGH ? CTR_CHECK_OK : n > 0 ? CTR_CHECK_LIMITED : CTR_CHECK_MISSING;
}

enum ctr_check_state check_map_helper(struct check *c)
{
	_cleanup_free_ char *path = ns_find_map_helper(c->arg);
	struct stat st;

	if (!path) {
		say(c, "not in PATH");
		return geteuid() == 0 ? CTR_CHECK_LIMITED : CTR_CHECK_MISSING;
	}
	say(c, "%s", path);
	if (stat(path, &st) == 0 && (((st.st_mode & S_ISUID) && st.st_uid == 0) ||
	                             getxattr(path, "security.capability", NULL, 0) > 0))
		return CTR_CHECK_OK;
	say(c, "%s is neither setuid root nor has it file capabilities", path);
	return CTR_CHECK_LIMITED;
}

/* ---- security */

enum ctr_check_state check_capabilities(struct check *c)
{
	_cleanup_free_ char *text = NULL;
	uint64_t all, have = caps_available();
	uint32_t last;
	size_t len = 0;

	if (c->rootless) {
		say(c, "those of a user namespace");
		return CTR_CHECK_OK;
	}
	if (file_read_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 64, &text, NULL) < 0)
		return CTR_CHECK_LIMITED;
	text[strcspn(text, "\n")] = '\0';
	if (num_parse_u32(text, &last) < 0 || last > 62)
		return CTR_CHECK_LIMITED;
	all = (2ULL << last) - 1;
	for (uint32_t cap = 0; cap <= last && len < sizeof(c->detail) - 1; cap++)
		if (all & ~have & (1ULL << cap))
			len +=
			    (size_t)snprintf(c->detail + len, sizeof(c->detail) - len, "%s%s",
			                     len ? ", " : "without ", caps_first_name(1ULL << cap));
	return len ? CTR_CHECK_LIMITED : CTR_CHECK_OK;
}

enum ctr_check_state check_apparmor(struct check *c)
{
	return c->lsm.apparmor ? CTR_CHECK_OK : CTR_CHECK_MISSING;
}

enum ctr_check_state check_selinux(struct check *c)
{
	return c->lsm.selinux ? CTR_CHECK_OK : CTR_CHECK_MISSING;
}

/* ---- programs */

enum ctr_check_state check_systemd(struct check *c)
{
	struct err err = { 0 };
	bool user = geteuid() != 0 || !caps_in_initial_userns();

	if (cg_systemd_check(user, &err) == 0) {
		say(c, "%s manager", user ? "user" : "system");
		return CTR_CHECK_OK;
	}
	say(c, "%.400s", err.msg);
	advise(c, "%s",
	       user ? "install libsystemd and log in through systemd (a session bus at "
	              "XDG_RUNTIME_DIR/bus), or use the cgroupfs driver"
	            : "install libsystemd on a host that systemd has booted, or use the cgroupfs "
	              "driver");
	return CTR_CHECK_MISSING;
}

enum ctr_check_state check_linger(struct check *c)
{
	if (geteuid() == 0) {
		say(c, "root's state stays");
		return CTR_CHECK_OK;
	}
	if (access("/run/systemd/system", F_OK) < 0) {
		say(c, "no systemd here that would remove it");
		return CTR_CHECK_OK;
	}
	return ctr_user_lingers(geteuid()) ? CTR_CHECK_OK : CTR_CHECK_LIMITED;
}

/* In PATH, as libcriu looks for it. */
static bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *all = xasprintf("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
	char *save = NULL;

	for (char *dir = strtok_r(all, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *full = path_join(dir, name);

		if (dir[0] == '/' && access(full, X_OK) == 0)
			return true;
	}
	return false;
}

enum ctr_check_state check_criu(struct check *c)
{
	struct criu_api api;
	struct err err = { 0 };

	if (criu_api_load(&api, &err) < 0) {
		say(c, "%.400s", err.msg);
		return CTR_CHECK_MISSING;
	}
	criu_api_unload(&api);
	if (!have_program("criu")) {
		say(c, "libcriu without the program criu");
		return CTR_CHECK_MISSING;
	}
	if (geteuid() != 0) {
		say(c, "for root only");
		return CTR_CHECK_LIMITED;
	}
	return CTR_CHECK_OK;
}
