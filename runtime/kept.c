/* SPDX-License-Identifier: Apache-2.0 */
/* Kept execs: see kept.h. */
#include "runtime/kept.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/json_doc.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"

#define JSON_MAX 65536

/*
 * The record of the end first and, when it is not there, last: between the end of the process and
 * the record a shim that lives is about to write it.
 */
static enum kept_status look(struct kept *k, int dir, enum ctr_status status)
{
	enum kept_status alive = status == CTR_PAUSED ? KEPT_PAUSED : KEPT_RUNNING;
	int r = exit_record_read_at(dir, &k->exit);

	k->shim_alive = ctr_identity_alive(&k->session.shim);
	if (r >= 0)
		return KEPT_STOPPED;
	if (ctr_identity_alive(&k->session.process))
		return alive;
	if (exit_record_read_at(dir, &k->exit) >= 0)
		return KEPT_STOPPED;
	k->exit = exit_record_unknown();
	if (k->shim_alive)
		return k->session.process.pid > 0 ? alive : KEPT_CREATING;
	return k->session.process.pid > 0 ? KEPT_STOPPED : KEPT_CREATING;
}

int kept_look(const struct ctr *ctr, enum ctr_status status, const char *name, struct kept *ret)
{
	_cleanup_close_ int dir = ctr_session_dir(ctr, name);
	struct kept k = { .id = ctr->id, .name = name };

	if (dir < 0)
		return dir;
	k.has_record = ctr_session_read(ctr, name, &k.session) == 0;
	k.status = look(&k, dir, status);
	if (k.status == KEPT_STOPPED && k.exit.started_ns == 0)
		k.exit.started_ns = k.session.started_ns;
	*ret = k;
	return 0;
}

void kept_done(struct kept *k)
{
	if (k->has_record)
		ctr_session_done(&k->session);
	k->has_record = false;
}

const char *kept_status_name(enum kept_status status)
{
	static const char *const names[] = {
		[KEPT_CREATING] = "creating",
		[KEPT_RUNNING] = "running",
		[KEPT_PAUSED] = "paused",
		[KEPT_STOPPED] = "stopped",
	};

	return names[status];
}

