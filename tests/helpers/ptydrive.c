/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptydrive [-t SECONDS] [-s ROWSxCOLS] [-p PIDFILE] STEP... -- CMD...: a person at a terminal.
 *
 * Runs CMD as the leader of a session on a new pty and plays the steps in order; everything the
 * terminal shows goes to stdout. Steps, with the C escapes \r \n \t \e \\ \xHH in TEXT:
 *
 *   expect:TEXT   wait until TEXT has appeared after the last match
 *   absent:TEXT   fail if TEXT has appeared since the last match
 *   send:TEXT     type
 *   resize:RxC    change the window size
 *   signal:N      send signal N to CMD
 *   run:COMMAND   run a shell command, which must succeed
 *   hangup        close the terminal
 *   exit          wait until CMD has ended and all it wrote is read
 *
 * After the last step an exit is implied. The status is CMD's (128+N for a signal), or 253 when a
 * step failed or its deadline passed. No step ever sleeps: each waits for its event.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (4 << 20)

struct driver {
	int master;
	pid_t child;
	int reaped, status;
	double timeout;
	char *out;
	size_t len, mark;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int fail(struct driver *d, const char *step, const char *why)
{
	fprintf(stderr, "ptydrive: %s: %s\n", step, why);
	if (!d->reaped) {
		kill(d->child, SIGKILL);
		waitpid(d->child, NULL, 0);
	}
	exit(253);
}

static char *unescape(const char *in)
{
	char *text = strdup(in), *w = text;

	for (const char *r = text; *r; r++) {
		if (*r != '\\' || !r[1]) {
			*w++ = *r;
			continue;
		}
		switch (*++r) {
		case 'r':
			*w++ = '\r';
			break;
		case 'n':
			*w++ = '\n';
			break;
		case 't':
			*w++ = '\t';
			break;
		case 'e':
			*w++ = '\033';
			break;
		case 'x': {
			char hex[3] = { r[1], r[1] ? r[2] : 0, 0 };

			*w++ = (char)strtol(hex, NULL, 16);
			r += hex[0] ? (hex[1] ? 2 : 1) : 0;
			break;
		}
		default:
			*w++ = *r;
		}
	}
	*w = 0;
	return text;
}

/* Read what there is, waiting at most wait_ms. Returns 0 at the end of the terminal, else 1. */
static int pump(struct driver *d, int wait_ms)
{
	struct pollfd pfd = { .fd = d->master, .events = POLLIN };
	ssize_t n;

	if (d->master < 0)
		return 0;
	if (poll(&pfd, 1, wait_ms) <= 0)
		return 1;
	if (d->len == OUTPUT_MAX)
		return fail(d, "output", "too much");
	n = read(d->master, d->out + d->len, OUTPUT_MAX - d->len);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0)
		return 0;
	if (write(STDOUT_FILENO, d->out + d->len, (size_t)n) != n)
		return fail(d, "stdout", strerror(errno));
	d->len += (size_t)n;
	return 1;
}

static void expect(struct driver *d, const char *step, const char *text)
{
	double deadline = now() + d->timeout;
	int open = 1;

	for (;;) {
		char *hit = memmem(d->out + d->mark, d->len - d->mark, text, strlen(text));

		if (hit) {
			d->mark = (size_t)(hit - d->out) + strlen(text);
			return;
		}
		if (!open)
			fail(d, step, "the terminal was closed first");
		if (now() > deadline)
			fail(d, step, "not seen in time");
		open = pump(d, 100);
	}
}

static void type(struct driver *d, const char *step, const char *text)
{
	double deadline = now() + d->timeout;
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(d->master, text, left);

		if (n > 0) {
			text += n;
			left -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			fail(d, step, strerror(errno));
		} else if (now() > deadline) {
			fail(d, step, "the terminal takes no input");
		} else {
			pump(d, 10);
		}
	}
}

