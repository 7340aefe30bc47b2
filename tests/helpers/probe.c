/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe [KEY...]: what a process really got, as one JSON object on stdout.
 *
 * Run inside a container, it reports its identity, privileges, limits, descriptors and name spaces
 * as the kernel tells them, so that a test can compare them with what config.json asked for. It
 * takes nothing from the environment and, but for name spaces and links, needs no /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void strings(const char *key, char **list)
{
	printf(",\"%s\":[", key);
	for (int i = 0; list[i]; i++) {
		if (i)
			putchar(',');
		string(list[i]);
	}
	putchar(']');
}

static void identity(void)
{
	unsigned int r, e, s;
	gid_t groups[1024];
	int n;

	getresuid(&r, &e, &s);
	printf("\"uid\":[%u,%u,%u]", r, e, s);
	getresgid(&r, &e, &s);
	printf(",\"gid\":[%u,%u,%u],\"groups\":[", r, e, s);
	n = getgroups(1024, groups);
	for (int i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	printf("],\"pid\":%d,\"ppid\":%d,\"sid\":%d,\"pgid\":%d", getpid(), getppid(), getsid(0),
	       getpgid(0));
}

static void capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	unsigned long long bounding = 0, ambient = 0;

	syscall(SYS_capget, &head, data);
	for (int c = 0; c < 64; c++) {
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			bounding |= 1ULL << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			ambient |= 1ULL << c;
	}
#define SET(field) ((unsigned long long)data[1].field << 32 | data[0].field)
	printf(",\"caps\":{\"inheritable\":\"%016llx\",\"permitted\":\"%016llx\",\"effective\":\"%"
	       "016llx\","
	       "\"bounding\":\"%016llx\",\"ambient\":\"%016llx\"}",
	       SET(inheritable), SET(permitted), SET(effective), bounding, ambient);
#undef SET
	printf(",\"securebits\":%d,\"no_new_privs\":%d,\"seccomp\":%d,\"dumpable\":%d",
	       prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	       prctl(PR_GET_SECCOMP, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} known[] = { { "AS", RLIMIT_AS },           { "CORE", RLIMIT_CORE },
		      { "CPU", RLIMIT_CPU },         { "DATA", RLIMIT_DATA },
		      { "FSIZE", RLIMIT_FSIZE },     { "LOCKS", RLIMIT_LOCKS },
		      { "MEMLOCK", RLIMIT_MEMLOCK }, { "MSGQUEUE", RLIMIT_MSGQUEUE },
		      { "NICE", RLIMIT_NICE },       { "NOFILE", RLIMIT_NOFILE },
		      { "NPROC", RLIMIT_NPROC },     { "RSS", RLIMIT_RSS },
		      { "RTPRIO", RLIMIT_RTPRIO },   { "SIGPENDING", RLIMIT_SIGPENDING },
		      { "STACK", RLIMIT_STACK } };
	struct rlimit rl;

	printf(",\"rlimits\":{");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		getrlimit((__rlimit_resource_t)known[i].resource, &rl);
		/* As strings: infinity does not survive a reader that uses doubles. */
		printf("%s\"RLIMIT_%s\":[\"%llu\",\"%llu\"]", i ? "," : "", known[i].name,
		       (unsigned long long)rl.rlim_cur, (unsigned long long)rl.rlim_max);
	}
	putchar('}');
}

static void signals(void)
{
	unsigned long long blocked = 0, ignored = 0, caught = 0;
	struct sigaction sa;
	sigset_t set;
	int death = 0;

	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int s = 1; s < 65; s++) {
		if (sigismember(&set, s) == 1)
			blocked |= 1ULL << (s - 1);
		if (sigaction(s, NULL, &sa))
			continue;
		if (sa.sa_handler == SIG_IGN)
			ignored |= 1ULL << (s - 1);
		else if (sa.sa_handler != SIG_DFL)
			caught |= 1ULL << (s - 1);
	}
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	printf(",\"signals\":{\"blocked\":\"%llx\",\"ignored\":\"%llx\",\"caught\":\"%llx\","
	       "\"death\":%d}",
	       blocked, ignored, caught, death);
}

/* Descriptors by trying each number: this needs no /proc and opens none of its own. */
static void descriptors(void)
{
	char path[64], link[4096];
	struct stat st;
	int first = 1;

	printf(",\"fds\":[");
	for (int fd = 0; fd < 4096; fd++) {
		ssize_t n;

		if (fstat(fd, &st))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = 0;
		printf("%s{\"fd\":%d,\"mode\":\"%06o\",\"rdev\":\"%u:%u\",\"flags\":%d,\"tty\":%s,"
		       "\"link\":",
		       first ? "" : ",", fd, st.st_mode, major(st.st_rdev), minor(st.st_rdev),
		       fcntl(fd, F_GETFL), isatty(fd) ? "true" : "false");
		string(link);
		putchar('}');
		first = 0;
	}
	putchar(']');
}

