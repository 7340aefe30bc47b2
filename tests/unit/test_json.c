/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what the strict scan refuses, exact numbers, quoting. Each table row is one trap. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "base/mem.h"

/* Parse a C string; the result, and the tree in *ret (may be NULL). */
static int parse(const char *text, cJSON **ret, struct err *err)
{
	_cleanup_json_ cJSON *j = NULL;
	int r = json_parse(text, strlen(text), &j, err);

	if (r < 0)
		assert_null(j);
	else if (ret)
		*ret = take_ptr(j);
	return r;
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why; /* part of the message */
	} rows[] = {
		{ "", "line 1, column 1: unexpected end" },
		{ "  \n ", "line 2, column 2: unexpected end" },
		{ "{", "key expected" },
		{ "[", "unexpected end" },
		{ "{\n  \"a\": x}", "line 2, column 8: invalid value" },
		{ "[1,]", "invalid value" },
		{ "{\"a\":1,}", "key expected" },
		{ "[,1]", "invalid value" },
		{ "[1 2]", "',' or ']' expected" },
		{ "{\"a\" 1}", "':' expected" },
		{ "{\"a\":1 \"b\":2}", "',' or '}' expected" },
		{ "{a:1}", "key expected" },
		{ "{'a':1}", "key expected" },
		{ "{1:1}", "key expected" },
		{ "]", "invalid value" },
		{ "[1}", "',' or ']' expected" },
		/* numbers */
		{ "01", "text behind the end" },
		{ "-01", "text behind the end" },
		{ "0x10", "text behind the end" },
		{ "+1", "invalid value" },
		{ "-", "invalid value" },
		{ ".5", "invalid value" },
		{ "1.", "digits expected after the point" },
		{ "1e", "digits expected in the exponent" },
		{ "1e+", "digits expected in the exponent" },
		{ "NaN", "invalid value" },
		{ "Infinity", "invalid value" },
		{ "-Infinity", "invalid value" },
		/* literals, comments, trailing text */
		{ "True", "invalid value" },
		{ "tru", "invalid value" },
		{ "nul", "invalid value" },
		{ "truee", "text behind the end" },
		{ "{} {}", "text behind the end" },
		{ "{}x", "text behind the end" },
		{ "{}\x0c", "text behind the end" },
		{ "// x\n{}", "invalid value" },
		{ "{/**/}", "key expected" },
		{ "{} // x", "text behind the end" },
		/* strings */
		{ "\"a", "unterminated string" },
		{ "\"a\\", "invalid escape" },
		{ "\"\\\"", "unterminated string" },
		{ "\"\\x41\"", "invalid escape" },
		{ "\"\\'\"", "invalid escape" },
		{ "\"\\u12\"", "four hex digits" },
		{ "\"\\u12g4\"", "four hex digits" },
		{ "\"\\u", "four hex digits" },
		{ "\"\\u0000\"", "NUL character" },
		{ "\"abc\\u0000def\"", "NUL character" },
		{ "{\"a\\u0000b\":1}", "NUL character" },
		{ "\"a\nb\"", "line 1, column 3: control character" },
		{ "\"a\tb\"", "control character" },
		{ "\"\x1b\"", "control character" },
		{ "{\"a\x01\":1}", "control character" },
		{ "\"\\ud800\"", "lone surrogate" },
		{ "\"\\udc00\"", "lone surrogate" },
		{ "\"\\ud800x\"", "lone surrogate" },
		{ "\"\\ud800\\u0041\"", "lone surrogate" },
		{ "\"\\ud800\\ud800\"", "lone surrogate" },
		{ "\"\\ud800\\n\"", "lone surrogate" },
		{ "\"\xff\"", "invalid UTF-8" },
		{ "\"\xc3\"", "invalid UTF-8" },
		{ "\"\xc0\x80\"", "invalid UTF-8" }, /* over-long NUL */
		{ "\"\xe0\x80\xaf\"", "invalid UTF-8" },
		{ "\"\xf0\x80\x80\xaf\"", "invalid UTF-8" },
		{ "\"\xed\xa0\x80\"", "invalid UTF-8" }, /* CESU surrogate */
		{ "\"\xf4\x90\x80\x80\"", "invalid UTF-8" },
		{ "{\"\xff\":1}", "invalid UTF-8" },
		{ "\xef\xbb\xbf{}", "invalid value" }, /* byte order mark */
		{ "\xff\xfe{", "invalid value" },
		/* duplicate keys, also behind escapes and at depth */
		{ "{\"a\":1,\"a\":1}", "duplicate key \"a\"" },
		{ "{\"args\":1,\"b\":2,\"\\u0061rgs\":3}", "duplicate key \"args\"" },
		{ "[{\"x\":[{\"k\":null,\"k\":null}]}]", "duplicate key \"k\"" },
		{ "{\"\":1,\"\":2}", "duplicate key \"\"" },
		{ "{\"a\\n\":1,\"a\\u000a\":2}",
		  "duplicate key \"a\\n\"" }, /* escaped in the message */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };

		if (parse(rows[i].text, NULL, &err) != -EINVAL || !strstr(err.msg, rows[i].why))
			fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].text, err.msg,
			         rows[i].why);
		assert_int_equal(parse(rows[i].text, NULL, NULL), -EINVAL);
	}
}

