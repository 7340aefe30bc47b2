/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods: one table, whose rows name the parameters too, so that checking them, refusing
 * unknown ones and answering with the standard errors is done once. Meaning and types: shim/idl.c.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "shim/answer.h"
#include "shim/idl.h"
#include "shim/shim.h"
#include "shim/upgrade.h"
#include "version.h"

enum arg_kind { ARG_INT, ARG_BOOL, ARG_STRING };

/* Values of a call; given: bit of the argument's place in the row. */
struct args {
	int64_t number[6];
	bool flag[3];
	const char *text;
	unsigned int given;
};

struct arg {
	const char *name; /* NULL ends the list */
	enum arg_kind kind;
	int slot;         /* in struct args' array of that kind */
	int64_t min, max; /* of a number */
	bool required;
};

#define OP_ARGS_MAX 10
#define ANYBODY     0x100 /* also from a peer that ended before it could be looked at */

struct op {
	const char *interface, *method;
	unsigned int need; /* VARLINK_MORE, VARLINK_UPGRADE; or ANYBODY */
	void (*run)(struct client *c, const struct varlink_call *call, const struct args *a);
	struct arg args[OP_ARGS_MAX + 1];
};

/* ---- methods */

static void op_state(struct client *c, const struct varlink_call *call, const struct args *a)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);

	(void)call;
	(void)a;
	if (answer_put_state(&b, c->shim) < 0)
		client_close(c);
	else
		answer(c, &b, false);
}

static void op_wait(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)a;
	if (c->oneway)
		return;
	if (call->flags & VARLINK_MORE && !c->shim->session.published)
		answer_wait(c, true);
	c->pending = PENDING_WAIT; /* answered at the flush point, perhaps at once */
}

static void op_monitor(struct client *c, const struct varlink_call *call, const struct args *a)
{
	const struct history *h = &c->shim->session.history;
	bool given = a->given & 1U;
	uint64_t after = given ? (uint64_t)a->number[0] : h->before;

	(void)call;
	if (after > h->last) { /* it has heard that from nobody */
		answer_invalid_parameter(c, "after");
		return;
	}
	c->missed = after < h->before;
	c->sequence = c->missed ? h->before : after;
	c->state_told = false;
	c->pending = PENDING_MONITOR;
}

/* Attach: places in struct args. */
enum { STDOUT_FROM, STDERR_FROM, ROWS, COLS, REPLAY_LINES, REPLAY_BYTES };
enum { WITH_STDIN, REDRAW, CLOSE_STDIN };
/* ... and in its row, as far as it matters whether they were given. */
#define GIVEN_FROM(i) (1U << (1 + (i)))
#define GIVEN_STDIN   (1U << 3)
#define GIVEN_LINES   (1U << 4)
#define GIVEN_BYTES   (1U << 5)

/* Where a client begins with stream i; each parameter can only make it later. */
static uint64_t replay_from(const struct ring *ring, const struct args *a)
{
	uint64_t from = ring_tail(ring), at;

	if (a->text && streq(a->text, "none"))
		return ring->head;
	at = (uint64_t)a->number[REPLAY_BYTES];
	if (a->given & GIVEN_BYTES && ring->head - from > at)
		from = ring->head - at;
	at = (uint64_t)a->number[REPLAY_LINES];
	if (a->given & GIVEN_LINES && ring_last_lines(ring, at) > from)
		from = ring_last_lines(ring, at);
	return from;
}

/* false: beyond the end, or an earlier shim's. */
static bool begin_at(struct client *c, int i, const struct args *a)
{
	const struct ring *ring = &c->shim->session.out[i].ring;

	c->cursor[i] = a->given & GIVEN_FROM(i) ? (uint64_t)a->number[i] : replay_from(ring, a);
	return c->cursor[i] >= ring->origin && c->cursor[i] <= ring->head;
}

static void op_attach(struct client *c, const struct varlink_call *call, const struct args *a)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	struct session *s = &c->shim->session;
	int r;

	(void)call;
	if (a->text && !streq(a->text, "all") && !streq(a->text, "none")) {
		answer_invalid_parameter(c, "replay");
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (begin_at(c, i, a))
			continue;
		answer_invalid_parameter(c, i ? "stderr_from" : "stdout_from");
		return;
	}
	if (c->shim->n_attached >= SHIM_ATTACH_MAX)
		client_sweep(c->shim);
	if (c->shim->n_attached >= SHIM_ATTACH_MAX) {
		answer_own_error(c, "TooManyClients");
		return;
	}
	c->readonly = a->given & GIVEN_STDIN && !a->flag[WITH_STDIN];
	c->writer = stdio_has_input(s) && !c->readonly;
	c->ends_stdin = a->flag[CLOSE_STDIN];
	r = buf_printf(&b, "{\"terminal\":%s,\"stdin\":%s", s->conf.terminal ? "true" : "false",
	               c->writer ? "true" : "false");
	for (int i = 0; i < 2 && r >= 0; i++)
		r = answer_put_range(&b, i ? "stderr" : "stdout", &s->out[i], c->cursor[i]);
	if (r >= 0)
		r = buf_puts(&b, "}");
	if (r < 0) {
		client_close(c);
		return;
	}
	answer(c, &b, false);
	if (c->dead)
		return;
	attach_begin(c);
	size_say(c, (uint16_t)a->number[ROWS], (uint16_t)a->number[COLS], a->flag[REDRAW]);
}

