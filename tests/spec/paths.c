/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths: every property that the field tables of libcore/spec know, one line each, as
 * "JSON-PATH KIND [early] [required]". Elements of an array are "NAME[].", of an object with any
 * names "NAME.*.".
 *
 * docs/SPEC.md is compared with it (scripts/check-spec), so a row of a table can't be without a row
 * there.
 */
#include <stdio.h>
#include <string.h>

#include "spec/parts.h"

#define DEPTH_MAX 16

static void walk(const struct field *table, const char *prefix, bool early, int depth)
{
	for (const struct field *f = table; f->name; f++) {
		const struct field *inner = f->inner ? f->inner : f->sub;
		const char *step = f->inner_step ? f->inner_step : f->kind == F_ARRAY ? "[]" : "";
		char path[512];

		printf("%s%s %s%s%s\n", prefix, f->name, f->kind == F_REFUSED ? "refused" : "known",
		       early || f->early ? " early" : "", f->required ? " required" : "");
		if (!inner || depth >= DEPTH_MAX)
			continue;
		snprintf(path, sizeof(path), "%s%s%s.", prefix, f->name, step);
		walk(inner, path, early || f->early, depth + 1);
	}
}

int main(void)
{
	walk(spec_top_fields, "", false, 0);
	return 0;
}
