/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers on the command line: users ("UID[:GID]"), sizes, durations, modes, sets of CPUs.
 *
 * Holds: a user string is taken exactly when an oracle takes it that is written from the rule
 * alone (digits, one colon, each part at most 2^32 - 2), with exactly these ids (CVE-2026-30892,
 * CVE-2016-3697, CVE-2024-40635); what is refused changes nothing; a number that was taken is
 * printed as the same text, but for zeros in front.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "fuzz.h"

#define LEFT_ALONE 4242424242u
#define SET_BITS   1024

/* Digits to the end or to `stop`; false: no id. */
static bool id_of(const char *s, size_t len, uint32_t *ret)
{
	uint64_t v = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
		if (v > UINT32_MAX - 1)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

static void check_user(const char *s)
{
	const char *colon = strchr(s, ':');
	uint32_t want_uid = LEFT_ALONE, want_gid = LEFT_ALONE;
	uid_t uid = LEFT_ALONE;
	gid_t gid = LEFT_ALONE;
	bool good = id_of(s, colon ? (size_t)(colon - s) : strlen(s), &want_uid);

	if (colon)
		good = id_of(colon + 1, strlen(colon + 1), &want_gid) && good;
	CHECK((num_parse_user(s, &uid, &gid) == 0) == good);
	CHECK(uid == (good ? want_uid : LEFT_ALONE));
	CHECK(gid == (good ? want_gid : LEFT_ALONE));
}

static const char *without_zeros(const char *s)
{
	while (s[0] == '0' && s[1])
		s++;
	return s;
}

static void check_integers(const char *s)
{
	char text[32];
	uint64_t u;
	uint32_t u32;
	int64_t i;
	int n;
	unsigned int octal;

	if (num_parse_u64(s, &u) == 0) {
		snprintf(text, sizeof(text), "%" PRIu64, u);
		CHECK(streq(text, without_zeros(s)));
		CHECK((num_parse_u32(s, &u32) == 0) == (u <= UINT32_MAX));
	} else {
		CHECK(num_parse_u32(s, &u32) < 0);
	}
	if (num_parse_i64(s, &i) == 0) {
		bool minus = s[0] == '-';

		snprintf(text, sizeof(text), "%" PRIi64, i);
		CHECK(streq(without_zeros(text + (i < 0)), without_zeros(s + minus)));
		CHECK(!i || minus == (i < 0));
		CHECK((num_parse_int(s, &n) == 0) == (i >= INT32_MIN && i <= INT32_MAX));
	} else {
		CHECK(num_parse_int(s, &n) < 0);
	}
	if (num_parse_octal(s, &octal) == 0) {
		snprintf(text, sizeof(text), "%o", octal);
		CHECK(streq(text, without_zeros(s)));
	}
}

static void check_quantities(const char *s)
{
	uint64_t bits[SET_BITS / 64];
	int64_t size = -2, ms = -2;
	int n;

	if (num_parse_size(s, &size) == 0)
		CHECK(size >= 0 || streq(s, "-1"));
	else
		CHECK(size == -2);
	if (num_parse_duration_ms(s, &ms) == 0)
		CHECK(ms >= 0);
	else
		CHECK(ms == -2);
	n = num_parse_set(s, bits, SET_BITS);
	CHECK(n <= SET_BITS);
	if (n >= 0) {
		int count = 0;

		for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
			count += __builtin_popcountll(bits[i]);
		CHECK(count == n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *s = fuzz_text(data, size);

	check_user(s);
	check_integers(s);
	check_quantities(s);
	return 0;
}
