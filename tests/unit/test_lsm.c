/* SPDX-License-Identifier: Apache-2.0 */
/* Labels against trees of plain files: which module is on, what is refused, what is written where.
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

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "security/lsm.h"

struct tree {
	char path[64];
	int fd;
};

static int make_tree(void **state)
{
	struct tree *t = xcalloc(1, sizeof(*t));

	strcpy(t->path, "/tmp/berth-lsm-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->fd = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *t = *state;

	fd_close(t->fd);
	assert_int_equal(file_remove_tree_at(AT_FDCWD, t->path), 0);
	free(t);
	return 0;
}

static void put(struct tree *t, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", t->path, name);
	char *slash = strrchr(path, '/');
	int fd;

	*slash = '\0';
	assert_int_equal(file_mkdir_p(path, 0755), 0);
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(fd);
}

static void assert_file(struct tree *t, const char *name, const char *want)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(file_read_at(t->fd, name, 4096, &text, NULL), 0);
	assert_string_equal(text, want);
}

static void test_detect(void **state)
{
	struct tree *t = *state;
	struct lsm_host host = { true, true };

	lsm_detect(t->fd, &host);
	assert_false(host.apparmor);
	assert_false(host.selinux);
	put(t, "sys/module/apparmor/parameters/enabled", "N\n");
	lsm_detect(t->fd, &host);
	assert_false(host.apparmor);
	put(t, "sys/module/apparmor/parameters/enabled", "Y\n");
	lsm_detect(t->fd, &host);
	assert_true(host.apparmor);
	assert_false(host.selinux);
	/* Permissive is on: labels are there all the same. */
	put(t, "sys/fs/selinux/enforce", "0");
	lsm_detect(t->fd, &host);
	assert_true(host.selinux);
	lsm_detect(FD_INVALID, &host);
	assert_false(host.apparmor);
}

