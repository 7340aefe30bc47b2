/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth check: what this host can and cannot do, with what that means and what helps. Exit status
 * 0: containers can run, 1: they cannot. The JSON form is documented in docs/EXPLAIN.md.
 */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/launch.h"
#include "version.h"

#define SCHEMA_VERSION 1

static const char *format = "text";

static void check_shim(struct ctr_checks *checks)
{
	struct ctr_check row = {
		.group = "programs",
		.name = "berth-shim",
		.consequence = "detached containers keep neither terminal, log nor exit status; "
		               "create and run -d need --shim=never",
	};
	struct err err = { 0 };
	int fd = keeper_open_shim(&err);

	row.state = fd < 0 ? CTR_CHECK_MISSING : CTR_CHECK_OK;
	fd_close(fd);
	ctr_check_add(checks, &row, fd < 0 ? err.msg : NULL,
	              "install berth-shim beside berth, or name it in BERTH_SHIM_PATH");
}

static void put_line(struct buf *b, const char *mark, const char *text)
{
	if (text)
		buf_printf(b, "%30s%s%s\n", "", mark, text);
}

static void put_text(const struct ctr_checks *checks, struct buf *b)
{
	const char *group = "";
	size_t n[3] = { 0 };

	for (size_t i = 0; i < checks->n; i++) {
		const struct ctr_check *row = &checks->list[i];

		if (!streq(group, row->group))
			buf_printf(b, "%s%s\n", i ? "\n" : "", row->group);
		group = row->group;
		n[row->state]++;
		if (row->detail)
			buf_printf(b, "  %-9s %-18s  %s\n", ctr_check_state_name(row->state),
			           row->name, row->detail);
		else
			buf_printf(b, "  %-9s %s\n", ctr_check_state_name(row->state), row->name);
		if (row->state == CTR_CHECK_OK)
			continue;
		put_line(b, row->required ? "needed: " : "", row->consequence);
		put_line(b, "-> ", row->remedy);
	}
	buf_printf(b, "\ncontainers %s run here: %zu ok, %zu limited, %zu missing\n",
	           ctr_checks_usable(checks) ? "can" : "cannot", n[CTR_CHECK_OK],
	           n[CTR_CHECK_LIMITED], n[CTR_CHECK_MISSING]);
}

static void put_json(const struct ctr_checks *checks, struct buf *b)
{
	buf_printf(b, "{\n  \"version\": %d,\n  \"berth\": ", SCHEMA_VERSION);
	json_str(b, BERTH_VERSION);
	buf_printf(b, ",\n  \"usable\": %s,\n  \"checks\": [",
	           ctr_checks_usable(checks) ? "true" : "false");
	for (size_t i = 0; i < checks->n; i++) {
		const struct ctr_check *row = &checks->list[i];
		bool ok = row->state == CTR_CHECK_OK;

		buf_printf(b,
		           "%s\n    {\"group\": \"%s\", \"name\": \"%s\", \"state\": \"%s\", "
		           "\"required\": %s, \"detail\": ",
		           i ? "," : "", row->group, row->name, ctr_check_state_name(row->state),
		           row->required ? "true" : "false");
		json_str(b, row->detail);
		buf_puts(b, ", \"consequence\": ");
		json_str(b, ok ? NULL : row->consequence);
		buf_puts(b, ", \"remedy\": ");
		json_str(b, ok ? NULL : row->remedy);
		buf_puts(b, "}");
	}
	buf_puts(b, "\n  ]\n}\n");
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20);
	struct ctr_checks checks;
	bool json = streq(format, "json"), usable;

	(void)argc;
	(void)argv;
	if (!json && !streq(format, "text"))
		return err_text(&ctx->err, -EINVAL, "option --format: \"%s\" is none of text, json",
		                format);
	ctr_check_host(launch_is_rootless(ctx), ctx->root_path, &checks);
	check_shim(&checks);
	if (json)
		put_json(&checks, &b);
	else
		put_text(&checks, &b);
	fwrite(b.data, 1, b.len, stdout);
	usable = ctr_checks_usable(&checks);
	ctr_checks_done(&checks);
	return usable ? 0 : 1;
}

static const struct opt opts[] = {
	{ "format", 0, OPT_STRING, &format, "text|json", "form of the output (default: text)",
	  false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_check = {
	.name = "check",
	.args = "",
	.summary = "say what this host can and cannot do, and what helps",
	.opts = opts,
	.max_args = 0,
	.run = run,
};
