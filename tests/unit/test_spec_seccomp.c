/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader takes and refuses in linux.seccomp. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "spec_edit.h"

#define RUN(cases) check_edits(cases, ARRAY_SIZE(cases))

#define NOTIFY(names, path)                                              \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"" path \
	"\",\"syscalls\":[{\"names\":[" names "],\"action\":\"SCMP_ACT_NOTIFY\"}]}"

static void test_listener(void **state)
{
	struct spec *spec =
	    spec_with("/linux/seccomp", NOTIFY("\"a\"", "s\",\"listenerMetadata\":\"m"));
	_cleanup_free_ char *path = NULL;

	(void)state;
	path = path_join(spec->bundle, "s");
	assert_string_equal(spec->linux_.seccomp.listener_path, path);
	assert_string_equal(spec->linux_.seccomp.listener_metadata, "m");
	spec_free(spec);
	spec = spec_with("/linux/seccomp",
	                 "{\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerPath\":\"/s\"}");
	assert_non_null(strstr(spec->warnings, "listenerPath has no effect"));
	spec_free(spec);
}

static void test_seccomp(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/seccomp", "null"),
		BAD("/linux/seccomp", "{}",
		    "linux.seccomp.defaultAction: required property is missing"),
		BAD("/linux/seccomp", "[]", "linux.seccomp: expected an object"),
		BAD("/linux/seccomp/defaultAction", "\"ALLOW\"",
		    "linux.seccomp.defaultAction: unknown action \"ALLOW\""),
		BAD("/linux/seccomp/defaultAction", "\"SCMP_ACT_NOTIFY\"",
		    "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default action"),
		OK("/linux/seccomp",
		   "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4095}"),
		BAD("/linux/seccomp",
		    "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
		    "linux.seccomp.defaultErrnoRet: out of range 0..4095"),
		BAD("/linux/seccomp",
		    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
		    "linux.seccomp.defaultErrnoRet: has no meaning with this action"),
		BAD("/linux/seccomp",
		    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"X86\"]}",
		    "linux.seccomp.architectures[0]: unknown architecture \"X86\""),
		BAD("/linux/seccomp", "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"LOG\"]}",
		    "linux.seccomp.flags[0]: unknown flag \"LOG\""),
		OK("/linux/seccomp", "{\"defaultAction\":\"SCMP_ACT_LOG\",\"flags\":[],"
		                     "\"listenerPath\":\"\",\"listenerMetadata\":\"\"}"),
		OK("/linux/seccomp",
		   "{\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerPath\":\"/s\"}"),
		BAD("/linux/seccomp",
		    "{\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerMetadata\":\"m\"}",
		    "linux.seccomp.listenerMetadata: must not be set without listenerPath"),
		OK("/linux/seccomp", ERRNO("")),
		OK("/linux/seccomp", ERRNO(",\"errnoRet\":38")),
		BAD("/linux/seccomp", ERRNO(",\"errnoRet\":4096"),
		    "linux.seccomp.syscalls[0].errnoRet: out of range 0..4095"),
		OK("/linux/seccomp",
		   RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535")),
		BAD("/linux/seccomp",
		    RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1"),
		    "linux.seccomp.syscalls[0].errnoRet: has no meaning with this action"),
		BAD("/linux/seccomp", RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\""),
		    "linux.seccomp.listenerPath: required with SCMP_ACT_NOTIFY"),
		OK("/linux/seccomp", NOTIFY("\"read\"", "/s")),
		OK("/linux/seccomp", NOTIFY("\"read\"", "s\",\"listenerMetadata\":\"m")),
		BAD("/linux/seccomp", NOTIFY("\"read\",\"write\"", "/s"),
		    "linux.seccomp.syscalls[0].names: SCMP_ACT_NOTIFY cannot be used for the write "
		    "syscall"),
		BAD("/linux/seccomp",
		    RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\",\"errnoRet\":1"),
		    "linux.seccomp.syscalls[0].errnoRet: has no meaning with this action"),
		BAD("/linux/seccomp", RULE("\"names\":[\"a\"]"),
		    "linux.seccomp.syscalls[0].action: required property is missing"),
		BAD("/linux/seccomp", RULE("\"names\":[],\"action\":\"SCMP_ACT_LOG\""),
		    "linux.seccomp.syscalls[0].names: must not be empty"),
		BAD("/linux/seccomp", RULE("\"names\":[\"\"],\"action\":\"SCMP_ACT_LOG\""),
		    "linux.seccomp.syscalls[0].names: holds an empty name"),
		/* The early format's spelling means nothing in a later document. */
		BAD("/linux/seccomp", RULE("\"name\":\"a\",\"action\":\"SCMP_ACT_LOG\""),
		    "linux.seccomp.syscalls[0].names: must not be empty"),
		BAD("/linux/seccomp",
		    ERRNO(",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		    "linux.seccomp.syscalls[0].args[0].index: out of range 0..5"),
		BAD("/linux/seccomp", ERRNO(",\"args\":[{\"index\":0,\"value\":0,\"op\":\"==\"}]"),
		    "linux.seccomp.syscalls[0].args[0].op: unknown operator \"==\""),
		BAD("/linux/seccomp", ERRNO(",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		    "linux.seccomp.syscalls[0].args[0].value: required property is missing"),
		OK("/linux/seccomp", ERRNO(",\"args\":[{\"index\":0,\"value\":18446744073709551615,"
		                           "\"valueTwo\":1,\"op\":\"SCMP_CMP_MASKED_EQ\"}]")),
	};

	(void)state;
	RUN(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_seccomp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
