/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document with one property left out, in the build of `make knockouts` alone.
 *
 * The property that the environment variable BERTH_KNOCKOUT names by its JSON path without indices
 * ("mounts[].options", "linux.netDevices.*.name") is taken out of each document that is loaded, as
 * if it had not been written. A test that passes all the same proves nothing about that property.
 * This is the only place that knows of it, and the release build has nothing of this file.
 */
#ifdef BERTH_KNOCKOUTS

#include "spec/knockout.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void take_out(cJSON *j, const char *path);

/* One member, if the path ends there, or what is below it. */
static void take_out_member(cJSON *object, cJSON *member, const char *rest)
{
	if (!*rest)
		cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
	else if (rest[0] == '[' && cJSON_IsArray(member))
		for (cJSON *item = member->child; item; item = item->next)
			take_out(item, rest + strlen("[]."));
	else if (rest[0] == '.')
		take_out(member, rest + 1);
}

/* path: NAME, then nothing, ".NAME..." or "[].NAME..."; "*" is any name. */
static void take_out(cJSON *j, const char *path)
{
	size_t len = strcspn(path, ".[");
	cJSON *next;

	if (!cJSON_IsObject(j))
		return;
	for (cJSON *member = j->child; member; member = next) {
		next = member->next;
		if ((len == 1 && path[0] == '*') ||
		    (strlen(member->string) == len && strncmp(member->string, path, len) == 0))
			take_out_member(j, member, path + len);
	}
}

void spec_knock_out(cJSON *document, const char *root)
{
	const char *path = getenv("BERTH_KNOCKOUT");
	size_t len = strlen(root);

	if (path && strncmp(path, root, len) == 0)
		take_out(document, path + len);
}

#endif
