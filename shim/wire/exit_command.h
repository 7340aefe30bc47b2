/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit command: what is to be run when a kept process has ended, as the file "exit-command" of
 * its session directory. The runtime writes it; the helper that the shim has parked (shim/helper.c)
 * runs it and holds a lock on the file for as long as it is there, so that everybody can see
 * whether the command may still be running.
 *
 * The file: three numbers (version, time-out in ms, number of arguments), then arguments and
 * environment, each text with its NUL.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shim/wire/exit_record.h"

#define EXIT_COMMAND_NAME       "exit-command"
#define EXIT_COMMAND_RESULT     "exit-command.json" /* how it ended, as an exit record */
#define EXIT_COMMAND_TIMEOUT_MS 30000
#define EXIT_COMMAND_MAX        (4 * 1024 * 1024) /* bytes of the file */
/* In the command's environment: the pid of the helper, so that a delete in it does not wait for
 * itself. */
#define EXIT_COMMAND_HELPER "BERTH_EXIT_HELPER"

struct exit_command {
	int64_t timeout_ms;
	char **argv, **env; /* NULL-terminated; argv[0] is an absolute path */
	void *owned;        /* storage after exit_command_read_fd() */
};

/* Make the file (mode 0600), locked by nobody. Returns a descriptor for reading and writing, or
 * -errno: -EFBIG. */
int exit_command_write_at(int dir_fd, const struct exit_command *c);
/* -EINVAL: damaged. */
int exit_command_read_fd(int fd, struct exit_command *ret);
void exit_command_done(struct exit_command *c);

/*
 * Run the command of the file to its end, or its time-out, for a process that has ended like this,
 * and write how the command ended into dir_fd. For a process that exists for that alone.
 */
void exit_command_run(int spec_fd, int dir_fd, const struct exit_record *how);

/* Take the lock; it goes with the process, not with its children. 0 or -errno. */
int exit_command_lock(int fd);
/* Who has it: a pid; 0: nobody; -errno (-ENOENT: no such command). */
pid_t exit_command_holder_at(int dir_fd, int64_t *ret_timeout_ms);
