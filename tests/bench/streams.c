/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams: a client of berth-shim or of conmon, for scripts/bench shim. Times are microseconds of
 * the monotonic clock.
 *
 *   streams go FIFO                       open and close it for writing; prints the time before
 *   streams marker FILE TEXT              wait until the file ends with TEXT; prints the time
 *   streams drain KIND SOCKET TEXT        attach, say "ready", read to the end of TEXT; prints the
 *                                         time, the bytes of output and the number of gaps
 *   streams echo KIND SOCKET ROUNDS       send 64 bytes and wait until as many come back; prints
 *                                         median and 90th percentile
 *   streams exit KIND SOCKET|FILE PID     wait for the end as a client does, then kill PID; prints
 *                                         kill to the end of the process, and that to the answer
 *   streams copy FILE                     standard input to a file, with as many bytes more as a
 *                                         log has; prints bytes, and us: real, user, system
 *   streams listen SOCKET                 take connections, and say nothing
 *
 * KIND is shim or conmon. What conmon's clients wait for is the file it writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEADER 8
#define SIZE   64

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int dial(const char *path, bool conmon)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, (conmon ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		die(path);
	return fd;
}

static void send_all(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
}

/* Up to and with the NUL that ends a reply; what comes behind it stays in the socket. */
static void skip_reply(int fd)
{
	char c;

	do
		if (recv(fd, &c, 1, 0) != 1)
			die("reply");
	while (c);
}

static int attach(const char *path, bool conmon)
{
	static const char call[] =
	    "{\"method\":\"io.berth.Shim.Attach\",\"upgrade\":true,\"parameters\":{}}";
	int fd = dial(path, conmon);

	if (!conmon) {
		send_all(fd, call, sizeof(call));
		skip_reply(fd);
	}
	return fd;
}

/* The output in a stream of frames. */
struct reader {
	int fd;
	bool conmon;
	uint8_t buf[1 << 18];
	size_t have, at; /* bytes in buf; of them looked at */
	size_t left;     /* of the frame's payload */
	bool data;       /* that payload is output */
	unsigned long long gaps;
};

/* The next piece of output; 0: the end. */
static size_t next(struct reader *r, const uint8_t **ret)
{
	for (;;) {
		if (r->at < r->have && r->left) {
			size_t n = r->have - r->at < r->left ? r->have - r->at : r->left;

			*ret = r->buf + r->at;
			r->at += n;
			r->left -= n;
			if (r->data)
				return n;
			continue;
		}
		if (!r->conmon && r->have - r->at >= HEADER) {
			const uint8_t *h = r->buf + r->at;

			r->data = h[0] == 1;
			if (h[0] == 2) /* the client was too slow */
				r->gaps++;
			r->left = (size_t)h[4] << 24 | h[5] << 16 | h[6] << 8 | h[7];
			r->at += HEADER;
			continue;
		}
		memmove(r->buf, r->buf + r->at, r->have - r->at);
		r->have -= r->at;
		r->at = 0;
		ssize_t n = recv(r->fd, r->buf + r->have, sizeof(r->buf) - r->have, 0);

		if (n < 0)
			die("read");
		if (n == 0)
			return 0;
		r->have += (size_t)n;
		if (r->conmon) { /* a byte that names the stream */
			r->at = 1;
			r->left = r->have - 1;
			r->data = true;
		}
	}
}

static int drain(const char *path, bool conmon, const char *marker)
{
	static struct reader r;
	size_t len = strlen(marker), kept = 0, n;
	unsigned long long total = 0;
	const uint8_t *p;
	char tail[256];

	r.fd = attach(path, conmon);
	r.conmon = conmon;
	printf("ready\n");
	fflush(stdout);
	while ((n = next(&r, &p))) {
		total += n;
		if (n >= len) {
			memcpy(tail, p + n - len, len);
			kept = len;
		} else {
			size_t keep = kept + n > len ? len - n : kept;

			memmove(tail, tail + kept - keep, keep);
			memcpy(tail + keep, p, n);
			kept = keep + n;
		}
		if (kept == len && memcmp(tail, marker, len) == 0)
			break;
	}
	printf("%.0f %llu %llu\n", now_us(), total, r.gaps);
	return n ? 0 : 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int echo(const char *path, bool conmon, int rounds)
{
	static const uint8_t head[HEADER] = { 1, 0, 0, 0, 0, 0, 0, SIZE };
	static struct reader r;
	double *us = calloc((size_t)rounds, sizeof(*us));
	uint8_t frame[HEADER + SIZE];
	const uint8_t *p;

	r.fd = attach(path, conmon);
	r.conmon = conmon;
	memcpy(frame, head, HEADER);
	memset(frame + HEADER, 'x', SIZE);
	frame[HEADER + SIZE - 1] = '\n';
	for (int i = 0; i < rounds; i++) {
		double begun = now_us();

		send_all(r.fd, conmon ? frame + HEADER : frame, conmon ? SIZE : sizeof(frame));
		for (size_t got = 0; got < SIZE;) {
			size_t n = next(&r, &p);

			if (!n)
				die("the end instead of an echo");
			got += n;
		}
		us[i] = now_us() - begun;
	}
	qsort(us, (size_t)rounds, sizeof(*us), compare);
	printf("%.1f %.1f\n", us[rounds / 2], us[rounds * 9 / 10]);
	free(us);
	return 0;
}

/* Has conmon put its file in place? */
static bool is_there(int fd, const char *name)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(fd, buf, sizeof(buf));

	for (char *p = buf; n > 0 && p < buf + n;) {
		struct inotify_event *e = (struct inotify_event *)p;

		if (e->len && strcmp(e->name, name) == 0)
			return true;
		p += sizeof(*e) + e->len;
	}
	return false;
}

