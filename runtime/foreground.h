/* SPDX-License-Identifier: Apache-2.0 */
/* A process in the foreground that no shim holds: forward signals, relay its terminal, reap it. */
#pragma once

#include <sys/types.h>

#include "berth/err.h"

/* Block what will be forwarded, before the process exists, so that no signal is lost. */
void foreground_prepare(void);
/*
 * Until our child `pid` ends: signals that we get are sent to it; master >= 0: our terminal goes
 * raw and is relayed, window size included. Returns its wait status or -errno.
 */
int foreground_wait(pid_t pid, int pidfd, int master, struct err *err);
/* The same, and a container's notify socket (notify.h; FD_INVALID: none) is listened to. */
int foreground_wait_notify(pid_t pid, int pidfd, int master, int notify, struct err *err);
