/* SPDX-License-Identifier: Apache-2.0 */
/* Labels, scheduling and the other attributes of a process: what is taken, what it becomes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec_edit.h"

#define RUN(cases) check_edits(cases, ARRAY_SIZE(cases))

static void test_labels(void **state)
{
	static const struct edit_case cases[] = {
		OK("/process/apparmorProfile", "\"\""),
		OK("/process/apparmorProfile", "\"unconfined\""),
		OK("/process/apparmorProfile", "null"),
		BAD("/process/apparmorProfile", "5", "process.apparmorProfile: expected a string"),
		BAD("/process/apparmorProfile", "\"a\\nb\"",
		    "process.apparmorProfile: control character"),
		OK("/process/selinuxLabel", "\"system_u:system_r:container_t:s0:c1,c2\""),
		BAD("/process/selinuxLabel", "\"a\\tb\"",
		    "process.selinuxLabel: control character"),
		BAD("/process/selinuxLabel", "[]", "process.selinuxLabel: expected a string"),
		OK("/linux/mountLabel", "\"\""),
		OK("/linux/mountLabel", "\"system_u:object_r:container_file_t:s0\""),
		BAD("/linux/mountLabel", "\"a\\u007f\"", "linux.mountLabel: control character"),
		BAD("/linux/mountLabel", "true", "linux.mountLabel: expected a string"),
	};
	char *text = xasprintf("\"%0300d\"", 0);
	struct edit_case longest =
	    BAD("/linux/mountLabel", text, "linux.mountLabel: longer than 255 bytes");

	(void)state;
	RUN(cases);
	check_edits(&longest, 1);
	free(text);
	text = xasprintf("\"%04001d\"", 0);
	longest = (struct edit_case)BAD("/process/apparmorProfile", text,
	                                "process.apparmorProfile: longer than 4000 bytes");
	check_edits(&longest, 1);
	free(text);
}

static void test_label_values(void **state)
{
	struct spec *spec = spec_with("/process/apparmorProfile", "\"p\"");
	struct spec_process copy;

	(void)state;
	assert_string_equal(spec->process.apparmor_profile, "p");
	assert_null(spec->process.selinux_label);
	assert_null(spec->linux_.mount_label);
	/* NULL leaves a label alone, "" takes it away. */
	spec_process_set_labels(&spec->process, NULL, "a:b:c");
	assert_string_equal(spec->process.apparmor_profile, "p");
	assert_string_equal(spec->process.selinux_label, "a:b:c");
	assert_int_equal(spec_process_copy(&spec->process, &copy), 0);
	spec_process_set_labels(&spec->process, "", "d:e:f");
	assert_null(spec->process.apparmor_profile);
	assert_string_equal(spec->process.selinux_label, "d:e:f");
	assert_string_equal(copy.apparmor_profile, "p");
	assert_string_equal(copy.selinux_label, "a:b:c");
	spec_process_done(&copy);
	spec_free(spec);
	spec = spec_with("/linux/mountLabel", "\"a:b:c\"");
	assert_string_equal(spec->linux_.mount_label, "a:b:c");
	spec_free(spec);
}

#define SCHED(text) "{\"policy\":\"SCHED_" text "}"

static void test_scheduler(void **state)
{
	static const struct edit_case cases[] = {
		OK("/process/scheduler", "null"),
		BAD("/process/scheduler", "{}",
		    "process.scheduler.policy: required property is missing"),
		BAD("/process/scheduler", "[]", "process.scheduler: expected an object"),
		BAD("/process/scheduler", SCHED("NONE\""),
		    "process.scheduler.policy: unknown scheduler policy \"SCHED_NONE\""),
		OK("/process/scheduler", SCHED("OTHER\",\"nice\":-20")),
		OK("/process/scheduler", SCHED("BATCH\",\"nice\":19")),
		BAD("/process/scheduler", SCHED("OTHER\",\"nice\":20"),
		    "process.scheduler.nice: out of range -20..19"),
		BAD("/process/scheduler", SCHED("OTHER\",\"nice\":-21"),
		    "process.scheduler.nice: out of range -20..19"),
		OK("/process/scheduler", SCHED("FIFO\",\"priority\":99")),
		BAD("/process/scheduler", SCHED("RR\",\"priority\":100"),
		    "process.scheduler.priority: out of range 0..99"),
		BAD("/process/scheduler", SCHED("RR\""),
		    "process.scheduler.priority: out of range 1..99 *"),
		BAD("/process/scheduler", SCHED("IDLE\",\"priority\":1"),
		    "process.scheduler.priority: can only be specified for SCHED_FIFO *"),
		OK("/process/scheduler", SCHED("OTHER\",\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]")),
		BAD("/process/scheduler", SCHED("OTHER\",\"flags\":[\"X\"]"),
		    "process.scheduler.flags[0]: unknown scheduler flag \"X\""),
		OK("/process/scheduler",
		   SCHED(
		       "DEADLINE\",\"runtime\":1,\"deadline\":2,\"period\":18446744073709551615")),
		BAD("/process/scheduler", SCHED("DEADLINE\""),
		    "process.scheduler.runtime: must not be 0 *"),
		BAD("/process/scheduler", SCHED("DEADLINE\",\"runtime\":3,\"deadline\":2"),
		    "process.scheduler.runtime: is above the deadline"),
		BAD("/process/scheduler",
		    SCHED("DEADLINE\",\"runtime\":3,\"deadline\":4,\"period\":3"),
		    "process.scheduler.deadline: is above the period"),
		BAD("/process/scheduler", SCHED("OTHER\",\"deadline\":1"),
		    "process.scheduler.deadline: can only be specified for SCHED_DEADLINE *"),
	};

	(void)state;
	RUN(cases);
}

