/* SPDX-License-Identifier: Apache-2.0 */
/* Log records: both formats, escaping, levels, one write, errno kept. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/log.h"

static int ends[2];
static char got[2 * PIPE_BUF];

/* Packet mode: one read gives what one write sent. */
static int setup(void **state)
{
	(void)state;
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT);
}

static int teardown(void **state)
{
	(void)state;
	log_setup(2, LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	fd_close(ends[0]);
	fd_close(ends[1]);
	return 0;
}

/* The next record, "" when there is none. */
static const char *record(void)
{
	ssize_t n = read(ends[0], got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

/* "2026-11-21T22:00:00Z" at s. */
static bool is_time(const char *s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return false;
	return true;
}

static void test_text(void **state)
{
	(void)state;
	log_setup(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	assert_int_equal(log_fd(), ends[1]);
	log_error("say \"%s\"\\\n\x1b", "hi");
	assert_memory_equal(record(), "time=\"", 6);
	assert_true(is_time(got + 6));
	assert_string_equal(got + 26, "\" level=error msg=\"say \\\"hi\\\"\\\\\\n\\x1b\"\n");
	assert_string_equal(record(), "");
	log_warn("w");
	assert_non_null(strstr(record(), " level=warning msg=\"w\"\n"));
}

/* The date arithmetic is our own: it has to agree with libc's. */
static void test_time(void **state)
{
	struct tm tm = { 0 };
	time_t before = time(NULL), t;

	(void)state;
	log_setup(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	log_error("x");
	record();
	assert_non_null(strptime(got + 6, "%Y-%m-%dT%H:%M:%SZ", &tm));
	t = timegm(&tm);
	assert_true(t >= before && t <= time(NULL));
}

static void test_json(void **state)
{
	static const char in[] = "q\" b\\ n\n e\x1b u\xc3\xbc x\xff /";
	cJSON *j;

	(void)state;
	log_setup(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_WARN);
	log_error("%s", in);
	assert_memory_equal(record(), "{\"level\":\"error\",\"msg\":\"", 24);
	assert_int_equal(got[strlen(got) - 1], '\n');
	j = cJSON_Parse(got);
	assert_non_null(j);
	assert_string_equal(cJSON_GetObjectItem(j, "msg")->valuestring,
	                    "q\" b\\ n\n e\x1b u\xc3\xbc x\xef\xbf\xbd /");
	assert_true(is_time(cJSON_GetObjectItem(j, "time")->valuestring));
	assert_int_equal(cJSON_GetArraySize(j), 3);
	cJSON_Delete(j);
}

static void test_levels(void **state)
{
	(void)state;
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		log_setup(ends[1], LOG_FORMAT_TEXT, level);
		assert_int_equal(log_is_debug(), level == LOG_LEVEL_DEBUG);
		for (int at = LOG_LEVEL_ERROR; at <= LOG_LEVEL_DEBUG; at++) {
			log_record(at, "x");
			assert_int_equal(*record() != '\0', at <= level);
		}
		log_debug("x");
		assert_int_equal(*record() != '\0', level == LOG_LEVEL_DEBUG);
	}
}

/* Whatever the length: one write of at most PIPE_BUF, closed quotes, valid JSON. */
static void test_long(void **state)
{
	char *in = xmalloc(2 * PIPE_BUF + 1);

	(void)state;
	for (size_t len = PIPE_BUF - 200; len <= 2 * PIPE_BUF; len += 37) {
		for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
			memset(in, '\n', len);
			in[len] = '\0';
			log_setup(ends[1], format, LOG_LEVEL_ERROR);
			log_error("%s", in);
			assert_true(strlen(record()) <= PIPE_BUF);
			assert_non_null(strstr(got, "n...\""));
			if (format == LOG_FORMAT_JSON) {
				cJSON *j = cJSON_Parse(got);

				assert_non_null(j);
				cJSON_Delete(j);
			} else {
				assert_string_equal(got + strlen(got) - 6, "n...\"\n");
			}
			assert_string_equal(record(), "");
		}
	}
	free(in);
}

static void test_errno(void **state)
{
	(void)state;
	log_setup(-1, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	errno = ENOTTY;
	log_error("nowhere");
	assert_int_equal(errno, ENOTTY);
	log_setup(1000, LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG); /* not open */
	log_error("nowhere");
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_time),
		cmocka_unit_test(test_json), cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long), cmocka_unit_test(test_errno),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
