/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the mount tests, see the header. */
#include "mount_util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strv.h"

const struct mount_row template_rows[] = {
	{ "/proc", "proc", "proc", NULL },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
};
const size_t n_template_rows = ARRAY_SIZE(template_rows);

struct spec *spec_by_hand(const char *root, const struct mount_row *rows, size_t n)
{
	struct spec *spec = xcalloc(1, sizeof(*spec));

	spec->root.path = xstrdup(root);
	spec->linux_.namespaces[NS_MOUNT].wanted = true;
	spec->mounts = xcalloc(n + 1, sizeof(*spec->mounts));
	spec->n_mounts = n;
	for (size_t i = 0; i < n; i++) {
		struct spec_mount *m = &spec->mounts[i];
		const char *p = rows[i].options ? rows[i].options : "";

		m->destination = xstrdup(rows[i].destination);
		m->type = xstrdup(rows[i].type);
		m->source = xstrdup(rows[i].source);
		while (*p) {
			size_t len = strcspn(p, ",");
			char *option = xstrndup(p, len);

			strv_add(&m->options, option);
			free(option);
			p += len + (p[len] == ',');
		}
	}
	return spec;
}

void spec_by_hand_free(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		free(spec->mounts[i].destination);
		free(spec->mounts[i].type);
		free(spec->mounts[i].source);
		strv_free(spec->mounts[i].options);
	}
	free(spec->mounts);
	free(spec->root.path);
	strv_free(spec->linux_.masked_paths);
	strv_free(spec->linux_.readonly_paths);
	free(spec);
}

char *scratch_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/berth-mount-XXXXXX", tmp ? tmp : "/tmp");

	if (!mkdtemp(dir))
		abort();
	return dir;
}

void scratch_remove(char *dir)
{
	if (file_remove_tree_at(AT_FDCWD, dir) < 0)
		abort();
	free(dir);
}

void scratch_file(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	free(path);
}

static bool write_map(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static bool enter(unsigned int flags)
{
	int wanted = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
	char uid[64], gid[64];

	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (!(flags & IN_USERNS))
		return unshare(wanted) == 0;
	return unshare(wanted | CLONE_NEWUSER) == 0 && write_map("/proc/self/setgroups", "deny") &&
	       write_map("/proc/self/uid_map", uid) && write_map("/proc/self/gid_map", gid) &&
	       setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0;
}

static int wait_exit(pid_t pid)
{
	int status;

	return pid > 0 && proc_waitpid(pid, &status) == 0 ? proc_exit_code(status) : -1;
}

int in_namespaces(unsigned int flags, void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (!enter(flags))
			_exit(CHILD_SKIPPED);
		pid = fork();
		if (pid == 0) {
			fn(arg);
			_exit(0);
		}
		_exit(wait_exit(pid));
	}
	return wait_exit(pid);
}