static void test_scheduler_values(void **state)
{
	struct spec *spec =
	    spec_with("/process/scheduler",
	              SCHED("DEADLINE\",\"runtime\":9007199254740993,"
	                    "\"deadline\":9223372036854775807,"
	                    "\"period\":18446744073709551615,"
	                    "\"flags\":[\"SCHED_FLAG_RECLAIM\",\"SCHED_FLAG_DL_OVERRUN\"]"));
	const struct spec_scheduler *s = &spec->process.scheduler;

	(void)state;
	assert_true(s->present);
	assert_int_equal(s->policy, 6);
	assert_int_equal(s->flags, 6);
	assert_true(s->runtime == UINT64_C(9007199254740993));
	assert_true(s->deadline == INT64_MAX);
	assert_true(s->period == UINT64_MAX);
	spec_free(spec);
}

static void test_io_priority(void **state)
{
	static const struct edit_case cases[] = {
		OK("/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_IDLE\"}"),
		OK("/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":7}"),
		BAD("/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":8}",
		    "process.ioPriority.priority: out of range 0..7"),
		BAD("/process/ioPriority", "{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":-1}",
		    "process.ioPriority.priority: out of range 0..7"),
		BAD("/process/ioPriority", "{\"priority\":1}",
		    "process.ioPriority.class: required property is missing"),
		BAD("/process/ioPriority", "{\"class\":\"RT\"}",
		    "process.ioPriority.class: unknown I/O priority class \"RT\""),
	};

	(void)state;
	RUN(cases);
}

static void test_affinity(void **state)
{
	static const struct edit_case cases[] = {
		OK("/process/execCPUAffinity", "{}"),
		OK("/process/execCPUAffinity", "{\"initial\":\"0-1,3\",\"final\":\"8191\"}"),
		OK("/process/execCPUAffinity", "{\"initial\":\"\"}"),
		BAD("/process/execCPUAffinity", "{\"initial\":\"a\"}",
		    "process.execCPUAffinity.initial: invalid CPU list \"a\": *"),
		BAD("/process/execCPUAffinity", "{\"final\":\"3-1\"}",
		    "process.execCPUAffinity.final: invalid CPU list \"3-1\": *"),
		BAD("/process/execCPUAffinity", "{\"final\":\"8192\"}",
		    "process.execCPUAffinity.final: invalid CPU list *"),
		BAD("/process/execCPUAffinity", "{\"final\":0}",
		    "process.execCPUAffinity.final: expected a string"),
	};

	(void)state;
	RUN(cases);
}

static void test_personality(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/personality", "{\"domain\":\"LINUX\"}"),
		OK("/linux/personality", "{\"domain\":\"LINUX32\",\"flags\":[]}"),
		BAD("/linux/personality", "{}",
		    "linux.personality.domain: required property is missing"),
		BAD("/linux/personality", "{\"domain\":\"BSD\"}",
		    "linux.personality.domain: unknown personality domain \"BSD\""),
		BAD("/linux/personality", "{\"domain\":\"LINUX\",\"flags\":1}",
		    "linux.personality.flags: expected an array of strings"),
	};
	struct spec *spec =
	    spec_with("/linux/personality", "{\"domain\":\"LINUX32\",\"flags\":[\"X\"]}");

	(void)state;
	RUN(cases);
	assert_true(spec->linux_.personality.present);
	assert_int_equal(spec->linux_.personality.domain, 8);
	assert_non_null(strstr(spec->warnings, "linux.personality.flags: ignored"));
	spec_free(spec);
}

#define POLICY(text) "{\"mode\":\"MPOL_" text "}"

