/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader takes and what it refuses: edits of the default document, errors with their path.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec/parts.h"
#include "spec_edit.h"

#define S10  "xxxxxxxxxx"
#define S50  S10 S10 S10 S10 S10
#define S64  S50 S10 "xxxx"
#define S250 S50 S50 S50 S50 S50

#define RUN(cases) check_edits(cases, ARRAY_SIZE(cases))

static void test_top(void **state)
{
	static const struct edit_case cases[] = {
		{ .at = NULL },
		BAD("/ociVersion", NULL, "ociVersion: required property is missing"),
		BAD("/ociVersion", "null", "ociVersion: required property is missing"),
		BAD("/ociVersion", "\"\"", "ociVersion: \"\" is not a semantic version"),
		BAD("/ociVersion", "\"abc\"", "ociVersion: \"abc\" is not a semantic version"),
		BAD("/ociVersion", "\"1.0\"", "ociVersion: \"1.0\" is not a semantic version"),
		BAD("/ociVersion", "\"1.0.0.0\"", "ociVersion: *"),
		BAD("/ociVersion", "\"01.0.0\"", "ociVersion: *"),
		BAD("/ociVersion", "\"1.0.0-\"", "ociVersion: *"),
		BAD("/ociVersion", "\"1.0.0 \"", "ociVersion: *"),
		BAD("/ociVersion", "\"99.0.0\"",
		    "ociVersion: version \"99.0.0\" is not supported: 1.x is"),
		BAD("/ociVersion", "\"0.5.0\"", "ociVersion: version \"0.5.0\" *"),
		BAD("/ociVersion", "1", "ociVersion: expected a string"),
		BAD("/ociVersion", "12345678901234567890", "ociVersion: expected a string"),
		OK("/ociVersion", "\"1.9.9\""),
		OK("/ociVersion", "\"1.0.0\""),
		OK("/ociVersion", "\"1.0.2-dev\""),
		OK("/ociVersion", "\"1.2.0-rc.1+build.5\""),
		BAD("/process", NULL, "process property must not be empty"),
		BAD("/process", "null", "process property must not be empty"),
		BAD("/process", "[]", "process: expected an object"),
		BAD("/root", NULL, "root property must not be empty"),
		BAD("/root", "\"x\"", "root: expected an object"),
		BAD("/root/path", NULL, "root.path: required property is missing"),
		BAD("/root/path", "\"\"", "root.path: must not be empty"),
		BAD("/root/path", "5", "root.path: expected a string"),
		OK("/root/path", "\"/a/b\""),
		BAD("/root/readonly", "\"true\"", "root.readonly: expected true or false"),
		BAD("/root/readonly", "null", "root.readonly: expected true or false"),
		OK("/hostname", "\"" S64 "\""),
		BAD("/hostname", "\"" S64 "x\"", "hostname: longer than 64 bytes"),
		BAD("/hostname", "\"a\\nb\"", "hostname: control character"),
		OK("/hostname", "\"\""),
		OK("/hostname", NULL),
		BAD("/hostname", "7", "hostname: expected a string"),
		OK("/domainname", "\"example.org\""),
		BAD("/domainname", "\"" S64 "x\"", "domainname: longer than 64 bytes"),
		BAD("/linux/namespaces", "[{\"type\":\"mount\"}]",
		    "hostname: unable to set hostname without a private UTS namespace"),
		OK("/annotations", "{\"a\":\"b\",\"c\":\"\"}"),
		BAD("/annotations", "{\"a\":1}", "annotations.a: expected a string"),
		BAD("/annotations", "{\"\":\"x\"}", "annotations: empty key"),
		BAD("/annotations", "[]", "annotations: expected an object"),
		OK("/annotations", "null"),
		OK("/unknown", "{\"deep\":[1,2,{\"x\":null}]}"),
		BAD("/linux", "[]", "linux: expected an object"),
		OK("/solaris", "{\"milestone\":\"x\"}"),
		/* Only the early format has it; elsewhere it is unknown. */
		OK("/platform", "{\"os\":\"windows\"}"),
	};

	(void)state;
	RUN(cases);
}

