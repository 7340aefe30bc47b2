/* SPDX-License-Identifier: Apache-2.0 */
/* One message with one descriptor, as the sockets of container managers get it. */
#pragma once

#include <string.h>
#include <sys/socket.h>

/* The descriptor, and its text (cut to size) in word; -1: there was none. */
static inline int recv_fd(int conn, char *word, size_t size)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = word, .iov_len = size - 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *head;
	ssize_t n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
	int fd;

	if (n <= 0)
		return -1;
	word[n] = 0;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}
