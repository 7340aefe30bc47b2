/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From config.json to what is handed to the kernel, for properties that no ordinary host can show:
 * labels (against a directory of plain files in place of /proc/self/attr), flags of the seccomp
 * filter. docs/SPEC.md names these tests.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "mount/internal.h"
#include "security/lsm.h"
#include "security/security.h"
#include "spec_edit.h"

#define LABEL "system_u:system_r:container_t:s0:c1,c2"

/* The labels of a process with this property, written to plain files; returns what `file` holds. */
static char *label_written(const char *at, const char *file)
{
	struct spec *spec = spec_with(at, "\"" LABEL "\"");
	const struct lsm_labels labels = { .apparmor = spec->process.apparmor_profile,
		                           .selinux = spec->process.selinux_label };
	const struct lsm_host host = { .apparmor = true, .selinux = true };
	char dir[] = "/tmp/berth-attr-XXXXXX", *text = NULL;
	struct err err = { 0 };
	int fd, attr;

	assert_non_null(mkdtemp(dir));
	attr = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(attr >= 0);
	assert_int_equal(mkdirat(attr, "apparmor", 0755), 0);
	for (size_t i = 0; i < 2; i++) {
		fd = openat(attr, i ? "exec" : "apparmor/exec", O_WRONLY | O_CREAT | O_CLOEXEC,
		            0600);
		assert_true(fd >= 0);
		fd_close(fd);
	}
	if (lsm_apply_exec(attr, &host, &labels, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(file_read_at(attr, file, 4096, &text, NULL), 0);
	(void)unlinkat(attr, "apparmor/exec", 0);
	(void)unlinkat(attr, "exec", 0);
	(void)unlinkat(attr, "apparmor", AT_REMOVEDIR);
	fd_close(attr);
	(void)rmdir(dir);
	spec_free(spec);
	return text;
}

static void test_apparmor(void **state)
{
	_cleanup_free_ char *text = label_written("/process/apparmorProfile", "apparmor/exec");

	(void)state;
	assert_string_equal(text, "exec " LABEL);
}

static void test_selinux(void **state)
{
	_cleanup_free_ char *text = label_written("/process/selinuxLabel", "exec");

	(void)state;
	assert_string_equal(text, LABEL);
}

/* Each file system that can be labelled gets the label as an option. */
static void test_mount_label(void **state)
{
	struct spec *spec = spec_with("/linux/mountLabel", "\"" LABEL "\"");
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };
	size_t labelled = 0;

	(void)state;
	assert_int_equal(mnt_plan_build(spec, &plan, &err), 0);
	for (size_t i = 0; i < plan->n_ops; i++)
		for (char **p = plan->ops[i].super; p && *p; p++)
			labelled += strcmp(*p, "context=" LABEL) == 0;
	assert_true(labelled >= 2);
	mnt_plan_free(plan);
	spec_free(spec);
}

static uint32_t flags_of(const char *flags)
{
	_cleanup_free_ char *text = xasprintf("{\"defaultAction\":\"SCMP_ACT_ALLOW\"%s,"
	                                      "\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],"
	                                      "\"action\":\"SCMP_ACT_ERRNO\"}]}",
	                                      flags);
	struct spec *spec = spec_with("/linux/seccomp", text);
	struct seccomp_filter filter = { 0 };
	struct err err = { 0 };
	uint32_t ret;

	if (seccomp_compile(&spec->linux_.seccomp, &filter, &err) < 0)
		fail_msg("%s", err.msg);
	ret = filter.flags;
	seccomp_filter_done(&filter);
	spec_free(spec);
	return ret;
}

static void test_seccomp_flags(void **state)
{
	(void)state;
	assert_int_equal(flags_of(""), SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	assert_int_equal(flags_of(",\"flags\":[]"), 0);
	assert_int_equal(flags_of(",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]"),
	                 SECCOMP_FILTER_FLAG_LOG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apparmor),
		cmocka_unit_test(test_selinux),
		cmocka_unit_test(test_mount_label),
		cmocka_unit_test(test_seccomp_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
