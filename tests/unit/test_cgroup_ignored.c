/* SPDX-License-Identifier: Apache-2.0 */
/* Which resources are said to have no effect, by the version of their controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cgroup/internal.h"

static void check_ignored(const struct spec_resources *res, bool v2, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1024);

	cg_ignored(res, v2, v2, v2, &b);
	assert_string_equal(b.len ? b.data : "", want);
}

static void test_ignored(void **state)
{
	struct spec_throttle device = { .leaf_weight = { true, 10 } };
	struct spec_resources res = { 0 };

	(void)state;
	check_ignored(&res, true, "");
	res.memory.swappiness = (struct opt_u64){ true, 0 };
	res.memory.disable_oom_killer = (struct opt_bool){ true, false };
	res.memory.kernel = (struct opt_i64){ true, 0 };
	check_ignored(&res, true, "memory.swappiness");
	check_ignored(&res, false, "");
	res.memory.disable_oom_killer.v = true;
	res.memory.kernel.v = -1;
	res.block_io.leaf_weight = (struct opt_u64){ true, 10 };
	res.block_io.weight_device = &device;
	res.block_io.n_weight_device = 1;
	check_ignored(&res, true,
	              "memory.kernel, memory.swappiness, memory.disableOOMKiller, "
	              "blockIO.leafWeight, blockIO.weightDevice[].leafWeight");
	check_ignored(&res, false, "memory.kernel");
	res = (struct spec_resources){ .cpu.shares = { true, 200 }, .cpu.idle = { true, 1 } };
	check_ignored(&res, true, "cpu.shares (unable to apply both them and cpu.idle)");
	check_ignored(&res, false, "");
	res.cpu.idle.v = 0;
	check_ignored(&res, true, "");
}

static void test_idle(void **state)
{
	struct spec_kv kv[] = { { (char *)"cpu.weight", (char *)"8" },
		                { (char *)"cpu.idle", (char *)"1\n" },
		                { (char *)"cpu.weight.nice", (char *)"1" } };
	struct spec_resources res = { .unified = kv, .n_unified = 3, .cpu.shares = { true, 2 } };

	(void)state;
	check_ignored(&res, true,
	              "cpu.shares (unable to apply both them and cpu.idle), "
	              "unified \"cpu.weight\" (unable to apply both it and cpu.idle), "
	              "unified \"cpu.weight.nice\" (unable to apply both it and cpu.idle)");
	check_ignored(&res, false, "");
	/* The last word. */
	kv[1].value = (char *)"0";
	res.cpu.idle = (struct opt_i64){ true, 1 };
	check_ignored(&res, true, "");
	kv[1].value = (char *)"12";
	check_ignored(&res, true, "");
	res.unified = &kv[2];
	res.n_unified = 1;
	assert_true(cg_is_idle(&res));
	assert_true(cg_weight_yields(&res, "cpu.weight"));
	assert_false(cg_weight_yields(&res, "cpu.max"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ignored),
		                            cmocka_unit_test(test_idle) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
