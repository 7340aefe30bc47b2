/* SPDX-License-Identifier: Apache-2.0 */
/* Read-back: each single difference between /proc/PID/status and what was asked for is seen. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "security/identity.h"
#include "security/security.h"

#define BIT(n) (1ULL << (n))

/* As the kernel writes it, of a process that got what is wanted below. */
static const char good[] = "Name:\tberth\n"
                           "Umask:\t0022\n"
                           "State:\tS (sleeping)\n"
                           "Pid:\t4711\n"
                           "Uid:\t100001\t100001\t100001\t100001\n"
                           "Gid:\t100002\t100002\t100002\t100002\n"
                           "FDSize:\t64\n"
                           "Groups:\t10 20 30 \n"
                           "NStgid:\t4711\t1\n"
                           "CapInh:\t0000000000000020\n"
                           "CapPrm:\t0000000000000021\n"
                           "CapEff:\t0000000000000001\n"
                           "CapBnd:\t0000000000000421\n"
                           "CapAmb:\t0000000000000020\n"
                           "NoNewPrivs:\t1\n"
                           "Seccomp:\t2\n"
                           "Seccomp_filters:\t1\n"
                           "Cpus_allowed:\t3\n";

static const uint32_t groups[] = { 30, 10, 20 };

static void expect(struct spec_process *process, struct sec_expect *want)
{
	*process = (struct spec_process){
		.no_new_privileges = true,
		.caps = { .present = true,
		          .bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) |
		                      BIT(CAP_SYS_RESOURCE),
		          .permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE),
		          .effective = BIT(CAP_CHOWN) | BIT(CAP_SYS_RESOURCE),
		          .inheritable = BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE),
		          .ambient = BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE) },
	};
	*want = (struct sec_expect){
		.process = process,
		.host_uid = 100001,
		.host_gid = 100002,
		.host_groups = groups,
		.n_groups = 3,
		.seccomp = true,
		.caps_possible = ~BIT(CAP_SYS_RESOURCE), /* this host has not got it */
	};
}

/* good with the one occurrence of `from` replaced. */
static char *doctored(const char *from, const char *to)
{
	const char *at = strstr(good, from);

	assert_non_null(at);
	assert_null(strstr(at + 1, from));
	return xasprintf("%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
}

static void test_good(void **state)
{
	struct spec_process process;
	struct sec_expect want;
	struct err err = { 0 };
	int r;

	(void)state;
	expect(&process, &want);
	r = sec_compare_status(good, &want, 1, &err);
	assert_string_equal(err.msg, "");
	assert_int_equal(r, 0);
}

static void test_differences(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "Uid:\t100001\t", "Uid:\t0\t", "real Uid is 0" },
		{ "Uid:\t100001\t100001\t", "Uid:\t100001\t0\t", "effective Uid is 0" },
		{ "Uid:\t100001\t100001\t100001\t", "Uid:\t100001\t100001\t0\t", "saved Uid" },
		{ "\t100001\nGid", "\t0\nGid", "file system Uid" },
		{ "Uid:", "Uix:", "no Uid" },
		{ "Uid:\t100001\t", "Uid:\t", "no Uid" },
		{ "Uid:\t100001\t", "Uid:\t0x186a1\t", "no Uid" },
		{ "Gid:\t100002\t", "Gid:\t0\t", "real Gid is 0" },
		{ "\t100002\nFD", "\t0\nFD", "file system Gid" },
		{ "10 20 30 ", "10 20 ", "groups" },
		{ "10 20 30 ", "10 20 30 0 ", "groups" },
		{ "10 20 30 ", "", "groups" },
		{ "Groups:", "Grp:", "no Groups" },
		{ "CapInh:\t0000000000000020", "CapInh:\t0000000000000000",
		  "CAP_KILL is missing in the inheritable" },
		{ "CapInh:\t0000000000000020", "CapInh:\t0000000000000021",
		  "CAP_CHOWN is in the inheritable" },
		{ "CapPrm:\t0000000000000021", "CapPrm:\t0000000000200021",
		  "CAP_SYS_ADMIN is in the permitted" },
		{ "CapPrm:\t0000000000000021", "CapPrm:\t0000000000000020",
		  "CAP_CHOWN is missing in the permitted" },
		{ "CapPrm:\t0000000000000021", "CapPrm:\t0000000001000021",
		  "CAP_SYS_RESOURCE is in the permitted" },
		{ "CapEff:\t0000000000000001", "CapEff:\t0000000000000021",
		  "CAP_KILL is in the effective" },
		{ "CapEff:\t0000000000000001", "CapEff:\t0000000000000000",
		  "CAP_CHOWN is missing in the effective" },
		{ "CapBnd:\t0000000000000421", "CapBnd:\t000001ffffffffff", "the bounding set" },
		{ "CapBnd:\t0000000000000421", "CapBnd:\t0000000000000021",
		  "CAP_NET_BIND_SERVICE is missing in the bounding" },
		{ "CapBnd:\t0000000000000421", "CapBnd:\t8000000000000421",
		  "unknown capability is in the bounding" },
		{ "CapAmb:\t0000000000000020", "CapAmb:\t0000000000000000",
		  "CAP_KILL is missing in the ambient" },
		{ "CapAmb:\t0000000000000020", "CapAmb:\t0000000000000021",
		  "CAP_CHOWN is in the ambient" },
		{ "CapAmb:", "CapXxx:", "no CapAmb" },
		{ "CapAmb:\t0000000000000020", "CapAmb:\tzz", "no CapAmb" },
		{ "CapAmb:\t0000000000000020", "CapAmb:\t", "no CapAmb" },
		{ "NoNewPrivs:\t1", "NoNewPrivs:\t0", "no_new_privs" },
		{ "NoNewPrivs:", "Nnp:", "no_new_privs" },
		{ "Seccomp:\t2", "Seccomp:\t0", "seccomp filter" },
		{ "Seccomp:\t2", "Seccomp:\t1", "seccomp filter" },
		{ "Seccomp:", "Sec:", "seccomp filter" },
		{ "Seccomp_filters:\t1", "Seccomp_filters:\t0", "0 seccomp filters" },
	};
	struct spec_process process;
	struct sec_expect want;

	(void)state;
	expect(&process, &want);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = doctored(rows[i].from, rows[i].to);
		struct err err = { 0 };

		if (sec_compare_status(text, &want, 1, &err) != -EPERM ||
		    !strstr(err.msg, rows[i].says))
			fail_msg("%s -> %s: \"%s\"", rows[i].from, rows[i].to, err.msg);
	}
}

