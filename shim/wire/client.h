/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to a shim, for the runtime: blocking, with time limits. A session is named by its
 * directory; the socket in it is reached through the descriptor, so the length of the path does not
 * matter.
 *
 * Errors of a method come back as negative errno with the shim's words: -EBUSY StillRunning, -ESRCH
 * AlreadyExited, -ENOTTY NoTerminal, -EBADF NoStdin, -EOPNOTSUPP NotSupported, -EUSERS
 * TooManyClients, -EREMOTEIO any other. No shim there: -ENOENT or -ECONNREFUSED. It went away:
 * -ECONNRESET.
 */
#pragma once

#include "berth/err.h"
#include "shim/wire/varlink.h"

#define SHIM_SOCKET_NAME "shim.sock"
#define SHIM_CALL_MS     10000 /* for calls that are answered at once */

struct shim_client {
	int fd;
	struct buf in; /* received, not consumed; after an upgrade: the first frames */
};

int shim_connect(int dir_fd, struct shim_client *ret, struct err *err);
void shim_disconnect(struct shim_client *c); /* idempotent */
#define _cleanup_shim_client_ __attribute__((cleanup(shim_disconnect)))

/* method: of io.berth.Shim, by its short name. parameters: text of a JSON object or NULL. */
int shim_send(struct shim_client *c, const char *method, const char *parameters, unsigned int flags,
              struct err *err);
/* The same, and descriptors with it. */
int shim_send_fds(struct shim_client *c, const char *method, const char *parameters, const int *fds,
                  size_t n_fds, struct err *err);
/*
 * The next answer; timeout_ms < 0: no limit, else -ETIMEDOUT. ret (may be NULL) is the caller's on
 * success, and when a method gave an error (then ret->error is set).
 */
int shim_receive(struct shim_client *c, int timeout_ms, struct varlink_reply *ret, struct err *err);

/* Connect, call, receive one answer (SHIM_CALL_MS), disconnect. ret may be NULL. */
int shim_call(int dir_fd, const char *method, const char *parameters, struct varlink_reply *ret,
              struct err *err);
