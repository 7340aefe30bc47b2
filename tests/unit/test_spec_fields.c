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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_label_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
