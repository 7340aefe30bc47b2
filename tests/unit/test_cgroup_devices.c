/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules: the list, its form for v1, and its program. The program is run by a small eBPF
 * interpreter and compared with a plain reading of the list, for hand-made and for random rules.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cgroup/internal.h"

enum { R = 1, W = 2, M = 4, RWM = 7 };

/* What the list means, said as directly as possible. */
static bool allowed(const struct cg_devices *d, char type, int64_t major, int64_t minor,
                    unsigned int access)
{
	for (unsigned int bit = R; bit <= M; bit <<= 1) {
		bool ok = d->default_allow;

		if (!(access & bit))
			continue;
		for (size_t i = 0; i < d->n; i++) {
			const struct spec_device_rule *r = &d->rules[i];

			if (r->type == type && (r->major == -1 || r->major == major) &&
			    (r->minor == -1 || r->minor == minor) && (r->access & bit))
				ok = r->allow;
		}
		if (!ok)
			return false;
	}
	return true;
}

/* The instructions that the generator may use; anything else fails the test, as would a program
 * that leaves its bounds, reads an unset register or runs for ever. */
static uint64_t run_program(const struct bpf_insn *in, size_t n,
                            const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t reg[11] = { 0 };
	bool set[11] = { [1] = true };

	for (size_t pc = 0, steps = 0;; pc++, steps++) {
		const struct bpf_insn *i;
		bool jump = false;

		assert_true(pc < n);
		assert_true(steps <= n);
		i = &in[pc];
		assert_true(i->dst_reg < 11 && i->src_reg < 11);
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, 1);
			assert_true(i->off == 0 || i->off == 4 || i->off == 8);
			reg[i->dst_reg] = *(const uint32_t *)((const char *)ctx + i->off);
			set[i->dst_reg] = true;
			continue;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			reg[i->dst_reg] = (uint64_t)(int64_t)i->imm;
			set[i->dst_reg] = true;
			continue;
		case BPF_ALU | BPF_MOV | BPF_X:
			assert_true(set[i->src_reg]);
			reg[i->dst_reg] = (uint32_t)reg[i->src_reg];
			set[i->dst_reg] = true;
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			assert_true(set[i->dst_reg]);
			reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] & (uint32_t)i->imm;
			continue;
		case BPF_ALU | BPF_RSH | BPF_K:
			assert_true(set[i->dst_reg]);
			reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] >> i->imm;
			continue;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			assert_true(set[i->dst_reg]);
			jump = (uint32_t)reg[i->dst_reg] != (uint32_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			assert_true(set[i->dst_reg]);
			jump = (uint32_t)reg[i->dst_reg] == (uint32_t)i->imm;
			break;
		case BPF_JMP32 | BPF_JSET | BPF_K:
			assert_true(set[i->dst_reg]);
			jump = (uint32_t)reg[i->dst_reg] & (uint32_t)i->imm;
			break;
		case BPF_JMP | BPF_JA:
			jump = true;
			break;
		case BPF_JMP | BPF_EXIT:
			assert_true(set[0]);
			return reg[0];
		default:
			fail_msg("unexpected instruction 0x%x at %zu", i->code, pc);
		}
		if (jump) {
			assert_true(i->off >= 0); /* forward only: it ends */
			pc += (size_t)i->off;
		}
	}
}

/* As the verifier has it: every instruction can be reached, and none is behind the last. */
static void check_reachable(const struct bpf_insn *in, size_t n)
{
	bool *reached = calloc(n + 1, sizeof(*reached));

	reached[0] = true;
	for (size_t i = 0; i < n; i++) {
		bool is_jump =
		    BPF_CLASS(in[i].code) == BPF_JMP || BPF_CLASS(in[i].code) == BPF_JMP32;
		bool always = in[i].code == (BPF_JMP | BPF_JA);

		if (!reached[i])
			fail_msg("instruction %zu of %zu is unreachable", i, n);
		if (in[i].code == (BPF_JMP | BPF_EXIT))
			continue;
		if (is_jump) {
			assert_true(in[i].off >= 0 && i + 1 + (size_t)in[i].off < n);
			reached[i + 1 + (size_t)in[i].off] = true;
		}
		if (!always)
			reached[i + 1] = true;
	}
	assert_false(reached[n]);
	free(reached);
}

static bool program_allows(const struct cg_devices *d, char type, uint32_t major, uint32_t minor,
                           unsigned int access)
{
	struct bpf_cgroup_dev_ctx ctx = { .major = major, .minor = minor };
	struct bpf_insn *insns;
	uint64_t r;
	size_t n;

	ctx.access_type =
	    (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR) |
	    ((access & R ? BPF_DEVCG_ACC_READ : 0u) | (access & W ? BPF_DEVCG_ACC_WRITE : 0u) |
	     (access & M ? BPF_DEVCG_ACC_MKNOD : 0u))
	        << 16;
	assert_int_equal(cg_devices_program(d, &insns, &n), 0);
	check_reachable(insns, n);
	r = run_program(insns, n, &ctx);
	free(insns);
	assert_true(r <= 1);
	return r;
}

