/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed vocabularies of linux.seccomp (config-linux.md, "Seccomp") and libseccomp's values.
 *
 * Actions that carry data (ERRNO, TRACE) are listed with data 0; the loader folds it in.
 * Architectures that this libseccomp was not built with are left out: naming one is then an error
 * of the document rather than a filter that silently lacks it.
 */
#include "tables/seccomp_names.h"

#include <stddef.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* 5.19 */
#endif

#define ROW(name)           \
	{                   \
#name, name \
	}

/* clang-format off */
const struct name_value seccomp_action_table[] = {
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	ROW(SCMP_ACT_KILL_PROCESS),
	ROW(SCMP_ACT_KILL_THREAD),
	ROW(SCMP_ACT_TRAP),
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	ROW(SCMP_ACT_ALLOW),
	ROW(SCMP_ACT_LOG),
	ROW(SCMP_ACT_NOTIFY),
	{ NULL, 0 },
};

const struct name_value seccomp_operator_table[] = {
	ROW(SCMP_CMP_NE),
	ROW(SCMP_CMP_LT),
	ROW(SCMP_CMP_LE),
	ROW(SCMP_CMP_EQ),
	ROW(SCMP_CMP_GE),
	ROW(SCMP_CMP_GT),
	ROW(SCMP_CMP_MASKED_EQ),
	{ NULL, 0 },
};

const struct name_value seccomp_arch_table[] = {
	ROW(SCMP_ARCH_X86),
	ROW(SCMP_ARCH_X86_64),
	ROW(SCMP_ARCH_X32),
	ROW(SCMP_ARCH_ARM),
	ROW(SCMP_ARCH_AARCH64),
#ifdef SCMP_ARCH_LOONGARCH64
	ROW(SCMP_ARCH_LOONGARCH64),
#endif
#ifdef SCMP_ARCH_M68K
	ROW(SCMP_ARCH_M68K),
#endif
	ROW(SCMP_ARCH_MIPS),
	ROW(SCMP_ARCH_MIPS64),
	ROW(SCMP_ARCH_MIPS64N32),
	ROW(SCMP_ARCH_MIPSEL),
	ROW(SCMP_ARCH_MIPSEL64),
	ROW(SCMP_ARCH_MIPSEL64N32),
	ROW(SCMP_ARCH_PPC),
	ROW(SCMP_ARCH_PPC64),
	ROW(SCMP_ARCH_PPC64LE),
	ROW(SCMP_ARCH_S390),
	ROW(SCMP_ARCH_S390X),
	ROW(SCMP_ARCH_PARISC),
	ROW(SCMP_ARCH_PARISC64),
	ROW(SCMP_ARCH_RISCV64),
#ifdef SCMP_ARCH_SHEB
	ROW(SCMP_ARCH_SH),
	ROW(SCMP_ARCH_SHEB),
#endif
	{ NULL, 0 },
};

const struct name_value seccomp_flag_table[] = {
	ROW(SECCOMP_FILTER_FLAG_TSYNC),
	ROW(SECCOMP_FILTER_FLAG_LOG),
	ROW(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	ROW(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
	{ NULL, 0 },
};
/* clang-format on */
