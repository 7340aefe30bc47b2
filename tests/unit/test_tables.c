/* SPDX-License-Identifier: Apache-2.0 */
/* The closed vocabularies: every row goes there and back, and nothing else is taken. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <seccomp.h>

#include "base/mem.h"
#include "berth/spec.h"
#include "kernel/syscalls.h"
#include "tables/caps.h"
#include "tables/devices.h"
#include "tables/mount_options.h"
#include "tables/namespaces.h"
#include "tables/rlimits.h"
#include "tables/seccomp_names.h"
#include "tables/signals.h"

/* Every name is found with its own value, no name is there twice; returns the number of rows. */
static size_t check_names(const struct name_value *table, const char *prefix)
{
	size_t n = 0;

	for (const struct name_value *row = table; row->name; row++, n++) {
		int64_t v = -1;

		assert_int_equal(strncmp(row->name, prefix, strlen(prefix)), 0);
		assert_int_equal(names_value(table, row->name, &v), 0);
		assert_true(v == row->value);
		assert_non_null(names_name(table, row->value));
		for (const struct name_value *other = row + 1; other->name; other++)
			assert_string_not_equal(row->name, other->name);
	}
	return n;
}

static void test_caps(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(check_names(caps_table, "CAP_"), CAPS_KNOWN);
	for (int i = 0; i < CAPS_KNOWN; i++)
		assert_int_equal(caps_table[i].value, i);
	assert_int_equal(names_value(caps_table, "CAP_SYS_ADMIN", &v), 0);
	assert_int_equal(v, CAP_SYS_ADMIN);
	assert_int_equal(names_value(caps_table, "cap_chown", &v), -ENOENT);
	assert_int_equal(names_value(caps_table, "CHOWN", &v), -ENOENT);
	assert_string_equal(names_name(caps_table, 40), "CAP_CHECKPOINT_RESTORE");
}

static void test_rlimits(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(check_names(rlimits_table, "RLIMIT_"), RLIM_NLIMITS);
	assert_int_equal(names_value(rlimits_table, "RLIMIT_NOFILE", &v), 0);
	assert_int_equal(v, RLIMIT_NOFILE);
	assert_int_equal(names_value(rlimits_table, "NOFILE", &v), -ENOENT);
}

static void test_seccomp_names(void **state)
{
	int64_t v;

	(void)state;
	assert_int_equal(check_names(seccomp_action_table, "SCMP_ACT_"), 9);
	assert_int_equal(check_names(seccomp_operator_table, "SCMP_CMP_"), 7);
	assert_true(check_names(seccomp_arch_table, "SCMP_ARCH_") >= 19);
	assert_int_equal(check_names(seccomp_flag_table, "SECCOMP_FILTER_FLAG_"), 4);
	assert_int_equal(names_value(seccomp_action_table, "SCMP_ACT_ERRNO", &v), 0);
	assert_true((uint32_t)v == SCMP_ACT_ERRNO(0));
	assert_int_equal(names_value(seccomp_action_table, "SCMP_ACT_KILL", &v), 0);
	assert_true((uint32_t)v == SCMP_ACT_KILL_THREAD);
	assert_int_equal(names_value(seccomp_arch_table, "SCMP_ARCH_X86_64", &v), 0);
	assert_true((uint32_t)v == SCMP_ARCH_X86_64);
}

static void test_namespaces(void **state)
{
	uint64_t seen = 0;

	(void)state;
	assert_int_equal(ARRAY_SIZE(ns_table), NS_TYPES);
	for (int i = 0; i < NS_TYPES; i++) {
		assert_non_null(ns_table[i].name);
		assert_non_null(ns_table[i].proc);
		assert_true(ns_table[i].clone_flag != 0);
		assert_true((seen & ns_table[i].clone_flag) == 0);
		seen |= ns_table[i].clone_flag;
	}
	assert_string_equal(ns_table[NS_NET].name, "network");
	assert_string_equal(ns_table[NS_NET].proc, "net");
	assert_string_equal(ns_table[NS_MOUNT].proc, "mnt");
	assert_true(ns_table[NS_TIME].clone_flag == CLONE_NEWTIME);
}

static void test_mount_option_rows(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct mount_option *o = mount_option_table; o->name; o++, n++) {
		/* Sorted, and so without duplicates: the binary search depends on it. */
		if (o[1].name)
			assert_true(strcmp(o->name, o[1].name) < 0);
		assert_ptr_equal(mount_option_find(o->name), o);
		assert_true((o->attr_set & ~o->attr_clr & o->attr_clr) == 0);
		if (o->kind == MOPT_ATTR) {
			assert_true((o->attr_set | o->attr_clr) != 0);
			/* mount_setattr(2): a change of the access-time kind clears the whole
			 * field. */
			if ((o->attr_set | o->attr_clr) & 0x70)
				assert_int_equal(o->attr_clr & 0x70, 0x70);
		} else {
			assert_true((o->attr_set | o->attr_clr) == 0);
		}
		assert_int_equal(o->kind == MOPT_PROPAGATION, o->propagation != 0);
		/* The recursive forms are those with an r in front of a known name. */
		if (o->recursive)
			assert_non_null(mount_option_find(o->name + 1));
	}
	assert_true(n > 60);
}

