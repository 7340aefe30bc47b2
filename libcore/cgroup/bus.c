/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to systemd over D-Bus.
 *
 * The library is libsystemd, loaded by name when the driver is asked for: nobody else pays for it,
 * and a host without systemd needs no part of it. Its types are opaque but for the error, its
 * functions are declared here as its documentation has them: sd-bus(3), stable since version 221.
 *
 * The manager's own socket is tried first: it needs no message bus, so that containers work early
 * in the boot and in a user's manager alone. Then the message bus. Nothing waits without a bound:
 * each call and each job has CG_BUS_MS.
 *
 * A connection belongs to the process that made it and is never kept: one for each operation.
 */
#include "cgroup/systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/strv.h"
#include "berth/log.h"

#define LIBRARY   "libsystemd.so.0"
#define SYSTEMD   "org.freedesktop.systemd1"
#define PATH      "/org/freedesktop/systemd1"
#define MANAGER   SYSTEMD ".Manager"
#define NO_UNIT   SYSTEMD ".NoSuchUnit"
#define EXISTS    SYSTEMD ".UnitExists"
#define JOB_MATCH "type='signal',interface='" MANAGER "',member='JobRemoved',path='" PATH "'"

#define EXISTS_TRIES 20

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_bus_error { /* sd-bus.h; public */
	const char *name, *message;
	int need_free;
};
typedef int handler_fn(struct sd_bus_message *m, void *userdata, struct sd_bus_error *e);

/* name, result, arguments */
#define FUNCTIONS(F)                                                                            \
	F(sd_bus_new, int, (struct sd_bus **))                                                  \
	F(sd_bus_set_address, int, (struct sd_bus *, const char *))                             \
	F(sd_bus_set_bus_client, int, (struct sd_bus *, int))                                   \
	F(sd_bus_start, int, (struct sd_bus *))                                                 \
	F(sd_bus_flush_close_unref, struct sd_bus *, (struct sd_bus *))                         \
	F(sd_bus_add_match, int,                                                                \
	  (struct sd_bus *, struct sd_bus_slot **, const char *, handler_fn *, void *))         \
	F(sd_bus_process, int, (struct sd_bus *, struct sd_bus_message **))                     \
	F(sd_bus_wait, int, (struct sd_bus *, uint64_t))                                        \
	F(sd_bus_call, int,                                                                     \
	  (struct sd_bus *, struct sd_bus_message *, uint64_t, struct sd_bus_error *,           \
	   struct sd_bus_message **))                                                           \
	F(sd_bus_message_new_method_call, int,                                                  \
	  (struct sd_bus *, struct sd_bus_message **, const char *, const char *, const char *, \
	   const char *))                                                                       \
	F(sd_bus_message_unref, struct sd_bus_message *, (struct sd_bus_message *))             \
	F(sd_bus_message_append_basic, int, (struct sd_bus_message *, char, const void *))      \
	F(sd_bus_message_open_container, int, (struct sd_bus_message *, char, const char *))    \
	F(sd_bus_message_close_container, int, (struct sd_bus_message *))                       \
	F(sd_bus_message_enter_container, int, (struct sd_bus_message *, char, const char *))   \
	F(sd_bus_message_read_basic, int, (struct sd_bus_message *, char, void *))              \
	F(sd_bus_error_free, void, (struct sd_bus_error *))

#define AS_MEMBER(name, result, args) result(*name) args;
#define AS_ROW(name, result, args)    { #name, offsetof(struct lib, name) },

struct lib {
	FUNCTIONS(AS_MEMBER)
};

static const struct {
	const char *name;
	size_t offset;
} lib_table[] = { FUNCTIONS(AS_ROW) };

struct cg_bus {
	struct lib lib;
	struct sd_bus *bus;
	bool user;
	char *job;       /* the one that is waited for */
	char result[32]; /* "": it has not ended */
};

struct call { /* a message and its answer */
	const struct lib *lib;
	struct sd_bus_message *message, *reply;
	struct sd_bus_error error;
};

static void call_done(struct call *c)
{
	if (!c->lib)
		return;
	c->lib->sd_bus_error_free(&c->error);
	c->lib->sd_bus_message_unref(c->message);
	c->lib->sd_bus_message_unref(c->reply);
	*c = (struct call){ 0 };
}

/* --- connecting --- */

static int load(struct lib *lib, struct err *err)
{
	/* Never closed: libraries of its kind don't take it well, and the process ends soon. */
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return err_text(err, -ENOPKG, "the systemd cgroup driver needs " LIBRARY ": %s",
		                dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(lib_table); i++) {
		void *fn = dlsym(handle, lib_table[i].name);

		if (!fn)
			return err_text(err, -ENOPKG,
			                "the systemd cgroup driver needs a newer " LIBRARY
			                ": no %s in it",
			                lib_table[i].name);
		memcpy((char *)lib + lib_table[i].offset, &fn, sizeof(fn));
	}
	return 0;
}

