/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit record: `exit.json` of a session directory, how a process ended. Written once, by
 * whoever reaped the process (shim, or a runtime in the foreground), before anybody is told; read
 * by `wait`, `state`, `list`. It stays until the session is deleted. "Unknown" is said as such,
 * never as 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_RECORD_NAME "exit.json"
#define EXIT_RECORD_SIZE \
	512 /* of the file, padded with spaces: room is reserved before the start */

struct exit_record {
	bool known;         /* false: code and signal mean nothing */
	int code;           /* exit code; 128 + signal when killed by one; -1 when unknown */
	int signal;         /* 0: none */
	bool core;          /* a core was dumped */
	bool oom;           /* the OOM killer has killed in its cgroup */
	int64_t started_ns; /* CLOCK_REALTIME; 0: unknown, or never started */
	int64_t exited_ns;  /* CLOCK_REALTIME; 0: unknown */
};

/* From a wait status, as waitpid(2) gives it. oom is false, started_ns 0. */
struct exit_record exit_record_from_status(int wait_status, int64_t exited_ns);
/* The record of an end that nobody saw. */
struct exit_record exit_record_unknown(void);

/* RFC 3339, UTC, nanoseconds: "2026-01-02T03:04:05.000000006Z". */
#define EXIT_TIME_SIZE 64
void exit_time_format(int64_t ns, char ret[static EXIT_TIME_SIZE]);

/* JSON object of at most EXIT_RECORD_SIZE bytes. Never fails. */
size_t exit_record_format(const struct exit_record *rec, char ret[static EXIT_RECORD_SIZE]);
/* -ENODATA: blank (reserved, nothing recorded yet); -EINVAL. */
int exit_record_parse(const char *text, size_t len, struct exit_record *ret);

/* Make the blank file, its blocks allocated, so that a full disk can not swallow the record. 0,
 * -errno. */
int exit_record_reserve_at(int dirfd);
/* Replace it atomically; in place when there is no room or right for a second file. 0, -errno. */
int exit_record_write_at(int dirfd, const struct exit_record *rec);
/* -ENOENT: no file; -ENODATA: nothing recorded yet; -EINVAL: damaged. */
int exit_record_read_at(int dirfd, struct exit_record *ret);
