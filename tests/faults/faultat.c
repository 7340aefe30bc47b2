/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faultat: run a command to the Nth system call of one of its processes and let something go wrong
 * there.
 *
 *   faultat [--report FILE] [--attach NAME:PID]... --count -- cmd...
 *   faultat [--report FILE] [--attach NAME:PID]... --at PATH:N [--fault FAULT] -- cmd...
 *
 * Model. Every process that descends from cmd is traced. It is named by its path in the tree of
 * creations: the command is "0", its first child "0.0", the second child of that "0.0.1". A child
 * made with CLONE_PARENT counts as a child of the process that called clone. Paths are the same
 * from run to run as long as each process by itself is deterministic, whatever the order in which
 * they are scheduled.
 * --attach adds processes that exist already (a waiting init, a shim); their path is NAME.
 * Threads count as their process.
 *
 * A point is the entry of a system call. Counting starts behind the execve of the command.
 *
 * FAULT:
 *   kill     SIGKILL instead of the call (the default): calls 1 to N-1 have happened
 *   stop     SIGSTOP in front of the call, SIGCONT after STOP_MS
 *   SIG...   that signal in front of the call
 *   E...     the call is not made and gives this errno; close() is made, since the kernel closes
 *            the descriptor whatever it answers
 *
 * --count prints one line per process: ROLE PATH POINTS EXEC, where EXEC is the number of points
 * before the last execve of the process (0: none); roles are in tree.h.
 *
 * Once the shot has been fired, everything else goes on by itself: what then lives, or hangs, is
 * what the test is about. So no process is ever ended by the tool, except by the shot, and the
 * command itself when it hangs (then exit code 4). After an errno the processes stay under trace,
 * without stopping at their calls, for the report to name whoever dies of SIGSEGV and its kin.
 *
 * Report: "fired PATH:N syscall=NR", "crash PATH SIGNAL", "hang", "status N" (the command's, 128+N
 * for a signal), or what --count prints.
 *
 * Exit codes: 0 counted or fired, 1 usage or trouble, 3 the process never reached that point, 4 the
 * command was still there DEADLINE_MS after everything was let go, 5 the call there has no errno.
 *
 * Kernel interfaces: PTRACE_SEIZE, PTRACE_GET_SYSCALL_INFO (5.3), pidfd_open (5.3).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "fault.h"
#include "tree.h"

#define MAX_TASKS 4096
/* After the command's end: the others are done when they made no call for so long. */
#define QUIET_MS    150
#define DEADLINE_MS 5000 /* a command that takes longer than this without us hangs */
#define STOP_MS     100

#define TRACE_OPTIONS                                                                             \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

/* One task under trace. A task may stop before its creator reports it: then proc is -1 and it stays
 * stopped. */
struct task {
	pid_t tid;
	int proc;
	uint64_t clone_flags; /* of the clone call that it is in */
	bool waiting;
	bool main;     /* the thread group leader */
	bool injected; /* its call has been taken away: the answer is to be replaced */
};

static struct task tasks[MAX_TASKS];
static int n_tasks;
static const struct fault *fault = &faults[0];
static const char *target_path;
static long target_at;
static bool fired;
static bool no_errno;    /* the call at the point never returns */
static int stopped = -1; /* the pidfd of who was stopped */
static FILE *report;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	fputs("faultat: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(saved));
	exit(1);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000L;
}

static struct task *task_find(pid_t tid)
{
	for (int i = 0; i < n_tasks; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	return NULL;
}

static struct task *task_add(pid_t tid)
{
	struct task *t;

