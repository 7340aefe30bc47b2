/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader takes and refuses in the linux object, but for seccomp. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "spec_edit.h"

#define RUN(cases) check_edits(cases, ARRAY_SIZE(cases))

#define S10  "xxxxxxxxxx"
#define S50  S10 S10 S10 S10 S10
#define S250 S50 S50 S50 S50 S50

static void test_namespaces(void **state)
{
	static const char *const types[] = { "pid",   "network", "ipc", "uts",
		                             "mount", "cgroup",  "time" };
	static const struct edit_case cases[] = {
		BAD("/linux/namespaces", "{}", "linux.namespaces: expected an array"),
		BAD("/linux/namespaces/0", "\"pid\"", "linux.namespaces[0]: expected an object"),
		BAD("/linux/namespaces/0", "{}",
		    "linux.namespaces[0].type: required property is missing"),
		BAD("/linux/namespaces/0/type", "\"nope\"",
		    "linux.namespaces[0].type: namespace \"nope\" does not exist"),
		BAD("/linux/namespaces/0/type", "\"PID\"",
		    "linux.namespaces[0].type: namespace \"PID\" does not exist"),
		BAD("/linux/namespaces/0/type", "\"ipc\"",
		    "linux.namespaces[2].type: namespace \"ipc\" is listed twice"),
		BAD("/linux/namespaces/0/path", "\"proc/1/ns/pid\"",
		    "linux.namespaces[0].path: must be absolute"),
		OK("/linux/namespaces/0/path", "\"/proc/1/ns/pid\""),
		OK("/linux/namespaces/0/path", "\"\""),
		BAD("/linux/namespaces/-", "{\"type\":\"user\"}",
		    "linux.namespaces: user namespaces enabled, but no namespace path to join nor "
		    "mappings to apply specified"),
		OK("/linux/namespaces/-", "{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}"),
	};

	(void)state;
	RUN(cases);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		char value[160];
		struct edit_case c = OK("/linux/namespaces", value);

		snprintf(value, sizeof(value), "[{\"type\":\"%s\"}%s%s]", types[i],
		         strcmp(types[i], "uts") ? ",{\"type\":\"uts\"}" : "",
		         strcmp(types[i], "mount") ? ",{\"type\":\"mount\"}" : "");
		check_edits(&c, 1);
	}
}

#define USERNS "/linux/namespaces/-", .value2 = "{\"type\":\"user\"}"
#define MAP1   "{\"containerID\":0,\"hostID\":1000,\"size\":10}"
#define BOTH(m)                                                                          \
	"{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"user\"}]," \
	"\"uidMappings\":[" m "],\"gidMappings\":[" m "]}"

