/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cgroup hierarchies this host has, as this process sees them.
 *
 * Model: /proc/self/cgroup lists every hierarchy with our place in it, /proc/self/mountinfo says
 * where each is mounted and which part of it the mount shows. Both are joined here: a hierarchy
 * that is not mounted, or whose mount is covered by another one, can't be used and is left out.
 *
 * The parser is pure (two texts in, a struct out); reading the texts is all that cg_host_detect
 * adds.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/text.h"

#define MOUNTINFO_MAX (64u << 20) /* hosts with thousands of containers have megabytes of it */

struct mount_line {
	uint32_t id, parent;
	char *root, *point;   /* unescaped in place */
	const char *fs, *sup; /* file system type, super block options */
};

struct mount_table {
	struct mount_line *list;
	size_t n;
	char *text; /* what the lines point into */
};

static void table_done(struct mount_table *t)
{
	free(t->list);
	free(t->text);
}

/* "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:1 - tmpfs tmpfs rw,mode=755" */
static bool parse_mount(char *line, struct mount_line *ret)
{
	char *field[6], *save = NULL, *tok;
	size_t n = 0;

	for (tok = strtok_r(line, " ", &save); tok && n < ARRAY_SIZE(field);
	     tok = n < ARRAY_SIZE(field) ? strtok_r(NULL, " ", &save) : NULL)
		field[n++] = tok;
	if (n < ARRAY_SIZE(field) || num_parse_u32(field[0], &ret->id) < 0 ||
	    num_parse_u32(field[1], &ret->parent) < 0)
		return false;
	/* Optional fields, any number of them, up to a lone dash. */
	do
		tok = strtok_r(NULL, " ", &save);
	while (tok && !streq(tok, "-"));
	if (!tok)
		return false;
	ret->fs = strtok_r(NULL, " ", &save);
	(void)strtok_r(NULL, " ", &save); /* source */
	tok = strtok_r(NULL, " ", &save);
	if (!ret->fs)
		return false;
	ret->sup = tok ? tok : "";
	ret->root = field[3];
	ret->point = field[4];
	text_unescape_octal(ret->root);
	text_unescape_octal(ret->point);
	return true;
}

static void parse_mounts(const char *text, struct mount_table *ret)
{
	char *save = NULL, *line;
	size_t cap = 0;

	*ret = (struct mount_table){ .text = xstrdup(text) };
	for (line = strtok_r(ret->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct mount_line m;

		if (!parse_mount(line, &m))
			continue;
		if (ret->n == cap) {
			cap = cap ? cap * 2 : 64;
			ret->list = xreallocarray(ret->list, cap, sizeof(*ret->list));
		}
		ret->list[ret->n++] = m;
	}
}

static const struct mount_line *by_id(const struct mount_table *t, uint32_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i].id == id)
			return &t->list[i];
	return NULL;
}

/* Is `id` the mount itself or one of those that it is mounted on. */
static bool in_chain(const struct mount_table *t, const struct mount_line *m, uint32_t id)
{
	/* The number of steps bounds it: a made-up table could be circular. */
	for (size_t steps = 0; m && steps <= t->n; steps++) {
		if (m->id == id)
			return true;
		if (m->parent == m->id)
			return false;
		m = by_id(t, m->parent);
	}
	return false;
}

/*
 * A mount is out of reach when another one sits on it, or on one of the mounts below it at a place
 * that its path leads through. mountinfo goes on to list it as if nothing had happened.
 */
static bool covered(const struct mount_table *t, const struct mount_line *m)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mount_line *over = &t->list[i];

		if (over == m || !path_is_under(m->point, over->point))
			continue;
		if (in_chain(t, m, over->parent) && !in_chain(t, m, over->id))
			return true;
	}
	return false;
}

bool cg_names_have(const char *names, const char *controller)
{
	size_t len = strlen(controller);

	for (const char *p = names; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, controller, len) == 0 && (p[len] == '\0' || p[len] == ','))
			return true;
	return false;
}

/* Does this mount show the hierarchy with these names (as in /proc/self/cgroup, "" for v2). */
static bool mount_is(const struct mount_line *m, const char *names)
{
	_cleanup_free_ char *first = NULL;

	if (names[0] == '\0')
		return streq(m->fs, "cgroup2");
	if (!streq(m->fs, "cgroup"))
		return false;
	/* All controllers of a hierarchy are in its mount's options: one of them identifies it. */
	first = xstrndup(names, strcspn(names, ","));
	return cg_names_have(m->sup, first);
}