	if (n_tasks == MAX_TASKS) {
		errno = ENOSPC;
		die("too many tasks");
	}
	t = &tasks[n_tasks++];
	*t = (struct task){ .tid = tid, .proc = -1 };
	return t;
}

static void task_drop(struct task *t)
{
	if (t->main && t->proc >= 0)
		procs[t->proc].ended = true;
	*t = tasks[--n_tasks];
}

static int proc_must_add(const char *path, int parent, uint64_t flags)
{
	int i = proc_add(path, parent, flags);

	if (i < 0) {
		errno = ENOSPC;
		die("too many processes");
	}
	return i;
}

/* The flags of a clone call, read at its entry, since the caller's memory may be gone later. */
static uint64_t clone_flags(pid_t tid, const struct ptrace_syscall_info *info)
{
	uint64_t flags = 0;

	if (info->entry.nr == SYS_clone)
		return info->entry.args[0];
	if (info->entry.nr == SYS_clone3) {
		struct iovec to = { &flags, sizeof(flags) };
		struct iovec from = { (void *)(uintptr_t)info->entry.args[0], sizeof(flags) };

		if (process_vm_readv(tid, &to, 1, &from, 1, 0) != sizeof(flags))
			return 0;
	}
	return flags;
}

/* t is stopped at the entry of its call nr. */
static void fire(struct task *t, uint64_t nr)
{
	const struct proc_rec *p = &procs[t->proc];

	if (fault->signal) {
		if (fault->signal == SIGSTOP)
			stopped = (int)syscall(SYS_pidfd_open, t->tid, 0);
		/* SIGKILL makes it skip the call, the others are delivered behind it. */
		if (kill(t->tid, fault->signal) < 0)
			die("kill %d", t->tid);
		fired = true;
	} else if (call_has_no_errno(nr, p->points - p->last_exec)) {
		no_errno = fired = true;
	} else {
		t->injected = true;
		if (nr != SYS_close && call_take_away(t->tid) < 0)
			die("replace a call of %d", t->tid);
	}
}

/* A system call entry: count it, and fire when it is the one. Or the exit of the call that was
 * taken away. */
static void on_call(struct task *t)
{
	struct ptrace_syscall_info info;
	struct proc_rec *p = &procs[t->proc];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->injected) {
		t->injected = false;
		if (call_answer(t->tid, fault->error) < 0)
			die("answer a call of %d", t->tid);
		fired = true;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	t->clone_flags = clone_flags(t->tid, &info);
	p->points++;
	if (!target_path || fired || p->points != target_at || strcmp(p->path, target_path) != 0)
		return;
	if (report)
		fprintf(report, "fired %s:%ld syscall=%llu\n", p->path, p->points,
		        (unsigned long long)info.entry.nr);
	fire(t, info.entry.nr);
}

/* A fork, vfork or clone event of t: give the child its name. */
static void on_birth(struct task *t)
{
	unsigned long msg = 0;
	struct task *child;
	struct proc_rec *p = &procs[t->proc];
	pid_t me = t->tid;
	int proc = t->proc;
	uint64_t flags = t->clone_flags;
	bool known;

	if (ptrace(PTRACE_GETEVENTMSG, me, 0, &msg) < 0)
		return;
	child = task_find((pid_t)msg);
	known = child != NULL;
	if (!known)
		child = task_add((pid_t)msg);
	if (flags & CLONE_THREAD) {
		child->proc = proc;
	} else {
		char path[2 * PATH_LEN];

		snprintf(path, sizeof(path), "%s.%d", p->path, p->children++);
		if (flags & CLONE_PARENT)
			p->cloned_parent = true;
		child->proc = proc_must_add(path, proc, flags);
		child->main = true;
	}
	if (known && child->waiting) {
		child->waiting = false;
		ptrace(PTRACE_SYSCALL, child->tid, 0, 0);
	}
}

/* An execve by another thread than the leader: the tid of that thread becomes the leader's. */
static void on_exec(struct task *t)
{
	unsigned long former = 0;
	struct proc_rec *p = &procs[t->proc];

	p->last_exec = p->points;
	if (ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &former) == 0 && (pid_t)former != t->tid) {
		struct task *old = task_find((pid_t)former);

		if (old && !old->main)
			*old = tasks[--n_tasks];
	}
}

/* Handle one stop; ret_sig is the signal to deliver. Returns false when the task is to stay
 * stopped. */
static bool on_stop(struct task *t, int status, int *ret_sig)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	*ret_sig = 0;
	if (t->proc < 0) {
		t->waiting = true;
		return false;
	}
	if (sig == (SIGTRAP | 0x80))
		on_call(t);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	         event == PTRACE_EVENT_CLONE)
		on_birth(t);
	else if (event == PTRACE_EVENT_EXEC)
		on_exec(t);
	else if (event == 0)
		*ret_sig = sig;
	return true;
}

