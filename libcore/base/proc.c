/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process identity and pidfds. The rule throughout: open the pidfd first, look at the pid's data
 * second, check that the pidfd's process is still unreaped third. Only then does the data belong
 * to that process. "Unknown" is an error of its own and never a value.
 *
 * Kernel: pidfd_open 5.3, pidfs 6.9 (inode numbers unique per boot), PIDFD_GET_INFO 6.13, its
 * PIDFD_INFO_EXIT 6.15. On older kernels pidfds are anonymous inodes and start times decide.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"
#include "base/num.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define PIDFS_FS_MAGIC  0x50494446
#define GET_INFO_IOCTL  0xC040FF0BUL /* PIDFD_GET_INFO with the 64-byte structure */
#define GET_INFO_EXIT   (1ULL << 3)  /* PIDFD_INFO_EXIT */
#define STAT_FLAGS      9            /* 1-based fields of /proc/PID/stat */
#define STAT_START_TIME 22
#define FLAG_EXITING    0x4 /* PF_EXITING of the kernel */

/* struct pidfd_info, first version. */
struct get_info {
	uint64_t mask; /* in: wanted; out: filled */
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code; /* a wait status */
};

_Static_assert(sizeof(struct get_info) == 64, "the ioctl number carries the size");

int proc_boot_id(char ret[static 40])
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len);

	if (r < 0)
		return r;
	len = strcspn(text, "\n");
	if (len == 0 || len >= 40)
		return -EBADMSG;
	memcpy(ret, text, len);
	memset(ret + len, 0, 40 - len);
	return 0;
}

static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_start, pid_t *ret_ppid,
                     uint64_t *ret_flags)
{
	_cleanup_free_ char *text = NULL;
	char path[32], *p, *save = NULL, *word;
	uint64_t start = 0, flags = 0;
	int r, ppid = 0;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = file_read_at(AT_FDCWD, path, 8192, &text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	/* "pid (comm) S ppid ...": comm may hold spaces and parentheses, so start behind the last
	 * ')'. */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || p[2] == '\0')
		return -EBADMSG;
	state = p[2];
	word = strtok_r(p + 3, " ", &save);
	for (int field = 4; word; field++, word = strtok_r(NULL, " ", &save)) {
		if (field == 4 && num_parse_int(word, &ppid) < 0)
			return -EBADMSG;
		if (field == STAT_FLAGS && num_parse_u64(word, &flags) < 0)
			return -EBADMSG;
		if (field == STAT_START_TIME) {
			if (num_parse_u64(word, &start) < 0)
				return -EBADMSG;
			break;
		}
	}
	if (!word)
		return -EBADMSG;
	if (ret_state)
		*ret_state = state;
	if (ret_start)
		*ret_start = start;
	if (ret_ppid)
		*ret_ppid = ppid;
	if (ret_flags)
		*ret_flags = flags;
	return 0;
}

int proc_stat(pid_t pid, char *ret_state, uint64_t *ret_start, pid_t *ret_ppid)
{
	return read_stat(pid, ret_state, ret_start, ret_ppid, NULL);
}

/* A set of signals in /proc/PID/status, in hexadecimal. */
static bool has_kill(const char *status, const char *line)
{
	const char *p = strstr(status, line);

	return p && (strtoull(p + strlen(line), NULL, 16) & (1ULL << (SIGKILL - 1)));
}

bool proc_is_dying(pid_t pid)
{
	_cleanup_free_ char *status = NULL;
	char path[32], state;
	uint64_t flags;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_stat(pid, &state, NULL, NULL, &flags) < 0 || state == 'Z' || state == 'X' ||
	    (flags & FLAG_EXITING) || file_read_at(AT_FDCWD, path, 8192, &status, NULL) < 0)
		return true;
	/* A signal to the process stays in its set until the end, once it is taken. */
	return has_kill(status, "\nSigPnd:\t") || has_kill(status, "\nShdPnd:\t") ||
	       strstr(status, "\nCoreDumping:\t1");
}

int proc_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int proc_pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* Has the process of pidfd been reaped, so that its pid may be somebody else's? */
static bool reaped(int pidfd)
{
	return proc_pidfd_signal(pidfd, 0) == -ESRCH;
}

