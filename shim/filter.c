/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's system call filter: what serving needs, and what an upgrade does: execute a program by
 * descriptor, let the loader map libraries, set up a loop, lock down. Nothing that makes processes,
 * sockets, mounts, or memory that can be written and executed. Filters outlive an upgrade, so the
 * list may grow freely and shrink only with LOCK_LEVEL (shim.h).
 *
 * Written by hand, since libseccomp would cost more memory than all of the rest. A call that is not
 * listed fails with EPERM: a libc that starts to use another one must not end the shim.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/mem.h"
#include "shim/shim.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#endif

#ifdef ARCH

static const unsigned int allowed[] = {
	/* streams, clients, log and exit record */
	__NR_read,
	__NR_write,
	__NR_readv,
	__NR_writev,
	__NR_pread64,
	__NR_pwrite64,
	__NR_sendto,
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_accept4,
	__NR_getsockopt,
	__NR_shutdown,
	__NR_close,
	__NR_fcntl,
	__NR_lseek,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_openat,
	__NR_faccessat,
#ifdef __NR_faccessat2
	__NR_faccessat2,
#endif
#ifdef __NR_renameat
	__NR_renameat,
#endif
	__NR_renameat2,
	__NR_unlinkat,
	__NR_ftruncate,
	__NR_fchmod,
	__NR_fdatasync,
	__NR_fsync,
	__NR_getrandom,
	__NR_memfd_create, /* a large record for the journal */
/* loader and start of a new shim */
#ifdef __NR_arch_prctl
	__NR_arch_prctl,
#endif
#ifdef __NR_access
	__NR_access,
#endif
#ifdef __NR_open
	__NR_open,
#endif
#ifdef __NR_readlink
	__NR_readlink,
#endif
	__NR_readlinkat,
	__NR_set_tid_address,
	__NR_set_robust_list,
	__NR_rseq,
	__NR_uname,
	__NR_getuid,
	__NR_getgid,
	__NR_getegid,
	__NR_close_range,
	__NR_epoll_create1,
	__NR_timerfd_create,
	__NR_eventfd2,
	__NR_capget,
	__NR_capset,
	__NR_landlock_create_ruleset,
	__NR_landlock_add_rule,
	__NR_landlock_restrict_self,
/* the loop */
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
	__NR_epoll_pwait,
#ifdef __NR_epoll_pwait2
	__NR_epoll_pwait2,
#endif
	__NR_epoll_ctl,
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_ppoll,
	__NR_timerfd_settime,
	__NR_clock_gettime,
	__NR_gettimeofday,
	__NR_restart_syscall,
	/* the process */
	__NR_waitid,
	__NR_pidfd_send_signal,
	/* ourselves */
	__NR_brk,
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
	__NR_futex,
	__NR_getpid,
	__NR_gettid,
	__NR_geteuid,
	__NR_rt_sigreturn,
	__NR_rt_sigprocmask,
	__NR_rt_sigaction,
	__NR_tgkill,
	__NR_exit,
	__NR_exit_group,
};

static const unsigned int ioctls[] = {
	TIOCSWINSZ, TIOCGPTPEER,
	0xC040FF0B, /* PIDFD_GET_INFO with the 64-byte structure (base/proc.c) */
};

#define ARG(n) (offsetof(struct seccomp_data, args[n]))
/* The low half of an argument. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARG_LOW(n) ARG(n)
#else
#define ARG_LOW(n) (ARG(n) + 4)
#endif
#define DENY (SECCOMP_RET_ERRNO | EPERM)

/* What an upgraded shim says of itself. */
static const unsigned int prctls[] = {
	PR_SET_NAME, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_CAP_AMBIENT,
};

static const unsigned int exec_flags = AT_EMPTY_PATH;
static const unsigned int seccomp_operation = SECCOMP_SET_MODE_FILTER;

struct program {
	struct sock_filter
	    code[2 * ARRAY_SIZE(allowed) + ARRAY_SIZE(ioctls) + ARRAY_SIZE(prctls) + 64];
	unsigned short len;
};

static void put(struct program *p, unsigned short op, unsigned int k, unsigned char yes,
                unsigned char no)
{
	p->code[p->len++] = (struct sock_filter){ op, yes, no, k };
}

static void put_return(struct program *p, unsigned int what)
{
	put(p, BPF_RET | BPF_K, what, 0, 0);
}

/* mprotect, unless it asks for executable memory. */
static void put_mprotect(struct program *p)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 4);
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG_LOW(2), 0, 0);
	put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
	put_return(p, DENY);
	put_return(p, SECCOMP_RET_ALLOW);
}

/* mmap; executable memory only of files, and not to be written. */
static void put_mmap(struct program *p)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 0, 7);
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG_LOW(2), 0, 0);
	put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 4);
	put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_WRITE, 2, 0);
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG_LOW(3), 0, 0);
	put(p, BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 1);
	put_return(p, DENY);
	put_return(p, SECCOMP_RET_ALLOW);
}

/* The call nr, if the low half of argument arg is one of the n values. */
static void put_one_of(struct program *p, unsigned int nr, unsigned int arg,
                       const unsigned int *values, unsigned char n)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, (unsigned char)(n + 3));
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG_LOW(arg), 0, 0);
	for (unsigned char i = 0; i < n; i++)
		put(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], (unsigned char)(n - i), 0);
	put_return(p, DENY);
	put_return(p, SECCOMP_RET_ALLOW);
}

/* prlimit64 to ask, not to set: that could be another process's. */
static void put_prlimit(struct program *p)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, __NR_prlimit64, 0, 6);
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG(2), 0, 0);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
	put(p, BPF_LD | BPF_W | BPF_ABS, ARG(2) + 4, 0, 0);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	put_return(p, DENY);
	put_return(p, SECCOMP_RET_ALLOW);
}

static void build(struct program *p)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	put_return(p, SECCOMP_RET_KILL_PROCESS);
	put(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		put_return(p, SECCOMP_RET_ALLOW);
	}
	put_mmap(p);
	put_mprotect(p);
	put_prlimit(p);
	put_one_of(p, __NR_ioctl, 1, ioctls, ARRAY_SIZE(ioctls));
	put_one_of(p, __NR_prctl, 0, prctls, ARRAY_SIZE(prctls));
	put_one_of(p, __NR_execveat, 4, &exec_flags, 1);
	put_one_of(p, __NR_seccomp, 0, &seccomp_operation, 1);
	put_return(p, DENY);
}

int filter_load(struct err *err)
{
	struct program p = { .len = 0 };
	struct sock_fprog prog;

	build(&p);
	prog = (struct sock_fprog){ p.len, p.code };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 && errno != ENOSYS &&
	    errno != EINVAL)
		return err_set(err, -errno, "load the shim's system call filter");
	return 0;
}

#else /* an architecture whose calls nobody has checked */

int filter_load(struct err *err)
{
	(void)err;
	return 0;
}

#endif
