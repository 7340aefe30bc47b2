/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `create` and `run` share: options, the road from a bundle to a created container, and the
 * way back when something fails.
 */
#pragma once

#include <stdbool.h>

#include "berth/container.h"
#include "runtime/cmd.h"
#include "runtime/exit_option.h"
#include "runtime/keeper.h"
#include "runtime/log_choice.h"

/* Of create, run and exec. */
#define STDIN_OPTION(dest)                                                                  \
	{                                                                                   \
		"stdin", 0, OPT_STRING, &(dest), "never|once|keep",                         \
		    "input that a shim keeps: none, closed behind the first client, or by " \
		    "request "                                                              \
		    "only (default: keep; in the foreground without a terminal: once)",     \
		    false                                                                   \
	}
/* Of run and exec. */
#define SIG_PROXY_OPTION(dest)                                                       \
	{                                                                            \
		"sig-proxy", 0, OPT_SWITCH, &(dest), NULL,                           \
		    "pass our signals on to it (default: without a terminal)", false \
	}

struct launch_opts { /* filled by option rows */
	const char *bundle, *config, *console_socket, *pidfd_socket, *pid_file, *shim, *shim_cgroup,
	    *stdio, *stdin_mode;
	struct log_opts log;
	bool no_pivot, no_new_keyring, detach;
	int sig_proxy; /* run: 1, -1: not; 0: not said */
	int preserve_fds;
	struct exit_opts exit_command;
	const struct ctr_criu_opts *restore; /* from images rather than from the program; NULL */
};
/* The option rows of create; run appends its own. */
#define LAUNCH_OPTIONS(o)                                                                              \
	{ "bundle",    'b',   OPT_STRING,                                                              \
	  &(o).bundle, "DIR", "the bundle (default: the current directory)",                           \
	  false },                                                                                     \
	    { "config", 'f', OPT_STRING, &(o).config, "FILE", "another name for config.json", false }, \
	    { "console-socket",                                                                        \
	      0,                                                                                       \
	      OPT_STRING,                                                                              \
	      &(o).console_socket,                                                                     \
	      "PATH",                                                                                  \
	      "unix socket that receives the pty's master",                                            \
	      false },                                                                                 \
	    { "pidfd-socket", 0,                                                                       \
	      OPT_STRING,     &(o).pidfd_socket,                                                       \
	      "PATH",         "unix socket that receives a pidfd of the container's init",             \
	      false },                                                                                 \
	    { "pid-file",    0,      OPT_STRING,                                                       \
	      &(o).pid_file, "FILE", "write the pid of the container's init to FILE",                  \
	      false },                                                                                 \
	    { "no-pivot",    0,    OPT_FLAG,                                                           \
	      &(o).no_pivot, NULL, "move the root and chroot instead of pivot_root (ramdisks)",        \
	      false },                                                                                 \
	    { "no-new-keyring",                                                                        \
	      0,                                                                                       \
	      OPT_FLAG,                                                                                \
	      &(o).no_new_keyring,                                                                     \
	      NULL,                                                                                    \
	      "keep the caller's session keyring",                                                     \
	      false },                                                                                 \
	    { "preserve-fds",                                                                          \
	      0,                                                                                       \
	      OPT_INT,                                                                                 \
	      &(o).preserve_fds,                                                                       \
	      "N",                                                                                     \
	      "pass N more descriptors, from 3 on",                                                    \
	      false },                                                                                 \
	    { "shim",                                                                                  \
	      0,                                                                                       \
	      OPT_STRING,                                                                              \
	      &(o).shim,                                                                               \
	      "auto|always|never",                                                                     \
	      "who keeps exit status and stdio (default: auto)",                                       \
	      false },                                                                                 \
	    { "shim-cgroup",                                                                           \
	      0,                                                                                       \
	      OPT_STRING,                                                                              \
	      &(o).shim_cgroup,                                                                        \
	      "auto|caller|PATH",                                                                      \
	      "the shim's cgroup: one of its own, ours, or one below PATH (default: auto)",            \
	      false },                                                                                 \
	    { "stdio",                                                                                 \
	      0,                                                                                       \
	      OPT_STRING,                                                                              \
	      &(o).stdio,                                                                              \
	      "keep|inherit|null",                                                                     \
	      "who holds stdio (default: keep with a shim, else inherit)",                             \
	      false },                                                                                 \
	    STDIN_OPTION((o).stdin_mode), LOG_OPTIONS((o).log), EXIT_OPTIONS((o).exit_command)

struct run_opts {
	struct launch_opts launch;
	bool keep, rm;
	const char *detach_keys;
};

