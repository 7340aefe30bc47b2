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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/strv.h"

#define RECORD_MAX 65536
#define ARGS_MAX   4096
#define NUMBER_MAX (UINT64_MAX / 2)
#define LAST_NAME  ".last" /* in "exec": the number of the latest automatic name; not a valid one */

static char **read_args(const cJSON *j)
{
	char **args = NULL;
	const cJSON *arg;

	cJSON_ArrayForEach (arg, j)
		if (json_is_string(arg))
			strv_add(&args, arg->valuestring);
	return args;
}

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
		.args = read_args(json_get(j, "args")),
		.args_cut = json_get_bool(j, "argsCut", false),
		.terminal = json_get_bool(j, "terminal", false),
		.started_ns = json_get_int(j, "startedNs", 0),
		.ttl_ms = json_get_int(j, "ttlMs", CTR_SESSION_FOR_LIFE),
		.owned = j,
	};
	record_get_identity(j, "process", &ret->process);
	record_get_identity(j, "shim", &ret->shim);
	return 0;
}

void ctr_session_done(struct ctr_session *session)
{
	cJSON_Delete(session->owned);
	strv_free(session->args);
	*session = (struct ctr_session){ .owned = NULL };
}

static int make_directory(struct ctr *ctr, struct err *err)
{
	if (mkdirat(ctr->dir_fd, "exec", 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "make \"exec\" of container \"%s\"", ctr->id);
	return 0;
}

char *ctr_session_name(struct ctr *ctr, struct err *err)
{
	_cleanup_free_ char *text = NULL, *name = NULL;
	_cleanup_close_ int dir = FD_INVALID;
	char number[24];
	struct stat st;
	uint64_t n = 0;
	int r;

	if (make_directory(ctr, err) < 0)
		return NULL;
	dir = openat(ctr->dir_fd, "exec", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0) {
		err_set(err, -errno, "open \"exec\" of container \"%s\"", ctr->id);
		return NULL;
	}
	/* Lost or damaged: what is there tells as well, but for what was collected. */
	if (file_read_at(dir, LAST_NAME, sizeof(number) - 1, &text, NULL) < 0 ||
	    num_parse_u64(text, &n) < 0 || n >= NUMBER_MAX)
		n = 0;
	do { /* past those that were chosen by hand */
		free(name);
		name = xasprintf("exec-%llu", (unsigned long long)++n);
	} while (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	r = file_replace_at(dir, LAST_NAME, number, strlen(number), 0600, false);
	if (r == 0)
		return take_ptr(name);
	err_set(err, r, "write \"exec/%s\" of container \"%s\"", LAST_NAME, ctr->id);
	return NULL;
}

int ctr_session_make(struct ctr *ctr, const char *name, int *ret_dirfd, char **ret_path,
                     char **ret_link, struct err *err)
{
	_cleanup_free_ char *sub = path_join("exec", name);
	_cleanup_free_ char *ref = xasprintf("%s/exec/%s", ctr->id, name);
	_cleanup_free_ char *path = xasprintf("%s/%s/%s", ctr->root->path, ctr->id, sub);
	int fd, r;

	if (!ctr_id_valid(name, err))
		return -EINVAL;
	r = make_directory(ctr, err);
	if (r < 0)
		return r;
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

/* Command lines can be longer than anybody wants to read in a list. */
static void put_args(struct buf *b, char *const *args)
{
	size_t left = ARGS_MAX;
	bool first = true;

	buf_puts(b, ",\"args\":[");
	for (; args && *args && left; args++, first = false) {
		size_t len = strlen(*args), n = len < left ? len : left;

		buf_puts(b, first ? "" : ",");
		json_strn(b, *args, n);
		left -= n;
		if (n < len)
			break;
		left -= left ? 1 : 0; /* empty ones count, too */
	}
	buf_printf(b, "],\"argsCut\":%s", args && *args ? "true" : "false");
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
	put_args(&b, s->args);
	r = buf_printf(&b, ",\"terminal\":%s,\"startedNs\":%lld,\"ttlMs\":%lld}\n",
	               s->terminal ? "true" : "false", (long long)s->started_ns,
	               (long long)s->ttl_ms);
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
