/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, capabilities, seccomp, limits: what a process is allowed. Called inside init (or
 * exec's process) in the order of declaration; sec_read_back is for the creator, which trusts /proc
 * rather than init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/filter.h>

#include "base/buf.h"
#include "base/describe.h"
#include "berth/err.h"
#include "berth/spec.h"

/* --- limits.c --- */
int limits_apply(pid_t pid, const struct spec_process *process,
                 struct err *err); /* prlimit(2) from the creator; pid 0: self */
int oom_score_adj_set(int proc_fd_or_minus1, pid_t pid, const struct spec_process *process,
                      bool rootless, struct err *err); /* absent: untouched */

/* --- seccomp.c, seccomp_cache.c --- */
struct seccomp_filter {
	struct sock_filter *insns; /* owned */
	size_t n;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};
/* Compile with libseccomp, with the ENOSYS stub for system calls newer than the profile. Empty
 * profile (default ALLOW, no rules): n = 0. */
int seccomp_compile(const struct spec_seccomp *spec, struct seccomp_filter *ret, struct err *err);
/*
 * The same through a cache directory (may be -EBADF: no cache). Key = the canonical bytes of the
 * whole input (spec, libseccomp version, architecture); the file stores the key bytes and they are
 * compared, never only a hash. At most 64 entries; damaged entries are ignored and replaced.
 */
int seccomp_compile_cached(int cache_dirfd, const struct spec_seccomp *spec,
                           struct seccomp_filter *ret, struct err *err);
/* Does the kernel know the filter's flags? -EOPNOTSUPP with the name of the one it does not. */
int seccomp_check_kernel(const struct seccomp_filter *filter, struct err *err);
/* seccomp(2) SET_MODE_FILTER; needs no_new_privs or CAP_SYS_ADMIN. With
 * SECCOMP_FILTER_FLAG_NEW_LISTENER (5.0) the listener's descriptor, close-on-exec; else 0. */
int seccomp_filter_load(const struct seccomp_filter *filter, struct err *err);
void seccomp_filter_done(struct seccomp_filter *filter);

/* --- credentials.c, capabilities.c --- */
struct cred_plan {
	const struct spec_process *process; /* borrowed */
	bool setgroups_denied; /* user namespace with setgroups=deny: skip, error when groups are
	                          wanted */
};
int caps_drop_bounding(const struct spec_caps *caps,
                       struct err *err); /* everything not in bounding; before ids change */
int cred_apply_ids(const struct cred_plan *plan,
                   struct err *err); /* keepcaps, setgroups, setresgid, setresuid, read back */
int caps_apply(const struct spec_caps *caps,
               struct err *err); /* capset, ambient; "can't raise ambient capability CAP_X: " */
int cred_no_new_privs(struct err *err);
int cred_new_keyring(const char *name,
                     struct err *err); /* join a new session keyring; ENOSYS/EPERM tolerated: 0 */
/* HOME for uid from the container's /etc/passwd (fd of it or negative), bounded and strict; caller
 * frees; never NULL. */
char *cred_home(int passwd_fd, uid_t uid);

/* --- readback.c: creator side --- */
struct sec_expect {
	const struct spec_process *process;
	uid_t host_uid; /* mapped through the user namespace */
	gid_t host_gid;
	const uint32_t *host_groups;
	size_t n_groups;
	bool groups_unchecked;  /* setgroups denied */
	bool ids_unchecked;     /* a joined user namespace: host ids unknown */
	bool seccomp;           /* a filter must be in force */
	uint64_t caps_possible; /* capabilities that the kernel and the creator have at all */
};
/* Compare /proc/PID/status (through an own procfs fd) with what was asked; -EPERM with the first
 * difference. */
int sec_read_back(int proc_fd, pid_t pid, const struct sec_expect *want, struct err *err);
/* Mask of the capabilities that we could give away: permitted and in our own bounding set. */
uint64_t caps_available(void);
/* Are we in the initial user namespace (the full identity map)? */
bool caps_in_initial_userns(void);

/* --- selfexe.c --- */
enum selfexe_need { SELFEXE_NONE, SELFEXE_READONLY, SELFEXE_SEALED };
/* What this container needs: NONE with a user namespace whose ids cannot write the file; SEALED
 * when it would hold CAP_SYS_ADMIN in the initial user namespace. Pure given its arguments. */
enum selfexe_need selfexe_decide(const struct spec *spec, const struct spec_process *process,
                                 uid_t exe_owner, bool exe_on_readonly);
/*
 * Make sure that /proc/self/exe cannot be written by the container: returns 0 when it already is
 * so, else re-executes this program (same argv, env) from a detached read-only clone of its mount,
 * or a sealed memfd, and does not return; an error when nothing works.
 */
int selfexe_protect(enum selfexe_need need, char *const argv[], struct err *err);
/* A sealed, executable copy of the file exe (readable, at its beginning) in memory. -errno. */
int selfexe_seal(int exe, const char *name);

/* --- describe.c: the same in words --- */
void sec_describe_limits(const struct spec_process *process, struct desc *d);
/* Ids, capabilities (what this caller can't give is noted), no_new_privs. */
void sec_describe_credentials(const struct spec_process *process, bool userns, struct desc *d);
/* The filter: actions, rules, architectures, flags, size when it could be compiled. */
void sec_describe_seccomp(const struct spec_seccomp *seccomp, const struct seccomp_filter *filter,
                          bool early, struct desc *d);
