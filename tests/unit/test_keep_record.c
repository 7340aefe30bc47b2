/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what is kept: there and back, damaged ones; the OOM killer's count. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "shim/wire/keep_record.h"
#include "shim/wire/oom_count.h"
#include "work_dir.h"

static void test_round_trip(void **state)
{
	struct keep_record rec = { .pipes = { { 14, 100 },
		                              { UINT64_MAX, UINT64_MAX - 1 },
		                              { 0, 0 } } },
	                   got;
	struct err err = { 0 };

	(void)state;
	handover_init(&rec.conf);
	rec.conf.terminal = true;
	rec.conf.stdin_mode = SHIM_STDIN_KEEP;
	rec.conf.created_ns = INT64_C(1795303260483312487);
	rec.conf.started_ns = INT64_C(1795303260483312999);
	rec.conf.oom_kills = 3;
	rec.conf.log_path = "/a \"log\"";
	rec.conf.log_format = LOG_JSON_FILE;
	rec.conf.log_max = 123456;
	rec.conf.log_files = 7;
	rec.conf.journal = "/run/j";
	assert_int_equal(keep_record_write_at(dir, &rec), 0);
	assert_int_equal(keep_record_read_at(dir, &got, &err), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(got.pipes[i].dev == rec.pipes[i].dev);
		assert_true(got.pipes[i].ino == rec.pipes[i].ino);
	}
	assert_true(got.conf.terminal);
	assert_int_equal(got.conf.stdin_mode, SHIM_STDIN_KEEP);
	assert_int_equal(got.conf.created_ns, rec.conf.created_ns);
	assert_int_equal(got.conf.started_ns, rec.conf.started_ns);
	assert_int_equal(got.conf.oom_kills, 3);
	assert_string_equal(got.conf.log_path, rec.conf.log_path);
	assert_int_equal(got.conf.log_format, LOG_JSON_FILE);
	assert_int_equal(got.conf.log_max, 123456);
	assert_int_equal(got.conf.log_files, 7);
	assert_string_equal(got.conf.journal, "/run/j");
	/* What it does not have is as in a new hand-over. */
	assert_int_equal(got.conf.stdin_fd, FD_INVALID);
	assert_int_equal(got.conf.pidfd, FD_INVALID);
	assert_int_equal(got.conf.ring_size, SHIM_RING_DEFAULT);
	keep_record_done(&got);
	keep_record_done(&got);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{ "", "keep.json" },
		{ "{}", "format" },
		{ "{\"version\":2}", "format" },
		{ "{\"version\":1,\"stdin_ino\":-1}", "stdin_ino" },
		{ "{\"version\":1,\"log_path\":5}", "log_path" },
		{ "{\"version\":1,\"log_format\":99}", "log_format" },
		{ "{\"version\":1,\"log_files\":0}", "log_files" },
		{ "{\"version\":1} x", "keep.json" },
	};
	struct keep_record rec;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		if (keep_record_parse(bad[i].text, strlen(bad[i].text), &rec, &err) >= 0)
			fail_msg("accepted: %s", bad[i].text);
		if (!strstr(err.msg, bad[i].word))
			fail_msg("\"%s\" does not name %s", err.msg, bad[i].word);
	}
	assert_int_equal(keep_record_parse("{\"version\":1,\"later\":1}", 23, &rec, NULL), 0);
	assert_true(rec.pipes[0].ino == 0);
	keep_record_done(&rec);
}

static void test_pipes(void **state)
{
	struct keep_pipe a, none = { 0 };
	int p[2], q[2], file = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	a = keep_pipe_of(p[0]);
	assert_true(a.ino != 0);
	assert_true(keep_pipe_is(&a, p[0]) && keep_pipe_is(&a, p[1]));
	assert_false(keep_pipe_is(&a, q[0]));
	assert_false(keep_pipe_is(&a, file));
	assert_false(keep_pipe_is(&none, file));
	assert_true(keep_pipe_of(file).ino == 0);
	assert_true(keep_pipe_of(FD_INVALID).ino == 0);
	for (int i = 0; i < 2; i++) {
		fd_close(p[i]);
		fd_close(q[i]);
	}
	fd_close(file);
}

static void test_oom_count(void **state)
{
	static const struct {
		const char *text;
		int64_t count; /* -1: none */
	} texts[] = {
		{ "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n", 4 },
		{ "oom_kill_disable 0\nunder_oom 0\noom_kill 18446744073709551615\n", -2 },
		{ "oom_kill 7", 7 },
		{ "oom_kill_disable 0\nunder_oom 0\n", -1 },
		{ "oom_kill x\n", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int fd = memfd_create("x", MFD_CLOEXEC);
		uint64_t n = 0;
		bool found;

		assert_int_equal(fd_write_all(fd, texts[i].text, strlen(texts[i].text)), 0);
		found = oom_count_read(fd, &n);
		fd_close(fd);
		assert_int_equal(found, texts[i].count != -1);
		if (texts[i].count >= 0)
			assert_true(n == (uint64_t)texts[i].count);
		else if (found)
			assert_true(n == UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, work_dir_make, work_dir_remove),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_oom_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
