/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging. libcore logs at debug only; programs log warnings and the final error once, at their
 * edge. One record is one write(2), errno is preserved, no stdio buffers: safe between fork and
 * exec. Formats are the ones that callers of OCI runtimes parse: text `time="..." level=error
 * msg="..."` and JSON lines {"level","msg","time"} with an RFC 3339 time.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Where records go: fd is borrowed (default 2). Until log_setup() level is warn, format text. */
void log_setup(int fd, enum log_format format, enum log_level level);
int log_fd(void);
bool log_is_debug(void);
void log_record(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...)                                            \
	do {                                                      \
		if (log_is_debug())                               \
			log_record(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
#define log_warn(...)  log_record(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_record(LOG_LEVEL_ERROR, __VA_ARGS__)