static void op_resize(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	answer_result(c,
	              stdio_resize(c->shim, (uint16_t)a->number[0], (uint16_t)a->number[1], false));
}

static void op_signal(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	answer_result(c, session_signal(c->shim, (int)a->number[0], a->flag[0]));
}

static void op_close_stdin(struct client *c, const struct varlink_call *call, const struct args *a)
{
	int r = stdio_close_stdin(c->shim);

	(void)call;
	(void)a;
	answer_result(c, r == -ENOTTY ? -EBADF : r);
}

static void op_reopen_log(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	(void)a;
	answer_result(c, logging_reopen(&c->shim->session));
}

static void op_started(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	(void)a;
	session_started(c->shim);
	answer(c, NULL, false);
}

static void op_cgroup_changed(struct client *c, const struct varlink_call *call,
                              const struct args *a)
{
	(void)call;
	(void)a;
	freeze_check(c->shim);
	answer(c, NULL, false);
}

static void op_shutdown(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	(void)a;
	if (!c->shim->session.published) {
		answer_own_error(c, "StillRunning");
		return;
	}
	answer(c, NULL, false);
	c->shim->shutdown = true;
}

static void op_upgrade(struct client *c, const struct varlink_call *call, const struct args *a)
{
	(void)call;
	upgrade_ask(c, a->number[0], a->number[1], a->flag[0]);
}

static void op_info(struct client *c, const struct varlink_call *call, const struct args *a)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);

	(void)call;
	(void)a;
	if (buf_printf(&b,
	               "{\"vendor\":\"berth\",\"product\":\"berth-shim\",\"version\":\"%s\","
	               "\"url\":\"\",\"interfaces\":[\"%s\",\"%s\"]}",
	               BERTH_VERSION, SERVICE_INTERFACE, SHIM_INTERFACE) < 0)
		client_close(c);
	else
		answer(c, &b, false);
}

static void op_description(struct client *c, const struct varlink_call *call, const struct args *a)
{
	_cleanup_buf_ struct buf b = BUF_INIT(REPLY_MAX);
	const char *text = idl_text(a->text);

	(void)call;
	if (!text) {
		answer_error(c, SERVICE_INTERFACE ".InterfaceNotFound", "interface", a->text);
		return;
	}
	if (buf_puts(&b, "{\"description\":") < 0 || json_str(&b, text) < 0 ||
	    buf_puts(&b, "}") < 0)
		client_close(c);
	else
		answer(c, &b, false);
}

#define S SHIM_INTERFACE
#define V SERVICE_INTERFACE
#define SIZE(name, slot, required)                             \
	{                                                      \
		name, ARG_INT, slot, 1, UINT16_MAX, (required) \
	}

