/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver asks of systemd's manager: start a unit, stop it, change it, move a process.
 *
 * Starting and stopping are jobs. A signal says that one has ended, and is watched for from before
 * the call that makes it, so that it cannot be missed.
 *
 * Which properties a systemd knows is found by telling it: what it names in its refusal is left to
 * the cgroup's files, if it is a limit, and it is told again.
 */
#include "cgroup/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "berth/log.h"

#define NO_UNIT CG_SYSTEMD ".NoSuchUnit"
#define EXISTS  CG_SYSTEMD ".UnitExists"
#define JOB_MATCH \
	"type='signal',interface='" CG_MANAGER "',member='JobRemoved',path='" CG_OBJECT "'"

#define EXISTS_TRIES 20

static int on_job_removed(struct sd_bus_message *m, void *userdata, struct sd_bus_error *e)
{
	struct cg_bus *b = userdata;
	const char *job, *unit, *result;
	uint32_t id;

	(void)e;
	if (b->lib.sd_bus_message_read_basic(m, 'u', &id) < 0 ||
	    b->lib.sd_bus_message_read_basic(m, 'o', &job) < 0 ||
	    b->lib.sd_bus_message_read_basic(m, 's', &unit) < 0 ||
	    b->lib.sd_bus_message_read_basic(m, 's', &result) < 0)
		return 0;
	if (b->job && streq(b->job, job))
		snprintf(b->result, sizeof(b->result), "%s", result);
	return 0;
}

/* Before the call whose job is waited for. */
static int watch_jobs(struct cg_bus *b)
{
	struct cg_call c;
	int r = b->lib.sd_bus_add_match(b->bus, NULL, JOB_MATCH, on_job_removed, b);

	if (r < 0)
		return r;
	/* On a message bus signals come only to those who ask. */
	r = cg_call_begin(b, CG_MANAGER, "Subscribe", &c);
	if (r >= 0)
		(void)cg_call_send(b, &c);
	cg_call_done(&c);
	return r;
}

static int await_job(struct cg_bus *b, struct cg_call *c, int timeout_ms, const char *unit,
                     struct err *err)
{
	int64_t deadline = cg_deadline(timeout_ms);
	const char *job;
	int r = b->lib.sd_bus_message_read_basic(c->reply, 'o', &job);

	if (r < 0)
		return err_set(err, r, "systemd: job of %s", unit);
	free(b->job);
	b->job = xstrdup(job);
	b->result[0] = '\0';
	while (b->result[0] == '\0') {
		int left = cg_remaining(deadline);

		r = b->lib.sd_bus_process(b->bus, NULL);
		if (r == 0 && left == 0)
			return err_set(err, -ETIMEDOUT, "systemd: %s: its job does not end", unit);
		if (r == 0)
			r = b->lib.sd_bus_wait(b->bus, (uint64_t)left * 1000);
		if (r < 0 && r != -EINTR)
			return err_set(err, r, "systemd: wait for the job of %s", unit);
	}
	if (!streq(b->result, "done") && !streq(b->result, "skipped"))
		return err_text(err, -EIO, "systemd: %s: its job ended with \"%s\"", unit,
		                b->result);
	return 0;
}

int cg_bus_root(struct cg_bus *b, char **ret, struct err *err)
{
	_cleanup_(cg_call_done)
	struct cg_call c;
	const char *path;
	int r = cg_call_begin(b, "org.freedesktop.DBus.Properties", "Get", &c);

	if (r >= 0)
		r = cg_call_word(&c, CG_MANAGER);
	if (r >= 0)
		r = cg_call_word(&c, "ControlGroup");
	if (r >= 0)
		r = cg_call_send(b, &c);
	if (r >= 0)
		r = b->lib.sd_bus_message_enter_container(c.reply, 'v', "s");
	if (r >= 0)
		r = b->lib.sd_bus_message_read_basic(c.reply, 's', &path);
	if (r < 0)
		return cg_call_error(&c, r, "read property", "ControlGroup", err);
	*ret = xstrdup(path);
	return 0;
}

static void reset_failed(struct cg_bus *b, const char *unit)
{
	_cleanup_(cg_call_done)
	struct cg_call c;

	if (cg_call_begin(b, CG_MANAGER, "ResetFailedUnit", &c) >= 0 && cg_call_word(&c, unit) >= 0)
		(void)cg_call_send(b, &c);
}

/* Is the name a word of the text? */
static bool mentions(const char *text, const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(name);

	for (const char *p = strstr(text, name); p; p = strstr(p + 1, name))
		if ((p == text || !strchr(letters, p[-1])) &&
		    (p[n] == '\0' || !strchr(letters, p[n])))
			return true;
	return false;
}

