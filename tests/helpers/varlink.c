/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varlink [-t SECONDS] [-n REPLIES] SOCKET MESSAGE...: send each JSON message, print each reply.
 *
 * Knows the transport alone (a NUL after every message) and nothing of any interface. Messages go
 * out at once; replies are printed one a line as they come, until REPLIES of them (default: one for
 * each message) have come or the peer has closed. Status 0 if all came, 1 if the peer closed early,
 * 2 on the deadline.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

int main(int argc, char **argv)
{
	double deadline = now() + 10;
	int opt, fd, wanted = -1;
	char buf[65536];

	while ((opt = getopt(argc, argv, "+t:n:")) != -1) {
		if (opt == 't')
			deadline = now() + atof(optarg);
		else if (opt == 'n')
			wanted = atoi(optarg);
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
		if (write(fd, argv[i], strlen(argv[i]) + 1) < 0)
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