static void test_mappings(void **state)
{
	static const struct edit_case cases[] = {
		BAD("/linux/uidMappings", "[" MAP1 "]",
		    "linux.uidMappings: user namespace mappings specified, but user namespace "
		    "isn't "
		    "enabled in the config"),
		{ .at = "/linux/uidMappings",
		  .value = "[" MAP1 "]",
		  .expect = "linux.gidMappings: required with a new user namespace",
		  .at2 = USERNS },
		OK("/linux", BOTH(MAP1)),
		OK("/linux", BOTH("{\"containerID\":0,\"hostID\":0,\"size\":4294967295}")),
		BAD("/linux", BOTH("{\"containerID\":1,\"hostID\":0,\"size\":4294967295}"),
		    "linux.uidMappings[0].size: the range ends above 4294967294"),
		BAD("/linux", BOTH("{\"containerID\":0,\"hostID\":5,\"size\":0}"),
		    "linux.uidMappings[0].size: out of range 1..4294967295"),
		BAD("/linux", BOTH("{\"containerID\":0,\"size\":1}"),
		    "linux.uidMappings[0].hostID: required property is missing"),
		BAD("/linux", BOTH(MAP1 ",{\"containerID\":9,\"hostID\":5000,\"size\":1}"),
		    "linux.uidMappings[1].containerID: overlaps entry 0"),
		BAD("/linux", BOTH(MAP1 ",{\"containerID\":10,\"hostID\":1009,\"size\":1}"),
		    "linux.uidMappings[1].hostID: overlaps entry 0"),
		OK("/linux", BOTH(MAP1 ",{\"containerID\":10,\"hostID\":1010,\"size\":1}")),
		{ .at = "/linux",
		  .value = BOTH(MAP1),
		  .at2 = "/process/user/uid",
		  .value2 = "10",
		  .expect =
		      "process.user.uid: cannot setuid to unmapped uid 10 in user namespace" },
		{ .at = "/linux",
		  .value = BOTH(MAP1),
		  .at2 = "/process/user/gid",
		  .value2 = "10",
		  .expect =
		      "process.user.gid: cannot setgid to unmapped gid 10 in user namespace" },
		{ .at = "/linux",
		  .value = BOTH(MAP1),
		  .at2 = "/process/user/additionalGids",
		  .value2 = "[3,11]",
		  .expect = "process.user.additionalGids[1]: cannot use unmapped gid 11 *" },
		{ .at = "/linux", .value = BOTH(MAP1), .at2 = "/process/user/uid", .value2 = "9" },
	};

	(void)state;
	RUN(cases);
}

static void test_devices(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/devices", DEV("")),
		OK("/linux/devices", DEV(",\"fileMode\":438,\"uid\":1,\"gid\":2")),
		/* 020666: st_mode of a character device. */
		OK("/linux/devices", DEV(",\"fileMode\":8630")),
		BAD("/linux/devices", DEV(",\"fileMode\":25014"),
		    "linux.devices[0].fileMode: out of range 0..4095"),
		BAD("/linux/devices", DEV(",\"fileMode\":4096"),
		    "linux.devices[0].fileMode: out of range 0..4095"),
		OK("/linux/devices", "[{\"path\":\"/p\",\"type\":\"p\"}]"),
		OK("/linux/devices", "[{\"path\":\"/u\",\"type\":\"u\",\"major\":0,\"minor\":0}]"),
		BAD("/linux/devices", "[{\"path\":\"/x\",\"type\":\"z\"}]",
		    "linux.devices[0].type: unknown device type \"z\""),
		BAD("/linux/devices", "[{\"path\":\"/x\",\"type\":\"\"}]",
		    "linux.devices[0].type: unknown device type \"\""),
		BAD("/linux/devices", "[{\"path\":\"/x\",\"type\":\"c\"}]",
		    "linux.devices[0]: needs major and minor"),
		BAD("/linux/devices", "[{\"path\":\"/x\",\"type\":\"b\",\"major\":-1,\"minor\":0}]",
		    "linux.devices[0].major: *"),
		BAD("/linux/devices",
		    "[{\"path\":\"/x\",\"type\":\"b\",\"major\":4096,\"minor\":0}]",
		    "linux.devices[0].major: out of range 0..4095"),
		BAD("/linux/devices", "[{\"path\":\"x\",\"type\":\"p\"}]",
		    "linux.devices[0].path: must be absolute and without \"..\""),
		BAD("/linux/devices", "[{\"path\":\"/dev/../x\",\"type\":\"p\"}]",
		    "linux.devices[0].path: must be absolute and without \"..\""),
		BAD("/linux/devices", "[{\"path\":\"//\",\"type\":\"p\"}]",
		    "linux.devices[0].path: must name a file"),
		BAD("/linux/devices", "[{\"type\":\"p\"}]",
		    "linux.devices[0].path: required property is missing"),
		BAD("/linux/devices", "[7]", "linux.devices[0]: expected an object"),
		OK("/linux/devices", "null"),
	};

	(void)state;
	RUN(cases);
}

