/* SPDX-License-Identifier: Apache-2.0 */
/* Name <-> value tables: the lookups shared by all closed vocabularies. */
#pragma once

#include <stdint.h>

struct name_value {
	const char *name; /* NULL ends a table */
	int64_t value;
};

/* 0 and *ret, or -ENOENT. Exact match, case sensitive. */
int names_value(const struct name_value *table, const char *name, int64_t *ret);
const char *names_name(const struct name_value *table,
                       int64_t value); /* first row with it, NULL: none */
