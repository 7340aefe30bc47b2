/* SPDX-License-Identifier: Apache-2.0 */
/*
 * racer A B COUNT: swap the two names with each other until a signal ends it, as fast as can be.
 *
 * Every swap is one renameat2(RENAME_EXCHANGE), so that neither name is ever missing. The file
 * COUNT holds their number, 8 bytes of this machine's order, and can be read at any time: a test
 * wants to know how many fell into the time of what it attacks.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	_Atomic uint64_t *count;
	int fd;

	if (argc != 4)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*count)) < 0) {
		perror(argv[3]);
		return 1;
	}
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (;;) {
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0)
			atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
	}
}
