/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log on a file system that can hang (anything but the known local ones): a write there may
 * never return, and cannot be made not to. So a child writes, and the shim hands batches over a
 * socket of bounded size without ever waiting for it.
 *
 *	shim                                       helper
 *	log_feed ── struct message + records ──►   log_file_write, rotation, markers
 *	State    ◄── struct account ────────────   after each message
 *
 * The open may hang as well, so it is the child, too, that finds out what the place is: where it is
 * local, it passes its descriptors back and ends. Everything is done before the lock-down, and the
 * helper locks itself down likewise. At end-of-file it writes what it has, and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"
#include "shim/log_batch.h"
#include "shim/shim.h"

#define OPEN_MS     1000
#define MESSAGE_MAX (sizeof(struct message) + LOG_SCRATCH)

struct message {
	bool reopen; /* then nothing else counts */
	uint8_t version;
	enum frame_stream stream;
	int64_t now_ns, stamp_ns;
	uint64_t lost; /* bytes that were lost on our side, before this */
	int error;     /* why */
	int n;
	struct log_record rec[HELPER_RECORDS];
};

struct account {
	bool opened; /* the first: error says how that went */
	bool local;  /* it comes with directory and file */
	uint8_t version;
	uint64_t handled; /* bytes of output of all messages so far: written, or lost here */
	uint64_t written, lost, size;
	int error;
};

/*
 * A helper outlives the upgrade of its shim, and the new one can make no other. So the hand-over has
 * the version of what the two say to each other, and a shim that does not speak it refuses; who gets
 * a message of another version all the same takes nothing from it and hangs up. 0 is as 1, from
 * before they were numbered. A change below is a new version.
 */
_Static_assert(sizeof(struct message) == 40 + HELPER_RECORDS * sizeof(struct log_record) &&
                   sizeof(struct log_record) == 24,
               "a message of the log is one of another version");
_Static_assert(sizeof(struct account) == 48, "an account of the log is one of another version");

/* From linux/magic.h and the file systems' own headers. */
bool log_is_local(int fd)
{
	static const unsigned int known[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0xf2f52010, /* f2fs */
		0x2fc12fc1, /* zfs */
		0xca451a4e, /* bcachefs */
		0x01021994, /* tmpfs */
		0x858458f6, /* ramfs */
		0x794c7630, /* overlayfs */
		0x3153464a, /* jfs */
		0x52654973, /* reiserfs */
		0x24051905, /* ubifs */
		0x4d44,     /* vfat */
		0x2011bab0, /* exfat */
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if ((unsigned int)st.f_type == known[i])
			return true;
	return false;
}

/* ---- the helper */

struct helper {
	int sock;
	struct log_sink sink;
	uint64_t handled, told; /* told: lost on the shim's side */
};

static void send_account(struct helper *h, const struct account *kind, const int *fds, size_t n)
{
	struct account a = *kind;

	a.version = LOG_HELPER_VERSION;
	a.handled = h->handled;
	a.written = h->sink.written;
	a.lost = h->sink.lost_total - h->told;
	a.size = h->sink.size;
	a.error = h->sink.error;
	if (n)
		(void)sock_send_fds(h->sock, &a, sizeof(a), fds, n);
	else
		(void)send(h->sock, &a, sizeof(a), MSG_NOSIGNAL);
}

static void write_message(struct helper *h, const struct message *m, char *data, size_t len)
{
	struct log_batch b = { .stream = m->stream,
		               .now_ns = m->now_ns,
		               .stamp_ns = m->stamp_ns,
		               .n = m->n,
		               .data = data };
	size_t before = 0;

	if (m->n < 0 || m->n > HELPER_RECORDS)
		return;
	if (m->lost)
		log_count_lost(&h->sink, m->lost, m->error);
	h->told += m->lost;
	for (int i = 0; i < m->n; i++) {
		size_t end = m->rec[i].end;

		if (end < before || end > len)
			return;
		b.rec[i] = (struct log_record){ .end = end, .consumed = m->rec[i].consumed };
		h->handled += m->rec[i].consumed;
		before = end;
	}
	log_file_write(&h->sink, &b);
}

static _Noreturn void helper_serve(struct helper *h)
{
	char *buffer = malloc(MESSAGE_MAX);
	struct account later = { .opened = false };

	for (;;) {
		struct message *m = (struct message *)(void *)buffer;
		ssize_t n = buffer ? read(h->sock, buffer, MESSAGE_MAX) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)sizeof(*m) || m->version > LOG_HELPER_VERSION)
			_exit(0);
		if (m->reopen)
			(void)log_file_reopen(&h->sink);
		else
			write_message(h, m, buffer + sizeof(*m), (size_t)n - sizeof(*m));
		send_account(h, &later, NULL, 0);
	}
}

