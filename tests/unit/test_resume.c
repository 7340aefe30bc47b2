/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a shim through text and back. A shim is filled so that every member has another
 * value than its default (which is checked, so a new row has to be filled in here), written, read
 * into a blank one, and written again: both texts and all bytes must be the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "shim/resume.h"

#define RING 32768

static int any_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd > 2);
	return fd;
}

static int memfd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd > 2);
	return fd;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
}

static void start(struct shim *shim, ev_timer *t, double seconds)
{
	ev_timer_init(t, on_timer, seconds, 0.);
	ev_timer_start(shim->loop, t);
}

static void fill_source(struct source *src, unsigned int salt)
{
	struct iovec iov[2];
	size_t total = 3 * RING + 1234 + salt, n;

	assert_int_equal(ring_init(&src->ring, RING), 0);
	while (src->ring.head < total) {
		n = total - src->ring.head < 1000 ? total - src->ring.head : 1000;
		for (int i = 0, k = ring_space(&src->ring, n, iov); i < k; i++)
			for (size_t j = 0; j < iov[i].iov_len; j++)
				((uint8_t *)iov[i].iov_base)[j] =
				    (uint8_t)(src->ring.head * salt + j * 7);
		ring_commit(&src->ring, n);
	}
	src->open = src->emptied = true;
	src->fd = FD_INVALID;
	src->logged.offset = total - 17;
	src->part_head = total - 3;
	src->ring.origin = 5 + salt;
}

static void fill_conf(struct shim_handover *h)
{
	handover_init(h);
	h->id = "an \"id\"";
	h->name = "ex";
	h->session_path = "/run/x";
	h->log_path = "/run/x/log";
	h->pid = 4242;
	h->dir_fd = any_fd();
	h->pidfd = any_fd();
	h->listen_fd = any_fd();
	h->stdin_fd = any_fd();
	h->stdout_fd = any_fd();
	h->stderr_fd = any_fd();
	h->pty_fd = any_fd();
	h->oom_fd = any_fd();
	h->cgroup_kill_fd = any_fd();
	h->freeze_fd = any_fd();
	h->stat_fd = any_fd();
	h->exit_command_fd = any_fd();
	h->ready_fd = any_fd();
	h->terminal = true;
	h->stdin_mode = SHIM_STDIN_ONCE;
	h->created_ns = INT64_C(1795303260483312487);
	h->sequence = 40;
	h->origin = 41;
	h->oom_kills = 42;
	h->adopted = h->terminal_lost = true;
	h->journal = "/run/j";
	h->log_format = LOG_JSON_FILE;
	h->log_max = 123456;
	h->log_files = 7;
	h->ring_size = RING;
	h->drain_ms = 4321;
	h->linger_ms = 30000;
}

static void fill_session(struct session *s)
{
	s->status = SESSION_EXITED;
	s->started_ns = INT64_C(1795303260483312999);
	s->rows = 33;
	s->cols = 99;
	s->slave_fd = any_fd();
	s->stdin_blocked = s->has_log = true;
	s->log.dir_fd = any_fd();
	s->log.fd = any_fd();
	s->log.size = 1000;
	s->log.written = UINT64_MAX - 5;
	s->log.lost = 11;
	s->log.lost_total = 12;
	s->log.error = -ENOSPC;
	s->log.retry_ns = 5;
	s->log.last_ns = 6;
	s->log.way = LOG_TO_HELPER;
	s->log.out_fd = any_fd();
	s->log.helper_pidfd = any_fd();
	s->log.helper_version = 1;
	s->log.handed = 13;
	s->log.handled = 14;
	s->log.helper_lost = 15;
	s->ended_ns = 16;
	s->reaped = s->published = s->record_failed = s->released = true;
	s->exit = (struct exit_record){ .known = true,
		                        .code = 137,
		                        .signal = 9,
		                        .core = true,
		                        .oom = true,
		                        .started_ns = 76,
		                        .exited_ns = 77 };
	s->oom_epfd = any_fd();
	s->oom_base = 3;
	s->oom = true;
	s->freeze_epfd = any_fd();
	s->helper_fd = any_fd();
	s->frozen = s->ended = true;
	history_init(&s->history, 40);
	history_add(&s->history, EVENT_STARTED, 41);
	history_add(&s->history, EVENT_PAUSED, 42);
}

static struct client *new_client(struct shim *shim, enum client_mode mode)
{
	struct client *c = client_new(shim, any_fd());