static int connect_to(struct cg_bus *b, const char *address, bool direct)
{
	int r = b->lib.sd_bus_new(&b->bus);

	if (r >= 0)
		r = b->lib.sd_bus_set_address(b->bus, address);
	if (r >= 0 && !direct)
		r = b->lib.sd_bus_set_bus_client(b->bus, 1);
	if (r >= 0)
		r = b->lib.sd_bus_start(b->bus);
	if (r >= 0)
		return 0;
	log_debug("connect to %s: %s", address, strerror(-r));
	b->bus = b->lib.sd_bus_flush_close_unref(b->bus);
	return r;
}

/*
 * Whose manager, as the host counts: in the user namespace of a rootless manager of containers we
 * are root.
 */
static uid_t owner_uid(void)
{
	_cleanup_free_ char *text = NULL;
	uid_t uid = geteuid();
	unsigned int inside, outside, count;

	if (file_read_at(AT_FDCWD, "/proc/self/uid_map", 1u << 16, &text, NULL) < 0)
		return uid;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && uid >= inside &&
		    uid - inside < count)
			return outside + (uid - inside);
	}
	return uid;
}

/* Characters that are separators in an address are escaped in it. */
static char *unix_address(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_free_ char *out = xcalloc(3 * strlen(path) + sizeof("unix:path="), 1);
	char *to = out + sprintf(out, "unix:path=");

	for (const char *p = path; *p; p++) {
		if (strchr("%,;:=+\\", *p))
			to += sprintf(to, "%%%02x", (unsigned char)*p);
		else
			*to++ = *p;
	}
	return take_ptr(out);
}

static int connect_user(struct cg_bus *b, struct err *err)
{
	const char *given = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *fallback = xasprintf("/run/user/%u", owner_uid());
	_cleanup_free_ char *own = NULL, *bus = NULL;
	int r;

	if (!dir || dir[0] != '/')
		dir = fallback;
	own = unix_address(dir, "systemd/private");
	bus = unix_address(dir, "bus");
	r = connect_to(b, own, true);
	if (r < 0 && given && *given)
		r = connect_to(b, given, false);
	if (r < 0)
		r = connect_to(b, bus, false);
	return r < 0 ? err_set(err, r,
	                       "the systemd cgroup driver cannot reach the user's systemd (%s, %s)",
	                       own, given && *given ? given : bus)
	             : 0;
}

static int connect_system(struct cg_bus *b, struct err *err)
{
	int r;

	if (access(CG_SYSTEMD_RUNS, F_OK) < 0)
		return err_text(err, -ENOTCONN,
		                "the systemd cgroup driver needs systemd, which does not run here");
	r = connect_to(b, "unix:path=/run/systemd/private", true);
	if (r < 0)
		r = connect_to(b, "unix:path=/run/dbus/system_bus_socket", false);
	return r < 0 ? err_set(err, r,
	                       "the systemd cgroup driver cannot reach systemd "
	                       "(/run/systemd/private, /run/dbus/system_bus_socket)")
	             : 0;
}

int cg_bus_open(bool user, struct cg_bus **ret, struct err *err)
{
	struct cg_bus *b = xcalloc(1, sizeof(*b));
	int r = load(&b->lib, err);

	b->user = user;
	if (r == 0)
		r = user ? connect_user(b, err) : connect_system(b, err);
	if (r < 0) {
		cg_bus_close(b);
		return r;
	}
	*ret = b;
	return 0;
}

void cg_bus_close(struct cg_bus *bus)
{
	if (!bus)
		return;
	if (bus->bus)
		bus->lib.sd_bus_flush_close_unref(bus->bus);
	free(bus->job);
	free(bus);
}

void cg_bus_close_ptr(struct cg_bus **bus)
{
	cg_bus_close(take_ptr(*bus));
}

/* --- messages --- */

static int append_words(const struct lib *lib, struct sd_bus_message *m,
                        const struct cg_property *p)
{
	bool pairs = streq(p->type, "a(ss)");
	int r = 0;

	for (size_t i = 0; r >= 0 && i < p->n; i++) {
		if (!pairs) {
			r = lib->sd_bus_message_append_basic(m, p->type[1], p->words[i]);
			continue;
		}
		r = lib->sd_bus_message_open_container(m, 'r', "ss");
		for (size_t k = 0; r >= 0 && k < 2; k++)
			r = lib->sd_bus_message_append_basic(m, 's', p->words[2 * i + k]);
		if (r >= 0)
			r = lib->sd_bus_message_close_container(m);
	}
	return r;
}

