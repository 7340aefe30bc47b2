/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the end of one process: see waiter.h. */
#include "runtime/waiter.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/proc.h"

#define REAP_TRIES 12 /* after 1, 2, 4, ... ms: how long the parent may take to collect it: 4 s */

static void finish(struct waiter *w)
{
	w->state = WAITER_DONE;
	if (w->rec.started_ns > 0)
		exit_time_format(w->rec.started_ns, w->started_at);
	if (w->rec.exited_ns > 0)
		exit_time_format(w->rec.exited_ns, w->exited_at);
	shim_disconnect(&w->shim);
	fd_reset(&w->pidfd);
}

/* The record that a shim or a runtime in the foreground has left, or the kernel's word. */
static bool look(struct waiter *w)
{
	int status;

	if (exit_record_read_at(w->ref.dir_fd, &w->rec) >= 0)
		return true;
	w->rec = exit_record_unknown();
	if (w->pidfd < 0 || proc_pidfd_exit_status(w->pidfd, &status) < 0)
		return false;
	w->rec = exit_record_from_status(status, w->seen_alive ? clock_real_ns() : 0);
	return true;
}

static void look_again(struct waiter *w)
{
	if (look(w) || w->pidfd < 0 || w->tries == REAP_TRIES) {
		finish(w);
		return;
	}
	w->state = WAITER_REAP;
	w->due_ms = clock_ms() + (1L << w->tries++);
}

/* No shim to ask. A shim that has died leaves its process behind. */
static void without_shim(struct waiter *w)
{
	shim_disconnect(&w->shim);
	w->pidfd = session_ref_pidfd(&w->ref);
	w->seen_alive = w->pidfd >= 0 && !proc_pidfd_exited(w->pidfd);
	/* The record last: one that is written meanwhile must not be missed. */
	if (exit_record_read_at(w->ref.dir_fd, &w->rec) >= 0)
		finish(w);
	else if (w->seen_alive)
		w->state = WAITER_PROCESS;
	else
		look_again(w);
}

void waiter_begin(struct waiter *w)
{
	w->rec = exit_record_unknown();
	w->pidfd = FD_INVALID;
	w->state = WAITER_SHIM;
	if (shim_connect(w->ref.dir_fd, &w->shim, NULL) < 0) {
		w->shim.fd = FD_INVALID;
		without_shim(w);
	} else if (shim_send(&w->shim, "Wait", NULL, 0, NULL) < 0) {
		without_shim(w);
	}
}

int waiter_fd(const struct waiter *w, int64_t *ret_due_ms)
{
	*ret_due_ms = w->state == WAITER_REAP ? w->due_ms : -1;
	if (w->state == WAITER_SHIM)
		return w->shim.fd;
	return w->state == WAITER_PROCESS ? w->pidfd : FD_INVALID;
}

/* The shim's answer; it comes in one piece. false: the shim went away before it knew. */
static bool from_shim(struct waiter *w)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	const cJSON *p;

	if (shim_receive(&w->shim, SHIM_CALL_MS, &reply, NULL) < 0)
		return false;
	p = reply.parameters;
	w->rec.known = json_get_bool(p, "known", false);
	if (w->rec.known) {
		w->rec.code = (int)json_get_int(p, "code", -1);
		w->rec.signal = (int)json_get_int(p, "signal", 0);
	}
	w->rec.core = json_get_bool(p, "core", false);
	w->rec.oom = json_get_bool(p, "oom", false);
	snprintf(w->started_at, sizeof(w->started_at), "%s", json_get_str(p, "started_at", ""));
	snprintf(w->exited_at, sizeof(w->exited_at), "%s", json_get_str(p, "exited_at", ""));
	return true;
}

void waiter_turn(struct waiter *w)
{
	int64_t due;
	struct pollfd p = { .fd = waiter_fd(w, &due), .events = POLLIN };
	bool ready = p.fd >= 0 && poll(&p, 1, 0) > 0;

	switch (w->state) {
	case WAITER_SHIM:
		if (!ready)
			break;
		if (from_shim(w))
			finish(w);
		else
			without_shim(w);
		break;
	case WAITER_PROCESS:
		if (ready)
			look_again(w);
		break;
	case WAITER_REAP:
		if (clock_ms() >= due)
			look_again(w);
		break;
	case WAITER_DONE:
		break;
	}
}

void waiter_last_look(struct waiter *w)
{
	struct exit_record rec;

	if (w->state == WAITER_DONE || exit_record_read_at(w->ref.dir_fd, &rec) < 0)
		return;
	w->rec = rec;
	finish(w);
}

void waiter_done(struct waiter *w)
{
	shim_disconnect(&w->shim);
	fd_reset(&w->pidfd);
	session_ref_done(&w->ref);
}
