/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tricks: what a process can do to the pipes that it was given, then "done", a line of input and
 * the end with status 7. Whoever holds the other ends has to see the last line and the status.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	static char junk[65536];
	int again, sizes[] = { 4096, 1 << 20, 0, -1 };

	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	memset(junk, 'x', sizeof(junk));
	for (int fd = 0; fd < 3; fd++) {
		int on = 1;

		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK | O_ASYNC);
		fcntl(fd, F_SETOWN, getpid());
		ioctl(fd, FIONBIO, &on);
		ioctl(fd, FIOASYNC, &on);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			fcntl(fd, F_SETPIPE_SZ, sizes[i]);
	}
	/* Until it would block, which nobody waits for. */
	for (int i = 0; i < 64; i++)
		(void)!write(1, junk, sizeof(junk));
	/* The other direction of a pipe that was opened for both, and ends that are taken away. */
	again = open("/proc/self/fd/1", O_RDWR | O_NONBLOCK);
	if (again >= 0)
		(void)!write(again, junk, 4096);
	again = open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK);
	if (again >= 0)
		close(again);
	for (int fd = 1; fd < 3; fd++)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~(O_NONBLOCK | O_ASYNC));
	puts("\ndone");
	fflush(stdout);
	close(1);
	close(2);
	sleep(1);
	return 7;
}