static const struct op ops[] = {
	{ S, "State", 0, op_state, { { 0 } } },
	{ S, "Wait", 0, op_wait, { { 0 } } },
	{ S,
	  "Monitor",
	  VARLINK_MORE,
	  op_monitor,
	  { { "after", ARG_INT, 0, 0, INT64_MAX, false } } },
	{ S,
	  "Attach",
	  VARLINK_UPGRADE,
	  op_attach,
	  { { "replay", ARG_STRING, 0, 0, 0, false },
	    { "stdout_from", ARG_INT, STDOUT_FROM, 0, INT64_MAX, false },
	    { "stderr_from", ARG_INT, STDERR_FROM, 0, INT64_MAX, false },
	    { "stdin", ARG_BOOL, WITH_STDIN, 0, 0, false },
	    { "replay_lines", ARG_INT, REPLAY_LINES, 0, INT64_MAX, false },
	    { "replay_bytes", ARG_INT, REPLAY_BYTES, 0, INT64_MAX, false },
	    { "close_stdin", ARG_BOOL, CLOSE_STDIN, 0, 0, false },
	    SIZE("rows", ROWS, false),
	    SIZE("cols", COLS, false),
	    { "redraw", ARG_BOOL, REDRAW, 0, 0, false } } },
	{ S, "Resize", 0, op_resize, { SIZE("rows", 0, true), SIZE("cols", 1, true) } },
	{ S,
	  "Signal",
	  0,
	  op_signal,
	  { { "signal", ARG_INT, 0, 1, 64, true }, { "all", ARG_BOOL, 0, 0, 0, false } } },
	{ S, "CloseStdin", 0, op_close_stdin, { { 0 } } },
	{ S, "ReopenLog", 0, op_reopen_log, { { 0 } } },
	{ S, "Started", ANYBODY, op_started, { { 0 } } },
	{ S, "CgroupChanged", ANYBODY, op_cgroup_changed, { { 0 } } },
	{ S, "Shutdown", 0, op_shutdown, { { 0 } } },
	{ S,
	  "Upgrade",
	  0,
	  op_upgrade,
	  { { "oldest", ARG_INT, 0, 0, INT_MAX, true },
	    { "newest", ARG_INT, 1, 0, INT_MAX, true },
	    { "check", ARG_BOOL, 0, 0, 0, false } } },
	{ V, "GetInfo", 0, op_info, { { 0 } } },
	{ V,
	  "GetInterfaceDescription",
	  0,
	  op_description,
	  { { "interface", ARG_STRING, 0, 0, 0, true } } },
};

/* ---- dispatch */

static bool take_arg(const struct arg *arg, const cJSON *j, struct args *a)
{
	int64_t v;

	switch (arg->kind) {
	case ARG_INT:
		if (json_int64(j, &v) < 0 || v < arg->min || v > arg->max)
			return false;
		a->number[arg->slot] = v;
		return true;
	case ARG_BOOL:
		a->flag[arg->slot] = cJSON_IsTrue(j);
		return cJSON_IsBool(j);
	case ARG_STRING:
		a->text = json_is_string(j) ? j->valuestring : NULL;
		return a->text;
	}
	return false;
}

/* The name of the parameter that is wrong, unknown or missing; NULL: all is well. */
static const char *take_args(const struct op *op, const cJSON *params, struct args *a)
{
	const cJSON *j;

	cJSON_ArrayForEach (j, params) {
		const struct arg *arg = op->args;
		bool taken = false;

		for (; arg->name && !taken; arg++) {
			if (!streq(arg->name, j->string))
				continue;
			if (!cJSON_IsNull(j)) {
				if (!take_arg(arg, j, a))
					return arg->name;
				a->given |= 1U << (arg - op->args);
			}
			taken = true;
		}
		if (!taken)
			return j->string;
	}
	for (const struct arg *arg = op->args; arg->name; arg++)
		if (arg->required && !(a->given & 1U << (arg - op->args)))
			return arg->name;
	return NULL;
}

static void not_found(struct client *c, const char *method)
{
	const char *dot = strrchr(method, '.');
	char interface[128];

	if (!dot || (size_t)(dot - method) >= sizeof(interface)) {
		answer_error(c, V ".MethodNotFound", "method", method);
		return;
	}
	memcpy(interface, method, (size_t)(dot - method));
	interface[dot - method] = '\0';
	if (idl_text(interface))
		answer_error(c, V ".MethodNotFound", "method", method);
	else
		answer_error(c, V ".InterfaceNotFound", "interface", interface);
}

static const struct op *find(const char *method)
{
	const char *dot = strrchr(method, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(ops); i++)
		if (streq(ops[i].method, dot + 1) &&
		    strlen(ops[i].interface) == (size_t)(dot - method) &&
		    strncmp(ops[i].interface, method, (size_t)(dot - method)) == 0)
			return &ops[i];
	return NULL;
}

void ops_dispatch(struct client *c, const struct varlink_call *call)
{
	const struct op *op = find(call->method);
	struct args a = { .given = 0 };
	const char *bad;

	c->oneway = call->flags & VARLINK_ONEWAY;
	if (!op) {
		not_found(c, call->method);
		return;
	}
	if (c->gone && !(op->need & ANYBODY)) {
		answer_error(c, V ".PermissionDenied", NULL, NULL);
		return;
	}
	bad = take_args(op, call->parameters, &a);
	if (bad)
		answer_invalid_parameter(c, bad);
	else if (op->need == VARLINK_MORE && !(call->flags & VARLINK_MORE))
		answer_error(c, V ".ExpectedMore", NULL, NULL);
	else if (op->need == VARLINK_UPGRADE && !(call->flags & VARLINK_UPGRADE))
		answer_own_error(c, "ExpectedUpgrade");
	else
		op->run(c, call, &a);
}

void ops_refuse(struct client *c)
{
	answer_own_error(c, "TooManyClients");
	c->finishing = true;
}