static void test_unchecked(void **state)
{
	_cleanup_free_ char *ids = doctored("Uid:\t100001\t", "Uid:\t0\t");
	_cleanup_free_ char *others = doctored("10 20 30 ", "0 ");
	_cleanup_free_ char *nnp = doctored("NoNewPrivs:\t1", "NoNewPrivs:\t0");
	struct spec_process process;
	struct sec_expect want;

	(void)state;
	expect(&process, &want);
	want.groups_unchecked = true;
	assert_int_equal(sec_compare_status(others, &want, 1, NULL), 0);
	assert_int_equal(sec_compare_status(ids, &want, 1, NULL), -EPERM);
	want.ids_unchecked = true;
	assert_int_equal(sec_compare_status(ids, &want, 1, NULL), 0);
	/* Not asked for, though inherited: no difference. Nor the other way round. */
	process.no_new_privileges = false;
	want.seccomp = false;
	assert_int_equal(sec_compare_status(good, &want, 1, NULL), 0);
	assert_int_equal(sec_compare_status(nnp, &want, 1, NULL), 0);
	/* A filter that was there before is not ours. */
	want.seccomp = true;
	assert_int_equal(sec_compare_status(good, &want, 2, NULL), -EPERM);
}

static void test_no_caps(void **state)
{
	static const char none[] = "CapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\nCapAmb:\t0\n";
	struct spec_process process;
	struct sec_expect want;

	(void)state;
	expect(&process, &want);
	want.ids_unchecked = true;
	want.seccomp = process.no_new_privileges = false;
	assert_int_equal(sec_compare_status(none, &want, 0, NULL), -EPERM);
	/* An absent object is none at all, whatever the masks hold. */
	process.caps.present = false;
	assert_int_equal(sec_compare_status(none, &want, 0, NULL), 0);
	assert_int_equal(sec_compare_status(good, &want, 0, NULL), -EPERM);
}

static void test_live(void **state)
{
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	gid_t own[256];
	int n = getgroups(256, own);
	struct spec_process process = { .caps = { .present = true } };
	struct sec_expect want = { .process = &process,
		                   .host_uid = getuid(),
		                   .host_gid = getgid(),
		                   .host_groups = own,
		                   .n_groups = n > 0 ? (size_t)n : 0,
		                   .caps_possible = ~0ULL };
	struct spec_caps *caps = &process.caps;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(file_read_at(proc, "self/status", 1 << 20, &text, NULL), 0);
	assert_int_equal(sec_status_number(text, "CapPrm", 16, &caps->permitted), 0);
	assert_int_equal(sec_status_number(text, "CapEff", 16, &caps->effective), 0);
	assert_int_equal(sec_status_number(text, "CapInh", 16, &caps->inheritable), 0);
	assert_int_equal(sec_status_number(text, "CapBnd", 16, &caps->bounding), 0);
	assert_int_equal(sec_status_number(text, "CapAmb", 16, &caps->ambient), 0);
	assert_int_equal(sec_status_number(text, "CapNone", 16, &caps->ambient), -ENOENT);
	assert_int_equal(caps_available(), caps->permitted & caps->bounding);
	sec_read_back(proc, getpid(), &want, &err);
	assert_string_equal(err.msg, "");
	want.host_uid++;
	assert_int_equal(sec_read_back(proc, getpid(), &want, &err), -EPERM);
	assert_true(sec_read_back(proc, 0x7ffffff0, &want, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),      cmocka_unit_test(test_differences),
		cmocka_unit_test(test_unchecked), cmocka_unit_test(test_no_caps),
		cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
