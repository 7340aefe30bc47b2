/* SPDX-License-Identifier: Apache-2.0 */
/* What "ID" or "ID/NAME" on a command line refers to: a kept process, or a container without shim.
 */
#pragma once

#include <stdbool.h>

#include "berth/container.h"
#include "runtime/cmd.h"

struct session_ref {
	const char *name; /* as given; borrowed */
	int dir_fd;       /* session directory */
	struct ctr *ctr;  /* the container, not locked */
	bool is_exec;     /* "ID/NAME" */
};

/* root must outlive ref. The record of a kept exec is not collected while ref is open. 0 or -errno
 * with the reason (-ENOENT: there is none). */
int session_ref_open(struct ctx *ctx, const struct ctr_root *root, const char *name,
                     struct session_ref *ret);
/* Of the process, for as long as its parent has not collected it; -ESRCH. */
int session_ref_pidfd(const struct session_ref *ref);
/* Is its shim gone while the process lives? "berth recover" is the remedy then. */
bool session_ref_lost(const struct session_ref *ref);
/* Say so in one line. Returns -ECONNREFUSED. */
int session_ref_say_lost(const struct session_ref *ref, struct err *err);
/* ... as a warning, if it is so. */
void session_ref_warn_lost(const struct session_ref *ref);
/* Where its log is, as recorded when it was made; NULL: nowhere. The caller frees it. */
char *session_ref_log(const struct session_ref *ref);
void session_ref_done(struct session_ref *ref); /* idempotent */
#define _cleanup_session_ref_ __attribute__((cleanup(session_ref_done)))
/* Open the state root and "ID" or "ID/NAME", refuse what no shim ever kept, and run fn on it. */
int session_ref_with(struct ctx *ctx, const char *name,
                     int (*fn)(struct ctx *ctx, const struct session_ref *ref));
/*
 * Of a command that takes "ID[/NAME]..." or --all: open the state root, and put together what is
 * meant; for all of them every container and kept exec, whatever became of it. *ret: NULL when there
 * is nothing. The caller ends root and frees ret (strv_free) in any case.
 */
int session_refs_chosen(struct ctx *ctx, bool all, int argc, char **argv, struct ctr_root *root,
                        char ***ret);
/* Has a shim ever kept this process's streams? false: err says so in one line. */
bool session_ref_kept(const struct session_ref *ref, struct err *err);
