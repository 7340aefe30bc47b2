/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new shim for a process whose shim was killed. All under the container's lock:
 *
 *	lost?     the shim of the record has ended
 *	process   ended as well: settle what became of it, and that is all
 *	find      pidfd by identity, pipes by device and inode (recover_pipes.h), the exit command
 *	keeper    records itself as the shim, listens, and becomes berth-shim by the usual hand-over
 *
 * A kill at any point leaves the shim lost as before, and the next recovery begins anew.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "berth/container.h"
#include "berth/err.h"
#include "shim/wire/exit_record.h"

enum recover_outcome {
	RECOVER_LIVES, /* its shim does: nothing to do */
	RECOVER_DONE,  /* it has a new one */
	RECOVER_ENDED, /* the process has ended, which is recorded now */
	RECOVER_OVER   /* ... and was recorded before */
};

struct recovered {
	enum recover_outcome outcome;
	pid_t shim;              /* RECOVER_LIVES, RECOVER_DONE */
	bool terminal_lost;      /* RECOVER_DONE: for good */
	struct exit_record exit; /* RECOVER_ENDED, RECOVER_OVER */
};

/*
 * Recover "ID" or "ID/NAME". -ESRCH: it never had a shim, or its creation was not completed. The
 * process itself is never ended.
 */
int recover_session(const struct ctr_root *root, const char *ref, struct recovered *ret,
                    struct err *err);
