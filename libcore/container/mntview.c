/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount layer's view of the container's cgroups. The two layers do not know each other; this is
 * the place where one's directories become the other's mount sources.
 */
#include "container/internal.h"

#include <string.h>

#include "base/mem.h"

void cg_view_done(struct cg_view_store *store)
{
	for (size_t i = 0; i < store->n_strings; i++)
		free(store->strings[i]);
	*store = (struct cg_view_store){ 0 };
}

static const char *path_in(const struct cg *cg, const struct cg_hier *hier)
{
	for (size_t i = 0; cg && i < cg->n_dirs; i++)
		if (streq(cg->dirs[i].mount, hier->mount))
			return cg->dirs[i].path;
	return hier->own;
}

static const char *v1_options(struct cg_view_store *store, const char *name)
{
	char *s = streq(name, "systemd") ? xstrdup("none,name=systemd") : xstrdup(name);

	store->strings[store->n_strings++] = s;
	return s;
}

void cg_view_build(const struct cg *cg, const struct cg_host *host, bool cgroupns,
                   struct cg_view_store *ret)
{
	*ret =
	    (struct cg_view_store){ .view = { .v2 = host->mode == CG_V2, .cgroupns = cgroupns } };
	for (size_t i = 0; i < host->n_hiers && ret->view.n_dirs < ARRAY_SIZE(ret->dirs); i++) {
		const struct cg_hier *hier = &host->hiers[i];
		struct mnt_cgroup_dir *dir = &ret->dirs[ret->view.n_dirs];

		if (hier->v2 && host->mode == CG_HYBRID)
			continue; /* a container of a hybrid host sees the v1 tree */
		dir->host_mount = hier->mount;
		dir->path = path_in(cg, hier);
		if (!hier->v2) {
			dir->name = hier->name;
			dir->options = v1_options(ret, hier->name);
		}
		ret->view.n_dirs++;
	}
	ret->view.dirs = ret->dirs;
}