static void finish(struct driver *d)
{
	double deadline = now() + d->timeout;
	int open = d->master >= 0;

	while (!d->reaped || open) {
		if (!d->reaped && waitpid(d->child, &d->status, WNOHANG) == d->child)
			d->reaped = 1;
		/* Others may keep the slave open: after the end, take only what is there. */
		if (open) {
			size_t before = d->len;

			open = pump(d, d->reaped ? 50 : 20);
			if (d->reaped && d->len == before)
				open = 0;
		} else if (!d->reaped) {
			poll(NULL, 0, 5);
		}
		if (now() > deadline)
			fail(d, "exit", "the command did not end in time");
	}
}

static void resize(struct driver *d, const char *step, const char *size)
{
	struct winsize ws = { 0 };

	if (sscanf(size, "%hux%hu", &ws.ws_row, &ws.ws_col) != 2)
		fail(d, step, "bad size");
	if (ioctl(d->master, TIOCSWINSZ, &ws))
		fail(d, step, strerror(errno));
}

static void play(struct driver *d, char *step)
{
	char *arg = strchr(step, ':');
	size_t len = arg ? (size_t)(arg - step) : strlen(step);
	char *text = arg ? unescape(arg + 1) : strdup("");

	if (!strncmp(step, "expect", len)) {
		expect(d, step, text);
	} else if (!strncmp(step, "absent", len)) {
		while (pump(d, 0) && d->len < OUTPUT_MAX) {
			struct pollfd pfd = { .fd = d->master, .events = POLLIN };

			if (poll(&pfd, 1, 0) <= 0)
				break;
		}
		if (memmem(d->out + d->mark, d->len - d->mark, text, strlen(text)))
			fail(d, step, "was there");
	} else if (!strncmp(step, "send", len)) {
		type(d, step, text);
	} else if (!strncmp(step, "resize", len)) {
		resize(d, step, text);
	} else if (!strncmp(step, "signal", len)) {
		kill(d->child, atoi(text));
	} else if (!strncmp(step, "run", len)) {
		fflush(stdout);
		if (system(arg + 1))
			fail(d, step, "failed");
	} else if (!strncmp(step, "hangup", len)) {
		close(d->master);
		d->master = -1;
	} else if (!strncmp(step, "exit", len)) {
		finish(d);
	} else {
		fail(d, step, "unknown step");
	}
	free(text);
}

int main(int argc, char **argv)
{
	struct driver d = { .timeout = 10 };
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	const char *pidfile = NULL;
	int opt, first, last;

	while ((opt = getopt(argc, argv, "+t:s:p:")) != -1) {
		if (opt == 't')
			d.timeout = atof(optarg);
		else if (opt == 's' && sscanf(optarg, "%hux%hu", &ws.ws_row, &ws.ws_col) == 2)
			continue;
		else if (opt == 'p')
			pidfile = optarg;
		else
			return 254;
	}
	/* getopt has swallowed a "--" that follows no step. */
	first = last = optind;
	if (strcmp(argv[optind - 1], "--"))
		while (last < argc && strcmp(argv[last], "--"))
			last++;
	else
		last = first - 1;
	if (last + 1 >= argc)
		return 254;

	d.out = malloc(OUTPUT_MAX);
	d.child = forkpty(&d.master, NULL, NULL, &ws);
	if (!d.out || d.child < 0)
		return 254;
	if (d.child == 0) {
		execvp(argv[last + 1], argv + last + 1);
		fprintf(stderr, "ptydrive: %s: %s\n", argv[last + 1], strerror(errno));
		_exit(127);
	}
	if (fcntl(d.master, F_SETFD, FD_CLOEXEC) || fcntl(d.master, F_SETFL, O_NONBLOCK))
		return 254;
	if (pidfile) {
		FILE *f = fopen(pidfile, "w");

		if (!f || fprintf(f, "%d", d.child) < 0 || fclose(f))
			fail(&d, pidfile, strerror(errno));
	}
	for (int i = first; i < last; i++)
		play(&d, argv[i]);
	finish(&d);
	return WIFEXITED(d.status) ? WEXITSTATUS(d.status) : 128 + WTERMSIG(d.status);
}
