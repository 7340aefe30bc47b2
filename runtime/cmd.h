/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: one row and one file each. The row's options give the parser, the help text and the
 * checks. A command returns the exit status of the program; errors are reported by main through
 * ctx->err when it returns < 0 (status 1, or err.exit_status).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "berth/container.h"
#include "berth/err.h"

enum opt_kind {
	OPT_FLAG,     /* bool *: --x, --x=true|false */
	OPT_SWITCH,   /* int *: the same, as 1 and -1; 0: not given */
	OPT_STRING,   /* const char ** */
	OPT_LIST,     /* char ***: repeatable, strv */
	OPT_INT,      /* int * */
	OPT_DURATION, /* int64_t * in milliseconds */
	OPT_IGNORED   /* accepted with its value (arg != NULL) or without, no effect */
};

struct opt {
	const char *name; /* without dashes; NULL ends the table */
	char short_name;  /* 0: none */
	enum opt_kind kind;
	void *dest;
	const char *arg; /* name of the value in help; NULL for flags */
	const char *help;
	bool hidden;
};

struct ctx {
	const char *root_path; /* --root or NULL */
	bool systemd_cgroup, no_cgroups;
	bool strict;          /* nothing of a document is ignored or made weaker: spec_strict() */
	const char *rootless; /* "auto" */
	struct err err;
	struct ctr_root root; /* opened by ctx_open(), closed by main */
	char *const *argv;    /* the whole command line, for re-execution */
};

struct command {
	const char *name;
	const char *args; /* "CONTAINER-ID [SIGNAL]" */
	const char *summary;
	const struct opt *opts;  /* may be NULL */
	int min_args, max_args;  /* max -1: any number */
	bool stop_at_positional; /* options end at the first positional */
	bool hidden;
	int (*run)(struct ctx *ctx, int argc, char **argv); /* positionals only */
};

extern const struct command cmd_create, cmd_run, cmd_start, cmd_state, cmd_list, cmd_ps, cmd_kill,
    cmd_stop, cmd_delete, cmd_pause, cmd_resume, cmd_exec, cmd_attach, cmd_wait, cmd_logs, cmd_spec,
    cmd_features, cmd_gc, cmd_update, cmd_events, cmd_checkpoint, cmd_restore, cmd_explain,
    cmd_check, cmd_upgrade, cmd_recover;

/* Open the state root of this invocation. create: make it. */
int ctx_root(struct ctx *ctx, bool create, struct ctr_root *ret);
/* The same for the sake of one container: where there is no root, it does not exist. */
int ctx_root_of(struct ctx *ctx, const char *id, struct ctr_root *ret);
/* Open ctx->root, which stays open for the rest of the invocation, and one container in it. */
int ctx_open(struct ctx *ctx, const char *id, bool lock, struct ctr **ret);
