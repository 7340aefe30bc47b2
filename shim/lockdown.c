/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock-down: what the shim gives up before it serves. A fault in what it does with other people's
 * bytes then gives no capability, no new process, and no files but those next to its own.
 *
 * CAP_KILL stays where we have it: an ordinary signal to a process that runs as another user needs
 * it. CAP_DAC_OVERRIDE stays only when the log's directory belongs to somebody else, who would be
 * able to end the log otherwise. Landlock and seccomp are used where the kernel has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "shim/shim.h"

/* Could we make files there as an ordinary user with our id? */
static bool is_ours(int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0300) == 0300;
}

static int drop_capabilities(unsigned int keep, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return err_set(err, -errno, "read capabilities");
	keep &= data[0].permitted;
	/* What is to outlive an upgrade must be inheritable, and is so only while it is bounded. */
	data[0].inheritable = keep;
	(void)syscall(SYS_capset, &head, data);
	/* Needs CAP_SETPCAP; with no_new_privs the set is of no use to us either way. */
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	data[0].permitted = data[0].effective = keep;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &head, data) < 0) {
		data[0].inheritable = 0;
		if (syscall(SYS_capset, &head, data) < 0)
			return err_set(err, -errno, "drop capabilities");
	}
	return 0;
}

#define FILES                                                           \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define OTHERS                                                          \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_DIR |     \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

#define LOAD (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE)

/*
 * What a program is loaded from in an upgrade. These and no others, whatever we were loaded from:
 * so that a shim that is tried under these rules (--handover-check) can be loaded under ours.
 */
static const char *const loader_paths[] = {
	"/lib",           "/lib64",           "/usr/lib",         "/usr/lib64",
	"/usr/local/lib", "/usr/local/lib64", "/etc/ld.so.cache",
};

static int allow_dir(int ruleset, int dir_fd, __u64 access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = dir_fd };

	if (dir_fd < 0)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
}

static int allow_loader(int ruleset)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(loader_paths) && r >= 0; i++) {
		_cleanup_close_ int fd = open(loader_paths[i], O_PATH | O_CLOEXEC);

		r = allow_dir(ruleset, fd, LOAD);
	}
	return r;
}

/*
 * Only files in these directories from now on, and what the loader needs. Best effort:
 * 5.13, and enabled.
 */
static void restrict_files(int dir_fd, int log_dir_fd, int fdinfo_fd, bool loader)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = FILES | OTHERS };
	_cleanup_close_ int ruleset = FD_INVALID;

	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0U);
	if (ruleset < 0)
		return;
	if (allow_dir(ruleset, dir_fd, FILES) < 0 || allow_dir(ruleset, log_dir_fd, FILES) < 0 ||
	    allow_dir(ruleset, fdinfo_fd, LANDLOCK_ACCESS_FS_READ_FILE) < 0 ||
	    (loader && allow_loader(ruleset) < 0))
		return;
	(void)syscall(SYS_landlock_restrict_self, ruleset, 0U);
}

int lockdown(struct shim *shim, struct err *err)
{
	const struct session *s = &shim->session;
	unsigned int keep = 1U << CAP_KILL;
	int r;

	if (s->has_log && s->log.dir_fd >= 0 && !is_ours(s->log.dir_fd))
		keep |= 1U << CAP_DAC_OVERRIDE;
	r = proc_set_dumpable(false);
	if (r < 0)
		return err_set(err, r, "become undumpable");
	if (shim->lock_level >= LOCK_LEVEL)
		return 0;
	r = drop_capabilities(keep, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs");
	restrict_files(s->conf.dir_fd, s->has_log ? s->log.dir_fd : FD_INVALID, shim->fdinfo_fd,
	               true);
	r = filter_load(err);
	if (r >= 0)
		shim->lock_level = LOCK_LEVEL;
	return r;
}

int lockdown_helper(int dir_fd, struct err *err)
{
	int r;

	r = proc_set_dumpable(false);
	if (r < 0)
		return err_set(err, r, "become undumpable");
	r = drop_capabilities(is_ours(dir_fd) ? 0 : 1U << CAP_DAC_OVERRIDE, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs");
	if (dir_fd >= 0)
		restrict_files(FD_INVALID, dir_fd, FD_INVALID, false);
	return filter_load(err);
}
