/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink: requests that anybody may make, in whatever network namespace the test runs. */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/fd.h"
#include "kernel/rtnl.h"

struct found {
	unsigned int links, loopback;
	int index, stop;
};

static int take(const struct nlmsghdr *msg, void *arg)
{
	struct found *found = arg;
	struct ifinfomsg info;
	const struct rtattr *name;

	assert_int_equal(msg->nlmsg_type, RTM_NEWLINK);
	memcpy(&info, NLMSG_DATA(msg), sizeof(info));
	name = rtnl_find(msg, sizeof(info), IFLA_IFNAME);
	assert_non_null(name);
	assert_null(rtnl_find(msg, sizeof(info), 0x3ff0));
	found->links++;
	found->index = info.ifi_index;
	found->loopback += strcmp(RTA_DATA(name), "lo") == 0;
	return found->stop;
}

static int ask(int sock, uint16_t flags, const char *name, struct found *found)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct rtnl_request req;

	rtnl_begin(&req, RTM_GETLINK, flags, &info, sizeof(info));
	if (name)
		rtnl_add_string(&req, IFLA_IFNAME, name);
	return rtnl_call(sock, &req, take, found);
}

static void test_ask(void **state)
{
	_cleanup_close_ int sock = rtnl_open();
	struct found one = { 0 }, none = { 0 }, all = { 0 }, stopped = { .stop = -ECANCELED };

	(void)state;
	assert_true(sock >= 0);
	assert_int_equal(ask(sock, 0, "lo", &one), 0);
	assert_int_equal(one.links, 1);
	assert_int_equal(one.index, if_nametoindex("lo"));
	assert_int_equal(ask(sock, 0, "nosuchdevice", &none), -ENODEV);
	assert_int_equal(none.links, 0);
	/* What is left of an answer that was given up does not get into the next. */
	assert_int_equal(ask(sock, NLM_F_DUMP, NULL, &stopped), -ECANCELED);
	assert_int_equal(ask(sock, NLM_F_DUMP, NULL, &all), 0);
	assert_int_equal(all.loopback, 1);
	one = (struct found){ 0 };
	assert_int_equal(ask(sock, 0, "lo", &one), 0);
	assert_int_equal(one.links, 1);
}

static void test_too_large(void **state)
{
	_cleanup_close_ int sock = rtnl_open();
	static const char data[1000];
	struct ifinfomsg info = { 0 };
	struct rtnl_request req;

	(void)state;
	rtnl_begin(&req, RTM_NEWLINK, 0, &info, sizeof(info));
	for (int i = 0; i < 3; i++)
		rtnl_add(&req, IFLA_IFALIAS, data, sizeof(data));
	assert_true(req.head.nlmsg_len <= sizeof(req.data));
	assert_int_equal(rtnl_call(sock, &req, NULL, NULL), -EMSGSIZE);
}

/* Flags of a change share bits with that of a dump; an acknowledgement is asked for all the same.
 */
static void test_acknowledged(void **state)
{
	struct ifinfomsg info = { 0 };
	struct rtnl_request req;

	(void)state;
	rtnl_begin(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	assert_true(req.head.nlmsg_flags & NLM_F_ACK);
	rtnl_begin(&req, RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
	assert_false(req.head.nlmsg_flags & NLM_F_ACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
