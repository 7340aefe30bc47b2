/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device list as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. Pure.
 *
 * The kernel passes {access << 16 | type, major, minor} and expects 1 to allow. Rules are tested
 * from the last to the first, those of character devices and those of block devices apart. R2 holds
 * the access bits that no rule has decided yet: an allow rule that matches removes its bits, and
 * with none left the answer is 1; a deny rule that matches one of them is the answer 0; what is
 * left at the end gets the default. A rule about all access decides by itself.
 *
 * Loading is a good part of what a cgroup costs, and nearly all of it is the verifier's walk
 * through the branches: hence one test of the type, one of the major number for neighbours that
 * share it, shared ends, and no register that differs between paths without need.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stddef.h>

#include "base/mem.h"

#define PER_RULE_MAX 5
#define FRAME_MAX    16
#define ALL_ACCESS   7

enum { R0, R1, R2, R3, R4, R5 };

/* Where a jump leads: the next instruction number that is `place`d, or one of the ends. */
enum target { T_NONE, T_ALLOW, T_DENY, T_GROUP, T_RULE, T_SECTION, TARGETS };

struct program {
	struct bpf_insn *insns;
	unsigned char *target; /* of each instruction that jumps and is not placed yet */
	size_t n;
	size_t open[TARGETS]; /* the first instruction that can have this target */
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

/* 32-bit compares: the immediate of 64-bit ones is sign-extended. */
static void jump_if(struct program *p, unsigned int op, unsigned int reg, uint32_t imm,
                    enum target to)
{
	p->target[p->n] = (unsigned char)to;
	emit(p, BPF_JMP32 | op | BPF_K, reg, 0, 0, imm);
}

static void jump(struct program *p, enum target to)
{
	p->target[p->n] = (unsigned char)to;
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

/* All jumps to `to` lead here. Returns how many there were. */
static size_t place(struct program *p, enum target to)
{
	size_t found = 0;

	for (size_t i = p->open[to]; i < p->n; i++) {
		if (p->target[i] != to)
			continue;
		p->insns[i].off = (int16_t)(p->n - i - 1);
		p->target[i] = T_NONE;
		found++;
	}
	p->open[to] = p->n;
	return found;
}

static uint32_t kernel_access(unsigned int access)
{
	return (access & 1 ? BPF_DEVCG_ACC_READ : 0u) | (access & 2 ? BPF_DEVCG_ACC_WRITE : 0u) |
	       (access & 4 ? BPF_DEVCG_ACC_MKNOD : 0u);
}

static enum target answer(bool allow)
{
	return allow ? T_ALLOW : T_DENY;
}

/* One rule whose major number is known to match. False: it always decides, nothing can follow. */
static bool emit_rule(struct program *p, const struct spec_device_rule *rule)
{
	uint32_t access = kernel_access(rule->access);

	if (rule->access == ALL_ACCESS) {
		if (rule->minor >= 0)
			jump_if(p, BPF_JEQ, R5, (uint32_t)rule->minor, answer(rule->allow));
		else
			jump(p, answer(rule->allow));
		return rule->minor >= 0;
	}
	p->open[T_RULE] = p->n;
	if (rule->minor >= 0)
		jump_if(p, BPF_JNE, R5, (uint32_t)rule->minor, T_RULE);
	if (rule->allow) {
		emit(p, BPF_ALU | BPF_AND | BPF_K, R2, 0, 0, ~access);
		jump_if(p, BPF_JEQ, R2, 0, T_ALLOW);
	} else {
		jump_if(p, BPF_JSET, R2, access, T_DENY);
	}
	place(p, T_RULE);
	return true;
}

/* The rules of one type, last first. */
static void emit_section(struct program *p, const struct cg_devices *d, char type)
{
	int64_t group = -1; /* the major number that the code at hand is for; -1: any */
	bool dead = false;  /* the rest of the group can't be reached; the verifier insists */

	p->open[T_GROUP] = p->n;
	for (size_t i = d->n; i-- > 0;) {
		const struct spec_device_rule *rule = &d->rules[i];

		if (rule->type != type)
			continue;
		if (rule->major != group) {
			place(p, T_GROUP);
			group = rule->major;
			dead = false;
			if (group >= 0)
				jump_if(p, BPF_JNE, R4, (uint32_t)group, T_GROUP);
		}
		if (!dead)
			dead = !emit_rule(p, rule);
		if (dead && group < 0)
			return; /* matched everything: the default is out of reach, too */
	}
	if (place(p, T_GROUP) > 0 || !dead)
		jump(p, answer(d->default_allow));
}

static void emit_end(struct program *p, bool allow)
{
	if (place(p, answer(allow)) == 0)
		return;
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int cg_devices_program(const struct cg_devices *d, struct bpf_insn **ret, size_t *ret_n)
{
	size_t max = d->n * PER_RULE_MAX + FRAME_MAX;
	_cleanup_free_ unsigned char *target = NULL;
	struct program p = { 0 };

	if (max > INT16_MAX) /* as far as a jump can reach */
		return -E2BIG;
	p.insns = xcalloc(max, sizeof(*p.insns));
	p.target = target = xcalloc(max, 1);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R2, R1,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(&p, BPF_ALU | BPF_MOV | BPF_X, R3, R2, 0, 0);
	emit(&p, BPF_ALU | BPF_AND | BPF_K, R3, 0, 0, 0xffff);
	emit(&p, BPF_ALU | BPF_RSH | BPF_K, R2, 0, 0, 16);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R4, R1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R5, R1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	jump_if(&p, BPF_JNE, R3, BPF_DEVCG_DEV_CHAR, T_SECTION);
	emit_section(&p, d, 'c');
	place(&p, T_SECTION);
	emit_section(&p, d, 'b');
	emit_end(&p, false);
	emit_end(&p, true);
	*ret = p.insns;
	*ret_n = p.n;
	return 0;
}
