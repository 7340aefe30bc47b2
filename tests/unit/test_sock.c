/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: long paths, modes, descriptor passing, credentials. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"

static char top[] = "/tmp/test_sock.XXXXXX";
static char deep[400];
static int dir = FD_INVALID;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(deep, sizeof(deep), "%s/%0100d/%0100d", top, 1, 2); /* beyond sun_path */
	if (file_mkdir_p(deep, 0700) < 0)
		return -1;
	dir = open(deep, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(dir);
	return file_remove_tree_at(AT_FDCWD, top);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_listen(void **state)
{
	_cleanup_close_ int l = FD_INVALID, c = FD_INVALID, c2 = FD_INVALID, a = FD_INVALID;
	_cleanup_free_ char *path = xasprintf("%s/s", deep);
	mode_t mask = umask(0);
	struct ucred cred;
	struct stat st;

	(void)state;
	l = sock_listen_at(dir, "s", 4);
	assert_true(l >= 0);
	assert_int_equal(umask(mask), 0); /* as it was */
	assert_int_equal(fstatat(dir, "s", &st, 0), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fcntl(l, F_GETFD), FD_CLOEXEC);
	assert_int_equal(accept4(l, NULL, NULL, 0), -1); /* non-blocking */
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(sock_listen_at(dir, "s", 4), -EADDRINUSE);

	c = sock_connect_at(dir, "s", SOCK_STREAM);
	assert_true(c >= 0);
	assert_int_equal(fcntl(c, F_GETFD), FD_CLOEXEC);
	assert_true(strlen(path) > sizeof(((struct sockaddr_un *)0)->sun_path));
	c2 = sock_connect_path(path, SOCK_STREAM | SOCK_NONBLOCK);
	assert_true(c2 >= 0);
	a = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	assert_true(a >= 0);
	assert_int_equal(sock_peer_cred(a, &cred), 0);
	assert_int_equal(cred.pid, getpid());
	assert_int_equal(cred.uid, geteuid());
	assert_int_equal(cred.gid, getegid());
}

static void test_short_path(void **state)
{
	_cleanup_close_ int t = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), l, c;
	_cleanup_free_ char *path = xasprintf("%s/x", top);

	(void)state;
	l = sock_listen_at(t, "x", 1);
	assert_true(l >= 0);
	c = sock_connect_path(path, SOCK_STREAM);
	assert_true(c >= 0);
}

static void test_connect_errors(void **state)
{
	char name[120];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(sock_connect_at(dir, "none", SOCK_STREAM), -ENOENT);
	assert_int_equal(sock_connect_path("/none/x", SOCK_STREAM), -ENOENT);
	assert_int_equal(sock_listen_at(dir, name, 1), -ENAMETOOLONG);
	assert_int_equal(sock_connect_at(dir, name, SOCK_STREAM), -ENAMETOOLONG);
	fd_close(sock_listen_at(dir, "gone", 1)); /* the file stays, nobody listens */
	assert_int_equal(sock_connect_at(dir, "gone", SOCK_STREAM), -ECONNREFUSED);
}

static void pair(int type, int p[2])
{
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, p), 0);
}

static void test_fds(void **state)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
	int before = count_fds();

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		/* Sent and asked for: fewer, as many, more. */
		for (size_t sent = 0; sent < 4; sent++) {
			for (size_t asked = 0; asked < 4; asked++) {
				int p[2], fds[3], got[3] = { 7, 7, 7 };
				size_t n = 4711;
				char buf[8];

				pair(types[t], p);
				for (size_t i = 0; i < sent; i++)
					fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
				assert_int_equal(sock_send_fds(p[0], "abc", 3, fds, sent), 0);
				for (size_t i = 0; i < sent; i++)
					fd_close(fds[i]);
				assert_int_equal(sock_recv_fds(p[1], buf, 8, got, asked, &n), 3);
				assert_memory_equal(buf, "abc", 3);
				assert_int_equal(n, sent < asked ? sent : asked);
				for (size_t i = 0; i < asked; i++) {
					if (i >= n) {
						assert_int_equal(got[i], FD_INVALID);
						continue;
					}
					assert_int_equal(fcntl(got[i], F_GETFD), FD_CLOEXEC);
					fd_close(got[i]);
				}
				for (size_t i = asked; i < 3; i++)
					assert_int_equal(got[i], 7);
				fd_close(p[0]);
				fd_close(p[1]);
				assert_int_equal(count_fds(), before); /* none leaked */
			}
		}
	}
}