static void test_raw_nul(void **state)
{
	static const char in_string[] = "\"a\0b\"", behind[] = "{}\0", between[] = "[\0]";
	cJSON *j = NULL;

	(void)state;
	assert_int_equal(json_parse(in_string, sizeof(in_string) - 1, &j, NULL), -EINVAL);
	assert_int_equal(json_parse(behind, sizeof(behind) - 1, &j, NULL), -EINVAL);
	assert_int_equal(json_parse(between, sizeof(between) - 1, &j, NULL), -EINVAL);
	assert_null(j);
}

static void test_accepted(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"null",
		"true",
		"\"x\"",
		"0",
		"-0",
		"1",
		" \t\r\n{ } \n",
		"{\"a\":[1,2,{\"b\":null}],\"A\":1}", /* keys differ in case */
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
		"\"\\ud83d\\udc33\"",
		"\"\xf0\x9f\x90\xb3\"",
		"\"\x7f\"",
		"1.5",
		"1e3",
		"1E-2",
		"-1.5e+3",
		"[[],{}]",
		"\"\\uFFFF\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };
		_cleanup_json_ cJSON *j = NULL;

		if (parse(rows[i], &j, &err) != 0)
			fail_msg("%s: %s", rows[i], err.msg);
		assert_non_null(j);
	}
}

static void test_depth(void **state)
{
	(void)state;
	for (size_t depth = 60; depth < 70; depth++) {
		for (int kind = 0; kind < 2; kind++) {
			_cleanup_buf_ struct buf b = BUF_INIT(10000);
			struct err err = { 0 };
			int r;

			for (size_t i = 0; i < depth; i++)
				buf_puts(&b, kind ? "{\"k\":" : "[");
			buf_puts(&b, "1");
			for (size_t i = 0; i < depth; i++)
				buf_puts(&b, kind ? "}" : "]");
			r = parse(b.data, NULL, &err);
			assert_int_equal(r, depth <= 64 ? 0 : -EINVAL);
			if (r < 0)
				assert_non_null(strstr(err.msg, "nested too deep"));
		}
	}
}

/* Deep nesting must be found before it is followed. */
static void test_very_deep(void **state)
{
	size_t len = 1000000;
	char *text = xmalloc(len + 1);
	cJSON *j = NULL;

	(void)state;
	memset(text, '[', len);
	assert_int_equal(json_parse(text, len, &j, NULL), -EINVAL);
	for (size_t i = 0; i + 5 <= len; i += 5)
		memcpy(text + i, "{\"a\":", 5);
	assert_int_equal(json_parse(text, len, &j, NULL), -EINVAL);
	assert_null(j);
	free(text);
}

static void test_size(void **state)
{
	size_t cap = 16 << 20;
	char *text = xmalloc(cap + 1);
	cJSON *j = NULL;
	struct err err = { 0 };

	(void)state;
	memset(text, ' ', cap + 1);
	memcpy(text, "{}", 2);
	assert_int_equal(json_parse(text, cap + 1, &j, &err), -EFBIG);
	assert_non_null(strstr(err.msg, "larger than 16 MiB"));
	assert_int_equal(json_parse(text, cap, &j, NULL), 0);
	json_free_ptr(&j);
	/* Tokens: the array and its elements. */
	for (size_t n = 999999; n <= 1000000; n++) {
		text[0] = '[';
		for (size_t i = 0; i < n; i++)
			memcpy(text + 1 + 2 * i, "1,", 2);
		text[2 * n] = ']';
		assert_int_equal(json_parse(text, 2 * n + 1, &j, &err), n < 1000000 ? 0 : -EFBIG);
		json_free_ptr(&j);
	}
	assert_non_null(strstr(err.msg, "too many values"));
	free(text);
}

