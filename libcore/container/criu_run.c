/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of criu: what checkpoint and restore have in common.
 *
 * Flags are rows of a table. libcriu has no setter for a few options; they, and the configuration
 * that the container's annotation org.criu.config names, reach criu as a configuration file of its
 * own (CRIU_CONFIG_FILE), which lives in a memfd. A flag that was not given is not sent, so that
 * such a file can set it.
 */
#include "container/criu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "berth/log.h"
#include "kernel/syscalls.h"

#define CONFIG_MAX 65536
#define LOG_TAIL   16384
#define LOG_DEBUG  4 /* of criu: its log is made to be sent with a report */

static const struct flag {
	size_t option, setter;
	unsigned int ops;
} flag_table[] = {
#define FLAG(name, where)                                                                          \
	{                                                                                          \
		offsetof(struct ctr_criu_opts, name), offsetof(struct criu_api, set_##name), where \
	}
	FLAG(leave_running, CRIU_DUMP),
	FLAG(tcp_established, CRIU_DUMP | CRIU_RESTORE),
	FLAG(tcp_skip_in_flight, CRIU_DUMP),
	FLAG(ext_unix_sk, CRIU_DUMP | CRIU_RESTORE),
	FLAG(shell_job, CRIU_DUMP | CRIU_RESTORE),
	FLAG(file_locks, CRIU_DUMP | CRIU_RESTORE),
	FLAG(link_remap, CRIU_DUMP | CRIU_RESTORE),
	FLAG(auto_dedup, CRIU_DUMP | CRIU_RESTORE),
#undef FLAG
};

static const struct {
	const char *name;
	enum criu_cg_mode mode;
} mode_table[] = {
	{ "soft", CRIU_CG_SOFT },
	{ "full", CRIU_CG_FULL },
	{ "strict", CRIU_CG_STRICT },
	{ "ignore", CRIU_CG_IGNORE },
};

int criu_parse_mode(const char *text, enum criu_cg_mode *ret, struct err *err)
{
	*ret = CRIU_CG_SOFT;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(mode_table); i++)
		if (streq(text, mode_table[i].name)) {
			*ret = mode_table[i].mode;
			return 0;
		}
	return err_text(err, -EINVAL,
	                "option --manage-cgroups-mode: invalid manage-cgroups-mode value \"%s\": "
	                "it is none of soft, full, strict, ignore",
	                text);
}

int criu_parse_page_server(const char *text, char **ret_address, int *ret_port, struct err *err)
{
	const char *colon = text ? strrchr(text, ':') : NULL;

	*ret_address = NULL;
	*ret_port = 0;
	if (!text)
		return 0;
	if (!colon || colon == text || strpbrk(text, " \t\n#") ||
	    num_parse_int(colon + 1, ret_port) < 0 || *ret_port < 1 || *ret_port > 65535)
		return err_text(err, -EINVAL, "option --page-server: \"%s\" is not ADDRESS:PORT",
		                text);
	*ret_address = xasprintf("%.*s", (int)(colon - text), text);
	return 0;
}

int criu_check_empty_ns(char *const *names, struct err *err)
{
	for (; names && *names; names++)
		/* The only namespace that criu can leave empty. */
		if (!streq(*names, "network"))
			return err_text(err, -EINVAL,
			                "option --empty-ns: namespace \"%s\" is not supported",
			                *names);
	return 0;
}

int ctr_criu_check(const struct ctr_criu_opts *opts, struct err *err)
{
	_cleanup_free_ char *address = NULL;
	enum criu_cg_mode mode;
	int port, r;

	if (opts->parent_path && opts->parent_path[0] == '/')
		return err_text(err, -EINVAL, "--parent-path must be relative");
	r = criu_parse_mode(opts->cgroups_mode, &mode, err);
	if (r == 0)
		r = criu_parse_page_server(opts->page_server, &address, &port, err);
	if (r == 0)
		r = criu_check_empty_ns(opts->empty_ns, err);
	if (r == 0 && opts->status_fd >= 0 && fcntl(opts->status_fd, F_GETFD) < 0)
		r = err_set(err, -errno, "option --status-fd: descriptor %d", opts->status_fd);
	return r;
}

