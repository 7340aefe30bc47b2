/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a session: when the sink is fed, and what happens while it takes no more. Then what
 * waits is in the ring, and reading goes on until the ring is full of it. Only after that the
 * process is held up, for one second in all, regained slowly, as for an attached client; then what
 * waits is given up, and counted. So a log that is slow for a moment loses nothing, and one that
 * hangs costs a second once.
 */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "shim/resume.h"
#include "shim/shim.h"

static struct log_conf conf_of(const struct session *s)
{
	const struct shim_handover *h = &s->conf;

	return (struct log_conf){
		.format = h->log_format,
		.path = h->log_path,
		.max = h->log_max,
		.files = h->log_files,
		.session_path = h->session_path,
		.journal = h->journal,
		.id = h->id,
		.name = h->name,
		.takes_over = h->adopted,
	};
}

int logging_begin(struct session *s, struct err *err)
{
	struct log_conf conf = conf_of(s);

	s->log = (struct log_sink){ .fd = FD_INVALID,
		                    .dir_fd = FD_INVALID,
		                    .out_fd = FD_INVALID,
		                    .helper_pidfd = FD_INVALID };
	s->has_log = *s->conf.log_path || s->conf.log_format == LOG_JOURNALD;
	return s->has_log ? log_sink_open(&conf, &s->log, err) : 0;
}

int logging_go_on(struct session *s, struct err *err)
{
	struct log_conf conf = conf_of(s);

	return s->has_log ? log_sink_resume(&conf, &s->log, err) : 0;
}

static bool waits(const struct source *src)
{
	return src->ring.size && src->logged.offset < src->ring.head;
}

bool logging_done(const struct session *s)
{
	const struct log_sink *log = &s->log;

	return !s->has_log || (stdio_ended(s) && !waits(&s->out[0]) && !waits(&s->out[1]) &&
	                       (log->out_fd < 0 || log->handed == log->handled));
}

/* What the loop is to look at, after anything has changed. */
static void rearm(struct shim *shim)
{
	struct session *s = &shim->session;
	int events = s->log.blocked ? EV_READ | EV_WRITE : EV_READ;

	if (logging_done(s)) {
		ev_io_stop(shim->loop, &s->log_io);
		ev_timer_stop(shim->loop, &s->log_timer);
		log_sink_close(&s->log);
		return;
	}
	if (s->log.way == LOG_TO_JOURNAL && s->log.blocked && !ev_is_active(&s->log_timer)) {
		ev_timer_set(&s->log_timer, s->log_retry, 0.);
		ev_timer_start(shim->loop, &s->log_timer);
	}
	if (s->log.way != LOG_TO_HELPER || (s->log.out_fd >= 0 && ev_is_active(&s->log_io) &&
	                                    (s->log_io.events & (EV_READ | EV_WRITE)) == events))
		return;
	ev_io_stop(shim->loop, &s->log_io);
	if (s->log.out_fd < 0)
		return;
	ev_io_set(&s->log_io, s->log.out_fd, events);
	ev_io_start(shim->loop, &s->log_io);
}

static void arm_part_timer(struct shim *shim)
{
	ev_timer *t = &shim->session.part_timer;

	if (ev_is_active(t))
		return;
	ev_timer_set(t, SHIM_PART_S, 0.);
	ev_timer_start(shim->loop, t);
}

static void feed(struct source *src, enum log_flush flush)
{
	struct session *s = &src->shim->session;

	if (log_feed(&s->log, &src->logged, &src->ring, src->stream, clock_real_ns(), flush) &&
	    src->open && waits(src))
		arm_part_timer(src->shim);
}

void logging_feed(struct source *src)
{
	if (!src->shim->session.has_log || !src->ring.size)
		return;
	feed(src, src->open ? LOG_FLUSH_NO : LOG_FLUSH_END);
	rearm(src->shim);
}

/* The beginning of a line is logged when nothing has come after it for a while. */
static void on_part(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	for (int i = 0; i < 2; i++) {
		struct source *src = &shim->session.out[i];

		if (!src->open || !waits(src))
			continue;
		if (src->part_head == src->ring.head)
			feed(src, LOG_FLUSH_PART);
		else
			arm_part_timer(shim);
		src->part_head = src->ring.head;
	}
	rearm(shim);
}

