/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfdsock SOCKET: the receiver of a pidfd socket, as a container manager has one.
 *
 * Listens on SOCKET, takes one connection and its one message: a word and a pidfd. Prints "WORD
 * PID", the pid as the pidfd's entry in /proc says.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "recvfd.h"

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pidfd;
	char word[64], line[256], path[64];
	FILE *f;

	if (argc < 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 254;
	strcpy(sun.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, 1)) {
		perror("pidfdsock");
		return 254;
	}
	alarm(30);
	pidfd = recv_fd(accept(fd, NULL, NULL), word, sizeof(word));
	if (pidfd < 0) {
		printf("no descriptor was sent\n");
		return 1;
	}
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "Pid:", 4) == 0) {
			printf("%s %s", word, line + 4 + strspn(line + 4, " \t"));
			fclose(f);
			return 0;
		}
	printf("no pidfd was sent\n");
	return 1;
}
