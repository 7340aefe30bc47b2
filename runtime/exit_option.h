/* SPDX-License-Identifier: Apache-2.0 */
/* --exit-command and what belongs to it, for create, run and exec. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "berth/err.h"
#include "runtime/cmd.h"
#include "shim/wire/exit_command.h"

struct exit_opts { /* filled by option rows */
	const char *command;
	char **args;
	int64_t timeout_ms; /* 0: the default */
};

#define EXIT_OPTIONS(o)                                                                   \
	{ "exit-command", 0,         OPT_STRING,                                          \
	  &(o).command,   "COMMAND", "run this on the host when the process has ended",   \
	  false },                                                                        \
	    { "exit-command-arg",                                                         \
	      0,                                                                          \
	      OPT_LIST,                                                                   \
	      &(o).args,                                                                  \
	      "ARG",                                                                      \
	      "an argument for it; may be repeated",                                      \
	      false },                                                                    \
	{                                                                                 \
		"exit-command-timeout", 0, OPT_DURATION, &(o).timeout_ms, "DURATION",     \
		    "kill it and its process group after this time (default: 30s)", false \
	}

/*
 * Check the options and fill argv and timeout_ms: the command is looked up now, and must be there.
 * Without the option argv stays NULL. The caller frees with exit_option_done().
 */
int exit_option_parse(const struct exit_opts *o, bool with_shim, struct exit_command *ret,
                      struct err *err);
/*
 * Write the file into the session's directory, with our environment and what identifies the
 * process in it. A descriptor; FD_INVALID when c has no argv; -errno.
 */
int exit_option_write(int session_fd, struct exit_command *c, const char *root_path, const char *id,
                      const char *name, struct err *err);
void exit_option_done(struct exit_command *c);
/* The process has ended: wait until its exit command, if any, has come to its end or its time-out;
 * not when we are part of it. */
void exit_option_await(int session_fd);