static bool is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
	       sig == SIGABRT || sig == SIGSYS;
}

/* A task has ended, t if it is known: who is ended by a signal that a program brings upon itself is
 * noted. */
static void on_end(struct task *t, int status)
{
	if (!t)
		return;
	if (report && t->proc >= 0 && WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
		fprintf(report, "crash %s %d\n", procs[t->proc].path, WTERMSIG(status));
	task_drop(t);
}

/* Let every task go. A task must be stopped to be detached, and may make children until then. */
static int detach_all(pid_t first, int *ret_status)
{
	long deadline = now_ms() + DEADLINE_MS;
	bool first_ended = false;

	for (int i = 0; i < n_tasks; i++)
		ptrace(PTRACE_INTERRUPT, tasks[i].tid, 0, 0);
	while (n_tasks > 0 && now_ms() < deadline) {
		int status, sig = 0;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);
		struct task *t;

		if (tid < 0)
			break;
		/* Tasks that wait for their creator's event are stopped already. */
		for (int i = n_tasks - 1; i >= 0; i--)
			if (tasks[i].waiting && ptrace(PTRACE_DETACH, tasks[i].tid, 0, 0) == 0)
				task_drop(&tasks[i]);
		if (tid == 0) {
			poll(NULL, 0, 1);
			continue;
		}
		t = task_find(tid);
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid == first) {
				*ret_status = status;
				first_ended = true;
			}
			on_end(t, status);
			continue;
		}
		if (!t)
			t = task_add(tid);
		if ((status >> 16) == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80))
			sig = WSTOPSIG(status);
		if (ptrace(PTRACE_DETACH, tid, 0, sig) == 0)
			task_drop(t);
	}
	return first_ended;
}

/* Wait for the command, which is no longer traced. Returns false if it hangs. */
static bool wait_command(pid_t first, int *ret_status)
{
	int pidfd = (int)syscall(SYS_pidfd_open, first, 0);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		die("pidfd_open %d", first);
	if (poll(&pfd, 1, DEADLINE_MS) == 0) {
		kill(first, SIGKILL);
		waitpid(first, ret_status, 0);
		return false;
	}
	waitpid(first, ret_status, 0);
	close(pidfd);
	return true;
}

/* How a stopped task goes on. Before the shot it stops at its calls; after an errno it is watched,
 * after another shot it is free. */
static void resume(pid_t tid, int status, int sig)
{
	/* A group stop of a seized task must not be turned into a run. */
	if ((status >> 16) == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP)
		ptrace(PTRACE_LISTEN, tid, 0, 0);
	else if (!fired)
		ptrace(PTRACE_SYSCALL, tid, 0, sig);
	else if (fault->signal || no_errno)
		ptrace(PTRACE_DETACH, tid, 0, sig);
	else
		ptrace(PTRACE_CONT, tid, 0, sig);
}

/* Trace until the shot (an errno: until DEADLINE_MS after it), or until the command has ended and
 * the rest is quiet. Returns true if first ended. */
static bool trace(pid_t first, int *ret_status)
{
	bool first_ended = false;
	long last = now_ms(), shot = 0;

	while (!fired || !(fault->signal || no_errno)) {
		int status, sig;
		pid_t tid = waitpid(-1, &status, __WALL | (first_ended || fired ? WNOHANG : 0));
		struct task *t;

		if (fired && !shot)
			shot = now_ms();
		if (shot && now_ms() - shot > DEADLINE_MS)
			break;
		if (tid < 0 && errno == ECHILD)
			break;
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid == 0) {
			if (first_ended && now_ms() - last > QUIET_MS)
				break;
			poll(NULL, 0, 2);
			continue;
		}
		last = now_ms();
		t = task_find(tid);
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid == first) {
				*ret_status = status;
				first_ended = true;
			}
			on_end(t, status);
			continue;
		}
		if (!t)
			t = task_add(tid);
		if (on_stop(t, status, &sig))
			resume(tid, status, sig);
	}
	return first_ended;
}

