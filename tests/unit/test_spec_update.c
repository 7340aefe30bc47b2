/* SPDX-License-Identifier: Apache-2.0 */
/* A patch laid over resources: what is remembered, and what is written. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "berth/spec.h"

struct row {
	const char *stored, *patch;
	bool v2;
	const char *merged, *effect;
};

static void check(const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *merged = NULL, *effect = NULL;
		struct err err = { 0 };

		if (spec_resources_merge(t[i].stored, t[i].patch, t[i].v2, &merged, &effect, &err) <
		    0)
			fail_msg("%s + %s: %s", t[i].stored, t[i].patch, err.msg);
		if (!streq(merged, t[i].merged))
			fail_msg("%s + %s: merged %s", t[i].stored, t[i].patch, merged);
		if (!streq(effect, t[i].effect))
			fail_msg("%s + %s: effect %s", t[i].stored, t[i].patch, effect);
	}
}

static void test_plain(void **state)
{
	static const struct row t[] = {
		{ "{}", "{}", false, "{}", "{}" },
		{ "{}", "{\"pids\":{\"limit\":7}}", false, "{\"pids\":{\"limit\":7}}",
		  "{\"pids\":{\"limit\":7}}" },
		{ "{\"pids\":{\"limit\":5},\"memory\":{\"limit\":100}}",
		  "{\"pids\":{\"limit\":-1}}", false,
		  "{\"pids\":{\"limit\":-1},\"memory\":{\"limit\":100}}",
		  "{\"pids\":{\"limit\":-1}}" },
		/* null and "not set" leave alone; 0 pids are a limit */
		{ "{\"memory\":{\"limit\":100}}",
		  "{\"memory\":{\"limit\":0,\"swap\":null,\"reservation\":0},\"cpu\":{\"cpus\":"
		  "\"\","
		  "\"shares\":0},\"pids\":{\"limit\":0}}",
		  false, "{\"memory\":{\"limit\":100},\"cpu\":{},\"pids\":{\"limit\":0}}",
		  "{\"memory\":{},\"cpu\":{},\"pids\":{\"limit\":0}}" },
		/* exact beyond what a double holds */
		{ "{\"memory\":{\"limit\":9007199254740993}}",
		  "{\"memory\":{\"reservation\":9223372036854775807}}", false,
		  "{\"memory\":{\"limit\":9007199254740993,\"reservation\":9223372036854775807}}",
		  "{\"memory\":{\"reservation\":9223372036854775807}}" },
		/* device rules are replaced as a whole, unless they are the same */
		{ "{\"devices\":[{\"allow\":false},{\"allow\":true,\"major\":1}]}",
		  "{\"devices\":[{\"allow\":true,\"major\":1}]}", false,
		  "{\"devices\":[{\"allow\":true,\"major\":1}]}",
		  "{\"devices\":[{\"allow\":true,\"major\":1}]}" },
		{ "{\"devices\":[{\"allow\":false}]}", "{\"devices\":[{\"allow\":false}]}", false,
		  "{\"devices\":[{\"allow\":false}]}", "{}" },
		{ "{\"devices\":[{\"allow\":false}]}", "{\"devices\":[]}", false,
		  "{\"devices\":[{\"allow\":false}]}", "{}" },
		{ "{}", "{\"devices\":[{\"allow\":false}]}", false,
		  "{\"devices\":[{\"allow\":false}]}", "{\"devices\":[{\"allow\":false}]}" },
		/* unified by key */
		{ "{\"unified\":{\"memory.high\":\"1\",\"cpu.max\":\"max\"}}",
		  "{\"unified\":{\"memory.high\":\"2\"}}", true,
		  "{\"unified\":{\"cpu.max\":\"max\",\"memory.high\":\"2\"}}",
		  "{\"unified\":{\"memory.high\":\"2\"}}" },
		/* names in another case are those of the properties */
		{ "{\"cpu\":{\"shares\":5,\"cpus\":\"0\"},\"CPU\":{\"Cpus\":\"0-1\"}}",
		  "{\"CPU\":{\"Cpus\":\"1\"},\"Pids\":{\"LIMIT\":7}}", true,
		  "{\"cpu\":{\"shares\":5,\"cpus\":\"1\"},\"pids\":{\"limit\":7}}",
		  "{\"cpu\":{\"cpus\":\"1\"},\"pids\":{\"limit\":7}}" },
	};

	(void)state;
	check(t, ARRAY_SIZE(t));
}

