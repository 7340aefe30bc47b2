/* SPDX-License-Identifier: Apache-2.0 */
/* Id-mapped mounts: which mappings a mount has, and the text form of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mount/internal.h"
#include "mount_util.h"

static struct spec_id_map container_uids[] = { { 0, 100000, 10 }, { 10, 200000, 1000 } };
static struct spec_id_map container_gids[] = { { 0, 300000, 50 } };
static const struct spec_id_map own[] = { { 5, 500, 2 } };

enum { HAS_USERNS = 1, HAS_MAPS = 2, HAS_PATH = 4, OWN_UIDS = 8, OWN_GIDS = 16 };

static struct spec_id_map *copy(const struct spec_id_map *maps, size_t n)
{
	struct spec_id_map *ret = xcalloc(n, sizeof(*ret));

	memcpy(ret, maps, n * sizeof(*ret));
	return ret;
}

/* A document with one mount, and what the flags say about mappings. */
static struct spec *document(const char *type, const char *options, unsigned int flags)
{
	struct mount_row row = { "/x", type, "/s", options };
	struct spec *spec = spec_by_hand("/r", &row, 1);
	struct spec_linux *l = &spec->linux_;
	struct spec_mount *m = &spec->mounts[0];

	l->namespaces[NS_USER].wanted = flags & (HAS_USERNS | HAS_PATH);
	if (flags & HAS_PATH)
		l->namespaces[NS_USER].path = xstrdup("/proc/1/ns/user");
	if (flags & HAS_MAPS) {
		l->uid_maps = container_uids;
		l->gid_maps = container_gids;
		l->n_uid_maps = ARRAY_SIZE(container_uids);
		l->n_gid_maps = ARRAY_SIZE(container_gids);
	}
	if (flags & OWN_UIDS) {
		m->uid_maps = copy(own, 1);
		m->n_uid_maps = 1;
	}
	if (flags & OWN_GIDS) {
		m->gid_maps = copy(own, 1);
		m->n_gid_maps = 1;
	}
	return spec;
}

static void document_free(struct spec *spec)
{
	free(take_ptr(spec->linux_.namespaces[NS_USER].path));
	free(take_ptr(spec->mounts[0].uid_maps));
	free(take_ptr(spec->mounts[0].gid_maps));
	spec_by_hand_free(spec);
}

