/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options that the runtime interprets itself (config.md, "Linux mount options").
 *
 * Sorted by name (strcmp), so that look-ups are a binary search; a unit test checks the order. The
 * access-time kinds are one field of three values and always clear the whole field; "atime",
 * "norelatime" and "nostrictatime" fall back to the kernel's default kind, relatime.
 */
#include "tables/mount_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/mem.h"
#include "kernel/syscalls.h"

#ifndef MOUNT_ATTR__ATIME
#define MOUNT_ATTR__ATIME 0x00000070
#endif
#ifndef MOUNT_ATTR_RELATIME
#define MOUNT_ATTR_RELATIME 0
#endif

#define ATTR(n, rec, set, clear)                                                     \
	{                                                                            \
		.name = n, .kind = MOPT_ATTR, .recursive = (rec), .attr_set = (set), \
		.attr_clr = (clear)                                                  \
	}
#define SET(n, bit)     ATTR(n, false, bit, 0)
#define CLEAR(n, bit)   ATTR(n, false, 0, bit)
#define ATIME(n, kind)  ATTR(n, false, kind, MOUNT_ATTR__ATIME)
#define RSET(n, bit)    ATTR(n, true, bit, 0)
#define RCLEAR(n, bit)  ATTR(n, true, 0, bit)
#define RATIME(n, kind) ATTR(n, true, kind, MOUNT_ATTR__ATIME)

/* clang-format off */
const struct mount_option mount_option_table[] = {
	{ .name = "async", .kind = MOPT_SUPER, .opposite = "sync" },
	ATIME("atime", MOUNT_ATTR_RELATIME),
	{ .name = "bind", .kind = MOPT_BIND },
	{ .name = "defaults", .kind = MOPT_NOTHING },
	CLEAR("dev", MOUNT_ATTR_NODEV),
	CLEAR("diratime", MOUNT_ATTR_NODIRATIME),
	{ .name = "dirsync", .kind = MOPT_SUPER, .super = "dirsync" },
	CLEAR("exec", MOUNT_ATTR_NOEXEC),
	{ .name = "idmap", .kind = MOPT_IDMAP },
	{ .name = "iversion", .kind = MOPT_SUPER, .super = "i_version", .opposite = "noiversion" },
	{ .name = "lazytime", .kind = MOPT_SUPER, .super = "lazytime", .opposite = "nolazytime" },
	{ .name = "loud", .kind = MOPT_NOTHING },
	{ .name = "mand", .kind = MOPT_SUPER, .super = "mand", .opposite = "nomand" },
	ATIME("noatime", MOUNT_ATTR_NOATIME),
	SET("nodev", MOUNT_ATTR_NODEV),
	SET("nodiratime", MOUNT_ATTR_NODIRATIME),
	SET("noexec", MOUNT_ATTR_NOEXEC),
	{ .name = "noiversion", .kind = MOPT_SUPER, .opposite = "i_version" },
	{ .name = "nolazytime", .kind = MOPT_SUPER, .opposite = "lazytime" },
	{ .name = "nomand", .kind = MOPT_SUPER, .opposite = "mand" },
	ATIME("norelatime", MOUNT_ATTR_RELATIME),
	ATIME("nostrictatime", MOUNT_ATTR_RELATIME),
	SET("nosuid", MOUNT_ATTR_NOSUID),
	SET("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	{ .name = "private", .kind = MOPT_PROPAGATION, .propagation = MS_PRIVATE },
	RATIME("ratime", MOUNT_ATTR_RELATIME),
	{ .name = "rbind", .kind = MOPT_BIND, .recursive = true },
	RCLEAR("rdev", MOUNT_ATTR_NODEV),
	RCLEAR("rdiratime", MOUNT_ATTR_NODIRATIME),
	ATIME("relatime", MOUNT_ATTR_RELATIME),
	{ .name = "remount", .kind = MOPT_REMOUNT },
	RCLEAR("rexec", MOUNT_ATTR_NOEXEC),
	{ .name = "ridmap", .kind = MOPT_IDMAP, .recursive = true },
	RATIME("rnoatime", MOUNT_ATTR_NOATIME),
	RSET("rnodev", MOUNT_ATTR_NODEV),
	RSET("rnodiratime", MOUNT_ATTR_NODIRATIME),
	RSET("rnoexec", MOUNT_ATTR_NOEXEC),
	RATIME("rnorelatime", MOUNT_ATTR_RELATIME),
	RATIME("rnostrictatime", MOUNT_ATTR_RELATIME),
	RSET("rnosuid", MOUNT_ATTR_NOSUID),
	RSET("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	SET("ro", MOUNT_ATTR_RDONLY),
	{ .name = "rprivate", .kind = MOPT_PROPAGATION, .recursive = true, .propagation = MS_PRIVATE },
	RATIME("rrelatime", MOUNT_ATTR_RELATIME),
	RSET("rro", MOUNT_ATTR_RDONLY),
	RCLEAR("rrw", MOUNT_ATTR_RDONLY),
	{ .name = "rshared", .kind = MOPT_PROPAGATION, .recursive = true, .propagation = MS_SHARED },
	{ .name = "rslave", .kind = MOPT_PROPAGATION, .recursive = true, .propagation = MS_SLAVE },
	RATIME("rstrictatime", MOUNT_ATTR_STRICTATIME),
	RCLEAR("rsuid", MOUNT_ATTR_NOSUID),
	RCLEAR("rsymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	{ .name = "runbindable", .kind = MOPT_PROPAGATION, .recursive = true, .propagation = MS_UNBINDABLE },
	CLEAR("rw", MOUNT_ATTR_RDONLY),
	{ .name = "shared", .kind = MOPT_PROPAGATION, .propagation = MS_SHARED },
	{ .name = "silent", .kind = MOPT_NOTHING },
	{ .name = "slave", .kind = MOPT_PROPAGATION, .propagation = MS_SLAVE },
	ATIME("strictatime", MOUNT_ATTR_STRICTATIME),
	CLEAR("suid", MOUNT_ATTR_NOSUID),
	CLEAR("symfollow", MOUNT_ATTR_NOSYMFOLLOW),
	{ .name = "sync", .kind = MOPT_SUPER, .super = "sync", .opposite = "async" },
	{ .name = "tmpcopyup", .kind = MOPT_TMPCOPYUP },
	{ .name = "unbindable", .kind = MOPT_PROPAGATION, .propagation = MS_UNBINDABLE },
	{ .name = NULL },
};
/* clang-format on */

static int compare_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct mount_option *)row)->name);
}

const struct mount_option *mount_option_find(const char *name)
{
	return bsearch(name, mount_option_table, ARRAY_SIZE(mount_option_table) - 1,
	               sizeof(mount_option_table[0]), compare_name);
}