/* A property that this systemd does not know, or not this value of: named in its answer. */
static bool drop_unknown(const struct cg_call *c, struct cg_properties *p)
{
	if (!c->error.message || cg_call_failed_with(c, EXISTS))
		return false;
	for (size_t i = 0; i < p->n; i++) {
		if (!p->list[i].optional || !mentions(c->error.message, p->list[i].name))
			continue;
		log_debug("systemd: %s: left to the cgroup's files", c->error.message);
		cg_property_drop(p, i);
		return true;
	}
	return false;
}

static int start_once(struct cg_bus *b, const char *unit, const struct cg_properties *p,
                      struct cg_call *c)
{
	int r = cg_call_begin(b, CG_MANAGER, "StartTransientUnit", c);

	if (r >= 0)
		r = cg_call_word(c, unit);
	if (r >= 0)
		r = cg_call_word(c, "fail");
	if (r >= 0)
		r = cg_call_properties(c, p);
	if (r >= 0)
		r = b->lib.sd_bus_message_open_container(c->message, 'a', "(sa(sv))");
	if (r >= 0)
		r = b->lib.sd_bus_message_close_container(c->message);
	return r < 0 ? r : cg_call_send(b, c);
}

int cg_bus_start(struct cg_bus *b, const char *unit, struct cg_properties *p, struct err *err)
{
	unsigned int step = 0;
	int r = watch_jobs(b);

	if (r < 0)
		return err_set(err, r, "systemd: watch its jobs");
	for (int tries = 0;;) {
		_cleanup_(cg_call_done)
		struct cg_call c;

		r = start_once(b, unit, p, &c);
		if (r >= 0)
			return await_job(b, &c, CG_BUS_MS, unit, err);
		if (drop_unknown(&c, p))
			continue;
		if (!cg_call_failed_with(&c, EXISTS))
			return cg_call_error(&c, r, "start", unit, err);
		/* One that failed stays until it is told; one that has just ended, until systemd
		 * has got round to it. */
		if (tries++ == EXISTS_TRIES)
			return cg_call_error(&c, -EEXIST, "start", unit, err);
		reset_failed(b, unit);
		cg_backoff(&step, cg_deadline(CG_BUS_MS));
	}
}

int cg_bus_stop(struct cg_bus *b, const char *unit, int timeout_ms, struct err *err)
{
	_cleanup_(cg_call_done)
	struct cg_call c = { 0 };
	int r = watch_jobs(b);

	if (r >= 0)
		r = cg_call_begin(b, CG_MANAGER, "StopUnit", &c);
	if (r >= 0)
		r = cg_call_word(&c, unit);
	if (r >= 0)
		r = cg_call_word(&c, "replace");
	if (r >= 0)
		r = cg_call_send(b, &c);
	if (r < 0 && cg_call_failed_with(&c, NO_UNIT))
		return 0;
	r = r < 0 ? cg_call_error(&c, r, "stop", unit, err)
	          : await_job(b, &c, timeout_ms, unit, err);
	reset_failed(b, unit);
	return r;
}

int cg_bus_set(struct cg_bus *b, const char *unit, struct cg_properties *p, struct err *err)
{
	int r;

	for (;;) {
		_cleanup_(cg_call_done)
		struct cg_call c;

		if (p->n == 0)
			return 0;
		r = cg_call_begin(b, CG_MANAGER, "SetUnitProperties", &c);
		if (r >= 0)
			r = cg_call_word(&c, unit);
		if (r >= 0)
			r = cg_call_number(&c, 'b', 1); /* until reboot */
		if (r < 0)
			return err_set(err, r, "systemd: set properties of %s", unit);
		r = cg_call_properties(&c, p);
		if (r >= 0)
			r = cg_call_send(b, &c);
		if (r >= 0)
			break;
		if (!drop_unknown(&c, p))
			return cg_call_error(&c, r, "set properties of", unit, err);
	}
	/* It has answered before it has written the files, which it does before its next call. */
	_cleanup_(cg_call_done)
	struct cg_call c;

	if (cg_call_begin(b, "org.freedesktop.DBus.Peer", "Ping", &c) >= 0)
		(void)cg_call_send(b, &c);
	return 0;
}

int cg_bus_attach(struct cg_bus *b, const char *unit, const char *below, pid_t pid, struct err *err)
{
	_cleanup_(cg_call_done)
	struct cg_call c;
	int r = cg_call_begin(b, CG_MANAGER, "AttachProcessesToUnit", &c);

	if (r >= 0)
		r = cg_call_word(&c, unit);
	if (r >= 0)
		r = cg_call_word(&c, below);
	if (r >= 0)
		r = b->lib.sd_bus_message_open_container(c.message, 'a', "u");
	if (r >= 0)
		r = cg_call_number(&c, 'u', (uint64_t)pid);
	if (r >= 0)
		r = b->lib.sd_bus_message_close_container(c.message);
	if (r >= 0)
		r = cg_call_send(b, &c);
	return r < 0 ? cg_call_error(&c, r, "move a process into", unit, err) : 0;
}