/* ---- the log */

char *criu_config_log(const char *text)
{
	static const char key[] = "log-file";
	char *found = NULL;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		size_t len;

		line += strspn(line, " \t\n");
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line += strlen(key);
		len = strspn(line, " \t=");
		line += len;
		if (len == 0)
			continue;
		free(found);
		len = strcspn(line, " \t\n#");
		found = xasprintf("%.*s", (int)len, line);
	}
	return found;
}

/* What a failure brings after itself: its end, and those who miss the other end of a socket. */
static bool is_aftermath(const char *text)
{
	static const char *const aftermath[] = {
		"Dumping FAILED",   "Restoring FAILED",  " failed with -",
		" exited, status=", " killed by signal", "recv req error",
	};
	size_t len = strcspn(text, "\n");

	for (size_t i = 0; i < ARRAY_SIZE(aftermath); i++) {
		const char *found = strstr(text, aftermath[i]);

		if (found && (size_t)(found - text) < len)
			return true;
	}
	return false;
}

/* criu writes "(00.012345) Error (file.c:123): text"; the first cause is the last but those that
 * come of it. */
char *criu_log_error(const char *text)
{
	const char *best = NULL, *last = NULL;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *mark;

		line += *line == '\n' ? 1 : 0;
		if (*line == '\0' || *line == '\n')
			continue;
		last = line;
		mark = strstr(line, "Error (");
		if (!mark || mark - line > (ptrdiff_t)strcspn(line, "\n"))
			continue;
		if (!best || !is_aftermath(mark))
			best = mark;
	}
	best = best ? best : last;
	return best ? xasprintf("%.*s", (int)strcspn(best, "\n"), best) : NULL;
}

static char *read_tail(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = xmalloc(LOG_TAIL + 1);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	if (st.st_size > LOG_TAIL)
		(void)lseek(fd, st.st_size - LOG_TAIL, SEEK_SET);
	n = fd_read_all(fd, text, LOG_TAIL);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return take_ptr(text);
}

int criu_failed(const struct criu *c, int code, const char *what, struct err *err)
{
	_cleanup_free_ char *text = read_tail(c->log_path);
	_cleanup_free_ char *line = text ? criu_log_error(text) : NULL;
	char safe[512];

	if (!line)
		return err_set(err, code < 0 ? code : -EIO,
		               "criu failed to %s (\"%s\"; log file \"%s\")", what, c->binary,
		               c->log_path);
	text_escape(safe, sizeof(safe), line, strlen(line), TEXT_PLAIN);
	return err_text(err, -EIO, "criu failed to %s: %s (log file: %s)", what, safe, c->log_path);
}

/* ---- what criu is given */

