/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifysock SOCKET: a service manager's end of sd_notify(3).
 *
 * Prints each datagram as it comes. Descriptors that come with one are closed at once, which is how
 * a barrier is passed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096];
	ssize_t n;

	if (argc < 2 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 254;
	strcpy(sun.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		perror("notifysock");
		return 254;
	}
	alarm(60);
	setvbuf(stdout, NULL, _IONBF, 0);
	while ((n = recv(fd, text, sizeof(text), 0)) > 0)
		printf("%.*s%s", (int)n, text, text[n - 1] == '\n' ? "" : "\n");
	return 0;
}
