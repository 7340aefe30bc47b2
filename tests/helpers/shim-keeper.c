/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper for tests: starts a command the way the runtime's keeper does (pipes or pty, hand-over)
 * and becomes berth-shim, without any container. Prints "SHIM_PID PID" once the shim serves.
 *
 *	shim-keeper [-t] [-s never|once|keep] [-l LOG] [-m LOGMAX] [-n LOGFILES] [-r RING]
 *	            [-d DRAIN_MS] [-c] SHIM DIR COMMAND [ARG...]
 *
 *	shim-keeper --hangup: a command for -t that hangs up its own terminal and opens it again
 *
 * -c: leave the session "created" (the command runs all the same).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct options {
	int terminal, created;
	const char *stdin_mode, *log;
	long log_max, log_files, ring, drain;
};

static void die(const char *what)
{
	fprintf(stderr, "shim-keeper: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int r, const char *what)
{
	if (r < 0)
		die(what);
	return r;
}

/* A pipe whose writing side survives the death of the reader. */
static void output_pipe(int *ret_read, int *ret_write)
{
	char path[64];
	int p[2];

	check(pipe2(p, O_CLOEXEC), "pipe");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[1]);
	*ret_write = check(open(path, O_RDWR | O_CLOEXEC), "reopen pipe");
	*ret_read = p[0];
	close(p[1]);
}

static int open_pty(int *ret_slave)
{
	int m = check(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), "open ptmx");
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };

	check(unlockpt(m), "unlockpt");
	check(ioctl(m, TIOCSWINSZ, &ws), "set size");
	*ret_slave = check(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "open slave");
	return m;
}

static pid_t start(char **argv, int in, int out, int err, int terminal)
{
	pid_t pid = check(fork(), "fork");

	if (pid)
		return pid;
	check(setsid(), "setsid");
	check(dup2(in, 0), "dup2");
	check(dup2(out, 1), "dup2");
	check(dup2(err, 2), "dup2");
	if (terminal)
		check(ioctl(0, TIOCSCTTY, 0), "TIOCSCTTY");
	execvp(argv[0], argv);
	die(argv[0]);
	return 0;
}

static int listen_at(const char *dir)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/shim.sock", dir) >=
	    (int)sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		die(dir);
	}
	umask(0177);
	check(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), "bind");
	umask(077);
	check(listen(fd, 128), "listen");
	return fd;
}

static int keep(int fd)
{
	if (fd >= 0)
		check(fcntl(fd, F_SETFD, 0), "keep descriptor");
	return fd;
}

