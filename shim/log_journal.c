/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): one datagram for a
 * record, and a sealed memfd where a datagram can't hold it. The socket is not connected: a journal
 * that is restarted, or comes later, is found by its address each time, without a system call that
 * the lock-down forbids.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shim/log_batch.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define HEAD_MAX 4096
#define SPANS    4 /* head, two spans of the ring, newline */
#define SEALS    (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static char *ident_of(const struct log_conf *conf)
{
	bool exec = conf->name && *conf->name;

	/* Ids and names consist of letters, digits and "_+.-". */
	return xasprintf("SYSLOG_IDENTIFIER=%s%s%s\nCONTAINER_ID=%.12s\nCONTAINER_ID_FULL=%s\n"
	                 "CONTAINER_NAME=%s\n%s%s%s",
	                 conf->id, exec ? "/" : "", exec ? conf->name : "", conf->id, conf->id,
	                 conf->id, exec ? "CONTAINER_EXEC=" : "", exec ? conf->name : "",
	                 exec ? "\n" : "");
}

int log_journal_prepare(struct log_sink *s, const struct log_conf *conf, struct err *err)
{
	s->way = LOG_TO_JOURNAL;
	s->journal = conf->journal && *conf->journal ? conf->journal : LOG_JOURNAL_SOCKET;
	if (strlen(s->journal) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_text(err, -EINVAL, "the journal's address %s is too long", s->journal);
	s->ident = ident_of(conf);
	return 0;
}

int log_journal_open(struct log_sink *s, struct err *err)
{
	s->out_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return s->out_fd < 0 ? err_set(err, -errno, "make a socket for the journal") : 0;
}

static int send_to(const struct log_sink *s, struct iovec *iov, size_t n, int fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct msghdr msg = {
		.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = iov, .msg_iovlen = n
	};
	struct cmsghdr *c = &control.align;

	memcpy(sa.sun_path, s->journal, strlen(s->journal) + 1);
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
			               .cmsg_level = SOL_SOCKET,
			               .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	while (sendmsg(s->out_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/*
 * The journal takes only what nobody can change any more: systemd before 254 insists on exactly
 * these seals, so there is none against execution unless the machine wants that.
 */
static int send_large(const struct log_sink *s, const struct iovec *iov, int n)
{
	_cleanup_close_ int fd = memfd_create("berth-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = 0;

	if (fd < 0 && errno == EACCES)
		fd = memfd_create("berth-journal",
		                  MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < n && r == 0; i++)
		r = fd_write_all(fd, iov[i].iov_base, iov[i].iov_len);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	return r == 0 ? send_to(s, NULL, 0, fd) : r;
}

static int send_record(const struct log_sink *s, struct iovec *iov, int n)
{
	int r = send_to(s, iov, (size_t)n, FD_INVALID);

	return r == -EMSGSIZE || r == -ENOBUFS ? send_large(s, iov, n) : r;
}

static bool send_marker(struct log_sink *s, enum frame_stream stream, int64_t now_ns)
{
	char text[LOG_LOST_MAX];
	struct iovec iov = { text, log_lost(text, LOG_JOURNALD, s->ident, s->lost, s->error, now_ns,
		                            stream) };
	int r = send_record(s, &iov, 1);

	if (r == 0)
		s->lost = 0;
	else if (r != -EAGAIN)
		s->error = r;
	return r != -EAGAIN;
}

bool log_journal_write(struct log_sink *s, const struct iovec *iov, int n,
                       const struct log_piece *piece, enum frame_stream stream, int64_t now_ns)
{
	size_t left = piece->text;
	struct iovec out[SPANS];
	char head[HEAD_MAX];
	int n_out = 0, r;

	if (s->lost && !send_marker(s, stream, now_ns))
		return false;
	out[n_out++] =
	    (struct iovec){ head, log_journal(head, sizeof(head), s->ident, piece, stream) };
	for (int i = 0; i < n && left; i++) {
		size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;

		out[n_out++] = (struct iovec){ iov[i].iov_base, len };
		left -= len;
	}
	out[n_out++] = (struct iovec){ (char *)"\n", 1 };
	/* Not before the gap has been told. */
	r = s->lost ? s->error : send_record(s, out, n_out);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		log_count_lost(s, piece->consumed, r);
		return true;
	}
	s->error = 0;
	s->written += piece->consumed;
	return true;
}
