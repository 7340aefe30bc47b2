/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON object that is written member by member, on one line or indented by two. What does not fit
 * into the buffer is cut off, as with all of struct buf.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json_doc {
	struct buf b;
	bool pretty;
	/* Own. */
	bool has_members;
	int depth;
};

void json_doc_open(struct json_doc *d); /* an object: the document, or the value of a key */
void json_doc_close(struct json_doc *d);
void json_doc_key(struct json_doc *d, const char *name); /* the caller writes the value to b */
void json_doc_str(struct json_doc *d, const char *name, const char *value); /* NULL: "" */
void json_doc_int(struct json_doc *d, const char *name, int64_t value);
void json_doc_bool(struct json_doc *d, const char *name, bool value);
