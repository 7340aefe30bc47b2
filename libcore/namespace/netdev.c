/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network devices of the host, moved into a container (config-linux.md, "Network Devices").
 *
 * The creator does it from outside, by two rtnetlink sockets: one of its own namespace and one that
 * a short-lived child opens inside the container's. A device that changes namespaces goes down and
 * loses its addresses, so those that the spec wants kept are read before and given back afterwards.
 * What happens to the device when the namespace ends is the kernel's business: virtual ones vanish,
 * others fall back to the host. Only a creation that fails puts them back itself, as otherwise a
 * virtual device would be lost by a mistake elsewhere.
 *
 * Kernel: IFLA_NET_NS_FD with IFLA_IFNAME renames and moves in one step; both need CAP_NET_ADMIN
 * over both namespaces.
 */
#include "namespace/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"
#include "berth/log.h"
#include "kernel/rtnl.h"

#define DUMP_TRIES    5
#define ADDRESSES_MAX 4096
#define NO_INDEX      0

struct address { /* a RTM_NEWADDR message as it was */
	struct nlmsghdr *msg;
};

struct ns_netdev {
	bool moved;
	bool was_up;
	int index, new_index; /* on the host; in the container */
	struct address *addresses;
	size_t n_addresses;
};

/* ---- questions */

struct link {
	int index;
	unsigned int flags;
};

static int take_link(const struct nlmsghdr *msg, void *arg)
{
	struct link *link = arg;
	struct ifinfomsg info;

	if (msg->nlmsg_type != RTM_NEWLINK || msg->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return 0;
	memcpy(&info, NLMSG_DATA(msg), sizeof(info));
	link->index = info.ifi_index;
	link->flags = info.ifi_flags;
	return 0;
}

/* -ENODEV: there is none of that name. */
static int find_link(int sock, const char *name, struct link *ret)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct rtnl_request req;
	int r;

	*ret = (struct link){ 0 };
	rtnl_begin(&req, RTM_GETLINK, 0, &info, sizeof(info));
	rtnl_add_string(&req, IFLA_IFNAME, name);
	r = rtnl_call(sock, &req, take_link, ret);
	return r < 0 ? r : ret->index ? 0 : -ENODEV;
}

struct indexes {
	int *list;
	size_t n;
};

static int take_index(const struct nlmsghdr *msg, void *arg)
{
	struct indexes *all = arg;
	struct link link = { 0 };

	take_link(msg, &link);
	if (!link.index)
		return 0;
	all->list = xreallocarray(all->list, all->n + 1, sizeof(*all->list));
	all->list[all->n++] = link.index;
	return 0;
}

/* A dump may be overtaken by changes; then it is begun again. */
static int dump_links(int sock, struct indexes *ret)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	int r = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && r == -EAGAIN; i++) {
		struct rtnl_request req;

		free(take_ptr(ret->list));
		ret->n = 0;
		rtnl_begin(&req, RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
		r = rtnl_call(sock, &req, take_index, ret);
	}
	return r;
}

static bool has_index(const struct indexes *all, int index)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i] == index)
			return true;
	return false;
}

/* ---- addresses */

static uint32_t address_flags(const struct nlmsghdr *msg, const struct ifaddrmsg *info)
{
	const struct rtattr *rta = rtnl_find(msg, sizeof(*info), IFA_FLAGS);
	uint32_t flags = info->ifa_flags;

	if (rta && RTA_PAYLOAD(rta) >= sizeof(flags))
		memcpy(&flags, RTA_DATA(rta), sizeof(flags));
	return flags;
}