static void test_paths(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/maskedPaths", "[]"),
		OK("/linux/maskedPaths", "[\"/a\",\"/a\"]"),
		BAD("/linux/maskedPaths", "[\"/a\",\"b\"]",
		    "linux.maskedPaths[1]: must be absolute"),
		BAD("/linux/maskedPaths", "[\"\"]", "linux.maskedPaths[0]: must be absolute"),
		BAD("/linux/maskedPaths", "[\"/..\"]",
		    "linux.maskedPaths[0]: must not be the root"),
		BAD("/linux/readonlyPaths", "[\"/\"]",
		    "linux.readonlyPaths[0]: must not be the root"),
		BAD("/linux/readonlyPaths", "\"/a\"",
		    "linux.readonlyPaths: expected an array of strings"),
		OK("/linux/rootfsPropagation", "\"rslave\""),
		OK("/linux/rootfsPropagation", "\"unbindable\""),
		OK("/linux/rootfsPropagation", "\"\""),
		BAD("/linux/rootfsPropagation", "\"Shared\"",
		    "linux.rootfsPropagation: unknown propagation \"Shared\""),
		OK("/linux/cgroupsPath", "\"/a/b\""),
		OK("/linux/cgroupsPath", "\"a/b\""),
		OK("/linux/cgroupsPath", "\"\""),
		OK("/linux/cgroupsPath", "\"system.slice:berth:name\""),
		OK("/linux/cgroupsPath", "\"/a..b/..c\""),
		BAD("/linux/cgroupsPath", "\"../../x\"",
		    "linux.cgroupsPath: \"..\" is not allowed"),
		BAD("/linux/cgroupsPath", "\"/x/../../y\"",
		    "linux.cgroupsPath: \"..\" is not allowed"),
		BAD("/linux/cgroupsPath", "\"/\"",
		    "linux.cgroupsPath: must not be the root cgroup"),
		BAD("/linux/cgroupsPath", "\"//.//\"",
		    "linux.cgroupsPath: must not be the root cgroup"),
		BAD("/linux/cgroupsPath", "\"/a\\nb\"", "linux.cgroupsPath: control character"),
		BAD("/linux/cgroupsPath", "\"/" S250 "xxxxxx\"",
		    "linux.cgroupsPath: a component is longer than 255 bytes"),
		BAD("/linux/cgroupsPath", "3", "linux.cgroupsPath: expected a string"),
	};

	(void)state;
	RUN(cases);
}

#define SYSCTL(key, value) "{\"" key "\":\"" value "\"}"
#define HOST_ONLY(key)                         \
	BAD("/linux/sysctl", SYSCTL(key, "1"), \
	    "linux.sysctl: sysctl \"" key "\" is not in a separate kernel namespace")
#define MALFORMED(key) BAD("/linux/sysctl", SYSCTL(key, "1"), "linux.sysctl: invalid name \"*")