/* The library reads as many bytes as the type has. */
static int append_number(const struct lib *lib, struct sd_bus_message *m, char type, uint64_t v)
{
	union {
		uint8_t y;
		uint16_t q;
		uint32_t u;
		uint64_t t;
		int b;
	} value = { .t = v };

	switch (type) {
	case 'b':
		value.b = v != 0;
		break;
	case 'y':
		value.y = (uint8_t)v;
		break;
	case 'n':
	case 'q':
		value.q = (uint16_t)v;
		break;
	case 'i':
	case 'u':
		value.u = (uint32_t)v;
		break;
	default:
		break;
	}
	return lib->sd_bus_message_append_basic(m, type, &value);
}

static int append_value(const struct lib *lib, struct sd_bus_message *m,
                        const struct cg_property *p)
{
	bool array = p->type[0] == 'a';
	char type = p->type[array ? 1 : 0];
	int r = array ? lib->sd_bus_message_open_container(m, 'a', p->type + 1) : 0;

	if (r >= 0 && array && strchr("(sog", type))
		r = append_words(lib, m, p);
	else if (r >= 0 && strchr("sog", type))
		r = lib->sd_bus_message_append_basic(m, type, p->words[0]);
	else
		for (size_t i = 0; r >= 0 && i < p->n; i++)
			r = append_number(lib, m, type, p->numbers[i]);
	return r >= 0 && array ? lib->sd_bus_message_close_container(m) : r;
}

static int append_properties(const struct lib *lib, struct sd_bus_message *m,
                             const struct cg_properties *p)
{
	int r = lib->sd_bus_message_open_container(m, 'a', "(sv)");

	for (size_t i = 0; r >= 0 && i < p->n; i++) {
		r = lib->sd_bus_message_open_container(m, 'r', "sv");
		if (r >= 0)
			r = lib->sd_bus_message_append_basic(m, 's', p->list[i].name);
		if (r >= 0)
			r = lib->sd_bus_message_open_container(m, 'v', p->list[i].type);
		if (r >= 0)
			r = append_value(lib, m, &p->list[i]);
		if (r >= 0)
			r = lib->sd_bus_message_close_container(m);
		if (r >= 0)
			r = lib->sd_bus_message_close_container(m);
	}
	return r < 0 ? r : lib->sd_bus_message_close_container(m);
}

static int call_begin(struct cg_bus *b, const char *interface, const char *method, struct call *c)
{
	*c = (struct call){ .lib = &b->lib };
	return b->lib.sd_bus_message_new_method_call(b->bus, &c->message, SYSTEMD, PATH, interface,
	                                             method);
}

static int call_send(struct cg_bus *b, struct call *c)
{
	return b->lib.sd_bus_call(b->bus, c->message, (uint64_t)CG_BUS_MS * 1000, &c->error,
	                          &c->reply);
}

static int add_word(struct call *c, const char *s)
{
	return c->lib->sd_bus_message_append_basic(c->message, 's', s);
}

static bool error_is(const struct call *c, const char *name)
{
	return c->error.name && streq(c->error.name, name);
}

static int call_error(const struct call *c, int r, const char *what, const char *unit,
                      struct err *err)
{
	if (c->error.message)
		return err_text(err, r, "systemd: %s %s: %s", what, unit, c->error.message);
	return err_set(err, r, "systemd: %s %s", what, unit);
}

/* --- jobs --- */

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
	struct call c;
	int r = b->lib.sd_bus_add_match(b->bus, NULL, JOB_MATCH, on_job_removed, b);

	if (r < 0)
		return r;
	/* On a message bus signals come only to those who ask. */
	r = call_begin(b, MANAGER, "Subscribe", &c);
	if (r >= 0)
		(void)call_send(b, &c);
	call_done(&c);
	return r;
}