/* "All permanent IP addresses (IFA_F_PERMANENT) of any family with global scope". */
static int take_address(const struct nlmsghdr *msg, void *arg)
{
	struct ns_netdev *dev = arg;
	struct ifaddrmsg info;
	struct address *a;

	if (msg->nlmsg_type != RTM_NEWADDR || msg->nlmsg_len < NLMSG_LENGTH(sizeof(info)))
		return 0;
	memcpy(&info, NLMSG_DATA(msg), sizeof(info));
	if ((int)info.ifa_index != dev->index || info.ifa_scope != RT_SCOPE_UNIVERSE ||
	    !(address_flags(msg, &info) & IFA_F_PERMANENT))
		return 0;
	if (dev->n_addresses >= ADDRESSES_MAX)
		return -E2BIG;
	dev->addresses =
	    xreallocarray(dev->addresses, dev->n_addresses + 1, sizeof(*dev->addresses));
	a = &dev->addresses[dev->n_addresses++];
	a->msg = xmalloc(msg->nlmsg_len);
	memcpy(a->msg, msg, msg->nlmsg_len);
	return 0;
}

static void drop_addresses(struct ns_netdev *dev)
{
	for (size_t i = 0; i < dev->n_addresses; i++)
		free(dev->addresses[i].msg);
	free(take_ptr(dev->addresses));
	dev->n_addresses = 0;
}

static int read_addresses(int sock, struct ns_netdev *dev)
{
	struct ifaddrmsg info = { .ifa_family = AF_UNSPEC };
	int r = -EAGAIN;

	for (int i = 0; i < DUMP_TRIES && r == -EAGAIN; i++) {
		struct rtnl_request req;

		drop_addresses(dev);
		rtnl_begin(&req, RTM_GETADDR, NLM_F_DUMP, &info, sizeof(info));
		r = rtnl_call(sock, &req, take_address, dev);
	}
	return r;
}

/* Labels hold the old name and times are those of the past; the rest makes the address. */
static int add_address(int sock, const struct nlmsghdr *old, int index)
{
	static const uint16_t kept[] = { IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_ANYCAST,
		                         IFA_RT_PRIORITY };
	struct ifaddrmsg info;
	struct rtnl_request req;
	uint32_t flags;
	int r;

	memcpy(&info, NLMSG_DATA(old), sizeof(info));
	flags = address_flags(old, &info) & ~(uint32_t)(IFA_F_TENTATIVE | IFA_F_DADFAILED);
	info.ifa_index = (unsigned int)index;
	info.ifa_flags = (unsigned char)flags;
	rtnl_begin(&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const struct rtattr *rta = rtnl_find(old, sizeof(info), kept[i]);

		if (rta)
			rtnl_add(&req, kept[i], RTA_DATA(rta), RTA_PAYLOAD(rta));
	}
	rtnl_add_u32(&req, IFA_FLAGS, flags);
	r = rtnl_call(sock, &req, NULL, NULL);
	return r == -EEXIST ? 0 : r;
}

static int add_addresses(int sock, const struct ns_netdev *dev, int index)
{
	int r = 0;

	for (size_t i = 0; i < dev->n_addresses && r == 0; i++)
		r = add_address(sock, dev->addresses[i].msg, index);
	return r;
}

/* ---- changes */

static int set_up(int sock, int index, bool up)
{
	struct ifinfomsg info = { .ifi_index = index,
		                  .ifi_flags = up ? IFF_UP : 0u,
		                  .ifi_change = IFF_UP };
	struct rtnl_request req;

	rtnl_begin(&req, RTM_NEWLINK, 0, &info, sizeof(info));
	return rtnl_call(sock, &req, NULL, NULL);
}

static int change_namespace(int sock, int index, int net_fd, const char *name)
{
	struct ifinfomsg info = { .ifi_index = index };
	struct rtnl_request req;

	rtnl_begin(&req, RTM_NEWLINK, 0, &info, sizeof(info));
	rtnl_add_u32(&req, IFLA_NET_NS_FD, (uint32_t)net_fd);
	rtnl_add_string(&req, IFLA_IFNAME, name);
	return rtnl_call(sock, &req, NULL, NULL);
}

/*
 * The index may have changed, if it was taken, and so may the name, if it was a template: the
 * device is the one that was not there before.
 */
static int find_new(int sock, const struct indexes *before, int index, int *ret)
{
	struct indexes after = { 0 };
	int r = dump_links(sock, &after);

	*ret = NO_INDEX;
	for (size_t i = 0; i < after.n && r == 0; i++)
		if (!has_index(before, after.list[i]) &&
		    (*ret == NO_INDEX || after.list[i] == index))
			*ret = after.list[i];
	free(after.list);
	return r < 0 ? r : *ret == NO_INDEX ? -ENODEV : 0;
}

