/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup plan in words: directories, the list of writes that apply.c would carry out, device
 * rules. The list is the same one; what is guessed here is only which controllers a v2 directory
 * would have that does not exist yet: those of its nearest ancestor that does, since cg_create()
 * hands all of them down.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "cgroup/internal.h"
#include "cgroup/systemd.h"

/* The nearest ancestor of a directory that exists: O_PATH, or -errno. Not the directory itself: one
 * that exists is given more before limits are set. */
static int open_nearest(const struct cg_dir *dir, int flags)
{
	_cleanup_close_ int root = cg_open_mount(dir->mount, dir->v2, NULL);
	_cleanup_free_ char *path = xstrdup(dir->path);

	while (root >= 0 && strchr(path, '/')) {
		int fd;

		*strrchr(path, '/') = '\0';
		fd = cg_openat(root, *path ? path : "/", flags | O_DIRECTORY);
		if (fd != -ENOENT)
			return fd;
	}
	return root < 0 ? root : -ENOENT;
}

char *cg_controllers_below(const struct cg *cg)
{
	const struct cg_dir *dir = cg_find_v2(cg);
	_cleanup_close_ int fd = dir ? open_nearest(dir, O_RDONLY) : FD_INVALID;
	char *text = NULL;

	if (fd < 0 || cg_read(fd, "cgroup.controllers", &text) < 0)
		return NULL;
	for (char *c = text; *c; c++)
		*c = *c == ' ' ? ',' : *c;
	return text;
}