static void test_which(void **state)
{
	static const struct {
		const char *options;
		unsigned int flags;
		enum mnt_idmap idmap;
		uint32_t uid_host, gid_host; /* of the first range; 0: no ranges */
	} rows[] = {
		{ "bind", HAS_USERNS | HAS_MAPS, MNT_IDMAP_NONE, 0, 0 },
		{ "bind,idmap", HAS_USERNS | HAS_MAPS, MNT_IDMAP_MOUNT, 100000, 300000 },
		{ "rbind,ridmap", HAS_USERNS | HAS_MAPS, MNT_IDMAP_TREE, 100000, 300000 },
		{ "rbind,ridmap,idmap", HAS_USERNS | HAS_MAPS, MNT_IDMAP_MOUNT, 100000, 300000 },
		{ "bind", OWN_UIDS | OWN_GIDS, MNT_IDMAP_MOUNT, 500, 500 },
		{ "bind,ridmap", OWN_UIDS | OWN_GIDS | HAS_USERNS | HAS_MAPS, MNT_IDMAP_TREE, 500,
		  500 },
		{ "bind,idmap=uids=1-2-3;gids=4-5-6", OWN_UIDS | OWN_GIDS, MNT_IDMAP_MOUNT, 2, 5 },
		{ "bind,ridmap=uids=1-2-3;gids=4-5-6", 0, MNT_IDMAP_TREE, 2, 5 },
		{ "bind,idmap", HAS_PATH, MNT_IDMAP_MOUNT, 0, 0 },
		{ "bind,idmap", HAS_PATH | HAS_MAPS, MNT_IDMAP_MOUNT, 100000, 300000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec = document(NULL, rows[i].options, rows[i].flags);
		struct mnt_plan *plan = NULL;
		struct err err = { 0 };

		if (mnt_plan_build(spec, &plan, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(plan->ops[0].idmap, rows[i].idmap);
		assert_int_equal(plan->ops[0].n_uid_maps != 0, rows[i].uid_host != 0);
		assert_int_equal(plan->ops[0].n_gid_maps != 0, rows[i].gid_host != 0);
		if (rows[i].uid_host) {
			assert_int_equal(plan->ops[0].uid_maps[0].host_id, rows[i].uid_host);
			assert_int_equal(plan->ops[0].gid_maps[0].host_id, rows[i].gid_host);
		}
		assert_null(plan->ops[0].super);
		mnt_plan_free(plan);
		document_free(spec);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *type, *options;
		unsigned int flags;
		const char *text;
	} rows[] = {
		{ "tmpfs", "idmap", HAS_USERNS | HAS_MAPS, "only supported for bind-mounts" },
		{ "tmpfs", "nosuid", OWN_UIDS | OWN_GIDS, "only supported for bind-mounts" },
		{ NULL, "bind,remount,idmap", HAS_USERNS | HAS_MAPS, "only supported for bind" },
		{ NULL, "bind,idmap", 0, "both uid and gid mappings" },
		{ NULL, "bind,idmap", HAS_USERNS, "both uid and gid mappings" },
		{ NULL, "bind,idmap=uids=0-1-1", HAS_USERNS | HAS_MAPS, "both uid and gid" },
		{ NULL, "bind,idmap=uid=0-1-1", 0, "expected uids=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec *spec = document(rows[i].type, rows[i].options, rows[i].flags);
		struct mnt_plan *plan = NULL;
		struct err err = { 0 };

		assert_int_equal(mnt_plan_build(spec, &plan, &err), -EINVAL);
		assert_non_null(strstr(err.msg, rows[i].text));
		assert_non_null(strstr(err.msg, "mounts[0]"));
		document_free(spec);
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *text;
		int code;
		struct spec_id_map uids[2];
		size_t n_uids;
		struct spec_id_map gids[2];
		size_t n_gids;
	} rows[] = {
		{ "uids=0-1-2", 0, { { 0, 1, 2 } }, 1, { { 0 } }, 0 },
		{ "uids=0-1-2#10-20-30;gids=4294967294-0-1",
		  0,
		  { { 0, 1, 2 }, { 10, 20, 30 } },
		  2,
		  { { 4294967294u, 0, 1 } },
		  1 },
		/* Relative to the container: 3 is 100003, 10 is 200000. */
		{ "uids=@1-3-7#8-@;gids=1-1-1", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=@1-3-7#@20-10-1000;gids=@0-49-1",
		  0,
		  { { 1, 100003, 7 }, { 20, 200000, 1000 } },
		  2,
		  { { 0, 300049, 1 } },
		  1 },
		{ "uids=@1-3-8", -ERANGE, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=@1-1010-1", -ERANGE, { { 0 } }, 0, { { 0 } }, 0 },
		{ "gids=@0-50-1", -ERANGE, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=4294967295-0-1", -ERANGE, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=0-4294967294-2", -ERANGE, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=0-1", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=0-1-2-3", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=0-1-0", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=x-1-1", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "uids=0-1-1;uids=0-1-1", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
		{ "0-1-1", -EINVAL, { { 0 } }, 0, { { 0 } }, 0 },
	};
	struct spec *spec = document(NULL, "bind", HAS_USERNS | HAS_MAPS);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mnt_op op = { 0 };
		struct err err = { 0 };

		if (mnt_idmap_parse(spec, rows[i].text, &op, &err) != rows[i].code)
			fail_msg("row %zu: %s", i, err.msg);
		if (rows[i].code == 0) {
			assert_int_equal(op.n_uid_maps, rows[i].n_uids);
			assert_int_equal(op.n_gid_maps, rows[i].n_gids);
			assert_memory_equal(op.uid_maps, rows[i].uids,
			                    op.n_uid_maps * sizeof(*op.uid_maps));
			if (op.n_gid_maps)
				assert_memory_equal(op.gid_maps, rows[i].gids,
				                    op.n_gid_maps * sizeof(*op.gid_maps));
		}
		free(op.uid_maps);
		free(op.gid_maps);
	}
	document_free(spec);
}

static void test_same(void **state)
{
	struct spec_id_map a[] = { { 0, 1, 2 } }, b[] = { { 0, 1, 3 } };
	struct mnt_op x = { .idmap = MNT_IDMAP_MOUNT, .uid_maps = a, .n_uid_maps = 1 };
	struct mnt_op y = { .idmap = MNT_IDMAP_TREE, .uid_maps = a, .n_uid_maps = 1 };

	(void)state;
	assert_true(mnt_same_idmap(&x, &y));
	y.uid_maps = b;
	assert_false(mnt_same_idmap(&x, &y));
	y.uid_maps = a;
	y.gid_maps = a;
	y.n_gid_maps = 1;
	assert_false(mnt_same_idmap(&x, &y));
	y = x;
	y.idmap = MNT_IDMAP_NONE;
	assert_false(mnt_same_idmap(&x, &y));
}

/* Sources that the container may mount itself are left for later, by their path alone. */
static void test_late(void **state)
{
	static const struct {
		const char *source, *options;
		bool late, cloned;
	} rows[] = {
		{ "/s", "bind,idmap", false, true },
		{ "/rest/a", "bind,idmap", false, true },
		{ "/r/a", "bind,idmap", true, false },
		{ "/r", "rbind,ridmap", true, false },
		{ "/x/..//r/./a", "bind,idmap", true, false },
		{ "/r/../a", "bind,idmap", false, true },
		{ "/r/a", "bind", true, false },
		{ "/s", "bind", false, true },
		{ "/r/a", "bind,remount", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_row row = { "/x", NULL, rows[i].source, rows[i].options };
		struct spec *spec = spec_by_hand("/r", &row, 1);
		struct spec_linux *l = &spec->linux_;
		struct mnt_plan *plan = NULL;
		struct err err = { 0 };

		l->namespaces[NS_USER].wanted = true;
		l->uid_maps = l->gid_maps = container_uids;
		l->n_uid_maps = l->n_gid_maps = ARRAY_SIZE(container_uids);
		if (mnt_plan_build(spec, &plan, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(plan->ops[0].late_source, rows[i].late);
		assert_int_equal(mnt_op_source_is_cloned(plan, &plan->ops[0]), rows[i].cloned);
		mnt_plan_free(plan);
		spec_by_hand_free(spec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_same),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
