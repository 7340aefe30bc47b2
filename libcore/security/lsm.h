/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels of the security modules: AppArmor profile and SELinux context of a process.
 *
 * A label is asked for with a write to the caller's own attribute directory and takes effect at its
 * next execve(2). The directory is always reached through a procfs that the caller has verified:
 * the container's own /proc may hold plain files in its place, and then nothing would be confined
 * while all writes succeed (CVE-2019-16884). Tests give a directory of plain files.
 */
#pragma once

#include <stdbool.h>

#include "berth/err.h"

struct lsm_host { /* which of them the running kernel enforces */
	bool apparmor, selinux;
};

struct lsm_labels {           /* borrowed; NULL: none */
	const char *apparmor; /* process.apparmorProfile */
	const char *selinux;  /* process.selinuxLabel */
};

/* Look below root_fd ("/", or a tree of plain files). What can't be read counts as off. */
void lsm_detect(int root_fd, struct lsm_host *ret);
/* The same for the host itself. */
void lsm_detect_host(struct lsm_host *ret);

/*
 * Refuse by name what the host can't do. mount_label may be NULL. "unconfined" asks for nothing
 * where AppArmor is off. Pure.
 */
int lsm_check(const struct lsm_host *host, const struct lsm_labels *labels, const char *mount_label,
              struct err *err);
/* Is there anything to write on that host? */
bool lsm_wanted(const struct lsm_host *host, const struct lsm_labels *labels);

/* The calling thread's attribute directory on the procfs proc_fd (any handle of its root): O_PATH,
 * verified to be procfs with nothing mounted in between. -errno. */
int lsm_open_attr(int proc_fd, struct err *err);
/* Ask for the labels at the next execve; each is read back. */
int lsm_apply_exec(int attr_fd, const struct lsm_host *host, const struct lsm_labels *labels,
                   struct err *err);
/* The label of keys that the thread makes from now on; NULL: the policy's own choice again. Nothing
 * is done without SELinux or where no label was set. */
int lsm_label_keys(int attr_fd, const struct lsm_host *host, const char *label, struct err *err);
