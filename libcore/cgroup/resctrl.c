/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of resctrl by their files; see the header. */
#include "cgroup/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#define MOUNTINFO_MAX (16u << 20)
#define STATUS_MAX    4096

/* The mount point of a line that shows a whole resctrl; cut up. */
static char *root_of(char *line)
{
	char *field[5], *save = NULL;

	/* A bind of one group shows a root other than "/". */
	if (!strstr(line, " - resctrl "))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (!field[i])
			return NULL;
	}
	if (!streq(field[3], "/"))
		return NULL;
	text_unescape_octal(field[4]);
	return xstrdup(field[4]);
}

char *rdt_find_root(const char *mountinfo)
{
	for (const char *line = mountinfo; *line; line += strspn(line, "\n")) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *copy = xstrndup(line, len);
		char *root = root_of(copy);

		if (root)
			return root;
		line += len;
	}
	return NULL;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_schema(const struct spec_intel_rdt *spec)
{
	return spec->l3_cache || spec->mem_bw || strv_len(spec->schemata) > 0;
}

static int plan_in(const char *root, const struct spec_intel_rdt *spec, const char *id,
                   struct rdt *ret, struct err *err)
{
	bool is_root = spec->clos_id && streq(spec->clos_id, "/");

	ret->group = is_root ? xstrdup(root) : path_join(root, spec->clos_id ? spec->clos_id : id);
	ret->make = !is_dir(ret->group);
	ret->ours = ret->make && !spec->clos_id;
	if (ret->make && spec->clos_id && !has_schema(spec))
		return err_text(err, -ENOENT,
		                "linux.intelRdt.closID: group \"%s\" does not exist, and no schema "
		                "is given to make it with",
		                ret->group);
	if (spec->enable_monitoring)
		ret->monitor = xasprintf("%s/mon_groups/%s", ret->group, id);
	return 0;
}

int rdt_plan(const char *root, const struct spec_intel_rdt *spec, const char *id, struct rdt *ret,
             struct err *err)
{
	_cleanup_free_ char *text = NULL, *found = NULL;
	int r;

	*ret = (struct rdt){ 0 };
	if (!spec->present)
		return 0;
	if (!root) {
		r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL);
		if (r < 0)
			return err_set(err, r, "read /proc/self/mountinfo");
		root = found = rdt_find_root(text);
	}
	if (!root)
		return err_text(err, -EOPNOTSUPP,
		                "linux.intelRdt: no resctrl file system is mounted on this host "
		                "(does the processor have Intel RDT or AMD QoS?)");
	r = plan_in(root, spec, id, ret, err);
	if (r < 0)
		rdt_done(ret);
	return r;
}

void rdt_done(struct rdt *rdt)
{
	free(rdt->group);
	free(rdt->monitor);
	*rdt = (struct rdt){ 0 };
}

char *rdt_schemata(const struct spec_intel_rdt *spec)
{
	char *text =
	    xasprintf("%s%s%s%s", spec->l3_cache ? spec->l3_cache : "", spec->l3_cache ? "\n" : "",
	              spec->mem_bw ? spec->mem_bw : "", spec->mem_bw ? "\n" : "");

	for (char **line = spec->schemata; line && *line; line++) {
		char *longer = xasprintf("%s%s\n", text, *line);

		free(text);
		text = longer;
	}
	return text;
}

/* The kernel says in a file of its own what it did not like. */
static int write_error(const char *group, const char *file, int code, struct err *err)
{
	_cleanup_free_ char *up = xasprintf("%s/info/last_cmd_status", group),
	                    *root = xasprintf("%s/../info/last_cmd_status", group), *why = NULL;

	if (file_read_at(AT_FDCWD, up, STATUS_MAX, &why, NULL) < 0)
		(void)file_read_at(AT_FDCWD, root, STATUS_MAX, &why, NULL);
	if (why)
		why[strcspn(why, "\n")] = '\0';
	if (why && *why && !streq(why, "ok"))
		return err_set(err, code, "linux.intelRdt: write %s/%s (%.200s)", group, file, why);
	return err_set(err, code, "linux.intelRdt: write %s/%s", group, file);
}

static int write_in(const char *group, const char *file, const char *text, struct err *err)
{
	_cleanup_free_ char *path = path_join(group, file);
	int r = file_write_at(AT_FDCWD, path, text);

	return r < 0 ? write_error(group, file, r, err) : 0;
}

static int make_group(const char *path, const char *what, struct err *err)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, -errno, "linux.intelRdt: make %s \"%s\"%s", what, path,
	               errno == ENOSPC ? " (the hardware has no class left)" : "");
}

int rdt_make(const struct rdt *rdt, const struct spec_intel_rdt *spec, struct err *err)
{
	_cleanup_free_ char *schemata = rdt_schemata(spec);
	int r = 0;

	if (!rdt->group)
		return 0;
	if (rdt->make)
		r = make_group(rdt->group, "the group", err);
	if (r == 0 && rdt->monitor)
		r = make_group(rdt->monitor, "the monitoring group", err);
	if (r == 0 && *schemata)
		r = write_in(rdt->group, "schemata", schemata, err);
	return r;
}

int rdt_join(const struct rdt *rdt, pid_t pid, struct err *err)
{
	char text[16];
	int r;

	if (!rdt->group)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	r = write_in(rdt->group, "tasks", text, err);
	if (r == 0 && rdt->monitor)
		r = write_in(rdt->monitor, "tasks", text, err);
	return r;
}

int rdt_remove(const char *group, struct err *err)
{
	if (!group || rmdir(group) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, -errno, "remove the resctrl group \"%s\"", group);
}