static void test_process(void **state)
{
	static const struct edit_case cases[] = {
		BAD("/process/terminal", "1", "process.terminal: expected true or false"),
		OK("/process/consoleSize", "{\"height\":24,\"width\":80}"),
		BAD("/process/consoleSize", "{\"height\":65536,\"width\":80}",
		    "process.consoleSize.height: out of range 0..65535"),
		BAD("/process/consoleSize", "[24,80]", "process.consoleSize: expected an object"),
		OK("/process/user", "{}"),
		OK("/process/user", NULL),
		BAD("/process/user", "0", "process.user: expected an object"),
		BAD("/process/user/uid", "\"1000\"", "process.user.uid: expected an integer"),
		BAD("/process/user/uid", "true", "process.user.uid: expected an integer"),
		BAD("/process/user/uid", "[0]", "process.user.uid: expected an integer"),
		BAD("/process/user/uid", "null", "process.user.uid: expected an integer"),
		BAD("/process/user/uid", "4294967295",
		    "process.user.uid: out of range 0..4294967294"),
		OK("/process/user/uid", "4294967294"),
		BAD("/process/user/uid", "-1", "process.user.uid: *"),
		BAD("/process/user/gid", "18446744073709551616", "process.user.gid: *"),
		OK("/process/user/umask", "511"),
		BAD("/process/user/umask", "512", "process.user.umask: out of range 0..511"),
		OK("/process/user/additionalGids", "[1,2,3]"),
		OK("/process/user/additionalGids", "[]"),
		OK("/process/user/additionalGids", "null"),
		BAD("/process/user/additionalGids", "[1,-2]",
		    "process.user.additionalGids[1]: expected a group id *"),
		BAD("/process/user/additionalGids", "[4294967295]",
		    "process.user.additionalGids[0]: expected a group id *"),
		OK("/process/user/username", "\"ignored\""),
		BAD("/process/args", NULL, "process.args: args must not be empty"),
		BAD("/process/args", "[]", "process.args: args must not be empty"),
		BAD("/process/args", "null", "process.args: args must not be empty"),
		BAD("/process/args", "\"sh\"", "process.args: expected an array of strings"),
		BAD("/process/args", "{\"0\":\"sh\"}",
		    "process.args: expected an array of strings"),
		BAD("/process/args", "[\"sh\",1]", "process.args[1]: expected a string"),
		BAD("/process/args", "[\"sh\",null]", "process.args[1]: expected a string"),
		BAD("/process/args", "[\"sh\",12345678901234567]",
		    "process.args[1]: expected a string"),
		OK("/process/args", "[\"sh\",\"\"]"),
		OK("/process/env", "[]"),
		OK("/process/env", "null"),
		OK("/process/env", NULL),
		OK("/process/env", "[\"A=\"]"),
		OK("/process/env", "[\"A=1\",\"A=2\"]"),
		BAD("/process/env", "[\"A=1\",\"B\"]", "process.env[1]: entry without \"=\""),
		BAD("/process/env", "[\"A\",\"A=1\"]", "process.env[0]: entry without \"=\""),
		BAD("/process/env", "[\"=x\"]", "process.env[0]: empty name"),
		BAD("/process/env", "[\"\"]", "process.env[0]: entry without \"=\""),
		BAD("/process/env", "{\"A\":\"1\"}", "process.env: expected an array of strings"),
		BAD("/process/cwd", NULL, "process.cwd: Cwd property must not be empty"),
		BAD("/process/cwd", "\"\"", "process.cwd: Cwd property must not be empty"),
		BAD("/process/cwd", "\"tmp\"", "process.cwd: Cwd must be an absolute path"),
		OK("/process/cwd", "\"/proc/self/fd/9\""),
		BAD("/process/cwd", "false", "process.cwd: expected a string"),
		OK("/process/capabilities", NULL),
		OK("/process/capabilities", "{}"),
		BAD("/process/capabilities", "\"x\"", "process.capabilities: expected an object"),
		BAD("/process/capabilities", "[\"CAP_KILL\"]",
		    "process.capabilities: expected an object"),
		BAD("/process/capabilities/bounding", "\"CAP_KILL\"",
		    "process.capabilities.bounding: expected an array of capability names"),
		BAD("/process/capabilities/bounding", "[1]",
		    "process.capabilities.bounding[0]: expected a string"),
		OK("/process/capabilities/bounding", "[\"CAP_NO_SUCH\",\"CAP_KILL\"]"),
		{ .at = "/process/capabilities/effective",
		  .value = "[\"CAP_CHOWN\"]",
		  .expect =
		      "process.capabilities.effective: CAP_CHOWN is not in the permitted set: *",
		  .code = -EPERM },
		{ .at = "/process/capabilities/ambient",
		  .value = "[\"CAP_KILL\"]",
		  .expect = NULL,
		  .at2 = "/process/capabilities/inheritable",
		  .value2 = "[\"CAP_KILL\"]" },
		OK("/process/rlimits", "[]"),
		BAD("/process/rlimits/0/type", "\"RLIMIT_NOPE\"",
		    "process.rlimits[0].type: unknown limit \"RLIMIT_NOPE\""),
		BAD("/process/rlimits/0/type", NULL,
		    "process.rlimits[0].type: required property is missing"),
		BAD("/process/rlimits/0/soft", "1025",
		    "process.rlimits[0].soft: is above the hard limit"),
		BAD("/process/rlimits/0/soft", NULL,
		    "process.rlimits[0].soft: required property is missing"),
		OK("/process/rlimits/0/hard", "18446744073709551615"),
		BAD("/process/rlimits/0/hard", "18446744073709551616",
		    "process.rlimits[0].hard: out of range 0..18446744073709551615"),
		BAD("/process/rlimits/-", "{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,\"hard\":1}",
		    "process.rlimits[1].type: limit is set twice"),
		OK("/process/rlimits/-", "{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":1}"),
		BAD("/process/rlimits/-", "3", "process.rlimits[1]: expected an object"),
		BAD("/process/noNewPrivileges", "\"true\"",
		    "process.noNewPrivileges: expected true or false"),
		OK("/process/oomScoreAdj", "-1000"),
		BAD("/process/oomScoreAdj", "1001",
		    "process.oomScoreAdj: out of range -1000..1000"),
		BAD("/process/oomScoreAdj", "-1001",
		    "process.oomScoreAdj: out of range -1000..1000"),
	};

	(void)state;
	RUN(cases);
}