static char *find_binary(void)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *dirs = xstrdup(path && *path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *save = NULL;

	for (char *dir = strtok_r(dirs, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *candidate = path_join(dir, "criu");

		if (dir[0] == '/' && access(candidate, X_OK) == 0)
			return take_ptr(candidate);
	}
	return NULL;
}

static int open_dir(const char *path, bool make, bool *ret_made, int *ret, struct err *err)
{
	int fd;

	*ret_made = make && mkdir(path, 0700) == 0;
	if (make && !*ret_made && errno != EEXIST)
		return err_set(err, -errno, "make the directory \"%s\"", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "open the directory \"%s\"", path);
	*ret = fd;
	return 0;
}

static int open_dirs(struct criu *c, struct err *err)
{
	bool made;
	int r =
	    open_dir(c->opts->image_path, c->op == CRIU_DUMP, &c->made_images, &c->images_fd, err);

	if (r == 0 && c->opts->work_path)
		r = open_dir(c->opts->work_path, true, &made, &c->work_fd, err);
	if (r < 0 || !c->opts->parent_path)
		return r;
	if (faccessat(c->images_fd, c->opts->parent_path, X_OK, 0) < 0)
		return err_set(err, -errno, "invalid --parent-path: \"%s\" below \"%s\"",
		               c->opts->parent_path, c->opts->image_path);
	return c->api.set_parent_images(c->opts->parent_path);
}

void criu_discard_images(const struct criu *c)
{
	int fd = c->made_images ? openat(c->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                        : FD_INVALID;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir)
		return;
	while ((de = readdir(dir)))
		if (!c->log_path || !streq(de->d_name, path_base(c->log_path)))
			(void)unlinkat(fd, de->d_name, 0);
	closedir(dir);
	(void)rmdir(c->opts->image_path); /* unless the log is in it */
}

/* The first that is there; only the one that the container names must be. */
static int read_config(const struct spec *spec, char **ret, struct err *err)
{
	static const char *const defaults[] = { "/etc/criu/berth.conf", "/etc/criu/runc.conf" };
	const char *given = spec_annotation(spec, "org.criu.config");
	int r = -ENOENT;

	if (given) {
		r = file_read_at(AT_FDCWD, given, CONFIG_MAX, ret, NULL);
		return r < 0 ? err_set(err, r, "annotation org.criu.config: read \"%s\"", given)
		             : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(defaults) && r == -ENOENT; i++)
		r = file_read_at(AT_FDCWD, defaults[i], CONFIG_MAX, ret, NULL);
	return 0;
}

/* Options that libcriu has no setter for, behind the container's own configuration. */
static int make_config(struct criu *c, const char *text, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(CONFIG_MAX + 4096);
	_cleanup_free_ char *address = NULL;
	int port, r = criu_parse_page_server(c->opts->page_server, &address, &port, err);

	if (r < 0)
		return r;
	if (text)
		(void)buf_printf(&b, "%s\n", text);
	if (c->opts->lazy_pages)
		(void)buf_puts(&b, "lazy-pages\n");
	/* As the server that lazy pages makes of it, criu would listen on every address. */
	if (c->opts->lazy_pages && address)
		(void)buf_printf(&b, "address %s\n", address);
	if (c->opts->empty_ns)
		(void)buf_puts(&b, "empty-ns net\n");
	if (c->opts->status_fd >= 0) {
		(void)buf_printf(&b, "status-fd %d\n", c->opts->status_fd);
		(void)fd_cloexec(c->opts->status_fd, false);
	}
	if (b.len == 0)
		return 0;
	c->config_fd = k_memfd_create("criu.conf", MFD_CLOEXEC);
	r = c->config_fd < 0 ? c->config_fd : fd_write_all(c->config_fd, b.data, b.len);
	if (r == 0)
		r = fd_cloexec(c->config_fd, false); /* criu opens it by its number */
	return r < 0 ? err_set(err, r, "make the configuration of criu") : 0;
}

/* criu opens its log by name and follows links: in images from elsewhere there may be one. */
static int unlink_log(const struct criu *c, const char *name, struct err *err)
{
	int dir = c->work_fd >= 0 ? c->work_fd : c->images_fd;

	return unlinkat(dir, name, 0) < 0 && errno != ENOENT
	           ? err_set(err, -errno, "remove the old log \"%s\"", c->log_path)
	           : 0;
}

static int set_log(struct criu *c, const char *config, struct err *err)
{
	const char *name = c->op == CRIU_DUMP ? "dump.log" : "restore.log";
	const char *dir = c->opts->work_path ? c->opts->work_path : c->opts->image_path;
	_cleanup_free_ char *chosen = config ? criu_config_log(config) : NULL;

	c->log_path =
	    chosen && chosen[0] == '/' ? xstrdup(chosen) : path_join(dir, chosen ? chosen : name);
	c->api.set_log_level(LOG_DEBUG);
	/* An option of the request would win over the file's. */
	if (!chosen && c->api.set_log_file(name) < 0)
		return err_set(err, -ENOMEM, "name the log of criu");
	return chosen ? 0 : unlink_log(c, name, err);
}

static void set_flags(struct criu *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_table); i++) {
		const struct flag *f = &flag_table[i];
		criu_set_bool_fn *set;
		bool on;

		memcpy(&on, (const char *)c->opts + f->option, sizeof(on));
		memcpy(&set, (const char *)&c->api + f->setter, sizeof(set));
		if (on && (f->ops & c->op))
			set(true);
	}
}

