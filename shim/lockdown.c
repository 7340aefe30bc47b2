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

	/* Needs CAP_SETPCAP; with no_new_privs the set is of no use to us either way. */
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return err_set(err, -errno, "read capabilities");
	data[0].permitted &= keep;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &head, data) < 0)
		return err_set(err, -errno, "drop capabilities");
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

static int allow_dir(int ruleset, int dir_fd, __u64 access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = dir_fd };

	if (dir_fd < 0)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
}

/* Only files in these directories from now on. Best effort: 5.13, and enabled. */
static void restrict_files(int dir_fd, int log_dir_fd, int fdinfo_fd)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = FILES | OTHERS };
	_cleanup_close_ int ruleset = FD_INVALID;

	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0U);
	if (ruleset < 0)
		return;
	if (allow_dir(ruleset, dir_fd, FILES) < 0 || allow_dir(ruleset, log_dir_fd, FILES) < 0 ||
	    allow_dir(ruleset, fdinfo_fd, LANDLOCK_ACCESS_FS_READ_FILE) < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, ruleset, 0U);
}

int lockdown(const struct shim *shim, struct err *err)
{
	const struct session *s = &shim->session;
	unsigned int keep = 1U << CAP_KILL;
	int r;

	if (s->has_log && s->log.dir_fd >= 0 && !is_ours(s->log.dir_fd))
		keep |= 1U << CAP_DAC_OVERRIDE;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "become undumpable");
	r = drop_capabilities(keep, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs");
	restrict_files(s->conf.dir_fd, s->has_log ? s->log.dir_fd : FD_INVALID, shim->fdinfo_fd);
	return filter_load(err);
}

int lockdown_helper(int dir_fd, struct err *err)
{
	int r;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "become undumpable");
	r = drop_capabilities(is_ours(dir_fd) ? 0 : 1U << CAP_DAC_OVERRIDE, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs");
	if (dir_fd >= 0)
		restrict_files(FD_INVALID, dir_fd, FD_INVALID);
	return filter_load(err);
}
