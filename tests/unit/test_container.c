/* SPDX-License-Identifier: Apache-2.0 */
/* The container object without any kernel side: state root, reservation, records, lock, status,
 * removal; and the sync messages. */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strv.h"

static char dir[] = "/tmp/test_container.XXXXXX";
static struct ctr_root root;
static struct spec spec = { .bundle = (char *)"/b", .text = (char *)"{}", .text_len = 2 };

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	return ctr_root_open(dir, false, &root, NULL);
}

static int teardown(void **state)
{
	(void)state;
	ctr_root_done(&root);
	return file_remove_tree_at(AT_FDCWD, dir);
}

static void test_ids(void **state)
{
	static const char *const good[] = { "a", "A-b_c.d+1", "0" };
	static const char *const bad[] = { "",    ".",   "..",       ".a",  "-a",   "a/b", "../x",
		                           "a b", "a\n", "\xc3\xa9", "a%s", "a\\b", "a:b" };
	char longest[202];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(ctr_id_valid(good[i], NULL));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ctr_id_valid(bad[i], NULL))
			fail_msg("\"%s\" was accepted", bad[i]);
	memset(longest, 'x', sizeof(longest));
	longest[201] = '\0';
	assert_false(ctr_id_valid(longest, NULL));
	longest[200] = '\0';
	assert_true(ctr_id_valid(longest, NULL));
}