	assert_non_null(c);
	c->mode = mode;
	c->gone = c->in_eof = c->finishing = true;
	c->since = 1795303260.25;
	assert_int_equal(buf_add(&c->in, "half a mess", 11), 0);
	assert_int_equal(buf_add(&c->out, "sent and not sent", 17), 0);
	c->out_off = 9;
	return c;
}

static void fill_clients(struct shim *shim)
{
	struct client *c = new_client(shim, CLIENT_CALLS);

	c->pending = PENDING_MONITOR;
	c->more = c->oneway = true;
	c->state_told = c->missed = true;
	c->sequence = 8;

	c = new_client(shim, CLIENT_ATTACHED);
	shim->n_attached++;
	c->writer = c->starved = c->exit_told = c->slow = true;
	c->readonly = c->ends_stdin = true;
	c->eof_told[0] = c->eof_told[1] = true;
	c->frame_off = 100;
	c->cursor[0] = 1;
	c->cursor[1] = 2;
	c->rows = 3;
	c->cols = 4;
	c->patience = -0.5;
	c->refilled = 1795303260.5;
	c->stalled = 1795303260.75;
	shim->once_owner = shim->mid_frame = c;
	/* A slot that is empty, and one whose client is gone. */
	c = new_client(shim, CLIENT_CALLS);
	c->dead = true;
	c = new_client(shim, CLIENT_CALLS);
	c->writable = false;
}

static void fill(struct shim *shim)
{
	shim->loop = ev_loop_new(EVFLAG_NOENV);
	assert_non_null(shim->loop);
	fill_conf(&shim->session.conf);
	fill_session(&shim->session);
	fill_source(&shim->session.out[0], 3);
	fill_source(&shim->session.out[1], 5);
	shim->next_input = 9;
	shim->dir_inotify = any_fd();
	shim->fdinfo_fd = any_fd();
	shim->depth = 2;
	shim->orphaned = shim->shutdown = shim->ending = true;
	shim->lock_level = 1;
	fill_clients(shim);
	start(shim, &shim->session.drain_timer, 20);
	start(shim, &shim->session.part_timer, 30);
	start(shim, &shim->session.reopen_timer, 40);
	start(shim, &shim->session.redraw_timer, 60);
	start(shim, &shim->accept_timer, 50);
}

