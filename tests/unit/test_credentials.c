/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and groups really changed and read back, no_new_privs, keyring, HOME from a hostile passwd.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "mount_util.h"
#include "security/identity.h"
#include "security/security.h"

static int in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return proc_exit_code(status);
}

static void test_same_groups(void **state)
{
	const gid_t a[] = { 1, 2, 3 }, b[] = { 3, 1, 2, 1 }, c[] = { 1, 2 };

	(void)state;
	assert_true(cred_same_groups(a, 3, b, 4));
	assert_false(cred_same_groups(a, 3, c, 2));
	assert_false(cred_same_groups(c, 2, a, 3));
	assert_true(cred_same_groups(NULL, 0, NULL, 0));
	assert_false(cred_same_groups(NULL, 0, c, 1));
}

static int apply(uid_t uid, gid_t gid, gid_t *groups, size_t n, bool denied, struct err *err)
{
	const struct spec_process process = { .user = { .uid = uid,
		                                        .gid = gid,
		                                        .additional_gids = groups,
		                                        .n_additional_gids = n } };
	const struct cred_plan plan = { .process = &process, .setgroups_denied = denied };

	return cred_apply_ids(&plan, err);
}

static void minus_one(void *arg)
{
	gid_t group = (gid_t)-1;
	struct err err = { 0 };

	(void)arg;
	CHECK(apply((uid_t)-1, 1, NULL, 0, false, &err) == -EINVAL);
	CHECK(apply(1, (gid_t)-1, NULL, 0, false, &err) == -EINVAL);
	CHECK(apply(getuid(), getgid(), &group, 1, false, &err) == -EINVAL);
	CHECK(strstr(err.msg, "additionalGids[0]"));
}

static void test_minus_one(void **state)
{
	(void)state;
	assert_int_equal(in_child(minus_one, NULL), 0);
}

static void change(void *arg)
{
	gid_t groups[] = { 30, 10, 20, 10 }, now[8], old[] = { 4, 5 };
	uid_t r, e, s;
	struct err err = { 0 };

	(void)arg;
	CHECK(setgroups(2, old) == 0);
	CHECK(apply(1234, 2345, groups, 4, false, &err) == 0);
	CHECK(getresuid(&r, &e, &s) == 0 && r == 1234 && e == 1234 && s == 1234);
	CHECK(getresgid(&r, &e, &s) == 0 && r == 2345 && e == 2345 && s == 2345);
	CHECK(cred_same_groups(now, (size_t)getgroups(8, now), groups, 4));
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1);
	CHECK(caps_available() != 0); /* kept, for capset */
}

static void empty_groups(void *arg)
{
	gid_t old[] = { 4, 5 };

	(void)arg;
	CHECK(setgroups(2, old) == 0);
	CHECK(apply(0, 0, NULL, 0, false, NULL) == 0);
	CHECK(getgroups(0, NULL) == 0);
}

static void test_change(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(change, NULL), 0);
	assert_int_equal(in_child(empty_groups, NULL), 0);
}

/* Without privilege what already is so is no error, anything else is, by name. */
static void plain_user(void *arg)
{
	gid_t groups[] = { 4 };
	struct err err = { 0 };

	(void)arg;
	if (geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0);
		CHECK(setresuid(65534, 65534, 65534) == 0);
	}
	if (getgroups(0, NULL) == 0)
		CHECK(apply(getuid(), getgid(), NULL, 0, false, &err) == 0);
	CHECK(apply(getuid(), getgid(), groups, 1, false, &err) == -EPERM);
	CHECK(strstr(err.msg, "supplementary groups"));
	CHECK(apply(0, getgid(), NULL, 0, true, &err) == -EPERM);
	CHECK(strstr(err.msg, "setuid 0"));
	CHECK(apply(getuid(), 0, NULL, 0, true, &err) == -EPERM);
	CHECK(strstr(err.msg, "setgid 0"));
}

static void test_plain_user(void **state)
{
	(void)state;
	assert_int_equal(in_child(plain_user, NULL), 0);
}

static void denied(void *arg)
{
	gid_t groups[] = { 0 };
	struct err err = { 0 };

	(void)arg;
	CHECK(apply(0, 0, groups, 1, true, &err) == -EPERM);
	CHECK(strstr(err.msg, "setgroups is denied"));
	CHECK(apply(7, 0, NULL, 0, true, &err) == -EINVAL);
	CHECK(strstr(err.msg, "setuid 7 (not mapped"));
	CHECK(apply(0, 7, NULL, 0, true, &err) == -EINVAL);
	CHECK(strstr(err.msg, "setgid 7 (not mapped"));
	CHECK(apply(0, 0, NULL, 0, true, &err) == 0);
}

