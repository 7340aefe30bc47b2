/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say where kept output is logged: shared by create, run, restore and exec. */
#pragma once

#include <stddef.h>

#include "berth/err.h"
#include "shim/wire/log_driver.h"

#define LOG_IN_JOURNAL "journald:" /* in the place of a path: in no file */

struct log_opts { /* as given, or NULL */
	const char *path, *format, *max, *files;
};

#define LOG_OPTIONS(o)                                                                  \
	{ "container-log",                                                              \
	  0,                                                                            \
	  OPT_STRING,                                                                   \
	  &(o).path,                                                                    \
	  "FILE",                                                                       \
	  "log of kept stdio (default: in the state directory)",                        \
	  false },                                                                      \
	    { "container-log-format",                                                   \
	      0,                                                                        \
	      OPT_STRING,                                                               \
	      &(o).format,                                                              \
	      "cri|json-file|journald",                                                 \
	      "how it is written, or that it goes to the journal (default: cri)",       \
	      false },                                                                  \
	    { "container-log-max",                                                      \
	      0,                                                                        \
	      OPT_STRING,                                                               \
	      &(o).max,                                                                 \
	      "SIZE",                                                                   \
	      "bound of each of its files (default: 1m)",                               \
	      false },                                                                  \
	{                                                                               \
		"container-log-files", 0, OPT_STRING, &(o).files, "N",                  \
		    "how many files are kept, with the current one (default: 2)", false \
	}

struct log_choice {
	enum log_driver format;
	size_t max; /* 0: the default */
	int files;  /* likewise */
};

/* Also: can a file be made there? A place that does not answer is left to the shim. */
int log_choice_parse(const struct log_opts *opts, struct log_choice *ret, struct err *err);
/* The log of a session: its absolute path, or LOG_IN_JOURNAL. Caller frees. */
char *log_choice_path(const struct log_opts *opts, const struct log_choice *choice,
                      const char *session_path);
