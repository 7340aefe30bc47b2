/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness of a container's program, told to the service manager: see notify.h. */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sock.h"
#include "base/strv.h"
#include "berth/log.h"

#define INSIDE     "/run/notify"
#define SOCKET     "notify.sock"
#define BARRIER_MS 30000

const char *notify_host(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && (path[0] == '/' || path[0] == '@') ? path : NULL;
}

void notify_add(struct spec *spec, const char *state_dir)
{
	static const char *const options[] = { "bind", "ro", "nosuid", "noexec", "nodev" };
	struct spec_mount *m;

	spec->mounts = xreallocarray(spec->mounts, spec->n_mounts + 1, sizeof(*spec->mounts));
	m = &spec->mounts[spec->n_mounts++];
	*m = (struct spec_mount){
		.destination = xstrdup(INSIDE),
		.type = xstrdup("bind"),
		.source = path_join(state_dir, "notify"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		strv_add(&m->options, options[i]);
	env_set(&spec->process.env, "NOTIFY_SOCKET", INSIDE "/" SOCKET);
}

int notify_make(int dir_fd, struct err *err)
{
	/* The container's user, whoever that is, has to get through. */
	if ((mkdirat(dir_fd, "notify", 0755) < 0 && errno != EEXIST) ||
	    fchmodat(dir_fd, "notify", 0755, 0) < 0)
		return err_set(err, -errno, "make the directory of the notify socket");
	return 0;
}

int notify_listen(int dir_fd, int *ret, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	_cleanup_close_ int dir = FD_INVALID, sock = FD_INVALID;

	*ret = FD_INVALID;
	if (!notify_host())
		return 0;
	dir = openat(dir_fd, "notify", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0) {
		log_debug("NOTIFY_SOCKET: the container was created without");
		return 0;
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/" SOCKET, dir);
	(void)unlinkat(dir, SOCKET, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    fchmodat(dir, SOCKET, 0777, 0) < 0)
		return err_set(err, -errno, "bind the container's notify socket");
	*ret = take_fd(&sock);
	return 0;
}

/* --- the service manager's side --- */

static int connect_host(void)
{
	const char *path = notify_host();
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = path ? strlen(path) : 0;

	if (sock < 0)
		return -errno;
	if (len == 0 || len >= sizeof(sun.sun_path))
		return -EINVAL;
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	if (connect(sock, (struct sockaddr *)&sun,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return take_fd(&sock);
}

/* The other end of the pipe is closed once all that was sent before has been processed. */
static int barrier(int sock)
{
	struct pollfd p = { 0 };
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r = sock_send_fds(sock, "BARRIER=1", strlen("BARRIER=1"), &fds[1], 1);
	fd_close(fds[1]);
	p.fd = fds[0];
	while (r == 0 && poll(&p, 1, BARRIER_MS) < 0 && errno == EINTR)
		;
	fd_close(fds[0]);
	return r;
}

static void tell_host(pid_t main_pid)
{
	_cleanup_close_ int sock = connect_host();
	char text[32];
	int r = sock < 0 ? sock : 0;

	if (r == 0 && send(sock, "READY=1\n", 8, MSG_NOSIGNAL) < 0)
		r = -errno;
	if (r == 0 && main_pid > 0) {
		int n = snprintf(text, sizeof(text), "MAINPID=%d\n", (int)main_pid);

		if (send(sock, text, (size_t)n, MSG_NOSIGNAL) < 0)
			r = -errno;
		if (r == 0)
			r = barrier(sock);
	}
	if (r < 0)
		log_warn("NOTIFY_SOCKET \"%s\": %s", notify_host(), strerror(-r));
}

/* --- the container's side: hostile --- */

static bool says_ready(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (streq(line, "READY=1"))
			return true;
	return false;
}

bool notify_take(int sock, pid_t main_pid)
{
	char text[4096];
	ssize_t n = recv(sock, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	text[n] = '\0';
	if (!says_ready(text))
		return false;
	tell_host(main_pid);
	return true;
}

void notify_wait(int sock, pid_t pid, int pidfd)
{
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
		               { .fd = pidfd, .events = POLLIN } };

	if (sock < 0)
		return;
	if (pidfd < 0) { /* it has ended already: what it said is all there is */
		(void)notify_take(sock, 0);
		return;
	}
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if ((p[0].revents & POLLIN) && notify_take(sock, pid))
			return;
		/* What it said before it ended has been read: a message comes before the end. */
		if (p[1].revents && !(p[0].revents & POLLIN))
			return;
	}
}
