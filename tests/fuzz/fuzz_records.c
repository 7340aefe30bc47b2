/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own records in a container's directory: intent.json and state.json, exit.json, keep.json and
 * the exit command. They are ours, but a disk was full, a machine died, a version was another. The
 * input is one text, taken for each of the files.
 *
 * Holds: what is refused has its one line; an exit record that is taken is "unknown" or makes sense,
 * and says the same when it is written and read again; so do a record of what is kept and an exit
 * command; cgroups that are taken out of a journal stay below their hierarchy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strv.h"
#include "container/internal.h"
#include "fuzz.h"
#include "shim/wire/exit_command.h"
#include "shim/wire/keep_record.h"

static void check_exit(const char *text, size_t size)
{
	char again[EXIT_RECORD_SIZE];
	struct exit_record rec = { 0 }, rec2 = { 0 };
	size_t len;

	if (exit_record_parse(text, size, &rec) < 0)
		return;
	if (rec.known)
		CHECK(rec.code >= 0 && rec.code <= 255 && rec.signal >= 0 && rec.signal <= 127 &&
		      (!rec.signal || rec.code == 128 + rec.signal));
	else
		CHECK(rec.code == -1);
	len = exit_record_format(&rec, again);
	CHECK(len < EXIT_RECORD_SIZE && strlen(again) == len);
	CHECK(exit_record_parse(again, len, &rec2) == 0);
	CHECK(rec.known == rec2.known && rec.code == rec2.code && rec.signal == rec2.signal &&
	      rec.core == rec2.core && rec.oom == rec2.oom && rec.started_ns == rec2.started_ns &&
	      rec.exited_ns == rec2.exited_ns);
}

static void check_keep(const char *text, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1 << 20), b2 = BUF_INIT(1 << 20);
	struct keep_record rec = { 0 }, again = { 0 };
	struct err err = { 0 };
	int r = keep_record_parse(text, size, &rec, &err);

	fuzz_check_err(r, &err);
	if (r < 0)
		return;
	CHECK(keep_record_put(&b, &rec) == 0);
	CHECK(keep_record_parse(b.data, b.len, &again, NULL) == 0);
	CHECK(keep_record_put(&b2, &again) == 0 && streq(b.data, b2.data));
	keep_record_done(&rec);
	keep_record_done(&again);
}

static void check_command(void)
{
	_cleanup_close_ int fd = openat(fuzz_dir(), "text", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd2 = FD_INVALID;
	struct exit_command c, c2;

	if (exit_command_read_fd(fd, &c) < 0)
		return;
	CHECK(c.timeout_ms > 0 && c.argv[0] && c.argv[0][0] == '/');
	(void)unlinkat(fuzz_dir(), EXIT_COMMAND_NAME, 0);
	fd2 = exit_command_write_at(fuzz_dir(), &c);
	CHECK(fd2 >= 0 && exit_command_read_fd(fd2, &c2) == 0);
	CHECK(strv_len(c.argv) == strv_len(c2.argv) && strv_len(c.env) == strv_len(c2.env));
	for (size_t i = 0; c.argv[i]; i++)
		CHECK(streq(c.argv[i], c2.argv[i]));
	for (size_t i = 0; c.env[i]; i++)
		CHECK(streq(c.env[i], c2.env[i]));
	exit_command_done(&c);
	exit_command_done(&c2);
}

static void check_cgroup(const struct cg *cg)
{
	for (size_t i = 0; cg && i < cg->n_dirs; i++) {
		CHECK(cg->dirs[i].mount[0] == '/' && cg->dirs[i].path[0] == '/');
		CHECK(!path_has_dotdot(cg->dirs[i].path) && cg->dirs[i].path[1]);
	}
}

static void check_terminated(const char *s, size_t size)
{
	CHECK(strnlen(s, size) < size);
}

/* As a container's directory: the text in both places, then in one. */
static void check_container(const char *text, size_t size)
{
	static const char id[] = "c1";
	static const char *const names[] = { "intent.json", "state.json" };

	for (int which = 1; which <= 3; which++) {
		struct ctr_root root = { .path = (char *)"/nowhere", .fd = fuzz_dir() };
		struct ctr *ctr = NULL;
		struct err err = { 0 };
		int r;

		(void)file_remove_tree_at(fuzz_dir(), id);
		CHECK(mkdirat(fuzz_dir(), id, 0700) == 0);
		for (int i = 0; i < 2; i++)
			if (which & 1 << i) {
				_cleanup_free_ char *path = path_join(id, names[i]);

				fuzz_file(path, text, size);
			}
		r = ctr_open(&root, id, false, &ctr, &err);
		fuzz_check_err(r, &err);
		if (r == 0) {
			check_cgroup(ctr->cgroup);
			check_cgroup(ctr->shim_cgroup);
			check_terminated(ctr->boot_id, sizeof(ctr->boot_id));
			check_terminated(ctr->init.boot_id, sizeof(ctr->init.boot_id));
			ctr_close(ctr);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);

	check_exit(text, size);
	check_keep(text, size);
	fuzz_file("text", text, size);
	check_command();
	check_container(text, size);
	return 0;
}
