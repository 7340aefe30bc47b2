/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shim says on its socket: replies, the standard errors, and what a pending call is told
 * when something happened. Nothing here changes the session; a client that can not be answered (no
 * memory for it) is closed.
 */
#include "shim/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "shim/idl.h"
#include "shim/upgrade.h"

void answer(struct client *c, const struct buf *params, bool continues)
{
	if (c->oneway)
		return;
	if (varlink_put_reply(&c->out, params ? params->data : NULL, continues) < 0)
		client_close(c);
}

void answer_error(struct client *c, const char *error, const char *key, const char *value)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	int r = 0;

	if (c->oneway)
		return;
	if (key) {
		r = buf_printf(&b, "{\"%s\":", key);
		if (r >= 0)
			r = json_str(&b, value);
		if (r >= 0)
			r = buf_puts(&b, "}");
	}
	if (r >= 0)
		r = varlink_put_error(&c->out, error, key ? b.data : NULL);
	if (r < 0)
		client_close(c);
}

void answer_error_with(struct client *c, const char *error, const char *params)
{
	if (!c->oneway && varlink_put_error(&c->out, error, params) < 0)
		client_close(c);
}

void answer_own_error(struct client *c, const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), SHIM_INTERFACE ".%s", name);
	answer_error(c, full, NULL, NULL);
}

void answer_invalid_parameter(struct client *c, const char *name)
{
	answer_error(c, SERVICE_INTERFACE ".InvalidParameter", "parameter", name);
}

/* Answer a call without result: nothing, or the error that r stands for. */
void answer_result(struct client *c, int r)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	static const struct {
		int code;
		const char *name;
	} errors[] = {
		{ -ESRCH, "AlreadyExited" },
		{ -ENOTTY, "NoTerminal" },
		{ -EBADF, "NoStdin" },
		{ -EOPNOTSUPP, "NotSupported" },
	};

	if (r >= 0) {
		answer(c, NULL, false);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].code != r)
			continue;
		answer_own_error(c, errors[i].name);
		return;
	}
	if (c->oneway)
		return;
	if (buf_printf(&b, "{\"errno\":%d,\"message\":", -r) < 0 ||
	    json_str(&b, strerrordesc_np(-r)) < 0 || buf_puts(&b, "}") < 0 ||
	    varlink_put_error(&c->out, SHIM_INTERFACE ".SystemError", b.data) < 0)
		client_close(c);
}

/* ---- pieces of answers: each appends and returns 0 or a negative error */