/* All that config.md lists for Linux, and what must stay file system data. */
static void test_mount_option_names(void **state)
{
	static const char *const known[] = {
		"async",      "atime",         "bind",           "defaults",     "dev",
		"diratime",   "dirsync",       "exec",           "iversion",     "lazytime",
		"loud",       "mand",          "noatime",        "nodev",        "nodiratime",
		"noexec",     "noiversion",    "nolazytime",     "nomand",       "suid",
		"norelatime", "nostrictatime", "nosuid",         "nosymfollow",  "private",
		"ratime",     "rbind",         "rdev",           "rdiratime",    "relatime",
		"remount",    "rexec",         "rnoatime",       "rnodev",       "rnodiratime",
		"rnoexec",    "rnorelatime",   "rnosuid",        "rnosymfollow", "ro",
		"rprivate",   "rrelatime",     "rnostrictatime", "rro",          "rrw",
		"rshared",    "rslave",        "rstrictatime",   "rsuid",        "rw",
		"rsymfollow", "runbindable",   "shared",         "silent",       "slave",
		"sync",       "strictatime",   "symfollow",      "tmpcopyup",    "unbindable",
		"idmap",      "ridmap",
	};
	static const char *const data[] = { "mode=755", "size=1", "acl",        "RO",
		                            "",         "gid=5",  "newinstance" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_non_null(mount_option_find(known[i]));
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		assert_null(mount_option_find(data[i]));
	assert_true(mount_option_find("ro")->attr_set == MOUNT_ATTR_RDONLY);
	assert_true(mount_option_find("rrw")->attr_clr == MOUNT_ATTR_RDONLY);
	assert_true(mount_option_find("rrw")->recursive);
	assert_true(mount_option_find("rslave")->propagation == MS_SLAVE);
	assert_true(mount_option_find("rslave")->recursive);
	assert_false(mount_option_find("bind")->recursive);
	assert_null(mount_option_find("async")->super);
}

static void test_signals(void **state)
{
	char name[32];

	(void)state;
	for (int sig = 1; sig < SIGRTMAX; sig++) {
		const char *s = signal_name(sig);

		if (!s) /* libc's own two realtime signals */
			continue;
		assert_int_equal(signal_parse(s), sig);
		assert_int_equal(signal_parse(s + 3), sig);
		for (size_t i = 0; i <= strlen(s); i++)
			name[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
		assert_int_equal(signal_parse(name), sig);
	}
	assert_string_equal(signal_name(SIGKILL), "SIGKILL");
	assert_string_equal(signal_name(SIGABRT), "SIGABRT");
	assert_null(signal_name(0));
	assert_null(signal_name(-1));
	assert_null(signal_name(1000));
	assert_int_equal(signal_parse("9"), 9);
	assert_int_equal(signal_parse("0"), 0);
	assert_int_equal(signal_parse("RTMIN+3"), SIGRTMIN + 3);
	assert_int_equal(signal_parse("rtmin"), SIGRTMIN);
	assert_int_equal(signal_parse("SIGRTMAX-1"), SIGRTMAX - 1);
	assert_int_equal(signal_parse("SIGPOLL"), SIGIO);
}

static void test_signals_refused(void **state)
{
	static const char *const bad[] = { "",        "SIG",       "X",           "KILLX",
		                           "-9",      "+9",        "9x",          " 9",
		                           "65",      "1000",      "99999999999", "SIG9",
		                           "RTMIN-1", "RTMIN+31",  "RTMAX+1",     "RTMIN+",
		                           "RTMIN+x", "SIGSIGKILL" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(signal_parse(bad[i]), -EINVAL);
}

static void test_devices(void **state)
{
	size_t full = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(default_device_table); i++) {
		const struct default_device *d = &default_device_table[i];
		bool allowed = false;

		assert_int_equal(strncmp(d->path, "/dev/", 5), 0);
		/* A default node that the default rules do not open would be of no use. */
		for (size_t j = 0; j < n_default_device_rules; j++) {
			const struct spec_device_rule *r = &default_device_rule_table[j];

			allowed |= r->access == 7 && r->type == 'c' && r->major == d->major &&
			           (r->minor == -1 || r->minor == d->minor);
		}
		assert_true(allowed);
	}
	for (size_t j = 0; j < n_default_device_rules; j++) {
		const struct spec_device_rule *r = &default_device_rule_table[j];

		assert_true(r->allow);
		/* Only creating nodes is open to all numbers, never reading or writing. */
		if (r->major == -1)
			assert_int_equal(r->access, 4);
		else
			full += r->access == 7;
	}
	assert_int_equal(full, 9);
	assert_string_equal(default_link_table[1].target, "/proc/self/fd/0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_seccomp_names),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_mount_option_rows),
		cmocka_unit_test(test_mount_option_names),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_signals_refused),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
