/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, which everything else here is read from. The input is the document.
 *
 * Holds: what is refused has its one line and a code that says "wrong" or "too large", never
 * "no memory"; what is taken, cJSON takes too; printed and read again it is the same; no string has
 * a byte that is no UTF-8; a number is exact or text; no object has a key twice; any bytes, quoted,
 * are read back as what they are (but for what is no UTF-8).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"

static void check_utf8(const char *s)
{
	for (size_t len = strlen(s); len > 0;) {
		size_t n = text_utf8(s, len);

		CHECK(n > 0);
		s += n;
		len -= n;
	}
}

static void check_value(const cJSON *j)
{
	int64_t i;
	uint64_t u;

	if (cJSON_IsNumber(j)) {
		CHECK(j->valuedouble > -1e15 && j->valuedouble < 1e15);
		CHECK(json_int64(j, &i) == 0 && (double)i == j->valuedouble);
		CHECK((json_uint64(j, &u) == 0) == (i >= 0));
	} else if (json_is_string(j)) {
		CHECK(json_int64(j, &i) < 0 && json_uint64(j, &u) < 0);
		check_utf8(j->valuestring);
	}
	if (!cJSON_IsArray(j) && !cJSON_IsObject(j))
		return;
	for (const cJSON *c = j->child; c; c = c->next) {
		if (cJSON_IsObject(j)) {
			check_utf8(c->string);
			/* The first of that name: this one. */
			CHECK(cJSON_GetObjectItemCaseSensitive(j, c->string) == c);
		}
		check_value(c);
	}
}

static void check_taken(const cJSON *j)
{
	_cleanup_free_ char *text = cJSON_PrintUnformatted(j), *text2 = NULL;
	_cleanup_json_ cJSON *again = NULL;

	CHECK(text);
	CHECK(json_parse(text, strlen(text), &again, NULL) == 0);
	text2 = cJSON_PrintUnformatted(again);
	CHECK(text2 && streq(text, text2));
	if (strlen(text) < 4096)
		check_value(j);
}

static void check_quoted(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 24), want = BUF_INIT(1 << 24);
	_cleanup_json_ cJSON *j = NULL;

	for (size_t i = 0; i < size;) {
		size_t n = text_utf8((const char *)data + i, size - i);

		CHECK((n ? buf_add(&want, data + i, n) : buf_puts(&want, "\xef\xbf\xbd")) == 0);
		i += n ? n : 1;
	}
	CHECK(json_strn(&b, (const char *)data, size) == 0);
	CHECK(fuzz_is_printable(b.data, b.len));
	if (memchr(data, '\0', size)) /* as an escape, which is refused */
		return;
	CHECK(json_parse(b.data, b.len, &j, NULL) == 0 && json_is_string(j));
	CHECK(streq(j->valuestring, want.data ? want.data : ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ cJSON *j = NULL;
	struct err err = { 0 };
	int r = json_parse((const char *)data, size, &j, &err);

	CHECK(r == 0 || r == -EINVAL || r == -EFBIG);
	fuzz_check_err(r, &err);
	CHECK((r == 0) == (j != NULL));
	if (r == 0)
		check_taken(j);
	if (size > 0)
		check_quoted(data, size);
	return 0;
}