#define MOUNT(text) "{\"destination\":\"/m\"," text "}"
#define TMPFS       "\"type\":\"tmpfs\",\"source\":\"tmpfs\""
#define BIND(more)  "\"source\":\"/x\",\"options\":[\"bind\",\"" more "\"]"
#define MAP         "{\"containerID\":0,\"hostID\":5,\"size\":1}"
#define MAPS(kind)  ",\"" kind "Mappings\":[" MAP "]"

static void test_mounts(void **state)
{
	static const struct edit_case cases[] = {
		OK("/mounts", "null"),
		BAD("/mounts", "{}", "mounts: expected an array"),
		BAD("/mounts", "[\"x\"]", "mounts[0]: expected an object"),
		BAD("/mounts/0/destination", NULL,
		    "mounts[0].destination: required property is missing"),
		BAD("/mounts/0/destination", "\"\"", "mounts[0].destination: must not be empty"),
		BAD("/mounts/0/destination", "\"/\"",
		    "mounts[0].destination: must not be the root"),
		BAD("/mounts/0/destination", "\"/..\"",
		    "mounts[0].destination: must not be the root"),
		OK("/mounts/0/destination", "\"//a/./b/..\""),
		OK("/mounts/0/destination", "\"rel/x\""),
		BAD("/mounts/0/destination", "\"/" S250 "xxxxxx\"",
		    "mounts[0].destination: a path component is longer than 255 bytes"),
		OK("/mounts/0/destination", "\"/" S250 "xxxxx\""),
		BAD("/mounts/0/destination", "[]", "mounts[0].destination: expected a string"),
		BAD("/mounts/0/type", NULL, "mounts[0].type: must not be empty"),
		BAD("/mounts/0/type", "\"bind\"",
		    "mounts[0].type: \"bind\" needs the option \"bind\" or \"rbind\""),
		BAD("/mounts/1/options", "\"ro\"",
		    "mounts[1].options: expected an array of strings"),
		BAD("/mounts/1/options/0", "1", "mounts[1].options[0]: expected a string"),
		OK("/mounts/1/options", "null"),
		OK("/mounts/-", MOUNT("\"source\":\"/x\",\"options\":[\"bind\"]")),
		OK("/mounts/-", MOUNT("\"source\":\"x\",\"options\":[\"ro\",\"rbind\"]")),
		BAD("/mounts/-", MOUNT("\"options\":[\"bind\"]"),
		    "mounts[7].source: must not be empty for a bind mount"),
		BAD("/mounts/-", MOUNT("\"source\":\"\",\"options\":[\"bind\"]"),
		    "mounts[7].source: must not be empty for a bind mount"),
		OK("/mounts/-", MOUNT(TMPFS ",\"options\":[\"tmpcopyup\"]")),
		OK("/mounts/-", MOUNT(BIND("idmap"))),
		OK("/mounts/-", MOUNT(BIND("ridmap") MAPS("uid") MAPS("gid"))),
		BAD("/mounts/-", MOUNT(BIND("idmap") MAPS("uid")),
		    "mounts[7].gidMappings: id-mapped mounts must have both uid and gid mappings "
		    "specified"),
		BAD("/mounts/-", MOUNT(BIND("idmap") MAPS("gid")),
		    "mounts[7].uidMappings: id-mapped mounts must have both uid and gid mappings "
		    "specified"),
		BAD("/mounts/-", MOUNT(TMPFS ",\"uidMappings\":[{\"containerID\":0}]"),
		    "mounts[7].uidMappings[0].hostID: required property is missing"),
		BAD("/mounts/-",
		    MOUNT(BIND("idmap") ",\"gidMappings\":[" MAP "," MAP "]" MAPS("uid")),
		    "mounts[7].gidMappings[1].containerID: overlaps entry 0"),
		OK("/mounts/-", MOUNT(TMPFS ",\"gidMappings\":[]")),
		BAD("/linux/namespaces", "[{\"type\":\"uts\"}]",
		    "linux.maskedPaths: unable to restrict sys entries without a private MNT "
		    "namespace"),
		OK("/linux", "{\"namespaces\":[{\"type\":\"uts\"}]}"),
		OK("/linux", "{\"namespaces\":[{\"type\":\"uts\"}],\"rootfsPropagation\":"
		             "\"shared\",\"maskedPaths\":[],\"readonlyPaths\":[]}"),
		BAD("/linux",
		    "{\"namespaces\":[{\"type\":\"uts\"}],\"readonlyPaths\":[\"/proc/bus\"]}",
		    "linux.readonlyPaths: unable to restrict sys entries without a private MNT "
		    "namespace"),
		BAD("/linux",
		    "{\"namespaces\":[{\"type\":\"uts\"},{\"type\":\"user\"}],\"uidMappings\":"
		    "[" MAP "],\"gidMappings\":[" MAP "]}",
		    "linux.namespaces: a user namespace without a mount namespace: the kernel lets "
		    "it "
		    "mount nothing, not even its root"),
		BAD("/linux", NULL,
		    "hostname: unable to set hostname without a private UTS namespace"),
	};

	(void)state;
	RUN(cases);
}

