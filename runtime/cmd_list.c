/* SPDX-License-Identifier: Apache-2.0 */
/* berth list: all containers of the state root, as a table, JSON or bare ids. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"
#include "runtime/cmd.h"
#include "runtime/table.h"

static const char *format = "table";
static bool quiet;

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

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct ctr_root root = { .fd = -1 };
	_cleanup_strv_ char **ids = NULL;
	int r;

	(void)argc;
	(void)argv;
	if (!streq(format, "table") && !streq(format, "json"))
		return err_text(&ctx->err, -EINVAL,
		                "invalid format option \"%s\": use table or json", format);
	r = ctx_root(ctx, false, &root);
	if (r == -ENOENT && !ctx->root_path)
		r = 0; /* the default place is made by the first create */
	else if (r == 0)
		r = ctr_list_ids(&root, &ids, &ctx->err);
	if (r == 0 && quiet)
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
	{ NULL, 0, OPT_FLAG, NULL, NULL, NULL, false },
};

const struct command cmd_list = {
	.name = "list",
	.args = "",
	.summary = "list the containers of the state root",
	.opts = opts,
	.max_args = 0,
	.run = run,
};
