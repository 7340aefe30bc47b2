/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out, on cJSON with its traps closed. Reading: a pre-scan of the text refuses NUL
 * escapes, raw control bytes in strings, invalid UTF-8, duplicate keys, depth > 64, more than 1 M
 * tokens and trailing text. Numbers that are not integers of at most 15 digits become cJSON_Raw
 * items that keep their text: a cJSON_Number is always an exact integer, and the getters below read
 * all others exactly too. Getters are case sensitive and strict. Writing: text is built with struct
 * buf; json_str() quotes and escapes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "berth/err.h"

#define _cleanup_json_ __attribute__((cleanup(json_free_ptr)))
void json_free_ptr(cJSON **j);

/* Parse len bytes. On error err says what and at which line/column; -EINVAL, -EFBIG, -ENOMEM. */
int json_parse(const char *text, size_t len, cJSON **ret, struct err *err);
const cJSON *json_get(const cJSON *object,
                      const char *key); /* NULL: absent; a JSON null counts as absent */
bool json_is_string(const cJSON *j);    /* false for a number kept as text, too */
/* Exact integers: -EINVAL not an integer, -ERANGE. 1.0 and 1e3 are not integers. */
int json_int64(const cJSON *j, int64_t *ret);
int json_uint64(const cJSON *j, uint64_t *ret);
/* Convenience for our own files: member or default. */
const char *json_get_str(const cJSON *object, const char *key, const char *fallback);
int64_t json_get_int(const cJSON *object, const char *key, int64_t fallback);
uint64_t json_get_uint(const cJSON *object, const char *key, uint64_t fallback);
bool json_get_bool(const cJSON *object, const char *key, bool fallback);

/* Append a quoted, escaped JSON string (invalid UTF-8 becomes U+FFFD; "/" is not escaped). NULL
 * gives null. */
int json_str(struct buf *b, const char *s);
int json_strn(struct buf *b, const char *s, size_t len);
