/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard descriptors across a checkpoint.
 *
 * A pipe of which the container has one end, or a file or terminal of the host, cannot be rebuilt
 * from the images: the restored process is to get what the restoring side has in its place. The
 * keys under which criu asks for them are kept beside the images, in descriptors.json: for each of
 * 0, 1, 2 either such a key or just what the link said.
 */
#include "container/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "kernel/syscalls.h"

#define DESCRIPTORS_MAX 16384

static bool is_key(const char *text)
{
	return strncmp(text, "pipe:[", 6) == 0 || strncmp(text, "file[", 5) == 0 ||
	       strncmp(text, "tty[", 4) == 0;
}

/* Is this mount id among those of the container? */
static bool mount_is_inside(const char *mountinfo, uint64_t id)
{
	_cleanup_free_ char *key = xasprintf("%llu ", (unsigned long long)id);

	for (const char *line = mountinfo; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n' ? 1 : 0;
		if (strncmp(line, key, strlen(key)) == 0)
			return true;
	}
	return false;
}

/* A key of criu's for an open file that the mounts of the container do not have, else NULL. */
static char *external_key(int fd, const char *mountinfo)
{
	struct stat st;
	uint64_t mount_id;

	if (fd < 0 || fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
		return NULL;
	if (k_mount_id(fd, "", AT_EMPTY_PATH, &mount_id) < 0 ||
	    mount_is_inside(mountinfo, mount_id))
		return NULL;
	if (S_ISCHR(st.st_mode) && isatty(fd))
		return xasprintf("tty[%llx:%llx]", (unsigned long long)st.st_rdev,
		                 (unsigned long long)st.st_dev);
	return xasprintf("file[%llx:%llx]", (unsigned long long)mount_id,
	                 (unsigned long long)st.st_ino);
}

static char *describe(struct criu *c, pid_t pid, int pidfd, int i, const char *mountinfo)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fd/%d", pid, i);
	_cleanup_close_ int fd = pidfd < 0 ? FD_INVALID : k_pidfd_getfd(pidfd, i);
	_cleanup_free_ char *key = external_key(fd, mountinfo);
	char link[PATH_MAX];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	/* A terminal that criu is told to inherit from its caller is not external. */
	if (key && !(c->opts->shell_job && key[0] == 't')) {
		(void)c->api.add_external(key);
		return take_ptr(key);
	}
	link[n < 0 ? 0 : n] = '\0';
	return xstrdup(link);
}

int criu_dump_stdio(struct criu *c, pid_t pid, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/mountinfo", pid);
	_cleanup_free_ char *mountinfo = NULL;
	_cleanup_close_ int pidfd = k_pidfd_open(pid, 0);
	_cleanup_buf_ struct buf b = BUF_INIT(DESCRIPTORS_MAX);
	int r = file_read_at(AT_FDCWD, path, 16u << 20, &mountinfo, NULL);

	if (r < 0)
		return err_set(err, r, "read \"%s\"", path);
	for (int i = 0; i < 3; i++) {
		_cleanup_free_ char *text = describe(c, pid, pidfd, i, mountinfo);

		(void)buf_puts(&b, i == 0 ? "[" : ",");
		(void)json_str(&b, text);
	}
	r = buf_puts(&b, "]");
	if (r == 0)
		r = file_replace_at(c->images_fd, CRIU_DESCRIPTORS, b.data, b.len, 0600, false);
	return r < 0 ? err_set(err, r, "write \"" CRIU_DESCRIPTORS "\"") : 0;
}

static int lend(struct criu *c, int fd, const char *key, struct err *err)
{
	_cleanup_close_ int null = FD_INVALID;

	if (fd < 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0)
			return err_set(err, -errno, "open \"/dev/null\"");
		fd = null;
	}
	return criu_lend(c, fd, key, err);
}

int criu_restore_stdio(struct criu *c, const struct ctr_process_io *io, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *j = NULL;
	size_t len = 0;
	int r = file_read_at(c->images_fd, CRIU_DESCRIPTORS, DESCRIPTORS_MAX, &text, &len);

	if (r < 0)
		return err_set(err, r, "read \"" CRIU_DESCRIPTORS "\" of the checkpoint");
	r = json_parse(text, len, &j, err);
	if (r < 0)
		return err_prefix(err, "\"" CRIU_DESCRIPTORS "\" of the checkpoint");
	for (int i = 0; i < 3 && r == 0; i++) {
		const cJSON *item = cJSON_GetArrayItem(j, i);

		if (json_is_string(item) && is_key(item->valuestring))
			r = lend(c, io->stdio[i], item->valuestring, err);
	}
	return r;
}
