/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of `check` share: the table (check.c), and the looks themselves (check_host.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "berth/container.h"
#include "cgroup/cgroup.h"
#include "security/lsm.h"

#define CHECK_DETAIL_MAX 512

struct check {
	bool rootless;
	const char *root_path;
	const char *arg;               /* of the row */
	char detail[CHECK_DETAIL_MAX]; /* filled by a look */
	struct cg_host *host;          /* NULL: could not be read */
	struct cg *cgroup;             /* where a container would go; NULL: nowhere */
	char *controllers;             /* v2: those a container would have */
	char why[CHECK_DETAIL_MAX];    /* no cgroup: the reason */
	char remedy[CHECK_DETAIL_MAX]; /* filled by a look that knows better than its row */
	struct lsm_host lsm;
};

typedef enum ctr_check_state check_fn(struct check *c);

/* --- check_host.c --- */
check_fn check_namespace; /* arg: name of the type */
check_fn check_layout, check_delegation, check_kill;
check_fn check_controller; /* arg: its v2 name */
check_fn check_subids;     /* arg: "/etc/subuid" */
check_fn check_map_helper; /* arg: "newuidmap" */
check_fn check_capabilities, check_apparmor, check_selinux;
check_fn check_proc, check_state, check_criu, check_systemd, check_linger;

/* Pure: how many ids does the text of /etc/subuid grant to this user, by name or number. */
uint64_t check_count_subids(const char *text, const char *name, uid_t uid);