static int put_time(struct buf *b, const char *name, int64_t ns)
{
	char text[EXIT_TIME_SIZE];

	if (ns <= 0)
		return 0;
	exit_time_format(ns, text);
	return buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

/* The members of Exit, without braces. An end that is unknown has no code. */
static int put_exit(struct buf *b, const struct exit_record *e)
{
	int r = buf_printf(b, "\"known\":%s,\"core\":%s,\"oom\":%s", e->known ? "true" : "false",
	                   e->core ? "true" : "false", e->oom ? "true" : "false");

	if (r >= 0 && e->known)
		r = buf_printf(b, ",\"code\":%d,\"signal\":%d", e->code, e->signal);
	if (r >= 0)
		r = put_time(b, "started_at", e->started_ns);
	return r < 0 ? r : put_time(b, "exited_at", e->exited_ns);
}

static int put_exit_object(struct buf *b, const struct session *s)
{
	int r;

	if (!s->reaped)
		return 0;
	r = buf_puts(b, ",\"exit\":{");
	if (r >= 0)
		r = put_exit(b, &s->exit);
	return r < 0 ? r : buf_puts(b, "}");
}

int answer_put_range(struct buf *b, const char *name, const struct source *src, uint64_t first)
{
	if (!src->ring.size)
		return 0;
	return buf_printf(b, ",\"%s\":{\"first\":%" PRIu64 ",\"next\":%" PRIu64 ",\"ended\":%s}",
	                  name, first, src->ring.head, src->open ? "false" : "true");
}

static int put_log(struct buf *b, const struct session *s)
{
	int r;

	if (!s->has_log)
		return 0;
	r = buf_printf(b, ",\"log\":{\"format\":\"%s\"", log_driver_name(s->log.format));
	if (r >= 0 && *s->conf.log_path)
		r = buf_puts(b, ",\"path\":");
	if (r >= 0 && *s->conf.log_path)
		r = json_str(b, s->conf.log_path);
	if (r >= 0)
		r = buf_printf(b,
		               ",\"written\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"pending\":%" PRIu64,
		               s->log.written, s->log.lost_total, s->log.handed - s->log.handled);
	if (r >= 0 && s->log.error) {
		r = buf_puts(b, ",\"error\":");
		if (r >= 0)
			r = json_str(b, strerrordesc_np(-s->log.error));
	}
	return r < 0 ? r : buf_puts(b, "}");
}

int answer_put_state(struct buf *b, const struct shim *shim)
{
	static const char *const modes[] = { "never", "once", "keep" };
	const struct session *s = &shim->session;
	int r = buf_puts(b, "{\"id\":");

	if (r >= 0)
		r = json_str(b, s->conf.id);
	if (r >= 0)
		r = buf_puts(b, ",\"name\":");
	if (r >= 0)
		r = json_str(b, s->conf.name);
	if (r >= 0)
		r = buf_printf(b,
		               ",\"status\":\"%s\",\"pid\":%d,\"shim_pid\":%d,\"terminal\":%s,"
		               "\"rows\":%u,\"cols\":%u,\"stdin\":%s,\"stdin_mode\":\"%s\","
		               "\"paused\":%s,\"oom\":%s,\"clients\":%u,\"recovered\":%s,"
		               "\"terminal_lost\":%s",
		               session_status_name(s), s->conf.pid, getpid(),
		               s->conf.terminal ? "true" : "false", s->rows, s->cols,
		               stdio_has_input(s) ? "true" : "false", modes[s->conf.stdin_mode],
		               s->frozen ? "true" : "false", s->oom ? "true" : "false",
		               shim->n_attached, s->conf.adopted ? "true" : "false",
		               s->conf.terminal_lost ? "true" : "false");
	if (r >= 0)
		r = put_time(b, "created_at", s->conf.created_ns);
	if (r >= 0)
		r = put_time(b, "started_at", s->started_ns);
	for (int i = 0; i < 2 && r >= 0; i++)
		r = answer_put_range(b, i ? "stderr" : "stdout", &s->out[i],
		                     ring_tail(&s->out[i].ring));
	if (r >= 0)
		r = put_log(b, s);
	if (r >= 0)
		r = put_exit_object(b, s);
	return r < 0 ? r : buf_puts(b, "}");
}

void answer_wait(struct client *c, bool continues)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	const struct session *s = &c->shim->session;
	int r = buf_printf(&b, "{\"exited\":%s,", s->published ? "true" : "false");

	if (r >= 0)
		r = put_exit(&b, s->published ? &s->exit : &(struct exit_record){ .code = -1 });
	if (r >= 0)
		r = buf_puts(&b, "}");
	if (r < 0)
		client_close(c);
	else
		answer(c, &b, continues);
}

/* ---- what pending calls wait for */

/* One answer of Monitor: an event, or the state that they lead up to (NULL). */
static void tell(struct client *c, const struct event *e, bool continues)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	const struct session *s = &c->shim->session;
	bool end = !e || e->kind == EVENT_EXITED || e->kind == EVENT_ENDED;
	int r;

	r = buf_printf(&b,
	               "{\"sequence\":%" PRIu64 ",\"event\":\"%s\",\"status\":\"%s\","
	               "\"paused\":%s",
	               c->sequence, e ? event_name(e->kind) : "state", session_status_name(s),
	               s->frozen ? "true" : "false");
	if (r >= 0 && !e && c->missed)
		r = buf_puts(&b, ",\"missed\":true");
	if (r >= 0 && e)
		r = put_time(&b, "at", e->at_ns);
	if (r >= 0 && end)
		r = put_exit_object(&b, s);
	if (r >= 0)
		r = buf_puts(&b, "}");
	if (r < 0)
		client_close(c);
	else
		answer(c, &b, continues);
}

static void tell_monitor(struct client *c)
{
	const struct session *s = &c->shim->session;
	const struct history *h = &s->history;

	if (!c->state_told) {
		bool more = !s->ended || c->sequence < h->last;

		tell(c, NULL, more);
		c->state_told = true;
		if (!more)
			c->pending = PENDING_NONE;
	}
	while (c->sequence < h->last && !c->dead) {
		const struct event *e = history_get(h, ++c->sequence);

		if (!e) /* it was too slow: the rest has pushed this out */
			continue;
		tell(c, e, e->kind != EVENT_ENDED);
		if (e->kind == EVENT_ENDED)
			c->pending = PENDING_NONE;
	}
}

void answer_pending(struct client *c)
{
	if (c->pending == PENDING_MONITOR) {
		tell_monitor(c);
	} else if (c->pending == PENDING_UPGRADE) {
		upgrade_step(c);
	} else if (c->pending == PENDING_WAIT && c->shim->session.published) {
		answer_wait(c, false);
		c->pending = PENDING_NONE;
	}
}
