/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state document (runtime-spec, "State"): what `state` and `list` print and what hooks read.
 * Key order and optional keys are the ones that callers of OCI runtimes know; "shim" is an addition
 * of ours.
 */
#include "container/internal.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "berth/version.h"

struct doc {
	struct buf b;
	bool pretty;
	int depth;
	bool first;
};

static void key(struct doc *d, const char *name)
{
	if (!d->first)
		buf_puts(&d->b, ",");
	d->first = false;
	if (d->pretty) {
		buf_puts(&d->b, "\n");
		for (int i = 0; i < d->depth; i++)
			buf_puts(&d->b, "  ");
	}
	json_str(&d->b, name);
	buf_puts(&d->b, d->pretty ? ": " : ":");
}

static void open_object(struct doc *d)
{
	buf_puts(&d->b, "{");
	d->depth++;
	d->first = true;
}

static void close_object(struct doc *d)
{
	d->depth--;
	if (d->pretty && !d->first) {
		buf_puts(&d->b, "\n");
		for (int i = 0; i < d->depth; i++)
			buf_puts(&d->b, "  ");
	}
	buf_puts(&d->b, "}");
	d->first = false;
}

static void string(struct doc *d, const char *name, const char *value)
{
	key(d, name);
	json_str(&d->b, value ? value : "");
}

static void annotations(struct doc *d, const struct spec_kv *list, size_t n)
{
	if (n == 0)
		return;
	key(d, "annotations");
	open_object(d);
	for (size_t i = 0; i < n; i++)
		string(d, list[i].key, list[i].value);
	close_object(d);
}

static void base_keys(struct doc *d, const struct ctr *ctr, enum ctr_status status, pid_t pid)
{
	string(d, "ociVersion", BERTH_SPEC_VERSION);
	string(d, "id", ctr->id);
	key(d, "pid");
	buf_printf(&d->b, "%d", pid);
	string(d, "status", ctr_status_name(status));
	string(d, "bundle", ctr->bundle);
}

char *state_document(const struct ctr *ctr, const struct spec *spec, enum ctr_status status,
                     pid_t pid)
{
	struct doc d = { .b = BUF_INIT(CTR_STATE_MAX) };

	open_object(&d);
	base_keys(&d, ctr, status, pid);
	annotations(&d, spec->annotations, spec->n_annotations);
	close_object(&d);
	return buf_steal(&d.b);
}

static void shim_keys(struct doc *d, const struct ctr *ctr, enum ctr_status status)
{
	bool alive = ctr_shim_alive(ctr);

	key(d, "shim");
	open_object(d);
	key(d, "pid");
	buf_printf(&d->b, "%d", ctr->shim.pid);
	string(d, "status", alive ? "running" : "lost");
	string(d, "address", ctr->shim_address);
	if (ctr->log_path)
		string(d, "log", ctr->log_path);
	if (!alive && status != CTR_STOPPED) {
		_cleanup_free_ char *remedy = xasprintf("berth recover %s", ctr->id);

		string(d, "remedy", remedy);
	}
	close_object(d);
}

char *ctr_state_json(const struct ctr *ctr, const char *owner_name, bool pretty)
{
	struct doc d = { .b = BUF_INIT(CTR_STATE_MAX), .pretty = pretty };
	enum ctr_status status = ctr_status(ctr);

	open_object(&d);
	base_keys(&d, ctr, status, status == CTR_STOPPED ? 0 : ctr->init.pid);
	string(&d, "rootfs", ctr->rootfs);
	string(&d, "created", ctr->created);
	annotations(&d, ctr->annotations, ctr->n_annotations);
	string(&d, "owner", owner_name);
	if (ctr->shim.pid > 0)
		shim_keys(&d, ctr, status);
	close_object(&d);
	return buf_steal(&d.b);
}