/* Of several mounts the one that shows most: a whole hierarchy rather than a part of it. */
static const struct mount_line *find_mount(const struct mount_table *t, const char *names)
{
	const struct mount_line *best = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct mount_line *m = &t->list[i];

		if (!mount_is(m, names) || covered(t, m))
			continue;
		if (!best || (streq(m->root, "/") && !streq(best->root, "/")))
			best = m;
	}
	return best;
}

static void add_hier(struct cg_host *host, const struct mount_line *m, const char *names,
                     const char *own)
{
	struct cg_hier *h;

	host->hiers = xreallocarray(host->hiers, host->n_hiers + 1, sizeof(*host->hiers));
	h = &host->hiers[host->n_hiers++];
	*h = (struct cg_hier){
		.name = xstrdup(strncmp(names, "name=", 5) == 0 ? names + 5 : names),
		.mount = xstrdup(m->point),
		.own = xstrdup(own),
		.mount_root = xstrdup(m->root),
		.v2 = names[0] == '\0',
	};
}

int cg_host_parse(const char *mountinfo, const char *cgroup, struct cg_host **ret, struct err *err)
{
	_cleanup_(table_done)
	struct mount_table table = { 0 };
	_cleanup_free_ char *text = xstrdup(cgroup);
	struct cg_host *host = xcalloc(1, sizeof(*host));
	bool v1 = false, v2 = false;
	char *save = NULL;

	parse_mounts(mountinfo, &table);
	/* "9:name=systemd:/a/b", "4:memory:/", "0::/user.slice" */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':');
		char *own = names ? strchr(names + 1, ':') : NULL;
		const struct mount_line *m;

		if (!own || own[1] != '/' || host->n_hiers >= CG_DIRS_MAX) {
			cg_host_free(host);
			return err_text(err, -EBADMSG, "/proc/self/cgroup: unexpected line \"%s\"",
			                line);
		}
		names++;
		*own++ = '\0';
		m = find_mount(&table, names);
		if (!m)
			continue;
		add_hier(host, m, names, own);
		if (names[0] == '\0')
			v2 = true;
		else if (strncmp(names, "name=", 5) != 0)
			v1 = true;
	}
	/* A named hierarchy alone tracks processes and limits nothing: the host counts as v2. */
	host->mode = v1 && v2 ? CG_HYBRID : v1 ? CG_V1 : v2 ? CG_V2 : CG_NONE;
	*ret = host;
	return 0;
}

int cg_host_detect(struct cg_host **ret, struct err *err)
{
	_cleanup_free_ char *mounts = NULL, *cgroup = NULL;
	int r;

	r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts, NULL);
	if (r < 0)
		return err_set(err, r, "read /proc/self/mountinfo");
	r = file_read_at(AT_FDCWD, "/proc/self/cgroup", CG_FILE_MAX, &cgroup, NULL);
	if (r == -ENOENT) /* a kernel without cgroups */
		cgroup = xstrdup("");
	else if (r < 0)
		return err_set(err, r, "read /proc/self/cgroup");
	return cg_host_parse(mounts, cgroup, ret, err);
}

void cg_host_free(struct cg_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < host->n_hiers; i++) {
		free(host->hiers[i].name);
		free(host->hiers[i].mount);
		free(host->hiers[i].own);
		free(host->hiers[i].mount_root);
	}
	free(host->hiers);
	free(host);
}

char *cg_hier_path(const struct cg_hier *hier, const char *path)
{
	const char *root = hier->mount_root, *rest;

	/* ".." at the front: the mount, or our place, is outside of our cgroup namespace, and how
	 * the two relate can't be seen from here. */
	if (path_has_dotdot(root) || path_has_dotdot(path))
		return NULL;
	if (streq(root, "/"))
		return path_clean(path);
	if (!path_is_under(path, root))
		return NULL;
	rest = path + strlen(root);
	return path_clean(*rest ? rest : "/");
}

char *cg_hier_own(const struct cg_hier *hier)
{
	return cg_hier_path(hier, hier->own);
}
