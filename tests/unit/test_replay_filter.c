/* SPDX-License-Identifier: Apache-2.0 */
/* What is replayed to a terminal: no question is left, nothing else is missing, wherever it is split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "runtime/replay_filter.h"

static void check(const char *in, const char *expect)
{
	size_t len = strlen(in);

	for (size_t piece = 1; piece <= len; piece++) {
		struct replay_filter f = { 0 };
		char out[4096 + REPLAY_HELD_MAX];
		size_t n = 0;

		for (size_t i = 0; i < len; i += piece)
			n += replay_filter(&f, in + i, len - i < piece ? len - i : piece, out + n);
		n += replay_filter_end(&f, out + n);
		out[n] = '\0';
		assert_string_equal(out, expect);
	}
}

static void test_questions(void **state)
{
	static const char *const questions[] = {
		"\005",
		"\033Z",
		"\033[c",
		"\033[0c",
		"\033[>c",
		"\033[>0c",
		"\033[=c",
		"\033[5n",
		"\033[6n",
		"\033[?6n",
		"\033[?996n",
		"\033[x",
		"\033[1x",
		"\033[>q",
		"\033[>0q",
		"\033[?u",
		"\033[?4m",
		"\033[?1;1;0S",
		"\033[20$p",
		"\033[?2026$p",
		"\033[1$w",
		"\033[1$u",
		"\033[&u",
		"\033[1;1;1;1;5;5*y",
		"\033[\"v",
		"\033[#R",
		"\033[#|",
		"\033['|",
		"\033[11t",
		"\033[14t",
		"\033[14;2t",
		"\033[18t",
		"\033[21t",
		"\033]10;?\a",
		"\033]11;?\033\\",
		"\033]4;1;?;2;?\a",
		"\033]52;c;?\a",
		"\033]10;?;?\a",
		"\033]21;foreground=?\033\\",
		"\033]1337;ReportCellSize\a",
		"\033P$qm\033\\",
		"\033P1$q q\033\\",
		"\033P+q544e;436f\033\\",
		"\033_Gi=31,s=1,v=1,a=q;AAAA\033\\",
		/* C1 controls, in UTF-8 and as they are */
		"\302\233c",
		"\302\23510;?\302\234",
		"\302\220$qm\302\234",
		"\2336n",
		"\220+q544e\234",
		"\23510;?\234",
		"\302\232",
		/* a control within is obeyed, and is not there any more */
		"\033[\0056n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		char in[128];

		snprintf(in, sizeof(in), "a%sb", questions[i]);
		check(in, "ab");
		/* The same twice, and behind a sequence that is none. */
		snprintf(in, sizeof(in), "\033[m%s%s", questions[i], questions[i]);
		check(in, "\033[m");
	}
}

/* Everything else stays, to the byte. */
static void test_others(void **state)
{
	static const char *const others[] = {
		"plain text\r\n\t\b\a",
		"\033[1;31mred\033[0m \033[2J\033[4;4H\033[K\033[?1049h\033[?25l\033[?2004h",
		"\033[!p\033[2 q\033[4;2r\033[3g\033[S\033[2S\033[u\033[>1u\033[=1u\033[<u",
		"\033[>4;2m\033[>4n\033[?6c\033[22;0t\033[23;0t\033[8;24;80t\033[1t",
		"\033[1;2'w\033[1;1;5;5$x\033[2*x\033[?2026h\033[1;2\"p\033[1\"q\033[0$}",
		"\033(B\033)0\0337\0338\033=\033>\033c\033D\033M\033#8\033%G",
		"\033]0;what?\a\033]2;?\a\033]2;a;?\033\\\033]8;;http://h/"
		"?\033\\link\033]8;;\033\\",
		"\033]4;1;rgb:00/00/00\a\033]10;#ffffff\033\\\033]52;c;aGVsbG8=\a\033]104\a",
		"\033]7;file://h/a?\a\033]133;A\a\033]21;foreground=red\a\033]1337;SetMark\a",
		"\033P1;1|17/"
		"17\033\\\033Pq#0;2;0;0;0~-\033\\\033_Ga=T,f=24;AAAA\033\\\033^pm\033\\",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xe2\x94\x9b\xc5\x9b"
		"c \xc2\xa0 \xc2\x9bm "
		"\xc4\x90\xc2\xb7",
		"\033]2;\xe2\x9c\x9c ? \xc5\x9c\xc3\x9c\xc2\xa7\a",
		"\033[12\0306n \033[12\0326n \033\033[m \033]10;\030?",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check(others[i], others[i]);
	/* A control within a sequence is obeyed at once. */
	check("\033[1\n;2H", "\n\033[1;2H");
	check("\033[\200n", "\033[\200n");
}

/* What begins anew in the middle of another, and what is not complete when the replay ends. */
static void test_cut(void **state)
{
	(void)state;
	check("\033[\033[6n", "\033[");
	check("\033[1\033[6nx", "\033[1x");
	check("\033\033[c", "\033");
	check("\033]2;title\033[6nx", "\033]2;titlex");
	check("\033]10;?\033[mx", "\033[mx");
	check("\033P$qm\033[6n\033[m", "\033[m");
	check("\033]2;x\033\033\\", "\033]2;x\033\033\\");
	check("text\033", "text\033");
	check("text\033[6", "text\033[6");
	check("text\033]10;?", "text\033]10;?");
	check("text\033]10;?\033", "text\033]10;?\033");
	check("text\302", "text\302");
}

/* A sequence that is longer than any question passes, and what comes behind it is seen. */
static void test_long(void **state)
{
	char in[3 * REPLAY_HELD_MAX] = "\033]52;c;", out[sizeof(in)];
	size_t n = strlen(in);

	(void)state;
	memset(in + n, 'A', 2 * REPLAY_HELD_MAX);
	strcpy(in + n + 2 * (size_t)REPLAY_HELD_MAX, ";?\033[6n\aend");
	memcpy(out, in, n + 2 * REPLAY_HELD_MAX);
	strcpy(out + n + 2 * (size_t)REPLAY_HELD_MAX, ";?\aend");
	for (size_t piece = 1; piece < strlen(in); piece += 97) {
		struct replay_filter f = { 0 };
		char got[sizeof(in) + REPLAY_HELD_MAX];
		size_t len = strlen(in), m = 0;

		for (size_t i = 0; i < len; i += piece)
			m += replay_filter(&f, in + i, len - i < piece ? len - i : piece, got + m);
		m += replay_filter_end(&f, got + m);
		got[m] = '\0';
		assert_string_equal(got, out);
	}
}

/* Whatever comes: never more than came in, most of it, and nothing is held for ever. */
static void test_noise(void **state)
{
	struct replay_filter f = { 0 };
	unsigned int seed = 1;
	size_t in = 0, out = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char data[64], got[64 + REPLAY_HELD_MAX];

		for (size_t k = 0; k < sizeof(data); k++) {
			seed = seed * 1103515245 + 12345;
			data[k] =
			    "\033[]P\\_?;06ncqt$\007\005\302\233\234xyz\030"[(seed >> 16) % 25];
		}
		in += sizeof(data);
		out += replay_filter(&f, data, sizeof(data), got);
		assert_true(out <= in);
		assert_true(f.n < REPLAY_HELD_MAX);
	}
	assert_true(out > in / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions), cmocka_unit_test(test_others),
		cmocka_unit_test(test_cut),       cmocka_unit_test(test_long),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
