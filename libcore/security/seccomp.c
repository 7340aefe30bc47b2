/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.seccomp to a BPF program, and the program into the kernel.
 *
 * libseccomp compiles and nothing more: the program is exported and loaded by seccomp_filter_load,
 * so that it can be cached, and so that no_new_privs and the moment of loading stay the caller's.
 *
 * In front of its program goes a stub of our own. A profile is a list of what its author knew;
 * system calls that are newer than the newest one in it answer ENOSYS rather than the profile's
 * error, so that C libraries fall back to older calls as they would on an older kernel.
 *
 * Kernel: seccomp(2) filters with at most BPF_MAXINSNS (4096) instructions.
 */
#include "security/security.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "kernel/syscalls.h"
#include "tables/seccomp_names.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* 5.19 */
#endif

/* Calls from which the tree form pays: the kernel runs a new filter over all call numbers, 0.3 ms
 * instead of 0.7 for the profile of a container engine. (An empty tree is none at all.) */
#define TREE_FROM  32
#define ARCHES_MAX 32
#define STUB_INSNS 6

static void ctx_release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

/* ---- the stub */

struct arch_range {       /* system call numbers of one ABI */
	uint32_t arch;    /* SCMP_ARCH_* */
	uint32_t ceiling; /* numbers from here on are another ABI's or not plain system calls */
	uint32_t newest;  /* the highest that the profile names; 0: none */
};

static uint32_t ceiling_of(uint32_t arch)
{
	if (arch == SCMP_ARCH_X86_64)
		return 0x40000000; /* the x32 bit */
	if (arch == SCMP_ARCH_ARM)
		return 0x0f0000; /* private calls of the architecture */
	return UINT32_MAX;
}

static void find_newest(const struct spec_seccomp *spec, struct arch_range *range)
{
	for (size_t i = 0; i < spec->n_rules; i++) {
		for (char **name = spec->rules[i].names; name && *name; name++) {
			int nr = seccomp_syscall_resolve_name_arch(range->arch, *name);

			/* Negative: unknown, or one that this architecture lacks. */
			if (nr > 0 && (uint32_t)nr < range->ceiling && (uint32_t)nr > range->newest)
				range->newest = (uint32_t)nr;
		}
	}
}

/* A default that lets calls through leaves the answer to the kernel. */
static bool default_denies(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_KILL_PROCESS:
		return action != SCMP_ACT_ERRNO(ENOSYS);
	default:
		return false;
	}
}

static size_t add_range(struct sock_filter *out, const struct arch_range *range)
{
	uint32_t audit = range->arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : range->arch;
	const struct sock_filter block[STUB_INSNS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, audit, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, range->newest, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, range->ceiling, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	memcpy(out, block, sizeof(block));
	return STUB_INSNS;
}

static size_t build_stub(const struct spec_seccomp *spec,
                         struct sock_filter out[static ARCHES_MAX * STUB_INSNS])
{
	struct arch_range ranges[ARCHES_MAX];
	size_t n = 0, len = 0;

	if (!default_denies(spec->default_action))
		return 0;
	ranges[n++] = (struct arch_range){ .arch = seccomp_arch_native() };
	for (size_t i = 0; i < spec->n_architectures && n < ARCHES_MAX; i++)
		if (spec->architectures[i] != ranges[0].arch)
			ranges[n++] = (struct arch_range){ .arch = spec->architectures[i] };
	for (size_t i = 0; i < n; i++) {
		ranges[i].ceiling = ceiling_of(ranges[i].arch);
		find_newest(spec, &ranges[i]);
		if (ranges[i].newest)
			len += add_range(out + len, &ranges[i]);
	}
	return len;
}

/* ---- rules */

static int add_one(scmp_filter_ctx ctx, uint32_t action, const char *name, int nr,
                   const struct scmp_arg_cmp *args, unsigned int n_args, struct err *err)
{
	int r = seccomp_rule_add_array(ctx, action, nr, n_args, args);

	if (r < 0 && r != -EEXIST) /* said twice */
		return err_set(err, r, "seccomp: add rule for system call %s", name);
	return 0;
}

static bool repeats_index(const struct scmp_arg_cmp *args, unsigned int n)
{
	unsigned int seen = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (seen & (1u << args[i].arg))
			return true;
		seen |= 1u << args[i].arg;
	}
	return false;
}

