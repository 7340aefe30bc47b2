/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept exec processes: <root>/<id>/exec/<name>/ is a session of its own, with the same files as the
 * container's directory (shim.sock, exit.json, log), and a record of the process and its shim, so
 * that delete finds both.
 */
#include "container/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"

#define RECORD_MAX 65536

int ctr_session_read(const struct ctr *ctr, const char *name, struct ctr_session *ret)
{
	_cleanup_free_ char *path = xasprintf("exec/%s/session.json", name);
	_cleanup_free_ char *text = NULL;
	cJSON *j = NULL;
	size_t len;
	int r = file_read_at(ctr->dir_fd, path, RECORD_MAX, &text, &len);

	if (r == 0)
		r = json_parse(text, len, &j, NULL);
	if (r < 0)
		return r;
	*ret = (struct ctr_session){
		.link = json_get_str(j, "shimLink", NULL),
		.log_path = json_get_str(j, "log", NULL),
		.owned = j,
	};
	record_get_identity(j, "process", &ret->process);
	record_get_identity(j, "shim", &ret->shim);
	return 0;
}

void ctr_session_done(struct ctr_session *session)
{
	cJSON_Delete(session->owned);
	session->owned = NULL;
}

int ctr_session_make(struct ctr *ctr, const char *name, int *ret_dirfd, char **ret_path,
                     char **ret_link, struct err *err)
{
	_cleanup_free_ char *sub = path_join("exec", name);
	_cleanup_free_ char *ref = xasprintf("%s/exec/%s", ctr->id, name);
	_cleanup_free_ char *path = xasprintf("%s/%s/%s", ctr->root->path, ctr->id, sub);
	int fd;

	if (!ctr_id_valid(name, err))
		return -EINVAL;
	if (mkdirat(ctr->dir_fd, "exec", 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "make \"exec\" of container \"%s\"", ctr->id);
	if (mkdirat(ctr->dir_fd, sub, 0700) < 0) {
		if (errno == EEXIST)
			return err_text(err, -EEXIST,
			                "container \"%s\" has a kept process \"%s\" already",
			                ctr->id, name);
		return err_set(err, -errno, "make \"%s\"", path);
	}
	fd = openat(ctr->dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, -errno, "open \"%s\"", path);
	*ret_dirfd = fd;
	*ret_link =
	    strlen(path) + sizeof("/shim.sock") > 107 ? ctr_shim_link(ctr->root, ref) : NULL;
	*ret_path = take_ptr(path);
	return 0;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

int ctr_list_sessions(const struct ctr *ctr, char ***ret)
{
	int fd = openat(ctr->dir_fd, "exec", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char **names = NULL;
	struct dirent *de;

	*ret = NULL;
	if (!dir) {
		int r = errno == ENOENT ? 0 : -errno;

		fd_close(fd);
		return r;
	}
	while ((de = readdir(dir)))
		if (ctr_id_valid(de->d_name, NULL))
			strv_add(&names, de->d_name);
	closedir(dir);
	if (names)
		qsort(names, strv_len(names), sizeof(*names), by_version);
	*ret = names;
	return 0;
}

int ctr_session_dir(const struct ctr *ctr, const char *name)
{
	_cleanup_free_ char *sub = path_join("exec", name);
	int fd = openat(ctr->dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int ctr_session_record(int session_fd, const struct ctr_session *s, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(RECORD_MAX);
	int r;

	buf_puts(&b, "{\"version\":1");
	record_put_identity(&b, "process", &s->process);
	record_put_identity(&b, "shim", &s->shim);
	buf_puts(&b, ",\"shimLink\":");
	json_str(&b, s->link);
	buf_puts(&b, ",\"log\":");
	json_str(&b, s->log_path);
	r = buf_puts(&b, "}\n");
	if (r == 0)
		r = file_replace_at(session_fd, "session.json", b.data, b.len, 0600, false);
	return r < 0 ? err_set(err, r, "write \"session.json\"") : 0;
}

void ctr_session_remove(struct ctr *ctr, const char *name)
{
	_cleanup_free_ char *sub = path_join("exec", name);
	struct ctr_session s;

	if (ctr_session_read(ctr, name, &s) == 0) {
		(void)end_process(&s.process, "kept process", NULL);
		(void)end_process(&s.shim, "shim", NULL);
		if (s.link)
			(void)unlink(s.link);
		ctr_session_done(&s);
	}
	(void)file_remove_tree_at(ctr->dir_fd, sub);
}
