/* SPDX-License-Identifier: Apache-2.0 */
/* The log file: records as CRI readers expect them, rotation, and what happens when writing fails.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sock.h"
#include "shim/log_sink.h"

static char dir_name[] = "/tmp/test-log-XXXXXX";
static char path[64];
static struct ring ring;
static struct log_cursor cursor;
static struct log_sink sink;
static enum log_driver format;

static int open_sink(const char *where, size_t max, int files)
{
	struct log_conf conf = { .path = where, .max = max, .files = files, .format = format };

	return log_sink_open(&conf, &sink, NULL);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir_name + sizeof(dir_name) - 7, "XXXXXX");
	if (!mkdtemp(dir_name) || ring_init(&ring, 65536) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir_name);
	cursor.offset = 0;
	format = LOG_CRI;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_sink_close(&sink);
	ring_done(&ring);
	return file_remove_tree_at(AT_FDCWD, dir_name);
}

static void put(const void *data, size_t len)
{
	struct iovec iov[2];
	int n = ring_space(&ring, len, iov);
	const char *p = data;

	for (int i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, p, iov[i].iov_len);
		p += iov[i].iov_len;
	}
	ring_commit(&ring, len);
}

static void feed(const char *text, enum log_flush flush, int64_t now)
{
	put(text, strlen(text));
	log_feed(&sink, &cursor, &ring, STREAM_STDOUT, now, flush);
}

static char *read_log(const char *name)
{
	char *text;
	int fd = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(file_read_at(fd, name, 1 << 24, &text, NULL), 0);
	fd_close(fd);
	return text;
}

#define T "1970-01-01T00:00:00.000000001Z stdout "

static void test_records(void **state)
{
	_cleanup_free_ char *got = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	feed("one\ntwo\n\nthr", LOG_FLUSH_NO, 1);
	assert_int_equal(cursor.offset, 9);
	feed("", LOG_FLUSH_PART, 1);
	feed("ee\nfour", LOG_FLUSH_NO, 1);
	feed("", LOG_FLUSH_END, 1);
	got = read_log("log");
	assert_string_equal(got,
	                    T "F one\n" T "F two\n" T "F \n" T "P thr\n" T "F ee\n" T "F four\n");
	assert_int_equal(sink.size, strlen(got));
	assert_int_equal(sink.written, 19);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* An existing log is continued; anything but a file is refused. */
static void test_open(void **state)
{
	_cleanup_free_ char *got = NULL;
	char link_path[80], fifo[80];

	(void)state;
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	feed("a\n", LOG_FLUSH_NO, 1);
	log_sink_close(&sink);
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	feed("b\n", LOG_FLUSH_NO, 1);
	got = read_log("log");
	assert_string_equal(got, T "F a\n" T "F b\n");

	snprintf(link_path, sizeof(link_path), "%s/link", dir_name);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir_name);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	log_sink_close(&sink);
	assert_int_equal(open_sink(link_path, 4096, 2), -ELOOP);
	assert_int_equal(open_sink(fifo, 4096, 2), -ENXIO);
	assert_int_equal(open_sink(dir_name, 4096, 2), -EISDIR);
}

/* No file beyond the limit, nothing lost between them, the oldest go. */
static void test_rotation(void **state)
{
	static const char *const names[] = { "log.2", "log.1", "log" };
	int expect = -1, last = 0;
	char line[32];

	(void)state;
	assert_int_equal(open_sink(path, 1000, 3), 0);
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		feed(line, LOG_FLUSH_NO, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *text = read_log(names[i]);

		assert_in_range(strlen(text), 1, 1000);
		for (char *p = text; *p; p = strchr(p, '\n') + 1) {
			assert_int_equal(sscanf(p, T "F line %d", &last), 1);
			if (expect >= 0)
				assert_int_equal(last, expect);
			expect = last + 1;
		}
	}
	assert_int_equal(last, 499);
	assert_int_equal(sink.lost_total, 0);
	snprintf(line, sizeof(line), "%s/log.3", dir_name);
	assert_int_equal(access(line, F_OK), -1);
}

/* One feed with many records crosses several files as well. */
static void test_rotation_in_one_feed(void **state)
{
	char big[20000];
	_cleanup_free_ char *got = NULL;

	(void)state;
	assert_int_equal(open_sink(path, 4096, 1), 0);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i % 100 == 99 ? '\n' : 'x';
	put(big, sizeof(big));
	log_feed(&sink, &cursor, &ring, STREAM_STDOUT, 1, LOG_FLUSH_NO);
	assert_int_equal(sink.written, sizeof(big));
	got = read_log("log");
	assert_in_range(strlen(got), 1, 4096);
	assert_int_equal(strlen(got) % 140, 0);
}

