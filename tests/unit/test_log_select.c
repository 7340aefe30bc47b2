/* SPDX-License-Identifier: Apache-2.0 */
/* Which records are printed: by time, by stream, and the last lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runtime/log_select.h"

/* Records are written as letters: o O stdout, e E stderr, capital: the line ends; L: lost. */
static struct log_line record(char c, int64_t ns)
{
	return (struct log_line){ .ns = ns,
		                  .stream = strchr("eE", c) ? STREAM_STDERR : STREAM_STDOUT,
		                  .full = strchr("OEL", c),
		                  .lost = c == 'L' };
}

/* What is taken of these records, whose times are 1, 2, ...: "+" at the start of a line. */
static const char *taken(struct log_select s, const char *records)
{
	static char got[128];
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; records[i]; i++) {
			struct log_line l = record(records[i], i + 1);
			bool start = false;

			if (pass == 0)
				log_select_count(&s, &l);
			if (pass == 0 || !log_select_take(&s, &l, &start))
				continue;
			if (start)
				got[n++] = '+';
			got[n++] = records[i];
		}
		if (pass == 0)
			log_select_last(&s);
	}
	got[n] = '\0';
	return got;
}

static struct log_select last(uint64_t tail)
{
	struct log_select s = log_select_all();

	s.tail = tail;
	return s;
}

static void test_all(void **state)
{
	(void)state;
	assert_string_equal(taken(log_select_all(), "OoOEeLE"), "+O+oO+E+e+LE");
	assert_string_equal(taken(log_select_all(), ""), "");
}

static void test_tail(void **state)
{
	(void)state;
	assert_string_equal(taken(last(0), "OOO"), "");
	assert_string_equal(taken(last(2), "OOO"), "+O+O");
	assert_string_equal(taken(last(9), "OOO"), "+O+O+O");
	/* the parts of a line are one, also around another one */
	assert_string_equal(taken(last(1), "OooO"), "+ooO");
	assert_string_equal(taken(last(2), "OoEO"), "+o+EO");
	assert_string_equal(taken(last(1), "OoEO"), "+E");
	/* one that is not finished counts */
	assert_string_equal(taken(last(1), "OOo"), "+o");
	assert_string_equal(taken(last(1), "OOL"), "+L");
}

/* What comes after the counting belongs to the end. */
static void test_follow(void **state)
{
	struct log_select s = last(1);
	struct log_line l = record('O', 1);
	bool start;

	(void)state;
	log_select_count(&s, &l);
	log_select_count(&s, &l);
	log_select_last(&s);
	assert_false(log_select_take(&s, &l, &start));
	assert_true(log_select_take(&s, &l, &start));
	assert_true(log_select_take(&s, &l, &start));
	assert_true(start);
}

static void test_times(void **state)
{
	struct log_select s = log_select_all();

	(void)state;
	s.since_ns = 2;
	assert_string_equal(taken(s, "OOOO"), "+O+O+O");
	s.until_ns = 3;
	assert_string_equal(taken(s, "OOEO"), "+O+E");
	s.tail = 1;
	assert_string_equal(taken(s, "OOEO"), "+E");
}

static void test_stream(void **state)
{
	struct log_select s = log_select_all();

	(void)state;
	s.stream[0] = false;
	assert_string_equal(taken(s, "OEoLe"), "+E+L+e");
	s.tail = 2;
	assert_string_equal(taken(s, "EEOOEOO"), "+E+E");
	s.stream[0] = true;
	s.stream[1] = false;
	s.tail = LOG_TAIL_ALL;
	assert_string_equal(taken(s, "OEoe"), "+O+o");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),    cmocka_unit_test(test_tail),
		cmocka_unit_test(test_follow), cmocka_unit_test(test_times),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
