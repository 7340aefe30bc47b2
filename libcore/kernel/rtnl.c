/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink(7): building requests, reading answers.
 *
 * Every request but a dump asks for an acknowledgement, so that one loop serves all: messages until
 * NLMSG_ERROR (0 is success) or NLMSG_DONE. Answers come from the kernel alone: the socket is not
 * bound to groups, and what has another sequence number is left over from a request that was given
 * up.
 */
#include "kernel/rtnl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define ANSWER_MAX     (64u << 10)
#define ANSWER_SECONDS 20 /* the kernel answers at once; never hang all the same */

int rtnl_open(void)
{
	struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

static void append(struct rtnl_request *req, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(req->head.nlmsg_len);

	if (at + len > sizeof(req->data)) {
		req->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(req->data + at, data, len);
	req->head.nlmsg_len = (uint32_t)(at + len);
}

void rtnl_begin(struct rtnl_request *req, uint16_t type, uint16_t flags, const void *fixed,
                size_t len)
{
	struct timespec now = { 0 };

	memset(req, 0, sizeof(*req));
	req->head.nlmsg_len = NLMSG_HDRLEN;
	req->head.nlmsg_type = type;
	req->head.nlmsg_flags = NLM_F_REQUEST | flags;
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP) /* two bits, which mean others elsewhere */
		req->head.nlmsg_flags |= NLM_F_ACK;
	clock_gettime(CLOCK_MONOTONIC, &now);
	req->head.nlmsg_seq = (uint32_t)now.tv_nsec;
	append(req, fixed, len);
}

void rtnl_add(struct rtnl_request *req, uint16_t attr, const void *data, size_t len)
{
	struct rtattr head = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = attr };

	append(req, &head, sizeof(head));
	append(req, data, len);
}

void rtnl_add_u32(struct rtnl_request *req, uint16_t attr, uint32_t value)
{
	rtnl_add(req, attr, &value, sizeof(value));
}

void rtnl_add_string(struct rtnl_request *req, uint16_t attr, const char *value)
{
	rtnl_add(req, attr, value, strlen(value) + 1);
}

static int send_request(int sock, const struct rtnl_request *req)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	do
		n = sendto(sock, req->data, req->head.nlmsg_len, 0, (struct sockaddr *)&kernel,
		           sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* 1: there is more to come. */
static int take_message(const struct nlmsghdr *msg, rtnl_reply_fn *reply, void *arg)
{
	int code = 0;

	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	if (msg->nlmsg_type == NLMSG_ERROR || msg->nlmsg_type == NLMSG_DONE) {
		if (msg->nlmsg_len >= NLMSG_LENGTH(sizeof(code)))
			memcpy(&code, NLMSG_DATA(msg), sizeof(code));
		return code < 0 ? code : 0;
	}
	code = reply ? reply(msg, arg) : 0;
	return code == 0 ? 1 : code;
}

static int take_answer(const char *buf, size_t len, uint32_t sequence, rtnl_reply_fn *reply,
                       void *arg)
{
	const struct nlmsghdr *msg = (const struct nlmsghdr *)(const void *)buf;

	for (; NLMSG_OK(msg, len); msg = NLMSG_NEXT(msg, len)) {
		int r = msg->nlmsg_seq == sequence ? take_message(msg, reply, arg) : 1;

		if (r != 1)
			return r;
	}
	return 1;
}

int rtnl_call(int sock, struct rtnl_request *req, rtnl_reply_fn *reply, void *arg)
{
	_cleanup_free_ char *buf = NULL;
	int r = 1;

	if (req->overflow)
		return -EMSGSIZE;
	r = send_request(sock, req);
	if (r < 0)
		return r;
	buf = xmalloc(ANSWER_MAX);
	do {
		ssize_t n = recv(sock, buf, ANSWER_MAX, MSG_TRUNC);

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0 || n > (ssize_t)ANSWER_MAX)
			return n == 0 ? -EPIPE : -EMSGSIZE;
		r = n < 0 ? 1 : take_answer(buf, (size_t)n, req->head.nlmsg_seq, reply, arg);
	} while (r == 1);
	return r;
}

const struct rtattr *rtnl_find(const struct nlmsghdr *msg, size_t len, uint16_t attr)
{
	const struct rtattr *rta;
	size_t left;

	if (msg->nlmsg_len < NLMSG_SPACE(len))
		return NULL;
	rta = (const struct rtattr *)(const void *)((const char *)msg + NLMSG_SPACE(len));
	left = msg->nlmsg_len - NLMSG_SPACE(len);
	for (; RTA_OK(rta, left); rta = RTA_NEXT(rta, left))
		if ((rta->rta_type & NLA_TYPE_MASK) == attr)
			return rta;
	return NULL;
}
