/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the runtime makes to a shim in passing. None may hold the runtime up: the shim may
 * be stopped, or gone. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/strv.h"
#include "runtime/launch.h"

#define SHUTDOWN_TIMEOUT_MS 2000
#define LOOK_TIMEOUT_MS     1000

static int call(int session_fd, const char *text, size_t size)
{
	int fd = sock_connect_at(session_fd, "shim.sock", SOCK_STREAM | SOCK_NONBLOCK);

	if (fd < 0)
		return fd;
	/* A fresh socket has room for one small message; a shim that does not accept is not waited
	 * for. */
	(void)send(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	return fd;
}

void shim_notify_started(int session_fd)
{
	static const char text[] = "{\"method\":\"io.berth.Shim.Started\",\"oneway\":true}";

	fd_close(call(session_fd, text, sizeof(text)));
}

static void look(int session_fd)
{
	static const char text[] = "{\"method\":\"io.berth.Shim.CgroupChanged\"}";
	_cleanup_close_ int fd = call(session_fd, text, sizeof(text));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0)
		(void)poll(&p, 1, LOOK_TIMEOUT_MS);
}

void shims_look(const struct ctr *ctr)
{
	_cleanup_strv_ char **names = NULL;

	if (ctr->shim.pid > 0)
		look(ctr->dir_fd);
	if (ctr_list_sessions(ctr, &names) < 0)
		return;
	for (char **name = names; name && *name; name++) {
		_cleanup_close_ int fd = ctr_session_dir(ctr, *name);

		if (fd >= 0)
			look(fd);
	}
}

/* Two calls, answered in order: the second when the process has ended and all has been told. */
static int begin_shutdown(int session_fd)
{
	static const char text[] = "{\"method\":\"io.berth.Shim.Wait\"}\0"
	                           "{\"method\":\"io.berth.Shim.Shutdown\"}";

	return call(session_fd, text, sizeof(text));
}

/* The replies, then end-of-file: the shim has gone. */
static void await_end(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[512];

	while (fd >= 0) {
		int64_t left = deadline - clock_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0 || read(fd, buf, sizeof(buf)) <= 0)
			return;
	}
}

void shim_shutdown(int session_fd)
{
	_cleanup_close_ int fd = begin_shutdown(session_fd);

	await_end(fd, clock_ms() + SHUTDOWN_TIMEOUT_MS);
	exit_option_await(session_fd);
}

static bool has_command(int session_fd)
{
	int64_t timeout_ms;

	return session_fd >= 0 && exit_command_holder_at(session_fd, &timeout_ms) > 0;
}

int shims_shutdown(struct ctr *ctr)
{
	_cleanup_strv_ char **names = NULL;
	int64_t deadline = clock_ms() + SHUTDOWN_TIMEOUT_MS;
	_cleanup_free_ int *dirs = NULL, *fds = NULL;
	bool commands = false;
	size_t n;

	(void)ctr_list_sessions(ctr, &names);
	n = strv_len(names);
	dirs = xcalloc(n + 1, sizeof(*dirs));
	fds = xcalloc(n + 1, sizeof(*fds));
	/* The last one is the container's own. */
	for (size_t i = 0; i <= n; i++) {
		dirs[i] = i < n ? ctr_session_dir(ctr, names[i])
		                : openat(ctr->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		fds[i] = dirs[i] < 0 ? FD_INVALID : begin_shutdown(dirs[i]);
	}
	for (size_t i = 0; i <= n; i++) {
		await_end(fds[i], deadline);
		fd_close(fds[i]);
		commands = commands || has_command(dirs[i]);
	}
	/* A command may want to delete the container itself: not while it waits for our lock. */
	if (commands)
		ctr_unlock(ctr);
	for (size_t i = 0; i <= n; i++) {
		if (commands && dirs[i] >= 0)
			exit_option_await(dirs[i]);
		fd_close(dirs[i]);
	}
	return commands ? ctr_lock(ctr, NULL) : 0;
}
