/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to systemd over D-Bus.
 *
 * The library is libsystemd, loaded by name when the driver is asked for: nobody else pays for it,
 * and a host without systemd needs no part of it.
 *
 * The manager's own socket is tried first: it needs no message bus, so that containers work early
 * in the boot and in a user's manager alone. Then the message bus. Nothing waits without a bound:
 * each call and each job has CG_BUS_MS.
 *
 * A connection belongs to the process that made it and is never kept: one for each operation.
 */
#include "cgroup/bus.h"

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
#include "berth/log.h"

#define LIBRARY "libsystemd.so.0"

#define AS_ROW(name, result, args) { #name, offsetof(struct cg_lib, name) },

static const struct {
	const char *name;
	size_t offset;
} lib_table[] = { CG_BUS_FUNCTIONS(AS_ROW) };

void cg_call_done(struct cg_call *c)
{
	if (!c->lib)
		return;
	c->lib->sd_bus_error_free(&c->error);
	c->lib->sd_bus_message_unref(c->message);
	c->lib->sd_bus_message_unref(c->reply);
	*c = (struct cg_call){ 0 };
}

/* --- connecting --- */

static int load(struct cg_lib *lib, struct err *err)
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

static int append_words(const struct cg_lib *lib, struct sd_bus_message *m,
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
static int append_number(const struct cg_lib *lib, struct sd_bus_message *m, char type, uint64_t v)
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

static int append_value(const struct cg_lib *lib, struct sd_bus_message *m,
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

int cg_call_number(struct cg_call *c, char type, uint64_t v)
{
	return append_number(c->lib, c->message, type, v);
}

int cg_call_properties(struct cg_call *c, const struct cg_properties *p)
{
	const struct cg_lib *lib = c->lib;
	struct sd_bus_message *m = c->message;
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

int cg_call_begin(struct cg_bus *b, const char *interface, const char *method, struct cg_call *c)
{
	*c = (struct cg_call){ .lib = &b->lib };
	return b->lib.sd_bus_message_new_method_call(b->bus, &c->message, CG_SYSTEMD, CG_OBJECT,
	                                             interface, method);
}

int cg_call_send(struct cg_bus *b, struct cg_call *c)
{
	return b->lib.sd_bus_call(b->bus, c->message, (uint64_t)CG_BUS_MS * 1000, &c->error,
	                          &c->reply);
}

int cg_call_word(struct cg_call *c, const char *s)
{
	return c->lib->sd_bus_message_append_basic(c->message, 's', s);
}

bool cg_call_failed_with(const struct cg_call *c, const char *name)
{
	return c->error.name && streq(c->error.name, name);
}

int cg_call_error(const struct cg_call *c, int r, const char *what, const char *unit,
                  struct err *err)
{
	if (c->error.message)
		return err_text(err, r, "systemd: %s %s: %s", what, unit, c->error.message);
	return err_set(err, r, "systemd: %s %s", what, unit);
}