/* A valid document cut at every byte is an error and never a crash. */
static void test_truncated(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e3,\"x\\u00fc\\ud83d\\udc33\xc3\xbc\",true,false,null,{}],"
	    "\"big\":18446744073709551615,\"k\\\"\":{\"n\":\"\\\\\"}}";
	cJSON *j = NULL;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		/* An exact copy, so that the sanitizer sees a read behind the end. */
		char *copy = malloc(len + 1);

		copy = realloc(copy, len ? len : 1);
		memcpy(copy, text, len);
		assert_int_equal(json_parse(copy, len, &j, NULL), -EINVAL);
		free(copy);
	}
	assert_int_equal(json_parse(text, sizeof(text) - 1, &j, NULL), 0);
	json_free_ptr(&j);
}

static void test_int64(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t v;
	} rows[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "-1", 0, -1 },
		{ "2147483648", 0, 2147483648LL },
		{ "999999999999999", 0, 999999999999999LL },
		{ "-999999999999999", 0, -999999999999999LL },
		{ "1000000000000000", 0, 1000000000000000LL },
		{ "9007199254740991", 0, 9007199254740991LL },
		{ "9007199254740992", 0, 9007199254740992LL },
		{ "9007199254740993", 0, 9007199254740993LL }, /* 2^53 + 1: a double can't */
		{ "-9007199254740993", 0, -9007199254740993LL },
		{ "9223372036854775806", 0, INT64_MAX - 1 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "99999999999999999999999999999999999999999999999999999999999999999999", -ERANGE,
		  0 },
		{ "-0", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1E3", -EINVAL, 0 },
		{ "0.0", -EINVAL, 0 },
		{ "1e400", -EINVAL, 0 },
		{ "12345678901234567.0", -EINVAL, 0 },
		{ "\"1\"", -EINVAL, 0 },
		{ "\"\\u00011\"", -EINVAL, 0 }, /* a string may not pass for a number */
		{ "\"\\u0001\\u00011\"", -EINVAL, 0 },
		{ "true", -EINVAL, 0 },
		{ "null", -EINVAL, 0 },
		{ "[]", -EINVAL, 0 },
		{ "[1]", -EINVAL, 0 },
		{ "{}", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ cJSON *j = NULL;
		int64_t v = 4711;

		assert_int_equal(parse(rows[i].text, &j, NULL), 0);
		if (json_int64(j, &v) != rows[i].r || v != (rows[i].r ? 4711 : rows[i].v))
			fail_msg("%s gives %lld", rows[i].text, (long long)v);
	}
	assert_int_equal(json_int64(NULL, NULL), -EINVAL);
}

static void test_uint64(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} rows[] = {
		{ "0", 0, 0 },
		{ "4294967295", 0, UINT32_MAX },
		{ "9007199254740993", 0, 9007199254740993ULL },
		{ "9223372036854775808", 0, 9223372036854775808ULL },
		{ "18446744073709551614", 0, UINT64_MAX - 1 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-9223372036854775808", -ERANGE, 0 },
		{ "-0", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "1.8446744073709551615e19", -EINVAL, 0 },
		{ "\"18446744073709551615\"", -EINVAL, 0 },
		{ "false", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ cJSON *j = NULL;
		uint64_t v = 4711;

		assert_int_equal(parse(rows[i].text, &j, NULL), 0);
		if (json_uint64(j, &v) != rows[i].r || v != (rows[i].r ? 4711 : rows[i].v))
			fail_msg("%s gives %llu", rows[i].text, (unsigned long long)v);
	}
}

static void test_strings(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{ "\"\"", "" },
		{ "\"\\u0041\\n\\/\"", "A\n/" },
		{ "\"\\ud83d\\udc33\"", "\xf0\x9f\x90\xb3" },
		{ "\"\\u0001\"", "\x01" },
		{ "\"\\u00019\"", "\x01"
		                  "9" }, /* looks like the scan's own mark */
		{ "\"\\u0001\\u0001x\"", "\x01\x01x" },
		{ "\"x\\u00019\"", "x\x01"
		                   "9" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ cJSON *j = NULL;

		assert_int_equal(parse(rows[i].text, &j, NULL), 0);
		assert_true(json_is_string(j));
		assert_string_equal(j->valuestring, rows[i].value);
	}
}

static void test_keys(void **state)
{
	_cleanup_json_ cJSON *j = NULL;

	(void)state;
	assert_int_equal(parse("{\"Key\":1,\"key\":2,\"nul\":null,\"\\u0001k\":3}", &j, NULL), 0);
	assert_int_equal(json_get_int(j, "Key", -1), 1);
	assert_int_equal(json_get_int(j, "key", -1), 2);
	assert_int_equal(json_get_int(j, "KEY", -1), -1);
	assert_int_equal(json_get_int(j, "\x01k", -1), 3);
	assert_null(json_get(j, "nul"));
	assert_null(json_get(j, "none"));
	assert_null(json_get(NULL, "key"));
	assert_null(json_get(json_get(j, "key"), "key")); /* not an object */
}

static void test_getters(void **state)
{
	_cleanup_json_ cJSON *j = NULL;

	(void)state;
	assert_int_equal(parse("{\"s\":\"x\",\"t\":true,\"f\":false,\"big\":18446744073709551615,"
	                       "\"n\":-3}",
	                       &j, NULL),
	                 0);
	assert_string_equal(json_get_str(j, "s", "d"), "x");
	assert_string_equal(json_get_str(j, "t", "d"), "d");
	assert_string_equal(json_get_str(j, "big", "d"), "d"); /* text inside, not a string */
	assert_null(json_get_str(j, "none", NULL));
	assert_true(json_get_bool(j, "t", false));
	assert_false(json_get_bool(j, "f", true));
	assert_true(json_get_bool(j, "s", true));
	assert_true(json_get_uint(j, "big", 1) == UINT64_MAX);
	assert_int_equal(json_get_uint(j, "n", 1), 1);
	assert_int_equal(json_get_int(j, "n", 1), -3);
	assert_int_equal(json_get_int(j, "big", 7), 7);
}

static void test_write(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "\"\"" },
		{ "a/b", "\"a/b\"" },
		{ "\"\\", "\"\\\"\\\\\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xbc\xf0\x9f\x90\xb3", "\"\xc3\xbc\xf0\x9f\x90\xb3\"" },
		{ "a\xff"
		  "b",
		  "\"a\xef\xbf\xbd"
		  "b\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ NULL, "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT(100);
		_cleanup_json_ cJSON *j = NULL;

		assert_int_equal(json_str(&b, rows[i].in), 0);
		assert_string_equal(b.data, rows[i].out);
		assert_int_equal(json_parse(b.data, b.len, &j, NULL), 0);
	}
}

