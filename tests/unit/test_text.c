/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text: the escapes of mount tables. Escaping for output is tested with what prints
 * (test_err.c, test_describe.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

static void test_unescape_octal(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{ "", "" },
		{ "/a\\040b", "/a b" },
		{ "\\134040", "\\040" },
		{ "\\011\\012", "\t\n" },
		{ "\\04", "\\04" },
		{ "\\400", "\\400" },
		{ "\\08x", "\\08x" },
		{ "a\\", "a\\" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char s[32];

		snprintf(s, sizeof(s), "%s", t[i].text);
		text_unescape_octal(s);
		assert_string_equal(s, t[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_unescape_octal) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
