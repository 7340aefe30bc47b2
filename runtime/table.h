/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: left-aligned columns, at least 12 wide, three spaces apart. */
#pragma once

#include <stddef.h>

struct table {
	char ***rows; /* owned; the first one is the heading */
	size_t n_rows, n_columns;
};

void table_init(struct table *t, const char *const *heads, size_t n);
void table_row(struct table *t, const char *const *cells); /* n cells, copied */
void table_print(const struct table *t);
void table_done(struct table *t);
