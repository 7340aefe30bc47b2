/* SPDX-License-Identifier: Apache-2.0 */
/* See spec_edit.h. */
#include "spec_edit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

/* The next token of a JSON pointer into buf; the rest, or NULL after the last one. */
static const char *next_token(const char *at, char *buf, size_t size)
{
	size_t len = strcspn(at + 1, "/");

	assert_int_equal(*at, '/');
	assert_true(len < size);
	memcpy(buf, at + 1, len);
	buf[len] = '\0';
	/* "~1" is a slash, as in RFC 6901. */
	for (char *p; (p = strstr(buf, "~1"));) {
		*p = '/';
		memmove(p + 1, p + 2, strlen(p + 2) + 1);
	}
	return at[1 + len] ? at + 1 + len : NULL;
}

static void set_member(cJSON *node, const char *token, const char *value)
{
	cJSON *item = value ? cJSON_CreateRaw(value) : NULL;
	int index = atoi(token);

	if (cJSON_IsArray(node) && strcmp(token, "-") == 0) {
		cJSON_AddItemToArray(node, item);
	} else if (cJSON_IsArray(node)) {
		assert_true(index < cJSON_GetArraySize(node));
		if (item)
			cJSON_ReplaceItemInArray(node, index, item);
		else
			cJSON_DeleteItemFromArray(node, index);
	} else {
		cJSON_DeleteItemFromObjectCaseSensitive(node, token);
		if (item)
			cJSON_AddItemToObject(node, token, item);
	}
}

/* Objects on the way are made where they are missing, so that a case needs no second edit. */
static void edit(cJSON *document, const char *at, const char *value)
{
	cJSON *node = document;
	char token[128];

	while ((at = next_token(at, token, sizeof(token)))) {
		cJSON *next = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, atoi(token))
		                                  : cJSON_GetObjectItemCaseSensitive(node, token);

		if (!next && !cJSON_IsArray(node))
			next = cJSON_AddObjectToObject(node, token);
		assert_non_null(next);
		node = next;
	}
	set_member(node, token, value);
}

char *spec_edited(const struct edit_case *c)
{
	char *template = spec_template(false, 0, 0, false), *text;
	cJSON *document = cJSON_Parse(template);

	assert_non_null(document);
	if (c->at)
		edit(document, c->at, c->value);
	if (c->at2)
		edit(document, c->at2, c->value2);
	text = cJSON_PrintUnformatted(document);
	assert_non_null(text);
	cJSON_Delete(document);
	free(template);
	return text;
}

int spec_load_edited(const struct edit_case *c, struct spec **ret, struct err *err)
{
	char *text = spec_edited(c);
	int r;

	memset(err, 0, sizeof(*err));
	r = spec_load_text(text, strlen(text), "/bundle", ret, err);
	free(text);
	return r;
}

static int matches(const char *message, const char *expect)
{
	size_t len = strlen(expect);

	if (len && expect[len - 1] == '*')
		return strncmp(message, expect, len - 1) == 0;
	return strcmp(message, expect) == 0;
}

void check_edits(const struct edit_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct edit_case *c = &cases[i];
		struct spec *spec = NULL;
		struct err err;
		int r = spec_load_edited(c, &spec, &err);
		int wanted = !c->expect ? 0 : c->code ? c->code : -EINVAL;

		if (r != wanted || (r < 0 && !matches(err.msg, c->expect)))
			fail_msg("case %zu, %s = %.200s: got %d \"%s\", wanted %d \"%s\"", i,
			         c->at ? c->at : "-", c->value ? c->value : "(deleted)", r, err.msg,
			         wanted, c->expect ? c->expect : "");
		assert_int_equal(r == 0, spec != NULL);
		if (r < 0)
			assert_int_equal(err.code, r);
		spec_free(spec);
	}
}

struct spec *spec_with(const char *at, const char *value)
{
	struct edit_case c = { .at = at, .value = value };
	struct spec *spec = NULL;
	struct err err;

	if (spec_load_edited(&c, &spec, &err) < 0)
		fail_msg("%s = %s: %s", at, value, err.msg);
	return spec;
}