static void test_sysctl(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/sysctl", SYSCTL("net.ipv4.ip_forward", "1")),
		OK("/linux/sysctl", SYSCTL("net/ipv4/conf/eno2.100/mtu", "1")),
		OK("/linux/sysctl", SYSCTL("kernel.sem", "250\\t32000 32 128")),
		OK("/linux/sysctl", SYSCTL("kernel.shm_rmid_forced", "1")),
		OK("/linux/sysctl", SYSCTL("fs.mqueue.msg_max", "1")),
		OK("/linux/sysctl", SYSCTL("kernel.domainname", "x")),
		HOST_ONLY("kernel.core_pattern"),
		HOST_ONLY("kernel/core_pattern"),
		HOST_ONLY("vm.overcommit_memory"),
		HOST_ONLY("kernel.shm_rmid_forced2"),
		HOST_ONLY("network.x"),
		HOST_ONLY("fs.mqueue2.x"),
		HOST_ONLY("net"),
		MALFORMED("net/ipv4/../../kernel/panic"),
		MALFORMED("net.ipv4...x"),
		MALFORMED("net./..kernel"),
		MALFORMED("net.ipv4."),
		MALFORMED(".net.ipv4"),
		MALFORMED("net//ipv4"),
		MALFORMED("net/./ipv4"),
		MALFORMED("net.ipv4\\nx"),
		BAD("/linux/sysctl", SYSCTL("", "1"), "linux.sysctl: empty key"),
		BAD("/linux/sysctl", "{\"net.x\":1}", "linux.sysctl.net.x: expected a string"),
		BAD("/linux/sysctl", SYSCTL("kernel.hostname", "x"),
		    "linux.sysctl: sysctl \"kernel.hostname\" is not allowed as it conflicts with "
		    "the "
		    "OCI \"hostname\" field"),
		{ .at = "/linux/sysctl",
		  .value = SYSCTL("kernel.domainname", "x"),
		  .expect = "linux.sysctl: sysctl \"kernel.domainname\" is not allowed as it *",
		  .at2 = "/domainname",
		  .value2 = "\"d\"" },
		BAD("/linux/sysctl", SYSCTL("net.x", "a\\nb"),
		    "linux.sysctl: control character in the value of \"net.x\""),
		BAD("/linux/sysctl", SYSCTL("user.max_user_namespaces", "1"),
		    "linux.sysctl: sysctl \"user.max_user_namespaces\" is not allowed in the hosts "
		    "user "
		    "namespace"),
		{ .at = "/linux/sysctl",
		  .value = SYSCTL("net.x", "1"),
		  .expect = "linux.sysctl: sysctl \"net.x\" is not allowed in the hosts network "
		            "namespace",
		  .at2 = "/linux/namespaces/1" },
		{ .at = "/linux/sysctl",
		  .value = SYSCTL("kernel.sem", "1"),
		  .expect = "linux.sysctl: sysctl \"kernel.sem\" is not allowed in the hosts ipc "
		            "namespace",
		  .at2 = "/linux/namespaces/2" },
	};

	(void)state;
	RUN(cases);
}

