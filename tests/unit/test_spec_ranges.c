/* SPDX-License-Identifier: Apache-2.0 */
/* The range of every number of the document, and what is no number of its kind. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec_edit.h"

/*
 * Every plain number: both ends are taken, the next value out is not, nor is anything but an
 * integer.
 */

struct range {
	const char *at;
	int64_t min;
	uint64_t max;
	const char
	    *around; /* the object with %s for the number, where required siblings are needed */
};

#define I64 INT64_MAX

static const struct range ranges[] = {
	{ "/process/user/uid", 0, 4294967294, NULL },
	{ "/process/user/gid", 0, 4294967294, NULL },
	{ "/process/user/umask", 0, 0777, NULL },
	{ "/process/user/additionalGids", 0, 4294967294, "[%s]" },
	{ "/process/consoleSize", 0, 65535, "{\"height\":%s,\"width\":1}" },
	{ "/process/consoleSize", 0, 65535, "{\"width\":%s,\"height\":1}" },
	{ "/process/oomScoreAdj", -1000, 1000, NULL },
	{ "/process/rlimits/0/soft", 0, 1024, NULL },
	{ "/process/rlimits/0/hard", 1024, UINT64_MAX, NULL },
	{ RES "/memory/limit", -1, I64, NULL },
	{ RES "/memory/reservation", -1, I64, NULL },
	{ RES "/memory/kernel", -1, I64, NULL },
	{ RES "/memory/kernelTCP", -1, I64, NULL },
	{ RES "/cpu/shares", 0, UINT64_MAX, NULL },
	{ RES "/cpu/quota", -1, I64, NULL },
	{ RES "/cpu/burst", 0, UINT64_MAX, NULL },
	{ RES "/cpu/period", 0, UINT64_MAX, NULL },
	{ RES "/cpu/realtimeRuntime", -1, I64, NULL },
	{ RES "/cpu/realtimePeriod", 0, UINT64_MAX, NULL },
	{ RES "/cpu/idle", 0, 1, NULL },
	{ RES "/pids/limit", -1, I64, NULL },
	{ RES "/hugepageLimits", 0, UINT64_MAX, "[{\"pageSize\":\"1GB\",\"limit\":%s}]" },
	{ RES "/devices", -1, 4095, "[{\"allow\":true,\"access\":\"r\",\"major\":%s}]" },
	{ RES "/devices", -1, 1048575, "[{\"allow\":true,\"access\":\"r\",\"minor\":%s}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, 4095,
	  "[{\"major\":%s,\"minor\":1,\"rate\":1}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, 1048575,
	  "[{\"minor\":%s,\"major\":1,\"rate\":1}]" },
	{ RES "/blockIO/throttleReadBpsDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleWriteBpsDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleReadIOPSDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ RES "/blockIO/throttleWriteIOPSDevice", 0, UINT64_MAX,
	  "[{\"rate\":%s,\"major\":1,\"minor\":1}]" },
	{ "/linux/devices", 0, 4095,
	  "[{\"path\":\"/d\",\"type\":\"c\",\"minor\":0,\"major\":%s}]" },
	{ "/linux/devices", 0, 1048575,
	  "[{\"path\":\"/d\",\"type\":\"b\",\"major\":0,\"minor\":%s}]" },
	{ "/linux/devices", 0, 07777, DEV(",\"fileMode\":%s") },
	{ "/linux/devices", 0, 4294967294, "[{\"path\":\"/d\",\"type\":\"p\",\"uid\":%s}]" },
	{ "/linux/devices", 0, 4294967294, "[{\"path\":\"/d\",\"type\":\"p\",\"gid\":%s}]" },
	{ "/hooks/prestart", 1, I64 / 1000, "[{\"path\":\"/h\",\"timeout\":%s}]" },
	{ "/linux/seccomp", 0, UINT64_MAX,
	  ERRNO(",\"args\":[{\"index\":0,\"value\":%s,\"op\":\"SCMP_CMP_EQ\"}]") },
	{ "/linux/seccomp", 0, 5,
	  ERRNO(",\"args\":[{\"value\":0,\"index\":%s,\"op\":\"SCMP_CMP_EQ\"}]") },
	{ "/linux/seccomp", 0, 4095, ERRNO(",\"errnoRet\":%s") },
	{ "/process/scheduler", -20, 19, "{\"policy\":\"SCHED_OTHER\",\"nice\":%s}" },
	{ "/process/scheduler", 1, 99, "{\"policy\":\"SCHED_RR\",\"priority\":%s}" },
	{ "/process/scheduler", 1, UINT64_MAX,
	  "{\"policy\":\"SCHED_DEADLINE\",\"runtime\":%s,\"deadline\":18446744073709551615}" },
	{ "/process/scheduler", 1, UINT64_MAX,
	  "{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":%s}" },
	{ "/process/ioPriority", 0, 7, "{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":%s}" },
	{ RES "/rdma", 0, UINT32_MAX, "{\"d\":{\"hcaHandles\":%s}}" },
	{ RES "/rdma", 0, UINT32_MAX, "{\"d\":{\"hcaObjects\":%s}}" },
	{ RES "/network/classID", 0, UINT32_MAX, NULL },
	{ RES "/network/priorities", 0, UINT32_MAX, "[{\"name\":\"e\",\"priority\":%s}]" },
};

static void try_number(const struct range *range, const char *number, const char *expect)
{
	char value[256];
	const char *mark = range->around ? strstr(range->around, "%s") : NULL;
	struct edit_case c = { .at = range->at, .value = value, .expect = expect };

	if (mark)
		snprintf(value, sizeof(value), "%.*s%s%s", (int)(mark - range->around),
		         range->around, number, mark + 2);
	else
		snprintf(value, sizeof(value), "%s", number);
	check_edits(&c, 1);
}

static void test_ranges(void **state)
{
	static const char *const never[] = {
		"1.5",
		"1e3",
		"1.0",
		"-0.5",
		"\"1\"",
		"true",
		"null",
		"[]",
		"{}",
		"18446744073709551616",
		"-9223372036854775809",
		"36893488147419103232",
		"100000000000000000000000000000000000000",
		"1e400",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *range = &ranges[i];
		char number[32];

		snprintf(number, sizeof(number), "%" PRId64, range->min);
		try_number(range, number, NULL);
		snprintf(number, sizeof(number), "%" PRIu64, range->max);
		try_number(range, number, NULL);
		snprintf(number, sizeof(number), "%" PRId64, range->min - 1);
		try_number(range, number, "*");
		if (range->max < UINT64_MAX) {
			snprintf(number, sizeof(number), "%" PRIu64, range->max + 1);
			try_number(range, number, "*");
		}
		for (size_t k = 0; k < ARRAY_SIZE(never); k++)
			try_number(range, never[k], "*");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
