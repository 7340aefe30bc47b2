/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder KIND ARG: have something that a checkpoint must carry over, and count ("n 1", "n 2"...)
 * for as long as it is what it should be; static, for the containers of the tests.
 *
 *   lock FILE       hold an exclusive flock on FILE
 *   nameless FILE   hold FILE open, whose own name goes away while another link to it stays
 *   memory MIB      write so much memory anew in each round, and read it back
 *   told SOCKET     a datagram socket connected to SOCKET, which is told the numbers too
 *   locked FILE     (does not count) 0: somebody holds a lock on FILE, 1: nobody
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MIB (1u << 20)

static int fail(const char *what)
{
	fprintf(stderr, "holder: %s: %s\n", what, strerror(errno));
	return 95;
}

/* What is held, and whether it is still what it was. */
static struct {
	int fd;
	unsigned char *memory;
	size_t size;
	unsigned char round;
} held = { .fd = -1 };

static int take_lock(const char *path)
{
	held.fd = open(path, O_RDWR | O_CREAT, 0600);
	return held.fd < 0 || flock(held.fd, LOCK_EX | LOCK_NB) < 0 ? fail(path) : 0;
}

static int take_nameless(const char *path)
{
	char other[256];

	snprintf(other, sizeof(other), "%s.other", path);
	held.fd = open(path, O_RDWR | O_CREAT, 0600);
	if (held.fd < 0 || write(held.fd, "text", 4) != 4)
		return fail(path);
	return link(path, other) < 0 || unlink(path) < 0 ? fail(path) : 0;
}

static int check_nameless(int number)
{
	char text[4] = { 0 };

	(void)number;
	return pread(held.fd, text, 4, 0) != 4 || memcmp(text, "text", 4) != 0;
}

static int take_memory(const char *mib)
{
	held.size = strtoul(mib, NULL, 10) * MIB;
	held.memory = malloc(held.size);
	return held.memory ? 0 : fail("memory");
}

static int check_memory(int number)
{
	for (size_t i = 0; i < held.size && number > 1; i += 4096)
		if (held.memory[i] != held.round || held.memory[i + 4095] != held.round)
			return 1;
	held.round = (unsigned char)number;
	memset(held.memory, held.round, held.size);
	return 0;
}

static int take_told(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
	held.fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return connect(held.fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? fail(path) : 0;
}

static int check_told(int number)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "n %d\n", number);

	return send(held.fd, line, (size_t)n, 0) != n;
}

static const struct {
	const char *name;
	int (*take)(const char *arg);
	int (*check)(int number); /* before each number; NULL: nothing to look at */
} kinds[] = {
	{ "lock", take_lock, NULL },
	{ "nameless", take_nameless, check_nameless },
	{ "memory", take_memory, check_memory },
	{ "told", take_told, check_told },
};

static int locked(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		return fail(path);
	return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	if (argc != 3)
		return 96;
	if (!strcmp(argv[1], "locked"))
		return locked(argv[2]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		if (kinds[i].take(argv[2]) != 0)
			return 95;
		for (int number = 1;; number++) {
			if (kinds[i].check && kinds[i].check(number) != 0)
				return fail("it is not what it was");
			if (dprintf(1, "n %d\n", number) < 0)
				return 94;
			nanosleep(&pause, NULL);
		}
	}
	return 96;
}
