/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit record: format, parse, and the file. The file always has EXIT_RECORD_SIZE bytes: one write
 * of one block, so that the in-place fallback can not leave half a record behind.
 */
#include "shim/wire/exit_record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define NS_PER_S INT64_C(1000000000)

struct exit_record exit_record_from_status(int wait_status, int64_t exited_ns)
{
	struct exit_record rec = { .known = true, .exited_ns = exited_ns };

	if (WIFSIGNALED(wait_status)) {
		rec.signal = WTERMSIG(wait_status);
		rec.code = 128 + rec.signal;
		rec.core = WCOREDUMP(wait_status);
	} else if (WIFEXITED(wait_status)) {
		rec.code = WEXITSTATUS(wait_status);
	} else {
		return exit_record_unknown();
	}
	return rec;
}

struct exit_record exit_record_unknown(void)
{
	return (struct exit_record){ .code = -1 };
}

/*
 * Days since 1970 to a date, by the Gregorian calendar. gmtime_r(3) would read the time zone, from
 * a file that the locked shim may not open.
 */
static void civil_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
	int64_t shifted = days + 719468; /* from 0000-03-01, so that leap days end a year */
	int64_t era = shifted / 146097;
	int64_t doe = shifted % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = yoe + era * 400 + (*ret_month <= 2);
}

void exit_time_format(int64_t ns, char ret[static EXIT_TIME_SIZE])
{
	int64_t s = ns / NS_PER_S, year;
	int month, day, of_day = (int)(s % 86400);

	civil_date(s / 86400, &year, &month, &day);
	snprintf(ret, EXIT_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", (int)year, month, day,
	         of_day / 3600, of_day / 60 % 60, of_day % 60, (int)(ns % NS_PER_S));
}

size_t exit_record_format(const struct exit_record *rec, char ret[static EXIT_RECORD_SIZE])
{
	char from[EXIT_TIME_SIZE] = "", when[EXIT_TIME_SIZE] = "";
	int n;

	if (rec->started_ns > 0)
		exit_time_format(rec->started_ns, from);
	if (rec->exited_ns > 0)
		exit_time_format(rec->exited_ns, when);
	n = snprintf(ret, EXIT_RECORD_SIZE,
	             "{\"known\":%s,\"code\":%d,\"signal\":%d,\"core\":%s,\"oom\":%s,"
	             "\"started_at\":\"%s\",\"started_ns\":%" PRId64
	             ",\"exited_at\":\"%s\",\"exited_ns\":%" PRId64 "}\n",
	             rec->known ? "true" : "false", rec->code, rec->signal,
	             rec->core ? "true" : "false", rec->oom ? "true" : "false", from,
	             rec->started_ns, when, rec->exited_ns);
	return (size_t)n;
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] && !strchr(" \n", text[i]))
			return false;
	return true;
}

int exit_record_parse(const char *text, size_t len, struct exit_record *ret)
{
	_cleanup_json_ cJSON *j = NULL;
	int64_t code, sig;

	if (is_blank(text, len))
		return -ENODATA;
	if (json_parse(text, len, &j, NULL) < 0 || !cJSON_IsObject(j))
		return -EINVAL;
	if (!cJSON_IsBool(json_get(j, "known")) || json_int64(json_get(j, "code"), &code) < 0 ||
	    json_int64(json_get(j, "signal"), &sig) < 0)
		return -EINVAL;
	/* A record that says "known" must make sense: a damaged one must not become a success. */
	*ret = (struct exit_record){
		.known = json_get_bool(j, "known", false),
		.code = (int)code,
		.signal = (int)sig,
		.core = json_get_bool(j, "core", false),
		.oom = json_get_bool(j, "oom", false),
		.started_ns = json_get_int(j, "started_ns", 0),
		.exited_ns = json_get_int(j, "exited_ns", 0),
	};
	if (!ret->known)
		ret->code = -1;
	else if (code < 0 || code > 255 || sig < 0 || sig > 127 || (sig && code != 128 + sig))
		return -EINVAL;
	return 0;
}

int exit_record_reserve_at(int dirfd)
{
	_cleanup_close_ int fd = FD_INVALID;
	char blank[EXIT_RECORD_SIZE];

	memset(blank, ' ', sizeof(blank));
	fd = openat(dirfd, EXIT_RECORD_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	            0600);
	if (fd < 0)
		return -errno;
	return fd_write_all(fd, blank, sizeof(blank));
}

static int write_in_place(int dirfd, const char *block)
{
	_cleanup_close_ int fd = FD_INVALID;
	ssize_t n;

	fd = openat(dirfd, EXIT_RECORD_NAME, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pwrite(fd, block, EXIT_RECORD_SIZE, 0);
	if (n < 0)
		return -errno;
	return n == EXIT_RECORD_SIZE ? 0 : -EIO;
}

int exit_record_write_at(int dirfd, const struct exit_record *rec)
{
	char block[EXIT_RECORD_SIZE];
	size_t len;
	int r;

	len = exit_record_format(rec, block);
	memset(block + len, ' ', sizeof(block) - len);
	r = file_replace_at(dirfd, EXIT_RECORD_NAME, block, sizeof(block), 0600, true);
	if (r < 0)
		r = write_in_place(dirfd, block);
	return r;
}

int exit_record_read_at(int dirfd, struct exit_record *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = file_read_at(dirfd, EXIT_RECORD_NAME, 4096, &text, &len);
	if (r < 0)
		return r;
	return exit_record_parse(text, len, ret);
}
