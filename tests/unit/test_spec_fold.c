/* SPDX-License-Identifier: Apache-2.0 */
/* Names of properties in another case: what they are taken for, and what two of one name become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/strv.h"
#include "spec_edit.h"

#define CPU_TWICE \
	"linux.resources: property \"cpu\" is there more than once: what comes later counts"

/* Two edits at the same document, in this order. */
static struct spec *with_two(const char *at, const char *value, const char *at2, const char *value2)
{
	const struct edit_case c = { .at = at, .value = value, .at2 = at2, .value2 = value2 };
	struct spec *spec = NULL;
	struct err err = { 0 };

	if (spec_load_edited(&c, &spec, &err) < 0)
		fail_msg("%s", err.msg);
	return spec;
}

static void test_alone(void **state)
{
	_cleanup_spec_ struct spec *deep = spec_with(
	    "/Mounts", "[{\"Destination\":\"/a\",\"TYPE\":\"tmpfs\"},{\"destination\":\"/b\","
	               "\"type\":\"tmpfs\",\"OPTIONS\":[\"ro\"]}]");

	(void)state;
	/* The default document has mounts, before these. */
	assert_int_equal(deep->n_mounts, 2);
	assert_string_equal(deep->mounts[0].destination, "/a");
	assert_string_equal(deep->mounts[0].type, "tmpfs");
	assert_string_equal(deep->mounts[1].options[0], "ro");
	assert_string_equal(deep->warnings,
	                    "property \"Mounts\" is taken for \"mounts\"\n"
	                    "mounts[0]: property \"Destination\" is taken for \"destination\"\n"
	                    "mounts[0]: property \"TYPE\" is taken for \"type\"\n"
	                    "mounts[1]: property \"OPTIONS\" is taken for \"options\"\n"
	                    "property \"mounts\" is there more than once: what comes later counts");
}

/* What the tables read by functions of their own is reached, too. */
static void test_custom(void **state)
{
	_cleanup_spec_ struct spec *seccomp = spec_with(
	    "/linux/SECCOMP", "{\"DefaultAction\":\"SCMP_ACT_ALLOW\",\"Syscalls\":[{\"Names\":["
	                      "\"chdir\"],\"Action\":\"SCMP_ACT_KILL\"}]}");
	_cleanup_spec_ struct spec *device = spec_with(
	    "/linux/devices", "[{\"Path\":\"/dev/x\",\"Type\":\"c\",\"Major\":1,\"Minor\":2}]");
	_cleanup_spec_ struct spec *rdma =
	    spec_with(RES, "{\"RDMA\":{\"Mlx\":{\"HcaHandles\":3}}}");
	_cleanup_spec_ struct spec *caps =
	    spec_with("/process/capabilities", "{\"Bounding\":[\"CAP_KILL\"]}");

	(void)state;
	assert_int_equal(seccomp->linux_.seccomp.n_rules, 1);
	assert_string_equal(device->linux_.devices[0].path, "/dev/x");
	assert_int_equal(device->linux_.devices[0].minor, 2);
	assert_string_equal(rdma->linux_.resources.rdma.list[0].device, "Mlx");
	assert_int_equal(rdma->linux_.resources.rdma.list[0].hca_handles.v, 3);
	assert_true(caps->process.caps.bounding != 0);
	assert_non_null(strstr(caps->warnings, "process.capabilities: property \"Bounding\""));
}

