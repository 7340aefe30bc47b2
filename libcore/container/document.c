/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state document (runtime-spec, "State"): what `state` and `list` print and what hooks read.
 * Key order and optional keys are the ones that callers of OCI runtimes know; "shim" is an addition
 * of ours.
 */
#include "container/internal.h"

#include "base/buf.h"
#include "base/json_doc.h"
#include "base/mem.h"
#include "berth/version.h"

static void annotations(struct json_doc *d, const struct spec_kv *list, size_t n)
{
	if (n == 0)
		return;
	json_doc_key(d, "annotations");
	json_doc_open(d);
	for (size_t i = 0; i < n; i++)
		json_doc_str(d, list[i].key, list[i].value);
	json_doc_close(d);
}

static void base_keys(struct json_doc *d, const struct ctr *ctr, enum ctr_status status, pid_t pid)
{
	json_doc_str(d, "ociVersion", BERTH_SPEC_VERSION);
	json_doc_str(d, "id", ctr->id);
	json_doc_int(d, "pid", pid);
	json_doc_str(d, "status", ctr_status_name(status));
	json_doc_str(d, "bundle", ctr->bundle);
}

char *state_document(const struct ctr *ctr, const struct spec *spec, enum ctr_status status,
                     pid_t pid)
{
	struct json_doc d = { .b = BUF_INIT(CTR_STATE_MAX) };

	json_doc_open(&d);
	base_keys(&d, ctr, status, pid);
	annotations(&d, spec->annotations, spec->n_annotations);
	json_doc_close(&d);
	return buf_steal(&d.b);
}

static void shim_keys(struct json_doc *d, const struct ctr *ctr, enum ctr_status status)
{
	bool alive = ctr_shim_alive(ctr);

	json_doc_key(d, "shim");
	json_doc_open(d);
	json_doc_int(d, "pid", ctr->shim.pid);
	json_doc_str(d, "status", alive ? "running" : "lost");
	json_doc_str(d, "address", ctr->shim_address);
	if (ctr->log_path)
		json_doc_str(d, "log", ctr->log_path);
	if (!alive && status != CTR_STOPPED) {
		_cleanup_free_ char *remedy = xasprintf("berth recover %s", ctr->id);

		json_doc_str(d, "remedy", remedy);
	}
	json_doc_close(d);
}

char *ctr_state_json(const struct ctr *ctr, const char *owner_name, bool pretty)
{
	struct json_doc d = { .b = BUF_INIT(CTR_STATE_MAX), .pretty = pretty };
	enum ctr_status status = ctr_status(ctr);

	json_doc_open(&d);
	base_keys(&d, ctr, status, status == CTR_STOPPED ? 0 : ctr->init.pid);
	json_doc_str(&d, "rootfs", ctr->rootfs);
	json_doc_str(&d, "created", ctr->created);
	annotations(&d, ctr->annotations, ctr->n_annotations);
	json_doc_str(&d, "owner", owner_name);
	if (ctr->shim.pid > 0)
		shim_keys(&d, ctr, status);
	json_doc_close(&d);
	return buf_steal(&d.b);
}