/* Every byte is logged, counted as lost, or still to come; never twice. */
static void test_full_disk(void **state)
{
	struct rlimit old, limit;
	_cleanup_free_ char *got = NULL;
	char line[101];
	char *marker;

	(void)state;
	memset(line, 'y', sizeof(line));
	line[99] = '\n';
	line[100] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ 1000, old.rlim_max };
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 30; i++)
		feed(line, LOG_FLUSH_NO, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(sink.written, 700);
	assert_int_equal(sink.lost, 2300);
	assert_int_equal(sink.error, -EFBIG);

	feed("again\n", LOG_FLUSH_NO, 1);
	assert_int_equal(sink.lost, 0);
	assert_int_equal(sink.lost_total, 2300);
	assert_int_equal(sink.error, 0);
	got = read_log("log");
	marker = strstr(got, T "F:lost berth: 2300 bytes of output lost: ");
	assert_non_null(marker);
	assert_int_equal(marker - got, 7 * 140);
	assert_string_equal(strchr(marker, '\n') + 1, T "F again\n");
}

/* The directory is gone: lost and counted; back: logging goes on after a while. */
static void test_reopen(void **state)
{
	_cleanup_free_ char *got = NULL;
	char moved[80];
	int64_t now = 1;

	(void)state;
	assert_int_equal(open_sink(path, 4096, 1), 0);
	fd_reset(&sink.fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0); /* in the way of the new file */
	feed("lost\n", LOG_FLUSH_NO, now);
	assert_int_equal(sink.lost, 5);
	snprintf(moved, sizeof(moved), "%s/moved", dir_name);
	assert_int_equal(rename(path, moved), 0);
	feed("soon\n", LOG_FLUSH_NO, now); /* not tried again at once */
	assert_int_equal(sink.lost, 10);
	feed("later\n", LOG_FLUSH_NO, now + INT64_C(1000000000));
	assert_int_equal(sink.lost, 0);
	got = read_log("log");
	assert_non_null(strstr(got, "F:lost berth: 10 bytes of output lost: "));
	assert_non_null(strstr(got, "F later\n"));
}

/* json-file: the same records, rotation and marker. */
static void test_json_file(void **state)
{
	_cleanup_free_ char *got = NULL;

	(void)state;
	format = LOG_JSON_FILE;
	assert_int_equal(open_sink(path, 4096, 1), 0);
	feed("one\nt\303", LOG_FLUSH_PART, 1);
	feed("", LOG_FLUSH_PART, 1);
	sink.lost = 5;
	feed("o\n", LOG_FLUSH_NO, 1);
	got = read_log("log");
#define J(text) \
	"{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:00.000000001Z\""
	assert_string_equal(
	    got,
	    J("one\\n") "}\n" J("t") ",\"partial\":true}\n" J(
	        "\357\277\275") ",\"partial\":true}\n" J("berth: 5 bytes of output lost: "
	                                                 "unknown\\n") ",\"lost\":5}\n" J("o\\n") "}\n");
	assert_int_equal(sink.written, 8);
}

/* As long as can be: one record has more bytes than the buffer for the next. */
static void test_json_file_long(void **state)
{
	static char text[3 * LOG_LINE_MAX];
	_cleanup_free_ char *got = NULL;
	size_t n = 0;

	(void)state;
	format = LOG_JSON_FILE;
	memset(text, 1, sizeof(text));
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	put(text, sizeof(text));
	log_feed(&sink, &cursor, &ring, STREAM_STDOUT, 1, LOG_FLUSH_END);
	assert_int_equal(sink.written, sizeof(text));
	got = read_log("log");
	for (char *p = got; (p = strstr(p, "\\u0001")); p++)
		n++;
	assert_int_equal(n, sizeof(text));
}

/* A clock that is set back: the log says the last time that it has said until time has got there.
 */
static void test_clock(void **state)
{
	_cleanup_free_ char *got = NULL;

	(void)state;
	assert_int_equal(open_sink(path, 4096, 1), 0);
	feed("a\n", LOG_FLUSH_NO, 1);
	sink.last_ns = 1;
	feed("b\n", LOG_FLUSH_NO, 0);
	got = read_log("log");
	assert_string_equal(got, T "F a\n" T "F b\n");
}

