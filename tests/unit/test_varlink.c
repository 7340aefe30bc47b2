/* SPDX-License-Identifier: Apache-2.0 */
/* Varlink messages: what is written can be read back; what is not a message is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shim/wire/varlink.h"

static void test_call(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1000);
	struct varlink_call call;

	(void)state;
	assert_int_equal(varlink_put_call(&b, "a.b.C", "{\"x\":1}", VARLINK_MORE | VARLINK_UPGRADE),
	                 0);
	assert_int_equal(b.len, strlen(b.data) + 1);
	assert_string_equal(b.data, "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true,"
	                            "\"upgrade\":true}");
	assert_int_equal(varlink_call_parse(b.data, b.len - 1, &call), 0);
	assert_string_equal(call.method, "a.b.C");
	assert_int_equal(call.flags, VARLINK_MORE | VARLINK_UPGRADE);
	assert_int_equal(json_get_int(call.parameters, "x", 0), 1);
	varlink_call_done(&call);
}

static void test_two_messages(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1000);

	(void)state;
	assert_int_equal(varlink_put_reply(&b, NULL, true), 0);
	assert_int_equal(varlink_put_error(&b, "x.Bad", "{\"p\":\"\"}"), 0);
	assert_string_equal(b.data, "{\"parameters\":{},\"continues\":true}");
	assert_string_equal(b.data + strlen(b.data) + 1,
	                    "{\"error\":\"x.Bad\",\"parameters\":{\"p\":\"\"}}");
	assert_int_equal(b.data[b.len - 1], '\0');
}

/* What does not fit leaves the messages before it as they were. */
static void test_full(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(60);
	size_t len;

	(void)state;
	assert_int_equal(varlink_put_reply(&b, "{\"a\":\"b\"}", false), 0);
	len = b.len;
	assert_int_equal(varlink_put_error(&b, "some.long.Error", "{\"p\":\"0123456789\"}"),
	                 -EFBIG);
	assert_int_equal(b.len, len);
	assert_string_equal(b.data, "{\"parameters\":{\"a\":\"b\"}}");
}

static void test_reply(void **state)
{
	static const char ok[] = "{\"parameters\":{\"code\":42},\"continues\":true}";
	static const char bad[] = "{\"error\":\"a.B\",\"parameters\":null}";
	struct varlink_reply r;

	(void)state;
	assert_int_equal(varlink_reply_parse(ok, sizeof(ok) - 1, &r), 0);
	assert_null(r.error);
	assert_true(r.continues);
	assert_int_equal(json_get_int(r.parameters, "code", 0), 42);
	varlink_reply_done(&r);
	assert_int_equal(varlink_reply_parse(bad, sizeof(bad) - 1, &r), 0);
	assert_string_equal(r.error, "a.B");
	assert_null(r.parameters);
	assert_false(r.continues);
	varlink_reply_done(&r);
}

static void test_refused(void **state)
{
	static const char *const calls[] = {
		"",
		"{}",
		"[]",
		"1",
		"{\"method\":1}",
		"{\"method\":\"\"}",
		"{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"parameters\":\"x\"}",
		"{\"method\":\"a.B\",\"more\":1}",
		"{\"method\":\"a.B\",\"oneway\":\"true\"}",
		"{\"method\":\"a.B\"} x",
		"{\"method\":\"a.B\"",
		"{\"METHOD\":\"a.B\"}",
		"{\"method\":\"a.B\",\"method\":\"a.C\"}",
		"{\"method\":\"a\\u0000.B\"}",
		"{\"method\":\"a.\xff\"}",
	};
	struct varlink_call call;
	struct varlink_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(varlink_call_parse(calls[i], strlen(calls[i]), &call), -EBADMSG);
	assert_int_equal(varlink_reply_parse("{\"error\":5}", 11, &reply), -EBADMSG);
	assert_int_equal(varlink_reply_parse("{\"continues\":5}", 15, &reply), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),    cmocka_unit_test(test_two_messages),
		cmocka_unit_test(test_full),    cmocka_unit_test(test_reply),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
