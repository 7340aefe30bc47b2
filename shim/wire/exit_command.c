/* SPDX-License-Identifier: Apache-2.0 */
/* The exit command's file: see exit_command.h. */
#include "shim/wire/exit_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"

#define VERSION "1"

static int put_all(struct buf *b, char *const *texts)
{
	int r = 0;

	for (; texts && *texts && r >= 0; texts++)
		r = buf_add(b, *texts, strlen(*texts) + 1);
	return r;
}

int exit_command_write_at(int dir_fd, const struct exit_command *c)
{
	_cleanup_buf_ struct buf b = BUF_INIT(EXIT_COMMAND_MAX);
	_cleanup_close_ int fd = FD_INVALID;
	int r = buf_printf(&b, "%s%c%" PRId64 "%c%zu%c", VERSION, 0, c->timeout_ms, 0,
	                   strv_len(c->argv), 0);

	if (r >= 0)
		r = put_all(&b, c->argv);
	if (r >= 0)
		r = put_all(&b, c->env);
	if (r < 0)
		return r;
	fd = openat(dir_fd, EXIT_COMMAND_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, b.data, b.len);
	return r < 0 ? r : take_fd(&fd);
}

/* The next text of p..end; NULL: there is none. */
static char *next(char **p, const char *end)
{
	char *text = *p, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return text;
}

static int parse(char *text, size_t len, struct exit_command *ret)
{
	const char *end = text + len, *version = next(&text, end), *ms = next(&text, end),
	           *n = next(&text, end);
	size_t count = 0;
	char *t;
	int args;

	for (const char *p = text; p < end; p++)
		count += *p == '\0';
	if (!n || !streq(version, VERSION) || num_parse_i64(ms, &ret->timeout_ms) < 0 ||
	    ret->timeout_ms <= 0 || num_parse_int(n, &args) < 0 || args < 1 || (size_t)args > count)
		return -EINVAL;
	ret->argv = xcalloc((size_t)args + 1, sizeof(char *));
	ret->env = xcalloc(count - (size_t)args + 1, sizeof(char *));
	for (int i = 0; i < args; i++)
		ret->argv[i] = next(&text, end);
	for (size_t i = 0; (t = next(&text, end)); i++)
		ret->env[i] = t;
	return text == end && ret->argv[0][0] == '/' ? 0 : -EINVAL;
}

int exit_command_read_fd(int fd, struct exit_command *ret)
{
	char *text;
	size_t len;
	int r;

	*ret = (struct exit_command){ 0 };
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = file_read_fd(fd, EXIT_COMMAND_MAX, &text, &len);
	if (r < 0)
		return r;
	ret->owned = text;
	r = parse(text, len, ret);
	if (r < 0)
		exit_command_done(ret);
	return r;
}

void exit_command_done(struct exit_command *c)
{
	free(c->argv);
	free(c->env);
	free(c->owned);
	*c = (struct exit_command){ 0 };
}

int exit_command_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

pid_t exit_command_holder_at(int dir_fd, int64_t *ret_timeout_ms)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct exit_command c;
	_cleanup_close_ int fd = FD_INVALID;
	int r;

	/* For reading only: a lock for writing is just asked about. */
	fd = openat(dir_fd, EXIT_COMMAND_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = exit_command_read_fd(fd, &c);
	if (r < 0)
		return r;
	*ret_timeout_ms = c.timeout_ms;
	exit_command_done(&c);
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}
