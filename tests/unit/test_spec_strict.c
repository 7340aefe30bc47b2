/* SPDX-License-Identifier: Apache-2.0 */
/* --strict: what is accepted with a warning, or ignored, is refused by name; nothing else is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec_edit.h"

/* message: the beginning of the refusal; NULL: strict has nothing against it. */
static void strict(const char *at, const char *value, const char *message)
{
	_cleanup_spec_ struct spec *spec = spec_with(at, value);
	struct err err = { 0 };
	int r = spec_strict(spec, &err);

	if (!message) {
		if (r != 0)
			fail_msg("%s = %s: %s", at, value, err.msg);
		return;
	}
	assert_int_equal(r, -EINVAL);
	if (strncmp(err.msg, message, strlen(message)) != 0)
		fail_msg("%s = %s: \"%s\" instead of \"%s\"", at, value, err.msg, message);
	assert_non_null(strstr(err.msg, "(refused by --strict)"));
}

static void test_unknown(void **state)
{
	(void)state;
	strict("/hostname", "\"a\"", NULL);
	strict("/frob", "1", "frob: unknown property");
	strict("/process/frob", "null", "process.frob: unknown property");
	strict("/process/user/frob", "{}", "process.user.frob: unknown property");
	strict("/process/user/username", "\"x\"", "process.user.username: unknown property");
	strict("/process/capabilities/frob", "[]", "process.capabilities.frob: unknown property");
	strict("/mounts/1/frob", "1", "mounts[1].frob: unknown property");
	strict("/linux/namespaces/0/frob", "1", "linux.namespaces[0].frob: unknown property");
	strict("/linux/netDevices", "{\"eth0\":{\"frob\":1}}",
	       "linux.netDevices.eth0.frob: unknown property");
	strict("/linux/seccomp", RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"x\":1"),
	       "linux.seccomp.syscalls[0].x: unknown property");
	/* Any name is one there. */
	strict("/annotations", "{\"frob\":\"x\"}", NULL);
	strict("/linux/resources/unified", "{\"pids.max\":\"9\"}", NULL);
	/* Names of the early format in a document of today. */
	strict("/linux/resources/disableOOMKiller", "true",
	       "linux.resources.disableOOMKiller: unknown property");
}

static void test_warned(void **state)
{
	(void)state;
	strict("/process/capabilities/bounding", "[\"CAP_X\"]",
	       "process.capabilities.bounding[0]: ignored unknown capability \"CAP_X\"");
	strict("/process/capabilities/ambient", "[\"CAP_KILL\"]",
	       "process: can't raise ambient capability CAP_KILL");
	strict("/process/noNewprivileges", "true", "process: property \"noNewprivileges\"");
	strict("/mounts/0/destination", "\"a\"", "mounts[0].destination: mount destination \"a\"");
	strict("/linux/resources/devices", "[{\"allow\":true,\"access\":\"rx\"}]",
	       "linux.resources.devices[0].access: ignored letters");
	strict("/linux/personality", "{\"domain\":\"LINUX\",\"flags\":[\"x\"]}",
	       "linux.personality.flags: ignored");
}

static void test_system_calls(void **state)
{
	(void)state;
	strict("/linux/seccomp", RULE("\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\""), NULL);
	strict("/linux/seccomp", RULE("\"names\":[\"read\",\"frob\"],\"action\":\"SCMP_ACT_KILL\""),
	       "linux.seccomp.syscalls[0].names[1]: unknown system call \"frob\"");
}

static void part(int (*check)(const char *, size_t, struct err *), const char *text,
                 const char *message)
{
	struct err err = { 0 };
	int r = check(text, strlen(text), &err);

	assert_int_equal(r, message ? -EINVAL : 0);
	if (message && strncmp(err.msg, message, strlen(message)) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", text, err.msg, message);
}

static void test_parts(void **state)
{
	(void)state;
	part(spec_strict_process, "{\"cwd\":\"/\",\"args\":[\"a\"]}", NULL);
	part(spec_strict_process, "{\"cwd\":\"/\",\"args\":[\"a\"],\"x\":1}",
	     "process.x: unknown property");
	part(spec_strict_process,
	     "{\"cwd\":\"/\",\"args\":[\"a\"],\"capabilities\":{\"bounding\":[\"CAP_X\"]}}",
	     "process.capabilities.bounding[0]: ignored unknown capability");
	part(spec_strict_resources, "{\"pids\":{\"limit\":5}}", NULL);
	part(spec_strict_resources, "{\"pids\":{\"limit\":5,\"x\":1}}",
	     "resources.pids.x: unknown property");
	part(spec_strict_resources, "{\"Pids\":{\"limit\":5}}", "resources: property \"Pids\"");
}

/* What would make a record that nobody can read again is refused with or without it. */
static void test_annotations(void **state)
{
	static char text[(2 << 20) + 64];
	struct edit_case c = { .at = "/annotations", .value = text };
	_cleanup_spec_ struct spec *spec = NULL;
	struct err err = { 0 };
	size_t most = (2 << 20) - 7;

	(void)state;
	snprintf(text, sizeof(text), "{\"a\":\"%0*d\"}", (int)most, 0);
	assert_int_equal(spec_load_edited(&c, &spec, &err), 0);
	snprintf(text, sizeof(text), "{\"a\":\"%0*d\"}", (int)most + 1, 0);
	spec_free_ptr(&spec);
	assert_int_equal(spec_load_edited(&c, &spec, &err), -EFBIG);
	assert_string_equal(err.msg, "annotations: larger than 2097152 bytes altogether");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),      cmocka_unit_test(test_warned),
		cmocka_unit_test(test_system_calls), cmocka_unit_test(test_parts),
		cmocka_unit_test(test_annotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
