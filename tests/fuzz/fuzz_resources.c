/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `update`: a patch laid over the resources in force. The input is what is stored, a line "---",
 * and the patch.
 *
 * Holds: what is refused has its one line; what comes of it can be loaded, or is refused by the
 * same rules as a configuration; laid over itself the merged document stays as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "berth/spec.h"
#include "fuzz.h"

static void check_loads(const char *text)
{
	struct spec_resources res = { 0 };
	struct err err = { 0 };

	fuzz_check_err(spec_load_resources(text, &res, &err), &err);
	spec_resources_done(&res);
}

static void check_merged(const char *merged, const char *effect, bool swap_apart)
{
	_cleanup_free_ char *again = NULL, *effect2 = NULL;
	_cleanup_json_ cJSON *j = NULL;

	CHECK(json_parse(merged, strlen(merged), &j, NULL) == 0 && cJSON_IsObject(j));
	check_loads(merged);
	check_loads(effect);
	if (spec_resources_merge(merged, "{}", swap_apart, &again, &effect2, NULL) == 0)
		CHECK(streq(merged, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts in = { data, size };
	_cleanup_free_ char *stored = fuzz_part(&in), *patch = fuzz_part(&in);

	check_loads(stored);
	for (int swap_apart = 0; swap_apart < 2; swap_apart++) {
		_cleanup_free_ char *merged = NULL, *effect = NULL;
		struct err err = { 0 };
		int r = spec_resources_merge(stored, patch, swap_apart, &merged, &effect, &err);

		fuzz_check_err(r, &err);
		if (r == 0)
			check_merged(merged, effect, swap_apart);
	}
	return 0;
}
