/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a seccomp listener to an agent (config-linux.md, "Seccomp": SCMP_ACT_NOTIFY).
 *
 * The listener is born in the process that loads the filter, which from then on may stop at any
 * system call until somebody answers, sendmsg(2) among them. So a helper is cloned before that,
 * with the table of descriptors shared and no filter: it is told the listener's number by write(2),
 * the one call that may not be notified, and passes the descriptor to the creator; all else that
 * would have to be closed it closes for both. The creator connects to the agent, sends the
 * descriptor with the container process state, and only then lets the process go on.
 *
 *     process ──clone(CLONE_FILES)──► helper            creator                agent
 *     load the filter                   │                  │                     │
 *     write(number) ──────────────────► │                  │                     │
 *     read(sync)                        └── descriptor ──► │ ── state, fd ─────► │
 *        ◄─────────────────────────────────── listened ────┘
 *
 * The helper is a child that nobody waits for: SA_NOCLDWAIT lasts until execve(2).
 *
 * Where the container's pids limit has no room for it, the process writes the number to the
 * creator, who takes a copy of the descriptor out of the process. Only root may: the process is not
 * dumpable.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sock.h"
#include "berth/version.h"
#include "kernel/syscalls.h"

#define HELPER_TIMEOUT_MS 60000
#define AGENT_TIMEOUT_MS  10000
#define STATE_MAX         (CTR_STATE_MAX + (1u << 20))

/* What the helper is told, and closes when it has passed the first on. */
struct numbers {
	int listener, pidfd;
};

bool listener_wanted(const struct seccomp_filter *filter)
{
	return filter && filter->n > 0 && (filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

/* Its table of descriptors is the process's own. */
static void helper_main(int sock, const int pipe_fds[2], pid_t parent)
{
	struct numbers numbers;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent ||
	    fd_read_all(pipe_fds[0], &numbers, sizeof(numbers)) != sizeof(numbers))
		_exit(1);
	fd_close(pipe_fds[0]);
	fd_close(pipe_fds[1]);
	fd_close(numbers.pidfd);
	if (sync_send(sock, SYNC_LISTENER, NULL, 0, numbers.listener, NULL) < 0)
		_exit(1);
	fd_close(numbers.listener);
	_exit(0);
}

void listener_wait_for_children(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGCHLD, &act, NULL);
}

/* pid, pidfd: of the helper; 0: there is none. */
static int load_and_tell(const struct seccomp_filter *filter, int sock, pid_t pid,
                         struct numbers numbers, int pipe_fd, struct err *err)
{
	bool told;

	numbers.listener = seccomp_filter_load(filter, err);
	if (numbers.listener < 0) {
		if (pid > 0)
			(void)proc_pidfd_signal(numbers.pidfd, SIGKILL);
		return numbers.listener;
	}
	/* From here on nobody could be told of an error but by dying. */
	told = pid > 0 ? write(pipe_fd, &numbers, sizeof(numbers)) == sizeof(numbers)
	               : sync_write_plain(sock, SYNC_LISTENER, &numbers.listener,
	                                  sizeof(numbers.listener)) == 0;
	if (!told || sync_read_plain(sock, SYNC_LISTENED) < 0)
		_exit(1);
	return 0;
}

int listener_load(const struct seccomp_filter *filter, int sock, struct err *err)
{
	struct sigaction act = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	struct numbers numbers = { FD_INVALID, FD_INVALID };
	pid_t parent = getpid(), pid;
	int pipe_fds[2];
	struct err e = { 0 };

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "seccomp: pipe for the listener");
	(void)sigaction(SIGCHLD, &act, NULL);
	pid = ns_clone(CLONE_FILES, FD_INVALID, false, &numbers.pidfd, NULL, &e);
	if (pid == 0)
		helper_main(sock, pipe_fds, parent);
	if (pid == -EAGAIN) {
		fd_close(pipe_fds[0]);
		fd_close(pipe_fds[1]);
		return load_and_tell(filter, sock, 0, numbers, FD_INVALID, err);
	}
	if (pid < 0) {
		if (err)
			*err = e;
		return err_prefix(err, "seccomp: helper for the listener");
	}
	return load_and_tell(filter, sock, pid, numbers, pipe_fds[1], err);
}

static char *state_message(const struct listener_handover *h)
{
	_cleanup_free_ char *state = state_document(h->ctr, h->spec, h->status, h->init_pid);
	struct buf b = BUF_INIT(STATE_MAX);

	buf_puts(&b, "{\"ociVersion\":");
	json_str(&b, BERTH_SPEC_VERSION);
	buf_printf(&b, ",\"fds\":[\"seccompFd\"],\"pid\":%d", h->pid);
	if (h->spec->linux_.seccomp.listener_metadata) {
		buf_puts(&b, ",\"metadata\":");
		json_str(&b, h->spec->linux_.seccomp.listener_metadata);
	}
	buf_puts(&b, ",\"state\":");
	buf_puts(&b, state);
	buf_puts(&b, "}");
	return buf_steal(&b);
}

static int send_to_agent(const struct listener_handover *h, int listener, struct err *err)
{
	const char *path = h->spec->linux_.seccomp.listener_path;
	_cleanup_free_ char *message = state_message(h);
	_cleanup_close_ int sock = sock_connect_path_timeout(path, SOCK_STREAM, AGENT_TIMEOUT_MS);
	int r;

	if (sock < 0)
		return err_set(err, sock == -EAGAIN ? -ETIMEDOUT : sock,
		               "linux.seccomp.listenerPath: failed to connect with seccomp agent "
		               "\"%s\"",
		               path);
	r = sock_send_fds(sock, message, strlen(message), &listener, 1);
	return r < 0 ? err_set(err, r == -EAGAIN ? -ETIMEDOUT : r,
	                       "linux.seccomp.listenerPath: send the listener to seccomp agent "
	                       "\"%s\"",
	                       path)
	             : 0;
}

/* A process without a helper has the listener under this number. */
static int take_out(pid_t pid, int number, int *ret, struct err *err)
{
	_cleanup_close_ int pidfd = k_pidfd_open(pid, 0);
	int fd = pidfd < 0 ? pidfd : k_pidfd_getfd(pidfd, number);

	if (fd < 0)
		return err_set(err, fd,
		               "linux.seccomp.listenerPath: the pids limit leaves no room for a "
		               "helper, and without one the listener cannot be had");
	*ret = fd;
	return 0;
}

int listener_deliver(const struct listener_handover *h, struct err *err)
{
	struct pollfd p = { .fd = h->sock, .events = POLLIN };
	_cleanup_close_ int listener = FD_INVALID;
	int r, number = -1;

	do
		r = poll(&p, 1, HELPER_TIMEOUT_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return err_set(err, r < 0 ? -errno : -ETIMEDOUT,
		               "seccomp: wait for the process's listener");
	r = sync_expect_fd_or_number(h->sock, SYNC_LISTENER, &listener, &number, err);
	if (r == -EPIPE)
		return err_text(err, r,
		                "the process was killed before its seccomp listener was passed on: "
		                "does the profile forbid write?");
	if (r == 0 && listener < 0)
		r = take_out(h->pid, number, &listener, err);
	if (r == 0)
		r = send_to_agent(h, listener, err);
	return r < 0 ? r : sync_send(h->sock, SYNC_LISTENED, NULL, 0, FD_INVALID, err);
}
