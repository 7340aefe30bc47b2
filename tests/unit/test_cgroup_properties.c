/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, device rules and annotations as properties of a systemd unit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cgroup/systemd.h"

#define SET(x)          \
	{               \
		true, x \
	}

/* "Name:type=value,value;" for each, numbers in decimal, all bits set as "inf". */
static char *show(const struct cg_properties *p)
{
	struct buf b = BUF_INIT(65536);

	for (size_t i = 0; i < p->n; i++) {
		const struct cg_property *q = &p->list[i];
		size_t words = 0;

		(void)buf_printf(&b, "%s:%s=", q->name, q->type);
		for (; q->words && q->words[words]; words++)
			(void)buf_printf(&b, "%s%s", words ? "," : "", q->words[words]);
		for (size_t k = 0; !q->words && k < q->n; k++) {
			if (q->numbers[k] == UINT64_MAX)
				(void)buf_printf(&b, "%sinf", k ? "," : "");
			else
				(void)buf_printf(&b, "%s%llu", k ? "," : "",
				                 (unsigned long long)q->numbers[k]);
		}
		(void)buf_puts(&b, ";");
	}
	return buf_steal(&b);
}

static void expect(const struct spec_resources *res, bool v2, const char *want)
{
	struct cg_properties p = { 0 };
	struct err err = { 0 };
	_cleanup_free_ char *got = NULL;

	if (cg_properties_limits(res, v2, &p, &err) < 0)
		fail_msg("%s", err.msg);
	got = show(&p);
	for (size_t i = 0; i < p.n; i++)
		assert_true(p.list[i].optional); /* the files have it, too */
	cg_properties_done(&p);
	if (!streq(got, want))
		fail_msg("got  \"%s\"\nwant \"%s\"", got, want);
}

static void refuse(const struct spec_resources *res, const char *text)
{
	struct cg_properties p = { 0 };
	struct err err = { 0 };

	assert_true(cg_properties_limits(res, true, &p, &err) < 0);
	cg_properties_done(&p);
	if (!strstr(err.msg, text))
		fail_msg("\"%s\" lacks \"%s\"", err.msg, text);
}

static void test_memory(void **state)
{
	struct spec_resources r = { .memory = { .limit = SET(1 << 26) } };

	(void)state;
	expect(&(struct spec_resources){ 0 }, true, "");
	expect(&r, true, "MemoryMax:t=67108864;");
	expect(&r, false, "MemoryLimit:t=67108864;");
	r.memory.swap = (struct opt_i64)SET(3 << 25);
	r.memory.reservation = (struct opt_i64)SET(4096);
	expect(&r, true, "MemoryMax:t=67108864;MemoryLow:t=4096;MemorySwapMax:t=33554432;");
	expect(&r, false, "MemoryLimit:t=67108864;");
	r.memory.swap.v = 1 << 26;
	expect(&r, true, "MemoryMax:t=67108864;MemoryLow:t=4096;MemorySwapMax:t=0;");
	r.memory.swap.v = -1;
	expect(&r, true, "MemoryMax:t=67108864;MemoryLow:t=4096;MemorySwapMax:t=inf;");
	r.memory.swap.v = 1 << 20;
	refuse(&r, "memory+swap limit should be >= memory limit");
	r = (struct spec_resources){ .memory = { .limit = SET(-1) } };
	expect(&r, true, "MemoryMax:t=inf;MemorySwapMax:t=inf;");
	r.memory.limit.v = 0;
	expect(&r, true, "");
}

