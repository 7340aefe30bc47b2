/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/self/mountinfo, whose paths are whatever somebody has named a directory. The input is the
 * file, a line "---", and /proc/self/cgroup.
 *
 * Holds: each hierarchy that is found has a mount point and a name, but the unified one; our own place in it is an absolute path or none; undoing octal escapes never makes a
 * text longer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cgroup/internal.h"
#include "cgroup/resctrl.h"
#include "fuzz.h"
#include "mount/internal.h"

static void check_host(const char *mounts, const char *cgroup)
{
	struct cg_host *host = NULL;
	struct err err = { 0 };
	int r = cg_host_parse(mounts, cgroup, &host, &err);

	fuzz_check_err(r, &err);
	if (r < 0)
		return;
	CHECK(host->n_hiers > 0 || host->mode == CG_NONE);
	for (size_t i = 0; i < host->n_hiers; i++) {
		const struct cg_hier *h = &host->hiers[i];
		_cleanup_free_ char *own = cg_hier_own(h);

		CHECK(h->name && h->mount && h->own && h->mount_root);
		CHECK(!own || own[0] == '/');
		CHECK(h->v2 == (h->name[0] == '\0'));
	}
	cg_host_free(host);
}

static void check_lines(const char *mounts)
{
	_cleanup_free_ char *all = xstrdup(mounts);
	char *save = NULL;

	for (char *l = strtok_r(all, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		_cleanup_free_ char *a = xstrdup(l), *b = xstrdup(l), *c = xstrdup(l);
		size_t len = strlen(l);
		char *point = NULL;
		uint64_t id;

		if (mnt_mountinfo_id(a, &id, &point))
			CHECK(point > a && point + strlen(point) <= a + len);
		point = NULL;
		if (mnt_mountinfo_full(b, &point))
			CHECK(point > b && point + strlen(point) <= b + len);
		text_unescape_octal(c);
		CHECK(strlen(c) <= len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts in = { data, size };
	_cleanup_free_ char *mounts = fuzz_part(&in), *cgroup = fuzz_part(&in);
	char *resctrl = rdt_find_root(mounts);

	CHECK(!resctrl || *resctrl);
	free(resctrl);
	check_host(mounts, cgroup);
	check_lines(mounts);
	return 0;
}