static void place(void)
{
	static const char *const kinds[] = { "cgroup", "ipc",  "mnt",  "net",
		                             "pid",    "time", "user", "uts" };
	char buf[4096], path[64];
	struct utsname uts;
	struct stat st;
	ssize_t n;
	mode_t mask = umask(0);
	FILE *f;
	int adj = 0;

	printf(",\"umask\":\"%04o\",\"cwd\":", mask);
	/* The system call itself: a directory outside the root is reported as "(unreachable)". */
	n = syscall(SYS_getcwd, buf, sizeof(buf));
	string(n > 0 ? buf : "");
	if (!stat(".", &st))
		printf(",\"cwd_inode\":\"%lu:%lu\"", (unsigned long)st.st_dev,
		       (unsigned long)st.st_ino);
	if (!stat("/", &st))
		printf(",\"root_inode\":\"%lu:%lu\"", (unsigned long)st.st_dev,
		       (unsigned long)st.st_ino);
	uname(&uts);
	printf(",\"hostname\":");
	string(uts.nodename);
	printf(",\"domainname\":");
	string(uts.domainname);
	printf(",\"nice\":%d,\"tty\":%s,\"ns\":{", getpriority(PRIO_PROCESS, 0),
	       open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0 ? "true" : "false");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		n = readlink(path, buf, sizeof(buf) - 1);
		buf[n < 0 ? 0 : n] = 0;
		printf("%s\"%s\":\"%s\"", i ? "," : "", kinds[i], buf);
	}
	putchar('}');
	f = fopen("/proc/self/oom_score_adj", "re");
	if (f && fscanf(f, "%d", &adj) == 1)
		printf(",\"oom_score_adj\":%d", adj);
}

/* Numbers as the kernel gives them. */
static void schedule(void)
{
	struct {
		unsigned int size, policy;
		unsigned long long flags;
		int nice;
		unsigned int priority;
		unsigned long long runtime, deadline, period;
		unsigned int util_min, util_max;
	} attr = { 0 };
	unsigned long mask[128] = { 0 };
	int mode = -1, first = 1;

	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	printf(
	    ",\"scheduler\":{\"policy\":%u,\"flags\":%llu,\"nice\":%d,\"priority\":%u,\"runtime\":"
	    "%llu,\"deadline\":%llu,\"period\":%llu}",
	    attr.policy, attr.flags, attr.nice, attr.priority, attr.runtime, attr.deadline,
	    attr.period);
	printf(",\"ioprio\":%ld,\"personality\":%ld,\"machine\":", syscall(SYS_ioprio_get, 1, 0),
	       syscall(SYS_personality, 0xffffffffUL));
	struct utsname uts;

	uname(&uts);
	string(uts.machine);
	if (syscall(SYS_get_mempolicy, &mode, mask, 1025UL, NULL, 0UL) < 0)
		mode = -errno;
	printf(",\"mempolicy\":[%d,%lu]", mode, mask[0]);
	memset(mask, 0, sizeof(mask));
	syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	printf(",\"cpus\":[");
	for (unsigned int cpu = 0; cpu < sizeof(mask) * 8; cpu++) {
		if (!(mask[cpu / 64] >> cpu % 64 & 1))
			continue;
		printf("%s%u", first ? "" : ",", cpu);
		first = 0;
	}
	putchar(']');
}

static void clocks(void)
{
	struct timespec mono, boot;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	printf(",\"clocks\":{\"monotonic\":%lld.%09ld,\"boottime\":%lld.%09ld}",
	       (long long)mono.tv_sec, mono.tv_nsec, (long long)boot.tv_sec, boot.tv_nsec);
}

/* The session keyring: its serial and description. */
static void keyring(void)
{
	char text[512];
	long key = syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3, 0, 0, 0);
	long n = key < 0 ? -1 : syscall(SYS_keyctl, 6 /* DESCRIBE */, key, text, sizeof(text), 0);

	printf(",\"keyring\":{\"serial\":%ld,\"name\":", key);
	string(n > 0 && n < (long)sizeof(text) ? strrchr(text, ';') + 1 : "");
	putchar('}');
}

int main(int argc, char **argv)
{
	(void)argc;
	putchar('{');
	identity();
	capabilities();
	limits();
	signals();
	descriptors();
	place();
	schedule();
	clocks();
	keyring();
	strings("args", argv);
	strings("env", environ);
	puts("}");
	return fflush(stdout) ? 1 : 0;
}