/* Move, and be the same again there. *ret_index is set as soon as the device has left. */
static int move_link(int from, int to, int to_ns, struct ns_netdev *dev, int index,
                     const char *name, bool up, int *ret_index)
{
	struct indexes before = { 0 };
	int r = dump_links(to, &before);

	if (r == 0)
		r = set_up(from, index, false);
	if (r == 0)
		r = change_namespace(from, index, to_ns, name);
	if (r == 0)
		r = find_new(to, &before, index, ret_index);
	free(before.list);
	if (r == 0)
		r = add_addresses(to, dev, *ret_index);
	if (r == 0 && up)
		r = set_up(to, *ret_index, true);
	return r;
}

/* ---- the two namespaces */

static void open_inside(int net_fd, int sock)
{
	int fd = setns(net_fd, CLONE_NEWNET) < 0 ? -errno : rtnl_open();
	int code = fd < 0 ? fd : 0;

	(void)sock_send_fds(sock, &code, sizeof(code), &fd, fd < 0 ? 0 : 1);
	_exit(0);
}

/* A socket of the namespace net_fd: the creator itself never enters one. */
static int open_rtnl_of(int net_fd, struct err *err)
{
	_cleanup_close_ int pidfd = FD_INVALID;
	int pair[2], fd = FD_INVALID, code = -EPIPE;
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "socket for the network namespace");
	pid = ns_clone(0, FD_INVALID, false, &pidfd, NULL, err);
	if (pid == 0)
		open_inside(net_fd, pair[1]);
	fd_close(pair[1]);
	if (pid < 0) {
		fd_close(pair[0]);
		return pid;
	}
	n = sock_recv_fds(pair[0], &code, sizeof(code), &fd, 1, NULL);
	fd_close(pair[0]);
	(void)proc_waitpid(pid, NULL);
	if (n == sizeof(code) && code == 0 && fd >= 0)
		return fd;
	fd_close(fd);
	return err_set(err,
	               n < 0      ? (int)n
	               : code < 0 ? code
	                          : -EPIPE,
	               "enter the container's network namespace");
}

struct ends {
	int host, host_ns; /* rtnetlink sockets, and our namespace */
	int inside;
};

static void ends_close(struct ends *e)
{
	fd_reset(&e->host);
	fd_reset(&e->host_ns);
	fd_reset(&e->inside);
}

static int ends_open(int net_fd, struct ends *ret, struct err *err)
{
	*ret = (struct ends){ FD_INVALID, FD_INVALID, FD_INVALID };
	ret->host_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ret->host_ns < 0)
		return err_set(err, -errno, "open \"/proc/self/ns/net\"");
	ret->host = rtnl_open();
	if (ret->host < 0)
		return err_set(err, ret->host, "rtnetlink socket");
	ret->inside = open_rtnl_of(net_fd, err);
	return ret->inside < 0 ? ret->inside : 0;
}

/* ---- the list */

static int check_one(int sock, const struct spec_net_device *dev, struct err *err)
{
	struct link link;
	int r = find_link(sock, dev->host_name, &link);

	if (r < 0)
		return err_set(err, r, "linux.netDevices.%s", dev->host_name);
	if (link.flags & IFF_LOOPBACK)
		return err_text(err, -EINVAL,
		                "linux.netDevices.%s: the loopback device belongs to its namespace",
		                dev->host_name);
	return 0;
}

int ns_netdevs_check(const struct spec *spec, int net_fd, struct err *err)
{
	const struct spec_linux *l = &spec->linux_;
	_cleanup_close_ int sock = FD_INVALID;
	int r = 0;

	if (l->n_net_devices == 0)
		return 0;
	if (geteuid() != 0)
		return err_text(err, -EPERM,
		                "linux.netDevices: network devices are not supported for rootless "
		                "containers");
	if (net_fd >= 0 && ns_is_own(net_fd, NS_NET))
		return err_text(
		    err, -EINVAL,
		    "linux.netDevices: the container shares the network namespace of the "
		    "runtime");
	sock = rtnl_open();
	if (sock < 0)
		return err_set(err, sock, "linux.netDevices: rtnetlink socket");
	for (size_t i = 0; i < l->n_net_devices && r == 0; i++)
		r = check_one(sock, &l->net_devices[i], err);
	return r;
}

