/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's stand-in for cJSON, beside the real one: the same tree for what the scan of
 * base/json.c hands to it; and no harm from anything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/mem.h"

/* Under other names. */
cJSON *ours_parse(const char *value, size_t buffer_length);
void ours_delete(cJSON *item);
cJSON *ours_get(const cJSON *object, const char *string);
#define cJSON_ParseWithLength            ours_parse
#define cJSON_Delete                     ours_delete
#define cJSON_GetObjectItemCaseSensitive ours_get
#define cJSON_IsArray                    ours_IsArray
#define cJSON_IsBool                     ours_IsBool
#define cJSON_IsNull                     ours_IsNull
#define cJSON_IsNumber                   ours_IsNumber
#define cJSON_IsObject                   ours_IsObject
#define cJSON_IsRaw                      ours_IsRaw
#define cJSON_IsString                   ours_IsString
#define cJSON_IsTrue                     ours_IsTrue
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
/* The real header has been read: these are declared by their definitions alone. */
#include "shim/json_tree.c" /* NOLINT(bugprone-suspicious-include) */
#undef cJSON_ParseWithLength
#undef cJSON_Delete
#undef cJSON_GetObjectItemCaseSensitive
#undef cJSON_IsArray
#undef cJSON_IsBool
#undef cJSON_IsNull
#undef cJSON_IsNumber
#undef cJSON_IsObject
#undef cJSON_IsRaw
#undef cJSON_IsString
#undef cJSON_IsTrue

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static bool same(const cJSON *a, const cJSON *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (a->type != b->type || !same_text(a->string, b->string) ||
		    !same_text(a->valuestring, b->valuestring) || !same(a->child, b->child))
			return false;
		if (a->type == cJSON_Number &&
		    (a->valueint != b->valueint || a->valuedouble < b->valuedouble ||
		     a->valuedouble > b->valuedouble))
			return false;
	}
	return a == b;
}

/*
 * 1: both take it, and it is the same; 0: ours refuses it, whatever the other says, which takes
 * "\\u123g"; -1: ours alone takes it; -2: it is not the same.
 */
static int compare(const char *text, size_t len)
{
	cJSON *a = ours_parse(text, len), *b = cJSON_ParseWithLength(text, len);
	int r = !a ? 0 : !b ? -1 : same(a, b) ? 1 : -2;

	ours_delete(a);
	cJSON_Delete(b);
	return r;
}

static void test_texts(void **state)
{
	static const char *const taken[] = {
		"{}",
		"[]",
		"null",
		"true",
		"false",
		"0",
		"-1",
		"999999999999999",
		"-999999999999999",
		"2147483647",
		"2147483648",
		"-2147483648",
		"-2147483649",
		"\"\"",
		"\"\\u0001-0\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uFFFF\"",
		"\"\\ud800\\udc00\\uDBFF\\uDFFF\"",
		"\"\xc3\xa4\xf0\x9f\x98\x80\"",
		"{\"a\":1,\"b\":[true,false,null,{\"c\":\"d\"},[],{}],\"e\\n\":\"\\u00e4\"}",
		"[[[[[[[[[[1]]]]]]]]]]",
	};
	static const char *const refused[] = {
		"",
		"{",
		"[",
		"\"",
		"\"\\",
		"\"\\\"",
		"nul",
		"tru",
		"[1,",
		"[1,]",
		"{\"a\":}",
		"{\"a\"}",
		"{a:1}",
		"\"\\x\"",
		"-",
		"\"\\u12",
		"\"\\u123g\"",
		"\"\\ud800\"",
		"[1}",
		"\"\\udc00\"",
		"{\"a\":1",
		",",
		"\"\\ud800\\n",
		"\"\\ud800\\u0041\"",
		"{1:\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (compare(taken[i], strlen(taken[i])) != 1)
			fail_msg("%s: %d", taken[i], compare(taken[i], strlen(taken[i])));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (compare(refused[i], strlen(refused[i])) != 0)
			fail_msg("%s: %d", refused[i], compare(refused[i], strlen(refused[i])));
	/* What the scan keeps from us: never taken for something else. */
	assert_null(ours_parse("1000000000000000", 16));
	assert_null(ours_parse("1 ", 2));
	assert_null(ours_parse("\"\\u0000\"", 8));
	assert_null(ours_parse("truex", 5));
}

static void test_depth(void **state)
{
	char text[4096];
	cJSON *j;

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_int_equal(compare(text, 128), 1);
	memset(text, '[', sizeof(text));
	assert_null(ours_parse(text, sizeof(text)));
	memset(text + 2000, ']', 2000);
	j = ours_parse(text, 4000);
	assert_null(j);
}

static void test_members(void **state)
{
	static const char text[] = "{\"a\":true,\"A\":null,\"b\":\"x\",\"c\":1}";
	cJSON *j = ours_parse(text, sizeof(text));

	(void)state;
	assert_non_null(j);
	assert_true(ours_IsObject(j) && !ours_IsArray(j));
	assert_true(ours_IsTrue(ours_get(j, "a")) && ours_IsBool(ours_get(j, "a")));
	assert_true(ours_IsNull(ours_get(j, "A")) && !ours_IsBool(ours_get(j, "A")));
	assert_true(ours_IsString(ours_get(j, "b")) && !ours_IsRaw(ours_get(j, "b")));
	assert_true(ours_IsNumber(ours_get(j, "c")));
	assert_null(ours_get(j, "B"));
	assert_null(ours_get(NULL, "a"));
	assert_false(ours_IsTrue(NULL));
	ours_delete(j);
}

static void put_random(struct buf *b, int depth)
{
	static const char *const pieces[] = { "a",  "\\n",      "\\u00e4", "\\ud83d\\ude00",
		                              "\"", "\xc3\xa4", "\\\\",    " " };
	int what = rand() % (depth > 5 ? 4 : 6), n = rand() % 5;

	if (what < 2) {
		buf_printf(b, "%lld", (long long)rand() * rand() % 1000000000000000 - rand());
	} else if (what == 2) {
		buf_puts(b, rand() % 3 ? "true" : rand() % 2 ? "false" : "null");
	} else if (what == 3) {
		buf_puts(b, "\"");
		for (; n; n--) {
			const char *p = pieces[rand() % (int)ARRAY_SIZE(pieces)];

			buf_puts(b, *p == '"' ? "\\\"" : p);
		}
		buf_puts(b, "\"");
	} else {
		buf_puts(b, what == 4 ? "[" : "{");
		for (int i = 0; i < n; i++) {
			buf_puts(b, i ? "," : "");
			if (what == 5)
				buf_printf(b, "\"k%d\":", rand() % 3);
			put_random(b, depth + 1);
		}
		buf_puts(b, what == 4 ? "]" : "}");
	}
}

/* Texts that are right are the same tree, and those with wrong bytes in them no trouble. */
static void test_random(void **state)
{
	int both = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		_cleanup_buf_ struct buf b = { .max = 1 << 20 };

		put_random(&b, 0);
		if (compare(b.data, b.len) != 1)
			fail_msg("%s", b.data);
		for (int k = 0; k < 3; k++) {
			int r;

			b.data[(size_t)rand() % b.len] = "{}[]\",:\\u0\x80-"[rand() % 12];
			r = compare(b.data, b.len);
			both += r == 1;
			if (r < 0)
				fail_msg("%s", b.data);
			ours_delete(ours_parse(b.data, (size_t)rand() % b.len));
		}
	}
	assert_true(both > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