static void test_lists(void **state)
{
	static const struct row t[] = {
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1},{"
		  "\"major\":8,\"minor\":16,\"rate\":2}]}}",
		  "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}]}"
		  "}",
		  true,
		  "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":16,\"rate\":2},{"
		  "\"major\":8,\"minor\":0,\"rate\":3}]}}",
		  "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}]"
		  "}}" },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}]}",
		  "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":2},{\"pageSize\":\"1GB\","
		  "\"limit\":3}]}",
		  true,
		  "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":2},{\"pageSize\":\"1GB\","
		  "\"limit\":3}]}",
		  "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":2},{\"pageSize\":\"1GB\","
		  "\"limit\":3}]}" },
	};

	(void)state;
	check(t, ARRAY_SIZE(t));
}

static void test_hang_together(void **state)
{
	static const struct row t[] = {
		/* one of quota and period alone: the other from what is stored */
		{ "{\"cpu\":{\"period\":50000,\"quota\":1000}}", "{\"cpu\":{\"quota\":2000}}", true,
		  "{\"cpu\":{\"period\":50000,\"quota\":2000}}",
		  "{\"cpu\":{\"quota\":2000,\"period\":50000}}" },
		{ "{\"cpu\":{\"period\":50000,\"quota\":1000}}", "{\"cpu\":{\"period\":60000}}",
		  true, "{\"cpu\":{\"quota\":1000,\"period\":60000}}",
		  "{\"cpu\":{\"period\":60000,\"quota\":1000}}" },
		{ "{}", "{\"cpu\":{\"period\":60000}}", true, "{\"cpu\":{\"period\":60000}}",
		  "{\"cpu\":{\"period\":60000}}" },
		/* idle takes the shares away */
		{ "{\"cpu\":{\"shares\":512}}", "{\"cpu\":{\"idle\":1}}", true,
		  "{\"cpu\":{\"idle\":1}}", "{\"cpu\":{\"idle\":1}}" },
		{ "{\"cpu\":{\"shares\":512}}", "{\"cpu\":{\"idle\":0,\"shares\":256}}", true,
		  "{\"cpu\":{\"idle\":0,\"shares\":256}}",
		  "{\"cpu\":{\"idle\":0,\"shares\":256}}" },
		/* and shares end it */
		{ "{\"cpu\":{\"idle\":1}}", "{\"cpu\":{\"shares\":512}}", true,
		  "{\"cpu\":{\"shares\":512,\"idle\":0}}",
		  "{\"cpu\":{\"shares\":512,\"idle\":0}}" },
		/* through files of v2, too */
		{ "{\"unified\":{\"cpu.idle\":\"1\"}}", "{\"unified\":{\"cpu.weight\":\"8\"}}",
		  true, "{\"unified\":{\"cpu.weight\":\"8\"},\"cpu\":{\"idle\":0}}",
		  "{\"unified\":{\"cpu.weight\":\"8\"},\"cpu\":{\"idle\":0}}" },
		{ "{\"unified\":{\"cpu.weight\":\"8\",\"cpu.weight.nice\":\"1\"}}",
		  "{\"cpu\":{\"idle\":1}}", true, "{\"unified\":{},\"cpu\":{\"idle\":1}}",
		  "{\"cpu\":{\"idle\":1}}" },
		{ "{\"cpu\":{\"idle\":1}}", "{\"unified\":{\"cpu.weight.nice\":\"1\"}}", true,
		  "{\"cpu\":{\"idle\":0},\"unified\":{\"cpu.weight.nice\":\"1\"}}",
		  "{\"unified\":{\"cpu.weight.nice\":\"1\"},\"cpu\":{\"idle\":0}}" },
		/* what is not idle any more weighs what the kernel gives it */
		{ "{\"unified\":{\"cpu.idle\":\"1\"}}", "{\"cpu\":{\"idle\":0}}", true,
		  "{\"unified\":{},\"cpu\":{\"idle\":0}}",
		  "{\"cpu\":{\"idle\":0,\"shares\":1024}}" },
		/* no change, nothing to follow */
		{ "{\"cpu\":{\"shares\":512}}", "{\"cpu\":{\"idle\":0}}", true,
		  "{\"cpu\":{\"shares\":512,\"idle\":0}}", "{\"cpu\":{\"idle\":0}}" },
		{ "{\"cpu\":{\"idle\":1},\"unified\":{\"cpu.idle\":\"0\"}}",
		  "{\"cpu\":{\"shares\":512}}", true,
		  "{\"cpu\":{\"idle\":1,\"shares\":512},\"unified\":{\"cpu.idle\":\"0\"}}",
		  "{\"cpu\":{\"shares\":512}}" },
		/* swap alone needs the limit that it includes */
		{ "{\"memory\":{\"limit\":100}}", "{\"memory\":{\"swap\":150}}", true,
		  "{\"memory\":{\"limit\":100,\"swap\":150}}",
		  "{\"memory\":{\"swap\":150,\"limit\":100}}" },
		/* a limit alone: v2 keeps its swap, v1 the sum */
		{ "{\"memory\":{\"limit\":100,\"swap\":150}}", "{\"memory\":{\"limit\":200}}", true,
		  "{\"memory\":{\"limit\":200,\"swap\":250}}", "{\"memory\":{\"limit\":200}}" },
		{ "{\"memory\":{\"limit\":100,\"swap\":150}}", "{\"memory\":{\"limit\":120}}",
		  false, "{\"memory\":{\"swap\":150,\"limit\":120}}",
		  "{\"memory\":{\"limit\":120}}" },
		{ "{\"memory\":{\"limit\":100,\"swap\":150}}", "{\"memory\":{\"limit\":-1}}", false,
		  "{\"memory\":{\"limit\":-1,\"swap\":-1}}", "{\"memory\":{\"limit\":-1}}" },
		/* the check before an update is a property of the container */
		{ "{\"memory\":{\"checkBeforeUpdate\":true}}", "{\"memory\":{\"limit\":5}}", true,
		  "{\"memory\":{\"checkBeforeUpdate\":true,\"limit\":5}}",
		  "{\"memory\":{\"limit\":5,\"checkBeforeUpdate\":true}}" },
	};

	(void)state;
	check(t, ARRAY_SIZE(t));
}

