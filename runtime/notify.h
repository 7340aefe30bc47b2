/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOTIFY_SOCKET: readiness of a container's program, told to the service manager that runs us
 * (sd_notify(3)).
 *
 * The container gets a socket of its own, <state>/notify/notify.sock, mounted read-only at
 * /run/notify; whoever starts the container binds it, waits there for READY=1 and passes that on.
 * Nothing else that the container says is passed on.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "berth/err.h"
#include "berth/spec.h"

/* The service manager's socket, from our environment; NULL: there is none. */
const char *notify_host(void);
/* Mount and environment of the container whose state directory is state_dir. */
void notify_add(struct spec *spec, const char *state_dir);
/* Make the directory that is mounted. */
int notify_make(int dir_fd, struct err *err);
/* Bind the container's socket. *ret FD_INVALID: nobody is to be told, or the container was created
 * without. */
int notify_listen(int dir_fd, int *ret, struct err *err);
/* Take one message; true: it was READY=1, which has been passed on, and nothing more is to come.
 * main_pid 0: the service manager keeps the pid that it has. */
bool notify_take(int sock, pid_t main_pid);
/* Until READY=1 has been taken in by the service manager, or the process ends. Failures are warned
 * of: the container runs. */
void notify_wait(int sock, pid_t pid, int pidfd);
