/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a container: intent.json and state.json in its directory.
 *
 * intent.json is written before the first side effect and says what may have to be undone: the
 * boot, the cgroups and which of their levels are ours, mounts on the host, the shim's socket link,
 * who creates.
 * state.json is written once when init is complete and says what the container is. Both are
 * replaced atomically and never edited. They are our own files in a directory that only we can
 * write, and are still read as strictly as any other input.
 */
#include "container/internal.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define RECORD_VERSION 1

static const char *const host_root_keys[MNT_HOST_ROOTS] = {
	[MNT_HOST_OUTER] = "outer",
	[MNT_HOST_INNER] = "inner",
};

static void put_str(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	json_str(b, value);
}

void record_put_identity(struct buf *b, const char *key, const struct ctr_identity *id)
{
	buf_printf(b, ",\"%s\":{\"pid\":%d,\"startTime\":%llu,\"pidfsInode\":%llu,\"bootId\":", key,
	           id->pid, (unsigned long long)id->start_time, (unsigned long long)id->pidfs_ino);
	json_str(b, id->boot_id);
	buf_puts(b, "}");
}

void record_get_identity(const cJSON *parent, const char *key, struct ctr_identity *ret)
{
	const cJSON *j = json_get(parent, key);

	*ret = (struct ctr_identity){ 0 };
	if (!j)
		return;
	ret->pid = (pid_t)json_get_int(j, "pid", 0);
	ret->start_time = json_get_uint(j, "startTime", 0);
	ret->pidfs_ino = json_get_uint(j, "pidfsInode", 0);
	strncpy(ret->boot_id, json_get_str(j, "bootId", ""), sizeof(ret->boot_id) - 1);
}

static void put_cgroup(struct buf *b, const char *key, const struct cg *cg)
{
	if (!cg)
		return;
	buf_printf(b, ",\"%s\":", key);
	cg_to_json(cg, b);
}

static void put_host_root(struct buf *b, const struct mnt_host_root *root)
{
	if (!root)
		return;
	buf_printf(b, ",\"hostRoot\":{\"namespace\":%llu", (unsigned long long)root->ns);
	put_str(b, "path", root->path);
	for (int i = 0; i < MNT_HOST_ROOTS; i++)
		buf_printf(b, ",\"%s\":{\"mountId\":%llu,\"uniqueId\":%llu}", host_root_keys[i],
		           (unsigned long long)root->id[i], (unsigned long long)root->unique[i]);
	buf_puts(b, "}");
}

static void read_host_root(const cJSON *j, struct mnt_host_root **ret)
{
	const cJSON *h = json_get(j, "hostRoot");
	const char *path = json_get_str(h, "path", NULL);
	struct mnt_host_root *root;

	mnt_host_root_free(take_ptr(*ret));
	if (!path)
		return;
	root = xcalloc(1, sizeof(*root));
	root->path = xstrdup(path);
	root->ns = json_get_uint(h, "namespace", 0);
	for (int i = 0; i < MNT_HOST_ROOTS; i++) {
		const cJSON *m = json_get(h, host_root_keys[i]);

		root->id[i] = json_get_uint(m, "mountId", 0);
		root->unique[i] = json_get_uint(m, "uniqueId", 0);
	}
	*ret = root;
}

int record_write_intent(const struct ctr *ctr, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(CTR_STATE_MAX);
	int r;

	buf_printf(&b, "{\"version\":%d", RECORD_VERSION);
	put_str(&b, "id", ctr->id);
	put_str(&b, "bootId", ctr->boot_id);
	put_str(&b, "bundle", ctr->bundle);
	put_str(&b, "created", ctr->created);
	buf_printf(&b, ",\"owner\":%u", ctr->owner);
	record_put_identity(&b, "creator", &ctr->creator);
	put_cgroup(&b, "cgroup", ctr->cgroup);
	put_cgroup(&b, "shimCgroup", ctr->shim_cgroup);
	put_host_root(&b, ctr->host_root);
	put_str(&b, "shimLink", ctr->shim_link);
	if (ctr->rdt_group)
		put_str(&b, "rdtGroup", ctr->rdt_group);
	if (ctr->rdt_monitor)
		put_str(&b, "rdtMonitor", ctr->rdt_monitor);
	r = buf_puts(&b, "}\n");
	if (r == 0)
		r = file_replace_at(ctr->dir_fd, "intent.json", b.data, b.len, 0600, false);
	return r < 0 ? err_set(err, r, "write \"intent.json\" of container \"%s\"", ctr->id) : 0;
}