static int open_wait(const char *path, bool conmon)
{
	static const char call[] = "{\"method\":\"io.berth.Shim.Wait\"}";
	char *copy = strdup(path);
	int fd;

	if (conmon) {
		fd = inotify_init1(IN_CLOEXEC);
		if (inotify_add_watch(fd, dirname(copy), IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
			die(path);
	} else {
		fd = dial(path, false);
		send_all(fd, call, sizeof(call));
		usleep(20000); /* it has been read: the wait is what is measured */
	}
	free(copy);
	return fd;
}

static int time_exit(const char *path, bool conmon, pid_t pid)
{
	char *copy = strdup(path);
	const char *name = basename(copy);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = open_wait(path, conmon);
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	double begun, ended = 0, told = 0;

	if (pidfd < 0)
		die("pidfd");
	begun = now_us();
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
		die("kill");
	while (!ended || !told) {
		if (poll(p, 2, 30000) <= 0)
			die("the end");
		if (p[0].revents) {
			ended = now_us();
			p[0].fd = -1;
		}
		if (p[1].revents && (!conmon || is_there(fd, name))) {
			told = now_us();
			p[1].fd = -1;
		}
	}
	printf("%.0f %.0f\n", ended - begun, told > ended ? told - ended : 0);
	free(copy);
	return 0;
}

static int marker(const char *path, const char *text)
{
	size_t len = strlen(text);
	char tail[256];

	for (int i = 0; i < 300000; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

		if (end >= (off_t)len && pread(fd, tail, len, end - (off_t)len) == (ssize_t)len &&
		    memcmp(tail, text, len) == 0) {
			printf("%.0f\n", now_us());
			return 0;
		}
		close(fd);
		usleep(1000);
	}
	errno = ETIMEDOUT;
	die(path);
}

/* containerd's shim ends when there is nobody to tell of events. */
static int listen_for_ever(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(sun.sun_path, path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || listen(fd, SOMAXCONN) < 0)
		die(path);
	for (;;)
		pause();
}

static double cpu_us(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e6 + (double)tv->tv_usec;
}

/* The floor: what reading the output and writing the log cost the kernel, with nothing in between. */
static int copy(const char *path)
{
	static char buf[160 * 1024];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	unsigned long long total = 0;
	struct rusage ru;
	double begun = 0;
	ssize_t n;

	if (fd < 0)
		die(path);
	while ((n = read(STDIN_FILENO, buf, 65536)) > 0) {
		/* A line of 100 bytes becomes a record of 145. */
		size_t len = (size_t)n * 145 / 100;

		if (!begun)
			begun = now_us();
		if (write(fd, buf, len) != (ssize_t)len)
			die(path);
		total += (unsigned long long)n;
	}
	getrusage(RUSAGE_SELF, &ru);
	printf("%llu %.0f %.0f %.0f\n", total, now_us() - begun, cpu_us(&ru.ru_utime),
	       cpu_us(&ru.ru_stime));
	return n < 0;
}

static int go(const char *path)
{
	double begun = now_us();
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	printf("%.0f\n", begun);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";
	bool conmon = strcmp(argc > 2 ? argv[2] : "", "conmon") == 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(mode, "go") == 0)
		return go(argv[2]);
	if (argc == 3 && strcmp(mode, "listen") == 0)
		return listen_for_ever(argv[2]);
	if (argc == 3 && strcmp(mode, "copy") == 0)
		return copy(argv[2]);
	if (argc == 4 && strcmp(mode, "marker") == 0)
		return marker(argv[2], argv[3]);
	if (argc == 5 && strlen(argv[4]) < 256 && strcmp(mode, "drain") == 0)
		return drain(argv[3], conmon, argv[4]);
	if (argc == 5 && strcmp(mode, "echo") == 0)
		return echo(argv[3], conmon, atoi(argv[4]));
	if (argc == 5 && strcmp(mode, "exit") == 0)
		return time_exit(argv[3], conmon, atoi(argv[4]));
	fprintf(stderr, "usage: see the head of tests/bench/streams.c\n");
	return 2;
}
