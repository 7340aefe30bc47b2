/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records. One record is built on the stack and leaves in one write(2) of at most PIPE_BUF
 * bytes, so that records of several processes on one pipe never mix. The sink is the one mutable
 * global of this layer. The calendar is computed here: gmtime_r() would read the time zone file,
 * which after a change of root is the container's.
 */
#include "berth/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define RECORD_MAX PIPE_BUF
#define TAIL_MAX   48 /* what follows the message: quotes, JSON time, newline */

static struct {
	int fd;
	enum log_format format;
	enum log_level level;
} sink = { .fd = STDERR_FILENO, .format = LOG_FORMAT_TEXT, .level = LOG_LEVEL_WARN };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_setup(int fd, enum log_format format, enum log_level level)
{
	sink.fd = fd;
	sink.format = format;
	sink.level = level;
}

int log_fd(void)
{
	return sink.fd;
}

bool log_is_debug(void)
{
	return sink.level >= LOG_LEVEL_DEBUG;
}

/* RFC 3339 in UTC. Days to date by the usual shift of the year's start to March. */
static void format_time(char *dst, size_t cap, int64_t t)
{
	int64_t days = t / 86400, secs = t % 86400;
	int64_t z = days + 719468, era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int day = (int)(doy - (153 * mp + 2) / 5 + 1), month = (int)(mp < 10 ? mp + 3 : mp - 9);
	int year = (int)(yoe + era * 400 + (month <= 2));

	snprintf(dst, cap, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, (int)(secs / 3600),
	         (int)(secs / 60 % 60), (int)(secs % 60));
}

void log_record(enum log_level level, const char *fmt, ...)
{
	char out[RECORD_MAX], msg[RECORD_MAX], when[32];
	bool json = sink.format == LOG_FORMAT_JSON;
	int saved = errno, n;
	size_t len;
	va_list ap;

	if (level > sink.level || sink.fd < 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(msg))
		n = sizeof(msg) - 1;
	format_time(when, sizeof(when), time(NULL));
	if (json)
		len = (size_t)snprintf(out, sizeof(out), "{\"level\":\"%s\",\"msg\":\"",
		                       level_names[level]);
	else
		len = (size_t)snprintf(out, sizeof(out), "time=\"%s\" level=%s msg=\"", when,
		                       level_names[level]);
	len += text_escape(out + len, sizeof(out) - TAIL_MAX - len, msg, (size_t)n,
	                   json ? TEXT_JSON : TEXT_QUOTED);
	if (json)
		len +=
		    (size_t)snprintf(out + len, sizeof(out) - len, "\",\"time\":\"%s\"}\n", when);
	else
		len += (size_t)snprintf(out + len, sizeof(out) - len, "\"\n");
	while (write(sink.fd, out, len) < 0 && errno == EINTR)
		;
	errno = saved;
}
