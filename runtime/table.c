/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: see table.h. */
#include "runtime/table.h"

#include <stdio.h>

#include "base/mem.h"

#define WIDTH_MIN 12
#define PADDING   3

void table_init(struct table *t, const char *const *heads, size_t n)
{
	*t = (struct table){ .n_columns = n };
	table_row(t, heads);
}

void table_row(struct table *t, const char *const *cells)
{
	char **row = xcalloc(t->n_columns, sizeof(*row));

	for (size_t i = 0; i < t->n_columns; i++)
		row[i] = xstrdup(cells[i]);
	t->rows = xreallocarray(t->rows, t->n_rows + 1, sizeof(*t->rows));
	t->rows[t->n_rows++] = row;
}

static int width(const struct table *t, size_t column)
{
	size_t max = 0;

	for (size_t i = 0; i < t->n_rows; i++)
		if (strlen(t->rows[i][column]) > max)
			max = strlen(t->rows[i][column]);
	return (int)(max + PADDING > WIDTH_MIN ? max + PADDING : WIDTH_MIN);
}

void table_print(const struct table *t)
{
	_cleanup_free_ int *widths = xcalloc(t->n_columns, sizeof(*widths));

	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = width(t, c);
	for (size_t i = 0; i < t->n_rows; i++)
		for (size_t c = 0; c < t->n_columns; c++) {
			if (c + 1 < t->n_columns)
				printf("%-*s", widths[c], t->rows[i][c]);
			else
				puts(t->rows[i][c]);
		}
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		for (size_t c = 0; c < t->n_columns; c++)
			free(t->rows[i][c]);
		free(t->rows[i]);
	}
	free(t->rows);
	*t = (struct table){ 0 };
}
