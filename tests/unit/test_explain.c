/* SPDX-License-Identifier: Apache-2.0 */
/* `explain` and `create` run the same tables: nothing of them may be without words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cgroup/internal.h"
#include "container/check.h"
#include "container/internal.h"

static void check_steps(const struct step *steps, size_t at_least)
{
	size_t n = 0;

	for (const struct step *s = steps; s->name; s++, n++) {
		assert_non_null(s->run);
		if (!s->what || !*s->what)
			fail_msg("step \"%s\" has no words for explain", s->name);
	}
	assert_true(n >= at_least);
}

static void test_every_step_has_words(void **state)
{
	(void)state;
	check_steps(create_steps, 14);
	check_steps(init_steps, 21);
}

static void check_knobs(const struct cg_knob *knobs)
{
	size_t n = 0;

	for (const struct cg_knob *k = knobs; k->what; k++, n++)
		if (!k->path || !*k->path)
			fail_msg("\"%s\" (%s) does not say which property it comes from", k->what,
			         k->file ? k->file : "several files");
	assert_true(n > 10);
}

static void test_every_knob_has_a_property(void **state)
{
	(void)state;
	check_knobs(cg_knobs_v1);
	check_knobs(cg_knobs_v2);
}

/* Every row of `check` says what it is like without and what helps; no child and no row is lost. */
static void test_check_rows(void **state)
{
	static const char *const groups[] = { "kernel", "host",     "namespace", "cgroup",
		                              "ids",    "security", "programs" };
	struct ctr_checks checks;
	bool seen[ARRAY_SIZE(groups)] = { false };

	(void)state;
	ctr_check_host(true, "/proc/self/exe/x", &checks);
	assert_true(checks.n > 45);
	for (size_t i = 0; i < checks.n; i++) {
		const struct ctr_check *row = &checks.list[i];
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(groups); k++)
			if (streq(groups[k], row->group))
				known = seen[k] = true;
		assert_true(known);
		assert_non_null(row->consequence);
		if (row->state != CTR_CHECK_OK && !row->remedy)
			fail_msg("%s: no remedy", row->name);
		for (size_t k = 0; k < i; k++)
			assert_false(streq(row->name, checks.list[k].name) &&
			             streq(row->group, checks.list[k].group));
		if (streq(row->name, "state"))
			assert_int_equal(row->state, CTR_CHECK_MISSING);
	}
	for (size_t k = 0; k < ARRAY_SIZE(groups); k++)
		assert_true(seen[k]);
	assert_false(ctr_checks_usable(&checks)); /* nothing can be made in a file */
	ctr_checks_done(&checks);
}

static void test_subids(void **state)
{
	static const char text[] = "a:100000:65536\nb:5:1\n1000:1:2\na:7:10\nbad\na:x:1\n:1:1\na:1";

	(void)state;
	assert_int_equal(check_count_subids(text, "a", 1), 65546);
	assert_int_equal(check_count_subids(text, "b", 1000), 3);
	assert_int_equal(check_count_subids(text, NULL, 1000), 2);
	assert_int_equal(check_count_subids(text, "c", 7), 0);
	assert_int_equal(check_count_subids("", "c", 7), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step_has_words),
		cmocka_unit_test(test_every_knob_has_a_property),
		cmocka_unit_test(test_check_rows),
		cmocka_unit_test(test_subids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
