/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, and what comes through an attached terminal. The input is one argument per
 * line; the last line is also what is typed.
 *
 * Holds: positionals are some of the arguments, in their order, and nothing of them is changed; with
 * "--" in front all are positionals; what is refused has its one line; container ids that are taken
 * are safe as names of files; input passes detach keys unchanged wherever it is cut, but for the
 * sequence itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "berth/container.h"
#include "fuzz.h"
#include "runtime/detach_keys.h"
#include "runtime/log_line.h"
#include "runtime/opt.h"
#include "runtime/term_modes.h"

#define ARGS_MAX 64

static bool flag, detach;
static int on, number;
static const char *text_option;
static char **list;
static int64_t ms;

static const struct opt options[] = {
	{ "detach", 'd', OPT_FLAG, &detach, NULL, "" },
	{ "tty", 't', OPT_FLAG, &flag, NULL, "" },
	{ "stdin", 'i', OPT_SWITCH, &on, NULL, "" },
	{ "bundle", 'b', OPT_STRING, &text_option, "PATH", "" },
	{ "env", 'e', OPT_LIST, &list, "NAME=VALUE", "" },
	{ "preserve-fds", 0, OPT_INT, &number, "N", "" },
	{ "time", 0, OPT_DURATION, &ms, "TIME", "" },
	{ "criu", 0, OPT_IGNORED, NULL, "PATH", "" },
	{ "ignored", 0, OPT_IGNORED, NULL, NULL, "" },
	{ NULL },
};

static void check_options(char *const *args, int argc, bool stop)
{
	char *argv[ARGS_MAX + 2] = { 0 };
	struct err err = { 0 };
	bool help = false;
	int n, at = 0;

	for (int i = 0; i < argc; i++)
		argv[i] = args[i];
	n = opt_parse(options, stop, argc, argv, &help, &err);
	fuzz_check_err(n, &err);
	CHECK(n <= argc);
	for (int i = 0; i < n; i++) {
		while (at < argc && args[at] != argv[i])
			at++;
		CHECK(at < argc);
		at++;
	}
	strv_free_ptr(&list);
	list = NULL;

	argv[0] = (char *)"--";
	for (int i = 0; i < argc; i++)
		argv[i + 1] = args[i];
	argv[argc + 1] = NULL;
	help = false;
	err_clear(&err);
	n = opt_parse(options, stop, argc + 1, argv, &help, &err);
	CHECK(n == argc && !help);
	for (int i = 0; i < n; i++)
		CHECK(argv[i] == args[i]);
}

static void check_id(const char *id)
{
	struct err err = { 0 };
	size_t len = strlen(id);

	if (!ctr_id_valid(id, &err)) {
		fuzz_check_err(-1, &err);
		return;
	}
	CHECK(len > 0 && len <= 255 && id[0] != '.' && id[0] != '-');
	CHECK(strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-") ==
	      len);
}

/* The input, in pieces of that size: what goes through, and whether it was the end. */
static size_t feed(struct detach_keys k, const char *in, size_t len, size_t piece, uint8_t *out,
                   bool *ret_detach)
{
	size_t n = 0;

	*ret_detach = false;
	for (size_t i = 0; i < len && !*ret_detach; i += piece)
		n += detach_keys_feed(&k, (const uint8_t *)in + i,
		                      len - i < piece ? len - i : piece, out + n, ret_detach);
	if (!*ret_detach)
		n += detach_keys_flush(&k, out + n);
	return n;
}

static void check_keys(const char *spec, const char *in)
{
	size_t len = strlen(in), whole, cut;
	_cleanup_free_ uint8_t *a = xmalloc(len + 2 * DETACH_KEYS_MAX);
	_cleanup_free_ uint8_t *b = xmalloc(len + 2 * DETACH_KEYS_MAX);
	struct detach_keys k = { 0 };
	struct err err = { 0 };
	int r = detach_keys_parse(spec, &k, &err);
	bool end_a, end_b;

	fuzz_check_err(r, &err);
	if (r < 0)
		return;
	CHECK(k.len <= DETACH_KEYS_MAX);
	whole = feed(k, in, len, len + 1, a, &end_a);
	cut = feed(k, in, len, 1, b, &end_b);
	CHECK(end_a == end_b && whole == cut && memcmp(a, b, whole) == 0);
	CHECK(memcmp(a, in, whole) == 0);
	CHECK(end_a ? whole + k.len <= len : whole == len);
}

static void check_modes(const char *text)
{
	struct term_modes whole = { 0 }, cut = { 0 };
	char a[TERM_MODES_OUT], b[TERM_MODES_OUT];
	size_t len = strlen(text), n;

	term_modes_see(&whole, text, len);
	for (size_t i = 0; i < len; i++)
		term_modes_see(&cut, text + i, 1);
	n = term_modes_reset(&whole, a);
	CHECK(n <= TERM_MODES_OUT && n == term_modes_reset(&cut, b) && memcmp(a, b, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	char *args[ARGS_MAX] = { 0 }, *save = NULL;
	int64_t when;
	int n = 0;

	for (char *l = strtok_r(text, "\n", &save); l && n < ARGS_MAX;
	     l = strtok_r(NULL, "\n", &save))
		args[n++] = l;
	check_options(args, n, false);
	check_options(args, n, true);
	for (int i = 0; i < n; i++) {
		check_id(args[i]);
		if (log_when_parse(args[i], INT64_C(1795303260483312487), &when) == 0)
			CHECK(when >= 0);
	}
	if (n > 0) {
		check_keys(args[0], args[n - 1]);
		check_modes(args[n - 1]);
	}
	return 0;
}
