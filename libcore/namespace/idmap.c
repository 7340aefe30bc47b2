/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps of a new user namespace, written by its creator from outside.
 *
 * Three ways, by what the kernel allows (user_namespaces(7)): with CAP_SETUID and CAP_SETGID any
 * map is written directly; without them one's own id alone may be, for groups only after setgroups
 * is denied for good; everything else is for the setuid helpers newuidmap(1) and newgidmap(1),
 * which know what /etc/subuid and /etc/subgid grant. A map can be written once, in one write(2).
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"
#include "berth/log.h"
#include "namespace/internal.h"

#define HELPER_TIMEOUT_MS 10000

struct map_kind {
	const char *file;   /* below /proc/PID */
	const char *helper; /* program */
	const char *grants; /* where an administrator allows ranges */
	const char *field;  /* of the configuration */
	int cap;
};

static const struct map_kind uid_kind = { "uid_map", "newuidmap", "/etc/subuid",
	                                  "linux.uidMappings", CAP_SETUID };
static const struct map_kind gid_kind = { "gid_map", "newgidmap", "/etc/subgid",
	                                  "linux.gidMappings", CAP_SETGID };

int ns_map_text(const struct spec_id_map *maps, size_t n, struct buf *text)
{
	if (n > NS_MAP_LINES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		int r = buf_printf(text, "%u %u %u\n", maps[i].container_id, maps[i].host_id,
		                   maps[i].size);

		if (r < 0)
			return r == -EFBIG ? -E2BIG : r;
	}
	return 0;
}

char **ns_map_argv(const char *helper, pid_t pid, const struct spec_id_map *maps, size_t n)
{
	char **argv = NULL;
	char number[16];

	strv_add(&argv, helper);
	snprintf(number, sizeof(number), "%d", pid);
	strv_add(&argv, number);
	for (size_t i = 0; i < n; i++) {
		const uint32_t columns[] = { maps[i].container_id, maps[i].host_id, maps[i].size };

		for (size_t k = 0; k < ARRAY_SIZE(columns); k++) {
			snprintf(number, sizeof(number), "%u", columns[k]);
			strv_add(&argv, number);
		}
	}
	return argv;
}

bool ns_map_is_own(const struct spec_id_map *maps, size_t n, uint32_t own_id)
{
	return n == 1 && maps[0].size == 1 && maps[0].host_id == own_id;
}

const struct spec_id_map *ns_map_first_foreign(const struct spec_id_map *maps, size_t n,
                                               uint32_t own_id)
{
	for (size_t i = 0; i < n; i++)
		if (!ns_map_is_own(&maps[i], 1, own_id))
			return &maps[i];
	return NULL;
}

uint32_t ns_host_id(const struct spec_id_map *maps, size_t n, uint32_t id)
{
	if (n == 0)
		return id;
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return maps[i].host_id + (id - maps[i].container_id);
	return UINT32_MAX;
}

static bool have_cap(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, data) == 0 &&
	       data[cap / 32].effective & (1u << (cap % 32));
}

/* PATH first, then where distributions put it: a service's PATH may be empty. NULL: nowhere. */
char *ns_find_map_helper(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *all = xasprintf("%s:/usr/bin:/bin", path ? path : "");
	char *save = NULL;

	for (char *dir = strtok_r(all, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *full = path_join(dir, name);

		if (dir[0] == '/' && access(full, X_OK) == 0)
			return take_ptr(full);
	}
	return NULL;
}

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
}

static int run_helper(const struct map_kind *kind, pid_t pid, const struct spec_id_map *maps,
                      size_t n, uint32_t own_id, struct err *err)
{
	const struct spec_id_map *foreign = ns_map_first_foreign(maps, n, own_id);
	_cleanup_free_ char *path = ns_find_map_helper(kind->helper);
	_cleanup_strv_ char **argv = ns_map_argv(kind->helper, pid, maps, n);
	char output[512] = "";
	int status;

	if (!foreign)
		foreign = &maps[0];
	if (!path)
		return err_text(err, -ENOENT,
		                "%s: maps other than one's own id need %s, which is not in PATH: "
		                "install it (package uidmap or shadow-utils)",
		                kind->field, kind->helper);
	status = proc_run(path, argv, NULL, NULL, HELPER_TIMEOUT_MS, output, sizeof(output));
	if (status < 0)
		return err_set(err, status, "%s: run %s", kind->field, path);
	if (status == 0)
		return 0;
	trim(output);
	return err_text(err, -EPERM,
	                "%s: %s failed%s%s (does %s grant these ids to user %u, as a line "
	                "\"%u:%u:%u\" would, and is %s setuid?)",
	                kind->field, path, output[0] ? ": " : "", output, kind->grants, getuid(),
	                getuid(), foreign->host_id, foreign->size, kind->helper);
}

