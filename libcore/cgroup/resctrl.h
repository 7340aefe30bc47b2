/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.intelRdt: a class of cache and memory bandwidth (resctrl, 4.10), which the kernel shows as
 * a file system beside the cgroups: a directory is a group, `tasks` its processes, `schemata` its
 * share of the hardware, mon_groups/ its counters.
 *
 * A group without closID has the container's id for its name and goes with the container if it was
 * made for it; one with a closID is shared, and stays. The root is found in mountinfo; tests give a
 * tree of plain files.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/describe.h"
#include "berth/err.h"
#include "berth/spec.h"

struct rdt {
	char *group;   /* absolute path; NULL: nothing was asked for */
	char *monitor; /* absolute path of the monitoring group; NULL: none */
	bool make;     /* the group does not exist yet */
	bool ours;     /* and is to be removed with the container */
};

/* Mount point of resctrl in the text of a mountinfo file; NULL: none. Caller frees. */
char *rdt_find_root(const char *mountinfo);
/*
 * Decide; looks at the file system, changes nothing. root NULL: find it. -EOPNOTSUPP without
 * resctrl, -ENOENT for a closID that must exist (no schema is given) and does not.
 */
int rdt_plan(const char *root, const struct spec_intel_rdt *spec, const char *id, struct rdt *ret,
             struct err *err);
void rdt_done(struct rdt *rdt);
/* Make the groups that are missing, write the schemata. The journal comes first. */
int rdt_make(const struct rdt *rdt, const struct spec_intel_rdt *spec, struct err *err);
/* All lines for the schemata file, in order, each ended; "" for none. Caller frees. */
char *rdt_schemata(const struct spec_intel_rdt *spec);
/* Move a process; its later children are born in the group. */
int rdt_join(const struct rdt *rdt, pid_t pid, struct err *err);
/* Remove a group (its processes fall back to the root's); missing and NULL are success. */
int rdt_remove(const char *group, struct err *err);