static void test_cpu(void **state)
{
	struct spec_resources r = { .cpu = { .quota = SET(12345), .period = SET(100000) } };

	(void)state;
	/* Up to the next hundredth. */
	expect(&r, true, "CPUQuotaPeriodUSec:t=100000;CPUQuotaPerSecUSec:t=130000;");
	expect(&r, false, "CPUQuotaPeriodUSec:t=100000;CPUQuotaPerSecUSec:t=130000;");
	r.cpu.period.set = false;
	r.cpu.quota.v = 50000;
	expect(&r, true, "CPUQuotaPerSecUSec:t=500000;");
	r.cpu.quota.v = -1;
	expect(&r, true, "CPUQuotaPerSecUSec:t=inf;");
	r.cpu.quota.v = INT64_MAX;
	expect(&r, true, "CPUQuotaPerSecUSec:t=inf;");
	r.cpu.quota.v = 0;
	expect(&r, true, "");
	r.cpu.period = (struct opt_u64)SET(50000);
	expect(&r, true, "CPUQuotaPeriodUSec:t=50000;CPUQuotaPerSecUSec:t=inf;");
	r = (struct spec_resources){ .cpu = { .shares = SET(1024) } };
	expect(&r, true, "CPUWeight:t=100;");
	expect(&r, false, "CPUShares:t=1024;");
	r.cpu.shares.v = 512;
	expect(&r, true, "CPUWeight:t=59;");
	r.cpu.idle = (struct opt_i64)SET(1);
	expect(&r, true, "CPUWeight:t=0;");
	expect(&r, false, "CPUShares:t=512;");
	r.cpu.idle.v = 0;
	expect(&r, true, "CPUWeight:t=59;");
}

