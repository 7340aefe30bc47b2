/* SPDX-License-Identifier: Apache-2.0 */
/* The two calls that the runtime makes to a shim in passing. Neither may hold the runtime up: the
 * shim may be stopped, or gone. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sock.h"
#include "runtime/launch.h"

#define SHUTDOWN_TIMEOUT_MS 2000

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
