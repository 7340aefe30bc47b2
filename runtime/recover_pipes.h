/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipes of a kept process whose shim was killed: their other ends are descriptors of the
 * container's processes. They are known by device and inode, never by number: a number means what
 * the container makes of it.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "berth/err.h"
#include "shim/wire/keep_record.h"

/*
 * Open what the shim held: the write end of pipes[0], the read ends of the others, not blocking.
 * pids are looked at in their order until all are found. A pipe that nobody holds is gone:
 * FD_INVALID. userns: a pidfd of the process, in whose user namespace the search is done if
 * it may not be done from here. The caller closes ret.
 */
int recover_pipes(const struct keep_pipe pipes[static 3], const pid_t *pids, size_t n, int userns,
                  int ret[static 3], struct err *err);
