/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AppArmor and SELinux by their files in /proc/thread-self/attr.
 *
 * AppArmor has a directory of its own there (5.8); the plain files belong to the first module of
 * the kernel's list. Both modules forget the request at execve(2), and neither lets one process
 * read another's, so the reading back is done by the process itself, through the same descriptor.
 */
#include "security/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "kernel/syscalls.h"

#define LABEL_MAX  4096 /* one page: what the kernel shows at most */
#define UNCONFINED "unconfined"

void lsm_detect(int root_fd, struct lsm_host *ret)
{
	_cleanup_free_ char *enabled = NULL, *enforce = NULL;

	*ret = (struct lsm_host){ 0 };
	if (file_read_at(root_fd, "sys/module/apparmor/parameters/enabled", 16, &enabled, NULL) ==
	    0)
		ret->apparmor = enabled[0] == 'Y';
	/* The file is there when a policy can be loaded; permissive mode labels, too. */
	ret->selinux = file_read_at(root_fd, "sys/fs/selinux/enforce", 16, &enforce, NULL) == 0;
}

void lsm_detect_host(struct lsm_host *ret)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	lsm_detect(root, ret);
}

static bool profile_wanted(const struct lsm_host *host, const char *profile)
{
	return profile && (host->apparmor || !streq(profile, UNCONFINED));
}

int lsm_check(const struct lsm_host *host, const struct lsm_labels *labels, const char *mount_label,
              struct err *err)
{
	if (profile_wanted(host, labels->apparmor) && !host->apparmor)
		return err_text(err, -EOPNOTSUPP,
		                "process.apparmorProfile: \"%.200s\": AppArmor is not supported or "
		                "not enabled on this host",
		                labels->apparmor);
	if (labels->selinux && !host->selinux)
		return err_text(err, -EOPNOTSUPP,
		                "process.selinuxLabel: selinux label is specified in config, but "
		                "SELinux is disabled or not supported on this host");
	if (mount_label && !host->selinux)
		return err_text(err, -EOPNOTSUPP,
		                "linux.mountLabel: SELinux is disabled or not supported on this "
		                "host");
	return 0;
}

bool lsm_wanted(const struct lsm_host *host, const struct lsm_labels *labels)
{
	return profile_wanted(host, labels->apparmor) || labels->selinux;
}

int lsm_open_attr(int proc_fd, struct err *err)
{
	_cleanup_close_ int fd = FD_INVALID;
	struct statfs fs;

	/* Mounts inside procfs are not crossed: an image, or a process of the container, may have
	 * put something there. */
	fd = k_openat2(proc_fd, "thread-self/attr", O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
	               RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return err_set(err, fd, "open the security attributes in procfs");
	if (fstatfs(fd, &fs) < 0)
		return err_set(err, -errno, "check the security attributes in procfs");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_text(err, -EINVAL, "the security attributes are not on a procfs");
	return take_fd(&fd);
}

/* What the file shows, without its end of line; NULL: nothing. */
static char *read_label(int attr_fd, const char *name)
{
	char *text = NULL;

	if (file_read_at(attr_fd, name, LABEL_MAX, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/*
 * Read back only as "there is one": the kernel shows a mode behind the name, and its own spelling
 * of stacks and name spaces.
 */
static int apply_profile(int attr_fd, const char *profile, struct err *err)
{
	_cleanup_free_ char *request = xasprintf("exec %s", profile), *now = NULL;
	const char *file = "apparmor/exec";
	int r = file_write_at(attr_fd, file, request);

	if (r == -ENOENT && faccessat(attr_fd, file, F_OK, 0) < 0) {
		file = "exec";
		r = file_write_at(attr_fd, file, request);
	}
	if (r < 0)
		return err_set(err, r,
		               "process.apparmorProfile: unable to apply apparmor profile "
		               "\"%.200s\"%s",
		               profile, r == -ENOENT ? " (it is not loaded)" : "");
	now = read_label(attr_fd, file);
	if (!now || !*now)
		return err_text(err, -EPERM,
		                "read back: AppArmor profile \"%.200s\" is not in force at the "
		                "next execve",
		                profile);
	return 0;
}

static int apply_context(int attr_fd, const char *file, const char *label, const char *what,
                         struct err *err)
{
	_cleanup_free_ char *now = NULL;
	int r = file_write_at(attr_fd, file, label);

	if (r < 0)
		return err_set(err, r, "%s: \"%.200s\"", what, label);
	now = read_label(attr_fd, file);
	if (!now || !streq(now, label))
		return err_text(err, -EPERM, "read back: SELinux label \"%.200s\" is \"%.200s\"",
		                label, now ? now : "");
	return 0;
}

int lsm_apply_exec(int attr_fd, const struct lsm_host *host, const struct lsm_labels *labels,
                   struct err *err)
{
	int r = 0;

	if (profile_wanted(host, labels->apparmor))
		r = apply_profile(attr_fd, labels->apparmor, err);
	if (r == 0 && labels->selinux)
		r = apply_context(attr_fd, "exec", labels->selinux, "process.selinuxLabel", err);
	return r;
}

int lsm_label_keys(int attr_fd, const struct lsm_host *host, const char *label, struct err *err)
{
	int r;

	if (!host->selinux)
		return 0;
	if (label)
		return apply_context(attr_fd, "keycreate", label,
		                     "process.selinuxLabel: label of keys", err);
	/* A single line feed is how the module is told "none". */
	r = file_write_at(attr_fd, "keycreate", "\n");
	return r < 0 ? err_set(err, r, "reset the SELinux label of keys") : 0;
}
