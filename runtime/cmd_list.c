/* SPDX-License-Identifier: Apache-2.0 */
/* berth list: all containers of the state root, or their kept execs, as a table, JSON or bare ids. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"
#include "runtime/kept.h"
#include "runtime/table.h"

#define COMMAND_WIDTH 48

static const char *format = "table";
static bool quiet, execs;

static char *owner_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? xstrdup(pw->pw_name) : xasprintf("#%u", uid);
}

static void add_row(struct table *t, const struct ctr *ctr)
{
	enum ctr_status status = ctr_status(ctr);
	_cleanup_free_ char *pid = xasprintf("%d", status == CTR_STOPPED ? 0 : ctr->init.pid);
	_cleanup_free_ char *owner = owner_name(ctr->owner);

	table_row(t, (const char *[]){ ctr->id, pid, ctr_status_name(status),
	                               ctr->bundle ? ctr->bundle : "",
	                               ctr->created ? ctr->created : "", owner });
}

static int each(struct ctx *ctx, const struct ctr_root *root, char *const *ids)
{
	static const char *const heads[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
	struct table t = { 0 };
	bool json = streq(format, "json");
	size_t n = 0;

	(void)ctx;
	if (!json)
		table_init(&t, heads, ARRAY_SIZE(heads));
	for (char *const *id = ids; id && *id; id++) {
		_cleanup_ctr_ struct ctr *ctr = NULL;
		struct err err = { 0 };

		if (ctr_open(root, *id, false, &ctr, &err) < 0) {
			if (err.code != -ENOENT) /* gone since we looked */
				log_warn("%s", err.msg);
			continue;
		}
		if (ctr->shim.pid > 0 && ctr_status(ctr) != CTR_STOPPED && !ctr_shim_alive(ctr))
			log_warn("container \"%s\": its shim (pid %d) is lost: it runs on, but its "
			         "output, terminal and exit status are held by nobody; run: berth "
			         "recover %s",
			         ctr->id, ctr->shim.pid, ctr->id);
		if (json) {
			_cleanup_free_ char *owner = owner_name(ctr->owner);
			_cleanup_free_ char *text = ctr_state_json(ctr, owner, false);

			printf("%s%s", n++ ? "," : "[", text);
		} else {
			add_row(&t, ctr);
		}
	}
	if (json)
		puts(n ? "]" : "null");
	else
		table_print(&t);
	table_done(&t);
	return 0;
}

/* --- --exec --- */

struct exec_list {
	struct table t;
	size_t n;
};

static void add_exec_row(struct table *t, const struct kept *k)
{
	bool stopped = k->status == KEPT_STOPPED;
	int64_t started = stopped ? k->exit.started_ns : k->session.started_ns;
	_cleanup_free_ char *ref = xasprintf("%s/%s", k->id, k->name);
	_cleanup_free_ char *pid = xasprintf("%d", stopped ? 0 : k->session.process.pid);
	_cleanup_free_ char *code = k->exit.known ? xasprintf("%d", k->exit.code) : NULL;
	_cleanup_free_ char *command = kept_command(k, COMMAND_WIDTH);
	char when[EXIT_TIME_SIZE] = "";

	if (started > 0)
		exit_time_format(started, when);
	table_row(t, (const char *[]){ ref, pid, kept_status_name(k->status),
	                               stopped ? code ? code : "unknown" : "", when, command });
}

static void add_execs(const struct ctr *ctr, struct exec_list *list)
{
	_cleanup_strv_ char **names = NULL;
	enum ctr_status status = ctr_status(ctr);

	(void)ctr_list_sessions(ctr, &names);
	for (char **name = names; name && *name; name++) {
		_cleanup_kept_ struct kept k = { .has_record = false };
		_cleanup_free_ char *text = NULL;

		if (quiet) {
			printf("%s/%s\n", ctr->id, *name);
			continue;
		}
		if (kept_look(ctr, status, *name, &k) < 0)
			continue; /* gone since we looked */
		if (k.status != KEPT_STOPPED && k.session.process.pid > 0 && !k.shim_alive)
			log_warn("process \"%s/%s\": its shim (pid %d) is lost; run: berth "
			         "recover %s/%s",
			         ctr->id, *name, k.session.shim.pid, ctr->id, *name);
		if (!streq(format, "json")) {
			add_exec_row(&list->t, &k);
			continue;
		}
		text = kept_json(ctr, &k, false);
		printf("%s%s", list->n++ ? "," : "[", text);
	}
}

/* A container that is named must be there; one that was only found may have gone. */
static int each_exec(struct ctx *ctx, const struct ctr_root *root, char *const *ids, bool named)
{
	static const char *const heads[] = { "ID", "PID", "STATUS", "EXIT", "STARTED", "COMMAND" };
	struct exec_list list = { .n = 0 };
	bool json = streq(format, "json");
	int r = 0;

	table_init(&list.t, heads, ARRAY_SIZE(heads));
	for (char *const *id = ids; r == 0 && id && *id; id++) {
		_cleanup_ctr_ struct ctr *ctr = NULL;
		struct err err = { 0 };

		if (ctr_open(root, *id, false, &ctr, &err) == 0) {
			add_execs(ctr, &list);
		} else if (named) {
			ctx->err = err;
			r = err.code;
		} else if (err.code != -ENOENT) {
			log_warn("%s", err.msg);
		}
	}
	if (r == 0 && json && !quiet)
		puts(list.n ? "]" : "[]");
	else if (r == 0 && !quiet)
		table_print(&list.t);
	table_done(&list.t);
	return r;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = FD_INVALID };
	_cleanup_strv_ char **ids = NULL;
	int r;

	if (argc > 0 && !execs)
		return err_text(
		    &ctx->err, -EINVAL,
		    "container ids are arguments with --exec only: see \"berth state\"");
	if (!streq(format, "table") && !streq(format, "json"))
		return err_text(&ctx->err, -EINVAL,
		                "invalid format option \"%s\": use table or json", format);
	r = argc > 0 ? ctx_root_of(ctx, argv[0], &root) : ctx_root(ctx, false, &root);
	if (r == -ENOENT && !ctx->root_path && argc == 0)
		r = 0; /* the default place is made by the first create */
	else if (r == 0 && argc == 0)
		r = ctr_list_ids(&root, &ids, &ctx->err);
	if (r == 0 && execs)
		r = each_exec(ctx, &root, argc > 0 ? argv : ids, argc > 0);
	else if (r == 0 && quiet)
		for (char *const *id = ids; id && *id; id++)
			puts(*id);
	else if (r == 0)
		r = each(ctx, &root, ids);
	ctr_root_done(&root);
	return r;
}

static const struct opt opts[] = {
	{ "format", 'f', OPT_STRING, &format, "table|json", "form of the output", false },
	{ "quiet", 'q', OPT_FLAG, &quiet, NULL, "ids only", false },
	{ "exec", 0, OPT_FLAG, &execs, NULL,
	  "the kept processes that exec has started, of these containers or of all", false },
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_list = {
	.name = "list",
	.args = "[--exec [CONTAINER-ID...]]",
	.summary = "list the containers of the state root, or their kept processes",
	.opts = opts,
	.max_args = -1,
	.run = run,
};
