/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong at a system call of a traced process, and how a call is made to fail: its number
 * is replaced at its entry, its result at its exit. Registers are the only part of faultat that
 * differs between architectures.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <linux/elf.h>

#define LIBC_START 3 /* calls behind an execve in which libc sets itself up */

/* What happens at the point. */
struct fault {
	const char *name;
	int signal; /* 0: an errno */
	int error;
};

static const struct fault faults[] = {
	{ "kill", SIGKILL, 0 },    { "stop", SIGSTOP, 0 },    { "SIGHUP", SIGHUP, 0 },
	{ "SIGINT", SIGINT, 0 },   { "SIGTERM", SIGTERM, 0 }, { "SIGPIPE", SIGPIPE, 0 },
	{ "SIGCHLD", SIGCHLD, 0 }, { "SIGUSR1", SIGUSR1, 0 }, { "EPERM", 0, EPERM },
	{ "ENOENT", 0, ENOENT },   { "EINTR", 0, EINTR },     { "EIO", 0, EIO },
	{ "EAGAIN", 0, EAGAIN },   { "ENOMEM", 0, ENOMEM },   { "EACCES", 0, EACCES },
	{ "EBUSY", 0, EBUSY },     { "EINVAL", 0, EINVAL },   { "EMFILE", 0, EMFILE },
	{ "ENOSPC", 0, ENOSPC },   { "ENOSYS", 0, ENOSYS },
};

static inline const struct fault *fault_find(const char *name)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	return NULL;
}

/*
 * Replace the number of the call that tid, stopped at its entry, is about to make. getpid is
 * harmless, and what any filter of ours allows; a number of -1 would be one for a filter to judge. 0
 * or -1.
 */
static inline int call_take_away(pid_t tid)
{
#if defined(__x86_64__)
	return (int)ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, orig_rax),
	                   (long)SYS_getpid);
#elif defined(__aarch64__)
	int nr = SYS_getpid;
	struct iovec iov = { &nr, sizeof(nr) };

	return (int)ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &iov);
#else
	errno = ENOSYS;
	return tid ? -1 : 0;
#endif
}

/* At the exit of such a call, or of one that was made: it gives this errno. 0 or -1. */
static inline int call_answer(pid_t tid, int error)
{
#if defined(__x86_64__)
	return (int)ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax),
	                   (long)-error);
#elif defined(__aarch64__)
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0)
		return -1;
	regs.regs[0] = (unsigned long long)-error;
	return (int)ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov);
#else
	errno = ENOSYS;
	return tid && error ? -1 : 0;
#endif
}

/*
 * Calls that never return; and those without which a static libc cannot even begin, nor say so: n is
 * how many the process has made since its execve, with this one.
 */
static inline bool call_has_no_errno(uint64_t nr, long n)
{
#ifdef SYS_arch_prctl
	if (nr == SYS_arch_prctl && n <= LIBC_START)
		return true;
#endif
	return (nr == SYS_brk && n <= LIBC_START) || nr == SYS_exit || nr == SYS_exit_group ||
	       nr == SYS_rt_sigreturn;
}