static int set_values(struct criu *c, struct err *err)
{
	const struct ctr_criu_opts *o = c->opts;
	_cleanup_free_ char *address = NULL;
	enum criu_cg_mode mode = CRIU_CG_SOFT;
	int port = 0;
	int r = criu_parse_mode(o->cgroups_mode, &mode, err);

	if (r == 0)
		r = criu_parse_page_server(o->page_server, &address, &port, err);
	if (r < 0)
		return r;
	c->api.set_manage_cgroups(true);
	c->api.set_manage_cgroups_mode(mode);
	/* Its result says nothing: up to CRIU 4.1 it is -ENOMEM for success, too. */
	if (address)
		(void)c->api.set_page_server_address_port(address, port);
	if (r == 0 && c->op == CRIU_RESTORE && o->lsm_profile)
		r = c->api.set_lsm_profile(o->lsm_profile);
	if (r == 0 && c->op == CRIU_RESTORE && o->lsm_mount_context)
		r = c->api.set_lsm_mount_context(o->lsm_mount_context);
	return r < 0 ? err_set(err, -ENOMEM, "set the options of criu") : 0;
}

int ctr_criu_find(struct err *err)
{
	_cleanup_free_ char *binary = find_binary();
	struct criu_api api;
	int r;

	if (!binary)
		return err_text(err, -ENOENT,
		                "checkpoint and restore need the program \"criu\", which is not in "
		                "PATH: install criu");
	r = criu_api_load(&api, err);
	if (r == 0)
		criu_api_unload(&api);
	return r;
}

int criu_open(struct criu *c, const struct spec *spec, struct err *err)
{
	_cleanup_free_ char *config = NULL;
	int r = ctr_criu_find(err);

	if (r == 0)
		r = criu_api_load(&c->api, err);
	if (r < 0)
		return r;
	c->binary = find_binary();
	if (c->api.init_opts() < 0 || c->api.set_service_binary(c->binary) < 0)
		return err_set(err, -ENOMEM, "make the options of criu");
	c->opened = true;
	r = open_dirs(c, err);
	if (r == 0)
		r = read_config(spec, &config, err);
	if (r == 0)
		r = make_config(c, config, err);
	if (r == 0)
		r = set_log(c, config, err);
	if (r < 0)
		return r;
	c->api.set_images_dir_fd(c->images_fd);
	if (c->work_fd >= 0)
		c->api.set_work_dir_fd(c->work_fd);
	set_flags(c);
	return set_values(c, err);
}

int criu_lend(struct criu *c, int fd, const char *key, struct err *err)
{
	int copy = fcntl(fd, F_DUPFD, 3);

	if (copy < 0)
		return err_set(err, -errno, "copy a descriptor for criu");
	c->lent = xreallocarray(c->lent, c->n_lent + 1, sizeof(*c->lent));
	c->lent[c->n_lent++] = copy;
	return c->api.add_inherit_fd(copy, key) < 0
	           ? err_set(err, -ENOMEM, "lend a descriptor to criu")
	           : 0;
}

int criu_call(struct criu *c, int (*call)(void), int *ret_code, struct err *err)
{
	char path[32];
	int r = criu_enter(c, err);

	if (r < 0)
		return r;
	if (c->config_fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", c->config_fd);
		(void)setenv("CRIU_CONFIG_FILE", path, 1);
	}
	*ret_code = call();
	if (c->config_fd >= 0)
		(void)unsetenv("CRIU_CONFIG_FILE");
	log_debug("criu: %d, log \"%s\"", *ret_code, c->log_path);
	return criu_leave(c, err);
}

void criu_close(struct criu *c)
{
	if (c->opened)
		c->api.free_opts();
	criu_api_unload(&c->api);
	for (size_t i = 0; i < c->n_lent; i++)
		fd_close(c->lent[i]);
	free(c->lent);
	criu_homes_free(c);
	fd_close(c->images_fd);
	fd_close(c->work_fd);
	fd_close(c->config_fd);
	free(c->binary);
	free(c->log_path);
	*c = (struct criu)CRIU_INIT(c->op, c->opts);
}
