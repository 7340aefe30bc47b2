/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth: global options, the command table, the one place where errors become text and an exit
 * status.
 *
 * The final error goes to the log (where callers of OCI runtimes look for it) and, when that is a
 * file, also to stderr in plain words: one line each.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "berth/log.h"
#include "berth/version.h"
#include "kernel/probe.h"
#include "runtime/cmd.h"
#include "runtime/opt.h"
#include "runtime/self.h"
#include "version.h"

#define LOG_FD_MIN 600

static const struct command *const commands[] = {
	&cmd_attach,  &cmd_check,   &cmd_checkpoint, &cmd_create,  &cmd_delete,  &cmd_events,
	&cmd_exec,    &cmd_explain, &cmd_features,   &cmd_gc,      &cmd_kill,    &cmd_list,
	&cmd_logs,    &cmd_pause,   &cmd_ps,         &cmd_recover, &cmd_restore, &cmd_resume,
	&cmd_run,     &cmd_spec,    &cmd_start,      &cmd_state,   &cmd_stop,    &cmd_update,
	&cmd_upgrade, &cmd_wait,
};

static struct {
	const char *root, *log, *log_format, *rootless, *cgroup_manager;
	bool debug, systemd_cgroup, strict, version;
} global = { .log_format = "text", .rootless = "auto" };

static bool log_is_file; /* set up, and not stderr, which is told anyway */

static const char *program = "berth"; /* the name that we were called by, for the help texts */