static pid_t start_command(char **argv)
{
	int gate[2];
	pid_t pid;

	if (pipe(gate) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		char c;

		close(gate[1]);
		/* The gate opens when we are being traced. */
		if (read(gate[0], &c, 1) != 0)
			_exit(126);
		close(gate[0]);
		execvp(argv[0], argv);
		fprintf(stderr, "faultat: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(gate[0]);
	if (ptrace(PTRACE_SEIZE, pid, 0, TRACE_OPTIONS) < 0)
		die("seize %d", pid);
	/* Stop it once: only PTRACE_SYSCALL makes a task report its calls, and that needs a stop.
	 */
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		die("interrupt %d", pid);
	if (waitpid(pid, NULL, __WALL) < 0)
		die("waitpid %d", pid);
	if (ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		die("continue %d", pid);
	close(gate[1]);
	for (;;) {
		int status;

		if (waitpid(pid, &status, __WALL) < 0)
			die("waitpid %d", pid);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			exit(1);
		if ((status >> 16) == PTRACE_EVENT_EXEC)
			break;
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	return pid;
}

static void attach(const char *arg)
{
	const char *colon = strchr(arg, ':');
	char name[PATH_LEN];
	struct task *t;
	pid_t pid;

	if (!colon || colon - arg >= PATH_LEN) {
		errno = EINVAL;
		die("--attach %s", arg);
	}
	snprintf(name, sizeof(name), "%.*s", (int)(colon - arg), arg);
	pid = (pid_t)strtol(colon + 1, NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, 0, TRACE_OPTIONS & ~PTRACE_O_EXITKILL) < 0)
		die("attach to %s, pid %d", name, pid);
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		die("interrupt %d", pid);
	t = task_add(pid);
	t->proc = proc_must_add(name, -1, 0);
	t->main = true;
}

static int __attribute__((noreturn)) usage(void)
{
	fputs("usage: faultat [--report FILE] [--attach NAME:PID]... --count|--at PATH:N [--fault "
	      "FAULT] -- "
	      "cmd...\n",
	      stderr);
	exit(1);
}

static void parse_at(char *arg)
{
	char *colon = strrchr(arg, ':');

	if (!colon)
		usage();
	*colon = '\0';
	target_path = arg;
	target_at = strtol(colon + 1, NULL, 10);
	if (target_at < 1)
		usage();
}

int main(int argc, char **argv)
{
	const char *attached[8];
	int n_attached = 0, status = 0, i;
	bool count = false, ended;
	struct task *t;
	pid_t first;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--count") == 0)
			count = true;
		else if (i + 1 < argc && strcmp(argv[i], "--at") == 0)
			parse_at(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--fault") == 0)
			fault = fault_find(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--attach") == 0 && n_attached < 8)
			attached[n_attached++] = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--report") == 0) {
			report = fopen(argv[++i], "we");
			if (!report)
				die("%s", argv[i]);
		} else
			usage();
	}
	if (i + 1 >= argc || count == (target_path != NULL) || !fault)
		usage();

	first = start_command(argv + i + 1);
	t = task_add(first);
	t->proc = proc_must_add("0", -1, 0);
	t->main = true;
	for (int k = 0; k < n_attached; k++)
		attach(attached[k]);
	ptrace(PTRACE_SYSCALL, first, 0, 0);

	ended = trace(first, &status);
	if (detach_all(first, &status))
		ended = true;
	if (stopped >= 0) {
		poll(NULL, 0, STOP_MS);
		syscall(SYS_pidfd_send_signal, stopped, SIGCONT, NULL, 0);
	}
	if (!ended && !wait_command(first, &status)) {
		if (report)
			fprintf(report, "hang\n");
		return 4;
	}
	if (report)
		fprintf(report, "status %d\n",
		        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (!count)
		return no_errno ? 5 : fired ? 0 : 3;
	for (int k = 0; k < n_procs; k++)
		fprintf(report ? report : stdout, "%s %s %ld %ld\n", role_of(k), procs[k].path,
		        procs[k].points, procs[k].last_exec);
	return 0;
}
