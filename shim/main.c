/* SPDX-License-Identifier: Apache-2.0 */
/*
 * berth-shim: keeps one process. Started by the runtime's keeper, which becomes it by execve, or by
 * another berth-shim that is upgraded:
 *
 *	berth-shim --handover FD
 *
 * Order: take over, set up, give up what serving does not need, say so, loop.
 *
 * For who upgrades, before anything depends on it:
 *
 *	berth-shim --handover-versions		the oldest and newest that it reads
 *	berth-shim --handover-check TEXT DATA EXE
 *		would this program, whose descriptor is EXE, understand that hand-over (of another
 *		process: the descriptors in it are not looked at)? It is loaded a second time under
 *		the lock-down, since so it would have to be loaded in earnest.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "berth/log.h"
#include "shim/resume.h"
#include "version.h"

/*
 * Of a sanitized build: the environment is empty after an upgrade, and the filter that outlives it
 * lets nobody set limits or a signal stack, or make the process that looks for leaks.
 */
#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "disable_coredump=0:use_sigaltstack=0:detect_leaks=0";
}
#endif

static const char usage[] =
    "usage: berth-shim --handover FD | --version | --handover-versions |\n"
    "       --handover-check TEXT DATA EXE\n"
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
	static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE,
		                       SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ };
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

/*
 * Better the container is killed for want of memory than what knows about it. Without
 * CAP_SYS_RESOURCE a score that was raised can still be taken back.
 */
static void lower_oom_score(void)
{
	static const char path[] = "/proc/self/oom_score_adj";
	_cleanup_free_ char *now = NULL;

	if (file_write_at(AT_FDCWD, path, "-999") < 0 &&
	    file_read_at(AT_FDCWD, path, 16, &now, NULL) >= 0 && now[0] != '-')
		(void)file_write_at(AT_FDCWD, path, "0");
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
	if (!shim->resume)
		lower_oom_score();
	r = loop_init(shim, err);
	if (r >= 0)
		r = session_init(shim, err);
	if (r >= 0)
		r = listen_init(shim, err);
	if (r >= 0 && shim->resume)
		client_resumed_all(shim);
	shim->resume = NULL;
	return r;
}

/* Or why not: a text that is longer. Was there anybody to tell? */
static bool say_ready(struct shim *shim, const char *text)
{
	struct shim_handover *h = &shim->session.conf;
	bool told = h->ready_fd >= 0 && write(h->ready_fd, text, strlen(text)) > 0;

	fd_reset(&h->ready_fd);
	return told;
}

/*
 * A process that nobody keeps must not live on; its record says how it ended. But one that has run
 * for long is not ours to end: it is left as by a shim that was killed. Was it ended?
 */
static bool give_up(struct shim *shim)
{
	const struct shim_handover *h = &shim->session.conf;
	struct exit_record rec = exit_record_unknown();
	int status;

	if (shim->resumed || h->adopted || !h->version || proc_pidfd_signal(h->pidfd, SIGKILL) < 0)
		return false;
	if (proc_waitpid(h->pid, &status) == 0)
		rec = exit_record_from_status(status, clock_real_ns());
	(void)exit_record_write_at(h->dir_fd, &rec);
	shim->session.exit = rec;
	return true;
}

static int serve(int fd)
{
	static struct shim shim = { .session.helper_fd = FD_INVALID };
	struct err err = { 0 };
	bool ended;

#ifdef SHIM_TEST_MUST
	shim.test_number = SHIM_TEST_MUST;
#endif
	setup_malloc();
	setup_signals();
	if (setup(&shim, fd, &err) < 0 || lockdown(&shim, &err) < 0) {
		log_error("berth-shim: %s", err.msg);
		ended = give_up(&shim);
		if (!say_ready(&shim, err.msg) && ended)
			helper_tell(&shim);
		return 1;
	}
	(void)say_ready(&shim, "1");
	trim(&shim);
	ev_run(shim.loop, 0);
	stdio_cut(&shim);
	logging_end(&shim);
	return 0;
}

static int complain(const struct err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 1;
}

/* First half: lock down, and be loaded again. */
static int check(char **argv, const int fds[3])
{
	static struct shim shim;
	char *args[] = { argv[0], (char *)"--handover-parse", argv[2], argv[3], NULL };
	char *env[] = { NULL };
	struct err err = { 0 };

	shim.fdinfo_fd = shim.session.conf.dir_fd = FD_INVALID;
	if (lockdown(&shim, &err) < 0)
		return complain(&err);
	(void)fd_cloexec(fds[2], true);
	(void)syscall(SYS_execveat, fds[2], "", args, env, AT_EMPTY_PATH);
	err_set(&err, -errno, "execute the shim under its lock-down");
	return complain(&err);
}

/* Second half: go as far as one can without owning anything. */
static int parse(const int fds[2])
{
	static struct shim shim;
	_cleanup_json_ cJSON *root = NULL;
	struct claims claims = { .unchecked = true };
	struct err err = { 0 };
	struct resume resume;
	size_t len;
	int r = handover_load(fds[0], &root, &len, &err);

	if (r >= 0)
		r = handover_parse(root, len, &claims, &shim.session.conf, &err);
	if (r >= 0)
		r = resume_read(json_get(root, "resume"), fds[1], &claims, &shim, &resume, &err);
	if (r >= 0)
		r = loop_init(&shim, &err);
	return r < 0 ? complain(&err) : 0;
}

/* Numbers of descriptors. */
static bool get_fds(char **argv, int n, int *ret)
{
	for (int i = 0; i < n; i++)
		if (num_parse_int(argv[i], &ret[i]) < 0 || ret[i] <= 2)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int fds[3];

	/* Executed by descriptor we would be called after its number. */
	(void)prctl(PR_SET_NAME, "berth-shim");

	if (argc == 2 && streq(argv[1], "--version")) {
		printf("berth-shim version %s\ncommit: %s\n", BERTH_VERSION, BERTH_COMMIT);
		return 0;
	}
	if (argc == 2 && streq(argv[1], "--handover-versions")) {
		printf("%d %d\n", HANDOVER_OLDEST, HANDOVER_VERSION);
		return 0;
	}
	if (argc == 3 && streq(argv[1], "--handover") && get_fds(argv + 2, 1, fds))
		return serve(fds[0]);
	if (argc == 5 && streq(argv[1], "--handover-check") && get_fds(argv + 2, 3, fds))
		return check(argv, fds);
	if (argc == 4 && streq(argv[1], "--handover-parse") && get_fds(argv + 2, 2, fds))
		return parse(fds);
	fputs(usage, stderr);
	return 1;
}