bool ns_map_equals(const char *text, const struct spec_id_map *maps, size_t n)
{
	size_t lines = 0;

	while (text[strspn(text, " \n")]) {
		struct spec_id_map have;
		size_t i;
		int len = 0;

		if (sscanf(text, "%u %u %u%n", &have.container_id, &have.host_id, &have.size,
		           &len) != 3)
			return false;
		for (i = 0; i < n; i++)
			if (memcmp(&maps[i], &have, sizeof(have)) == 0)
				break;
		if (i == n)
			return false;
		text += len;
		lines++;
	}
	return lines == n; /* neither side repeats a line: ranges do not overlap */
}

/* With the capability any map; without it one's own id, and for groups only after setgroups has
 * been denied. */
static bool writes_directly(const struct map_kind *kind, const struct spec_id_map *maps, size_t n,
                            uint32_t own_id)
{
	return have_cap(kind->cap) || ns_map_is_own(maps, n, own_id);
}

static bool denies_setgroups(const struct map_kind *kind)
{
	return kind->cap == CAP_SETGID && !have_cap(kind->cap);
}

static int write_one(int dir, const struct map_kind *kind, pid_t pid,
                     const struct spec_id_map *maps, size_t n, uint32_t own_id, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(NS_MAP_TEXT_MAX);
	bool direct = writes_directly(kind, maps, n, own_id);
	int r = ns_map_text(maps, n, &text);

	if (r == -E2BIG)
		return err_text(err, r,
		                "%s: %zu mappings are more than the kernel takes (%d lines, %d "
		                "bytes)",
		                kind->field, n, NS_MAP_LINES_MAX, NS_MAP_TEXT_MAX);
	if (r < 0 || n == 0)
		return r < 0 ? err_set(err, r, "%s", kind->field)
		             : err_text(err, -EINVAL, "%s: is empty", kind->field);
	if (direct && denies_setgroups(kind)) {
		r = file_write_at(dir, "setgroups", "deny");
		if (r < 0 && r != -ENOENT)
			return err_set(err, r, "write \"deny\" to /proc/%d/setgroups", pid);
	}
	if (!direct)
		return run_helper(kind, pid, maps, n, own_id, err);
	r = file_write_at(dir, kind->file, text.data);
	if (r == -EPERM && geteuid() != 0) {
		log_debug("%s of %d: not permitted, trying %s", kind->file, pid, kind->helper);
		return run_helper(kind, pid, maps, n, own_id, err);
	}
	if (r == -EPERM)
		return err_set(err, r,
		               "%s: write /proc/%d/%s (ids outside of our own user namespace, or "
		               "id 0 of the host without CAP_SETFCAP)",
		               kind->field, pid, kind->file);
	return r < 0 ? err_set(err, r, "%s: write /proc/%d/%s", kind->field, pid, kind->file) : 0;
}