static void test_root_refused(void **state)
{
	struct ctr_root r = { .fd = FD_INVALID };
	struct err err = { 0 };
	char path[64];

	(void)state;
	assert_int_equal(ctr_root_open("/", false, &r, &err), -EINVAL);
	assert_int_equal(ctr_root_open("", false, &r, &err), -EINVAL);
	assert_int_equal(ctr_root_open("/x/..", false, &r, &err), -EINVAL);
	snprintf(path, sizeof(path), "%s/open", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(ctr_root_open(path, false, &r, &err), -EPERM);
	assert_non_null(strstr(err.msg, "written by others"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_true(ctr_root_open(path, false, &r, &err) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ctr_root_open(path, false, &r, &err), -ENOENT);
	assert_int_equal(ctr_root_open(path, true, &r, &err), 0);
	ctr_root_done(&r);
	assert_int_equal(rmdir(path), 0);
}

static struct ctr *reserve(const char *id)
{
	struct ctr *ctr = NULL;

	assert_int_equal(ctr_reserve(&root, id, &spec, NULL, NULL, &ctr, NULL), 0);
	return ctr;
}

static void test_reservation(void **state)
{
	struct ctr *ctr = reserve("one"), *other = NULL;
	struct err err = { 0 };
	_cleanup_strv_ char **ids = NULL;

	(void)state;
	assert_int_equal(ctr_reserve(&root, "one", &spec, NULL, NULL, &other, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "container with given ID already exists"));
	/* Held by its creator: being created; let go without a state: cut off. */
	assert_int_equal(ctr_open(&root, "one", false, &other, NULL), 0);
	assert_int_equal(ctr_status(other), CTR_CREATING);
	assert_false(ctr_is_aborted(other));
	assert_string_equal(other->bundle, "/b");
	ctr_close(ctr);
	assert_int_equal(ctr_status(other), CTR_STOPPED);
	assert_true(ctr_is_aborted(other));
	ctr_close(other);
	assert_int_equal(ctr_list_ids(&root, &ids, NULL), 0);
	assert_int_equal(strv_len(ids), 1);
	assert_int_equal(ctr_open(&root, "one", true, &ctr, NULL), 0);
	assert_int_equal(ctr_delete(ctr, false, NULL), 0);
	ctr_close(ctr);
	assert_int_equal(ctr_open(&root, "one", false, &ctr, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "does not exist"));
}

/* What is to be taken from the host's mount table again is in the journal, and what is not there
 * is no error. */
static void test_host_root_record(void **state)
{
	struct ctr *ctr = reserve("mounts"), *again = NULL;
	struct mnt_host_root *root_mounts = xcalloc(1, sizeof(*root_mounts));
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/mnt", &st), 0);
	*root_mounts = (struct mnt_host_root){ .path = xstrdup("/b \"x\"/rootfs"),
		                               .ns = st.st_ino,
		                               .id = { 2147483001, 2147483002 },
		                               .unique = { UINT64_MAX - 1, UINT64_MAX } };
	ctr->host_root = root_mounts;
	assert_int_equal(record_write_intent(ctr, NULL), 0);
	assert_int_equal(ctr_open(&root, "mounts", false, &again, NULL), 0);
	assert_non_null(again->host_root);
	assert_string_equal(again->host_root->path, "/b \"x\"/rootfs");
	assert_true(again->host_root->ns == st.st_ino);
	for (int i = 0; i < MNT_HOST_ROOTS; i++) {
		assert_true(again->host_root->id[i] == root_mounts->id[i]);
		assert_true(again->host_root->unique[i] == root_mounts->unique[i]);
	}
	assert_int_equal(ctr_reload(again, NULL), 0);
	assert_non_null(again->host_root);
	ctr_close(again);
	assert_int_equal(ctr_destroy(ctr, false, NULL), 0);
	ctr_close(ctr);
}

static void test_state_record(void **state)
{
	struct spec_kv kv = { (char *)"key", (char *)"va\"lue\n" };
	struct ctr *ctr = reserve("two"), *again = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *j = NULL;

	(void)state;
	ctr->oci_version = xstrdup("1.2.0");
	ctr->rootfs = xstrdup("/b/rootfs");
	ctr->init = (struct ctr_identity){ .pid = 2147483,
		                           .start_time = UINT64_MAX,
		                           .pidfs_ino = (uint64_t)1 << 60,
		                           .boot_id = "other" };
	ctr->annotations = xcalloc(1, sizeof(kv));
	ctr->annotations[0] = (struct spec_kv){ xstrdup(kv.key), xstrdup(kv.value) };
	ctr->n_annotations = 1;
	ctr->hooks = 1u << HOOK_POSTSTOP;
	assert_int_equal(record_write_state(ctr, NULL), 0);
	assert_int_equal(ctr_open(&root, "two", false, &again, NULL), 0);
	assert_true(again->has_state);
	assert_int_equal(again->init.pid, 2147483);
	assert_true(again->init.start_time == UINT64_MAX);
	assert_true(again->init.pidfs_ino == (uint64_t)1 << 60);
	assert_string_equal(again->annotations[0].value, kv.value);
	assert_int_equal(again->hooks, ctr->hooks);
	assert_int_equal(ctr_status(again), CTR_STOPPED); /* no such process, in no such boot */
	text = ctr_state_json(again, "me", true);
	assert_int_equal(json_parse(text, strlen(text), &j, NULL), 0);
	assert_int_equal(json_get_int(j, "pid", -1), 0);
	assert_string_equal(json_get_str(j, "status", ""), "stopped");
	assert_string_equal(json_get_str(j, "owner", ""), "me");
	ctr_close(again);
	assert_int_equal(ctr_destroy(ctr, false, NULL), 0);
	ctr_close(ctr);
}

static void test_damaged_records(void **state)
{
	static const char *const texts[] = { "",     "{",
		                             "[]",   "{\"version\":99}",
		                             "\x01", "{\"version\":1,\"cgroup\":7}" };
	struct ctr *ctr = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		ctr = reserve("bad");
		assert_int_equal(file_replace_at(ctr->dir_fd, "intent.json", texts[i],
		                                 strlen(texts[i]), 0600, false),
		                 0);
		ctr_close(ctr);
		if (ctr_open(&root, "bad", false, &ctr, NULL) == 0)
			fail_msg("\"%s\" was accepted", texts[i]);
		assert_int_equal(ctr_open_damaged(&root, "bad", &ctr, NULL), 0);
		assert_int_equal(ctr_delete(ctr, true, NULL), 0);
		ctr_close(ctr);
	}
}

/* Whoever waits for the lock of a container that is deleted meanwhile must not get its ghost. */
static void test_deleted_while_waiting(void **state)
{
	struct ctr *ctr = reserve("ghost"), *waiting = NULL;

	(void)state;
	assert_int_equal(ctr_open(&root, "ghost", false, &waiting, NULL), 0);
	assert_int_equal(ctr_destroy(ctr, false, NULL), 0);
	ctr_close(ctr);
	assert_int_equal(ctr_lock(waiting, NULL), -ENOENT);
	ctr_close(waiting);
}

static void test_shim_links(void **state)
{
	struct ctr_root deep = { .path = (char *)"/a-state-root-that-is-long-enough-to-make-the-"
		                                 "path-of-the-socket-too-long-for-the-kernel/x" };
	_cleanup_free_ char *none = ctr_shim_link(&root, "one");
	_cleanup_free_ char *a = ctr_shim_link(&deep, "one-with-a-long-name");
	_cleanup_free_ char *b = ctr_shim_link(&deep, "two-with-a-long-name");

	(void)state;
	assert_null(none);
	assert_true(strlen(a) <= 107);
	assert_string_not_equal(a, b);
}

static void test_sync(void **state)
{
	struct err err = { 0 }, theirs = { .code = -ENOENT,
		                           .exit_status = 255,
		                           .msg = "no \033[31m such thing" };
	int sock[2], value = 7, got = 0, fd = FD_INVALID;
	struct {
		uint32_t type, len;
		char data[8];
	} raw = { SYNC_READY, 100, "" };

	(void)state;
	assert_int_equal(sync_pair(sock, NULL), 0);
	assert_int_equal(sync_send(sock[0], SYNC_GO, &value, sizeof(value), FD_INVALID, NULL), 0);
	assert_int_equal(sync_expect(sock[1], SYNC_GO, &got, sizeof(got), NULL, NULL), 0);
	assert_int_equal(got, 7);
	/* another message than the expected one; too long a payload; a descriptor that is missing
	 */
	assert_int_equal(sync_send(sock[0], SYNC_READY, NULL, 0, FD_INVALID, NULL), 0);
	assert_int_equal(sync_expect(sock[1], SYNC_GO, NULL, 0, NULL, &err), -EPROTO);
	assert_int_equal(sync_send(sock[0], SYNC_GO, "12345678", 8, FD_INVALID, NULL), 0);
	assert_int_equal(sync_expect(sock[1], SYNC_GO, &got, sizeof(got), NULL, NULL), -EPROTO);
	assert_int_equal(sync_send(sock[0], SYNC_PIDFD, NULL, 0, FD_INVALID, NULL), 0);
	assert_int_equal(sync_expect(sock[1], SYNC_PIDFD, NULL, 0, &fd, NULL), -EPROTO);
	assert_int_equal(sync_send(sock[0], SYNC_PIDFD, NULL, 0, sock[0], NULL), 0);
	assert_int_equal(sync_expect(sock[1], SYNC_PIDFD, NULL, 0, &fd, NULL), 0);
	assert_true(fd >= 0);
	fd_close(fd);
	/* a length that lies, a message that is cut */
	assert_int_equal(send(sock[0], &raw, sizeof(raw), 0), sizeof(raw));
	assert_int_equal(sync_expect(sock[1], SYNC_READY, NULL, 0, NULL, NULL), -EPROTO);
	assert_int_equal(send(sock[0], &raw, 3, 0), 3);
	assert_int_equal(sync_expect(sock[1], SYNC_READY, NULL, 0, NULL, NULL), -EPROTO);
	/* an error crosses as it is, its text escaped */
	sync_send_error(sock[0], &theirs);
	assert_int_equal(sync_expect(sock[1], SYNC_READY, NULL, 0, NULL, &err), -ENOENT);
	assert_int_equal(err.exit_status, 255);
	assert_null(strchr(err.msg, '\033'));
	fd_close(sock[0]);
	assert_int_equal(sync_expect(sock[1], SYNC_READY, NULL, 0, NULL, NULL), -EPIPE);
	fd_close(sock[1]);
}

static void test_fifos(void **state)
{
	struct ctr *ctr = reserve("fifo");
	int fifo = FD_INVALID, report = FD_INVALID;

	(void)state;
	assert_int_equal(fifo_init_waits(ctr->dir_fd), 0);
	assert_int_equal(fifo_make(ctr->dir_fd, &fifo, &report, NULL), 0);
	assert_int_equal(fifo_init_waits(ctr->dir_fd), 1);
	fd_close(fifo);
	assert_int_equal(fifo_init_waits(ctr->dir_fd), 0);
	fd_close(report);
	assert_int_equal(ctr_destroy(ctr, false, NULL), 0);
	ctr_close(ctr);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_root_refused),
		cmocka_unit_test(test_reservation),
		cmocka_unit_test(test_host_root_record),
		cmocka_unit_test(test_state_record),
		cmocka_unit_test(test_damaged_records),
		cmocka_unit_test(test_deleted_while_waiting),
		cmocka_unit_test(test_shim_links),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_fifos),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
