/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp and the program that it becomes. The input is the profile (the value of that
 * property); one that is no JSON is left to the target "config".
 *
 * Holds: a profile that compiles does so to the same program again; the program is one that the
 * kernel takes (length, jumps forward and within, each way ends in a return, loads within struct
 * seccomp_data); its answers are actions of the profile, or the stub's ENOSYS, or death for an
 * architecture that is not listed; none of the flags is unknown.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "security/security.h"

#define CLASS_CODE(insn) ((insn)->code & 0x07)

static bool is_answer(const struct spec_seccomp *spec, uint32_t action)
{
	if (action == spec->default_action || action == SECCOMP_RET_ALLOW ||
	    action == (SECCOMP_RET_ERRNO | ENOSYS) || action == SECCOMP_RET_KILL_THREAD ||
	    action == SECCOMP_RET_KILL_PROCESS)
		return true;
	for (size_t i = 0; i < spec->n_rules; i++)
		if (spec->rules[i].action == action)
			return true;
	return false;
}

static void check_insn(const struct spec_seccomp *spec, const struct seccomp_filter *f, size_t i)
{
	const struct sock_filter *insn = &f->insns[i];
	size_t left = f->n - i - 1;

	switch (CLASS_CODE(insn)) {
	case BPF_LD:
		CHECK(insn->code == (BPF_LD | BPF_W | BPF_ABS) ||
		      insn->code == (BPF_LD | BPF_MEM) || insn->code == (BPF_LD | BPF_IMM));
		if (insn->code == (BPF_LD | BPF_W | BPF_ABS))
			CHECK(insn->k % 4 == 0 && insn->k <= sizeof(struct seccomp_data) - 4);
		CHECK(left > 0);
		break;
	case BPF_JMP:
		if (insn->code == (BPF_JMP | BPF_JA))
			CHECK(insn->k < left);
		else
			CHECK(insn->jt < left && insn->jf < left);
		break;
	case BPF_RET:
		CHECK(is_answer(spec, insn->k));
		break;
	default:
		CHECK(CLASS_CODE(insn) == BPF_ALU && left > 0);
	}
}

static void check_profile(const struct spec_seccomp *spec)
{
	struct seccomp_filter f = { 0 }, again = { 0 };
	struct err err = { 0 };
	int r = seccomp_compile(spec, &f, &err);

	fuzz_check_err(r, &err);
	if (r == 0) {
		CHECK(f.n <= BPF_MAXINSNS);
		CHECK(f.n > 0 || spec->default_action == SCMP_ACT_ALLOW);
		for (size_t i = 0; i < f.n; i++)
			check_insn(spec, &f, i);
		CHECK(seccomp_compile(spec, &again, NULL) == 0);
		CHECK(f.n == again.n && f.flags == again.flags);
		CHECK(f.n == 0 || memcmp(f.insns, again.insns, f.n * sizeof(*f.insns)) == 0);
		CHECK(!(f.flags & ~0x3fu));
	}
	seccomp_filter_done(&f);
	seccomp_filter_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT(8 << 20);
	_cleanup_spec_ struct spec *spec = NULL;
	struct err err = { 0 };
	int r;

	buf_puts(&text, "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"/x\"],\"cwd\":\"/\"},"
	                "\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":");
	if (buf_add(&text, data, size) < 0)
		return 0;
	buf_puts(&text, "}}");
	r = spec_load_text(text.data, text.len, "/bundle", &spec, &err);
	fuzz_check_err(r, &err);
	if (r == 0 && spec->linux_.seccomp.present)
		check_profile(&spec->linux_.seccomp);
	return 0;
}
