/* SPDX-License-Identifier: Apache-2.0 */
/* A process that has ended while it had no shim. */
#pragma once

#include "berth/container.h"
#include "berth/err.h"
#include "shim/wire/exit_record.h"

/*
 * Record how it ended, as far as the kernel still tells (pidfd: opened before its parent had
 * collected it, or negative), and set its exit command, if any, going. dir_fd: of the session.
 */
int recover_end(int dir_fd, const struct ctr *ctr, int pidfd, struct exit_record *ret,
                struct err *err);