static int open_process(pid_t pid, int *ret, struct err *err)
{
	_cleanup_close_ int dir = FD_INVALID;
	struct statfs fs;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	if (fstatfs(dir, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return err_text(err, -EPERM, "\"%s\" is not on procfs", path);
	*ret = take_fd(&dir);
	return 0;
}

int ns_write_maps(pid_t pid, const struct spec *spec, struct err *err)
{
	const struct spec_linux *lin = &spec->linux_;
	_cleanup_close_ int dir = FD_INVALID;
	int r = open_process(pid, &dir, err);

	if (r == 0)
		r = write_one(dir, &uid_kind, pid, lin->uid_maps, lin->n_uid_maps, geteuid(), err);
	if (r == 0)
		r = write_one(dir, &gid_kind, pid, lin->gid_maps, lin->n_gid_maps, getegid(), err);
	return r;
}

/* A process that does nothing but be in its namespace until it is killed, with its creator at the
 * latest. */
static void hold_namespace(pid_t creator)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	proc_reset_signals();
	(void)fd_close_from(0);
	while (getppid() == creator || getppid() == 0)
		pause();
	_exit(0);
}

int ns_make_userns(const struct spec_id_map *uids, size_t n_uids, const struct spec_id_map *gids,
                   size_t n_gids, struct err *err)
{
	struct map_kind uid = uid_kind, gid = gid_kind;
	_cleanup_close_ int dir = FD_INVALID, pidfd = FD_INVALID;
	pid_t creator = getpid(), pid;
	int fd = FD_INVALID, r;

	uid.field = "uidMappings";
	gid.field = "gidMappings";
	pid = ns_clone(CLONE_NEWUSER, FD_INVALID, false, &pidfd, NULL, err);
	if (pid < 0)
		return pid;
	if (pid == 0)
		hold_namespace(creator);
	r = open_process(pid, &dir, err);
	if (r == 0)
		r = write_one(dir, &uid, pid, uids, n_uids, geteuid(), err);
	if (r == 0)
		r = write_one(dir, &gid, pid, gids, n_gids, getegid(), err);
	if (r == 0) {
		fd = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			r = err_set(err, -errno, "open the user namespace of process %d", pid);
	}
	(void)proc_pidfd_signal(pidfd, SIGKILL);
	(void)proc_waitpid(pid, NULL);
	return r < 0 ? r : fd;
}

static int check_one(int dir, const struct map_kind *kind, const struct spec_id_map *maps, size_t n,
                     struct err *err)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (n == 0)
		return 0;
	r = file_read_at(dir, kind->file, 64 << 10, &text, NULL);
	if (r < 0)
		return err_set(err, r, "read %s of the joined user namespace", kind->file);
	if (!ns_map_equals(text, maps, n))
		return err_text(err, -EINVAL,
		                "%s: differs from the user namespace that is joined by path",
		                kind->field);
	return 0;
}

int ns_check_maps(pid_t pid, const struct spec *spec, struct err *err)
{
	const struct spec_linux *lin = &spec->linux_;
	_cleanup_close_ int dir = FD_INVALID;
	int r = open_process(pid, &dir, err);

	if (r == 0)
		r = check_one(dir, &uid_kind, lin->uid_maps, lin->n_uid_maps, err);
	return r < 0 ? r : check_one(dir, &gid_kind, lin->gid_maps, lin->n_gid_maps, err);
}

static void describe_one(const struct map_kind *kind, const struct spec_id_map *maps, size_t n,
                         uint32_t own_id, bool check, struct desc *d)
{
	bool direct = writes_directly(kind, maps, n, own_id);
	_cleanup_free_ char *helper = direct || check ? NULL : ns_find_map_helper(kind->helper);

	for (size_t i = 0; i < n; i++) {
		desc_item_at(d, kind->file, kind->field, i);
		desc_fmt(d, "map", "%u %u %u", maps[i].container_id, maps[i].host_id, maps[i].size);
		if (check)
			desc_str(d, "by", "compared with the joined namespace");
		else
			desc_str(d, "by", direct ? "write" : helper ? helper : kind->helper);
	}
	if (check || n == 0)
		return;
	if (direct && denies_setgroups(kind)) {
		desc_item(d, "setgroups", NULL);
		desc_str(d, "value", "deny");
	}
	if (!direct && !helper)
		desc_note(d, DESC_REFUSED, kind->field,
		          "maps other than one's own id need %s, which is not in PATH: install it "
		          "(package uidmap or shadow-utils)",
		          kind->helper);
}

void ns_describe_maps(const struct ns_plan *plan, const struct spec *spec, struct desc *d)
{
	const struct spec_linux *l = &spec->linux_;

	if (!plan->new_user && !plan->join[NS_USER])
		return;
	describe_one(&uid_kind, l->uid_maps, l->n_uid_maps, geteuid(), !plan->new_user, d);
	describe_one(&gid_kind, l->gid_maps, l->n_gid_maps, getegid(), !plan->new_user, d);
}