/* The descriptor that arrives is the one that was sent. */
static void test_fd_identity(void **state)
{
	int p[2], pipefd[2], got;
	char c = 0;

	(void)state;
	pair(SOCK_STREAM, p);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	assert_int_equal(sock_send_fds(p[0], "x", 1, &pipefd[1], 1), 0);
	assert_int_equal(sock_recv_fds(p[1], &c, 1, &got, 1, NULL), 1);
	assert_int_equal(write(got, "!", 1), 1);
	assert_int_equal(read(pipefd[0], &c, 1), 1);
	assert_int_equal(c, '!');
	fd_close(got);
	for (int i = 0; i < 2; i++) {
		fd_close(p[i]);
		fd_close(pipefd[i]);
	}
}

static void test_edges(void **state)
{
	int p[2], fds[300], got;
	char buf[4];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = 0;
	pair(SOCK_STREAM, p);
	assert_int_equal(sock_send_fds(p[0], "", 0, NULL, 0), -EINVAL);
	assert_int_equal(sock_send_fds(p[0], "x", 1, fds, 254), -E2BIG);
	fd_close(p[0]);
	assert_int_equal(sock_recv_fds(p[1], buf, 4, &got, 1, &n), 0); /* end */
	assert_int_equal(n, 0);
	assert_int_equal(got, FD_INVALID);
	assert_int_equal(sock_send_fds(p[1], "x", 1, NULL, 0), -EPIPE); /* and no SIGPIPE */
	fd_close(p[1]);
	pair(SOCK_SEQPACKET | SOCK_NONBLOCK, p);
	assert_int_equal(sock_recv_fds(p[1], buf, 4, &got, 1, &n), -EAGAIN);
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(sock_send_fds(p[0], "too long", 8, fds, 1), 0);
	assert_int_equal(sock_recv_fds(p[1], buf, 4, &got, 1, &n), -EMSGSIZE);
	assert_int_equal(got, FD_INVALID);
	assert_int_equal(n, 0);
	fd_close(fds[0]);
	fd_close(p[0]);
	fd_close(p[1]);
	assert_int_equal(sock_send_fds(FD_INVALID, "x", 1, NULL, 0), -EBADF);
}

/* More than the socket holds: sent whole, the descriptor once. */
static void test_bulk(void **state)
{
	size_t len = 1000000, done = 0, fds = 0;
	_cleanup_free_ char *data = calloc(1, len);
	int p[2], status;
	pid_t pid;

	(void)state;
	pair(SOCK_STREAM | SOCK_NONBLOCK, p);
	assert_int_equal(fd_nonblock(p[1], false), 0);
	pid = fork();
	if (pid == 0)
		_exit(sock_send_fds(p[0], data, len, &p[0], 1) != 0);
	fd_close(p[0]);
	for (;;) {
		int got;
		size_t n;
		ssize_t r = sock_recv_fds(p[1], data, len, &got, 1, &n);

		assert_true(r >= 0);
		fds += n;
		fd_close(got);
		if (r == 0)
			break;
		done += (size_t)r;
	}
	assert_int_equal(done, len);
	assert_int_equal(fds, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen),         cmocka_unit_test(test_short_path),
		cmocka_unit_test(test_connect_errors), cmocka_unit_test(test_fds),
		cmocka_unit_test(test_fd_identity),    cmocka_unit_test(test_edges),
		cmocka_unit_test(test_bulk),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