static void test_resources(void **state)
{
	static const struct edit_case cases[] = {
		OK(RES, "{}"),
		OK(RES, "null"),
		BAD(RES, "[]", "linux.resources: expected an object"),
		BAD(RES "/memory", "5", "linux.resources.memory: expected an object"),
		BAD(RES "/memory", "{\"limit\":100,\"swap\":99}",
		    "linux.resources.memory.swap: memory+swap limit should be >= memory limit"),
		BAD(RES "/memory", "{\"swap\":99}",
		    "linux.resources.memory.swap: unable to set swap limit without memory limit"),
		BAD(RES "/memory", "{\"limit\":-1,\"swap\":99}",
		    "linux.resources.memory.swap: unable to set swap limit without memory limit"),
		OK(RES "/memory", "{\"limit\":100,\"swap\":100}"),
		OK(RES "/memory", "{\"limit\":100,\"swap\":-1}"),
		OK(RES "/memory", "{\"limit\":-1,\"swap\":0}"),
		OK(RES "/memory/swappiness", "18446744073709551615"),
		OK(RES "/memory/swappiness", "-1"),
		BAD(RES "/memory/swappiness", "101",
		    "linux.resources.memory.swappiness: expected a percentage (0..100)"),
		BAD(RES "/memory/disableOOMKiller", "0",
		    "linux.resources.memory.disableOOMKiller: expected true or false"),
		OK(RES "/cpu/cpus", "\"0-3,7\""),
		OK(RES "/cpu/cpus", "\"\""),
		BAD(RES "/cpu/cpus", "\"0-3;7\"",
		    "linux.resources.cpu.cpus: expected a list of numbers like \"0-3,7\""),
		BAD(RES "/cpu/mems", "\"0\\n1\"", "linux.resources.cpu.mems: *"),
		BAD(RES "/cpu/mems", "0", "linux.resources.cpu.mems: expected a string"),
		OK(RES "/pids/limit", "0"),
		BAD(RES "/pids/limit", "-2",
		    "linux.resources.pids.limit: out of range "
		    "-1..9223372036854775807"),
		BAD(RES "/pids/limit", "\"5\"", "linux.resources.pids.limit: expected an integer"),
		OK(RES "/blockIO/weight", "0"),
		OK(RES "/blockIO/weight", "10"),
		OK(RES "/blockIO/weight", "1000"),
		BAD(RES "/blockIO/weight", "9",
		    "linux.resources.blockIO.weight: expected a weight (10..1000)"),
		BAD(RES "/blockIO/leafWeight", "1001", "linux.resources.blockIO.leafWeight: *"),
		OK(RES "/blockIO/weightDevice", "[{\"major\":8,\"minor\":0,\"weight\":500}]"),
		BAD(RES "/blockIO/weightDevice", "[{\"major\":8,\"minor\":0}]",
		    "linux.resources.blockIO.weightDevice[0]: needs weight or leafWeight"),
		OK(RES "/blockIO/throttleReadBpsDevice",
		   "[{\"major\":8,\"minor\":0,\"rate\":600}]"),
		BAD(RES "/blockIO/throttleWriteIOPSDevice", "[{\"major\":8,\"minor\":0}]",
		    "linux.resources.blockIO.throttleWriteIOPSDevice[0].rate: required *"),
		OK(RES "/hugepageLimits", "[{\"pageSize\":\"2MB\",\"limit\":0}]"),
		BAD(RES "/hugepageLimits", "[{\"pageSize\":\"../2MB\",\"limit\":0}]",
		    "linux.resources.hugepageLimits[0].pageSize: expected a size like \"2MB\""),
		BAD(RES "/hugepageLimits", "[{\"pageSize\":\"MB\",\"limit\":0}]",
		    "linux.resources.hugepageLimits[0].pageSize: *"),
		BAD(RES "/hugepageLimits",
		    "[{\"pageSize\":\"2MB\",\"limit\":0},{\"pageSize\":\"2MB\",\"limit\":1}]",
		    "linux.resources.hugepageLimits: 2MB is there twice"),
		OK(RES "/devices", "[]"),
		OK(RES "/devices",
		   "[{\"allow\":true,\"type\":\"c\",\"major\":1,\"access\":\"r\"}]"),
		OK(RES "/devices", "[{\"allow\":true,\"major\":-1,\"minor\":-1,\"access\":\"m\"}]"),
		BAD(RES "/devices", "[{\"access\":\"r\"}]",
		    "linux.resources.devices[0].allow: required property is missing"),
		BAD(RES "/devices", "[{\"allow\":true}]",
		    "linux.resources.devices[0].access: device access field cannot be empty"),
		OK(RES "/devices", "[{\"allow\":false,\"access\":\"rwa\"}]"),
		BAD(RES "/devices", "[{\"allow\":true,\"access\":\"x\"}]",
		    "linux.resources.devices[0].access: expected letters out of \"rwm\""),
		BAD(RES "/devices", "[{\"allow\":true,\"access\":\"r\",\"type\":\"p\"}]",
		    "linux.resources.devices[0].type: unknown device type \"p\""),
		BAD(RES "/devices", "[{\"allow\":1,\"access\":\"r\"}]",
		    "linux.resources.devices[0].allow: expected true or false"),
		OK(RES "/unified",
		   "{\"memory.high\":\"1\",\"io.max\":\"8:0 rbps=1\\n8:16 rbps=2\"}"),
		BAD(RES "/unified", "{\"cgroup.procs\":\"1\"}",
		    "linux.resources.unified.cgroup.procs: files of the cgroup core can't be set"),
		BAD(RES "/unified", "{\"cgroup.kill\":\"1\"}",
		    "linux.resources.unified.cgroup.kill: *"),
		BAD(RES "/unified", "{\"a/b.c\":\"1\"}",
		    "linux.resources.unified.a/b.c: invalid file name"),
		BAD(RES "/unified", "{\"../x\":\"1\"}",
		    "linux.resources.unified.../x: invalid file name"),
		BAD(RES "/unified", "{\"memory\":\"1\"}",
		    "linux.resources.unified.memory: must be in the form CONTROLLER.PARAMETER"),
		BAD(RES "/unified", "{\".max\":\"1\"}",
		    "linux.resources.unified..max: must be in *"),
		BAD(RES "/unified", "{\"memory.\":\"1\"}",
		    "linux.resources.unified.memory.: must be *"),
		BAD(RES "/unified", "{\"memory.high\":\"a\\tb\"}",
		    "linux.resources.unified.memory.high: control character in value"),
		BAD(RES "/unified", "{\"memory.high\":1}",
		    "linux.resources.unified.memory.high: expected a string"),
	};

	(void)state;
	RUN(cases);
}