static struct cg_devices build(struct spec_device_rule *rules, size_t n)
{
	struct spec_resources res = {
		.present = true, .devices = rules, .n_devices = n, .devices_present = true
	};
	struct cg_devices d;

	cg_devices_build(&res, &d);
	return d;
}

static void test_defaults(void **state)
{
	struct spec_device_rule deny = { false, 'a', -1, -1, RWM };
	struct cg_devices d;

	(void)state;
	/* Absent, empty and "deny all" are the same. */
	for (size_t n = 0; n < 2; n++) {
		d = build(&deny, n);
		assert_false(cg_devices_allow_all(&d));
		assert_true(program_allows(&d, 'c', 1, 3, R | W));
		assert_true(program_allows(&d, 'c', 136, 77, RWM));
		assert_true(program_allows(&d, 'c', 10, 200, R | W));
		assert_true(program_allows(&d, 'b', 8, 0, M));
		assert_true(program_allows(&d, 'c', 99, 99, M));
		assert_false(program_allows(&d, 'b', 8, 0, R));
		assert_false(program_allows(&d, 'b', 8, 0, R | M));
		assert_false(program_allows(&d, 'c', 1, 1, R));
		assert_false(program_allows(&d, 'c', 1, 11, W));
		assert_false(program_allows(&d, 'c', 5, 1, R));
		assert_false(program_allows(&d, 'b', 1, 3, R));
		cg_devices_done(&d);
	}
}

static void test_order(void **state)
{
	struct spec_device_rule rules[] = {
		{ true, 'c', 4, -1, RWM },
		{ false, 'c', 4, 7, W },
		{ true, 'b', -1, 5, R },
		{ false, 'c', 10, 200, W }, /* comes before what every container gets */
	};
	struct spec_device_rule reset[] = { { true, 'b', 8, 0, RWM }, { false, 'a', -1, -1, RWM } };
	struct spec_device_rule open[] = { { false, 'b', 8, 0, RWM }, { true, 'a', -1, -1, RWM } };
	struct spec_device_rule half = { true, 'a', -1, -1, R };
	struct spec_device_rule huge = { true, 'b', 0xfffffff0LL, 0x80000000LL, RWM };
	struct cg_devices d = build(rules, 4);

	(void)state;
	assert_true(program_allows(&d, 'c', 4, 6, R | W));
	assert_true(program_allows(&d, 'c', 4, 7, R));
	assert_false(program_allows(&d, 'c', 4, 7, W));
	assert_false(program_allows(&d, 'c', 4, 7, R | W)); /* a part that is denied denies all */
	assert_true(program_allows(&d, 'b', 77, 5, R));
	assert_false(program_allows(&d, 'b', 77, 5, R | W));
	assert_true(program_allows(&d, 'c', 10, 200, W));
	cg_devices_done(&d);

	d = build(reset, 2);
	assert_false(program_allows(&d, 'b', 8, 0, R));
	cg_devices_done(&d);

	d = build(open, 2);
	assert_true(cg_devices_allow_all(&d));
	cg_devices_done(&d);

	d = build(&half, 1); /* "all" with less than all access is no reset */
	assert_true(program_allows(&d, 'b', 8, 0, R));
	assert_true(program_allows(&d, 'c', 8, 0, R));
	assert_false(program_allows(&d, 'b', 8, 0, W));
	cg_devices_done(&d);

	d = build(&huge, 1); /* numbers with the sign bit of an immediate */
	assert_true(program_allows(&d, 'b', 0xfffffff0u, 0x80000000u, R));
	assert_false(program_allows(&d, 'b', 0xfffffff0u, 0, R));
	cg_devices_done(&d);
}

