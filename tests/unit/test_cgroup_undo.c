/* SPDX-License-Identifier: Apache-2.0 */
/* What brings an old value back, and which properties have no effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cgroup/internal.h"

static void test_undo_value(void **state)
{
	static const struct {
		const char *file, *value, *now, *want;
	} t[] = {
		{ "pids.max", "7", "max", "max" },
		{ "cpu.max", "1000 100000", "max 100000", "max 100000" },
		{ "cpuset.cpus", "0", "", "" },
		{ "memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 0", "0" },
		{ "memory.oom_control", "1", "oom_kill_disable 1\nunder_oom 0", "1" },
		{ "io.max", "8:0 rbps=1", "8:16 rbps=5 wbps=max riops=max wiops=max",
		  "8:0 rbps=max wbps=max riops=max wiops=max" },
		{ "io.max", "8:0 rbps=1",
		  "8:16 rbps=5 wbps=max riops=max wiops=max\n8:0 rbps=9 wbps=max riops=max "
		  "wiops=max",
		  "8:0 rbps=9 wbps=max riops=max wiops=max" },
		{ "blkio.throttle.read_bps_device", "8:0 5", "", "8:0 0" },
		{ "blkio.throttle.read_bps_device", "8:0 5", "8:0 4", "8:0 4" },
		{ "blkio.throttle.read_bps_device", "8:1 5", "8:16 4", "8:1 0" },
		{ "io.weight", "default 50", "default 100\n8:0 200", "default 100" },
		{ "io.bfq.weight", "default 50", "100", "100" },
		{ "io.bfq.weight", "8:0 50", "default 100", "8:0 default" },
		{ "some.stat", "5", "a 1\nb 2", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_free_ char *got = cg_undo_value(t[i].file, t[i].value, t[i].now);

		if (!got != !t[i].want || (got && !streq(got, t[i].want)))
			fail_msg("%s: \"%s\" over \"%s\": %s", t[i].file, t[i].value, t[i].now,
			         got ? got : "(none)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_undo_value) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
