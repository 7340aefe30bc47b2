/* SPDX-License-Identifier: Apache-2.0 */
/* Command line options: what is left over is exactly the positional arguments, as a vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/opt.h"

static const char *root;
static bool detach;
static const struct opt opts[] = {
	{ "root", 0, OPT_STRING, &root, "DIR", "", false },
	{ "detach", 'd', OPT_FLAG, &detach, NULL, "", false },
	{ 0 },
};

static void check(bool stop, const char *line, const char *left)
{
	static char words[128]; /* options point into it */
	char *argv[16] = { NULL }, joined[128] = "", *save = NULL;
	int argc = 0, n;
	bool help = false;
	struct err err = { 0 };

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	n = opt_parse(opts, stop, argc, argv, &help, &err);
	assert_string_equal(err.msg, "");
	for (int i = 0; argv[i]; i++, n--) {
		strcat(joined, i ? " " : "");
		strcat(joined, argv[i]);
	}
	assert_string_equal(joined, left);
	assert_int_equal(n, 0);
}

static void test_left_over(void **state)
{
	(void)state;
	check(true, "--root /r c1 sh -c id", "c1 sh -c id");
	check(true, "c1 id", "c1 id");
	check(true, "-d -- -x id", "-x id");
	check(true, "-d", "");
	check(false, "c1 -d id", "c1 id");
	check(false, "c1 --root=/q -- -d", "c1 -d");
	assert_string_equal(root, "/q");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_left_over) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
