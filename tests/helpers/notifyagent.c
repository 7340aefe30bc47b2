/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifyagent SOCKET: a seccomp agent, as linux.seccomp.listenerPath names one.
 *
 * Takes any number of connections, one message each: a container process state and a listener.
 * Prints "state JSON" for each and "call NR" for each system call that it is asked about. What it
 * answers is told by the state's metadata: "errno=N", "value=N", or anything else: let it happen.
 * Ends when it is killed, after a minute at the latest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/seccomp.h>

#define LISTENERS_MAX 64
#define STATE_MAX     (1 << 20)

struct listener {
	char metadata[64];
};

static struct pollfd polled[LISTENERS_MAX + 1];
static struct listener listeners[LISTENERS_MAX + 1];
static nfds_t n_polled = 1;

/* The message may come in pieces; the sender closes after it. */
static int receive(int conn, char *state, size_t size)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	size_t len = 0;
	int fd = -1;

	for (;;) {
		struct iovec iov = { .iov_base = state + len, .iov_len = size - 1 - len };
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};
		struct cmsghdr *head;
		ssize_t n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			break;
		len += (size_t)n;
		head = CMSG_FIRSTHDR(&msg);
		if (head && head->cmsg_type == SCM_RIGHTS &&
		    head->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	}
	state[len] = 0;
	return fd;
}

static void welcome(int server)
{
	static char state[STATE_MAX];
	int conn = accept4(server, NULL, NULL, SOCK_CLOEXEC), fd;
	const char *metadata;

	if (conn < 0)
		return;
	fd = receive(conn, state, sizeof(state));
	close(conn);
	if (fd < 0 || n_polled > LISTENERS_MAX) {
		printf("no listener was sent\n");
		return;
	}
	printf("state %s\n", state);
	metadata = strstr(state, "\"metadata\":\"");
	if (metadata)
		sscanf(metadata, "\"metadata\":\"%63[^\"]", listeners[n_polled].metadata);
	else
		listeners[n_polled].metadata[0] = 0;
	polled[n_polled++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void answer(nfds_t i)
{
	struct seccomp_notif ask;
	struct seccomp_notif_resp tell = { 0 };
	int n;

	memset(&ask, 0, sizeof(ask));
	if (ioctl(polled[i].fd, SECCOMP_IOCTL_NOTIF_RECV, &ask) < 0)
		return;
	printf("call %d\n", ask.data.nr);
	tell.id = ask.id;
	if (sscanf(listeners[i].metadata, "errno=%d", &n) == 1)
		tell.error = -n;
	else if (sscanf(listeners[i].metadata, "value=%d", &n) == 1)
		tell.val = n;
	else
		tell.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(polled[i].fd, SECCOMP_IOCTL_NOTIF_SEND, &tell);
}

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 254;
	strcpy(sun.sun_path, argv[1]);
	if (server < 0 || bind(server, (struct sockaddr *)&sun, sizeof(sun)) || listen(server, 8)) {
		fprintf(stderr, "notifyagent: %s: %s\n", argv[1], strerror(errno));
		return 254;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	polled[0] = (struct pollfd){ .fd = server, .events = POLLIN };
	for (;;) {
		if (poll(polled, n_polled, -1) < 0)
			continue;
		for (nfds_t i = 1; i < n_polled; i++) {
			if (polled[i].revents & POLLIN)
				answer(i);
			else if (polled[i].revents)
				polled[i].fd = -1; /* nobody is left to be asked about */
		}
		if (polled[0].revents & POLLIN)
			welcome(server);
	}
}
