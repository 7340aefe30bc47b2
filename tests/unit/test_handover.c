/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over: all members arrive, descriptors are kept and others closed, wrong texts are
 * refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "shim/wire/handover.h"

/* A listening socket without a name in the file system (autobind). */
static int listening(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void fill(struct shim_handover *h)
{
	handover_init(h);
	h->id = "some \"id\"";
	h->name = "ex";
	h->session_path = "/run/x";
	h->log_path = "/run/x/log";
	h->pid = 4242;
	h->dir_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	h->pidfd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->listen_fd = listening();
	h->stdout_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->rows = 65535;
	h->stdin_mode = SHIM_STDIN_KEEP;
	h->created_ns = INT64_C(1795303260483312487);
}

static void close_all(struct shim_handover *h)
{
	fd_reset(&h->dir_fd);
	fd_reset(&h->pidfd);
	fd_reset(&h->listen_fd);
	fd_reset(&h->stdout_fd);
}

/* handover_read() closes every other descriptor, so it runs in a child; its verdict is the status.
 */
static int in_child(const struct shim_handover *h, int (*check)(const struct shim_handover *, int))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd;

		if (handover_write(h, &fd, NULL) < 0 || handover_keep_fds(h, fd) < 0)
			_exit(99);
		_exit(check(h, fd));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int check_members(const struct shim_handover *h, int fd)
{
	int extra = open("/dev/null", O_RDONLY); /* not part of it: must be closed */
	int kept = fcntl(h->stdout_fd, F_GETFD);
	struct shim_handover got;
	struct err err = { 0 };

	if (extra < 0 || kept != 0 || fcntl(fd, F_GETFD) != 0)
		return 1;
	if (handover_read(fd, &got, &err) < 0)
		return 2;
	if (fcntl(extra, F_GETFD) != -1 || fcntl(fd, F_GETFD) != -1)
		return 3;
	if (fcntl(got.stdout_fd, F_GETFD) != FD_CLOEXEC || fcntl(got.dir_fd, F_GETFD) != FD_CLOEXEC)
		return 4;
	if (strcmp(got.id, h->id) || strcmp(got.name, "ex") || strcmp(got.log_path, "/run/x/log") ||
	    strcmp(got.session_path, "/run/x"))
		return 5;
	if (got.pid != 4242 || got.rows != 65535 || got.cols != 0 || got.terminal ||
	    got.stdin_mode != SHIM_STDIN_KEEP || got.created_ns != h->created_ns ||
	    got.started_ns || got.log_max != SHIM_LOG_MAX_DEFAULT || got.log_files != 2 ||
	    got.ring_size != SHIM_RING_DEFAULT || got.drain_ms != 2000 || got.linger_ms != -1)
		return 6;
	if (got.dir_fd != h->dir_fd || got.stdin_fd != FD_INVALID || got.pty_fd != FD_INVALID)
		return 7;
	handover_done(&got);
	return 0;
}

static void test_round_trip(void **state)
{
	struct shim_handover h;

	(void)state;
	fill(&h);
	assert_int_equal(in_child(&h, check_members), 0);
	close_all(&h);
}

static int refused(const struct shim_handover *h, int fd)
{
	struct shim_handover got;
	struct err err = { 0 };

	(void)h;
	if (handover_read(fd, &got, &err) != -EINVAL || !err.msg[0])
		return 1;
	/* nothing was closed */
	return fcntl(h->listen_fd, F_GETFD) < 0 ? 2 : 0;
}

static void test_refused(void **state)
{
	struct shim_handover h, good;

	(void)state;
	fill(&good);
#define REFUSE(change)                                      \
	do {                                                \
		h = good;                                   \
		change;                                     \
		assert_int_equal(in_child(&h, refused), 0); \
	} while (0)
	REFUSE(h.version = HANDOVER_VERSION + 1);
	REFUSE(h.id = "");
	REFUSE(h.session_path = "relative");
	REFUSE(h.log_path = "relative");
	REFUSE(h.pid = 0);
	REFUSE(h.dir_fd = good.stdout_fd; h.stdout_fd = FD_INVALID);
	REFUSE(h.stdin_fd = good.stdout_fd);
	REFUSE(h.pidfd = FD_INVALID);
	REFUSE(h.terminal = true);
	REFUSE(h.pty_fd = good.stdout_fd; h.stdout_fd = FD_INVALID);
	REFUSE(h.log_files = 0);
	REFUSE(h.ring_size = 0);
	REFUSE(h.drain_ms = -1);
	REFUSE(h.linger_ms = -2);
	REFUSE(h.stdin_mode = (enum shim_stdin_mode)7);
	close_all(&good);
}

static void test_garbage(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "{\"version\":1}" };
	struct shim_handover got;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = memfd_create("x", MFD_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(fd_write_all(fd, texts[i], strlen(texts[i])), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		err_clear(&err);
		assert_true(handover_read(fd, &got, &err) < 0);
		assert_true(err.msg[0]);
		fd_close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
