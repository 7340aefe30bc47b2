/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader takes and refuses in the linux object; ranges of every number of the document. */
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

#define DEV(text) "[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":1,\"minor\":2" text "}]"

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

#define RES "/linux/resources"

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

#define RULE(text)  "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{" text "}]}"
#define ERRNO(text) RULE("\"names\":[\"a\"],\"action\":\"SCMP_ACT_ERRNO\"" text)

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

/*
 * Every plain number: both ends are taken, the next value out is not, nor is anything but an
 * integer.
 */

struct range {
	const char *at;
	int64_t min;
	uint64_t max;
	const char
	    *around; /* the object with %s for the number, where required siblings are needed */
};

#define I64 INT64_MAX

static const struct range ranges[] = {
	{ "/process/user/uid", 0, 4294967294, NULL },
	{ "/process/user/gid", 0, 4294967294, NULL },
	{ "/process/user/umask", 0, 0777, NULL },
	{ "/process/user/additionalGids", 0, 4294967294, "[%s]" },
	{ "/process/consoleSize", 0, 65535, "{\"height\":%s,\"width\":1}" },
	{ "/process/consoleSize", 0, 65535, "{\"width\":%s,\"height\":1}" },
	{ "/process/oomScoreAdj", -1000, 1000, NULL },
	{ "/process/rlimits/0/soft", 0, 1024, NULL },
	{ "/process/rlimits/0/hard", 1024, UINT64_MAX, NULL },
	{ RES "/memory/limit", -1, I64, NULL },
	{ RES "/memory/reservation", -1, I64, NULL },
	{ RES "/memory/kernel", -1, I64, NULL },
	{ RES "/memory/kernelTCP", -1, I64, NULL },
	{ RES "/cpu/shares", 0, UINT64_MAX, NULL },
	{ RES "/cpu/quota", -1, I64, NULL },
	{ RES "/cpu/burst", 0, UINT64_MAX, NULL },
	{ RES "/cpu/period", 0, UINT64_MAX, NULL },
	{ RES "/cpu/realtimeRuntime", -1, I64, NULL },
	{ RES "/cpu/realtimePeriod", 0, UINT64_MAX, NULL },
	{ RES "/cpu/idle", 0, 1, NULL },
	{ RES "/pids/limit", -1, I64, NULL },
	{ RES "/hugepageLimits", 0, UINT64_MAX, "[{\"pageSize\":\"1GB\",\"limit\":%s}]" },
	{ RES "/devices", -1, 4095, "[{\"allow\":true,\"access\":\"r\",\"major\":%s}]" },
	{ RES "/devices", -1, 1048575, "[{\"allow\":true,\"access\":\"r\",\"minor\":%s}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, 4095,
	  "[{\"major\":%s,\"minor\":1,\"rate\":1}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, 1048575,
	  "[{\"minor\":%s,\"major\":1,\"rate\":1}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleWriteBpsDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleReadIOPSDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleWriteIOPSDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ "/linux/devices", 0, 4095,
	  "[{\"path\":\"/d\",\"type\":\"c\",\"minor\":0,\"major\":%s}]" },
	{ "/linux/devices", 0, 1048575,
	  "[{\"path\":\"/d\",\"type\":\"b\",\"major\":0,\"minor\":%s}]" },
	{ "/linux/devices", 0, 07777, DEV(",\"fileMode\":%s") },
	{ "/linux/devices", 0, 4294967294, "[{\"path\":\"/d\",\"type\":\"p\",\"uid\":%s}]" },
	{ "/linux/devices", 0, 4294967294, "[{\"path\":\"/d\",\"type\":\"p\",\"gid\":%s}]" },
	{ "/hooks/prestart", 1, I64 / 1000, "[{\"path\":\"/h\",\"timeout\":%s}]" },
	{ "/linux/seccomp", 0, UINT64_MAX,
	  ERRNO(",\"args\":[{\"index\":0,\"value\":%s,\"op\":\"SCMP_CMP_EQ\"}]") },
	{ "/linux/seccomp", 0, 5,
	  ERRNO(",\"args\":[{\"value\":0,\"index\":%s,\"op\":\"SCMP_CMP_EQ\"}]") },
	{ "/linux/seccomp", 0, 4095, ERRNO(",\"errnoRet\":%s") },
	{ "/process/scheduler", -20, 19, "{\"policy\":\"SCHED_OTHER\",\"nice\":%s}" },
	{ "/process/scheduler", 1, 99, "{\"policy\":\"SCHED_RR\",\"priority\":%s}" },
	{ "/process/scheduler", 1, UINT64_MAX,
	  "{\"policy\":\"SCHED_DEADLINE\",\"runtime\":%s,\"deadline\":18446744073709551615}" },
	{ "/process/scheduler", 1, UINT64_MAX,
	  "{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":%s}" },
	{ "/process/ioPriority", 0, 7, "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":%s}" },
	{ RES "/rdma", 0, UINT32_MAX, "{\"d\":{\"hcaHandles\":%s}}" },
	{ RES "/rdma", 0, UINT32_MAX, "{\"d\":{\"hcaObjects\":%s}}" },
	{ RES "/network/classID", 0, UINT32_MAX, NULL },
	{ RES "/network/priorities", 0, UINT32_MAX, "[{\"name\":\"e\",\"priority\":%s}]" },
};

static void try_number(const struct range *range, const char *number, const char *expect)
{
	char value[256];
	const char *mark = range->around ? strstr(range->around, "%s") : NULL;
	struct edit_case c = { .at = range->at, .value = value, .expect = expect };

	if (mark)
		snprintf(value, sizeof(value), "%.*s%s%s", (int)(mark - range->around),
		         range->around, number, mark + 2);
	else
		snprintf(value, sizeof(value), "%s", number);
	check_edits(&c, 1);
}

static void test_ranges(void **state)
{
	static const char *const never[] = {
		"1.5",
		"1e3",
		"1.0",
		"-0.5",
		"\"1\"",
		"true",
		"null",
		"[]",
		"{}",
		"18446744073709551616",
		"-9223372036854775809",
		"36893488147419103232",
		"100000000000000000000000000000000000000",
		"1e400",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *range = &ranges[i];
		char number[32];

		snprintf(number, sizeof(number), "%" PRId64, range->min);
		try_number(range, number, NULL);
		snprintf(number, sizeof(number), "%" PRIu64, range->max);
		try_number(range, number, NULL);
		snprintf(number, sizeof(number), "%" PRId64, range->min - 1);
		try_number(range, number, "*");
		if (range->max < UINT64_MAX) {
			snprintf(number, sizeof(number), "%" PRIu64, range->max + 1);
			try_number(range, number, "*");
		}
		for (size_t k = 0; k < ARRAY_SIZE(never); k++)
			try_number(range, never[k], "*");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces),  cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_devices),     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_sysctl),      cmocka_unit_test(test_resources),
		cmocka_unit_test(test_net_devices), cmocka_unit_test(test_listener),
		cmocka_unit_test(test_seccomp),     cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