static char *write_out(const struct shim *shim, int data_fd)
{
	int fd = memfd();
	char *text;

	assert_int_equal(resume_write(shim, HANDOVER_VERSION, fd, data_fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(file_read_fd(fd, HANDOVER_MAX, &text, NULL), 0);
	fd_close(fd);
	return text;
}

static cJSON *tree(const char *text)
{
	cJSON *root = NULL;
	struct err err = { 0 };

	if (json_parse(text, strlen(text), &root, &err) < 0)
		fail_msg("%s", err.msg);
	return root;
}

/* Not what a reader would have without the member. */
static bool is_special(const cJSON *j)
{
	int64_t v;

	if (cJSON_IsBool(j))
		return cJSON_IsTrue(j);
	if (json_is_string(j))
		return *j->valuestring;
	return json_int64(j, &v) < 0 || (v != 0 && v != FD_INVALID && v != -1);
}

static void check_special(const cJSON *root, const cJSON *resume)
{
	const cJSON *j, *c, *clients = json_get(resume, "clients");

	cJSON_ArrayForEach (j, root)
		if (!cJSON_IsObject(j) && !is_special(j))
			fail_msg("%s has its default", j->string);
	cJSON_ArrayForEach (j, resume)
		if (!cJSON_IsArray(j) && !is_special(j) && !streq(j->string, "stdout_at"))
			fail_msg("%s has its default", j->string);
	assert_int_equal(cJSON_GetArraySize(clients), 3);
	/* In at least one of them. */
	cJSON_ArrayForEach (j, clients->child) {
		bool found = false;

		cJSON_ArrayForEach (c, clients)
			found |= is_special(json_get(c, j->string));
		if (!found)
			fail_msg("%s of clients has its default", j->string);
	}
}

static int read_back(cJSON *root, int data_fd, struct shim *shim, struct resume *resume,
                     struct err *err)
{
	struct claims claims = { .n = 0 };
	int r;

	memset(shim, 0, sizeof(*shim));
	err_clear(err);
	r = handover_parse(root, 4096, &claims, &shim->session.conf, err);
	if (r < 0)
		return r;
	return resume_read(json_get(root, "resume"), data_fd, &claims, shim, resume, err);
}

static void drop(struct shim *shim)
{
	handover_done(&shim->session.conf);
	for (int i = 0; i < 2; i++)
		ring_done(&shim->session.out[i].ring);
	for (int i = 0; i < SHIM_CLIENTS_MAX; i++) {
		if (!shim->clients[i])
			continue;
		buf_done(&shim->clients[i]->in);
		buf_done(&shim->clients[i]->out);
		free(shim->clients[i]);
	}
	memset(shim, 0, sizeof(*shim));
}

/* What depends on the moment, and on which file was written to. */
static char *stable(cJSON *root)
{
	static const char *const keys[] = { "drain_left",  "part_left", "reopen_left",
		                            "redraw_left", "data_fd",   "accept_waits" };
	cJSON *resume = cJSON_GetObjectItemCaseSensitive(root, "resume");

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(resume, keys[i]);
	return cJSON_Print(root);
}

static struct shim before, after;

static void test_round_trip(void **state)
{
	_cleanup_json_ cJSON *first = NULL, *second = NULL;
	int data1 = memfd(), data2 = memfd();
	char *text1, *text2, *s1, *s2, *bytes1, *bytes2;
	size_t len1, len2;
	struct resume resume;
	struct err err;

	(void)state;
	fill(&before);
	text1 = write_out(&before, data1);
	first = tree(text1);
	check_special(first, json_get(first, "resume"));
	if (read_back(first, FD_INVALID, &after, &resume, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(resume.data_fd, data1);
	assert_true(resume.drain > 15 && resume.drain <= 20 && resume.part > 25 &&
	            resume.part <= 30 && resume.reopen > 35 && resume.reopen <= 40 &&
	            resume.redraw > 55 && resume.redraw <= 60);
	assert_true(resume.accept_waits);
	assert_ptr_equal(after.once_owner, after.clients[1]);
	assert_ptr_equal(after.mid_frame, after.clients[1]);
	assert_null(after.clients[2]);
	assert_true(after.clients[3] && !after.clients[3]->writable);
	assert_int_equal(after.n_clients, 3);
	assert_int_equal(after.n_attached, 1);
	/* session_init() takes these over from conf */
	after.session.started_ns = after.session.conf.started_ns;
	assert_int_equal(history_read(after.session.conf.events, &after.session.history), 0);
	after.session.rows = after.session.conf.rows;
	after.session.cols = after.session.conf.cols;
	after.loop = before.loop;
	text2 = write_out(&after, data2);
	second = tree(text2);
	s1 = stable(first);
	s2 = stable(second);
	assert_string_equal(s1, s2);
	assert_int_equal(lseek(data1, 0, SEEK_SET), 0);
	assert_int_equal(lseek(data2, 0, SEEK_SET), 0);
	assert_int_equal(file_read_fd(data1, 1 << 20, &bytes1, &len1), 0);
	assert_int_equal(file_read_fd(data2, 1 << 20, &bytes2, &len2), 0);
	/* both rings, and three clients with 11 and 8 bytes */
	assert_int_equal(len1, 2 * RING + 3 * (11 + 8));
	assert_int_equal(len1, len2);
	assert_memory_equal(bytes1, bytes2, len1);
	free(text1);
	free(text2);
	cJSON_free(s1);
	cJSON_free(s2);
	free(bytes1);
	free(bytes2);
	fd_close(data1);
	fd_close(data2);
	drop(&after);
}

/* change what a reader gets: text is JSON to be parsed in place of the member key of where */
static int with(const char *where, const char *key, const char *text)
{
	_cleanup_json_ cJSON *root = NULL;
	int data = memfd(), r;
	char *out = write_out(&before, data);
	struct resume resume;
	struct err err;
	cJSON *in;

	root = tree(out);
	in = root;
	if (*where)
		in = cJSON_GetObjectItemCaseSensitive(root, "resume");
	if (streq(where, "client"))
		in = cJSON_GetObjectItemCaseSensitive(in, "clients")->child;
	cJSON_DeleteItemFromObjectCaseSensitive(in, key);
	if (text)
		cJSON_AddItemToObject(in, key, cJSON_Parse(text));
	r = read_back(root, data, &after, &resume, &err);
	if (r < 0 && !err.msg[0])
		fail_msg("no message for %s", key);
	if (r < 0 && !strstr(err.msg, "hand-over"))
		fail_msg("message for %s: %s", key, err.msg);
	if (strchr(err.msg, '\n'))
		fail_msg("two lines: %s", err.msg);
	free(out);
	fd_close(data);
	return r;
}

static void test_compatible(void **state)
{
	(void)state;
	/* What a later version adds is ignored, unless it may not be lost; what it drops is
	 * default.
	 */
	assert_int_equal(with("", "new-thing", "{\"a\":[1,2]}"), 0);
	drop(&after);
	assert_int_equal(with("resume", "new-thing", "[1]"), 0);
	drop(&after);
	assert_int_equal(with("client", "new-thing", "\"x\""), 0);
	drop(&after);
	assert_int_equal(with("resume", "oom_base", NULL), 0);
	assert_int_equal(after.session.oom_base, 0);
	drop(&after);
	assert_int_equal(with("resume", "slave_fd", NULL), 0);
	assert_int_equal(after.session.slave_fd, FD_INVALID);
	drop(&after);
	assert_int_equal(with("", "must-new", "1"), -EOPNOTSUPP);
	assert_int_equal(with("resume", "must-new", "1"), -EOPNOTSUPP);
	drop(&after);
	assert_int_equal(with("client", "must-new", "1"), -EOPNOTSUPP);
	drop(&after);
}

static void test_refused(void **state)
{
	static const struct {
		const char *where, *key, *text;
	} bad[] = {
		{ "", "version", "0" },
		{ "", "version", NULL },
		{ "", "version", "999" },
		{ "", "id", NULL },
		{ "", "stdin_mode", "3" },
		{ "resume", "status", "3" },
		{ "resume", "status", "\"x\"" },
		{ "resume", "reaped", "1" },
		{ "resume", "log_fd", "2" },
		{ "resume", "log_helper_version", "2" },
		{ "resume", "log_helper_version", "-1" },
		{ "resume", "log_fd", "10000" },
		{ "resume", "stdout_head", "100" }, /* less than was logged */
		{ "resume", "stdout_head", "-1" },
		{ "resume", "stdout_size", "0" },
		{ "resume", "stdout_size", "12345" },
		{ "resume", "stderr_at", "1000000" },
		{ "resume", "stderr_logged", "99999999" },
		{ "resume", "clients", "1" },
		{ "client", "fd", NULL },
		{ "client", "fd", "-1" },
		{ "client", "mode", "2" },
		{ "client", "pending", "99" },
		{ "client", "slot", "192" },
		{ "client", "slot", "-1" },
		{ "client", "stdout_next", "99999999" },
		{ "client", "in_len", "65537" },
		{ "client", "in_at", "9999999" },
		{ "client", "out_len", "1000000" },
		{ "client", "frame_off", "-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (with(bad[i].where, bad[i].key, bad[i].text) >= 0)
			fail_msg("%s %s was taken", bad[i].key, bad[i].text);
		drop(&after);
	}
}

/* Rows of a later version are left out of an older text; "must-" ones while they say nothing. */
static void test_writer(void **state)
{
	struct thing {
		int a, b, c, d;
	} t = { 1, 2, 0, 4 };
	const struct member rows[] = {
		MEMBER("a", struct thing, a, K_INT, 0, 9),
		MEMBER("b", struct thing, b, K_INT, 0, 9, .since = 3),
		MEMBER("must-c", struct thing, c, K_INT, 0, 9),
		MEMBER("must-d", struct thing, d, K_INT, 0, 9),
	};
	_cleanup_buf_ struct buf old = BUF_INIT(1000), new = BUF_INIT(1000);
	bool first = true;

	(void)state;
	assert_int_equal(members_write(&old, rows, ARRAY_SIZE(rows), &t, 2, &first), 0);
	assert_string_equal(old.data, "\"a\":1,\n\"must-d\":4");
	first = true;
	assert_int_equal(members_write(&new, rows, ARRAY_SIZE(rows), &t, 3, &first), 0);
	assert_string_equal(new.data, "\"a\":1,\n\"b\":2,\n\"must-d\":4");
}

/* A place without room fails; nothing else happens. */
static void test_no_room(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), data = memfd();

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(resume_write(&before, HANDOVER_VERSION, full, data), -ENOSPC);
	assert_int_equal(resume_write(&before, HANDOVER_VERSION, data, full), -ENOSPC);
	fd_close(full);
	fd_close(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_compatible),
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_writer),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
