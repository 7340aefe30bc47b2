/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes. An identity is pid + pidfs inode (6.9) or start time + boot id; signals go through
 * pidfds that were opened first and verified after, so a recycled pid is never hit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "berth/err.h"

struct proc_id {
	pid_t pid;           /* 0: none */
	uint64_t start_time; /* clock ticks since boot, field 22 of /proc/PID/stat; 0: unknown */
	uint64_t pidfs_ino;  /* 0: the kernel has no pidfs */
	char boot_id[40];    /* /proc/sys/kernel/random/boot_id without newline */
};

int proc_boot_id(char ret[static 40]);
/* Fill from a live process; pidfd may be -1. -ESRCH when it is gone. */
int proc_id_get(pid_t pid, int pidfd, struct proc_id *ret);
/* Open a pidfd of the very process that id names. -ESRCH: it is gone (or another boot, or the pid
 * was recycled, or unknown). */
int proc_id_open(const struct proc_id *id);
int proc_pidfd_open(pid_t pid);            /* pidfd_open(2), 5.3 */
int proc_pidfd_signal(int pidfd, int sig); /* pidfd_send_signal(2), 5.1 */
pid_t proc_pidfd_pid(int pidfd);           /* from /proc/self/fdinfo; -ESRCH when exited, -errno */
bool proc_pidfd_exited(int pidfd);         /* poll */
/*
 * Exit status (wait status) of a process that somebody else reaps: PIDFD_GET_INFO with
 * PIDFD_INFO_EXIT, kernel 6.15. -EAGAIN: not reaped yet; -EOPNOTSUPP: the kernel can't say; -ESRCH:
 * gone before this pidfd could know.
 */
int proc_pidfd_exit_status(int pidfd, int *ret_wait_status);
/* State letter of /proc/PID/stat ('R','S','Z',...), or -errno; also start time. */
int proc_stat(pid_t pid, char *ret_state, uint64_t *ret_start, pid_t *ret_ppid);
/*
 * Is it past saving: a SIGKILL is pending, it dumps core, it is on its way out, or gone? Such a
 * process does nothing any more, though it may take a while to end. Whoever does not hold it by a
 * pidfd must check afterwards that the number was still its own.
 */
bool proc_is_dying(pid_t pid);
int proc_waitpid(pid_t pid, int *ret_status); /* EINTR-safe, 0 or -errno */
/* 128+signal or exit code of a wait status. */
int proc_exit_code(int wait_status);
/* May other processes of our user trace us and read what we have open? 0 or -errno. */
int proc_set_dumpable(bool on);
/* All signals default, mask empty: between fork and exec of foreign programs. */
void proc_reset_signals(void);

/*
 * Run the helper program path with argv as given; NULL env: inherit. stdin gets input (may be NULL:
 * /dev/null), at most 4 KiB of stdout+stderr is kept in output (may be NULL; size cap). timeout_ms
 * < 0: none; on timeout its process group is killed: -ETIMEDOUT. Returns wait status >= 0 or
 * -errno. Never blocks on children of the helper that keep its pipes.
 */
int proc_run(const char *path, char *const argv[], char *const env[], const char *input,
             int64_t timeout_ms, char *output, size_t cap);
