/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json, as far as the plans that follow from it alone. The input is the document.
 *
 * Holds: what is refused has its one line, the same one each time; what is taken keeps the very
 * bytes, has a program, absolute paths, no id that means "leave it" to the kernel and no control
 * character in what becomes a name; what is to be written to cgroups are plain file names, sysctls
 * lead nowhere but below /proc/sys; maps fit what the kernel takes.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "cgroup/internal.h"
#include "fuzz.h"
#include "mount/mount.h"
#include "namespace/internal.h"
#include "namespace/namespace.h"
#include "spec/parts.h"

static void check_path(const char *path)
{
	_cleanup_free_ char *clean = path_clean(path);

	CHECK(path[0] == '/' && streq(clean, path));
}

static void check_ids(const struct spec_user *user)
{
	CHECK(user->uid != (uid_t)-1 && user->gid != (gid_t)-1);
	for (size_t i = 0; i < user->n_additional_gids; i++)
		CHECK(user->additional_gids[i] != (gid_t)-1);
}

static void check_fields(const struct spec *spec)
{
	CHECK(spec->process.args && spec->process.args[0]);
	CHECK(spec->process.cwd && spec->process.cwd[0] == '/');
	check_ids(&spec->process.user);
	CHECK(spec->root.path && spec->root.path[0] == '/');
	for (size_t i = 0; i < spec->n_mounts; i++)
		check_path(spec->mounts[i].destination);
	for (char **p = spec->linux_.masked_paths; p && *p; p++)
		check_path(*p);
	for (char **p = spec->linux_.readonly_paths; p && *p; p++)
		check_path(*p);
	for (size_t i = 0; i < spec->linux_.n_devices; i++)
		check_path(spec->linux_.devices[i].path);
	CHECK(!spec->hostname || !spec_has_control(spec->hostname));
	CHECK(!spec->linux_.cgroups_path || !spec_has_control(spec->linux_.cgroups_path));
	for (int k = 0; k < HOOK_KINDS; k++)
		for (size_t i = 0; i < spec->hooks.n[k]; i++)
			CHECK(spec->hooks.list[k][i].path[0] == '/' &&
			      spec->hooks.list[k][i].args[0]);
	for (const char *w = spec->warnings; w && *w;) {
		size_t len = strcspn(w, "\n");

		CHECK(fuzz_is_printable(w, len));
		w += len + (w[len] == '\n');
	}
}

static void check_sysctls(const struct spec_linux *lin)
{
	for (size_t i = 0; i < lin->n_sysctl; i++) {
		_cleanup_free_ char *path = spec_sysctl_path(lin->sysctl[i].key);

		CHECK(path && *path && path[0] != '/' && !path_has_dotdot(path));
	}
}

static void check_maps(const struct spec_linux *lin)
{
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20);
	struct spec_id_map *maps[] = { lin->uid_maps, lin->gid_maps };
	size_t n[] = { lin->n_uid_maps, lin->n_gid_maps };

	for (int i = 0; i < 2; i++) {
		text.len = 0;
		if (ns_map_text(maps[i], n[i], &text) == 0 && n[i] > 0) {
			CHECK(text.len <= NS_MAP_TEXT_MAX && n[i] <= NS_MAP_LINES_MAX);
			CHECK(ns_map_equals(text.data, maps[i], n[i]));
		}
	}
}

static void check_mounts(const struct spec *spec)
{
	struct mnt_plan *plan = NULL;
	struct err err = { 0 };
	int r = mnt_plan_build(spec, &plan, &err);

	fuzz_check_err(r, &err);
	for (size_t i = 0; r == 0 && i < plan->n_ops; i++) {
		const struct mnt_op *op = &plan->ops[i];

		CHECK(op->index < spec->n_mounts && op->fstype);
		CHECK(!(op->attr_set & op->attr_clr &
		        ~(uint64_t)0x70)); /* of access times: a field */
	}
	mnt_plan_free(plan);
}

static void check_writes(const struct cg_knob *knobs, const struct spec_resources *res)
{
	struct cg_writes out = { 0 };
	struct err err = { 0 };
	int r = cg_emit(knobs, res, NULL, NULL, &out, &err);

	fuzz_check_err(r, &err);
	for (size_t i = 0; i < out.n; i++) {
		const char *file = out.list[i].file;

		CHECK(*file && file[0] != '.' && !strchr(file, '/') && strlen(file) <= 255);
		CHECK(strncmp(file, "cgroup.", 7) != 0);
		CHECK(!spec_has_control(file));
		CHECK(!strchr(out.list[i].value, '\n'));
	}
	cg_writes_done(&out);
}

static void check_devices(const struct spec_resources *res)
{
	struct cg_devices list = { 0 }, flat = { 0 }, nothing = { 0 };
	struct cg_writes writes = { 0 };
	struct bpf_insn *insns = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int r;

	cg_devices_build(res, &list);
	if (cg_devices_program(&list, &insns, &n) == 0)
		CHECK(n > 0 && insns[n - 1].code == (BPF_JMP | BPF_EXIT));
	r = cg_devices_flatten(&list, &flat, &err);
	fuzz_check_err(r, &err);
	if (r == 0) {
		cg_devices_transition(&nothing, &flat, &writes);
		for (size_t i = 0; i < writes.n; i++)
			CHECK(streq(writes.list[i].file, "devices.allow") ||
			      streq(writes.list[i].file, "devices.deny"));
	}
	cg_writes_done(&writes);
	cg_devices_done(&flat);
	cg_devices_done(&list);
	free(insns);
}

static void check_taken(const struct spec *spec, const uint8_t *data, size_t size)
{
	struct ns_plan ns;

	CHECK(spec->text_len == size && memcmp(spec->text, data, size) == 0);
	check_fields(spec);
	check_sysctls(&spec->linux_);
	check_maps(&spec->linux_);
	ns_plan_from_spec(spec, &ns);
	ns_plan_done(&ns);
	check_mounts(spec);
	check_writes(cg_knobs_v1, &spec->linux_.resources);
	check_writes(cg_knobs_v2, &spec->linux_.resources);
	check_devices(&spec->linux_.resources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_spec_ struct spec *spec = NULL, *again = NULL;
	struct err err = { 0 }, err2 = { 0 };
	int r = spec_load_text((const char *)data, size, "/bundle", &spec, &err);

	fuzz_check_err(r, &err);
	CHECK(spec_load_text((const char *)data, size, "/bundle", &again, &err2) == r);
	CHECK(memcmp(&err, &err2, sizeof(err)) == 0);
	if (r == 0)
		check_taken(spec, data, size);
	return 0;
}
