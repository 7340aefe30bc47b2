/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_sink SOCKET: what a journal would understand of what it is sent, one line "NAME=value"
 * for each field (other bytes than printable ones as \xNN), an empty line after each record. A
 * record that came in a memfd begins with "MEMFD=sealed" (or "open"). SIGUSR1: read nothing from
 * now on; SIGUSR2: go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static volatile sig_atomic_t stalled;
static char data[1 << 20];

static void on_signal(int sig)
{
	stalled = sig == SIGUSR1;
}

static void put(const char *name, size_t name_len, const char *value, size_t len)
{
	printf("%.*s=", (int)name_len, name);
	for (size_t i = 0; i < len; i++) {
		if (value[i] >= ' ' && value[i] < 0x7f && value[i] != '\\')
			putchar(value[i]);
		else
			printf("\\x%02x", (unsigned char)value[i]);
	}
	putchar('\n');
}

/* NAME=value\n, or NAME\n, 8 bytes of length, value, \n. */
static void put_record(const char *p, const char *end)
{
	while (p < end) {
		const char *line = memchr(p, '\n', (size_t)(end - p)), *eq;
		uint64_t len = 0;

		if (!line) {
			puts("BROKEN=no newline");
			break;
		}
		eq = memchr(p, '=', (size_t)(line - p));
		if (eq) {
			put(p, (size_t)(eq - p), eq + 1, (size_t)(line - eq - 1));
			p = line + 1;
			continue;
		}
		if (end - line - 1 >= 8)
			for (int i = 7; i >= 0; i--)
				len = len << 8 | (unsigned char)line[1 + i];
		if (end - line - 1 < 8 || len > (uint64_t)(end - line - 10) ||
		    line[9 + len] != '\n') {
			puts("BROKEN=length");
			break;
		}
		put(p, (size_t)(line - p), line + 9, len);
		p = line + 10 + len;
	}
	putchar('\n');
	fflush(stdout);
}

static ssize_t take_memfd(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	ssize_t n;
	int fd;

	if (!c || c->cmsg_type != SCM_RIGHTS)
		return 0;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	puts((fcntl(fd, F_GET_SEALS) & SEALS) == SEALS ? "MEMFD=sealed" : "MEMFD=open");
	n = pread(fd, data, sizeof(data), 0);
	close(fd);
	return n;
}

int main(int argc, char **argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct sigaction act = { .sa_handler = on_signal };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 2)
		return 2;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", argv[1]);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR2, &act, NULL);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror("journal_sink");
		return 1;
	}
	for (;;) {
		char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
		struct iovec iov = { data, sizeof(data) };
		struct msghdr msg = { .msg_iov = &iov,
			              .msg_iovlen = 1,
			              .msg_control = control,
			              .msg_controllen = sizeof(control) };
		ssize_t n;

		while (stalled)
			usleep(10000);
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 1;
		if (n == 0)
			n = take_memfd(&msg);
		put_record(data, data + n);
	}
}
