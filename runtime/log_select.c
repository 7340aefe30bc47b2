/* SPDX-License-Identifier: Apache-2.0 */
/* Selection of log records: see log_select.h. */
#include "runtime/log_select.h"

struct log_select log_select_all(void)
{
	return (struct log_select){
		.since_ns = 0, .until_ns = INT64_MAX, .stream = { true, true }, .tail = LOG_TAIL_ALL
	};
}

/* What is missing is told with either stream. */
static bool matches(const struct log_select *s, const struct log_line *line)
{
	return line->ns >= s->since_ns && line->ns <= s->until_ns &&
	       (line->lost || s->stream[line->stream == STREAM_STDERR]);
}

/* The number of the line that this record is part of. */
static uint64_t number(struct log_select *s, const struct log_line *line, bool *ret_start)
{
	int i = line->stream == STREAM_STDERR;

	*ret_start = line->lost || !s->begun[i];
	if (line->lost)
		return s->lines++;
	if (!s->begun[i])
		s->line[i] = s->lines++;
	s->begun[i] = !line->full;
	return s->line[i];
}

void log_select_count(struct log_select *s, const struct log_line *line)
{
	bool start;

	if (matches(s, line))
		(void)number(s, line, &start);
}

void log_select_last(struct log_select *s)
{
	s->first = s->lines > s->tail ? s->lines - s->tail : 0;
	s->lines = 0;
	s->begun[0] = s->begun[1] = false;
}

bool log_select_take(struct log_select *s, const struct log_line *line, bool *ret_start)
{
	return matches(s, line) && number(s, line, ret_start) >= s->first;
}
