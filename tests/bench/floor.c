/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the work that the kernel has to do for a container of the shape of `spec`, and nothing
 * else.
 *
 *   floor ROOTFS COMMAND [ARG]...
 *
 * One clone3 with new pid, network, ipc, uts, mount and cgroup namespaces; the default mounts,
 * devices and links; pivot_root; masked and read-only paths; execve; wait. No configuration, no
 * state, no cgroup, no capabilities, no checks: a runtime cannot be faster than this, and the
 * distance to it is its own work.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

struct mnt {
	const char *type, *where, *data;
	unsigned long flags;
};

/* Paths are relative to the root: the working directory is the root until pivot_root. */
static const struct mnt mounts[] = {
	{ "proc", "proc", NULL, 0 },
	{ "tmpfs", "dev", "mode=755,size=65536k", MS_NOSUID | MS_STRICTATIME },
	{ "devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", MS_NOSUID | MS_NOEXEC },
	{ "tmpfs", "dev/shm", "mode=1777,size=65536k", MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "mqueue", "dev/mqueue", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ "sysfs", "sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY },
	{ "cgroup2", "sys/fs/cgroup", NULL,
	  MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RELATIME | MS_RDONLY },
};

static const struct {
	const char *path;
	unsigned int major, minor;
} devices[] = {
	{ "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
	{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
};

static const struct {
	const char *path, *to;
} links[] = {
	{ "dev/fd", "/proc/self/fd" },       { "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
	{ "dev/core", "/proc/kcore" },       { "dev/ptmx", "pts/ptmx" },
};

static const char *const masked[] = {
	"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
	"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/sys/firmware",       "/proc/scsi",
};

static const char *const readonly_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void make_mounts(void)
{
	for (size_t i = 0; i < LENGTH(mounts); i++) {
		const struct mnt *m = &mounts[i];

		if (strncmp(m->where, "dev/", 4) == 0 && mkdir(m->where, 0755) < 0)
			die(m->where);
		if (mount(m->type, m->where, m->type, m->flags, m->data) < 0)
			die(m->where);
	}
}

static void make_devices(void)
{
	umask(0);
	for (size_t i = 0; i < LENGTH(devices); i++)
		if (mknod(devices[i].path, S_IFCHR | 0666,
		          makedev(devices[i].major, devices[i].minor)) < 0)
			die(devices[i].path);
	for (size_t i = 0; i < LENGTH(links); i++)
		if (symlink(links[i].to, links[i].path) < 0)
			die(links[i].path);
	umask(022);
}

/* A masked file is covered by /dev/null, a masked directory by an empty tmpfs. What is not there
 * needs nothing. */
static void hide_paths(void)
{
	for (size_t i = 0; i < LENGTH(masked); i++) {
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTDIR || mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL) < 0)
			die(masked[i]);
	}
	for (size_t i = 0; i < LENGTH(readonly_paths); i++) {
		const char *p = readonly_paths[i];

		if (mount(p, p, NULL, MS_BIND | MS_REC, NULL) < 0) {
			if (errno == ENOENT)
				continue;
			die(p);
		}
		if (mount(p, p, NULL,
		          MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		          NULL) < 0)
			die(p);
	}
}

static void __attribute__((noreturn)) run_init(const char *rootfs, char **argv)
{
	static const char *const env[] = { "PATH=/bin:/usr/bin:/sbin:/usr/sbin", "TERM=xterm",
		                           NULL };

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("/");
	if (mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(rootfs) < 0)
		die(rootfs);
	make_mounts();
	make_devices();
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		die("pivot_root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		die("old root");
	hide_paths();
	if (mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		die("read-only root");
	if (sethostname("floor", 5) < 0)
		die("sethostname");
	execve(argv[0], argv, (char *const *)env);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS |
		         CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	siginfo_t info;
	long pid;

	if (argc < 3) {
		fputs("usage: floor ROOTFS COMMAND [ARG]...\n", stderr);
		return 2;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		run_init(argv[1], argv + 2);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		die("waitid");
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