char *kept_command(const struct kept *k, size_t max)
{
	_cleanup_buf_ struct buf b = BUF_INIT(JSON_MAX);

	for (char **arg = k->session.args; arg && *arg; arg++) {
		buf_puts(&b, arg == k->session.args ? "" : " ");
		buf_puts(&b, *arg);
	}
	if (!b.data)
		return xstrdup("");
	for (char *p = b.data; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
	if (k->session.args_cut || b.len > max)
		return xasprintf("%.*s...", (int)(b.len < max - 3 ? b.len : max - 3), b.data);
	return xstrdup(b.data);
}

/* --- JSON --- */

static void when(struct json_doc *o, const char *name, int64_t ns)
{
	char text[EXIT_TIME_SIZE];

	if (ns <= 0)
		return;
	exit_time_format(ns, text);
	json_doc_str(o, name, text);
}

static void end_keys(struct json_doc *o, const struct exit_record *rec)
{
	json_doc_bool(o, "known", rec->known);
	if (rec->known) {
		json_doc_int(o, "code", rec->code);
		json_doc_int(o, "signal", rec->signal);
		json_doc_bool(o, "core", rec->core);
	}
	json_doc_bool(o, "oom", rec->oom);
	when(o, "exited_at", rec->exited_ns);
}

static void shim_keys(struct json_doc *o, const struct ctr *ctr, const struct kept *k)
{
	_cleanup_free_ char *path =
	    xasprintf("%s/%s/exec/%s/shim.sock", ctr->root->path, ctr->id, k->name);
	/* Without a record of the end it should be there. */
	bool lost = k->status != KEPT_STOPPED || !k->exit.known;

	json_doc_key(o, "shim");
	json_doc_open(o);
	json_doc_int(o, "pid", k->session.shim.pid);
	json_doc_str(o, "status", k->shim_alive ? "running" : lost ? "lost" : "ended");
	json_doc_str(o, "address", k->session.link ? k->session.link : path);
	if (k->session.log_path)
		json_doc_str(o, "log", k->session.log_path);
	json_doc_close(o);
}

char *kept_json(const struct ctr *ctr, const struct kept *k, bool pretty)
{
	struct json_doc o = { .b = BUF_INIT(JSON_MAX), .pretty = pretty };
	_cleanup_free_ char *ref = xasprintf("%s/%s", ctr->id, k->name);
	bool runs = k->status == KEPT_RUNNING || k->status == KEPT_PAUSED;

	json_doc_open(&o);
	json_doc_str(&o, "id", ref);
	json_doc_str(&o, "container", ctr->id);
	json_doc_str(&o, "name", k->name);
	json_doc_int(&o, "pid", runs ? k->session.process.pid : 0);
	json_doc_str(&o, "status", kept_status_name(k->status));
	json_doc_key(&o, "command");
	buf_puts(&o.b, "[");
	for (char **arg = k->session.args; arg && *arg; arg++) {
		buf_puts(&o.b, arg == k->session.args ? "" : ",");
		json_str(&o.b, *arg);
	}
	buf_puts(&o.b, "]");
	if (k->session.args_cut)
		json_doc_bool(&o, "command_cut", true);
	json_doc_bool(&o, "terminal", k->session.terminal);
	when(&o, "started_at",
	     k->status == KEPT_STOPPED ? k->exit.started_ns : k->session.started_ns);
	if (k->status == KEPT_STOPPED)
		end_keys(&o, &k->exit);
	if (k->session.ttl_ms >= 0)
		json_doc_int(&o, "ttl_ms", k->session.ttl_ms);
	if (k->has_record)
		shim_keys(&o, ctr, k);
	json_doc_close(&o);
	return buf_steal(&o.b);
}

/* --- collecting --- */

int64_t kept_linger_ms(int64_t ttl_ms)
{
	return ttl_ms >= 0 && ttl_ms < KEPT_LINGER_MS ? ttl_ms : KEPT_LINGER_MS;
}

bool kept_is_due(const struct kept *k, int64_t now_ns)
{
	int64_t ttl = k->session.ttl_ms;

	if (k->shim_alive)
		return false;
	/* Its making was cut off. Who makes one holds the container's lock, or has a keeper. */
	if (k->status == KEPT_CREATING)
		return true;
	/* Of an end that nobody has recorded it is not known how long ago it was. */
	if (k->status != KEPT_STOPPED || !k->has_record || ttl < 0 || k->exit.exited_ns <= 0)
		return false;
	return (now_ns - k->exit.exited_ns) / 1000000 >= ttl;
}

static bool is_due(const struct ctr *ctr, const char *name, int64_t now_ns)
{
	_cleanup_kept_ struct kept k = { .has_record = false };

	return kept_look(ctr, CTR_RUNNING, name, &k) == 0 && kept_is_due(&k, now_ns);
}

static bool remove_one(struct ctr *ctr, const char *name)
{
	_cleanup_close_ int dir = ctr_session_dir(ctr, name);

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return false; /* somebody is reading it */
	ctr_session_remove(ctr, name);
	return true;
}

size_t kept_collect(struct ctr *ctr, bool dry_run,
                    void (*each)(const struct ctr *ctr, const char *name))
{
	_cleanup_strv_ char **names = NULL;
	int64_t now = clock_real_ns();
	size_t n = 0;

	(void)ctr_list_sessions(ctr, &names);
	for (char **name = names; name && *name; name++) {
		if (!is_due(ctr, *name, now) || (!dry_run && !remove_one(ctr, *name)))
			continue;
		n++;
		if (each)
			each(ctr, *name);
	}
	return n;
}

bool kept_any_due(const struct ctr *ctr)
{
	_cleanup_strv_ char **names = NULL;
	int64_t now = clock_real_ns();

	(void)ctr_list_sessions(ctr, &names);
	for (char **name = names; name && *name; name++)
		if (is_due(ctr, *name, now))
			return true;
	return false;
}
