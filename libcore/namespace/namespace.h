/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: which are made new, which are joined, in which order; id maps; the clone itself.
 *
 * New ones are made by one clone3(2). Whatever must be joined (paths, exec) is joined in a joiner:
 * a child that does the setns calls and then clones init with CLONE_PARENT, so that init is the
 * creator's child; the joiner hands over init's pidfd and exits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/describe.h"
#include "berth/err.h"
#include "berth/spec.h"

struct ns_plan {
	uint64_t new_flags; /* CLONE_NEW* for clone3; without CLONE_NEWTIME when it has offsets */
	bool has[NS_TYPES]; /* new or joined: the container does not share the creator's */
	bool join[NS_TYPES];
	int fd[NS_TYPES]; /* opened and type-checked namespace files for join, else FD_INVALID */
	bool needs_joiner;
	bool new_user; /* a new user namespace: maps must be written */
	const struct spec_time_offsets *time_offsets; /* borrowed; set by the joiner; NULL: none */
	/* The new user namespace is the joiner's already, since without it there is no privilege
	 * to make a time namespace: maps are written for the joiner. */
	bool user_first;
};

/* Decide from the spec (pure: opens nothing). */
void ns_plan_from_spec(const struct spec *spec, struct ns_plan *ret);
/* Open the paths of namespaces to join, check them by NS_GET_NSTYPE (O_NONBLOCK, nsfs magic). */
int ns_plan_open(struct ns_plan *plan, const struct spec *spec, struct err *err);
/* Plan for exec: all namespaces of a running init that differ from ours, opened through
 * /proc/PID/ns with the pidfd verified afterwards. */
int ns_plan_from_pid(pid_t pid, int pidfd, struct ns_plan *ret, struct err *err);
/* The same from descriptors, which are taken over, of unknown order and origin. */
int ns_plan_from_fds(const int fds[], size_t n, struct ns_plan *ret, struct err *err);
void ns_plan_done(struct ns_plan *plan);
/* Is this namespace file (open fd) the one that the calling process is in? */
bool ns_is_own(int fd, enum spec_ns_type type);

/* Joiner side: all setns calls, user namespace in the right place (first when unprivileged, else
 * after those that our privilege is needed for), then ids 0:0 of it. */
int ns_join_all(const struct ns_plan *plan, struct err *err);

/* Joiner side: become root of the user namespace that the caller was born in. */
int ns_become_root(struct err *err);
/* Joiner side, while /proc is the host's and before anything is joined: a new time namespace, with
 * these offsets, for the caller's children. */
int ns_make_time(const struct spec_time_offsets *offsets, struct err *err);
/* Creator side: are these the offsets of the namespace that pid is in? */
int ns_check_time(int proc_fd, pid_t pid, const struct spec_time_offsets *offsets, struct err *err);

/*
 * clone3 with CLONE_PIDFD; cgroup_fd >= 0 adds CLONE_INTO_CGROUP (5.7); clone_parent for a joiner.
 * Falls back to clone(2) where clone3 answers ENOSYS (then without CLONE_INTO_CGROUP:
 * *ret_into_cgroup false). Returns 0 in the child, the pid in the parent, -errno. Fork-like: no
 * shared memory.
 */
pid_t ns_clone(uint64_t new_flags, int cgroup_fd, bool clone_parent, int *ret_pidfd,
               bool *ret_into_cgroup, struct err *err);

/*
 * Write uid_map, gid_map (and setgroups "deny" where needed) of a process in a new user namespace,
 * from the parent. Direct writes where permitted, else newuidmap/newgidmap (searched in PATH);
 * errors name the missing subordinate ids or helper and what to do.
 */
int ns_write_maps(pid_t pid, const struct spec *spec, struct err *err);
/*
 * A user namespace with these maps and nobody in it, for an id-mapped mount: its descriptor. A
 * helper process is its first member for the moment that writing the maps takes.
 */
int ns_make_userns(const struct spec_id_map *uids, size_t n_uids, const struct spec_id_map *gids,
                   size_t n_gids, struct err *err);
/*
 * A user namespace that was joined by path, with mappings in the configuration too: they must be
 * those that pid's namespace has, since everything else was planned by them. 0 also where the
 * configuration gives none.
 */
int ns_check_maps(pid_t pid, const struct spec *spec, struct err *err);
/* ---- netdev.c: network devices of the host that go into the container's namespace */

struct ns_netdev;
/*
 * Are the devices there, and may they go? Before the first side effect; net_fd: the namespace that
 * is to be joined, FD_INVALID for a new one.
 */
int ns_netdevs_check(const struct spec *spec, int net_fd, struct err *err);
/*
 * Move them all into the namespace net_fd (config-linux.md, "Network Devices"): renamed, with their
 * permanent addresses of global scope, and up. *ret (n_net_devices) is for ns_netdevs_return() and
 * freed by it or ns_netdevs_free(); also set on failure, with what had been moved by then.
 */
int ns_netdevs_move(const struct spec *spec, int net_fd, struct ns_netdev **ret, struct err *err);
/* The container is not to be: back to the host as they were, as far as that can be had. */
void ns_netdevs_return(const struct spec *spec, int net_fd, struct ns_netdev **devs);
void ns_netdevs_free(const struct spec *spec, struct ns_netdev **devs);

/* Host id of a container id, or the id itself without a user namespace; -1 (as id) when unmapped.
 */
uint32_t ns_host_id(const struct spec_id_map *maps, size_t n, uint32_t id);

/*
 * The plan in words: each type is new, joined or the host's. index: place of each type in
 * linux.namespaces of the document, -1: not there.
 */
void ns_describe(const struct ns_plan *plan, const struct spec *spec, const int index[NS_TYPES],
                 struct desc *d);
/* What ns_write_maps() would do for this caller, or ns_check_maps(). A helper that is missing is
 * noted. */
void ns_describe_maps(const struct ns_plan *plan, const struct spec *spec, struct desc *d);
/* Where newuidmap or newgidmap is found by ns_write_maps(). Caller frees; NULL: nowhere. */
char *ns_find_map_helper(const char *name);
