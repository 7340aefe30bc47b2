/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bus.c, which connects and makes messages, and manager.c, which asks systemd, share.
 * sd-bus(3) as its documentation has it: opaque types but for the error, stable since version 221.
 */
#pragma once

#include "cgroup/systemd.h"

#define CG_SYSTEMD "org.freedesktop.systemd1"
#define CG_MANAGER CG_SYSTEMD ".Manager"
#define CG_OBJECT  "/org/freedesktop/systemd1"

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_bus_error { /* sd-bus.h; public */
	const char *name, *message;
	int need_free;
};
typedef int cg_signal_fn(struct sd_bus_message *m, void *userdata, struct sd_bus_error *e);

/* name, result, arguments */
#define CG_BUS_FUNCTIONS(F)                                                                     \
	F(sd_bus_new, int, (struct sd_bus **))                                                  \
	F(sd_bus_set_address, int, (struct sd_bus *, const char *))                             \
	F(sd_bus_set_bus_client, int, (struct sd_bus *, int))                                   \
	F(sd_bus_start, int, (struct sd_bus *))                                                 \
	F(sd_bus_flush_close_unref, struct sd_bus *, (struct sd_bus *))                         \
	F(sd_bus_add_match, int,                                                                \
	  (struct sd_bus *, struct sd_bus_slot **, const char *, cg_signal_fn *, void *))       \
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

#define CG_AS_MEMBER(name, result, args) result(*name) args;

struct cg_lib {
	CG_BUS_FUNCTIONS(CG_AS_MEMBER)
};

struct cg_bus {
	struct cg_lib lib;
	struct sd_bus *bus;
	bool user;
	char *job;       /* the one that is waited for */
	char result[32]; /* "": it has not ended */
};

struct cg_call { /* a message and its answer */
	const struct cg_lib *lib;
	struct sd_bus_message *message, *reply;
	struct sd_bus_error error;
};

void cg_call_done(struct cg_call *c);
/* A call of a method of the manager's object; cg_call_done() also after an error. */
int cg_call_begin(struct cg_bus *b, const char *interface, const char *method, struct cg_call *c);
/* Arguments, in their order: a string, a number of that type, a(sv). */
int cg_call_word(struct cg_call *c, const char *s);
int cg_call_number(struct cg_call *c, char type, uint64_t v);
int cg_call_properties(struct cg_call *c, const struct cg_properties *p);
/* Send and wait for the answer. -errno; c->error says more. */
int cg_call_send(struct cg_bus *b, struct cg_call *c);
/* Was the answer the D-Bus error of that name? */
bool cg_call_failed_with(const struct cg_call *c, const char *name);
/* err: what systemd says, else what r means. Returns r. */
int cg_call_error(const struct cg_call *c, int r, const char *what, const char *unit,
                  struct err *err);
