/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varlink [-t SECONDS] [-n REPLIES] [-m N] [-x FILE] SOCKET MESSAGE...: send each JSON message,
 * print each reply. -m: with the first go the descriptors of N empty memfds (at most 2), -x: and of
 * one with the content of FILE, sealed.
 *
 * Knows the transport alone (a NUL after every message) and nothing of any interface. Messages go
 * out at once; replies are printed one a line as they come, until REPLIES of them (default: one for
 * each message) have come or the peer has closed. Status 0 if all came, 1 if the peer closed early,
 * 2 on the deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "varlink: %s: path too long\n", path);
		return -1;
	}
	strcpy(sun.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		fprintf(stderr, "varlink: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return fd;
}

static int memory(const char *file)
{
	int fd = (int)syscall(SYS_memfd_create, "varlink", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FILE *f = file ? fopen(file, "r") : NULL;
	char buf[4096];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		if (write(fd, buf, n) != (ssize_t)n)
			return -1;
	if (f && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -1;
	return !file || f ? fd : -1;
}

static int send_with(int sock, char *text, const int *fds, int n)
{
	char control[CMSG_SPACE(3 * sizeof(int))] = "";
	struct iovec iov = { text, strlen(text) + 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, (size_t)n * sizeof(int));
	}
	return sendmsg(sock, &msg, 0) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	double deadline = now() + 10;
	int opt, fd, wanted = -1, fds[3], n_fds = 0;
	char buf[65536];

	while ((opt = getopt(argc, argv, "+t:n:m:x:")) != -1) {
		if (opt == 't')
			deadline = now() + atof(optarg);
		else if (opt == 'n')
			wanted = atoi(optarg);
		else if (opt == 'm')
			while (n_fds < atoi(optarg) && n_fds < 2)
				fds[n_fds++] = memory(NULL);
		else if (opt == 'x')
			fds[n_fds++] = memory(optarg);
		else
			return 254;
	}
	if (optind + 1 >= argc)
		return 254;
	if (wanted < 0)
		wanted = argc - optind - 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = dial(argv[optind]);
	if (fd < 0)
		return 254;
	for (int i = optind + 1; i < argc; i++)
		if (send_with(fd, argv[i], fds, i == optind + 1 ? n_fds : 0) < 0)
			break;
	while (wanted > 0) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int left = (int)((deadline - now()) * 1000);
		ssize_t n;

		if (left < 0 || poll(&pfd, 1, left) == 0)
			return 2;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return 1;
		for (ssize_t i = 0; i < n && wanted > 0; i++) {
			putchar(buf[i] ? buf[i] : '\n');
			wanted -= !buf[i];
		}
	}
	return 0;
}
