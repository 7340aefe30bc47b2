/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the runtime makes to a shim in passing. None may hold the runtime up: the shim may
 * be stopped, or gone. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
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

void shim_shutdown(int session_fd)
{
	static const char text[] = "{\"method\":\"io.berth.Shim.Shutdown\"}";
	_cleanup_close_ int fd = call(session_fd, text, sizeof(text));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[512];

	/* The reply, then end-of-file: the shim has gone. */
	while (fd >= 0 && poll(&p, 1, SHUTDOWN_TIMEOUT_MS) > 0)
		if (read(fd, buf, sizeof(buf)) <= 0)
			return;
}