static void test_objects_merge(void **state)
{
	_cleanup_spec_ struct spec *after =
	    spec_with(RES, "{\"cpu\":{\"shares\":5,\"cpus\":\"0\"},\"CPU\":{\"Cpus\":\"1\","
	                   "\"mems\":\"0\"}}");
	_cleanup_spec_ struct spec *before =
	    spec_with(RES, "{\"CPU\":{\"shares\":5,\"cpus\":\"0\"},\"cpu\":{\"cpus\":\"1\"}}");
	_cleanup_spec_ struct spec *inside =
	    spec_with(RES, "{\"cpu\":{\"cpus\":\"0\",\"Cpus\":\"1\"},\"CPU\":{\"CPUS\":\"2\","
	                   "\"cpus\":\"3\"},\"Cpu\":{\"quota\":7}}");

	(void)state;
	assert_string_equal(after->linux_.resources.cpu.cpus, "1");
	assert_string_equal(after->linux_.resources.cpu.mems, "0");
	assert_int_equal(after->linux_.resources.cpu.shares.v, 5);
	assert_string_equal(
	    after->warnings,
	    "linux.resources: property \"CPU\" is taken for \"cpu\"\n"
	    "linux.resources.cpu: property \"Cpus\" is taken for \"cpus\"\n" CPU_TWICE);
	assert_string_equal(before->linux_.resources.cpu.cpus, "1");
	assert_int_equal(before->linux_.resources.cpu.shares.v, 5);
	assert_string_equal(before->warnings,
	                    "linux.resources: property \"CPU\" is taken for \"cpu\"\n" CPU_TWICE);
	assert_string_equal(inside->linux_.resources.cpu.cpus, "3");
	assert_int_equal(inside->linux_.resources.cpu.quota.v, 7);
}

static void test_later_wins(void **state)
{
	_cleanup_spec_ struct spec *scalar = spec_with("/process/noNewprivileges", "false");
	_cleanup_spec_ struct spec *list =
	    with_two("/process/args", "[\"a\",\"b\"]", "/process/ARGS", "[\"c\"]");
	_cleanup_spec_ struct spec *none =
	    spec_with(RES, "{\"memory\":{\"limit\":5},\"Memory\":null}");
	_cleanup_spec_ struct spec *again =
	    spec_with(RES, "{\"Memory\":null,\"memory\":{\"limit\":5}}");

	(void)state;
	assert_false(scalar->process.no_new_privileges);
	assert_string_equal(scalar->warnings,
	                    "process: property \"noNewprivileges\" is taken for "
	                    "\"noNewPrivileges\"\nprocess: property \"noNewPrivileges\" is there "
	                    "more than once: what comes later counts");
	assert_int_equal(strv_len(list->process.args), 1);
	assert_string_equal(list->process.args[0], "c");
	assert_false(none->linux_.resources.memory.limit.set);
	assert_int_equal(again->linux_.resources.memory.limit.v, 5);
}

/* Names that are values keep their case, and so do those that nobody knows. */
static void test_values(void **state)
{
	_cleanup_spec_ struct spec *spec =
	    with_two("/annotations", "{\"a\":\"1\",\"A\":\"2\",\"hostname\":\"x\"}", "/Annotations",
	             "{\"a\":\"3\",\"b\":\"4\"}");
	_cleanup_spec_ struct spec *unknown = spec_with("/vendor", "{\"Linux\":1,\"linux\":2}");

	(void)state;
	assert_int_equal(spec->n_annotations, 4);
	assert_string_equal(spec_annotation(spec, "a"), "3");
	assert_string_equal(spec_annotation(spec, "A"), "2");
	assert_string_equal(spec_annotation(spec, "b"), "4");
	assert_null(unknown->warnings);
}

/* Equal names are no matter of case: refused as before, also beside one in another case. */
static void test_refused(void **state)
{
	static const struct edit_case cases[] = {
		BAD(RES, "{\"cpu\":{},\"cpu\":{}}", "JSON: duplicate key \"cpu\""),
		BAD(RES, "{\"CPU\":{},\"cpu\":{},\"CPU\":{}}", "JSON: duplicate key \"CPU\""),
		BAD("/linux/RESOURCES", "{\"CPU\":{\"Shares\":\"x\"}}",
		    "linux.resources.cpu.shares: expected an integer"),
		BAD("/HostName", "5", "hostname: expected a string"),
		BAD("/Linux", "5", "linux: expected an object"),
	};

	(void)state;
	check_edits(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),         cmocka_unit_test(test_custom),
		cmocka_unit_test(test_objects_merge), cmocka_unit_test(test_later_wins),
		cmocka_unit_test(test_values),        cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