static void become_shim(const struct options *o, const char *shim, const char *dir, char **argv,
                        int ready, int report)
{
	int in_r = -1, in_w = -1, out_r = -1, out_w = -1, err_r = -1, err_w = -1, pty = -1, slave;
	int mode = strcmp(o->stdin_mode, "keep") == 0 ? 2 : strcmp(o->stdin_mode, "once") == 0;
	int dirfd = check(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir), rec, mem, sock,
	    pidfd;
	char number[16], p[2];
	struct timespec ts;
	char blank[512];
	pid_t pid;

	rec = check(openat(dirfd, "exit.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
	            "exit.json");
	memset(blank, ' ', sizeof(blank));
	check((int)write(rec, blank, sizeof(blank)), "exit.json");
	close(rec);
	sock = listen_at(dir);
	if (o->terminal) {
		pty = open_pty(&slave);
		pid = start(argv, slave, slave, slave, 1);
		close(slave);
	} else {
		int pipes[2];

		if (mode) {
			check(pipe2(pipes, O_CLOEXEC), "pipe");
			in_r = pipes[0];
			in_w = pipes[1];
		} else {
			in_r = check(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
		}
		output_pipe(&out_r, &out_w);
		output_pipe(&err_r, &err_w);
		pid = start(argv, in_r, out_w, err_w, 0);
		close(in_r);
		close(out_w);
		close(err_w);
	}
	(void)p;
	pidfd = check((int)syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
	dprintf(report, "%d %d\n", (int)getpid(), (int)pid);
	close(report);

	clock_gettime(CLOCK_REALTIME, &ts);
	mem = check(memfd_create("handover", 0), "memfd");
	dprintf(
	    mem,
	    "{\"version\":1,\"id\":\"test\",\"name\":\"\",\"session_path\":\"%s\",\"log_path\":\"%"
	    "s\","
	    "\"pid\":%d,\"dir_fd\":%d,\"pidfd\":%d,\"listen_fd\":%d,\"stdin_fd\":%d,\"stdout_fd\":%"
	    "d,"
	    "\"stderr_fd\":%d,\"pty_fd\":%d,\"oom_fd\":-1,\"cgroup_kill_fd\":-1,\"ready_fd\":%d,"
	    "\"terminal\":%s,\"rows\":24,\"cols\":80,\"stdin_mode\":%d,\"created_ns\":%lld%09ld,"
	    "\"started_ns\":%lld,\"log_max\":%ld,\"log_files\":%ld,\"ring_size\":%ld,"
	    "\"drain_ms\":%ld}",
	    dir, o->log, (int)pid, keep(dirfd), keep(pidfd), keep(sock), keep(in_w), keep(out_r),
	    keep(err_r), keep(pty), keep(ready), o->terminal ? "true" : "false", mode,
	    (long long)ts.tv_sec, ts.tv_nsec, o->created ? 0LL : (long long)ts.tv_sec * 1000000000,
	    o->log_max, o->log_files, o->ring, o->drain);
	lseek(mem, 0, SEEK_SET);
	snprintf(number, sizeof(number), "%d", mem);
	check(chdir("/"), "chdir");
	execl(shim, "berth-shim", "--handover", number, (char *)NULL);
	die(shim);
}

static int parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "+tcs:l:m:n:r:d:")) != -1) {
		switch (c) {
		case 't':
			o->terminal = 1;
			break;
		case 'c':
			o->created = 1;
			break;
		case 's':
			o->stdin_mode = optarg;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 'm':
			o->log_max = atol(optarg);
			break;
		case 'n':
			o->log_files = atol(optarg);
			break;
		case 'r':
			o->ring = atol(optarg);
			break;
		case 'd':
			o->drain = atol(optarg);
			break;
		default:
			return -1;
		}
	}
	return argc - optind >= 3 ? 0 : -1;
}

static int hang_up(void)
{
	const char *name = ttyname(0);
	char byte;
	int fd;

	if (!name)
		die("ttyname");
	signal(SIGHUP, SIG_IGN);
	check((int)write(1, "one\n", 4), "write");
	/* A hang-up throws away what nobody has read yet: wait until the test has seen it. */
	check((int)read(0, &byte, 1), "read");
	check(vhangup(), "vhangup");
	fd = check(open(name, O_RDWR | O_NOCTTY), name);
	check((int)write(fd, "two\n", 4), "write");
	sleep(100);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .stdin_mode = "keep",
		             .log = "",
		             .log_max = 1 << 20,
		             .log_files = 2,
		             .ring = 128 * 1024,
		             .drain = 2000 };
	int ready[2], report[2], null;
	char shim[PATH_MAX], dir[PATH_MAX], text[64] = "", word[256];
	ssize_t n;

	if (argc == 2 && strcmp(argv[1], "--hangup") == 0)
		return hang_up();
	if (parse(argc, argv, &o) < 0) {
		fprintf(stderr, "usage: shim-keeper [options] SHIM DIR COMMAND...\n");
		return 2;
	}
	if (!realpath(argv[optind], shim) || !realpath(argv[optind + 1], dir))
		die("realpath");
	check(pipe2(ready, O_CLOEXEC), "pipe");
	check(pipe2(report, O_CLOEXEC), "pipe");
	if (check(fork(), "fork") == 0) {
		check(setsid(), "setsid");
		close(ready[0]);
		close(report[0]);
		null = check(open("/dev/null", O_RDWR), "/dev/null");
		dup2(null, 0);
		dup2(null, 1);
		if (!getenv("SHIM_STDERR"))
			dup2(null, 2);
		if (null > 2)
			close(null);
		become_shim(&o, shim, dir, argv + optind + 2, ready[1], report[1]);
	}
	close(ready[1]);
	close(report[1]);
	n = read(report[0], text, sizeof(text) - 1);
	if (n <= 0 || read(ready[0], word, sizeof(word)) != 1) { /* more than a byte is why not */
		fprintf(stderr, "shim-keeper: the shim does not serve\n");
		return 1;
	}
	fputs(text, stdout);
	return 0;
}
