/* SPDX-License-Identifier: Apache-2.0 */
/* Modes of a terminal: what is switched on is taken back, wherever its sequences are split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/term_modes.h"

static void check(const char *in, const char *expect)
{
	size_t len = strlen(in);

	for (size_t piece = 1; piece <= len; piece++) {
		struct term_modes m = { 0 };
		char out[TERM_MODES_OUT];
		size_t n;

		for (size_t i = 0; i < len; i += piece)
			term_modes_see(&m, in + i, len - i < piece ? len - i : piece);
		n = term_modes_reset(&m, out);
		assert_int_equal(n, strlen(expect));
		assert_memory_equal(out, expect, n);
	}
}

static void test_modes(void **state)
{
	(void)state;
	check("plain text \033[1;31mred\033[0m \033[2J\033[4;4H", "");
	check("\033[?25l", "\033[?25h\033[m");
	check("\033[?25l text \033[?25h", "");
	check("\033[?1049h\033[?25l\033[?1h\033=", "\033[?1l\033[?66l\033[?1049l\033[?25h\033[m");
	check("\033[?1049h\033[?1049l\033[?2004h\033[?2004l\033=\033>", "");
	check("\033[?1000;1006;2004h", "\033[?1000l\033[?1006l\033[?2004l\033[m");
	check("\033[?7l", "\033[?7h\033[m");
	/* Others, reports, broken ones, and one that begins anew in the middle. */
	check("\033[?12h\033[25l\033[?25n\033[>25h\033[?99999999999925l", "");
	check("\033[?2\033[?25l", "\033[?25h\033[m");
	check("\033[?1049h\033c", "");
	check("\033[?1;2;3;4;5;6;7;25l\033[?1;2;3;4;5;6;7;8;25h", "\033[?7h\033[?25h\033[m");
}

/* All of them fit. */
static void test_all(void **state)
{
	struct term_modes m = { .changed = UINT32_MAX };
	char out[TERM_MODES_OUT];
	size_t n = term_modes_reset(&m, out);

	(void)state;
	assert_in_range(n, 100, TERM_MODES_OUT - 1);
	assert_memory_equal(out + n - 3, "\033[m", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