static uint32_t seed = 12345;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void test_random_lists(void **state)
{
	int flat = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct spec_device_rule rules[6];
		struct cg_devices d = { .default_allow = rnd(2), .rules = rules, .n = rnd(7) };
		struct cg_devices f = { 0 };
		struct err err = { 0 };
		int r;

		for (size_t i = 0; i < d.n; i++)
			rules[i] = (struct spec_device_rule){
				rnd(2),
				rnd(2) ? 'c' : 'b',
				(int64_t)rnd(3) - 1,
				(int64_t)rnd(3) - 1,
				rnd(7) + 1,
			};
		r = cg_devices_flatten(&d, &f, &err);
		r == 0 ? flat++ : refused++;
		if (r < 0)
			assert_int_equal(r, -EOPNOTSUPP);
		for (uint32_t q = 0; q < 2 * 3 * 3 * 7; q++) {
			char type = q % 2 ? 'c' : 'b';
			uint32_t major = q / 2 % 3, minor = q / 6 % 3;
			unsigned int access = q / 18 % 7 + 1;
			bool want = allowed(&d, type, major, minor, access);

			assert_int_equal(program_allows(&d, type, major, minor, access), want);
			if (r == 0) /* a set: every exception is the opposite of the default */
				assert_int_equal(allowed(&f, type, major, minor, access), want);
		}
		for (size_t i = 0; r == 0 && i < f.n; i++)
			assert_true(f.rules[i].allow != f.default_allow);
		cg_devices_done(&f);
	}
	assert_true(flat > 500);
	assert_true(refused > 100);
}

static void test_v1_hole(void **state)
{
	struct spec_device_rule rules[] = { { true, 'c', 4, -1, RWM }, { false, 'c', 4, 7, W } };
	struct cg_devices d = { .rules = rules, .n = 2 }, f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(cg_devices_flatten(&d, &f, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "deny \"c 4:7 w\" after allow \"c 4:* rwm\""));
}

static char *transition(const char *list, const struct cg_devices *want)
{
	struct cg_writes w = { 0 };
	struct cg_devices now;
	char *text = calloc(1, 4096);

	assert_int_equal(cg_devices_parse_list(list, &now), 0);
	cg_devices_transition(&now, want, &w);
	for (size_t i = 0; i < w.n; i++)
		sprintf(text + strlen(text), "%s %s\n", w.list[i].file + strlen("devices."),
		        w.list[i].value);
	cg_writes_done(&w);
	cg_devices_done(&now);
	return text;
}

static void expect(const char *list, const struct cg_devices *want, const char *writes)
{
	char *got = transition(list, want);

	assert_string_equal(got, writes);
	free(got);
}

static void test_v1_transition(void **state)
{
	struct spec_device_rule two[] = { { true, 'c', 1, 3, RWM }, { true, 'b', -1, -1, M } };
	struct spec_device_rule no[] = { { false, 'b', 8, 0, R | W } };
	struct cg_devices want = { .rules = two, .n = 2 };
	struct cg_devices open = { .default_allow = true };
	struct cg_devices open_but = { .default_allow = true, .rules = no, .n = 1 };

	(void)state;
	expect("a *:* rwm\n", &want, "deny a *:* rwm\nallow c 1:3 rwm\nallow b *:* m\n");
	/* In place: nothing that stays allowed is ever denied, and what is new comes first. */
	expect("c 1:3 rwm\nb *:* m\n", &want, "");
	expect("c 1:3 r\nc 1:5 rwm\nb *:* rm\n", &want,
	       "allow c 1:3 wm\ndeny c 1:5 rwm\ndeny b *:* r\n");
	expect("", &want, "allow c 1:3 rwm\nallow b *:* m\n");
	expect("a *:* rwm", &open, "");
	expect("c 1:3 rwm\n", &open, "allow a *:* rwm\n");
	expect("c 1:3 rwm\n", &open_but, "allow a *:* rwm\ndeny b 8:0 rw\n");
	expect("a *:* rwm\n", &open_but, "allow a *:* rwm\ndeny b 8:0 rw\n");
}

static void test_v1_list_damage(void **state)
{
	static const char *const bad[] = { "x 1:3 rwm", "c 1 rwm",  "c 1:3",   "c 1:3 q",
		                           "c -1:3 r",  "cc 1:3 r", "c 1:*x r" };
	struct cg_devices d;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(cg_devices_parse_list(bad[i], &d), -EINVAL);
}

static void test_long_list(void **state)
{
	struct spec_device_rule *rules = calloc(2000, sizeof(*rules));
	struct cg_devices d = { .rules = rules, .n = 2000 };

	(void)state;
	for (size_t i = 0; i < d.n; i++)
		rules[i] = (struct spec_device_rule){ i % 2, 'c', (int64_t)i, 1, RWM };
	assert_true(program_allows(&d, 'c', 1, 1, RWM));
	assert_true(program_allows(&d, 'c', 1999, 1, R));
	assert_false(program_allows(&d, 'c', 1998, 1, R));
	/* The kernel's verifier takes a list of any make that fits, and a longer one is refused. */
	d.n = 100000;
	assert_int_equal(cg_devices_program(&d, NULL, NULL), -E2BIG);
	free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_order),
		cmocka_unit_test(test_random_lists),  cmocka_unit_test(test_v1_hole),
		cmocka_unit_test(test_v1_transition), cmocka_unit_test(test_v1_list_damage),
		cmocka_unit_test(test_long_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