static void test_check(void **state)
{
	static const struct {
		bool apparmor, selinux; /* of the host */
		const char *profile, *label, *mount;
		const char *error; /* its beginning */
	} rows[] = {
		{ false, false, NULL, NULL, NULL, NULL },
		{ false, false, "unconfined", NULL, NULL, NULL },
		{ false, true, "unconfined", "a:b:c:s0", "a:b:c:s0", NULL },
		{ true, false, "p", NULL, NULL, NULL },
		{ false, true, "p", NULL, NULL, "process.apparmorProfile: \"p\": AppArmor" },
		{ true, false, NULL, "a:b:c", NULL, "process.selinuxLabel: " },
		{ true, false, NULL, NULL, "a:b:c", "linux.mountLabel: SELinux is disabled" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lsm_host host = { rows[i].apparmor, rows[i].selinux };
		struct lsm_labels labels = { rows[i].profile, rows[i].label };
		struct err err = { 0 };
		int r = lsm_check(&host, &labels, rows[i].mount, &err);

		if (r != (rows[i].error ? -EOPNOTSUPP : 0) ||
		    (r < 0 && strncmp(err.msg, rows[i].error, strlen(rows[i].error)) != 0))
			fail_msg("row %zu: %d %s", i, r, err.msg);
	}
}

static void test_wanted(void **state)
{
	const struct lsm_host off = { 0 }, apparmor = { .apparmor = true };

	(void)state;
	assert_false(lsm_wanted(&off, &(struct lsm_labels){ NULL, NULL }));
	assert_false(lsm_wanted(&off, &(struct lsm_labels){ "unconfined", NULL }));
	/* Of a caller that is confined, "unconfined" is a request like any other. */
	assert_true(lsm_wanted(&apparmor, &(struct lsm_labels){ "unconfined", NULL }));
	assert_true(lsm_wanted(&off, &(struct lsm_labels){ NULL, "a:b:c" }));
}

static void test_profile(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { .apparmor = true };
	const struct lsm_labels labels = { .apparmor = "some-profile" };
	struct err err = { 0 };

	put(t, "apparmor/exec", "");
	put(t, "exec", "");
	assert_int_equal(lsm_apply_exec(t->fd, &host, &labels, &err), 0);
	assert_file(t, "apparmor/exec", "exec some-profile");
	assert_file(t, "exec", "");
}

static void test_profile_in_the_shared_file(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { .apparmor = true };
	const struct lsm_labels labels = { .apparmor = "unconfined" };
	struct err err = { 0 };

	put(t, "exec", "");
	assert_int_equal(lsm_apply_exec(t->fd, &host, &labels, &err), 0);
	assert_file(t, "exec", "exec unconfined");
}

static void test_nothing_is_written_where_it_is_off(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { 0 };
	const struct lsm_labels labels = { .apparmor = "unconfined" };
	struct err err = { 0 };

	put(t, "apparmor/exec", "");
	assert_int_equal(lsm_apply_exec(t->fd, &host, &labels, &err), 0);
	assert_file(t, "apparmor/exec", "");
}

static void test_a_label_that_can_not_be_written(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { true, true };
	struct err err = { 0 };

	assert_int_equal(
	    lsm_apply_exec(t->fd, &host, &(struct lsm_labels){ .apparmor = "p" }, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "unable to apply apparmor profile \"p\""));
	assert_int_equal(
	    lsm_apply_exec(t->fd, &host, &(struct lsm_labels){ .selinux = "a:b" }, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "process.selinuxLabel: \"a:b\""));
}

/* What takes a write and shows something else is no procfs that labels anything. */
static void test_read_back(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { true, true };
	struct err err = { 0 };

	put(t, "exec", "another:label:of:before");
	assert_int_equal(
	    lsm_apply_exec(t->fd, &host, &(struct lsm_labels){ .selinux = "a:b" }, &err), -EPERM);
	assert_non_null(strstr(err.msg, "read back: SELinux label \"a:b\""));
	assert_int_equal(mkdirat(t->fd, "apparmor", 0755), 0);
	assert_int_equal(symlinkat("/dev/null", t->fd, "apparmor/exec"), 0);
	assert_true(lsm_apply_exec(t->fd, &host, &(struct lsm_labels){ .apparmor = "p" }, &err) <
	            0);
}

static void test_context(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { .selinux = true };
	const char *label = "system_u:system_r:container_t:s0:c1,c2";
	struct err err = { 0 };

	put(t, "exec", "");
	put(t, "keycreate", "");
	assert_int_equal(
	    lsm_apply_exec(t->fd, &host, &(struct lsm_labels){ .selinux = label }, &err), 0);
	assert_file(t, "exec", label);
	assert_int_equal(lsm_label_keys(t->fd, &host, label, &err), 0);
	assert_file(t, "keycreate", label);
	assert_int_equal(lsm_label_keys(t->fd, &host, NULL, &err), 0);
	assert_file(t, "keycreate", "\nystem_u:system_r:container_t:s0:c1,c2");
}

static void test_keys_without_selinux(void **state)
{
	struct tree *t = *state;
	const struct lsm_host host = { .apparmor = true };
	struct err err = { 0 };

	put(t, "keycreate", "");
	assert_int_equal(lsm_label_keys(t->fd, &host, "a:b:c", &err), 0);
	assert_file(t, "keycreate", "");
}

static void test_attr_directory(void **state)
{
	struct tree *t = *state;
	struct err err = { 0 };
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	assert_true(proc >= 0);
	fd = lsm_open_attr(proc, &err);
	assert_true(fd >= 0);
	fd_close(fd);
	fd_close(proc);
	/* A look-alike of plain files. */
	put(t, "thread-self/attr/exec", "");
	assert_int_equal(lsm_open_attr(t->fd, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not on a procfs"));
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(test_detect),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_wanted),
		WITH_TREE(test_profile),
		WITH_TREE(test_profile_in_the_shared_file),
		WITH_TREE(test_nothing_is_written_where_it_is_off),
		WITH_TREE(test_a_label_that_can_not_be_written),
		WITH_TREE(test_read_back),
		WITH_TREE(test_context),
		WITH_TREE(test_keys_without_selinux),
		WITH_TREE(test_attr_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