struct launch {
	struct ctr_root root;
	struct spec *spec;
	struct ctr_plan *plan;
	struct ctr *ctr;
	bool with_shim;
	bool foreground;    /* somebody waits for the container to end */
	bool terminal_here; /* a terminal that is neither handed over nor kept by a shim: ours to
	                       relay */
	int preserve_fds;   /* LISTEN_FDS included */
	struct log_choice log;
	int master; /* of such a terminal */
	int pidfd;  /* of init when it is our child */
	char *session_path, *address, *log_path, *pid_file;
	struct exit_command exit_command; /* argv NULL: none */
	enum stdio_mode stdio;
	enum shim_stdin_mode stdin_mode;
	int console_socket, pidfd_socket;
	int notify; /* from start on: the container's notify socket, or FD_INVALID */
	int shim_exe_fd;
	const struct launch_opts *opts;
};

/* Bring container `id` to "created". On failure nothing is left. */
int launch_create(struct ctx *ctx, const struct launch_opts *opts, const char *id, bool foreground,
                  struct launch *ret);
/* Parts of that which make nothing, for `explain`: the configuration; shim, stdio and log as the
 * options and the caller have it; the cgroups (either may come out NULL). */
int launch_load(struct ctx *ctx, struct launch *l);
int launch_decide(struct ctx *ctx, struct launch *l, bool foreground);
int launch_plan_cgroups(struct ctx *ctx, struct launch *l, const char *id, struct cg **ret,
                        struct cg **ret_shim);
/* A process of a container that was made without a shim is to have one: where that will live, by the
 * same rules, goes into the container's record. Nothing for a container that has one. */
int launch_place_exec_shim(struct ctx *ctx, struct ctr *ctr, struct err *err);
/* What --shim-cgroup says (NULL: nothing): is the shim to live in our cgroup? */
bool launch_stays_with_caller(const char *shim_cgroup);
/* Start it and tell the shim. On failure the container is destroyed. */
int launch_start(struct ctx *ctx, struct launch *l);
int launch_write_pid_file(struct ctx *ctx, struct launch *l);
/*
 * cmd_run.c: create and start, then leave (detach), attach, or wait; the exit status of the
 * command. With launch.restore the same for a container that comes out of images.
 */
int launch_run(struct ctx *ctx, const struct run_opts *opts, const char *id);
/* Undo of a created container that cannot be kept. */
void launch_destroy(struct launch *l);
void launch_done(struct launch *l);

bool launch_is_rootless(const struct ctx *ctx);
int launch_parse_stdio(const char *text, bool with_shim, enum stdio_mode *ret, struct err *err);
/* pipes_here: whose other ends are ours, so that our end of input is the process's. */
int launch_parse_stdin(const char *text, enum stdio_mode stdio, bool pipes_here,
                       enum shim_stdin_mode *ret, struct err *err);
/* Without a shim there is nobody who could do without us. */
int launch_check_sig_proxy(int sig_proxy, bool with_shim, struct err *err);
/* 3 .. 3+n-1 must be open: checked before we open anything that could fill a hole. */
/* How many descriptors from 3 on are passed on: LISTEN_FDS and then n more. All must be open. */
int launch_preserved(int n, int *ret, struct err *err);
/* Tell the container of the former, as its first process expects it. */
void launch_tell_listen_fds(char ***env);
/* Against the current directory. Caller frees; NULL for NULL. */
char *launch_absolute(const char *path);
/*
 * A process in front of us gets our terminal's size before it starts: the first thing that it asks
 * for may be just that.
 */
void launch_adopt_size(struct spec_process *process);
/* Both are connected early; path NULL is FD_INVALID. */
int launch_connect_console(const char *path, int *ret, struct err *err);
int launch_connect_pidfd(const char *path, int *ret, struct err *err);
/* Hand over a pidfd; payload is "standard" for a container's init, "setns" for what exec makes.
 * sock FD_INVALID: nothing. */
int launch_send_pidfd(int sock, const char *payload, int pidfd, struct err *err);
/* Decimal, no newline, by rename, after success only. */
int pid_file_write(const char *path, pid_t pid, struct err *err);
/* Best effort: tell the shim of a session that its process has started. */
void shim_notify_started(int session_fd);
/* The container was frozen or thawed: have its shim, and those of its kept processes, look before
 * anything else happens to it; bounded. */
void shims_look(const struct ctr *ctr);
/* Ask the shim of a session to end, so that its clients hear the last of it, and let its exit
 * command come to its end; both bounded. */
void shim_shutdown(int session_fd);
/* The same for all shims of a container that has no process any more. The lock is let go while a
 * command runs: -ENOENT when that has deleted the container. */
int shims_shutdown(struct ctr *ctr);