struct call {
	int nr;
	const char *name;
};

static int by_number_down(const void *a, const void *b)
{
	int x = ((const struct call *)a)->nr, y = ((const struct call *)b)->nr;

	return (x < y) - (x > y);
}

/*
 * The calls of one rule that this libseccomp knows; profiles name calls of newer kernels and other
 * machines. Highest first: libseccomp keeps a sorted list and searches it from the front for each.
 */
static size_t resolve(const struct spec_seccomp_rule *rule, struct call **ret)
{
	struct call *calls = xcalloc(strv_len(rule->names) + 1, sizeof(*calls));
	size_t n = 0;

	for (char **name = rule->names; name && *name; name++) {
		int nr = seccomp_syscall_resolve_name(*name);

		if (nr != __NR_SCMP_ERROR)
			calls[n++] = (struct call){ nr, *name };
	}
	qsort(calls, n, sizeof(*calls), by_number_down);
	*ret = calls;
	return n;
}

static int add_call(scmp_filter_ctx ctx, uint32_t action, const struct call *call,
                    const struct scmp_arg_cmp *args, unsigned int n_args, struct err *err)
{
	int r = 0;

	if (!repeats_index(args, n_args))
		return add_one(ctx, action, call->name, call->nr, args, n_args, err);
	/* libseccomp can't combine two tests of one argument; profiles that have them mean "or". */
	for (unsigned int i = 0; r == 0 && i < n_args; i++)
		r = add_one(ctx, action, call->name, call->nr, &args[i], 1, err);
	return r;
}

static int add_rules(scmp_filter_ctx ctx, const struct spec_seccomp *spec, size_t *ret_n,
                     struct err *err)
{
	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &spec->rules[i];
		_cleanup_free_ struct scmp_arg_cmp *args = NULL;
		_cleanup_free_ struct call *calls = NULL;
		size_t n;

		if (rule->action == spec->default_action)
			continue; /* libseccomp refuses what says nothing */
		args = xcalloc(rule->n_args + 1, sizeof(*args));
		for (size_t k = 0; k < rule->n_args; k++) {
			if (rule->args[k].index > 5)
				return err_text(err, -EINVAL, "seccomp: argument index %u",
				                rule->args[k].index);
			args[k] = (struct scmp_arg_cmp){
				.arg = rule->args[k].index,
				.op = (enum scmp_compare)rule->args[k].op,
				.datum_a = rule->args[k].value,
				.datum_b = rule->args[k].value_two,
			};
		}
		n = resolve(rule, &calls);
		for (size_t k = 0; k < n; k++) {
			int r = add_call(ctx, rule->action, &calls[k], args,
			                 (unsigned int)rule->n_args, err);

			if (r < 0)
				return r;
			(*ret_n)++;
		}
	}
	return 0;
}

static int add_architectures(scmp_filter_ctx ctx, const struct spec_seccomp *spec, struct err *err)
{
	if (spec->n_architectures >= ARCHES_MAX)
		return err_text(err, -EINVAL, "seccomp: too many architectures");
	for (size_t i = 0; i < spec->n_architectures; i++) {
		int r = seccomp_arch_add(ctx, spec->architectures[i]);

		if (r < 0 && r != -EEXIST)
			return err_set(err, r, "seccomp: add architecture 0x%x",
			               spec->architectures[i]);
	}
	return 0;
}

/* libseccomp 2.5 exports to a descriptor only. */
static int export_program(scmp_filter_ctx ctx, const struct sock_filter *stub, size_t n_stub,
                          struct seccomp_filter *ret, struct err *err)
{
	_cleanup_close_ int fd = k_memfd_create("seccomp", MFD_CLOEXEC);
	_cleanup_free_ struct sock_filter *insns = NULL;
	size_t bytes, stub_bytes = n_stub * sizeof(*stub);
	off_t end;
	int r;

	if (fd < 0)
		return err_set(err, fd, "seccomp: memfd_create");
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return err_set(err, r, "seccomp: compile the filter");
	end = lseek(fd, 0, SEEK_END);
	if (end < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, -errno, "seccomp: read the compiled filter");
	bytes = (size_t)end;
	if (bytes == 0 || bytes % sizeof(*insns) ||
	    bytes + stub_bytes > BPF_MAXINSNS * sizeof(*insns))
		return err_set(err, -E2BIG, "seccomp: the compiled filter has %zu instructions",
		               bytes / sizeof(*insns) + n_stub);
	insns = xmalloc(stub_bytes + bytes);
	memcpy(insns, stub, stub_bytes);
	if (fd_read_all(fd, insns + n_stub, bytes) != (ssize_t)bytes)
		return err_set(err, -EIO, "seccomp: read the compiled filter");
	ret->n = n_stub + bytes / sizeof(*insns);
	ret->insns = take_ptr(insns);
	return 0;
}

