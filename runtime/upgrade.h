/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upgrade of running shims to the one that is installed now. The program is copied into a sealed
 * memfd once, so that all shims run the same pages, and what was checked is what is executed. Per
 * shim: ask it for a copy of its state, let the new program read that under its lock-down, and only
 * then have it replaced (docs/design/003-shim-as-a-product.md).
 */
#pragma once

#include "berth/err.h"

struct upgrade {
	int exe;            /* the program, sealed */
	int oldest, newest; /* versions of the hand-over that it reads */
};

/* Take the installed shim. Refuses what is no such program. 0 or -errno. */
int upgrade_open(struct upgrade *ret, struct err *err);
void upgrade_close(struct upgrade *u); /* idempotent */
#define _cleanup_upgrade_ __attribute__((cleanup(upgrade_close)))

/*
 * Upgrade the shim of the session in dir_fd. On failure the old one serves on, unless err says
 * otherwise. -ENOENT, -ECONNREFUSED: there is none. *ret_version: the caller's to free.
 */
int upgrade_session(const struct upgrade *u, int dir_fd, char **ret_version, struct err *err);
