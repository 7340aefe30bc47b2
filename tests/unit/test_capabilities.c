/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets: the arithmetic, and what a process really holds afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "base/fd.h"
#include "mount_util.h"
#include "security/identity.h"
#include "security/security.h"

#define BIT(n) (1ULL << (n))
#define ALL    UINT64_MAX /* more than any kernel has */

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(caps_first_name(BIT(CAP_CHOWN) | BIT(CAP_KILL)), "CAP_CHOWN");
	assert_string_equal(caps_first_name(BIT(40)), "CAP_CHECKPOINT_RESTORE");
	assert_string_equal(caps_first_name(BIT(63)), "an unknown capability");
	assert_string_equal(caps_first_name(0), "an unknown capability");
}

static void test_reduce(void **state)
{
	const struct caps_sets own = { .permitted = ALL & ~BIT(CAP_SYS_RESOURCE) };
	struct spec_caps want = { .present = true,
		                  .permitted = BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE),
		                  .effective = BIT(CAP_KILL) | BIT(CAP_SYS_RESOURCE),
		                  .inheritable = BIT(CAP_KILL) };
	struct caps_sets sets;
	struct err err = { 0 };
	uint64_t lacking;

	(void)state;
	assert_int_equal(caps_reduce(&want, &own, ALL, &sets, &lacking, &err), 0);
	assert_int_equal(sets.permitted, BIT(CAP_KILL));
	assert_int_equal(sets.effective, BIT(CAP_KILL));
	assert_int_equal(sets.inheritable, BIT(CAP_KILL));
	assert_int_equal(lacking, BIT(CAP_SYS_RESOURCE));

	want.effective |= BIT(CAP_CHOWN);
	assert_int_equal(caps_reduce(&want, &own, ALL, &sets, &lacking, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "effective: CAP_CHOWN is not in permitted"));
	want.effective = 0;
	assert_int_equal(caps_reduce(&want, &own, ~BIT(CAP_KILL), &sets, &lacking, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "inheritable: CAP_KILL is not in bounding"));

	/* Absent: none, whatever the masks say. */
	want.present = false;
	assert_int_equal(caps_reduce(&want, &own, ALL, &sets, &lacking, &err), 0);
	assert_int_equal(sets.permitted | sets.effective | sets.inheritable | lacking, 0);
}

/* --- in a process with all capabilities of its own user namespace --- */

/* Our own /proc (the host's does not know us by this pid), mounted while we still may. */
static void apply_and_check(const struct spec_caps *caps)
{
	_cleanup_close_ int proc = FD_INVALID;
	struct spec_process process = { .caps = *caps };
	struct sec_expect want = { .process = &process,
		                   .ids_unchecked = true,
		                   .caps_possible = caps_available() };
	struct err err = { 0 };

	CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(proc >= 0);
	CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	CHECK(caps_drop_bounding(caps, &err) == 0);
	CHECK(caps_apply(caps, &err) == 0);
	CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
	if (sec_read_back(proc, getpid(), &want, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	CHECK(err.code == 0);
}

static void some(void *arg)
{
	const struct spec_caps caps = {
		.present = true,
		.bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE),
		.permitted = BIT(CAP_CHOWN) | BIT(CAP_KILL),
		.effective = BIT(CAP_CHOWN),
		.inheritable = BIT(CAP_KILL),
		.ambient = BIT(CAP_KILL),
	};

	(void)arg;
	apply_and_check(&caps);
}

static void absent(void *arg)
{
	const struct spec_caps caps = { .present = false, .bounding = ALL, .permitted = ALL };

	(void)arg;
	apply_and_check(&caps);
	CHECK(caps_available() == 0);
}

static void everything(void *arg)
{
	const struct spec_caps caps = { .present = true,
		                        .bounding = ALL,
		                        .permitted = ALL,
		                        .effective = ALL,
		                        .inheritable = ALL,
		                        .ambient = ALL };

	(void)arg;
	CHECK(caps_available() & BIT(CAP_CHECKPOINT_RESTORE));
	apply_and_check(&caps);
}

/* What a creator lacks is left out of every set, and read back so. */
static void lacking(void *arg)
{
	const struct spec_caps most = { .present = true,
		                        .bounding = ALL,
		                        .permitted = ALL & ~BIT(CAP_SYS_RESOURCE),
		                        .effective = ALL & ~BIT(CAP_SYS_RESOURCE) };

	(void)arg;
	CHECK(caps_apply(&most, NULL) == 0);
	CHECK(caps_available() && !(caps_available() & BIT(CAP_SYS_RESOURCE)));
	everything(NULL);
}

static void ambient_refused(void *arg)
{
	const struct spec_caps caps = { .present = true,
		                        .bounding = ALL,
		                        .permitted = ALL,
		                        .effective = ALL,
		                        .ambient = BIT(CAP_KILL) };
	struct err err = { 0 };

	(void)arg;
	CHECK(caps_apply(&caps, &err) == -EPERM);
	CHECK(strcmp(err.msg, "can't raise ambient capability CAP_KILL: Operation not permitted") ==
	      0);
}

static void no_setpcap(void *arg)
{
	const struct spec_caps without = { .present = true,
		                           .bounding = ALL,
		                           .permitted = ALL & ~BIT(CAP_SETPCAP),
		                           .effective = ALL & ~BIT(CAP_SETPCAP) };
	struct spec_caps want = { .present = true, .bounding = ALL };
	struct err err = { 0 };

	(void)arg;
	CHECK(prctl(PR_CAPBSET_DROP, CAP_SETPCAP, 0, 0, 0) == 0);
	CHECK(caps_apply(&without, &err) == 0);
	/* Nothing to drop: nothing to complain about. */
	CHECK(caps_drop_bounding(&want, &err) == 0);
	want.bounding &= ~BIT(CAP_SYS_TIME);
	CHECK(caps_drop_bounding(&want, &err) == -EPERM);
	CHECK(strstr(err.msg, "drop CAP_SYS_TIME from the bounding set (CAP_SETPCAP is missing)"));
}

static void not_initial(void *arg)
{
	(void)arg;
	CHECK(mount("proc", "/proc", "proc", 0, NULL) == 0);
	CHECK(!caps_in_initial_userns());
}

static void run(void (*fn)(void *))
{
	int r = in_namespaces(IN_USERNS, fn, NULL);

	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

#define USERNS_TEST(fn)                     \
	static void test_##fn(void **state) \
	{                                   \
		(void)state;                \
		run(fn);                    \
	}
USERNS_TEST(some)
USERNS_TEST(absent)
USERNS_TEST(everything)
USERNS_TEST(lacking)
USERNS_TEST(ambient_refused)
USERNS_TEST(no_setpcap)
USERNS_TEST(not_initial)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_lacking),
		cmocka_unit_test(test_ambient_refused),
		cmocka_unit_test(test_no_setpcap),
		cmocka_unit_test(test_not_initial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