static void test_net_devices(void **state)
{
	static const struct edit_case cases[] = {
		OK("/linux/netDevices", "null"),
		OK("/linux/netDevices", "{}"),
		OK("/linux/netDevices", "{\"eth0\":{}}"),
		OK("/linux/netDevices", "{\"eth0\":{\"name\":\"\"},\"eth1\":{\"name\":\"net%d\"}}"),
		OK("/linux/netDevices", "{\"e\":{\"name\":\"net%d\"},\"f\":{\"name\":\"net%d\"}}"),
		BAD("/linux/netDevices", "[]", "linux.netDevices: expected an object"),
		BAD("/linux/netDevices", "{\"eth0\":1}",
		    "linux.netDevices.eth0: expected an object"),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":1}}",
		    "linux.netDevices.eth0.name: expected a string"),
		BAD("/linux/netDevices", "{\"\":{}}",
		    "linux.netDevices: invalid network device name \"\""),
		BAD("/linux/netDevices", "{\"..\":{}}",
		    "linux.netDevices: invalid network device name \"..\""),
		BAD("/linux/netDevices", "{\"a b\":{}}",
		    "linux.netDevices: invalid network device name \"a b\""),
		OK("/linux/netDevices", "{\"eth0\":{\"name\":\"abcdefghijklmno\"}}"),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"abcdefghijklmnop\"}}",
		    "linux.netDevices.eth0.name: invalid network device name "
		    "\"abcdefghijklmnop\""),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"a/b\"}}",
		    "linux.netDevices.eth0.name: invalid network device name \"a/b\""),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"a:1\"}}",
		    "linux.netDevices.eth0.name: invalid network device name \"a:1\""),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"a%s\"}}",
		    "linux.netDevices.eth0.name: invalid network device name \"a%s\""),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"a%d%d\"}}",
		    "linux.netDevices.eth0.name: invalid network device name \"a%d%d\""),
		BAD("/linux/netDevices", "{\"eth0\":{\"name\":\"x\"},\"x\":{}}",
		    "linux.netDevices.x.name: \"x\" is the name of \"eth0\" already"),
		{ .at = "/linux/netDevices",
		  .value = "{\"eth0\":{}}",
		  .expect = "linux.netDevices: unable to move network devices without a private "
		            "NET namespace",
		  .at2 = "/linux/namespaces",
		  .value2 = "[{\"type\":\"mount\"},{\"type\":\"uts\"},{\"type\":\"ipc\"}]" },
	};
	struct spec *spec;

	(void)state;
	RUN(cases);
	spec = spec_with("/linux/netDevices", "{\"a\":{},\"b\":{\"name\":\"c\"}}");
	assert_int_equal(spec->linux_.n_net_devices, 2);
	assert_string_equal(spec->linux_.net_devices[0].host_name, "a");
	assert_string_equal(spec->linux_.net_devices[0].name, "a");
	assert_string_equal(spec->linux_.net_devices[1].host_name, "b");
	assert_string_equal(spec->linux_.net_devices[1].name, "c");
	spec_free(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces),  cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_devices),     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_sysctl),      cmocka_unit_test(test_resources),
		cmocka_unit_test(test_net_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