static _Noreturn void helper_main(struct helper *h)
{
	struct account first = { .opened = true };
	int r;

	prctl(PR_SET_NAME, "berth-shim-log");
	/* Nothing of the shim's: what it serves must end with it. */
	if (dup2(h->sock, 3) < 0 || fd_cloexec(3, true) < 0)
		_exit(1);
	syscall(SYS_close_range, 4U, ~0U, 0U);
	h->sock = 3;
	r = log_file_open(&h->sink, h->sink.path);
	h->sink.error = r;
	if (r == 0 && log_is_local(h->sink.fd)) {
		int fds[2] = { h->sink.dir_fd, h->sink.fd };

		first.local = true;
		send_account(h, &first, fds, ARRAY_SIZE(fds));
		_exit(0);
	}
	/* Whoever waits no longer for this wants the log all the same. */
	send_account(h, &first, NULL, 0);
	if (lockdown_helper(h->sink.dir_fd, NULL) < 0)
		_exit(1);
	helper_serve(h);
}

/* ---- the shim's side */

static pid_t fork_helper(struct log_sink *s, int *ret_sock)
{
	struct helper h = { .sink = *s };
	int sock[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) < 0)
		return -errno;
	h.sock = sock[1];
	pid = fork();
	if (pid == 0)
		helper_main(&h);
	if (pid < 0)
		pid = -errno;
	fd_close(sock[1]);
	if (pid < 0)
		fd_close(sock[0]);
	else
		*ret_sock = sock[0];
	return pid;
}

/* What the child says of the place, if it can in time. 1: it hangs. */
static int await_open(int sock, struct account *ret, int fds[static 2])
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	size_t n_fds;
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, OPEN_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : 1;
	n = sock_recv_fds(sock, ret, sizeof(*ret), fds, 2, &n_fds);
	if (n != (ssize_t)sizeof(*ret))
		return n < 0 ? (int)n : -EPIPE;
	if (ret->error < 0)
		return ret->error;
	return ret->local && n_fds != 2 ? -EPROTO : 0;
}

static void keep_helper(struct log_sink *s, int *sock, int *pidfd)
{
	s->way = LOG_TO_HELPER;
	s->out_fd = take_fd(sock);
	s->helper_pidfd = take_fd(pidfd);
	s->helper_version = LOG_HELPER_VERSION;
	(void)fd_nonblock(s->out_fd, true);
}

int log_helper_open(struct log_sink *s, struct err *err)
{
	_cleanup_close_ int sock = FD_INVALID, pidfd = FD_INVALID;
	int fds[2] = { FD_INVALID, FD_INVALID }, r;
	struct account a = { .opened = false };
	pid_t pid = fork_helper(s, &sock);

	if (pid < 0)
		return err_set(err, pid, "make the helper that writes the log");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	r = pidfd < 0 ? -errno : await_open(sock, &a, fds);
	if (r == 1 || (r == 0 && !a.local)) {
		keep_helper(s, &sock, &pidfd);
		return 0;
	}
	(void)kill(pid, SIGKILL); /* ours, and not reaped yet */
	(void)proc_waitpid(pid, NULL);
	if (r < 0)
		return err_set(err, r, "open log %s", s->path);
	s->way = LOG_TO_FILE;
	s->dir_fd = fds[0];
	s->fd = fds[1];
	s->size = a.size;
	return 0;
}

/* -EAGAIN: there is no room. */
static int hand_over(struct log_sink *s, struct message *m, const struct log_batch *b)
{
	struct iovec iov[2] = { { m, sizeof(*m) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };

	if (s->out_fd < 0)
		return -EPIPE;
	if (b)
		iov[msg.msg_iovlen++] = (struct iovec){ (char *)b->data, b->bytes };
	while (sendmsg(s->out_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

bool log_helper_write(struct log_sink *s, const struct log_batch *b)
{
	struct message m = { .version = LOG_HELPER_VERSION,
		             .stream = b->stream,
		             .now_ns = b->now_ns,
		             .stamp_ns = b->stamp_ns,
		             .lost = s->lost,
		             .error = s->error,
		             .n = b->n };
	int r;

	memcpy(m.rec, b->rec, (size_t)b->n * sizeof(*b->rec));
	r = hand_over(s, &m, b);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		log_count_lost(s, b->consumed, r);
		return true;
	}
	s->lost = 0;
	s->handed += b->consumed;
	return true;
}

int log_helper_reopen(struct log_sink *s)
{
	struct message m = { .reopen = true, .version = LOG_HELPER_VERSION };

	return hand_over(s, &m, NULL);
}

int log_helper_listen(struct log_sink *s)
{
	struct account a;
	ssize_t n;

	while ((n = read(s->out_fd, &a, sizeof(a))) == (ssize_t)sizeof(a)) {
		if (a.version > LOG_HELPER_VERSION)
			break;
		s->handled = a.handled;
		s->written = a.written;
		s->size = a.size;
		s->lost_total += a.lost - s->helper_lost;
		s->helper_lost = a.lost;
		s->error = a.error;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	log_count_lost(s, s->handed - s->handled, -EPIPE);
	s->handled = s->handed;
	fd_reset(&s->out_fd);
	return -EPIPE;
}

void log_helper_end(struct log_sink *s, bool now)
{
	siginfo_t si;

	if (s->helper_pidfd < 0)
		return;
	if (now)
		(void)proc_pidfd_signal(s->helper_pidfd, SIGKILL);
	if (waitid(P_PIDFD, (id_t)s->helper_pidfd, &si, WEXITED | WNOHANG) == 0 && si.si_pid)
		fd_reset(&s->helper_pidfd);
}