static int await_job(struct cg_bus *b, struct call *c, int timeout_ms, const char *unit,
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

/* --- what the driver asks for --- */

int cg_bus_root(struct cg_bus *b, char **ret, struct err *err)
{
	_cleanup_(call_done)
	struct call c;
	const char *path;
	int r = call_begin(b, "org.freedesktop.DBus.Properties", "Get", &c);

	if (r >= 0)
		r = add_word(&c, MANAGER);
	if (r >= 0)
		r = add_word(&c, "ControlGroup");
	if (r >= 0)
		r = call_send(b, &c);
	if (r >= 0)
		r = b->lib.sd_bus_message_enter_container(c.reply, 'v', "s");
	if (r >= 0)
		r = b->lib.sd_bus_message_read_basic(c.reply, 's', &path);
	if (r < 0)
		return call_error(&c, r, "read property", "ControlGroup", err);
	*ret = xstrdup(path);
	return 0;
}

static void reset_failed(struct cg_bus *b, const char *unit)
{
	_cleanup_(call_done)
	struct call c;

	if (call_begin(b, MANAGER, "ResetFailedUnit", &c) >= 0 && add_word(&c, unit) >= 0)
		(void)call_send(b, &c);
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
static bool drop_unknown(const struct call *c, struct cg_properties *p)
{
	if (!c->error.message || error_is(c, EXISTS))
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
                      struct call *c)
{
	int r = call_begin(b, MANAGER, "StartTransientUnit", c);

	if (r >= 0)
		r = add_word(c, unit);
	if (r >= 0)
		r = add_word(c, "fail");
	if (r >= 0)
		r = append_properties(&b->lib, c->message, p);
	if (r >= 0)
		r = b->lib.sd_bus_message_open_container(c->message, 'a', "(sa(sv))");
	if (r >= 0)
		r = b->lib.sd_bus_message_close_container(c->message);
	return r < 0 ? r : call_send(b, c);
}

int cg_bus_start(struct cg_bus *b, const char *unit, struct cg_properties *p, struct err *err)
{
	unsigned int step = 0;
	int r = watch_jobs(b);

	if (r < 0)
		return err_set(err, r, "systemd: watch its jobs");
	for (int tries = 0;;) {
		_cleanup_(call_done)
		struct call c;

		r = start_once(b, unit, p, &c);
		if (r >= 0)
			return await_job(b, &c, CG_BUS_MS, unit, err);
		if (drop_unknown(&c, p))
			continue;
		if (!error_is(&c, EXISTS))
			return call_error(&c, r, "start", unit, err);
		/* One that failed stays until it is told; one that has just ended, until systemd
		 * has got round to it. */
		if (tries++ == EXISTS_TRIES)
			return call_error(&c, -EEXIST, "start", unit, err);
		reset_failed(b, unit);
		cg_backoff(&step, cg_deadline(CG_BUS_MS));
	}
}

int cg_bus_stop(struct cg_bus *b, const char *unit, int timeout_ms, struct err *err)
{
	_cleanup_(call_done)
	struct call c = { 0 };
	int r = watch_jobs(b);

	if (r >= 0)
		r = call_begin(b, MANAGER, "StopUnit", &c);
	if (r >= 0)
		r = add_word(&c, unit);
	if (r >= 0)
		r = add_word(&c, "replace");
	if (r >= 0)
		r = call_send(b, &c);
	if (r < 0 && error_is(&c, NO_UNIT))
		return 0;
	r = r < 0 ? call_error(&c, r, "stop", unit, err) : await_job(b, &c, timeout_ms, unit, err);
	reset_failed(b, unit);
	return r;
}

int cg_bus_set(struct cg_bus *b, const char *unit, struct cg_properties *p, struct err *err)
{
	int r;

	for (;;) {
		_cleanup_(call_done)
		struct call c;

		if (p->n == 0)
			return 0;
		r = call_begin(b, MANAGER, "SetUnitProperties", &c);
		if (r >= 0)
			r = add_word(&c, unit);
		if (r >= 0)
			r = append_number(&b->lib, c.message, 'b', 1); /* until reboot */
		if (r < 0)
			return err_set(err, r, "systemd: set properties of %s", unit);
		r = append_properties(&b->lib, c.message, p);
		if (r >= 0)
			r = call_send(b, &c);
		if (r >= 0)
			break;
		if (!drop_unknown(&c, p))
			return call_error(&c, r, "set properties of", unit, err);
	}
	/* It has answered before it has written the files, which it does before its next call. */
	_cleanup_(call_done)
	struct call c;

	if (call_begin(b, "org.freedesktop.DBus.Peer", "Ping", &c) >= 0)
		(void)call_send(b, &c);
	return 0;
}

int cg_bus_attach(struct cg_bus *b, const char *unit, const char *below, pid_t pid, struct err *err)
{
	_cleanup_(call_done)
	struct call c;
	int r = call_begin(b, MANAGER, "AttachProcessesToUnit", &c);

	if (r >= 0)
		r = add_word(&c, unit);
	if (r >= 0)
		r = add_word(&c, below);
	if (r >= 0)
		r = b->lib.sd_bus_message_open_container(c.message, 'a', "u");
	if (r >= 0)
		r = append_number(&b->lib, c.message, 'u', (uint64_t)pid);
	if (r >= 0)
		r = b->lib.sd_bus_message_close_container(c.message);
	if (r >= 0)
		r = call_send(b, &c);
	return r < 0 ? call_error(&c, r, "move a process into", unit, err) : 0;
}
