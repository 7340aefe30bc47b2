/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts about users: the image's /etc/passwd, and of /proc the status of a process and the maps of
 * its user namespace. The input is one text, taken for each.
 *
 * Holds: a home directory comes from a line of that very uid and is a piece of the text; ids that
 * are read back are those of the text; a map that is written as text is found equal to itself.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "namespace/internal.h"
#include "security/identity.h"

static void check_home(const char *text, uid_t uid)
{
	_cleanup_free_ char *home = cred_home_in(text, uid), *again = NULL;
	_cleanup_free_ char *line = NULL;

	if (!home)
		return;
	CHECK(*home == '/' && strlen(home) < strlen(text) && strstr(text, home));
	CHECK(!strpbrk(home, ":\n"));
	/* One line more behind it changes nothing: the first one counts. */
	line = xasprintf("%s\nx:x:%u:0::/elsewhere:/bin/sh\n", text, uid);
	again = cred_home_in(line, uid);
	CHECK(again && streq(home, again));
}

static void check_status(const char *text)
{
	static char *args[] = { (char *)"/x", NULL };
	struct spec_process process = { .args = args };
	struct sec_expect want = { .process = &process, .caps_possible = UINT64_MAX };
	struct err err = { 0 };
	uint64_t v;

	fuzz_check_err(sec_compare_status(text, &want, 0, &err), &err);
	err_clear(&err);
	want.host_uid = want.host_gid = 1000;
	want.seccomp = process.no_new_privileges = true;
	fuzz_check_err(sec_compare_status(text, &want, 1, &err), &err);
	(void)sec_status_number(text, "CapEff", 16, &v);
	(void)sec_status_number(text, "Seccomp_filters", 10, &v);
}

static void check_maps(const char *text)
{
	struct spec_id_map map = { 0 };
	unsigned int a, b, c;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 16);

	(void)ns_map_equals(text, NULL, 0);
	if (sscanf(text, "%u %u %u", &a, &b, &c) != 3)
		return;
	map.container_id = a;
	map.host_id = b;
	map.size = c;
	(void)ns_map_equals(text, &map, 1);
	CHECK(ns_map_text(&map, 1, &out) == 0 && ns_map_equals(out.data, &map, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);

	check_home(text, 0);
	check_home(text, 1000);
	check_home(text, 4294967294);
	check_status(text);
	check_maps(text);
	return 0;
}
