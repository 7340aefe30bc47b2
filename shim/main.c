/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth-shim: keeps one process. Started by the runtime's keeper, which becomes it by execve:
 *
 *	berth-shim --handover FD
 *
 * Order: take over, set up, serve, say so, give up what serving does not need, loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "berth/log.h"
#include "shim/resume.h"
#include "version.h"

static const char usage[] =
    "usage: berth-shim --handover FD | --version\n"
    "Keeps the standard streams and the exit status of one process. Started by berth.\n";

/* Memory goes back to the kernel at once: what a burst of clients needed must not stay. */
static void setup_malloc(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 16 * 1024);
	mallopt(M_TOP_PAD, 4 * 1024);
	mallopt(M_MMAP_THRESHOLD, 32 * 1024);
}

/* Signals that a stray kill or a closed terminal may send must not end the shim. */
static void setup_signals(void)
{
	static const int ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2
	};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Understand the hand-over, and own what it names and nothing else. */
static int take_over(int fd, struct shim *shim, struct resume *resume, struct err *err)
{
	_cleanup_json_ cJSON *root = NULL;
	struct claims claims = { .n = 0 };
	const cJSON *object;
	size_t len;
	int r;

	r = handover_load(fd, &root, &len, err);
	if (r >= 0)
		r = handover_parse(root, len, &claims, &shim->session.conf, err);
	if (r < 0)
		return r;
	object = json_get(root, "resume");
	if (object) {
		r = resume_read(object, FD_INVALID, &claims, shim, resume, err);
		shim->resume = resume;
		shim->resumed = true;
	}
	if (r >= 0)
		r = handover_check(&shim->session.conf, object, err);
	if (r >= 0)
		r = claims_keep_only(&claims, err);
	fd_reset(&resume->data_fd);
	return r;
}

static int setup(struct shim *shim, int fd, struct err *err)
{
	static struct resume resume = { .data_fd = FD_INVALID };
	int r = take_over(fd, shim, &resume, err);

	if (r < 0)
		return r;
	if (!shim->resume)
		r = helper_start(shim, err);
	if (r < 0)
		return r;
	/* Better the container is killed for want of memory than what knows about it. */
	if (!shim->resume)
		(void)file_write_at(AT_FDCWD, "/proc/self/oom_score_adj", "-999");
	r = loop_init(shim, err);
	if (r >= 0)
		r = session_init(shim, err);
	if (r >= 0)
		r = listen_init(shim, err);
	if (r >= 0)
		client_resumed_all(shim);
	shim->resume = NULL;
	return r;
}

static void say_ready(struct shim *shim)
{
	struct shim_handover *h = &shim->session.conf;

	if (h->ready_fd >= 0)
		(void)!write(h->ready_fd, "1", 1);
	fd_reset(&h->ready_fd);
}

/*
 * A process that nobody keeps must not live on; its record says how it ended. But one that has run
 * for long is not ours to end: it is left as by a shim that was killed.
 */
static void give_up(struct shim *shim)
{
	const struct shim_handover *h = &shim->session.conf;
	struct exit_record rec = exit_record_unknown();
	int status;

	if (shim->resumed || !h->version || proc_pidfd_signal(h->pidfd, SIGKILL) < 0)
		return;
	if (proc_waitpid(h->pid, &status) == 0)
		rec = exit_record_from_status(status, shim_now_ns());
	(void)exit_record_write_at(h->dir_fd, &rec);
	shim->session.exit = rec;
	helper_tell(shim);
}

static int serve(int fd)
{
	static struct shim shim = { .session.helper_fd = FD_INVALID };
	struct err err = { 0 };

	setup_malloc();
	setup_signals();
	if (setup(&shim, fd, &err) < 0 || lockdown(&shim, &err) < 0) {
		log_error("berth-shim: %s", err.msg);
		give_up(&shim);
		return 1;
	}
	say_ready(&shim);
	ev_run(shim.loop, 0);
	stdio_cut(&shim);
	logging_end(&shim);
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc == 2 && streq(argv[1], "--version")) {
		printf("berth-shim version %s\ncommit: %s\n", BERTH_VERSION, BERTH_COMMIT);
		return 0;
	}
	if (argc == 3 && streq(argv[1], "--handover") && num_parse_int(argv[2], &fd) == 0 && fd > 2)
		return serve(fd);
	fputs(usage, stderr);
	return 1;
}