/* There may be room again. */
static void feed_waiting(struct shim *shim)
{
	for (int i = 0; i < 2; i++) {
		struct source *src = &shim->session.out[i];

		if (waits(src))
			feed(src, src->open ? LOG_FLUSH_NO : LOG_FLUSH_END);
	}
	rearm(shim);
}

static void on_log_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;
	struct session *s = &shim->session;
	uint64_t before = s->log.written;

	(void)loop;
	(void)events;
	s->log_retry *= 2;
	if (s->log_retry > SHIM_LOG_RETRY_MAX_S)
		s->log_retry = SHIM_LOG_RETRY_MAX_S;
	feed_waiting(shim);
	if (s->log.written != before)
		s->log_retry = SHIM_LOG_RETRY_MIN_S;
}

static void on_log_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	(void)log_helper_listen(&shim->session.log);
	feed_waiting(shim);
}

static void on_helper(struct ev_loop *loop, ev_io *w, int events)
{
	struct shim *shim = w->data;

	(void)events;
	log_helper_end(&shim->session.log, false);
	if (shim->session.log.helper_pidfd < 0)
		ev_io_stop(loop, w);
}

static void give_up(struct shim *shim)
{
	struct session *s = &shim->session;

	for (int i = 0; i < 2; i++)
		if (waits(&s->out[i]))
			log_drop(&s->log, &s->out[i].logged, &s->out[i].ring);
	s->log_patience = 0;
	s->log_stalled = 0;
	s->log_refilled = ev_now(shim->loop);
}

static void on_log_patience(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	give_up(w->data);
}

size_t logging_room(const struct source *src)
{
	if (!src->shim->session.has_log)
		return src->ring.size;
	return src->ring.size - (size_t)(src->ring.head - src->logged.offset);
}

static bool is_stalled(const struct session *s)
{
	for (int i = 0; i < 2; i++)
		if (s->out[i].open && !logging_room(&s->out[i]))
			return true;
	return false;
}

void logging_update(struct shim *shim)
{
	struct session *s = &shim->session;
	ev_tstamp now = ev_now(shim->loop);

	if (!s->has_log || is_stalled(s) == (s->log_stalled != 0))
		return;
	if (s->log_stalled != 0) {
		s->log_patience -= now - s->log_stalled;
		s->log_stalled = 0;
		s->log_refilled = now;
		ev_timer_stop(shim->loop, &s->log_patience_timer);
		return;
	}
	s->log_patience += (now - s->log_refilled) * SHIM_PATIENCE_REFILL;
	if (s->log_patience > SHIM_PATIENCE_S)
		s->log_patience = SHIM_PATIENCE_S;
	if (s->log_patience < 0.001) {
		give_up(shim);
		return;
	}
	s->log_stalled = now;
	ev_timer_set(&s->log_patience_timer, s->log_patience, 0.);
	ev_timer_start(shim->loop, &s->log_patience_timer);
}

void logging_watch(struct shim *shim)
{
	struct session *s = &shim->session;

	ev_timer_init(&s->part_timer, on_part, 0., 0.);
	ev_timer_init(&s->log_timer, on_log_timer, 0., 0.);
	ev_timer_init(&s->log_patience_timer, on_log_patience, 0., 0.);
	ev_init(&s->log_io, on_log_io);
	ev_io_init(&s->helper_io, on_helper, s->log.helper_pidfd, EV_READ);
	s->part_timer.data = s->log_timer.data = s->log_patience_timer.data = shim;
	s->log_io.data = s->helper_io.data = shim;
	s->log_retry = SHIM_LOG_RETRY_MIN_S;
	s->log_patience = SHIM_PATIENCE_S;
	s->log_refilled = ev_now(shim->loop);
	if (!s->has_log)
		return;
	if (s->log.helper_pidfd >= 0)
		ev_io_start(shim->loop, &s->helper_io);
	if (shim->resume)
		loop_timer_go_on(shim, &s->part_timer, shim->resume->part);
	feed_waiting(shim);
}

int logging_reopen(struct session *s)
{
	if (!s->has_log)
		return -EOPNOTSUPP;
	return logging_done(s) ? 0 : log_reopen(&s->log);
}

void logging_cut(struct shim *shim)
{
	shim->session.log_at_cut = shim->session.log.handled;
}

/* A helper that got on meanwhile is left to finish; one that hangs would stay for ever. */
void logging_end(struct shim *shim)
{
	struct session *s = &shim->session;

	if (s->has_log && !logging_done(s) && s->log.handled == s->log_at_cut)
		log_helper_end(&s->log, true);
}