static bool notifies(const struct spec_seccomp *spec)
{
	for (size_t i = 0; i < spec->n_rules; i++)
		if (spec->rules[i].action == SCMP_ACT_NOTIFY)
			return true;
	return false;
}

static uint32_t flags_of(const struct spec_seccomp *spec)
{
	/* Not said at all: as everybody else does, without the cost of speculation barriers. TSYNC
	 * is about other threads, and there are none. */
	uint32_t flags = spec->flags_present ? spec->flags & ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC
	                                     : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (notifies(spec))
		return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* The kernel refuses it without a listener, for whose answers it would wait. */
	return flags & ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

int seccomp_compile(const struct spec_seccomp *spec, struct seccomp_filter *ret, struct err *err)
{
	_cleanup_(ctx_release)
	scmp_filter_ctx ctx = NULL;
	struct sock_filter stub[ARCHES_MAX * STUB_INSNS];
	size_t n_rules = 0;
	int r;

	*ret = (struct seccomp_filter){ .flags = flags_of(spec) };
	ctx = seccomp_init(spec->default_action);
	if (!ctx)
		return err_set(err, -EINVAL, "seccomp: default action 0x%x is not supported",
		               spec->default_action);
	r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (r < 0)
		return err_set(err, r, "seccomp: leave no_new_privs alone");
	r = add_architectures(ctx, spec, err);
	if (r == 0)
		r = add_rules(ctx, spec, &n_rules, err);
	if (r < 0)
		return r;
	if (n_rules == 0 && spec->default_action == SCMP_ACT_ALLOW)
		return 0;
	if (n_rules >= TREE_FROM) {
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		if (r < 0 && r != -EEXIST && r != -EINVAL) /* before 2.5: a list then */
			return err_set(err, r, "seccomp: choose the tree form");
	}
	return export_program(ctx, stub, build_stub(spec, stub), ret, err);
}

int seccomp_filter_load(const struct seccomp_filter *filter, struct err *err)
{
	struct sock_fprog prog = { .len = (unsigned short)filter->n, .filter = filter->insns };
	int r;

	if (filter->n == 0)
		return 0;
	if (filter->n > BPF_MAXINSNS)
		return err_set(err, -E2BIG, "seccomp: filter of %zu instructions", filter->n);
	r = k_seccomp(SECCOMP_SET_MODE_FILTER, filter->flags, &prog);
	if (r == -EBUSY)
		return err_set(err, r,
		               "seccomp: load the filter (a filter with a listener is in force "
		               "already)");
	return r < 0 ? err_set(err, r, "seccomp: load the filter (flags 0x%x)", filter->flags) : r;
}

int seccomp_check_kernel(const struct seccomp_filter *filter, struct err *err)
{
	uint32_t with = 0;

	if (filter->n == 0)
		return 0;
	/* The listener first: one of the others is known only together with it. */
	if (filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		with = SECCOMP_FILTER_FLAG_NEW_LISTENER;
		if (k_seccomp(SECCOMP_SET_MODE_FILTER, with, NULL) == -EINVAL)
			return err_text(err, -EOPNOTSUPP,
			                "linux.seccomp: SCMP_ACT_NOTIFY: not supported by this "
			                "kernel");
	}
	for (const struct name_value *row = seccomp_flag_table; row->name; row++) {
		uint32_t flag = (uint32_t)row->value;

		/* A filter that cannot be read is EFAULT, but only where the flags are known. */
		if ((filter->flags & flag) &&
		    k_seccomp(SECCOMP_SET_MODE_FILTER, with | flag, NULL) == -EINVAL)
			return err_text(err, -EOPNOTSUPP,
			                "linux.seccomp.flags: %s: not supported by this kernel",
			                row->name);
	}
	return 0;
}

void seccomp_filter_done(struct seccomp_filter *filter)
{
	free(filter->insns);
	*filter = (struct seccomp_filter){ 0 };
}