static void test_hooks(void **state)
{
	static const char *const kinds[] = { "prestart",       "createRuntime", "createContainer",
		                             "startContainer", "poststart",     "poststop" };
	static const struct edit_case cases[] = {
		OK("/hooks", "{}"),
		OK("/hooks", "null"),
		BAD("/hooks", "[]", "hooks: expected an object"),
		OK("/hooks/poststop", "[]"),
		BAD("/hooks/poststop", "{}", "hooks.poststop: expected an array"),
		BAD("/hooks/poststop", "[{\"args\":[\"a\"]}]",
		    "hooks.poststop[0].path: required property is missing"),
		BAD("/hooks/poststop", "[{\"path\":\"bin/x\"}]",
		    "hooks.poststop[0].path: must be absolute"),
		BAD("/hooks/poststop", "[{\"path\":\"/x\",\"timeout\":0}]",
		    "hooks.poststop[0].timeout: out of range 1..9223372036854775"),
		BAD("/hooks/poststop", "[{\"path\":\"/x\",\"timeout\":-1}]",
		    "hooks.poststop[0].timeout: *"),
		BAD("/hooks/poststop", "[{\"path\":\"/x\",\"timeout\":1.5}]",
		    "hooks.poststop[0].timeout: expected an integer"),
		OK("/hooks/poststop", "[{\"path\":\"/x\",\"timeout\":10}]"),
		BAD("/hooks/poststop", "[{\"path\":\"/x\",\"env\":[1]}]",
		    "hooks.poststop[0].env[0]: expected a string"),
		OK("/hooks/poststop", "[{\"path\":\"/x\",\"args\":[]}]"),
	};

	(void)state;
	RUN(cases);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char at[64], expect[96];
		struct edit_case c = { .at = at,
			               .value = "[{\"path\":\"/ok\"},{\"path\":\"relative\"}]",
			               .expect = expect };

		snprintf(at, sizeof(at), "/hooks/%s", kinds[i]);
		snprintf(expect, sizeof(expect), "hooks.%s[1].path: must be absolute", kinds[i]);
		check_edits(&c, 1);
	}
}

/* Known and not implemented: any value is refused by name, an empty one is as good as none. */
/* Nothing that the tables know is left to be refused for not being there. */
static void check_known(const struct field *table, int depth)
{
	assert_true(depth < 16);
	for (const struct field *f = table; f->name; f++) {
		const struct field *inner = f->inner ? f->inner : f->sub;

		if (f->kind == F_REFUSED)
			fail_msg("\"%s\" is refused", f->name);
		if (inner)
			check_known(inner, depth + 1);
	}
}

static void test_refused(void **state)
{
	(void)state;
	check_known(spec_top_fields, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top),     cmocka_unit_test(test_process),
		cmocka_unit_test(test_mounts),  cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
