/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From fields of the configuration to a list of writes, by a table (v1.c, v2.c) whose rows name
 * field, controller, file and one of the emitters below. Pure: the list is carried out by apply.c
 * and looked at by the tests.
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FIELD(type, res, offset) ((const type *)(const void *)((const char *)(res) + (offset)))

int cg_emit(const struct cg_knob *knobs, const struct spec_resources *res, cg_use_fn *use,
            const void *ctx, struct cg_writes *out, struct err *err)
{
	for (const struct cg_knob *k = knobs; k->what; k++) {
		int r;

		if (use && !use(k->controller, ctx))
			continue;
		r = k->emit(k, res, out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void cg_write_add(struct cg_writes *out, const struct cg_knob *knob, const char *file,
                  unsigned int flags, const char *fmt, ...)
{
	char value[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	out->list = xreallocarray(out->list, out->n + 1, sizeof(*out->list));
	out->list[out->n++] = (struct cg_write){
		.what = knob->what,
		.controller = xstrdup(knob->controller),
		.file = xstrdup(file),
		.value = xstrdup(value),
		.flags = flags,
		.path = knob->path,
		.index = -1,
	};
}

void cg_write_path(struct cg_writes *out, const char *path)
{
	out->list[out->n - 1].path = path;
}

void cg_write_index(struct cg_writes *out, size_t i)
{
	out->list[out->n - 1].index = (int)i;
}

void cg_writes_done(struct cg_writes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->list[i].controller);
		free(w->list[i].file);
		free(w->list[i].value);
	}
	free(w->list);
	*w = (struct cg_writes){ 0 };
}

static void add_i64(const struct cg_knob *k, struct cg_writes *out, int64_t v)
{
	cg_write_add(out, k, k->file, k->flags, "%lld", (long long)v);
}

int cg_emit_u64(const struct cg_knob *k, const struct spec_resources *res, struct cg_writes *out,
                struct err *err)
{
	const struct opt_u64 *f = FIELD(struct opt_u64, res, k->field);

	return f->set && f->v == 0 ? 0 : cg_emit_u64_zero(k, res, out, err);
}

int cg_emit_u64_zero(const struct cg_knob *k, const struct spec_resources *res,
                     struct cg_writes *out, struct err *err)
{
	const struct opt_u64 *f = FIELD(struct opt_u64, res, k->field);

	(void)err;
	if (f->set)
		cg_write_add(out, k, k->file, k->flags, "%llu", (unsigned long long)f->v);
	return 0;
}

int cg_emit_i64(const struct cg_knob *k, const struct spec_resources *res, struct cg_writes *out,
                struct err *err)
{
	const struct opt_i64 *f = FIELD(struct opt_i64, res, k->field);

	(void)err;
	if (f->set && f->v != 0)
		add_i64(k, out, f->v);
	return 0;
}

int cg_emit_i64_zero(const struct cg_knob *k, const struct spec_resources *res,
                     struct cg_writes *out, struct err *err)
{
	const struct opt_i64 *f = FIELD(struct opt_i64, res, k->field);

	(void)err;
	if (f->set)
		add_i64(k, out, f->v);
	return 0;
}

int cg_emit_i64_max(const struct cg_knob *k, const struct spec_resources *res,
                    struct cg_writes *out, struct err *err)
{
	const struct opt_i64 *f = FIELD(struct opt_i64, res, k->field);

	(void)err;
	if (f->set && f->v > 0)
		add_i64(k, out, f->v);
	else if (f->set && f->v < 0)
		cg_write_add(out, k, k->file, k->flags, "max");
	return 0;
}

int cg_emit_pids(const struct cg_knob *k, const struct spec_resources *res, struct cg_writes *out,
                 struct err *err)
{
	const struct opt_i64 *f = FIELD(struct opt_i64, res, k->field);

	(void)err;
	if (f->set && f->v < 0)
		cg_write_add(out, k, k->file, k->flags, "max");
	else if (f->set) /* 0 is no container at all; 1, nothing beside init, is what it means */
		add_i64(k, out, f->v == 0 ? 1 : f->v);
	return 0;
}

int cg_emit_str(const struct cg_knob *k, const struct spec_resources *res, struct cg_writes *out,
                struct err *err)
{
	const char *s = *FIELD(char *, res, k->field);

	(void)err;
	if (s && *s)
		cg_write_add(out, k, k->file, k->flags, "%s", s);
	return 0;
}

int cg_emit_throttle(const struct cg_knob *k, const struct spec_resources *res,
                     struct cg_writes *out, struct err *err)
{
	const struct spec_throttle *list = *FIELD(struct spec_throttle *, res, k->field);
	size_t n = *FIELD(size_t, res, k->count);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		cg_write_add(out, k, k->file, k->flags, "%u:%u %s%llu", list[i].major,
		             list[i].minor, k->tag ? k->tag : "", (unsigned long long)list[i].rate);
		cg_write_index(out, i);
	}
	return 0;
}

int cg_emit_device_weight(const struct cg_knob *k, const struct spec_resources *res,
                          struct cg_writes *out, struct err *err)
{
	const struct spec_throttle *list = res->block_io.weight_device;
	bool leaf = k->tag && streq(k->tag, "leaf");

	(void)err;
	for (size_t i = 0; i < res->block_io.n_weight_device; i++) {
		const struct opt_u64 *w = leaf ? &list[i].leaf_weight : &list[i].weight;

		if (!w->set)
			continue;
		cg_write_add(out, k, k->file, k->flags, "%u:%u %llu", list[i].major, list[i].minor,
		             (unsigned long long)w->v);
		cg_write_index(out, i);
		if (!streq(k->controller, "blkio") || leaf)
			continue;
		cg_write_add(out, k, "blkio.bfq.weight_device", CG_W_ALTERNATIVE, "%u:%u %llu",
		             list[i].major, list[i].minor, (unsigned long long)w->v);
		cg_write_index(out, i);
	}
	return 0;
}

int cg_emit_hugepages(const struct cg_knob *k, const struct spec_resources *res,
                      struct cg_writes *out, struct err *err)
{
	for (size_t i = 0; i < res->n_hugepages; i++) {
		const struct spec_hugepage *h = &res->hugepages[i];
		char file[128];
		size_t ok =
		    strspn(h->page_size, "0123456789"
		                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

		/* It becomes part of a file name: checked again here, next to where it does. */
		if (ok == 0 || ok > 32 || h->page_size[ok])
			return err_text(err, -EINVAL, "hugepage size \"%.64s\": not a page size",
			                h->page_size);
		snprintf(file, sizeof(file), "hugetlb.%s.%s", h->page_size, k->tag);
		cg_write_add(out, k, file, k->flags, "%llu", (unsigned long long)h->limit);
		cg_write_index(out, i);
	}
	return 0;
}

int cg_emit_rdma(const struct cg_knob *k, const struct spec_resources *res, struct cg_writes *out,
                 struct err *err)
{
	(void)err;
	for (size_t i = 0; i < res->rdma.n; i++) {
		const struct spec_rdma *d = &res->rdma.list[i];
		char handles[40] = "", objects[40] = "";

		/* What is not named stays as it is. */
		if (d->hca_handles.set)
			snprintf(handles, sizeof(handles), " hca_handle=%llu",
			         (unsigned long long)d->hca_handles.v);
		if (d->hca_objects.set)
			snprintf(objects, sizeof(objects), " hca_object=%llu",
			         (unsigned long long)d->hca_objects.v);
		cg_write_add(out, k, k->file, k->flags, "%s%s%s", d->device, handles, objects);
	}
	return 0;
}
