/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept execs, "ID/NAME": how one is, as text, and when its record goes.
 *
 * A record lives as long as its container, or for a time after the end of the process. Nobody waits
 * for that time: who comes by next (exec, gc) takes away what is due, under the container's lock.
 * Who uses a record meanwhile holds a shared lock on its directory (session_ref_open()), and it is
 * left alone; so is one whose shim still runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "berth/container.h"
#include "shim/wire/exit_record.h"

#define KEPT_TTL_MS    INT64_C(3600000) /* by default: an hour */
#define KEPT_LINGER_MS INT64_C(30000)   /* how long a shim stays that is not needed any more */

enum kept_status { KEPT_CREATING, KEPT_RUNNING, KEPT_PAUSED, KEPT_STOPPED };

struct kept {
	const char *id, *name; /* borrowed */
	struct ctr_session session;
	bool has_record, shim_alive;
	enum kept_status status;
	struct exit_record exit; /* of one that is stopped; may be unknown */
};

/* Look at one. status: of its container. -ENOENT when it is gone. */
int kept_look(const struct ctr *ctr, enum ctr_status status, const char *name, struct kept *ret);
void kept_done(struct kept *k);
#define _cleanup_kept_ __attribute__((cleanup(kept_done)))
const char *kept_status_name(enum kept_status status);
/* The command line for people: unprintable bytes replaced, of at most so many characters. Caller
 * frees. */
char *kept_command(const struct kept *k, size_t max);
/* A JSON object. Caller frees. */
char *kept_json(const struct ctr *ctr, const struct kept *k, bool pretty);

/* How long the shim of one with such a time to live stays when nobody needs it. Pure. */
int64_t kept_linger_ms(int64_t ttl_ms);
/* Is the record due? Pure. */
bool kept_is_due(const struct kept *k, int64_t now_ns);
/*
 * Remove what is due of a container that is locked (dry_run: not even then). each is called with
 * the name of each, and may be NULL. How many.
 */
size_t kept_collect(struct ctr *ctr, bool dry_run,
                    void (*each)(const struct ctr *ctr, const char *name));
/* The same question for a container that is not locked: would it be worth it? */
bool kept_any_due(const struct ctr *ctr);
