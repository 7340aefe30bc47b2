/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting old limits back. An update either takes effect as a whole or not at all, as far as the
 * kernel lets us: each file is read before it is written, and the list is run backwards on failure.
 */
#include "cgroup/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "berth/log.h"

/* "8:0 ...", "default ...", "eth0 ...": files with a line for each device or interface. */
static bool is_keyed(const char *file, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	return strncmp(file, "net_prio.", 9) == 0 || (digits > 0 && value[digits] == ':') ||
	       strncmp(value, "default ", 8) == 0;
}

static const char *line_of(const char *text, const char *key, size_t len)
{
	for (const char *p = text; *p; p += strspn(p, "\n")) {
		if (strncmp(p, key, len) == 0 && p[len] == ' ')
			return p;
		p += strcspn(p, "\n");
	}
	return NULL;
}

char *cg_undo_value(const char *file, const char *value, const char *now)
{
	size_t len = strcspn(value, " ");
	const char *line;

	if (!is_keyed(file, value)) {
		if (strncmp(file, "memory.oom_control", 18) == 0)
			return xstrdup(strstr(now, "oom_kill_disable 1") ? "1" : "0");
		return strchr(now, '\n') ? NULL : xstrdup(now);
	}
	line = line_of(now, value, len);
	if (line)
		return xstrndup(line, strcspn(line, "\n"));
	if (strncmp(file, "io.max", 6) == 0)
		return xasprintf("%.*s rbps=max wbps=max riops=max wiops=max", (int)len, value);
	if (strncmp(value, "default", 7) == 0) /* a file of one number, bfq's of old */
		return strchr(now, '\n') ? NULL : xstrdup(now);
	return xasprintf("%.*s %s", (int)len, value,
	                 strncmp(file, "io.", 3) == 0 ? "default" : "0");
}

void cg_undo_add(struct cg_undo *undo, const struct cg_dir *dir, const char *file,
                 const char *value)
{
	undo->list = xreallocarray(undo->list, undo->n + 1, sizeof(*undo->list));
	undo->list[undo->n++] =
	    (struct cg_undo_entry){ .dir = dir, .file = xstrdup(file), .value = xstrdup(value) };
}

void cg_undo_run(const struct cg_undo *undo)
{
	/* Twice: a value may have to wait for its neighbour, as on the way there. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = undo->n; i-- > 0;) {
			const struct cg_undo_entry *e = &undo->list[i];
			_cleanup_close_ int fd = cg_dir_open(e->dir, NULL);
			int r = fd < 0 ? fd : cg_write_file(fd, e->file, e->value);

			if (r < 0 && pass == 1)
				log_debug("put \"%s\" back into %s: %s", e->value, e->file,
				          strerror(-r));
		}
}

void cg_undo_done(struct cg_undo *undo)
{
	for (size_t i = 0; i < undo->n; i++) {
		free(undo->list[i].file);
		free(undo->list[i].value);
	}
	free(undo->list);
	*undo = (struct cg_undo){ 0 };
}
