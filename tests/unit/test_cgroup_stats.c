/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of the kernel's statistics files to numbers, trees of plain files to documents. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "cgroup/stats.h"

static void test_value(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(cg_stat_parse_value("max", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(cg_stat_parse_value("18446744073709551615", &v), 0);
	assert_true(cg_stat_parse_value("", &v) < 0);
	assert_true(cg_stat_parse_value("1 2", &v) < 0);
}

static void test_keys(void **state)
{
	struct cg_stat_keys keys = { 0 };

	(void)state;
	cg_stat_parse_keys("cache 10\nanon 3\n\nbroken\nnegative -1\ntwo 1 2\nlast 7", &keys);
	assert_int_equal(keys.n, 3);
	assert_string_equal(keys.v[0].key, "anon");
	assert_string_equal(keys.v[2].key, "last");
	assert_int_equal(cg_stat_key(&keys, "cache"), 10);
	assert_int_equal(cg_stat_key(&keys, "none"), 0);
	for (size_t i = 0; i < keys.n; i++)
		free(keys.v[i].key);
	free(keys.v);
}

static void list_is(const char *text, size_t n, const uint64_t *want)
{
	struct cg_stat_u64s list = { 0 };

	cg_stat_parse_list(text, &list);
	assert_int_equal(list.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list.v[i], want[i]);
	free(list.v);
}

static void test_lists(void **state)
{
	struct cg_stat_u64s kernel = { 0 }, user = { 0 };

	(void)state;
	list_is("", 0, NULL);
	list_is("0", 1, (uint64_t[]){ 0 });
	list_is("0-2,7,9-9\n", 5, (uint64_t[]){ 0, 1, 2, 7, 9 });
	list_is("3-1", 0, NULL);
	list_is("0-99999999999", 0, NULL);
	list_is("x,4", 1, (uint64_t[]){ 4 });
	cg_stat_parse_percpu("cpu user system\n0 11 12\n1 21 22\n", &kernel, &user);
	assert_int_equal(kernel.n, 2);
	assert_int_equal(user.v[1], 21);
	assert_int_equal(kernel.v[0], 12);
	free(kernel.v);
	free(user.v);
}

static void test_io(void **state)
{
	struct cg_stat_ios a = { 0 }, b = { 0 };

	(void)state;
	cg_stat_parse_io_v1("8:0 Read 5\n8:0 Write 6\n8:16 7\nTotal 11\n8: Read 1\nx:1 Read 2\n",
	                    &a);
	assert_int_equal(a.n, 3);
	assert_string_equal(a.v[1].op, "Write");
	assert_int_equal(a.v[2].minor, 16);
	assert_string_equal(a.v[2].op, "");
	assert_int_equal(a.v[2].value, 7);
	free(a.v);
	a = (struct cg_stat_ios){ 0 };
	cg_stat_parse_io_v2(
	    "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:1\n253:0 rbytes=x wios=9\n",
	    &a, &b);
	assert_int_equal(a.n, 2);
	assert_int_equal(b.n, 3);
	assert_int_equal(a.v[0].major, 254);
	assert_string_equal(a.v[1].op, "Write");
	assert_int_equal(b.v[2].value, 9);
	free(a.v);
	free(b.v);
}

static void test_psi(void **state)
{
	struct cg_stat_psi psi = { 0 };

	(void)state;
	cg_stat_parse_psi("some avg10=98.91 avg60=0.05 avg300=100.00 total=1150\n"
	                  "full avg10=0.00 avg60=1 avg300=1.2 total=x\n",
	                  &psi);
	assert_true(psi.present);
	assert_int_equal(psi.some.avg[0], 9891);
	assert_int_equal(psi.some.avg[1], 5);
	assert_int_equal(psi.some.avg[2], 10000);
	assert_int_equal(psi.some.total, 1150);
	assert_int_equal(psi.full.avg[1], 0);
	psi = (struct cg_stat_psi){ 0 };
	cg_stat_parse_psi("", &psi);
	assert_false(psi.present);
}

static char *json_of(const struct cg_stats *stats)
{
	struct buf b = BUF_INIT(1 << 20);
	_cleanup_json_ cJSON *j = NULL;
	struct err err = { 0 };

	assert_int_equal(cg_stats_json(stats, &b), 0);
	if (json_parse(b.data, b.len, &j, &err) < 0)
		fail_msg("%s: %s", b.data, err.msg);
	return buf_steal(&b);
}

static void test_json(void **state)
{
	struct cg_stats s = { 0 };
	struct cg_stat_key raw[] = { { (char *)"anon", 3 } };
	struct cg_stat_io io[] = { { 8, 0, "Read", 5 }, { 8, 16, "", 0 } };
	struct cg_stat_hugetlb huge[] = { { "2MB", 1, 2, 3 } };
	uint64_t cpus[] = { 0, 1 };
	_cleanup_free_ char *empty = json_of(&s);
	_cleanup_free_ char *full = NULL;

	(void)state;
	assert_string_equal(
	    empty,
	    "{\"cpu\":{\"usage\":{\"kernel\":0,\"user\":0},\"throttling\":{}},"
	    "\"cpuset\":{\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,"
	    "\"memory_migrate\":0,\"memory_spread_page\":0,\"memory_spread_slab\":0,"
	    "\"memory_pressure\":0,\"sched_load_balance\":0,\"sched_relax_domain_level\":0},"
	    "\"memory\":{\"usage\":{\"limit\":0,\"failcnt\":0},\"swap\":{\"limit\":0,\"failcnt\":0}"
	    ",\"kernel\":{\"limit\":0,\"failcnt\":0},\"kernelTCP\":{\"limit\":0,\"failcnt\":0}},"
	    "\"pids\":{},\"blkio\":{},\"hugetlb\":{},\"intel_rdt\":{},\"network_interfaces\":"
	    "null}");
	s.cpu_total = 7;
	s.percpu = (struct cg_stat_u64s){ cpus, 2 };
	s.relax_domain_level = -1;
	s.memory.limit = UINT64_MAX;
	s.raw = (struct cg_stat_keys){ raw, 1 };
	s.pids = 2;
	s.pids_limit = 9;
	s.io[IO_SERVICED] = (struct cg_stat_ios){ io, 2 };
	s.io_psi = (struct cg_stat_psi){ .present = true, .some = { { 1234, 1230, 1200 }, 5 } };
	s.hugetlb = huge;
	s.n_hugetlb = 1;
	full = json_of(&s);
	assert_non_null(strstr(full, "\"usage\":{\"total\":7,\"percpu\":[0,1],\"kernel\":0"));
	assert_non_null(strstr(full, "\"sched_relax_domain_level\":-1"));
	assert_non_null(strstr(full, "\"limit\":18446744073709551615"));
	assert_non_null(strstr(full, "\"raw\":{\"anon\":3}"));
	assert_non_null(strstr(full, "\"pids\":{\"current\":2,\"limit\":9}"));
	assert_non_null(strstr(full, "\"ioServicedRecursive\":[{\"major\":8,\"op\":\"Read\","
	                             "\"value\":5},{\"major\":8,\"minor\":16}]"));
	assert_non_null(strstr(full, "\"psi\":{\"some\":{\"avg10\":12.34,\"avg60\":12.3,\"avg300\":"
	                             "12,\"total\":5},\"full\":{\"avg10\":0,"));
	assert_non_null(
	    strstr(full, "\"hugetlb\":{\"2MB\":{\"usage\":1,\"max\":2,\"failcnt\":3}}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_io),
		cmocka_unit_test(test_psi),   cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