int cg_may_make(const struct cg_dir *dir)
{
	_cleanup_close_ int fd = open_nearest(dir, O_PATH);

	if (fd < 0)
		return fd;
	return faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

const char *cg_controller_of(const struct cg *cg, const char *v2_controllers,
                             const char *controller)
{
	const struct cg_dir *v1 = cg_find_v1(cg, streq(controller, "io") ? "blkio" : controller);
	bool built_in = streq(controller, "devices") || streq(controller, "freezer");

	if (v1)
		return v1->mount;
	if (!cg_find_v2(cg))
		return NULL;
	if (built_in ? cg->mode == CG_V2
	             : v2_controllers && cg_names_have(v2_controllers, controller))
		return cg_find_v2(cg)->mount;
	return NULL;
}

static void close_stream(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

bool cg_has_kill(const struct cg *cg)
{
	const struct cg_dir *v2 = cg_find_v2(cg);
	_cleanup_close_ int fd = v2 ? open_nearest(v2, O_RDONLY) : FD_INVALID;
	_cleanup_(close_stream)
	DIR *dir = NULL;
	struct dirent *de;

	if (fd < 0)
		return false;
	if (faccessat(fd, "cgroup.kill", F_OK, 0) == 0)
		return true;
	/* The root has none; all others have. */
	dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	while (dir && (de = readdir(dir))) {
		_cleanup_free_ char *file = xasprintf("%s/cgroup.kill", de->d_name);

		if (de->d_type == DT_DIR && !streq(de->d_name, "..") &&
		    faccessat(fd, file, F_OK, 0) == 0)
			return true;
	}
	return false;
}

int cg_systemd_check(bool user, struct err *err)
{
	_cleanup_bus_ struct cg_bus *bus = NULL;

	return cg_bus_open(user, &bus, err);
}

static char *property_of(const struct cg_write *w)
{
	if (streq(w->path, "unified"))
		return xasprintf("linux.resources.unified[\"%s\"]", w->file);
	if (w->index >= 0)
		return xasprintf("linux.resources.%s[%d]", w->path, w->index);
	return xasprintf("linux.resources.%s", w->path);
}

static void describe_write(const struct cg *cg, const char *controllers, const struct cg_write *w,
                           bool v2, struct desc *d)
{
	const struct cg_dir *dir = v2 ? cg_find_v2(cg) : cg_find_v1(cg, w->controller);
	_cleanup_free_ char *path = property_of(w);
	struct err err = { 0 };

	if (!cg_write_possible(cg, controllers, w, v2, &err)) {
		desc_note(d, DESC_REFUSED, path, "%s", err.msg);
		return;
	}
	desc_item(d, "write", path);
	desc_fmt(d, "file", "%s%s/%s", dir->mount, dir->path, w->file);
	desc_str(d, "value", w->value);
	desc_flag(d, "if-there", w->flags & CG_W_MISSING_OK);
	desc_flag(d, "else", w->flags & CG_W_ALTERNATIVE);
}

static void describe_limits(const struct cg *cg, const struct spec_resources *res, struct desc *d)
{
	_cleanup_(cg_writes_done)
	struct cg_writes v1 = { 0 }, v2 = { 0 };
	_cleanup_free_ char *controllers = cg_controllers_below(cg);
	_cleanup_buf_ struct buf ignored = BUF_INIT(1024);
	struct err err = { 0 };

	if (cg_limits_list(cg, controllers, res, &v1, &v2, &err) < 0)
		desc_note(d, DESC_REFUSED, "linux.resources", "%s", err.msg);
	for (size_t i = 0; i < v1.n; i++)
		describe_write(cg, controllers, &v1.list[i], false, d);
	for (size_t i = 0; i < v2.n; i++)
		describe_write(cg, controllers, &v2.list[i], true, d);
	cg_limits_ignored(cg, controllers, res, &ignored);
	if (ignored.len > 0)
		desc_note(d, DESC_NO_EFFECT, "linux.resources",
		          "without effect on this host's cgroups: %s", ignored.data);
}

static void describe_rules(const struct cg_devices *rules, struct desc *d)
{
	for (size_t i = 0; i < rules->n; i++) {
		bool common = i + cg_n_common_device_rules >= rules->n;
		char text[64];

		cg_device_rule_text(&rules->rules[i], text, sizeof(text));
		desc_item(d, "device-rule", common ? NULL : "linux.resources.devices");
		desc_str(d, "rule", text);
		desc_str(d, "access", rules->rules[i].allow ? "allow" : "deny");
	}
}

static void describe_devices(const struct cg *cg, const struct spec_resources *res, struct desc *d)
{
	static const char *const ways[] = {
		[CG_DEVICES_NONE] = "nobody",
		[CG_DEVICES_V1] = "devices.allow, devices.deny",
		[CG_DEVICES_V2] = "a program of type cgroup device",
		[CG_DEVICES_IMPOSSIBLE] = "nobody",
	};
	const char *path = res->devices_present ? "linux.resources.devices" : NULL;
	_cleanup_(cg_devices_done)
	struct cg_devices rules = { 0 }, flat = { 0 };
	enum cg_devices_way way;
	struct err err = { 0 };

	cg_devices_build(res, &rules);
	way = cg_devices_by(cg, res, &rules);
	desc_item(d, "devices", path);
	desc_str(d, "default", rules.default_allow ? "allow" : "deny");
	desc_str(d, "by", cg_devices_allow_all(&rules) ? "nobody: all are allowed" : ways[way]);
	describe_rules(&rules, d);
	if (way == CG_DEVICES_IMPOSSIBLE)
		desc_note(d, DESC_REFUSED, path,
		          "device rules: controller \"devices\" not available");
	if (way == CG_DEVICES_V1 && cg_devices_flatten(&rules, &flat, &err) < 0)
		desc_note(d, DESC_REFUSED, path, "%s", err.msg);
	if (cg_devices_allow_all(&rules) && res->devices_present)
		desc_note(d, DESC_DANGER, path,
		          "all devices are allowed: who may make device nodes reaches the host's "
		          "disks and memory");
}

static void describe_property(const struct cg_property *p, struct desc *d)
{
	_cleanup_strv_ char **values = NULL;

	for (size_t i = 0; i < p->n; i++) {
		_cleanup_free_ char *number =
		    p->words ? NULL : xasprintf("%llu", (unsigned long long)p->numbers[i]);

		strv_add(&values, p->words ? p->words[i] : number);
	}
	desc_item(d, "property", NULL);
	desc_str(d, "name", p->name);
	desc_str(d, "type", p->type);
	desc_list(d, "values", values);
}

bool cg_describe_unit(const struct cg *cg, struct desc *d)
{
	if (!cg || !cg->unit)
		return false;
	desc_item(d, "unit", NULL);
	desc_str(d, "name", cg->unit->name);
	desc_str(d, "manager", cg->unit->user ? "user" : "system");
	for (size_t i = 0; i < cg->unit->properties.n; i++)
		describe_property(&cg->unit->properties.list[i], d);
	return true;
}

void cg_describe(const struct cg *cg, const struct spec_resources *res, const char *path,
                 struct desc *d)
{
	if (!cg || !cg->usable || cg->n_dirs == 0) {
		desc_item(d, "cgroup", path);
		desc_str(d, "directory", "none");
		desc_str(d, "why", cg && cg->why[0] ? cg->why : "none could be planned");
		return;
	}
	for (size_t i = 0; i < cg->n_dirs; i++) {
		const struct cg_dir *dir = &cg->dirs[i];

		desc_item(d, "cgroup", path);
		desc_fmt(d, "directory", "%s%s", dir->mount, dir->path);
		desc_str(d, "hierarchy", dir->v2 ? "v2" : dir->name);
	}
	describe_limits(cg, res, d);
	describe_devices(cg, res, d);
}