/* What is written is read back; a NUL can be written, and is refused when read. */
static void test_round_trip(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		_cleanup_buf_ struct buf b = BUF_INIT(100);
		_cleanup_json_ cJSON *j = NULL;
		char s[] = { 'a', (char)c, 'z' };

		assert_int_equal(json_strn(&b, s, 3), 0);
		assert_int_equal(json_parse(b.data, b.len, &j, NULL), c ? 0 : -EINVAL);
		if (c > 0 && c < 0x80)
			assert_memory_equal(j->valuestring, s, 3);
		else if (c)
			assert_string_equal(j->valuestring, "a\xef\xbf\xbdz");
	}
}

static void test_write_full(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_puts(&b, "abc"), 0);
	assert_int_equal(json_str(&b, "123456"), -EFBIG);
	assert_string_equal(b.data, "abc");
	assert_int_equal(json_str(&b, "12345"), 0);
	assert_string_equal(b.data, "abc\"12345\"");
}

static void write_doc(struct json_doc *d)
{
	json_doc_open(d);
	json_doc_str(d, "a", "x\"");
	json_doc_key(d, "b");
	json_doc_open(d);
	json_doc_int(d, "c", INT64_MIN);
	json_doc_close(d);
	json_doc_key(d, "d");
	json_doc_open(d);
	json_doc_close(d);
	json_doc_bool(d, "e", true);
	json_doc_str(d, "f", NULL);
	json_doc_close(d);
}

static void test_doc(void **state)
{
	struct json_doc d = { .b = BUF_INIT(1000) },
	                pretty = { .b = BUF_INIT(1000), .pretty = true };

	(void)state;
	write_doc(&d);
	assert_string_equal(d.b.data,
	                    "{\"a\":\"x\\\"\",\"b\":{\"c\":-9223372036854775808},\"d\":{},"
	                    "\"e\":true,\"f\":\"\"}");
	write_doc(&pretty);
	assert_string_equal(
	    pretty.b.data,
	    "{\n  \"a\": \"x\\\"\",\n  \"b\": {\n    \"c\": -9223372036854775808\n  },"
	    "\n  \"d\": {},\n  \"e\": true,\n  \"f\": \"\"\n}");
	buf_done(&d.b);
	buf_done(&pretty.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_raw_nul),
		cmocka_unit_test(test_accepted),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_very_deep),  cmocka_unit_test(test_size),
		cmocka_unit_test(test_truncated),  cmocka_unit_test(test_int64),
		cmocka_unit_test(test_uint64),     cmocka_unit_test(test_strings),
		cmocka_unit_test(test_keys),       cmocka_unit_test(test_getters),
		cmocka_unit_test(test_write),      cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_write_full), cmocka_unit_test(test_doc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