static const struct opt global_opts[] = {
	{ "root", 0, OPT_STRING, &global.root, "DIR",
	  "directory of the state (default: /run/berth, or $XDG_RUNTIME_DIR/berth)", false },
	{ "log", 0, OPT_STRING, &global.log, "FILE", "append the log to FILE (default: stderr)",
	  false },
	{ "log-format", 0, OPT_STRING, &global.log_format, "text|json", "format of the log",
	  false },
	{ "debug", 0, OPT_FLAG, &global.debug, NULL, "log each step with its duration", false },
	{ "systemd-cgroup", 0, OPT_FLAG, &global.systemd_cgroup, NULL,
	  "let systemd make the cgroup: linux.cgroupsPath is slice:prefix:name", false },
	{ "cgroup-manager", 0, OPT_STRING, &global.cgroup_manager, "cgroupfs|systemd|disabled",
	  "the same as a word; disabled: containers stay in the caller's cgroup", false },
	{ "rootless", 0, OPT_STRING, &global.rootless, "true|false|auto",
	  "tolerate missing permission over cgroups", false },
	{ "strict", 0, OPT_FLAG, &global.strict, NULL,
	  "refuse what would only be warned of, and unknown properties", false },
	{ "criu", 0, OPT_IGNORED, NULL, "PATH", "ignored", true },
	{ "version", 'v', OPT_FLAG, &global.version, NULL, "print the version", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

static void print_version(void)
{
	const struct scmp_version *v = seccomp_version();

	printf("berth version %s\ncommit: %s\nspec: %s\n", BERTH_VERSION, BERTH_COMMIT,
	       BERTH_SPEC_VERSION);
	if (v)
		printf("libseccomp: %u.%u.%u\n", v->major, v->minor, v->micro);
}

static void print_help(void)
{
	printf("NAME:\n   %s - Open Container Initiative runtime\n\n"
	       "USAGE:\n   %s [global options] command [command options] [arguments...]\n\n"
	       "VERSION:\n   %s\n\nCOMMANDS:\n",
	       program, program, BERTH_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!commands[i]->hidden)
			printf("   %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("   %-10s %s\n\nGLOBAL OPTIONS:\n", "help", "show the help of a command");
	opt_print_help(global_opts);
}

static void print_command_help(const struct command *c)
{
	printf("NAME:\n   %s %s - %s\n\nUSAGE:\n   %s %s [command options] %s\n\nOPTIONS:\n",
	       program, c->name, c->summary, program, c->name, c->args);
	opt_print_help(c->opts);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int ctx_root(struct ctx *ctx, bool create, struct ctr_root *ret)
{
	_cleanup_free_ char *path =
	    ctx->root_path ? xstrdup(ctx->root_path) : ctr_root_default(&ctx->err);

	return path ? ctr_root_open(path, create, ret, &ctx->err) : -ENOENT;
}

int ctx_root_of(struct ctx *ctx, const char *id, struct ctr_root *ret)
{
	int r = ctx_root(ctx, false, ret);

	/* After a reboot the root is gone, and with it the container: callers know that sentence.
	 */
	return r == -ENOENT ? err_prefix(&ctx->err, "container \"%s\" does not exist", id) : r;
}

int ctx_open(struct ctx *ctx, const char *id, bool lock, struct ctr **ret)
{
	int r = ctx->root.path ? 0 : ctx_root_of(ctx, id, &ctx->root);

	return r < 0 ? r : ctr_open(&ctx->root, id, lock, ret, &ctx->err);
}

static int setup_log(struct err *err)
{
	enum log_format format = LOG_FORMAT_TEXT;
	int fd;

	if (streq(global.log_format, "json"))
		format = LOG_FORMAT_JSON;
	else if (!streq(global.log_format, "text"))
		return err_text(err, -EINVAL, "invalid log-format: %s", global.log_format);
	/* Away from 0-2, which become the container's. */
	if (global.log)
		fd = open(global.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	else
		fd = fcntl(2, F_DUPFD_CLOEXEC, LOG_FD_MIN);
	/* Out of the range that --preserve-fds may name; where the limit forbids that, anywhere. */
	if (fd >= 0 && fd < LOG_FD_MIN) {
		int high = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD_MIN);

		if (high >= 0) {
			fd_close(fd);
			fd = high;
		}
	} else if (fd < 0 && errno == EINVAL) {
		fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	}
	if (fd < 0)
		return err_set(err, -errno, "open log \"%s\"", global.log ? global.log : "stderr");
	log_setup(fd, format, global.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
	log_is_file = global.log != NULL;
	return 0;
}

static int check_rootless(struct err *err)
{
	bool value;

	if (streq(global.rootless, "auto"))
		return 0;
	if (opt_parse_bool(global.rootless, &value) < 0)
		return err_text(err, -EINVAL,
		                "option --rootless: \"%s\" is none of true, false, auto",
		                global.rootless);
	global.rootless = value ? "true" : "false";
	return 0;
}

/* What crun's callers say; a false --systemd-cgroup is the default and contradicts nothing. */
static int check_cgroup_manager(struct ctx *ctx)
{
	const char *name = global.cgroup_manager;

	ctx->systemd_cgroup = global.systemd_cgroup;
	if (!name)
		return 0;
	if (!streq(name, "cgroupfs") && !streq(name, "systemd") && !streq(name, "disabled"))
		return err_text(&ctx->err, -EINVAL,
		                "option --cgroup-manager: \"%s\" is none of cgroupfs, systemd, "
		                "disabled",
		                name);
	if (global.systemd_cgroup && !streq(name, "systemd"))
		return err_text(&ctx->err, -EINVAL,
		                "option --cgroup-manager: \"%s\" contradicts --systemd-cgroup",
		                name);
	ctx->systemd_cgroup = streq(name, "systemd");
	ctx->no_cgroups = streq(name, "disabled");
	return 0;
}

static int fail(const char *command, const struct err *err)
{
	const char *msg = err->msg[0] ? err->msg : "failed";

	/* All went well up to the program, which cannot be executed: that is its own word, and
	 * callers look for it on a line of its own. */
	if (err->code == -ENOEXEC && strncmp(msg, "exec ", 5) == 0) {
		if (log_is_file)
			log_error("%s", msg);
		fprintf(stderr, "%s\n", msg);
		return err->exit_status ? err->exit_status : 1;
	}
	if (log_is_file)
		log_error("berth%s%s%s: %s", *command ? " " : "", command,
		          *command ? " failed" : "", msg);
	fprintf(stderr, "berth%s%s%s: %s\n", *command ? " " : "", command,
	        *command ? " failed" : "", msg);
	return err->exit_status ? err->exit_status : 1;
}

static int usage_error(const struct command *c, const char *what, int n)
{
	printf("Incorrect Usage.\n\n");
	print_command_help(c);
	if (log_is_file)
		log_error("berth: \"%s\" requires %s %d argument(s)", c->name, what, n);
	fprintf(stderr, "berth: \"%s\" requires %s %d argument(s)\n", c->name, what, n);
	return 1;
}

static int run_command(const struct command *c, struct ctx *ctx, int argc, char **argv)
{
	bool help = false;
	int n, r;

	n = opt_parse(c->opts, c->stop_at_positional, argc, argv, &help, &ctx->err);
	if (help) {
		print_command_help(c);
		return 0;
	}
	if (n < 0)
		return fail(c->name, &ctx->err);
	if (n < c->min_args || (c->max_args >= 0 && n > c->max_args)) {
		bool exact = c->min_args == c->max_args;

		if (exact)
			return usage_error(c, "exactly", c->min_args);
		return n < c->min_args ? usage_error(c, "a minimum of", c->min_args)
		                       : usage_error(c, "a maximum of", c->max_args);
	}
	r = c->run(ctx, n, argv);
	if (fflush(stdout) != 0 && r == 0)
		r = err_set(&ctx->err, -EIO, "write to stdout");
	return r < 0 ? fail(c->name, &ctx->err) : r;
}

/* The name is the caller's text: cut and escaped, as errors are. */
static int no_topic(const char *name, const char *more)
{
	struct err err = { 0 };

	err_text(&err, -EINVAL, "No help topic for '%.200s'%s", name, more);
	fprintf(stderr, "%s\n", err.msg);
	return 3;
}

static int help_topic(const char *name)
{
	const struct command *c = find_command(name);

	if (!c)
		return no_topic(name, "");
	print_command_help(c);
	return 0;
}

static int dispatch(struct ctx *ctx, int argc, char **argv)
{
	const struct command *c;
	bool help = false;
	int n = opt_parse(global_opts, true, argc, argv, &help, &ctx->err);

	if (n < 0)
		return fail("", &ctx->err);
	if (global.version) {
		print_version();
		return 0;
	}
	if (help || n == 0) {
		print_help();
		return 0;
	}
	if (streq(argv[0], "help")) {
		if (n > 1)
			return help_topic(argv[1]);
		print_help();
		return 0;
	}
	c = find_command(argv[0]);
	if (!c)
		return no_topic(argv[0], ": unknown command; see berth --help");
	if (setup_log(&ctx->err) < 0 || check_rootless(&ctx->err) < 0 ||
	    check_cgroup_manager(ctx) < 0)
		return fail(c->name, &ctx->err);
	ctx->root_path = global.root;
	ctx->rootless = global.rootless;
	ctx->strict = global.strict;
	return run_command(c, ctx, n - 1, argv + 1);
}

int main(int argc, char **argv)
{
	struct ctx ctx = { .root.fd = FD_INVALID };
	_cleanup_free_ char **copy = NULL;
	int status;

	if (argc < 1 || fd_ensure_stdio() < 0)
		return 1;
	/* A file that may not grow is an error of write(2), to be undone and told, not our end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* Ignored by the caller, it would take the exit status of each child from us. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)fd_cloexec_from(3); /* what the caller leaked is nobody's business but ours */
	(void)self_directory();   /* takes an earlier incarnation's word out of the environment */
	/* A re-execution by descriptor names us after its number. */
	(void)prctl(PR_SET_NAME, "berth");
	ctx.argv = argv;
	if (*path_base(argv[0]))
		program = path_base(argv[0]);
	/* The parser reorders; the original is needed for re-execution. */
	copy = xcalloc((size_t)argc + 1, sizeof(*copy));
	memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	status = dispatch(&ctx, argc - 1, copy + 1);
	ctr_root_done(&ctx.root);
	return status;
}
