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
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strv.h"

#define JSON_MAX 65536

static bool is_alive(const struct ctr_identity *identity)
{
	_cleanup_close_ int pidfd = identity->pid > 0 ? ctr_identity_open(identity) : FD_INVALID;

	return pidfd >= 0 && !proc_pidfd_exited(pidfd);
}

/*
 * The record of the end first and, when it is not there, last: between the end of the process and
 * the record a shim that lives is about to write it.
 */
static enum kept_status look(struct kept *k, int dir, enum ctr_status status)
{
	enum kept_status alive = status == CTR_PAUSED ? KEPT_PAUSED : KEPT_RUNNING;
	int r = exit_record_read_at(dir, &k->exit);

	k->shim_alive = is_alive(&k->session.shim);
	if (r >= 0)
		return KEPT_STOPPED;
	if (is_alive(&k->session.process))
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

struct out {
	struct buf b;
	bool pretty, first;
	int depth;
};

static void key(struct out *o, const char *name)
{
	buf_puts(&o->b, o->first ? "" : ",");
	o->first = false;
	if (o->pretty)
		buf_printf(&o->b, "\n%*s", 2 * o->depth, "");
	buf_printf(&o->b, o->pretty ? "\"%s\": " : "\"%s\":", name);
}

static void string(struct out *o, const char *name, const char *value)
{
	key(o, name);
	json_str(&o->b, value);
}

static void number(struct out *o, const char *name, int64_t value)
{
	key(o, name);
	buf_printf(&o->b, "%lld", (long long)value);
}

static void flag(struct out *o, const char *name, bool value)
{
	key(o, name);
	buf_puts(&o->b, value ? "true" : "false");
}

static void when(struct out *o, const char *name, int64_t ns)
{
	char text[EXIT_TIME_SIZE];

	if (ns <= 0)
		return;
	exit_time_format(ns, text);
	string(o, name, text);
}

static void open_object(struct out *o)
{
	buf_puts(&o->b, "{");
	o->depth++;
	o->first = true;
}

static void close_object(struct out *o)
{
	o->depth--;
	if (o->pretty)
		buf_printf(&o->b, "\n%*s", 2 * o->depth, "");
	buf_puts(&o->b, "}");
	o->first = false;
}

static void end_keys(struct out *o, const struct exit_record *rec)
{
	flag(o, "known", rec->known);
	if (rec->known) {
		number(o, "code", rec->code);
		number(o, "signal", rec->signal);
		flag(o, "core", rec->core);
	}
	flag(o, "oom", rec->oom);
	when(o, "exited_at", rec->exited_ns);
}

static void shim_keys(struct out *o, const struct ctr *ctr, const struct kept *k)
{
	_cleanup_free_ char *path =
	    xasprintf("%s/%s/exec/%s/shim.sock", ctr->root->path, ctr->id, k->name);
	/* Without a record of the end it should be there. */
	bool lost = k->status != KEPT_STOPPED || !k->exit.known;

	key(o, "shim");
	open_object(o);
	number(o, "pid", k->session.shim.pid);
	string(o, "status", k->shim_alive ? "running" : lost ? "lost" : "ended");
	string(o, "address", k->session.link ? k->session.link : path);
	if (k->session.log_path)
		string(o, "log", k->session.log_path);
	close_object(o);
}

char *kept_json(const struct ctr *ctr, const struct kept *k, bool pretty)
{
	struct out o = { .b = BUF_INIT(JSON_MAX), .pretty = pretty };
	_cleanup_free_ char *ref = xasprintf("%s/%s", ctr->id, k->name);
	bool runs = k->status == KEPT_RUNNING || k->status == KEPT_PAUSED;

	open_object(&o);
	string(&o, "id", ref);
	string(&o, "container", ctr->id);
	string(&o, "name", k->name);
	number(&o, "pid", runs ? k->session.process.pid : 0);
	string(&o, "status", kept_status_name(k->status));
	key(&o, "command");
	buf_puts(&o.b, "[");
	for (char **arg = k->session.args; arg && *arg; arg++) {
		buf_puts(&o.b, arg == k->session.args ? "" : ",");
		json_str(&o.b, *arg);
	}
	buf_puts(&o.b, "]");
	if (k->session.args_cut)
		flag(&o, "command_cut", true);
	flag(&o, "terminal", k->session.terminal);
	when(&o, "started_at",
	     k->status == KEPT_STOPPED ? k->exit.started_ns : k->session.started_ns);
	if (k->status == KEPT_STOPPED)
		end_keys(&o, &k->exit);
	if (k->session.ttl_ms >= 0)
		number(&o, "ttl_ms", k->session.ttl_ms);
	if (k->has_record)
		shim_keys(&o, ctr, k);
	close_object(&o);
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
