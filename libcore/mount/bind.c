/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attributes of a bind mount.
 *
 * Managers write options for a runtime that binds with mount(2) and then, if any attribute was
 * named at all, remounts with what was named. The rules of that remount are kept, since bundles
 * rely on them:
 * - Without a named attribute the bind is as its source.
 * - With one, those of ro, nosuid, nodev, noexec and nosymfollow that were not named go away, as if
 *   the opposite had been written - but for those that are locked (user_namespaces(7)), which stay
 *   without a word. Clearing a locked one by name is an error.
 * - The access-time kind is one choice together with nodiratime: it changes only when some kind is
 *   asked for; "atime", "norelatime" and the like take a request back and ask for nothing.
 */
#include <errno.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "base/mem.h"
#include "mount/internal.h"
#include "tables/mount_options.h"

#define PLAIN_ATTRS                                                                                \
	((uint64_t)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
	            MOUNT_ATTR_NOSYMFOLLOW))
#define ATIME_ATTRS ((uint64_t)(MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME))

enum { ASK_NOATIME = 1, ASK_NODIRATIME = 2, ASK_RELATIME = 4, ASK_STRICTATIME = 8 };

static const struct {
	const char *set, *unset;
	unsigned int ask;
} atime_table[] = {
	{ "noatime", "atime", ASK_NOATIME },
	{ "nodiratime", "diratime", ASK_NODIRATIME },
	{ "relatime", "norelatime", ASK_RELATIME },
	{ "strictatime", "nostrictatime", ASK_STRICTATIME },
};

static unsigned int asked_for(unsigned int asks, const char *option)
{
	for (size_t i = 0; i < ARRAY_SIZE(atime_table); i++) {
		if (streq(option, atime_table[i].set))
			return asks | atime_table[i].ask;
		if (streq(option, atime_table[i].unset))
			return asks & ~atime_table[i].ask;
	}
	return asks;
}

void mnt_bind_attrs(struct mnt_op *op, char *const *options)
{
	unsigned int asks = 0;
	bool named = false;

	for (char *const *p = options; p && *p; p++) {
		const struct mount_option *row = mount_option_find(*p);

		if (!row || row->kind != MOPT_ATTR || row->recursive)
			continue;
		named = true;
		asks = asked_for(asks, *p);
	}
	op->attr_set &= ~ATIME_ATTRS;
	op->attr_clr &= ~ATIME_ATTRS;
	if (asks) {
		op->attr_clr |= ATIME_ATTRS;
		if (asks & ASK_STRICTATIME)
			op->attr_set |= MOUNT_ATTR_STRICTATIME;
		else if (asks & ASK_NOATIME)
			op->attr_set |= MOUNT_ATTR_NOATIME;
		if (asks & ASK_NODIRATIME) {
			op->attr_set |= MOUNT_ATTR_NODIRATIME;
			op->attr_clr &= ~(uint64_t)MOUNT_ATTR_NODIRATIME;
		}
	}
	op->implied_clr = named ? PLAIN_ATTRS & ~(op->attr_set | op->attr_clr) : 0;
}

/* Which of the attributes a mount has that the kernel can lock. */
static uint64_t lockable_attrs(int mount_fd)
{
	struct statfs sfs;
	uint64_t attrs = 0;

	if (fstatfs(mount_fd, &sfs) < 0)
		return PLAIN_ATTRS & ~(uint64_t)MOUNT_ATTR_NOSYMFOLLOW;
	if ((unsigned long)sfs.f_flags & ST_RDONLY)
		attrs |= MOUNT_ATTR_RDONLY;
	if ((unsigned long)sfs.f_flags & ST_NOSUID)
		attrs |= MOUNT_ATTR_NOSUID;
	if ((unsigned long)sfs.f_flags & ST_NODEV)
		attrs |= MOUNT_ATTR_NODEV;
	if ((unsigned long)sfs.f_flags & ST_NOEXEC)
		attrs |= MOUNT_ATTR_NOEXEC;
	return attrs;
}

int mnt_bind_apply(int mount_fd, const struct mnt_op *op, bool has_userns, struct err *err)
{
	uint64_t implied = op->implied_clr;

	/* A clone that the creator made has no locked attributes, but it must not be worth more
	 * to a user namespace than what its own copy of the mount would be. */
	if (implied && has_userns)
		implied &= ~lockable_attrs(mount_fd);
	if (implied) {
		int r = mnt_set_attr(mount_fd, false, 0, implied);

		if (r == -EINVAL) { /* nosymfollow: Linux 5.14 */
			implied &= ~(uint64_t)MOUNT_ATTR_NOSYMFOLLOW;
			r = mnt_set_attr(mount_fd, false, 0, implied);
		}
		if (r == -EPERM)
			r = mnt_set_attr(mount_fd, false, 0, implied & ~lockable_attrs(mount_fd));
		if (r < 0)
			return err_set(err, r, "setting mount attributes");
	}
	return mnt_apply_attrs(mount_fd, op, err);
}
