/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what is kept: see keep_record.h. */
#include "shim/wire/keep_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define VERSION    1
#define RECORD_MAX 65536

#define M(name, field, kind, lo, hi, ...) \
	MEMBER(name, struct keep_record, field, kind, lo, hi, __VA_ARGS__)
#define PIPE(name, i) \
	M(name "_dev", pipes[i].dev, K_U64, 0, 0), M(name "_ino", pipes[i].ino, K_U64, 0, 0)

static const struct member members[] = {
	PIPE("stdin", 0),
	PIPE("stdout", 1),
	PIPE("stderr", 2),
	M("terminal", conf.terminal, K_BOOL, 0, 1),
	M("stdin_mode", conf.stdin_mode, K_INT, SHIM_STDIN_NEVER, SHIM_STDIN_KEEP),
	M("created_ns", conf.created_ns, K_I64, 0, INT64_MAX),
	M("started_ns", conf.started_ns, K_I64, 0, INT64_MAX),
	M("oom_kills", conf.oom_kills, K_I64, -1, INT64_MAX),
	M("log_path", conf.log_path, K_STRING, 0, PATH_MAX),
	M("log_format", conf.log_format, K_INT, 0, LOG_DRIVERS - 1),
	M("log_max", conf.log_max, K_SIZE, 4096, INT64_MAX),
	M("log_files", conf.log_files, K_INT, 1, 1000),
	M("journal", conf.journal, K_STRING, 0, 107),
};

struct keep_pipe keep_pipe_of(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return (struct keep_pipe){ 0 };
	return (struct keep_pipe){ st.st_dev, st.st_ino };
}

bool keep_pipe_is(const struct keep_pipe *p, int fd)
{
	struct keep_pipe other = keep_pipe_of(fd);

	return p->ino && p->ino == other.ino && p->dev == other.dev;
}

int keep_record_put(struct buf *b, const struct keep_record *rec)
{
	bool first = false;
	int r = buf_printf(b, "{\"version\":%d", VERSION);

	if (r >= 0)
		r = members_write(b, members, ARRAY_SIZE(members), rec, HANDOVER_VERSION, &first);
	return r < 0 ? r : buf_puts(b, "}\n");
}

int keep_record_parse(const char *text, size_t len, struct keep_record *ret, struct err *err)
{
	_cleanup_json_ cJSON *j = NULL;
	struct keep_record rec = { 0 };
	struct claims claims = { .n = 0 };
	char *strings;
	int r = json_parse(text, len, &j, err);

	if (r < 0)
		return err_prefix(err, "\"" KEEP_RECORD_NAME "\"");
	if (json_get_int(j, "version", 0) != VERSION)
		return err_text(err, -EINVAL,
		                "\"" KEEP_RECORD_NAME
		                "\" has a format that this version does not know");
	handover_init(&rec.conf);
	rec.owned = strings = malloc(len + 1); /* no string is longer than its JSON form */
	if (!strings)
		return err_set(err, -ENOMEM, "read \"" KEEP_RECORD_NAME "\"");
	r = members_read(j, members, ARRAY_SIZE(members), &rec, &claims, &strings, err);
	if (r < 0) {
		keep_record_done(&rec);
		return err_prefix(err, "\"" KEEP_RECORD_NAME "\"");
	}
	*ret = rec;
	return 0;
}

int keep_record_write_at(int dir_fd, const struct keep_record *rec)
{
	_cleanup_buf_ struct buf b = BUF_INIT(RECORD_MAX);
	int r = keep_record_put(&b, rec);

	return r < 0 ? r : file_replace_at(dir_fd, KEEP_RECORD_NAME, b.data, b.len, 0600, false);
}

int keep_record_read_at(int dir_fd, struct keep_record *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read_at(dir_fd, KEEP_RECORD_NAME, RECORD_MAX, &text, &len);

	if (r < 0)
		return err_set(err, r, "read \"" KEEP_RECORD_NAME "\"");
	return keep_record_parse(text, len, ret, err);
}

void keep_record_done(struct keep_record *rec)
{
	free(rec->owned);
	rec->owned = NULL;
}
