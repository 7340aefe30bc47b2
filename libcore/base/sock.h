/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets: paths of any length through /proc/self/fd/<dirfd>/name, descriptor passing, peer
 * credentials. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Bind below a directory fd with mode 0600 (by umask, so it is never wider). Listening stream
 * socket, non-blocking. */
int sock_listen_at(int dirfd, const char *name, int backlog);
int sock_connect_at(int dirfd, const char *name, int type);
int sock_connect_path(const char *path, int type);
/* The same, and neither this nor any later send takes longer: -EAGAIN. */
int sock_connect_path_timeout(const char *path, int type, int timeout_ms);
/* Send len (>= 1) bytes with nfds descriptors; receive likewise: extra descriptors are closed,
 * missing slots set to FD_INVALID. */
int sock_send_fds(int sock, const void *data, size_t len, const int *fds, size_t nfds);
ssize_t sock_recv_fds(int sock, void *data, size_t len, int *ret_fds, size_t nfds,
                      size_t *ret_nfds);
int sock_peer_cred(int sock, struct ucred *ret);
