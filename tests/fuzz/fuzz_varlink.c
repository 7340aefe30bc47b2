/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Varlink messages, as calls and as replies. The input is one message without its NUL.
 *
 * Holds: what is taken for a call has a method, for a reply no error of another type; written anew
 * from what was read it is read as the same; what can't be written leaves the buffer as it was.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "shim/wire/varlink.h"

static char *text_of(const cJSON *j)
{
	return j ? cJSON_PrintUnformatted(j) : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* One whole message in the buffer, and nothing behind it. */
static void check_message(const struct buf *b)
{
	CHECK(b->len > 1 && b->len <= b->max);
	CHECK(strlen(b->data) == b->len - 1);
}

static void check_call(const struct varlink_call *call)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8 * VARLINK_MESSAGE_MAX);
	_cleanup_varlink_call_ struct varlink_call again = { NULL };
	_cleanup_free_ char *was = text_of(call->parameters), *is = NULL;
	_cleanup_buf_ struct buf small = BUF_INIT(24);

	CHECK(call->method && *call->method);
	CHECK(!(call->flags & ~(unsigned int)(VARLINK_MORE | VARLINK_ONEWAY | VARLINK_UPGRADE)));
	CHECK(varlink_put_call(&b, call->method, was, call->flags) == 0);
	check_message(&b);
	CHECK(varlink_call_parse(b.data, b.len - 1, &again) == 0);
	is = text_of(again.parameters);
	CHECK(streq(call->method, again.method) && call->flags == again.flags);
	CHECK(same_text(was, is));
	buf_puts(&small, "x");
	if (varlink_put_call(&small, call->method, was, call->flags) < 0)
		CHECK(small.len == 1 && streq(small.data, "x"));
}

static void check_reply(const struct varlink_reply *reply)
{
	_cleanup_buf_ struct buf b = BUF_INIT(8 * VARLINK_MESSAGE_MAX);
	_cleanup_varlink_reply_ struct varlink_reply again = { NULL };
	_cleanup_free_ char *was = text_of(reply->parameters), *is = NULL;

	if (reply->error)
		CHECK(varlink_put_error(&b, reply->error, was) == 0);
	else
		CHECK(varlink_put_reply(&b, was, reply->continues) == 0);
	check_message(&b);
	CHECK(varlink_reply_parse(b.data, b.len - 1, &again) == 0);
	is = text_of(again.parameters);
	if (reply->error)
		CHECK(again.error && streq(reply->error, again.error));
	else
		CHECK(!again.error && again.continues == reply->continues);
	CHECK(was ? same_text(was, is) : !is || streq(is, "{}"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_call call;
	struct varlink_reply reply;
	int r;

	if (size > VARLINK_MESSAGE_MAX)
		return 0;
	r = varlink_call_parse((const char *)data, size, &call);
	CHECK(r == 0 || r == -EBADMSG);
	if (r == 0) {
		check_call(&call);
		varlink_call_done(&call);
	}
	r = varlink_reply_parse((const char *)data, size, &reply);
	CHECK(r == 0 || r == -EBADMSG);
	if (r == 0) {
		check_reply(&reply);
		varlink_reply_done(&reply);
	}
	return 0;
}
