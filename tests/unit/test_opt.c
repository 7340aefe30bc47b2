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
static bool detach, tty;
static const struct opt opts[] = {
	{ "root", 0, OPT_STRING, &root, "DIR", "", false },
	{ "detach", 'd', OPT_FLAG, &detach, NULL, "", false },
	{ "tty", 't', OPT_FLAG, &tty, NULL, "", false },
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

static void test_flags(void **state)
{
	static const struct {
		const char *line;
		bool detach, tty;
	} t[] = { { "", false, false },          { "-d", true, false },
		  { "--detach", true, false },   { "-detach", true, false },
		  { "-d=true", true, false },    { "--detach=T", true, false },
		  { "--detach=1", true, false }, { "-d --detach=False", false, false },
		  { "-d -d=0", false, false },   { "-dt", true, true },
		  { "-td", true, true },         { "-t -tty=f", false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		detach = tty = false;
		check(false, t[i].line, "");
		if (detach != t[i].detach || tty != t[i].tty)
			fail_msg("%s: %d %d", t[i].line, detach, tty);
	}
}

static void refused(const char *a, const char *says)
{
	char word[64];
	char *argv[] = { word, NULL };
	struct err err = { 0 };
	bool help = false;

	snprintf(word, sizeof(word), "%s", a);
	detach = tty = false;
	assert_true(opt_parse(opts, false, 1, argv, &help, &err) < 0);
	if (!strstr(err.msg, says))
		fail_msg("%s: %s", a, err.msg);
	assert_false(detach || tty);
}

static void test_refused(void **state)
{
	(void)state;
	refused("-dx", "not defined: -dx");
	refused("--dt", "not defined: --dt");
	refused("-dt=true", "not defined: -dt");
	refused("--detach=yes", "neither true nor false");
	refused("--detach=", "neither true nor false");
	refused("-root", "flag needs an argument: --root");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_left_over),
		                            cmocka_unit_test(test_flags),
		                            cmocka_unit_test(test_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
