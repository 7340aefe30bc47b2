/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: the two forms; foreign text in them. */
#include "base/describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"

static void fill(struct desc *d)
{
	static char *const none[] = { NULL };
	_cleanup_strv_ char **list = NULL;

	strv_add(&list, "ro");
	strv_add(&list, "size=1 k");
	desc_step(d, "create", "one", "does it");
	desc_step(d, "create", "two", NULL);
	desc_item_at(d, "mount", "mounts", 3);
	desc_str(d, "target", "/a b\n");
	desc_str(d, "nothing", NULL);
	desc_list(d, "options", list);
	desc_list(d, "no", NULL);
	desc_list(d, "empty", none);
	desc_item(d, "thing", NULL);
	desc_int(d, "n", INT64_MIN);
	desc_uint(d, "m", UINT64_MAX);
	desc_flag(d, "yes", true);
	desc_flag(d, "not", false);
	desc_fmt(d, "text", "%d\"%s", 1, "");
	desc_step(d, "init", "one", "");
	desc_note(d, DESC_DANGER, "a.b", "careful: %s", "\x1b[31m");
	desc_note(d, DESC_REFUSED, NULL, "no");
}

static void test_text(void **state)
{
	_cleanup_(desc_done)
	struct desc d = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);

	(void)state;
	fill(&d);
	desc_write_text(&d, &b);
	assert_string_equal(b.data, "create\n"
	                            "   1. one: does it\n"
	                            "   2. two\n"
	                            "        mount         \"/a b\\n\"  options=ro,\"size=1 k\"  "
	                            "empty=none  <- mounts[3]\n"
	                            "        thing         -9223372036854775808  "
	                            "m=18446744073709551615  yes  text=\"1\\\"\"\n"
	                            "\n"
	                            "init\n"
	                            "   1. one: \n"
	                            "\n"
	                            "notes\n"
	                            "  danger     careful: \\x1b[31m  <- a.b\n"
	                            "  refused    no\n");
}

static void test_json(void **state)
{
	_cleanup_(desc_done)
	struct desc d = { 0 };
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	_cleanup_json_ cJSON *j = NULL;
	const cJSON *steps, *items, *item, *notes;
	uint64_t m = 0;

	(void)state;
	fill(&d);
	buf_puts(&b, "{");
	desc_write_json(&d, &b);
	buf_puts(&b, "}");
	assert_int_equal(json_parse(b.data, b.len, &j, NULL), 0);
	steps = json_get(j, "steps");
	assert_int_equal(cJSON_GetArraySize(steps), 3);
	items = json_get(cJSON_GetArrayItem(steps, 1), "items");
	assert_int_equal(cJSON_GetArraySize(items), 2);
	item = cJSON_GetArrayItem(items, 0);
	assert_string_equal(json_get_str(item, "kind", ""), "mount");
	assert_string_equal(json_get_str(item, "path", ""), "mounts[3]");
	assert_string_equal(json_get_str(item, "target", ""), "/a b\n");
	assert_null(json_get(item, "nothing"));
	assert_int_equal(cJSON_GetArraySize(json_get(item, "options")), 2);
	assert_int_equal(cJSON_GetArraySize(json_get(item, "empty")), 0);
	assert_true(cJSON_IsArray(json_get(item, "empty")));
	assert_null(json_get(item, "no"));
	item = cJSON_GetArrayItem(items, 1);
	assert_int_equal(json_uint64(json_get(item, "m"), &m), 0);
	assert_true(m == UINT64_MAX);
	assert_true(json_get_bool(item, "yes", false));
	assert_null(json_get(item, "not"));
	notes = json_get(j, "notes");
	assert_int_equal(cJSON_GetArraySize(notes), 2);
	assert_string_equal(json_get_str(cJSON_GetArrayItem(notes, 0), "kind", ""), "danger");
	assert_true(desc_has_note(&d, DESC_REFUSED));
	assert_false(desc_has_note(&d, DESC_NO_EFFECT));
}

static void test_many(void **state)
{
	_cleanup_(desc_done)
	struct desc d = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		desc_step(&d, "s", "n", NULL);
		for (int k = 0; k < i; k++) {
			desc_item(&d, "k", NULL);
			desc_int(&d, "v", k);
			desc_note(&d, DESC_DANGER, NULL, "%d", k);
		}
	}
	assert_int_equal(d.n_steps, 100);
	assert_int_equal(d.steps[99].n_items, 99);
	assert_string_equal(d.steps[99].items[98].members[0].text, "98");
	assert_int_equal(d.n_notes, 99 * 100 / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
