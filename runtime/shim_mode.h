/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a shim. Exit statuses go to a process's parent: a manager that is a child subreaper must
 * inherit init, so no process of ours may stand between. The rules are in order, the first that
 * matches wins; the decision is pure, only the probe forks.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "berth/err.h"

struct shim_question {
	const char *option;      /* --shim: NULL, "auto", "always", "never" */
	const char *environment; /* BERTH_SHIM */
	bool foreground;         /* run or exec without --detach */
	bool terminal_here;  /* a terminal that we would have to hold: asked for and not handed over
	                        by --console-socket */
	bool parent_reaps;   /* the parent adopts our orphans (see shim_parent_reaps) */
	bool parent_is_init; /* the parent is pid 1 */
	bool main_unit_process; /* SYSTEMD_EXEC_PID names us */
	bool pid_file;
};

/* 1: a shim, 0: none, -EINVAL: option or environment is none of auto, always, never. */
int shim_decide(const struct shim_question *q, struct err *err);
/* Is our parent the process that would adopt our orphans? Found by making one. */
bool shim_parent_reaps(void);
/* Fill the question from the environment; probes only when the answer can depend on it. */
void shim_ask(struct shim_question *q);