int record_write_state(const struct ctr *ctr, struct err *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT(CTR_STATE_MAX);
	int r;

	buf_printf(&b, "{\"version\":%d", RECORD_VERSION);
	put_str(&b, "ociVersion", ctr->oci_version);
	put_str(&b, "id", ctr->id);
	put_str(&b, "rootfs", ctr->rootfs);
	record_put_identity(&b, "init", &ctr->init);
	record_put_identity(&b, "shim", &ctr->shim);
	put_str(&b, "shimAddress", ctr->shim_address);
	put_str(&b, "log", ctr->log_path);
	buf_printf(&b,
	           ",\"privatePidNamespace\":%s,\"terminal\":%s,\"stdioKept\":%s,"
	           "\"noNewKeyring\":%s",
	           ctr->private_pidns ? "true" : "false", ctr->terminal ? "true" : "false",
	           ctr->stdio_kept ? "true" : "false", ctr->no_new_keyring ? "true" : "false");
	buf_printf(&b, ",\"hooks\":%u,\"annotations\":{", ctr->hooks);
	for (size_t i = 0; i < ctr->n_annotations; i++) {
		if (i > 0)
			buf_puts(&b, ",");
		json_str(&b, ctr->annotations[i].key);
		buf_puts(&b, ":");
		json_str(&b, ctr->annotations[i].value);
	}
	r = buf_puts(&b, "}}\n");
	if (r == 0)
		r = file_replace_at(ctr->dir_fd, "state.json", b.data, b.len, 0600, false);
	return r < 0 ? err_set(err, r, "write \"state.json\" of container \"%s\"", ctr->id) : 0;
}

/* Parse one record; *ret is NULL when the file is missing. */
static int load(const struct ctr *ctr, const char *name, cJSON **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	*ret = NULL;
	r = file_read_at(ctr->dir_fd, name, CTR_STATE_MAX, &text, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "read \"%s\" of container \"%s\"", name, ctr->id);
	r = json_parse(text, len, ret, err);
	if (r < 0)
		return err_prefix(err, "\"%s\" of container \"%s\"", name, ctr->id);
	if (json_get_int(*ret, "version", 0) != RECORD_VERSION)
		return err_text(
		    err, -EPROTO,
		    "\"%s\" of container \"%s\" has a format that this version does not know", name,
		    ctr->id);
	return 0;
}

static int read_cgroup(const cJSON *j, const char *key, struct cg **ret, struct err *err)
{
	const cJSON *c = json_get(j, key);

	cg_free(take_ptr(*ret));
	return c ? cg_from_json(c, ret, err) : 0;
}

static void set_str(char **slot, const char *value)
{
	free(*slot);
	*slot = xstrdup(value);
}

static int read_intent(struct ctr *ctr, struct err *err)
{
	_cleanup_json_ cJSON *j = NULL;
	int r = load(ctr, "intent.json", &j, err);

	if (r < 0 || !j)
		return r;
	set_str(&ctr->bundle, json_get_str(j, "bundle", NULL));
	set_str(&ctr->created, json_get_str(j, "created", NULL));
	set_str(&ctr->shim_link, json_get_str(j, "shimLink", NULL));
	set_str(&ctr->rdt_group, json_get_str(j, "rdtGroup", NULL));
	set_str(&ctr->rdt_monitor, json_get_str(j, "rdtMonitor", NULL));
	ctr->owner = (uid_t)json_get_uint(j, "owner", 0);
	strncpy(ctr->boot_id, json_get_str(j, "bootId", ""), sizeof(ctr->boot_id) - 1);
	record_get_identity(j, "creator", &ctr->creator);
	read_host_root(j, &ctr->host_root);
	r = read_cgroup(j, "cgroup", &ctr->cgroup, err);
	if (r == 0)
		r = read_cgroup(j, "shimCgroup", &ctr->shim_cgroup, err);
	return r < 0 ? err_prefix(err, "\"intent.json\" of container \"%s\"", ctr->id) : 0;
}

static void read_annotations(struct ctr *ctr, const cJSON *j)
{
	const cJSON *object = json_get(j, "annotations");
	size_t n = object ? (size_t)cJSON_GetArraySize(object) : 0;
	const cJSON *item;

	if (ctr->annotations || n == 0)
		return;
	ctr->annotations = xcalloc(n, sizeof(*ctr->annotations));
	cJSON_ArrayForEach (item, object) {
		struct spec_kv *kv = &ctr->annotations[ctr->n_annotations++];

		kv->key = xstrdup(item->string);
		kv->value = xstrdup(json_is_string(item) ? item->valuestring : "");
	}
}

static int read_state(struct ctr *ctr, struct err *err)
{
	_cleanup_json_ cJSON *j = NULL;
	int r = load(ctr, "state.json", &j, err);

	if (r < 0 || !j)
		return r;
	ctr->has_state = true;
	set_str(&ctr->oci_version, json_get_str(j, "ociVersion", NULL));
	set_str(&ctr->rootfs, json_get_str(j, "rootfs", NULL));
	set_str(&ctr->shim_address, json_get_str(j, "shimAddress", NULL));
	set_str(&ctr->log_path, json_get_str(j, "log", NULL));
	record_get_identity(j, "init", &ctr->init);
	record_get_identity(j, "shim", &ctr->shim);
	ctr->private_pidns = json_get_bool(j, "privatePidNamespace", false);
	ctr->terminal = json_get_bool(j, "terminal", false);
	ctr->hooks = (unsigned int)json_get_uint(j, "hooks", 0);
	ctr->stdio_kept = json_get_bool(j, "stdioKept", false);
	ctr->no_new_keyring = json_get_bool(j, "noNewKeyring", false);
	read_annotations(ctr, j);
	return 0;
}

/* Both are tried, so that with one damaged the other still counts; the first error is the one
 * reported. */
int record_read(struct ctr *ctr, struct err *err)
{
	int r = read_intent(ctr, err);
	int s = read_state(ctr, r < 0 ? NULL : err);

	return r < 0 ? r : s;
}
