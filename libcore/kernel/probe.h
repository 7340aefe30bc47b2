/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel can do, found by trying. Each probe runs once per process (a fork
 * inherits the answers), has no side effect that outlives it, and treats a call that an outer
 * sandbox refuses like one that does not exist. Versions are never compared: distributions backport
 * and sandboxes take away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "berth/err.h"

/* What berth can't do without; see probe_require(). */
bool probe_openat2(void); /* openat2(2) with RESOLVE_IN_ROOT, 5.6 */
bool probe_mount_setattr(
    void);                    /* mount_setattr(2), 5.12; the other fd-based mount calls are older */
bool probe_close_range(void); /* close_range(2) with CLOSE_RANGE_CLOEXEC, 5.11 */
bool probe_pidfd_open(void);  /* pidfd_open(2), 5.3 */

/* What has a fall-back or makes a feature unavailable. */
bool probe_clone3(void);             /* clone3(2), 5.3; else clone(2), without cgroup at birth */
bool probe_clone3_into_cgroup(void); /* CLONE_INTO_CGROUP, 5.7, cgroup v2 only */
bool probe_pidfd_info(void);      /* PIDFD_GET_INFO with exit statuses of reaped processes, 6.15 */
bool probe_pidfs(void);           /* pidfds have inode numbers of their own, 6.9 */
bool probe_user_ns(void);         /* this caller may create a user namespace */
bool probe_time_ns(void);         /* time namespaces, 5.6 */
bool probe_cgroup_ns(void);       /* cgroup namespaces, 4.6 */
bool probe_seccomp(void);         /* seccomp filters, 3.17 */
bool probe_seccomp_notify(void);  /* SECCOMP_RET_USER_NOTIF, 5.0 */
bool probe_idmapped_mounts(void); /* this caller may ask for MOUNT_ATTR_IDMAP, 5.12 */
bool probe_landlock(void);        /* landlock_create_ruleset(2), 5.13, and it is on */
bool probe_keyrings(void);        /* keyctl(2) is there and allowed */
bool probe_memfd_exec(void);      /* MFD_EXEC and MFD_NOEXEC_SEAL, 6.3 */

/*
 * 0 when the kernel has all that berth needs; else -ENOSYS, and err is one line that names what is
 * missing and the kernel version that brings it all.
 */
int probe_require(struct err *err);

/* All probes as a table, for `berth check`. Rows end with a NULL name. */
struct probe_row {
	const char *name;
	const char *kernel; /* version that introduced it */
	bool required;
	bool (*have)(void);
	const char *without; /* what it is like without: for people */
};
extern const struct probe_row probe_table[];

/* Try unshare(2) with these CLONE_NEW* in a child: 0 or -errno. Not cached. */
int probe_unshare(uint64_t flags);