/* The inode number that names the process for this boot; 0: the kernel has no pidfs. */
static uint64_t pidfs_inode(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || (unsigned long)fs.f_type != PIDFS_FS_MAGIC ||
	    fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

int proc_id_get(pid_t pid, int pidfd, struct proc_id *ret)
{
	_cleanup_close_ int own = FD_INVALID;
	struct proc_id id = { .pid = pid };
	int r;

	if (pid <= 0)
		return -ESRCH;
	if (pidfd < 0) {
		own = pidfd = proc_pidfd_open(pid);
		if (pidfd < 0)
			return pidfd;
	}
	r = proc_stat(pid, NULL, &id.start_time, NULL);
	if (r < 0)
		return r;
	id.pidfs_ino = pidfs_inode(pidfd);
	r = proc_boot_id(id.boot_id);
	if (r < 0)
		return r;
	if (reaped(pidfd))
		return -ESRCH;
	*ret = id;
	return 0;
}

int proc_id_open(const struct proc_id *id)
{
	_cleanup_close_ int fd = FD_INVALID;
	char boot_id[40];
	uint64_t ino, start;
	int r;

	if (id->pid <= 0 || id->boot_id[0] == '\0' || (!id->pidfs_ino && !id->start_time))
		return -ESRCH;
	r = proc_boot_id(boot_id);
	if (r < 0)
		return r;
	if (strncmp(boot_id, id->boot_id, sizeof(boot_id)) != 0)
		return -ESRCH;
	fd = proc_pidfd_open(id->pid);
	if (fd < 0) /* EINVAL: the number is now a thread's */
		return fd == -EINVAL ? -ESRCH : fd;
	ino = pidfs_inode(fd);
	if (ino && id->pidfs_ino)
		return ino == id->pidfs_ino ? take_fd(&fd) : -ESRCH;
	r = proc_stat(id->pid, NULL, &start, NULL);
	if (r < 0)
		return r;
	if (start != id->start_time || reaped(fd))
		return -ESRCH;
	return take_fd(&fd);
}

pid_t proc_pidfd_pid(int pidfd)
{
	_cleanup_free_ char *text = NULL;
	char path[48], *line;
	int pid, r;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	r = file_read_at(AT_FDCWD, path, 8192, &text, NULL);
	if (r < 0)
		return r == -ENOENT ? -EBADF : r;
	line = strstr(text, "\nPid:\t");
	if (!line)
		return -EINVAL; /* not a pidfd */
	line += strlen("\nPid:\t");
	line[strcspn(line, "\n")] = '\0';
	r = num_parse_int(line, &pid);
	if (r < 0)
		return -EBADMSG;
	return pid > 0 ? pid : -ESRCH; /* -1: reaped; 0: not in our pid namespace */
}

bool proc_pidfd_exited(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, 0);
	while (r < 0 && errno == EINTR);
	return r > 0 && (p.revents & (POLLIN | POLLHUP));
}

int proc_pidfd_exit_status(int pidfd, int *ret_wait_status)
{
	struct get_info info = { .mask = GET_INFO_EXIT };

	if (ioctl(pidfd, GET_INFO_IOCTL, &info) < 0) {
		if (errno == ENOTTY || errno == EINVAL || errno == EOPNOTSUPP)
			return -EOPNOTSUPP;
		return -errno; /* ESRCH: reaped, and nothing was kept for this pidfd */
	}
	if (!(info.mask & GET_INFO_EXIT))
		return -EAGAIN;
	*ret_wait_status = info.exit_code;
	return 0;
}

int proc_waitpid(pid_t pid, int *ret_status)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (ret_status)
		*ret_status = status;
	return 0;
}

int proc_exit_code(int wait_status)
{
	if (WIFEXITED(wait_status))
		return WEXITSTATUS(wait_status);
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return 255;
}

int proc_set_dumpable(bool on)
{
	return prctl(PR_SET_DUMPABLE, on || knocked_out("undumpable"), 0, 0, 0) < 0 ? -errno : 0;
}

void proc_reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < _NSIG; sig++)
		sigaction(sig, &sa, NULL); /* KILL, STOP and libc's own refuse; that is fine */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
