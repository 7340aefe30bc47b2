/* SPDX-License-Identifier: Apache-2.0 */
/* When a container is given its own cgroup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cgroup/cgroup.h"

static void test_wanted(void **state)
{
	static const char *const ro[] = { "nosuid", "ro", NULL };
	static const char *const rw[] = { "nosuid", "relatime", NULL };
	static const struct {
		bool ns;
		const char *path, *type, *destination;
		const char *const *options;
		bool want;
	} t[] = {
		{ true, NULL, "cgroup", "/sys/fs/cgroup", rw, true },
		{ true, NULL, "cgroup2", "/sys/fs/cgroup", rw, true },
		{ true, NULL, "cgroup", "/sys/fs/cgroup", NULL, true },
		{ true, NULL, "cgroup", "/sys/fs/cgroup", ro, false },
		{ true, NULL, "cgroup", "/cgroup", rw, false },
		{ true, NULL, "bind", "/sys/fs/cgroup", rw, false },
		{ true, NULL, NULL, "/sys/fs/cgroup", rw, false },
		{ true, "/proc/1/ns/cgroup", "cgroup", "/sys/fs/cgroup", rw, false },
		{ false, NULL, "cgroup", "/sys/fs/cgroup", rw, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct spec_mount mounts[] = {
			{ .type = (char *)"proc", .destination = (char *)"/proc" },
			{ .type = (char *)t[i].type,
			  .destination = (char *)t[i].destination,
			  .options = (char **)t[i].options },
		};
		struct spec spec = { .mounts = mounts, .n_mounts = ARRAY_SIZE(mounts) };

		spec.linux_.namespaces[NS_CGROUP].wanted = t[i].ns;
		spec.linux_.namespaces[NS_CGROUP].path = (char *)t[i].path;
		assert_int_equal(cg_owner_wanted(&spec), t[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wanted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