static void test_denied(void **state)
{
	int r = in_namespaces(IN_USERNS, denied, NULL);

	(void)state;
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void nnp(void *arg)
{
	(void)arg;
	CHECK(cred_no_new_privs(NULL) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void test_no_new_privs(void **state)
{
	(void)state;
	assert_int_equal(in_child(nnp, NULL), 0);
}

static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
}

static void keyring(void *arg)
{
	long before = session_keyring(), after;

	(void)arg;
	if (before < 0 && (errno == ENOSYS || errno == EPERM))
		_exit(CHILD_SKIPPED);
	CHECK(cred_new_keyring("_ses.berth-unit-test", NULL) == 0);
	after = session_keyring();
	CHECK(after > 0 && after != before);
}

static void test_keyring(void **state)
{
	int r = in_child(keyring, NULL);

	(void)state;
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

/* --- HOME --- */

static void test_home_in(void **state)
{
	static const struct {
		const char *passwd, *home;
		uid_t uid;
	} rows[] = {
		{ "root:x:0:0:root:/root:/bin/sh\nu:x:10:10::/home/u:\n", "/home/u", 10 },
		{ "root:x:0:0:root:/root:/bin/sh\n", "/root", 0 },
		{ "root:x:0:0:root:/root", "/root", 0 },       /* no shell, no newline */
		{ "a:x:1:1::/a:\nb:x:1:1::/b:\n", "/a", 1 },   /* the first one counts */
		{ "\n\n#c\na:x:1:1::/a:\n", "/a", 1 },         /* what is no entry is passed over */
		{ "a:x:1:1::/a:\n", NULL, 2 },                 /* not there */
		{ "a:x:01x:1::/a:\nb:x:1:1::/b:\n", "/b", 1 }, /* strict numbers */
		{ "a:x:-1:1::/a:\n", NULL, (uid_t)-1 },        /* */
		{ "a:x:4294967297:1::/a:\n", NULL, 1 },        /* no wrapping */
		{ "a:x::1::/a:\n", NULL, 0 },                  /* empty is not 0 */
		{ "a:x:1:1:/a\n", NULL, 1 },                   /* too few fields */
		{ "a:x:1:1:::\n", NULL, 1 },                   /* empty */
		{ "a:x:1:1::relative:\n", NULL, 1 },
		{ "a:x:1:1::/a\x1b[2J:\n", NULL, 1 },
		{ "+:x:1:1::/nis:\n", "/nis", 1 },
		{ "", NULL, 0 },
		{ ":::::", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *home = cred_home_in(rows[i].passwd, rows[i].uid);

		if (!home != !rows[i].home || (home && !streq(home, rows[i].home)))
			fail_msg("row %zu: %s", i, home ? home : "(none)");
	}
}

static char *home_of(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	return cred_home(fd, 5);
}

static void test_home(void **state)
{
	char *dir = scratch_make();
	_cleanup_free_ char *passwd = path_join(dir, "passwd"), *fifo = path_join(dir, "fifo");
	_cleanup_free_ char *big = path_join(dir, "big"), *nul = path_join(dir, "nul");
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL, *f = NULL;
	int fd;

	(void)state;
	scratch_file(dir, "passwd", "u:x:5:5::/home/u:/bin/sh\n");
	scratch_file(dir, "big", "u:x:5:5::/home/u:/bin/sh\n");
	scratch_file(dir, "nul", "");
	a = home_of(passwd);
	assert_string_equal(a, "/home/u");
	b = cred_home(FD_INVALID, 5);
	assert_string_equal(b, "/");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	c = home_of(fifo);
	assert_string_equal(c, "/");
	d = home_of(dir);
	assert_string_equal(d, "/");
	/* Above the bound it is not read in part: the entry may be a decoy. */
	assert_int_equal(truncate(big, (1 << 20) + 1), 0);
	e = home_of(big);
	assert_string_equal(e, "/");
	fd = open(nul, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "u:x:5:5::/a:\n\0", 14), 14);
	close(fd);
	f = home_of(nul);
	assert_string_equal(f, "/");
	scratch_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_groups), cmocka_unit_test(test_minus_one),
		cmocka_unit_test(test_change),      cmocka_unit_test(test_plain_user),
		cmocka_unit_test(test_denied),      cmocka_unit_test(test_no_new_privs),
		cmocka_unit_test(test_keyring),     cmocka_unit_test(test_home_in),
		cmocka_unit_test(test_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
