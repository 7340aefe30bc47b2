/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small rtnetlink(7) client: one request at a time on a socket that belongs to the network
 * namespace in which it was made, wherever it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define RTNL_REQUEST_MAX 2048

struct rtnl_request {
	union {
		struct nlmsghdr head;
		char data[RTNL_REQUEST_MAX];
	};
	bool overflow; /* something did not fit: rtnl_call() fails */
};

/* A NETLINK_ROUTE socket of the calling process's network namespace; -errno. */
int rtnl_open(void);
/* Begin a request with its fixed part (struct ifinfomsg, struct ifaddrmsg). */
void rtnl_begin(struct rtnl_request *req, uint16_t type, uint16_t flags, const void *fixed,
                size_t len);
void rtnl_add(struct rtnl_request *req, uint16_t attr, const void *data, size_t len);
void rtnl_add_u32(struct rtnl_request *req, uint16_t attr, uint32_t value);
void rtnl_add_string(struct rtnl_request *req, uint16_t attr, const char *value);

/* One message of an answer: 0, or -errno to give up. */
typedef int rtnl_reply_fn(const struct nlmsghdr *msg, void *arg);
/*
 * Send, and hand over what comes back until the kernel says that it is done. 0, or the kernel's
 * error as -errno; -EAGAIN: a dump was overtaken by changes (ask again). reply may be NULL.
 */
int rtnl_call(int sock, struct rtnl_request *req, rtnl_reply_fn *reply, void *arg);

/* The attribute of a message whose fixed part has len bytes; NULL: not there. */
const struct rtattr *rtnl_find(const struct nlmsghdr *msg, size_t len, uint16_t attr);
