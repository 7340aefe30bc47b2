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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step_has_words),
		cmocka_unit_test(test_every_knob_has_a_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
