/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records of a log are printed: by time, by stream, and the last so many lines of what is
 * left. Lines, not records: the parts of a long line belong together, also where the other stream's
 * lines are in between. Pure.
 *
 * For the last lines the log is gone through twice: log_select_count() for each record, then
 * log_select_last(), then log_select_take() for each; records that came meanwhile are taken.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/log_line.h"

#define LOG_TAIL_ALL UINT64_MAX

struct log_select {
	int64_t since_ns, until_ns; /* both included */
	bool stream[2];             /* stdout, stderr */
	uint64_t tail;              /* lines, or LOG_TAIL_ALL */
	/* state */
	uint64_t first;   /* number of the first line that is printed */
	uint64_t lines;   /* begun so far */
	bool begun[2];    /* a line of the stream is not finished */
	uint64_t line[2]; /* its number */
};

/* Everything. */
struct log_select log_select_all(void);
void log_select_count(struct log_select *s, const struct log_line *line);
void log_select_last(struct log_select *s);
/* Is this record printed? *ret_start: it is the first of its line. */
bool log_select_take(struct log_select *s, const struct log_line *line, bool *ret_start);
