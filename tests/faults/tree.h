/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of processes that a command makes, each with a path ("0.0.1") and with a role that follows
 * from the shape of the tree alone:
 *
 *   runtime  the command itself
 *   joiner   calls clone with CLONE_PARENT
 *   init     made by a joiner, or made with namespace flags other than CLONE_NEWUSER alone
 *   keeper   made an init or its joiner, and is not the runtime
 *   payload  descends from an init
 *   helper   the rest
 */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_PROCS 512
#define PATH_LEN  64

#define NS_FLAGS                                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

/* One process: what is counted and what may be killed. */
struct proc_rec {
	char path[PATH_LEN];
	int parent; /* index of the process that called clone, -1 for the command and attached ones
	             */
	uint64_t flags; /* it was made with these */
	int children;   /* made so far: the next child's number */
	long points;
	long last_exec;
	bool cloned_parent; /* it has called clone with CLONE_PARENT */
	bool ended;
};

static struct proc_rec procs[MAX_PROCS];
static int n_procs;

/* Its number, or -1: there are too many. */
static inline int proc_add(const char *path, int parent, uint64_t flags)
{
	struct proc_rec *p;

	if (n_procs == MAX_PROCS)
		return -1;
	p = &procs[n_procs];
	*p = (struct proc_rec){ .parent = parent, .flags = flags };
	snprintf(p->path, sizeof(p->path), "%s", path);
	return n_procs++;
}

static inline bool is_init(const struct proc_rec *p)
{
	if (p->cloned_parent)
		return false;
	if (p->parent >= 0 && (p->flags & CLONE_PARENT))
		return true;
	return (p->flags & NS_FLAGS & ~(uint64_t)CLONE_NEWUSER) != 0;
}

static inline const char *role_of(int i)
{
	const struct proc_rec *p = &procs[i];

	if (p->parent < 0)
		return i == 0 ? "runtime" : p->path;
	if (p->cloned_parent)
		return "joiner";
	for (int j = p->parent; j >= 0; j = procs[j].parent)
		if (j > 0 && is_init(&procs[j]))
			return "payload";
	if (is_init(p))
		return "init";
	for (int j = 0; j < n_procs; j++)
		if (procs[j].parent == i && (is_init(&procs[j]) || procs[j].cloned_parent))
			return "keeper";
	return "helper";
}
