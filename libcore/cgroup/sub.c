/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups below a container's own that one more process of it may be put into: those that the
 * caller names ("exec --cgroup"), and the one that the container's init has moved itself to.
 *
 * Both come from outside, one from a command line, one from a hostile container: neither may lead
 * to a directory that is not below the container's own. The exception is an own cgroup that has
 * been removed: its init lives elsewhere, whoever moved it, and what joins it has its limits there.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroup/systemd.h"

static struct cg *copy(const struct cg *cg)
{
	struct cg *c = xcalloc(1, sizeof(*c));

	c->mode = cg->mode;
	c->usable = cg->usable;
	c->rootless = cg->rootless;
	c->unit = cg_unit_copy(cg->unit);
	c->dirs = xcalloc(cg->n_dirs + 1, sizeof(*c->dirs));
	for (size_t i = 0; i < cg->n_dirs; i++)
		c->dirs[c->n_dirs++] = (struct cg_dir){
			.name = xstrdup(cg->dirs[i].name),
			.mount = xstrdup(cg->dirs[i].mount),
			.path = xstrdup(cg->dirs[i].path),
			.v2 = cg->dirs[i].v2,
		};
	return c;
}

static int enter(struct cg_dir *dir, const char *sub, struct err *err)
{
	_cleanup_free_ char *joined = path_join(dir->path, sub);
	_cleanup_free_ char *clean = path_clean(joined);

	for (const char *p = sub; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_text(err, -EINVAL, "bad sub cgroup path: control character");
	if (!path_is_under(clean, dir->path))
		return err_text(err, -EINVAL, "bad sub cgroup path: \"%.200s\" leaves %s", sub,
		                dir->path);
	free(dir->path);
	dir->path = take_ptr(clean);
	return 0;
}

/* One name of "CTRL[,CTRL]:PATH". */
static int enter_one(struct cg *cg, const char *controller, const char *sub, struct err *err)
{
	for (size_t i = 0; i < cg->n_dirs; i++)
		if (!cg->dirs[i].v2 && *controller && cg_names_have(cg->dirs[i].name, controller))
			return enter(&cg->dirs[i], sub, err);
	return err_text(err, -EINVAL, "unknown controller \"%.64s\" in option --cgroup%s",
	                controller, cg->mode == CG_V2 ? " (cgroup v2 takes a path alone)" : "");
}

static int enter_arg(struct cg *cg, const char *arg, struct err *err)
{
	_cleanup_free_ char *names = xstrdup(arg);
	char *colon = strchr(names, ':'), *save = NULL;
	int r = 0;

	if (!colon) {
		for (size_t i = 0; r == 0 && i < cg->n_dirs; i++)
			r = enter(&cg->dirs[i], arg, err);
		return r;
	}
	*colon = '\0';
	if (!*names)
		return enter_one(cg, "", colon + 1, err);
	for (char *name = strtok_r(names, ",", &save); r == 0 && name;
	     name = strtok_r(NULL, ",", &save))
		r = enter_one(cg, name, colon + 1, err);
	return r;
}

int cg_sub(const struct cg *cg, char *const *args, struct cg **ret, struct err *err)
{
	struct cg *c;
	int r = 0;

	if (!cg || !cg->usable || cg->n_dirs == 0)
		return err_text(err, -ENOENT, "option --cgroup: the container has no cgroup");
	if (args[0] && args[1])
		for (char *const *a = args; *a; a++)
			if (!strchr(*a, ':'))
				return err_text(err, -EINVAL,
				                "option --cgroup: \"%.200s\" names no controller, "
				                "and is not the only one",
				                *a);
	c = copy(cg);
	for (char *const *a = args; r == 0 && *a; a++)
		r = enter_arg(c, *a, err);
	if (r < 0) {
		cg_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

int cg_follow_text(const struct cg *cg, const char *text, bool gone, struct cg **ret)
{
	const struct cg_dir *dir = cg_find_v2(cg);
	const char *line = text;
	_cleanup_free_ char *path = NULL;
	struct cg *c;

	while (line && strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line || cg->mode != CG_V2 || !dir)
		return -ENOENT;
	path = xstrndup(line + 3, strcspn(line + 3, "\n"));
	if (path[0] != '/' || path_has_dotdot(path) || streq(path, dir->path))
		return -ENOENT;
	if (!gone && !path_is_under(path, dir->path))
		return -ENOENT;
	c = copy(cg);
	if (gone) { /* and so is the unit: it must not be started again */
		cg_unit_free(c->unit);
		c->unit = NULL;
	}
	for (size_t i = 0; i < c->n_dirs; i++)
		if (c->dirs[i].v2) {
			free(c->dirs[i].path);
			c->dirs[i].path = xstrdup(path);
		}
	*ret = c;
	return 0;
}

int cg_follow(const struct cg *cg, pid_t pid, bool gone, struct cg **ret)
{
	_cleanup_free_ char *text = NULL;
	char name[48];
	int r;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	r = file_read_at(AT_FDCWD, name, CG_FILE_MAX, &text, NULL);
	return r < 0 ? r : cg_follow_text(cg, text, gone, ret);
}
