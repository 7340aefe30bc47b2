/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interactive client of a kept process: `attach`, and `run` and `exec` in the foreground with a
 * terminal. Standard input goes to the process, its output (first what the shim has kept, then what
 * comes) to standard output and error.
 */
#pragma once

#include <stdbool.h>

#include "berth/err.h"

struct attach_opts {
	int session_fd;          /* directory with shim.sock; borrowed */
	const char *name;        /* "ID" or "ID/NAME", for messages */
	const char *detach_keys; /* NULL: the default, ctrl-]; "": none */
	bool terminal;           /* the process has one: raw mode, window size, detach keys */
	bool no_stdin;           /* only look */
	bool no_replay;          /* only what comes from now on */
	bool forward;            /* pass INT, TERM, QUIT, USR1 and USR2 on to the process */
};

struct attach_result {
	bool detached; /* by keys or because our side ended: the process runs on */
	int signal;    /* detached: the signal that made us leave; 0: keys */
	bool known;    /* the exit status is known */
	int code;      /* exit code, 128+signal when killed */
};

/*
 * Attach with replay of what the ring still holds, until the process has exited and all of its
 * output has been written, or the user detaches. Our terminal's mode is restored on every way out.
 * -errno when there is no shim to talk to, or it went away and has left no exit record.
 */
int attach_run(const struct attach_opts *opts, struct attach_result *ret, struct err *err);

/* What a command that was attached exits with; an unknown status is an error with a message. */
int attach_status(const struct attach_opts *opts, const struct attach_result *result,
                  struct err *err);
