/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduler, I/O priority, CPUs, personality and memory policy on a child of the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "idle_child.h"
#include "kernel/syscalls.h"
#include "security/schedule.h"
#include "spec_edit.h"

static void test_nice(void **state)
{
	struct spec *spec =
	    spec_with("/process/scheduler", "{\"policy\":\"SCHED_BATCH\",\"nice\":7,"
	                                    "\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]}");
	struct k_sched_attr now;
	struct err err = { 0 };
	pid_t pid = idle_child();

	(void)state;
	assert_int_equal(sched_apply(pid, &spec->process.scheduler, false, &err), 0);
	assert_int_equal(k_sched_getattr(pid, &now), 0);
	assert_int_equal(now.sched_policy, 3);
	assert_int_equal(now.sched_nice, 7);
	assert_int_equal(now.sched_flags, 1);
	idle_child_end(pid);
	spec_free(spec);
}

/* Only some machines let us: the request is then refused for that reason and no other. */
static void test_realtime(void **state)
{
	struct spec *spec =
	    spec_with("/process/scheduler", "{\"policy\":\"SCHED_FIFO\",\"priority\":12}");
	const struct spec_scheduler *s = &spec->process.scheduler;
	struct k_sched_attr now;
	struct err err = { 0 };
	pid_t pid = idle_child();
	int r = sched_apply(pid, s, true, &err);

	(void)state;
	assert_int_equal(s->priority, 12);
	assert_int_equal(k_sched_getattr(pid, &now), 0);
	if (r < 0) {
		assert_int_equal(r, -EPERM);
		assert_non_null(strstr(err.msg, "SCHED_FIFO: process scheduler can't be used "
		                                "together with AllowedCPUs"));
		assert_int_equal(now.sched_policy, 0);
	} else {
		assert_int_equal(now.sched_policy, 1);
		assert_int_equal(now.sched_priority, 12);
	}
	idle_child_end(pid);
	spec_free(spec);
}

static void test_a_policy_that_does_not_exist(void **state)
{
	const struct spec_scheduler s = { .present = true, .policy = 4 };
	struct err err = { 0 };
	pid_t pid = idle_child();

	(void)state;
	assert_int_equal(sched_apply(pid, &s, false, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "process.scheduler: set SCHED_ISO: "));
	assert_int_equal(sched_apply(pid, &(struct spec_scheduler){ .policy = 4 }, false, &err), 0);
	idle_child_end(pid);
}

static void test_io_priority(void **state)
{
	struct spec *spec =
	    spec_with("/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":6}");
	struct err err = { 0 };
	pid_t pid = idle_child();

	(void)state;
	assert_int_equal(ioprio_apply(pid, &spec->process.io_priority, &err), 0);
	assert_int_equal(k_ioprio_get(1, pid), 2 << 13 | 6);
	/* Absent: untouched. */
	assert_int_equal(ioprio_apply(pid, &(struct spec_io_priority){ 0 }, &err), 0);
	assert_int_equal(k_ioprio_get(1, pid), 2 << 13 | 6);
	idle_child_end(pid);
	spec_free(spec);
}

static void test_cpus(void **state)
{
	uint64_t mine[SPEC_CPUS_MAX / 64], now[SPEC_CPUS_MAX / 64];
	struct err err = { 0 };
	char list[16];
	pid_t pid;
	int cpu = 0;

	(void)state;
	assert_true(k_sched_getaffinity(0, sizeof(mine), mine) > 0);
	while (!(mine[cpu / 64] >> cpu % 64 & 1))
		cpu++;
	snprintf(list, sizeof(list), "%d", cpu);
	pid = idle_child();
	assert_int_equal(affinity_apply(pid, list, "x", &err), 0);
	assert_true(k_sched_getaffinity(pid, sizeof(now), now) > 0);
	assert_true(now[cpu / 64] == UINT64_C(1) << cpu % 64);
	assert_int_equal(affinity_apply(pid, NULL, NULL, &err), 0);
	assert_true(k_sched_getaffinity(pid, sizeof(now), now) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		assert_true((now[i] & mine[i]) == mine[i]);
	assert_int_equal(affinity_apply(pid, "8191", "field", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "field: bind to CPUs \"8191\""));
	assert_int_equal(affinity_apply(pid, "", "field", &err), -EINVAL);
	idle_child_end(pid);
}

static int in_child(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define CHECK(cond)                                \
	do {                                       \
		if (!(cond))                       \
			_exit(__LINE__ % 250 + 1); \
	} while (0)

static void change_personality(void)
{
	const struct spec_personality linux32 = { true, PER_LINUX32 }, plain = { true, PER_LINUX };

	CHECK(personality_apply(&(struct spec_personality){ false, PER_LINUX32 }, NULL) == 0);
	CHECK(personality(0xffffffff) == PER_LINUX);
	CHECK(personality_apply(&linux32, NULL) == 0);
	CHECK(personality(0xffffffff) == PER_LINUX32);
	CHECK(personality_apply(&plain, NULL) == 0);
	CHECK(personality(0xffffffff) == PER_LINUX);
}

static void test_personality(void **state)
{
	(void)state;
	assert_int_equal(in_child(change_personality), 0);
}

static void change_memory_policy(void)
{
	char node[] = "0", far[] = "1023";
	const struct spec_memory_policy bind = { true, 2, 1U << 15, node };
	const struct spec_memory_policy local = { true, 1, 0, NULL };
	const struct spec_memory_policy nowhere = { true, 3, 0, far };
	struct err err = { 0 };
	int mode = -1;
	int r = mempolicy_apply(&bind, &err);

	/* A kernel without NUMA says so, by name. */
	if (k_get_mempolicy(&mode) == -ENOSYS) {
		CHECK(r == -EOPNOTSUPP && strstr(err.msg, "linux.memoryPolicy"));
		return;
	}
	CHECK(r == 0 && mode == (2 | 1 << 15));
	CHECK(mempolicy_apply(&nowhere, &err) == -EINVAL);
	CHECK(strstr(err.msg, "set MPOL_INTERLEAVE for nodes \"1023\"") != NULL);
	CHECK(mempolicy_apply(&local, &err) == 0);
	CHECK(mempolicy_apply(&(struct spec_memory_policy){ false, 2, 0, far }, &err) == 0);
}

static void test_memory_policy(void **state)
{
	(void)state;
	assert_int_equal(in_child(change_memory_policy), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nice),
		cmocka_unit_test(test_realtime),
		cmocka_unit_test(test_a_policy_that_does_not_exist),
		cmocka_unit_test(test_io_priority),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_personality),
		cmocka_unit_test(test_memory_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
