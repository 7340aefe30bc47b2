/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consolesock SOCKET [TEXT]: the receiver of a console socket, as a container manager has one.
 *
 * Listens on SOCKET, takes one connection and its one message: the name of a terminal and the
 * master's descriptor. Prints "name NAME", then types TEXT (if given) and copies what the terminal
 * shows to stdout, until it is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "recvfd.h"

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), conn, master;
	char name[4096], buf[4096];
	ssize_t n;

	if (argc < 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 254;
	strcpy(sun.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, 1)) {
		fprintf(stderr, "consolesock: %s: %s\n", argv[1], strerror(errno));
		return 254;
	}
	alarm(30);
	conn = accept(fd, NULL, NULL);
	master = conn < 0 ? -1 : recv_fd(conn, name, sizeof(name));
	if (master < 0) {
		printf("no terminal was sent\n");
		return 1;
	}
	if (!isatty(master)) {
		printf("not a terminal\n");
		return 1;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("name %s\n", name);
	if (argc > 2 && write(master, argv[2], strlen(argv[2])) < 0)
		return 1;
	while ((n = read(master, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			fwrite(buf, 1, (size_t)n, stdout);
	return 0;
}
