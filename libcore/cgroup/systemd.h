/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The systemd driver: a container's cgroup is that of a transient unit, nearly always a scope.
 *
 * The unit is planned without systemd (unit.c, properties.c, variant.c: pure), started with the
 * container's first process (scope.c) and spoken of over D-Bus (bus.c, manager.c), through a
 * library that is loaded when it is needed and not before. Limits go to systemd as properties, so
 * that it does not take them back when it looks at its cgroups again, and to the cgroup's files
 * afterwards, exactly.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/internal.h"

#define CG_UNIT_NAME_MAX 255
#define CG_UNIT_PREFIX   "berth"
#define CG_SHIM_PREFIX   "berth-shim"
#define CG_SYSTEMD_RUNS  "/run/systemd/system" /* sd_booted(3) */
#define CG_BUS_MS        30000                 /* a job, or a call, of systemd */

struct cg_property { /* a property of a unit */
	char *name;
	char *type;        /* D-Bus signature: "t", "as", "ay", "a(ss)" ... */
	char **words;      /* s, as; a(ss): pairs */
	uint64_t *numbers; /* all others: integers as two's complement, d: its bits */
	size_t n;          /* entries of the one or the other */
	bool optional;     /* a systemd that does not know it does without: files follow */
};

struct cg_properties {
	struct cg_property *list;
	size_t n;
};

struct cg_unit {
	char *name; /* "berth-c1.scope" */
	bool user;  /* of the user's manager */
	/* Not in the journal: */
	bool started; /* there to be joined; else the next process that is attached starts it */
	bool slice;   /* a slice takes no process at birth */
	struct cg_properties properties; /* all but PIDs */
};

/* --- unit.c: pure --- */
/* "a-b.slice" -> "/a.slice/a-b.slice", "-.slice" -> "/". Caller frees. -EINVAL. */
int cg_slice_path(const char *slice, char **ret, struct err *err);
/*
 * slice:prefix:name (NULL, "": the defaults) -> name of the unit and of its slice, both checked. A
 * name that ends in .slice is a slice itself, and *ret_path is its own. Caller frees.
 */
int cg_unit_names(const struct cg_request *req, char **ret_unit, char **ret_slice, char **ret_path,
                  struct err *err);
bool cg_unit_valid(const char *name); /* characters, length, .scope or .slice */
char *cg_unit_escape(const char *s);  /* as systemd-escape does; caller frees */
/* The unit of a request, with all properties but PIDs. *ret_path: its cgroup below that of the
 * manager. */
int cg_unit_plan(const struct cg_request *req, bool v2, struct cg_unit **ret, char **ret_path,
                 struct err *err);
void cg_unit_free(struct cg_unit *unit);
/* What the journal has of it. NULL gives NULL. */
struct cg_unit *cg_unit_copy(const struct cg_unit *unit);

/* --- properties.c: pure --- */
void cg_properties_done(struct cg_properties *p);
/* Set, replacing an earlier one of that name. */
void cg_property_number(struct cg_properties *p, const char *name, char type, uint64_t v);
void cg_property_word(struct cg_properties *p, const char *name, const char *type, const char *v);
/* An empty one of that name, replacing an earlier one. */
struct cg_property *cg_property_add(struct cg_properties *p, const char *name, const char *type);
void cg_property_push(struct cg_property *p, uint64_t v);
void cg_property_push_word(struct cg_property *p, const char *v);
void cg_property_drop(struct cg_properties *p, size_t i);
/* The limits, without device rules: all optional. */
int cg_properties_limits(const struct spec_resources *res, bool v2, struct cg_properties *p,
                         struct err *err);
/* What systemd makes of a quota in so many microseconds (0: 100000): it keeps hundredths of a
 * processor, and rounds up. */
int64_t cg_quota_of_unit(int64_t quota, uint64_t period);
/* DevicePolicy and DeviceAllow. */
void cg_properties_devices(const struct spec_resources *res, struct cg_properties *p);

/* --- variant.c: pure --- */
/* "org.systemd.property.NAME" with its value as GVariant text. */
int cg_property_annotation(const char *key, const char *text, struct cg_properties *p,
                           struct err *err);

/* --- bus.c, manager.c --- */
struct cg_bus;
/* Load the library and connect to the manager. Errors are complete in themselves. */
int cg_bus_open(bool user, struct cg_bus **ret, struct err *err);
void cg_bus_close(struct cg_bus *bus);
void cg_bus_close_ptr(struct cg_bus **bus);
#define _cleanup_bus_ __attribute__((cleanup(cg_bus_close_ptr)))
/* The manager's own cgroup, "" for the top. Caller frees. */
int cg_bus_root(struct cg_bus *bus, char **ret, struct err *err);
/*
 * Start a transient unit and wait for its job. Properties that systemd does not know are dropped
 * where they are optional. -EEXIST: there is a unit of that name, and it is not ours.
 */
int cg_bus_start(struct cg_bus *bus, const char *unit, struct cg_properties *p, struct err *err);
/* Stop, wait, forget a failure. A unit that is not there is success. */
int cg_bus_stop(struct cg_bus *bus, const char *unit, int timeout_ms, struct err *err);
/* Until reboot; in force when it returns. */
int cg_bus_set(struct cg_bus *bus, const char *unit, struct cg_properties *p, struct err *err);
/* Have systemd, which may do what we may not, move a process into the unit's cgroup, or one below
 * it
 * ("/sub"). */
int cg_bus_attach(struct cg_bus *bus, const char *unit, const char *below, pid_t pid,
                  struct err *err);

/* --- scope.c --- */
int cg_unit_locate(const struct cg_host *host, const struct cg_request *req, struct cg **ret,
                   struct err *err);
/* One that was there before and has gone is started again. */
void cg_unit_prepare(struct cg *cg);
int cg_unit_attach(struct cg *cg, pid_t pid, struct err *err);
int cg_unit_update(const struct cg *cg, const struct spec_resources *res, struct err *err);
/* New device rules: systemd has a filter of its own beside ours, and both must let pass. */
int cg_unit_update_devices(const struct cg *cg, const struct spec_resources *res, struct err *err);
int cg_unit_stop(const struct cg *cg, int timeout_ms, struct err *err);
