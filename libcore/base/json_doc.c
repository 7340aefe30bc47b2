/* SPDX-License-Identifier: Apache-2.0 */
/* JSON objects: see json_doc.h. */
#include "base/json_doc.h"

#include <inttypes.h>

#include "base/json.h"

static void new_line(struct json_doc *d)
{
	if (d->pretty)
		buf_printf(&d->b, "\n%*s", 2 * d->depth, "");
}

void json_doc_open(struct json_doc *d)
{
	buf_puts(&d->b, "{");
	d->depth++;
	d->has_members = false;
}

void json_doc_close(struct json_doc *d)
{
	d->depth--;
	if (d->has_members)
		new_line(d);
	buf_puts(&d->b, "}");
	d->has_members = true; /* of what it is in */
}

void json_doc_key(struct json_doc *d, const char *name)
{
	if (d->has_members)
		buf_puts(&d->b, ",");
	d->has_members = true;
	new_line(d);
	json_str(&d->b, name);
	buf_puts(&d->b, d->pretty ? ": " : ":");
}

void json_doc_str(struct json_doc *d, const char *name, const char *value)
{
	json_doc_key(d, name);
	json_str(&d->b, value ? value : "");
}

void json_doc_int(struct json_doc *d, const char *name, int64_t value)
{
	json_doc_key(d, name);
	buf_printf(&d->b, "%" PRId64, value);
}

void json_doc_bool(struct json_doc *d, const char *name, bool value)
{
	json_doc_key(d, name);
	buf_puts(&d->b, value ? "true" : "false");
}
