/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a shim: the decision table, and the probe under a parent that does and one that does not
 * reap. */
#include "runtime/shim_mode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/proc.h"

static void test_decisions(void **state)
{
	static const struct {
		struct shim_question q;
		int want;
	} rows[] = {
		/* a detached process of an ordinary caller */
		{ { 0 }, 1 },
		/* a manager that reaps; the same when it is pid 1 only for the main process of a
		   unit with a pid file */
		{ { .parent_reaps = true }, 0 },
		{ { .parent_reaps = true, .parent_is_init = true }, 1 },
		{ { .parent_reaps = true, .parent_is_init = true, .pid_file = true }, 1 },
		{ { .parent_reaps = true, .parent_is_init = true, .main_unit_process = true }, 1 },
		{ { .parent_reaps = true,
		    .parent_is_init = true,
		    .main_unit_process = true,
		    .pid_file = true },
		  0 },
		{ { .parent_is_init = true, .main_unit_process = true, .pid_file = true }, 1 },
		/* a user's systemd is a reaper, too, and asks only for what a pid file names */
		{ { .parent_reaps = true, .main_unit_process = true }, 1 },
		{ { .parent_reaps = true, .main_unit_process = true, .pid_file = true }, 0 },
		/* the foreground: only for a terminal that we hold; who the parent is does not
		   matter */
		{ { .foreground = true }, 0 },
		{ { .foreground = true, .terminal_here = true }, 1 },
		{ { .foreground = true, .terminal_here = true, .parent_reaps = true }, 1 },
		/* the overrides, the option before the environment */
		{ { .option = "never" }, 0 },
		{ { .option = "always", .parent_reaps = true }, 1 },
		{ { .option = "always", .foreground = true }, 1 },
		{ { .option = "auto", .environment = "never" }, 0 },
		{ { .option = "always", .environment = "never" }, 1 },
		{ { .environment = "always", .parent_reaps = true }, 1 },
		{ { .environment = "", .parent_reaps = true }, 0 },
		{ { .option = "sometimes" }, -22 },
		{ { .environment = "yes" }, -22 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = shim_decide(&rows[i].q, NULL);

		if (r != rows[i].want)
			fail_msg("row %zu: %d instead of %d", i, r, rows[i].want);
	}
}

/* Ask from a child of ours, which either is a subreaper's child (ours) or has a plain process
 * between. */
static int probe_below(bool reaper)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		pid_t inner;

		(void)prctl(PR_SET_CHILD_SUBREAPER, reaper);
		inner = fork();
		if (inner == 0)
			_exit(shim_parent_reaps());
		(void)proc_waitpid(inner, &status);
		while (waitpid(-1, NULL, 0) > 0)
			;
		_exit(proc_exit_code(status));
	}
	assert_true(pid > 0);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return proc_exit_code(status);
}

static void test_probe(void **state)
{
	(void)state;
	assert_int_equal(probe_below(true), 1);
	assert_int_equal(probe_below(false), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
