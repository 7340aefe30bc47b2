/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and OOM score, on the test's own process and on a child. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "idle_child.h"
#include "security/security.h"

static void test_rlimits_reach_another_process(void **state)
{
	struct spec_rlimit rl[] = { { .resource = RLIMIT_NOFILE, .soft = 17, .hard = 19 },
		                    { .resource = RLIMIT_CORE, .soft = 0, .hard = 0 } };
	struct spec_process process = { .rlimits = rl, .n_rlimits = 2 };
	struct rlimit got, own;
	struct err err = { 0 };
	pid_t pid = idle_child();

	(void)state;
	assert_int_equal(limits_apply(pid, &process, &err), 0);
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &got), 0);
	assert_int_equal(got.rlim_cur, 17);
	assert_int_equal(got.rlim_max, 19);
	assert_int_equal(prlimit(pid, RLIMIT_CORE, NULL, &got), 0);
	assert_int_equal(got.rlim_max, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
	assert_int_not_equal(own.rlim_max, 19);
	idle_child_end(pid);
}

static void test_rlimit_error_names_it(void **state)
{
	/* soft > hard is refused by the kernel for everybody. */
	struct spec_rlimit rl = { .resource = RLIMIT_STACK, .soft = 4096, .hard = 1 };
	struct spec_process process = { .rlimits = &rl, .n_rlimits = 1 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(limits_apply(0, &process, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "RLIMIT_STACK"));
	assert_non_null(strstr(err.msg, "4096:1"));
}

static int score(pid_t pid)
{
	char path[64];
	int v = -12345;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &v), 1);
	fclose(f);
	return v;
}

static void test_oom_score(void **state)
{
	struct spec_process process = { .oom_score_adj = { false, 900 } };
	struct err err = { 0 };
	pid_t pid = idle_child();
	int before = score(pid);

	(void)state;
	assert_int_equal(oom_score_adj_set(-1, pid, &process, false, &err), 0);
	assert_int_equal(score(pid), before);
	process.oom_score_adj.set = true;
	assert_int_equal(oom_score_adj_set(-1, pid, &process, false, &err), 0);
	assert_int_equal(score(pid), 900);
	process.oom_score_adj.v = 5000;
	assert_int_equal(oom_score_adj_set(-1, pid, &process, true, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "5000"));
	idle_child_end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rlimits_reach_another_process),
		cmocka_unit_test(test_rlimit_error_names_it),
		cmocka_unit_test(test_oom_score),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
