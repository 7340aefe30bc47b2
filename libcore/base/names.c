/* SPDX-License-Identifier: Apache-2.0 */
/* Name <-> value tables. Linear: the largest has some forty rows and is asked a handful of times.
 */
#include "base/names.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int names_value(const struct name_value *table, const char *name, int64_t *ret)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0) {
			*ret = table->value;
			return 0;
		}
	return -ENOENT;
}

const char *names_name(const struct name_value *table, int64_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}
