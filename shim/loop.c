/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libev glue. The loop is a private one (the default loop would reap every child). All sending and
 * freeing is done in one prepare watcher, that is before each sleep: call-backs only change state.
 *
 * An idle loop must never wake. libev wakes every 59.7 s to look for jumps of the clock unless a
 * periodic watcher exists: then it has the kernel report jumps (timerfd). The dormant one is for
 * that.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "berth/log.h"
#include "shim/shim.h"

#define TROUBLE_MS 10

static void on_flush(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct shim *shim = w->data;

	(void)events;
	do {
		session_step(shim);
		client_flush_all(shim);
	} while (shim->shutdown && !shim->ending); /* asked for behind a call that waited */
	client_reap(shim);
	logging_update(shim);
	stdio_update(shim);
	session_linger(shim);
	/* Connections are left to the exit: their end says that we are gone. */
	if (shim->ending && client_all_sent(shim) && logging_done(&shim->session))
		ev_break(loop, EVBREAK_ALL);
}

static void on_dormant(struct ev_loop *loop, ev_periodic *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
}

/*
 * libev would abort, and with it the exit code would be lost. What it asked for it asks for again;
 * not as fast as it can, should the trouble stay.
 */
static void on_trouble(const char *what)
{
	log_error("berth-shim: %s: %s", what, strerror(errno));
	(void)poll(NULL, 0, TROUBLE_MS);
}

int loop_init(struct shim *shim, struct err *err)
{
	ev_set_syserr_cb(on_trouble);
	shim->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (!shim->loop)
		return err_set(err, -errno, "create event loop");
	shim->share = -1;
	ev_prepare_init(&shim->flush, on_flush);
	shim->flush.data = shim;
	ev_prepare_start(shim->loop, &shim->flush);
	ev_periodic_init(&shim->dormant, on_dormant, 1e13, 0., NULL);
	ev_periodic_start(shim->loop, &shim->dormant);
	trim_init(shim);
	return 0;
}

void loop_done(struct shim *shim)
{
	ev_loop_destroy(shim->loop);
}

double loop_timer_left(const struct shim *shim, const ev_timer *t)
{
	double left;

	if (!ev_is_active(t))
		return 0;
	left = ev_timer_remaining(shim->loop, (ev_timer *)t);
	return left > 0.001 ? left : 0.001;
}

void loop_timer_go_on(struct shim *shim, ev_timer *t, double left)
{
	if (left <= 0)
		return;
	ev_timer_set(t, left, 0.);
	ev_timer_start(shim->loop, t);
}
