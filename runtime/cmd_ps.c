/* SPDX-License-Identifier: Apache-2.0 */
/* berth ps: the processes of a container, by way of the host's ps(1), or their pids as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/strv.h"
#include "runtime/cmd.h"

static const char *format = "table";

static void print_json(const pid_t *pids, size_t n)
{
	if (n == 0) {
		puts("null");
		return;
	}
	for (size_t i = 0; i < n; i++)
		printf("%s%d", i ? "," : "[", pids[i]);
	puts("]");
}

/* The column of "PID" in ps's heading, or -1. */
static int pid_column(const char *heading)
{
	_cleanup_free_ char *copy = xstrdup(heading);
	char *save = NULL;
	int column = 0;

	for (char *word = strtok_r(copy, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save), column++)
		if (streq(word, "PID"))
			return column;
	return -1;
}

static bool line_is_ours(const char *line, int column, const pid_t *pids, size_t n)
{
	_cleanup_free_ char *copy = xstrdup(line);
	char *save = NULL;
	char *word = strtok_r(copy, " \t\n", &save);
	uint32_t pid;

	for (; word && column > 0; column--)
		word = strtok_r(NULL, " \t\n", &save);
	if (!word || num_parse_u32(word, &pid) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((uint32_t)pids[i] == pid)
			return true;
	return false;
}

static int filter(struct ctx *ctx, FILE *in, const pid_t *pids, size_t n)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int column = -1;

	while (getline(&line, &size, in) > 0) {
		if (column < 0) {
			column = pid_column(line);
			if (column < 0)
				return err_text(
				    &ctx->err, -EINVAL,
				    "ps printed no PID column: add -o pid to its options");
			fputs(line, stdout);
		} else if (line_is_ours(line, column, pids, n)) {
			fputs(line, stdout);
		}
	}
	return 0;
}

static int print_table(struct ctx *ctx, char **args, const pid_t *pids, size_t n)
{
	_cleanup_strv_ char **argv = NULL;
	int fds[2], status = 0, r;
	pid_t child;
	FILE *in;

	strv_add(&argv, "ps");
	for (char **a = args; a && *a; a++) {
		/* Some callers pass all options as one argument. */
		char *save = NULL;

		for (char *word = strtok_r(*a, " ", &save); word; word = strtok_r(NULL, " ", &save))
			strv_add(&argv, word);
	}
	if (strv_len(argv) == 1)
		strv_add(&argv, "-ef");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(&ctx->err, -errno, "make a pipe");
	child = fork();
	if (child == 0) {
		proc_reset_signals();
		dup2(fds[1], 1);
		execvp("ps", argv);
		_exit(127);
	}
	fd_close(fds[1]);
	in = fdopen(fds[0], "r");
	r = child < 0 || !in ? err_set(&ctx->err, -errno, "run ps") : filter(ctx, in, pids, n);
	if (in)
		(void)fclose(in);
	if (child > 0)
		(void)proc_waitpid(child, &status);
	if (r == 0 && status != 0)
		return err_text(&ctx->err, -ECANCELED,
		                "ps failed with exit status %d (is it installed?)",
		                proc_exit_code(status));
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_ctr_ struct ctr *ctr = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r;

	if (!streq(format, "table") && !streq(format, "json"))
		return err_text(&ctx->err, -EINVAL,
		                "invalid format option \"%s\": use table or json", format);
	r = ctx_open(ctx, argv[0], false, &ctr);
	if (r == 0)
		r = ctr_pids(ctr, &pids, &n, &ctx->err);
	if (r == 0 && streq(format, "json"))
		print_json(pids, n);
	else if (r == 0)
		r = print_table(ctx, argc > 1 ? argv + 1 : NULL, pids, n);
	return r;
}

static const struct opt opts[] = {
	{ "format", 'f', OPT_STRING, &format, "table|json", "form of the output", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_ps = {
	.name = "ps",
	.args = "CONTAINER-ID [ps options]",
	.summary = "list the processes of a container",
	.opts = opts,
	.min_args = 1,
	.max_args = -1,
	.stop_at_positional = true,
	.run = run,
};
