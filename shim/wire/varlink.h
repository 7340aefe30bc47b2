/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Varlink messages: one JSON object and a NUL byte each, in order, over a stream socket
 * (https://varlink.org). Encoding and decoding only; nothing here reads or writes.
 *
 * Memory can run out in the shim while a stranger's message is read: every function returns
 * -ENOMEM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"

#define VARLINK_MESSAGE_MAX 65536 /* bytes, with the NUL */

enum varlink_flags { VARLINK_MORE = 1, VARLINK_ONEWAY = 2, VARLINK_UPGRADE = 4 };

struct varlink_call {
	cJSON *root; /* owned: varlink_call_done() */
	const char *method;
	const cJSON *parameters; /* object, or NULL */
	unsigned int flags;      /* enum varlink_flags */
};

struct varlink_reply {
	cJSON *root;             /* owned: varlink_reply_done() */
	const cJSON *parameters; /* object, or NULL */
	const char *error;       /* NULL: success */
	bool continues;
};

/* text without its NUL. -EBADMSG: not a call (or not a reply); -ENOMEM. */
int varlink_call_parse(const char *text, size_t len, struct varlink_call *ret);
int varlink_reply_parse(const char *text, size_t len, struct varlink_reply *ret);
void varlink_call_done(struct varlink_call *call);
void varlink_reply_done(struct varlink_reply *reply);
#define _cleanup_varlink_call_  __attribute__((cleanup(varlink_call_done)))
#define _cleanup_varlink_reply_ __attribute__((cleanup(varlink_reply_done)))

/*
 * Append a message with its NUL. parameters is the text of a JSON object, NULL for none. 0,
 * -ENOMEM, -EFBIG (the buffer is then as it was).
 */
int varlink_put_call(struct buf *b, const char *method, const char *parameters, unsigned int flags);
int varlink_put_reply(struct buf *b, const char *parameters, bool continues);
int varlink_put_error(struct buf *b, const char *error, const char *parameters);