static void test_memory_policy(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/memoryPolicy", POLICY("DEFAULT\"")),
		OK("/linux/memoryPolicy", POLICY("LOCAL\",\"nodes\":\"\"")),
		OK("/linux/memoryPolicy", POLICY("PREFERRED\"")),
		OK("/linux/memoryPolicy", POLICY("BIND\",\"nodes\":\"0-2, 1023\"")),
		OK("/linux/memoryPolicy", POLICY("PREFERRED_MANY\",\"nodes\":\"0\"")),
		OK("/linux/memoryPolicy", POLICY("WEIGHTED_INTERLEAVE\",\"nodes\":\"0\"")),
		BAD("/linux/memoryPolicy", "{\"nodes\":\"0\"}",
		    "linux.memoryPolicy.mode: invalid memory policy mode: required property is "
		    "missing"),
		BAD("/linux/memoryPolicy", "{}",
		    "linux.memoryPolicy.mode: invalid memory policy mode: required property is "
		    "missing"),
		BAD("/linux/memoryPolicy", POLICY("X\""),
		    "linux.memoryPolicy.mode: invalid memory policy mode \"MPOL_X\""),
		BAD("/linux/memoryPolicy", POLICY("LOCAL\",\"nodes\":\"0-3\""),
		    "linux.memoryPolicy.nodes: memory policy MPOL_LOCAL: this mode requires 0 "
		    "nodes but got 4"),
		BAD("/linux/memoryPolicy", POLICY("INTERLEAVE\""),
		    "linux.memoryPolicy.nodes: memory policy mode MPOL_INTERLEAVE requires at "
		    "least one node but got 0"),
		BAD("/linux/memoryPolicy", POLICY("BIND\",\"nodes\":\"0, 876876, 10\""),
		    "linux.memoryPolicy.nodes: invalid memory policy node \"0, 876876, 10\": *"),
		BAD("/linux/memoryPolicy", POLICY("BIND\",\"nodes\":\"0\",\"flags\":[\"X\"]"),
		    "linux.memoryPolicy.flags: invalid memory policy flag \"X\""),
		BAD("/linux/memoryPolicy", POLICY("BIND\",\"nodes\":\"0\",\"flags\":[1]"),
		    "linux.memoryPolicy.flags[0]: expected a string"),
		BAD("/linux/memoryPolicy",
		    POLICY("BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\","
		           "\"MPOL_F_RELATIVE_NODES\"]"),
		    "linux.memoryPolicy.flags: invalid memory policy flag combination: *"),
	};

	(void)state;
	RUN(cases);
}

#define TIME_NS "/linux/namespaces", "[{\"type\":\"time\"},{\"type\":\"uts\"},{\"type\":\"mount\"}]"
#define CLOCKS(text, message)                                                                    \
	{                                                                                        \
		.at = "/linux/timeOffsets", .value = (text), .expect = (message), .at2 = TIME_NS \
	}

static void test_time_offsets(void **state)
{
	static const struct edit_case cases[] = {
		CLOCKS("{}", NULL),
		OK("/linux/timeOffsets", "{}"),
		CLOCKS("{\"monotonic\":{\"secs\":-9223372036854775808,\"nanosecs\":999999999}}",
		       NULL),
		CLOCKS("{\"boottime\":{\"secs\":9223372036854775807}}", NULL),
		CLOCKS("{\"boottime\":{\"secs\":9223372036854775808}}",
		       "linux.timeOffsets.boottime.secs: out of range *"),
		CLOCKS("{\"boottime\":{\"secs\":1.5}}",
		       "linux.timeOffsets.boottime.secs: expected an integer"),
		CLOCKS("{\"boottime\":{\"nanosecs\":1000000000}}",
		       "linux.timeOffsets.boottime.nanosecs: out of range 0..999999999"),
		CLOCKS("{\"realtime\":{}}", "linux.timeOffsets.realtime: unknown clock: *"),
		CLOCKS("[]", "linux.timeOffsets: expected an object"),
		BAD("/linux/timeOffsets", "{\"monotonic\":{\"secs\":1}}",
		    "linux.timeOffsets: time namespace offsets specified, but *"),
		{ .at = "/linux/timeOffsets",
		  .value = "{\"monotonic\":{\"secs\":1}}",
		  .at2 = "/linux/namespaces",
		  .value2 = "[{\"type\":\"time\",\"path\":\"/p\"},{\"type\":\"uts\"},{\"type\":"
		            "\"mount\"}]",
		  .expect = "linux.timeOffsets: time namespace is enabled, but both *" },
	};

	(void)state;
	RUN(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),       cmocka_unit_test(test_label_values),
		cmocka_unit_test(test_scheduler),    cmocka_unit_test(test_scheduler_values),
		cmocka_unit_test(test_io_priority),  cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_personality),  cmocka_unit_test(test_memory_policy),
		cmocka_unit_test(test_time_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