static int move_one(const struct ends *e, int net_fd, const struct spec_net_device *spec,
                    struct ns_netdev *dev, struct err *err)
{
	struct link link, taken;
	int r = find_link(e->host, spec->host_name, &link);

	if (r < 0)
		return err_set(err, r, "linux.netDevices.%s", spec->host_name);
	/* The kernel would say the same, but of a name that it does not tell. */
	if (!strchr(spec->name, '%') && find_link(e->inside, spec->name, &taken) == 0)
		return err_set(err, -EEXIST,
		               "linux.netDevices.%s.name: \"%s\" in the container's network "
		               "namespace",
		               spec->host_name, spec->name);
	dev->index = link.index;
	dev->was_up = link.flags & IFF_UP;
	r = read_addresses(e->host, dev);
	if (r < 0)
		return err_set(err, r, "linux.netDevices.%s: read its addresses", spec->host_name);
	dev->moved = true;
	r = move_link(e->host, e->inside, net_fd, dev, dev->index, spec->name, true,
	              &dev->new_index);
	if (r < 0)
		return err_set(err, r, "linux.netDevices.%s: move it to the container as \"%s\"%s",
		               spec->host_name, spec->name,
		               r == -EINVAL ? " (not every kind of device can move)" : "");
	log_debug("network device %s (%d) is %s (%d) in the container, %zu addresses",
	          spec->host_name, dev->index, spec->name, dev->new_index, dev->n_addresses);
	return 0;
}

int ns_netdevs_move(const struct spec *spec, int net_fd, struct ns_netdev **ret, struct err *err)
{
	const struct spec_linux *l = &spec->linux_;
	struct ends e;
	int r;

	*ret = NULL;
	if (l->n_net_devices == 0)
		return 0;
	*ret = xcalloc(l->n_net_devices, sizeof(**ret));
	r = ends_open(net_fd, &e, err);
	for (size_t i = 0; i < l->n_net_devices && r == 0; i++)
		r = move_one(&e, net_fd, &l->net_devices[i], &(*ret)[i], err);
	ends_close(&e);
	return r;
}

static void return_one(const struct ends *e, const struct spec_net_device *spec,
                       struct ns_netdev *dev)
{
	struct link link;
	int index, r;

	/* It may have failed before it left: then it only has to be as it was. */
	if (find_link(e->host, spec->host_name, &link) == 0 && link.index == dev->index) {
		r = add_addresses(e->host, dev, dev->index);
		if (dev->was_up && r == 0)
			r = set_up(e->host, dev->index, true);
	} else if (dev->new_index == NO_INDEX) {
		r = -ENODEV;
	} else {
		r = move_link(e->inside, e->host, e->host_ns, dev, dev->new_index, spec->host_name,
		              dev->was_up, &index);
	}
	if (r < 0)
		log_debug("network device %s: give it back: %s", spec->host_name, strerror(-r));
}

void ns_netdevs_return(const struct spec *spec, int net_fd, struct ns_netdev **devs)
{
	const struct spec_linux *l = &spec->linux_;
	struct ends e;

	if (*devs && ends_open(net_fd, &e, NULL) == 0) {
		for (size_t i = l->n_net_devices; i-- > 0;)
			if ((*devs)[i].moved)
				return_one(&e, &l->net_devices[i], &(*devs)[i]);
		ends_close(&e);
	}
	ns_netdevs_free(spec, devs);
}

void ns_netdevs_free(const struct spec *spec, struct ns_netdev **devs)
{
	for (size_t i = 0; *devs && i < spec->linux_.n_net_devices; i++)
		drop_addresses(&(*devs)[i]);
	free(take_ptr(*devs));
}