/* Asked for, of how many microseconds, and what systemd will write for it. */
static void test_quota_of_unit(void **state)
{
	static const struct {
		int64_t quota;
		uint64_t period;
		int64_t want;
	} t[] = { { 50000, 0, 50000 },        { 500000, 1000000, 500000 },
		  { 500000, 900000, 504000 }, { 600000, 900000, 603000 },
		  { 12345, 100000, 13000 },   { 1000, 100000, 1000 },
		  { 1000, 1000000, 10000 },   { 250000, 100000, 250000 },
		  { -1, 100000, -1 },         { 0, 0, 0 },
		  { INT64_MAX, 1, INT64_MAX } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (cg_quota_of_unit(t[i].quota, t[i].period) != t[i].want)
			fail_msg("%lld of %llu: %lld", (long long)t[i].quota,
			         (unsigned long long)t[i].period,
			         (long long)cg_quota_of_unit(t[i].quota, t[i].period));
}

static void test_masks(void **state)
{
	struct spec_resources r = { .cpu = { .cpus = (char *)"0-2,9", .mems = (char *)"1" } };

	(void)state;
	expect(&r, true, "AllowedCPUs:ay=7,2;AllowedMemoryNodes:ay=2;");
	expect(&r, false, "");
	r.cpu.mems = NULL;
	r.cpu.cpus = (char *)"8-15,0";
	expect(&r, true, "AllowedCPUs:ay=1,255;");
	r.cpu.cpus = (char *)"31";
	expect(&r, true, "AllowedCPUs:ay=0,0,0,128;");
	r.cpu.cpus = (char *)"";
	expect(&r, true, "");
	r.cpu.cpus = (char *)"3-1";
	refuse(&r, "bad list \"3-1\"");
	r.cpu.cpus = (char *)"1,,2";
	refuse(&r, "bad list");
	r.cpu.cpus = (char *)"9999999";
	refuse(&r, "bad list");
	r.cpu.cpus = (char *)"x";
	refuse(&r, "bad list");
}

static void test_rest(void **state)
{
	struct spec_resources r = { .pids_limit = SET(77) };

	(void)state;
	expect(&r, true, "TasksMax:t=77;");
	expect(&r, false, "TasksMax:t=77;");
	r.pids_limit.v = 0;
	expect(&r, true, "TasksMax:t=1;");
	r.pids_limit.v = -1;
	expect(&r, true, "TasksMax:t=inf;");
	r = (struct spec_resources){ .block_io = { .weight = SET(750) } };
	expect(&r, true, "IOWeight:t=7475;");
	expect(&r, false, "BlockIOWeight:t=750;");
}

static void test_unified(void **state)
{
	struct spec_kv kv = { 0 };
	struct spec_resources r = { .unified = &kv, .n_unified = 1 };
	static const struct {
		const char *key, *value, *want; /* NULL: refused */
	} table[] = {
		{ "memory.high", "4096", "MemoryHigh:t=4096;" },
		{ "memory.low", "4096", "MemoryLow:t=4096;" },
		{ "memory.min", "0", "MemoryMin:t=0;" },
		{ "memory.max", "max", "MemoryMax:t=inf;" },
		{ "memory.swap.max", "0", "MemorySwapMax:t=0;" },
		{ "memory.zswap.max", "1", "MemoryZSwapMax:t=1;" },
		{ "memory.oom.group", "1", "OOMPolicy:s=kill;" },
		{ "memory.oom.group", "0", "OOMPolicy:s=continue;" },
		{ "memory.oom.group", "x", NULL },
		{ "memory.max", "4k", NULL },
		{ "pids.max", "5", "TasksMax:t=5;" },
		{ "cpu.weight", "321", "CPUWeight:t=321;" },
		{ "cpu.weight", "x", NULL },
		{ "cpu.idle", "1", "CPUWeight:t=0;" },
		{ "cpu.idle", "0", "" },
		{ "cpu.max", "50000 200000",
		  "CPUQuotaPeriodUSec:t=200000;CPUQuotaPerSecUSec:t=250000;" },
		{ "cpu.max", "50000", "CPUQuotaPerSecUSec:t=500000;" },
		{ "cpu.max", "max 200000",
		  "CPUQuotaPeriodUSec:t=200000;CPUQuotaPerSecUSec:t=inf;" },
		{ "cpu.max", "-5", NULL },
		{ "cpu.max", "5 x", NULL },
		{ "cpuset.cpus", "0-1", "AllowedCPUs:ay=3;" },
		{ "cpuset.mems", "0", "AllowedMemoryNodes:ay=1;" },
		{ "io.weight", "default 200", "IOWeight:t=200;" },
		{ "io.weight", "200", "IOWeight:t=200;" },
		{ "io.weight", "8:0 200", "" },
		{ "hugetlb.2MB.max", "0", "" },
		{ "io.max", "8:0 rbps=1", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		kv.key = (char *)table[i].key;
		kv.value = (char *)table[i].value;
		if (table[i].want)
			expect(&r, true, table[i].want);
		else
			refuse(&r, table[i].key);
		expect(&r, false, "");
	}
	/* No weight for what is idle. */
	r.cpu.idle = (struct opt_i64)SET(1);
	kv.key = (char *)"cpu.weight";
	kv.value = (char *)"8";
	expect(&r, true, "CPUWeight:t=0;");
	kv.key = (char *)"cpu.idle";
	kv.value = (char *)"0";
	expect(&r, true, "");
	r.cpu.idle.set = false;
	/* What is written last is in force. */
	r.memory.limit = (struct opt_i64)SET(1);
	kv.key = (char *)"memory.max";
	kv.value = (char *)"2\n";
	expect(&r, true, "MemoryMax:t=2;");
}

static void test_devices(void **state)
{
	struct spec_device_rule rules[] = {
		{ .allow = false, .type = 'a', .major = -1, .minor = -1, .access = 7 },
		{ .allow = true, .type = 'b', .major = 8, .minor = 0, .access = 3 },
		{ .allow = true, .type = 'c', .major = 200, .minor = -1, .access = 5 },
	};
	struct spec_resources r = {
		.present = true, .devices_present = true, .devices = rules, .n_devices = 3
	};
	struct cg_properties p = { 0 };
	_cleanup_free_ char *strict = NULL, *open = NULL, *unsayable = NULL;

	(void)state;
	cg_properties_devices(&r, &p);
	strict = show(&p);
	cg_properties_done(&p);
	assert_non_null(strstr(strict, "DevicePolicy:s=strict;DeviceAllow:a(ss)="));
	assert_non_null(strstr(strict, "/dev/block/8:0,rw"));
	assert_non_null(strstr(strict, "char-200,rm"));
	assert_non_null(strstr(strict, "char-*,m"));
	assert_non_null(strstr(strict, "/dev/char/1:3,rwm"));
	rules[0].allow = true;
	cg_properties_devices(&r, &p);
	open = show(&p);
	cg_properties_done(&p);
	assert_string_equal(open, "DevicePolicy:s=auto;DeviceAllow:a(ss)=;");
	rules[0].allow = false;
	rules[2].major = -1; /* one minor of all majors */
	rules[2].minor = 5;
	cg_properties_devices(&r, &p);
	unsayable = show(&p);
	cg_properties_done(&p);
	assert_string_equal(unsayable, "DevicePolicy:s=auto;DeviceAllow:a(ss)=;");
}

static void annotation(const char *key, const char *text, const char *want)
{
	struct cg_properties p = { 0 };
	struct err err = { 0 };
	int r = cg_property_annotation(key, text, &p, &err);
	_cleanup_free_ char *got = r == 0 ? show(&p) : NULL;

	for (size_t i = 0; r == 0 && i < p.n; i++)
		assert_false(p.list[i].optional); /* asked for by name */
	cg_properties_done(&p);
	if (!want && r == 0)
		fail_msg("%s = %s was taken as \"%s\"", key, text, got);
	if (want && r < 0)
		fail_msg("%s = %s: %s", key, text, err.msg);
	if (want && !streq(got, want))
		fail_msg("%s = %s: got \"%s\"", key, text, got);
}

static void test_annotations(void **state)
{
	(void)state;
	annotation("CollectMode", "'inactive'", "CollectMode:s=inactive;");
	annotation("CollectMode", " \"it's\" ", "CollectMode:s=it's;");
	annotation("CollectMode", "'it\\'s'", "CollectMode:s=it's;");
	annotation("SendSIGHUP", "true", "SendSIGHUP:b=1;");
	annotation("SendSIGHUP", "boolean false", "SendSIGHUP:b=0;");
	annotation("KillSignal", "9", "KillSignal:i=9;");
	annotation("MemoryMax", "uint64 4096", "MemoryMax:t=4096;");
	annotation("MemoryMax", "@t 4096", "MemoryMax:t=4096;");
	annotation("Foo", "byte 255", "Foo:y=255;");
	annotation("Foo", "int16 -1", "Foo:n=inf;");
	annotation("After", "['a.service', 'b.service']", "After:as=a.service,b.service;");
	annotation("After", "@as []", "After:as=;");
	annotation("Foo", "[uint32 1, 2]", "Foo:au=1,2;");
	annotation("TimeoutStopSec", "5", "TimeoutStopUSec:t=5000000;");
	annotation("TimeoutStopSec", "uint64 5", "TimeoutStopUSec:t=5000000;");
	annotation("TimeoutStopSec", "1.5", "TimeoutStopUSec:t=1500000;");
	annotation("TimeoutStopUSec", "uint64 5", "TimeoutStopUSec:t=5;");
	annotation("Sec", "int32 5", "Sec:i=5;");
	annotation("TimeoutStopSec", "'5'", NULL);
	annotation("TimeoutStopSec", "-5", NULL);
	annotation("TimeoutStopSec", "[5]", NULL);
	annotation("TimeoutStopSec", "uint64 18446744073709551615", NULL);
	annotation("ab", "1", NULL);
	annotation("Foo1", "1", NULL);
	annotation("Foo.Bar", "1", NULL);
	annotation("Foo", "", NULL);
	annotation("Foo", "[]", NULL);
	annotation("Foo", "[1", NULL);
	annotation("Foo", "[1 2]", NULL);
	annotation("Foo", "[1, 'a']", NULL);
	annotation("Foo", "'open", NULL);
	annotation("Foo", "'a' 'b'", NULL);
	annotation("Foo", "bare", NULL);
	annotation("Foo", "byte 256", NULL);
	annotation("Foo", "2147483648", NULL);
	annotation("Foo", "uint64 -1", NULL);
	annotation("Foo", "uint32 true", NULL);
	annotation("Foo", "@z 1", NULL);
	annotation("Foo", "@as 'a'", NULL);
	annotation("Foo", "@s ['a']", NULL);
	annotation("Foo", "1.", "Foo:d=4607182418800017408;");
	annotation("Foo", "1.2.3", NULL);
	annotation("PIDs", "[uint32 1]", NULL);
	annotation("Slice", "'a.slice'", NULL);
}

/* An annotation replaces what was computed. */
static void test_replace(void **state)
{
	struct cg_properties p = { 0 };
	_cleanup_free_ char *got = NULL;

	(void)state;
	cg_property_number(&p, "MemoryMax", 't', 1);
	cg_property_number(&p, "TasksMax", 't', 2);
	assert_int_equal(cg_property_annotation("MemoryMax", "uint64 3", &p, NULL), 0);
	got = show(&p);
	cg_properties_done(&p);
	assert_string_equal(got, "TasksMax:t=2;MemoryMax:t=3;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),        cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_masks),         cmocka_unit_test(test_rest),
		cmocka_unit_test(test_quota_of_unit), cmocka_unit_test(test_unified),
		cmocka_unit_test(test_devices),       cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
