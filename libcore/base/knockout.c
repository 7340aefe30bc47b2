/* SPDX-License-Identifier: Apache-2.0 */
/* Which protections the environment takes out: see knockout.h. The release build has nothing of this. */
#ifdef BERTH_KNOCKOUTS

#include "base/knockout.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "rule:"

bool knocked_out(const char *rule)
{
	const char *list = getenv("BERTH_KNOCKOUT");
	size_t len = strlen(rule);

	if (!list || strncmp(list, PREFIX, strlen(PREFIX)) != 0)
		return false;
	for (list += strlen(PREFIX); *list;) {
		size_t n = strcspn(list, ",");

		if (n == len && strncmp(list, rule, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

#endif
