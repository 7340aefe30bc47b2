/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device list as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. Pure.
 *
 * The kernel passes {access << 16 | type, major, minor} and expects 1 to allow. Rules are tested
 * from the last to the first. R2 holds the access bits that no rule has decided yet: an allow rule
 * that matches removes its bits, and with none left the answer is 1; a deny rule that matches one
 * of them is the answer 0; what is left at the end gets the default.
 */
#include "cgroup/internal.h"

#include <stddef.h>

#include "base/mem.h"

#define PER_RULE_MAX 9
#define FRAME_MAX    8

enum { R0, R1, R2, R3, R4, R5 };

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, unsigned int code, unsigned int dst, unsigned int src,
                 int16_t off, uint32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(dst & 0xf),
		.src_reg = (uint8_t)(src & 0xf),
		.off = off,
		.imm = (int32_t)imm,
	};
}

static void emit_return(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static uint32_t kernel_access(unsigned int access)
{
	return (access & 1 ? BPF_DEVCG_ACC_READ : 0u) | (access & 2 ? BPF_DEVCG_ACC_WRITE : 0u) |
	       (access & 4 ? BPF_DEVCG_ACC_MKNOD : 0u);
}

static void emit_rule(struct program *p, const struct spec_device_rule *rule)
{
	uint32_t access = kernel_access(rule->access);
	size_t jumps[4], n_jumps = 0;

	/* Each test jumps to the next rule; the distances are filled in below. 32-bit compares: an
	 * immediate of 64-bit ones is sign-extended. */
	jumps[n_jumps++] = p->n;
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R3, 0, 0,
	     rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0) {
		jumps[n_jumps++] = p->n;
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R4, 0, 0, (uint32_t)rule->major);
	}
	if (rule->minor >= 0) {
		jumps[n_jumps++] = p->n;
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R5, 0, 0, (uint32_t)rule->minor);
	}
	if (rule->allow) {
		emit(p, BPF_ALU | BPF_AND | BPF_K, R2, 0, 0, ~access);
		jumps[n_jumps++] = p->n;
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R2, 0, 0, 0);
	} else {
		/* There is "jump if any bit is set", but no opposite of it. */
		emit(p, BPF_JMP32 | BPF_JSET | BPF_K, R2, 0, 1, access);
		jumps[n_jumps++] = p->n;
		emit(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	}
	emit_return(p, rule->allow);
	for (size_t i = 0; i < n_jumps; i++)
		p->insns[jumps[i]].off = (int16_t)(p->n - jumps[i] - 1);
}

void cg_devices_program(const struct cg_devices *d, struct bpf_insn **ret, size_t *ret_n)
{
	struct program p = {
		.insns = xcalloc(d->n * PER_RULE_MAX + FRAME_MAX, sizeof(struct bpf_insn)),
	};

	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R2, R1,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(&p, BPF_ALU | BPF_MOV | BPF_X, R3, R2, 0, 0);
	emit(&p, BPF_ALU | BPF_AND | BPF_K, R3, 0, 0, 0xffff);
	emit(&p, BPF_ALU | BPF_RSH | BPF_K, R2, 0, 0, 16);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R4, R1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R5, R1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	for (size_t i = d->n; i-- > 0;)
		emit_rule(&p, &d->rules[i]);
	emit_return(&p, d->default_allow);
	*ret = p.insns;
	*ret_n = p.n;
}
