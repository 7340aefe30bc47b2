/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interactive client of a kept process: `attach`, and `run` and `exec` in the foreground with a
 * terminal. Standard input goes to the process, its output (first what the shim has kept, then what
 * comes) to standard output and error.
 *
 * Signals. HUP means that our own terminal has gone, and makes us leave. Others that can be caught
 * are passed on (sig_proxy), but for those of job control and those that come from a fault; or else
 * INT, TERM and QUIT make us leave as well.
 */
#pragma once

#include <stdbool.h>

#include "berth/err.h"

struct attach_opts {
	int session_fd;          /* directory with shim.sock; borrowed */
	const char *name;        /* "ID" or "ID/NAME", for messages */
	const char *detach_keys; /* NULL: the default, DETACH_KEYS_DEFAULT; "": none */
	bool terminal;           /* the process has one: raw mode, window size, detach keys */
	bool no_stdin;           /* only look */
	bool close_stdin;        /* at the end of our input, end that of the process */
	const char *replay; /* more members of Attach's parameters, each behind a comma; or NULL */
	bool fresh;         /* it has just begun before our eyes: nothing to draw again */
	int sig_proxy;      /* pass signals on to the process: 1, -1: not; 0: where there is no
	                            terminal, unless no_stdin */
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
