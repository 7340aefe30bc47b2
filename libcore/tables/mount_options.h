/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mount option with a meaning of its own; any other is file system data. One row: what the
 * option sets and clears as MOUNT_ATTR_* (mount_setattr(2), 5.12), whether it applies to the whole
 * tree, its propagation type, or the superblock parameter it stands for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum mount_option_kind {
	MOPT_ATTR,  /* attr_set / attr_clr */
	MOPT_SUPER, /* superblock flag passed to fsconfig(FSCONFIG_SET_FLAG, name): sync, dirsync,
	               mand, lazytime, ... */
	MOPT_BIND,  /* bind; recursive says rbind */
	MOPT_PROPAGATION, /* propagation = MS_SHARED etc. */
	MOPT_IDMAP,       /* idmap, ridmap: mount/idmap.c */
	MOPT_TMPCOPYUP,   /* a tmpfs begins with a copy of what it covers */
	MOPT_REMOUNT,     /* change the mount that is at the destination already */
	MOPT_NOTHING      /* defaults, loud, silent, ...: accepted without effect */
};

struct mount_option {
	const char *name;
	enum mount_option_kind kind;
	bool recursive;              /* the r... form */
	uint64_t attr_set, attr_clr; /* MOUNT_ATTR_* */
	unsigned long propagation;   /* MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE */
	const char *super;    /* MOPT_SUPER: parameter to set; NULL: a new file system is without, a
	                         remount says the option's own name */
	const char *opposite; /* MOPT_SUPER: the parameter that ends this one */
};

extern const struct mount_option mount_option_table[]; /* ends with name NULL; sorted by name */
const struct mount_option *mount_option_find(const char *name); /* NULL: not in the table */
