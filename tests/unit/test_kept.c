/* SPDX-License-Identifier: Apache-2.0 */
/* Kept execs: when a record is due, and the command line as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runtime/kept.h"

#define S INT64_C(1000000000)

static struct kept stopped(int64_t ttl_ms, int64_t exited_ns)
{
	return (struct kept){
		.has_record = true,
		.status = KEPT_STOPPED,
		.session = { .ttl_ms = ttl_ms },
		.exit = { .known = true, .exited_ns = exited_ns },
	};
}

static void test_due(void **state)
{
	struct kept k = stopped(5000, 100 * S);

	(void)state;
	assert_false(kept_is_due(&k, 100 * S));
	assert_false(kept_is_due(&k, 105 * S - 1));
	assert_true(kept_is_due(&k, 105 * S));
	/* The clock was set back. */
	assert_false(kept_is_due(&k, 50 * S));
	k.shim_alive = true;
	assert_false(kept_is_due(&k, 105 * S));
	k = stopped(0, 100 * S);
	assert_true(kept_is_due(&k, 100 * S));
	assert_false(kept_is_due(&k, 99 * S));
	k = stopped(CTR_SESSION_FOR_LIFE, 100 * S);
	assert_false(kept_is_due(&k, INT64_MAX));
	k = stopped(INT64_MAX, 100 * S);
	assert_false(kept_is_due(&k, INT64_MAX));
}

static void test_never_due(void **state)
{
	static const enum kept_status alive[] = { KEPT_RUNNING, KEPT_PAUSED };
	struct kept k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++) {
		k = stopped(0, 100 * S);
		k.status = alive[i];
		assert_false(kept_is_due(&k, INT64_MAX));
	}
	/* An end at an unknown time, or a record without its time to live. */
	k = stopped(0, 0);
	assert_false(kept_is_due(&k, INT64_MAX));
	k = stopped(0, 100 * S);
	k.has_record = false;
	assert_false(kept_is_due(&k, INT64_MAX));
}

static void test_half_made(void **state)
{
	struct kept k = { .status = KEPT_CREATING };

	(void)state;
	assert_true(kept_is_due(&k, 1));
	k.shim_alive = true; /* its keeper works on it */
	assert_false(kept_is_due(&k, 1));
}

static void command(const char *want, bool cut, size_t max, ...)
{
	char *args[4] = { NULL };
	struct kept k = { .session = { .args = args, .args_cut = cut } };
	va_list ap;

	va_start(ap, max);
	for (int i = 0; i < 3; i++) {
		args[i] = va_arg(ap, char *);
		if (!args[i])
			break;
	}
	va_end(ap);
	_cleanup_free_ char *got = kept_command(&k, max);

	assert_string_equal(got, want);
}

static void test_command(void **state)
{
	(void)state;
	command("", false, 20, NULL);
	command("a b  c", false, 20, "a", "b ", "c");
	command("12345", false, 5, "12345", NULL);
	command("12...", false, 5, "123456", NULL);
	command("a...", true, 20, "a", NULL);
	command("??[31m??", false, 20, "\t\x1b[31m\xc3\xbc", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_never_due),
		cmocka_unit_test(test_half_made),
		cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