/* Removed, cut or renamed by somebody else. */
static void test_others(void **state)
{
	_cleanup_free_ char *one = NULL, *two = NULL, *three = NULL;
	char moved[80];

	(void)state;
	assert_int_equal(open_sink(path, 1 << 20, 2), 0);
	feed("a\n", LOG_FLUSH_NO, 1);
	assert_int_equal(unlink(path), 0);
	feed("b\n", LOG_FLUSH_NO, 1);
	one = read_log("log");
	assert_string_equal(one, T "F b\n");

	assert_int_equal(truncate(path, 0), 0);
	feed("c\n", LOG_FLUSH_NO, 1);
	assert_int_equal(sink.size, strlen(T "F c\n"));

	snprintf(moved, sizeof(moved), "%s/moved", dir_name);
	assert_int_equal(rename(path, moved), 0);
	feed("d\n", LOG_FLUSH_NO, 1);
	assert_int_equal(log_reopen(&sink), 0);
	feed("e\n", LOG_FLUSH_NO, 1);
	two = read_log("moved");
	assert_string_equal(two, T "F c\n" T "F d\n");
	three = read_log("log");
	assert_string_equal(three, T "F e\n");

	/* What is in the way is not written to, and where we are not left. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(moved, path), 0);
	assert_int_equal(log_reopen(&sink), -ELOOP);
	assert_int_equal(sink.lost_total, 0);
}

/* The directory is removed, and there again. */
static void test_directory(void **state)
{
	char dir[80], file[96];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/d", dir_name);
	snprintf(file, sizeof(file), "%s/log", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(open_sink(file, 1 << 20, 2), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	feed("a\n", LOG_FLUSH_NO, 1);
	assert_int_equal(sink.lost, 2);
	assert_int_equal(sink.error, -ENOENT);
	assert_int_equal(mkdir(dir, 0700), 0);
	feed("b\n", LOG_FLUSH_NO, INT64_C(1000000000));
	assert_int_equal(sink.lost, 0);
	assert_int_equal(access(file, F_OK), 0);
}

/* What a journal's socket gets, the memfd's content if it is one. -EAGAIN: nothing. */
static ssize_t journal_read(int sock, char *data, size_t size, bool *ret_memfd)
{
	size_t n_fds;
	int fds[1];
	ssize_t n = sock_recv_fds(sock, data, size, fds, 1, &n_fds);

	*ret_memfd = n_fds > 0;
	if (!*ret_memfd)
		return n;
	/* F_SEAL_EXEC may be there, too. */
	assert_int_equal(fcntl(fds[0], F_GET_SEALS) & 0xf,
	                 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	n = pread(fds[0], data, size, 0);
	fd_close(fds[0]);
	return n;
}

static int journal_socket(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void open_journal(void)
{
	struct log_conf conf = {
		.format = LOG_JOURNALD, .journal = path, .id = "some", .name = "job"
	};

	assert_int_equal(log_sink_open(&conf, &sink, NULL), 0);
}

#define IDENT                                                                     \
	"SYSLOG_IDENTIFIER=some/job\nCONTAINER_ID=some\nCONTAINER_ID_FULL=some\n" \
	"CONTAINER_NAME=some\nCONTAINER_EXEC=job\nPRIORITY=6\nCONTAINER_STREAM=stdout\n"

static void test_journal(void **state)
{
	_cleanup_close_ int sock = journal_socket();
	static char got[65536], line[LOG_LINE_MAX + 1];
	const size_t head = strlen(IDENT "MESSAGE\n");
	int small = 4096;
	bool memfd;

	(void)state;
	open_journal();
	feed("one\n", LOG_FLUSH_NO, 1);
	assert_int_equal(journal_read(sock, got, sizeof(got), &memfd), head + 8 + 4);
	assert_false(memfd);
	assert_memory_equal(got, IDENT "MESSAGE\n\3\0\0\0\0\0\0\0one\n", head + 8 + 4);

	/* More than a datagram can hold. */
	assert_int_equal(setsockopt(sink.out_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	memset(line, 'x', LOG_LINE_MAX);
	line[LOG_LINE_MAX] = '\n';
	put(line, sizeof(line));
	log_feed(&sink, &cursor, &ring, STREAM_STDOUT, 1, LOG_FLUSH_NO);
	assert_int_equal(journal_read(sock, got, sizeof(got), &memfd), head + 8 + sizeof(line));
	assert_true(memfd);
	assert_memory_equal(got + head + 8, line, sizeof(line));
	assert_int_equal(sink.written, 4 + sizeof(line));
	assert_int_equal(sink.lost_total, 0);
}

/* Full: what waits stays. Gone: what comes is lost, and said to be when there is one again. */
static void test_journal_busy(void **state)
{
	int sock = journal_socket(), sent = 0;
	uint64_t written;
	char got[1024];
	bool memfd;

	(void)state;
	open_journal();
	for (; !sink.blocked && sent < 10000; sent++)
		feed("line\n", LOG_FLUSH_NO, 1);
	assert_true(sink.blocked);
	written = sink.written;
	assert_int_equal(cursor.offset, written);
	assert_int_equal(written, 5 * (sent - 1));
	assert_true(journal_read(sock, got, sizeof(got), &memfd) > 0);
	feed("", LOG_FLUSH_NO, 1);
	assert_false(sink.blocked);
	assert_int_equal(sink.written, written + 5);

	fd_close(sock);
	assert_int_equal(unlink(path), 0);
	feed("lost\n", LOG_FLUSH_NO, 1);
	assert_int_equal(sink.lost, 5);
	assert_int_equal(sink.error, -ENOENT);
	sock = journal_socket();
	feed("again\n", LOG_FLUSH_NO, 1);
	assert_int_equal(sink.lost, 0);
	assert_true(journal_read(sock, got, sizeof(got) - 1, &memfd) > 0);
	assert_non_null(memmem(got, sizeof(got), "CONTAINER_LOST_BYTES=5\n", 23));
	assert_true(journal_read(sock, got, sizeof(got), &memfd) > 0);
	fd_close(sock);
}

/* From a shim that was killed in the middle of a record. */
static void test_take_over(void **state)
{
	static const struct {
		const char *before, *after;
	} files[] = {
		{ "one\ntwo\nthr", "one\ntwo\n" },
		{ "one\ntwo\n", "one\ntwo\n" },
		{ "on", "" },
		{ "", "" },
	};
	static char big[10000];
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct log_conf conf = {
			.path = path, .max = 1 << 20, .files = 2, .takes_over = true
		};
		_cleanup_free_ char *got = NULL, *expect = NULL;
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_int_equal(fd_write_all(fd, files[i].before, strlen(files[i].before)), 0);
		fd_close(fd);
		assert_int_equal(log_sink_open(&conf, &sink, NULL), 0);
		assert_int_equal(sink.size, strlen(files[i].after));
		sink.last_ns = 0;
		feed("new\n", LOG_FLUSH_NO, 1);
		expect = xasprintf("%s" T "F new\n", files[i].after);
		got = read_log("log");
		assert_string_equal(got, expect);
		log_sink_close(&sink);
	}
	/* A long one; and the clock may have been set back since. */
	memset(big, 'x', sizeof(big));
	memcpy(big, "first\n", 6);
	{
		struct log_conf conf = {
			.path = path, .max = 1 << 20, .files = 2, .takes_over = true
		};
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		assert_int_equal(fd_write_all(fd, big, sizeof(big)), 0);
		fd_close(fd);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(log_sink_open(&conf, &sink, NULL), 0);
		assert_int_equal(sink.size, 6);
		assert_true(sink.last_ns > st.st_mtim.tv_sec * INT64_C(1000000000));
	}
}

/* A helper that stayed from another version of us: what it says is not taken for something else. */
static void test_helper_version(void **state)
{
	(void)state;
	for (int version = 0; version <= LOG_HELPER_VERSION + 1; version++) {
		struct log_sink s = { .helper_pidfd = FD_INVALID, .handed = 100 };
		char account[48] = { 0 };
		uint64_t handled = 60;
		int sock[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sock), 0);
		s.out_fd = sock[0];
		account[2] = (char)version;
		memcpy(account + 8, &handled, sizeof(handled));
		assert_int_equal(send(sock[1], account, sizeof(account), 0), sizeof(account));
		if (version <= LOG_HELPER_VERSION) {
			assert_int_equal(log_helper_listen(&s), 0);
			assert_int_equal(s.handled, 60);
			assert_int_equal(s.lost_total, 0);
			fd_close(s.out_fd);
		} else {
			assert_int_equal(log_helper_listen(&s), -EPIPE);
			assert_int_equal(s.out_fd, FD_INVALID);
			assert_int_equal(s.lost_total, 100);
		}
		fd_close(sock[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation_in_one_feed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reopen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json_file_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_take_over, setup, teardown),
		cmocka_unit_test(test_helper_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