static void refused(const char *patch, const char *says)
{
	_cleanup_free_ char *merged = NULL, *effect = NULL;
	struct spec_resources res = { 0 };
	struct err err = { 0 };
	int r = spec_resources_merge("{\"memory\":{\"limit\":100,\"swap\":150}}", patch, false,
	                             &merged, &effect, &err);

	if (r == 0)
		r = spec_load_resources(merged, &res, &err);
	if (r >= 0 || !strstr(err.msg, says))
		fail_msg("%s: %d, \"%s\"", patch, r, err.msg);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "resources");
	refused("[]", "expected an object");
	refused("{\"memory\":{\"limit\":100,\"limit\":1}}", "duplicate");
	refused("{\"memory\":{\"limit\":\"5\"}}", "resources.memory.limit");
	refused("{\"memory\":{\"limit\":1.5}}", "resources.memory.limit");
	refused("{\"memory\":3}", "resources.memory");
	refused("{\"memory\":{\"limit\":200}}", "memory+swap limit should be >= memory limit");
	refused("{\"pids\":{\"limit\":-2}}", "resources.pids.limit");
	refused("{\"unified\":{\"cgroup.procs\":\"1\"}}", "cgroup.procs");
	refused("{\"blockIO\":{\"weight\":5}}", "resources.blockIO.weight");
}

static void test_text_of_config(void **state)
{
	static const char config[] =
	    "{\"linux\":{\"resources\":{\"pids\":{\"limit\":3},\"x\":\"a/b\"}}}";
	static const char other[] = "{\"Linux\":{\"Resources\":{\"PIDS\":{\"limit\":4}}}}";
	_cleanup_free_ char *text = NULL, *none = NULL, *folded = NULL;
	struct spec_resources res;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(spec_resources_text(config, strlen(config), &text, &err), 0);
	assert_string_equal(text, "{\"pids\":{\"limit\":3},\"x\":\"a/b\"}");
	assert_int_equal(spec_resources_text("{}", 2, &none, &err), 0);
	assert_string_equal(none, "{}");
	assert_int_equal(spec_resources_text(other, strlen(other), &folded, &err), 0);
	assert_string_equal(folded, "{\"pids\":{\"limit\":4}}");
	assert_int_equal(spec_load_resources(text, &res, &err), 0);
	assert_true(res.present && res.pids_limit.set);
	assert_int_equal(res.pids_limit.v, 3);
	spec_resources_done(&res);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),          cmocka_unit_test(test_lists),
		cmocka_unit_test(test_hang_together),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text_of_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
