/* SPDX-License-Identifier: Apache-2.0 */
/* References to sessions. */
#include "runtime/session_ref.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/strv.h"
#include "berth/log.h"

/* Shared, against kept_collect(): who has it exclusively is removing the record, which was due. */
static int hold(const struct session_ref *ref, struct err *err)
{
	if (!ref->is_exec || flock(ref->dir_fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return err_text(err, -ENOENT, "there is no kept process \"%s\" any more", ref->name);
}

int session_ref_open(struct ctx *ctx, const struct ctr_root *root, const char *name,
                     struct session_ref *ret)
{
	struct session_ref ref = { .name = name, .dir_fd = FD_INVALID };
	_cleanup_free_ char *id = xstrndup(name, strcspn(name, "/"));
	int r;

	ref.is_exec = strchr(name, '/');
	r = ctr_session_open(root, name, &ref.dir_fd, &ctx->err);
	if (r >= 0)
		r = hold(&ref, &ctx->err);
	if (r >= 0)
		r = ctr_open(root, id, false, &ref.ctr, &ctx->err);
	if (r < 0) {
		session_ref_done(&ref);
		return r;
	}
	*ret = ref;
	return 0;
}

int session_ref_pidfd(const struct session_ref *ref)
{
	const char *name = strchr(ref->name, '/');
	struct ctr_session s;
	int r;

	if (!name)
		return ctr_identity_open(&ref->ctr->init);
	r = ctr_session_read(ref->ctr, name + 1, &s);
	if (r < 0)
		return r;
	r = ctr_identity_open(&s.process);
	ctr_session_done(&s);
	return r;
}

bool session_ref_lost(const struct session_ref *ref)
{
	const char *name = strchr(ref->name, '/');
	struct ctr_session s;
	bool lost;

	if (!name)
		return ref->ctr->shim.pid > 0 && ctr_identity_alive(&ref->ctr->init) &&
		       !ctr_identity_alive(&ref->ctr->shim);
	if (ctr_session_read(ref->ctr, name + 1, &s) < 0)
		return false;
	lost = s.shim.pid > 0 && ctr_identity_alive(&s.process) && !ctr_identity_alive(&s.shim);
	ctr_session_done(&s);
	return lost;
}

int session_ref_say_lost(const struct session_ref *ref, struct err *err)
{
	return err_text(
	    err, -ECONNREFUSED,
	    "the shim of \"%s\" is lost: nobody holds its streams and exit status; run: "
	    "berth recover %s",
	    ref->name, ref->name);
}

void session_ref_warn_lost(const struct session_ref *ref)
{
	struct err why = { 0 };

	if (!session_ref_lost(ref))
		return;
	(void)session_ref_say_lost(ref, &why);
	log_warn("%s", why.msg);
}

char *session_ref_log(const struct session_ref *ref)
{
	const char *name = strchr(ref->name, '/');
	struct ctr_session s;
	char *path;

	if (!name)
		return xstrdup(ref->ctr->log_path);
	if (ctr_session_read(ref->ctr, name + 1, &s) < 0)
		return NULL;
	path = xstrdup(s.log_path);
	ctr_session_done(&s);
	return path;
}

void session_ref_done(struct session_ref *ref)
{
	fd_reset(&ref->dir_fd);
	ctr_close(ref->ctr);
	ref->ctr = NULL;
}

bool session_ref_kept(const struct session_ref *ref, struct err *err)
{
	/* A kept exec has a directory of its own only because a shim serves it. */
	if (ref->is_exec || (ref->ctr->shim.pid && ref->ctr->stdio_kept))
		return true;
	err_text(err, -EOPNOTSUPP,
	         ref->ctr->shim.pid
	             ? "container \"%s\" was created with --stdio=inherit or null: its "
	               "streams are not kept"
	             : "container \"%s\" has no shim: its streams are with whoever "
	               "created it",
	         ref->name);
	return false;
}

int session_ref_with(struct ctx *ctx, const char *name,
                     int (*fn)(struct ctx *ctx, const struct session_ref *ref))
{
	struct session_ref ref = { .dir_fd = FD_INVALID };
	struct ctr_root root = { .fd = FD_INVALID };
	int r = ctx_root_of(ctx, name, &root);

	if (r >= 0)
		r = session_ref_open(ctx, &root, name, &ref);
	if (r >= 0)
		r = session_ref_kept(&ref, &ctx->err) ? fn(ctx, &ref) : -EOPNOTSUPP;
	session_ref_done(&ref);
	ctr_root_done(&root);
	return r;
}

static int find_all(const struct ctr_root *root, char ***ret, struct err *err)
{
	_cleanup_strv_ char **ids = NULL;
	int r = ctr_list_ids(root, &ids, err);

	for (char *const *id = ids; r >= 0 && id && *id; id++) {
		_cleanup_ctr_ struct ctr *ctr = NULL;
		_cleanup_strv_ char **execs = NULL;

		strv_add(ret, *id);
		if (ctr_open(root, *id, false, &ctr, NULL) < 0)
			continue; /* said when it is its turn */
		(void)ctr_list_sessions(ctr, &execs);
		for (char *const *e = execs; e && *e; e++) {
			_cleanup_free_ char *name = xasprintf("%s/%s", *id, *e);

			strv_add(ret, name);
		}
	}
	return r;
}

int session_refs_chosen(struct ctx *ctx, bool all, int argc, char **argv, struct ctr_root *root,
                        char ***ret)
{
	int r;

	if (all == (argc > 0))
		return err_text(&ctx->err, -EINVAL, "name containers, or use --all");
	r = all ? ctx_root(ctx, false, root) : ctx_root_of(ctx, argv[0], root);
	if (r == -ENOENT && all && !ctx->root_path)
		return 0; /* the default place is made by the first create */
	if (r >= 0 && all)
		r = find_all(root, ret, &ctx->err);
	for (int i = 0; i < argc && r >= 0; i++)
		strv_add(ret, argv[i]);
	return r;
}
