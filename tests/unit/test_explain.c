/* SPDX-License-Identifier: Apache-2.0 */
/* `explain` and `create` run the same tables: nothing of them may be without words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cgroup/internal.h"
#include "container/check.h"
#include "container/internal.h"

static void check_steps(const struct step *steps, size_t at_least)
{
	size_t n = 0;

	for (const struct step *s = steps; s->name; s++, n++) {
		assert_non_null(s->run);
		if (!s->what || !*s->what)
			fail_msg("step \"%s\" has no words for explain", s->name);
	}
	assert_true(n >= at_least);
}

static void test_every_step_has_words(void **state)
{
	(void)state;
	check_steps(create_steps, 14);
	check_steps(init_steps, 21);
}

static void check_knobs(const struct cg_knob *knobs)
{
	size_t n = 0;

	for (const struct cg_knob *k = knobs; k->what; k++, n++)
		if (!k->path || !*k->path)
			fail_msg("\"%s\" (%s) does not say which property it comes from", k->what,
			         k->file ? k->file : "several files");
	assert_true(n > 10);
}

static void test_every_knob_has_a_property(void **state)
{
	(void)state;
	check_knobs(cg_knobs_v1);
	check_knobs(cg_knobs_v2);
}

/* ---- golden: a Docker-shaped configuration on a made-up host */

#define FIXTURES "tests/fixtures/"

static char *read_fixture(const char *name, size_t *ret_len)
{
	_cleanup_free_ char *path = xasprintf(FIXTURES "%s", name);
	char *text = NULL;

	/* Unit tests run at the top of the tree. */
	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 20, &text, ret_len), 0);
	return text;
}

/* No step of these looks at this host: a v1 host whose hierarchies are nowhere. */
static void describe_docker(struct spec *spec, struct desc *d)
{
	static char memory[] = "memory", cpu[] = "cpu,cpuacct", pids[] = "pids",
	            devices[] = "devices";
	static char *const names[] = { memory, cpu, pids, devices };
	static char mount[] = "/nowhere", path[] = "/docker/0123456789ab";
	static const int index[NS_TYPES] = {
		[NS_USER] = -1, [NS_NET] = 1,    [NS_UTS] = 2,  [NS_PID] = 3,
		[NS_IPC] = 4,   [NS_CGROUP] = 5, [NS_TIME] = -1
	};
	struct mnt_cgroup_dir views[ARRAY_SIZE(names)];
	struct cg_dir dirs[ARRAY_SIZE(names)];
	struct cg cg = { .mode = CG_V1, .dirs = dirs, .n_dirs = ARRAY_SIZE(dirs), .usable = true };
	const struct mnt_cgroup_view view = { .cgroupns = true,
		                              .dirs = views,
		                              .n_dirs = ARRAY_SIZE(views) };
	const struct seccomp_filter filter = { .n = 42, .flags = spec->linux_.seccomp.flags };
	struct mnt_plan *mnt = NULL;
	struct ns_plan ns;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		dirs[i] = (struct cg_dir){ .name = names[i], .mount = mount, .path = path };
		views[i] = (struct mnt_cgroup_dir){
			.name = names[i], .options = names[i], .host_mount = mount, .path = path
		};
	}
	assert_int_equal(mnt_plan_build(spec, &mnt, NULL), 0);
	ns_plan_from_spec(spec, &ns);
	desc_step(d, "create", "cgroup", NULL);
	cg_describe(&cg, &spec->linux_.resources, "linux.cgroupsPath", d);
	desc_step(d, "create", "clone", NULL);
	ns_describe(&ns, spec, index, d);
	desc_step(d, "create", "limits", NULL);
	sec_describe_limits(&spec->process, d);
	desc_step(d, "init", "root", NULL);
	mnt_describe_root(mnt, d);
	desc_step(d, "init", "mounts", NULL);
	mnt_describe_mounts(mnt, &view, d);
	desc_step(d, "init", "devices", NULL);
	mnt_describe_devices(mnt, d);
	desc_step(d, "init", "change root", NULL);
	mnt_describe_finish(mnt, false, d);
	desc_step(d, "init", "masks", NULL);
	mnt_describe_masks(mnt, d);
	desc_step(d, "init", "credentials", NULL);
	sec_describe_credentials(&spec->process, true, d);
	desc_step(d, "init", "seccomp", NULL);
	sec_describe_seccomp(&spec->linux_.seccomp, &filter, true, d);
	mnt_plan_free(mnt);
}

