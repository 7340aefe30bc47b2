/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Varlink messages. A member of the wrong type is an error rather than absent: a peer that says
 * "more": 1 must learn that it is wrong.
 */
#include "shim/wire/varlink.h"

#include <errno.h>

#include "base/mem.h"

static const struct {
	const char *name;
	unsigned int flag;
} call_flags[] = {
	{ "more", VARLINK_MORE },
	{ "oneway", VARLINK_ONEWAY },
	{ "upgrade", VARLINK_UPGRADE },
};

/* A boolean member; absent is false. -EBADMSG for another type. */
static int get_bool(const cJSON *root, const char *name)
{
	const cJSON *j = json_get(root, name);

	if (!j)
		return false;
	return cJSON_IsBool(j) ? cJSON_IsTrue(j) : -EBADMSG;
}

/* The object both kinds of message have; "parameters" may be missing or null. */
static int parse(const char *text, size_t len, cJSON **ret_root, const cJSON **ret_parameters)
{
	int r = json_parse(text, len, ret_root, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (!cJSON_IsObject(*ret_root))
		return -EBADMSG;
	*ret_parameters = json_get(*ret_root, "parameters");
	if (*ret_parameters && !cJSON_IsObject(*ret_parameters))
		return -EBADMSG;
	return 0;
}

int varlink_call_parse(const char *text, size_t len, struct varlink_call *ret)
{
	_cleanup_varlink_call_ struct varlink_call call = { NULL };
	const cJSON *method;
	int r;

	r = parse(text, len, &call.root, &call.parameters);
	if (r < 0)
		return r;
	method = json_get(call.root, "method");
	if (!json_is_string(method) || !*method->valuestring)
		return -EBADMSG;
	call.method = method->valuestring;
	for (size_t i = 0; i < ARRAY_SIZE(call_flags); i++) {
		r = get_bool(call.root, call_flags[i].name);
		if (r < 0)
			return r;
		if (r)
			call.flags |= call_flags[i].flag;
	}
	*ret = call;
	call.root = NULL;
	return 0;
}

int varlink_reply_parse(const char *text, size_t len, struct varlink_reply *ret)
{
	_cleanup_varlink_reply_ struct varlink_reply reply = { NULL };
	const cJSON *error;
	int r;

	r = parse(text, len, &reply.root, &reply.parameters);
	if (r < 0)
		return r;
	error = json_get(reply.root, "error");
	if (error && !json_is_string(error))
		return -EBADMSG;
	reply.error = error ? error->valuestring : NULL;
	r = get_bool(reply.root, "continues");
	if (r < 0)
		return r;
	reply.continues = r;
	*ret = reply;
	reply.root = NULL;
	return 0;
}

void varlink_call_done(struct varlink_call *call)
{
	json_free_ptr(&call->root);
}

void varlink_reply_done(struct varlink_reply *reply)
{
	json_free_ptr(&reply->root);
}

/* Undo what a failed append has left. */
static int finish(struct buf *b, size_t start, int r)
{
	if (r >= 0)
		r = buf_add(b, "}", 2); /* with the NUL that ends the message */
	if (r < 0 && b->data) {
		b->len = start;
		b->data[start] = '\0';
	}
	return r < 0 ? r : 0;
}

static int put_parameters(struct buf *b, const char *parameters)
{
	int r;

	if (!parameters)
		return 0;
	r = buf_puts(b, ",\"parameters\":");
	return r < 0 ? r : buf_puts(b, parameters);
}

int varlink_put_call(struct buf *b, const char *method, const char *parameters, unsigned int flags)
{
	size_t start = b->len;
	int r = buf_puts(b, "{\"method\":");

	if (r >= 0)
		r = json_str(b, method);
	if (r >= 0)
		r = put_parameters(b, parameters);
	for (size_t i = 0; i < ARRAY_SIZE(call_flags) && r >= 0; i++)
		if (flags & call_flags[i].flag)
			r = buf_printf(b, ",\"%s\":true", call_flags[i].name);
	return finish(b, start, r);
}

int varlink_put_reply(struct buf *b, const char *parameters, bool continues)
{
	size_t start = b->len;
	int r = buf_printf(b, "{\"parameters\":%s%s", parameters ? parameters : "{}",
	                   continues ? ",\"continues\":true" : "");

	return finish(b, start, r);
}

int varlink_put_error(struct buf *b, const char *error, const char *parameters)
{
	size_t start = b->len;
	int r = buf_puts(b, "{\"error\":");

	if (r >= 0)
		r = json_str(b, error);
	if (r >= 0)
		r = put_parameters(b, parameters);
	return finish(b, start, r);
}