/* GOLDEN_UPDATE=1 writes the file anew, to be looked at before it is committed. */
static void compare(const char *name, const struct buf *b)
{
	_cleanup_free_ char *want = NULL;
	size_t line = 1;

	if (getenv("GOLDEN_UPDATE")) {
		_cleanup_free_ char *path = xasprintf(FIXTURES "%s", name);
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
		assert_int_equal(fclose(f), 0);
	}
	want = read_fixture(name, NULL);
	for (const char *w = want, *got = b->data; *w || *got; w++, got++) {
		if (*w != *got)
			fail_msg("%s:%zu: got \"%.60s\"", name, line, got);
		line += *w == '\n';
	}
}

/* "linux.namespaces[2]" and "process.capabilities.bounding" in the document. */
static const cJSON *at_path(const cJSON *j, const char *path)
{
	while (j && *path) {
		size_t n = strcspn(path, ".[");
		_cleanup_free_ char *key = xstrndup(path, n);

		if (path[0] == '[') {
			j = cJSON_GetArrayItem(j, atoi(path + 1));
			n = strcspn(path, "]") + 1;
		} else {
			j = json_get(j, key);
		}
		path += n;
		path += *path == '.';
	}
	return j;
}

static void test_golden(void **state)
{
	_cleanup_(desc_done)
	struct desc d = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(1 << 20), json = BUF_INIT(1 << 20);
	_cleanup_json_ cJSON *config = NULL, *j = NULL;
	_cleanup_free_ char *document = NULL;
	_cleanup_spec_ struct spec *spec = NULL;
	struct err err = { 0 };
	size_t len = 0, paths = 0;

	(void)state;
	document = read_fixture("docker.json", &len);
	if (spec_load_text(document, len, "/b", &spec, &err) < 0)
		fail_msg("%s", err.msg);
	describe_docker(spec, &d);
	desc_write_text(&d, &text);
	compare("docker.explain.txt", &text);
	buf_puts(&json, "{\n");
	desc_write_json(&d, &json);
	buf_puts(&json, "\n}\n");
	compare("docker.explain.json", &json);
	/* A key twice would be refused: no member may be called "kind" or "path". */
	if (json_parse(json.data, json.len, &j, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(json_parse(document, len, &config, NULL), 0);
	for (size_t i = 0; i < d.n_steps; i++) {
		for (size_t k = 0; k < d.steps[i].n_items; k++) {
			const char *path = d.steps[i].items[k].path;

			if (path && !at_path(config, path))
				fail_msg("%s: no such property", path);
			paths += path != NULL;
		}
	}
	assert_true(paths > 50);
}

/* Every row of `check` says what it is like without and what helps; no child and no row is lost. */
static void test_check_rows(void **state)
{
	static const char *const groups[] = { "kernel", "host",     "namespace", "cgroup",
		                              "ids",    "security", "programs" };
	struct ctr_checks checks;
	bool seen[ARRAY_SIZE(groups)] = { false };

	(void)state;
	ctr_check_host(true, "/proc/self/exe/x", &checks);
	assert_true(checks.n > 45);
	for (size_t i = 0; i < checks.n; i++) {
		const struct ctr_check *row = &checks.list[i];
		bool known = false;

		for (size_t k = 0; k < ARRAY_SIZE(groups); k++)
			if (streq(groups[k], row->group))
				known = seen[k] = true;
		assert_true(known);
		assert_non_null(row->consequence);
		if (row->state != CTR_CHECK_OK && !row->remedy)
			fail_msg("%s: no remedy", row->name);
		for (size_t k = 0; k < i; k++)
			assert_false(streq(row->name, checks.list[k].name) &&
			             streq(row->group, checks.list[k].group));
		if (streq(row->name, "state"))
			assert_int_equal(row->state, CTR_CHECK_MISSING);
	}
	for (size_t k = 0; k < ARRAY_SIZE(groups); k++)
		assert_true(seen[k]);
	assert_false(ctr_checks_usable(&checks)); /* nothing can be made in a file */
	ctr_checks_done(&checks);
}

static void test_subids(void **state)
{
	static const char text[] = "a:100000:65536\nb:5:1\n1000:1:2\na:7:10\nbad\na:x:1\n:1:1\na:1";

	(void)state;
	assert_int_equal(check_count_subids(text, "a", 1), 65546);
	assert_int_equal(check_count_subids(text, "b", 1000), 3);
	assert_int_equal(check_count_subids(text, NULL, 1000), 2);
	assert_int_equal(check_count_subids(text, "c", 7), 0);
	assert_int_equal(check_count_subids("", "c", 7), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_step_has_words),
		cmocka_unit_test(test_every_knob_has_a_property),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_check_rows),
		cmocka_unit_test(test_subids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
