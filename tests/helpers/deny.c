/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deny CALL[=ERRNO-NAME]... -- CMD...: run CMD where these system calls answer ENOSYS (or EPERM),
 * as on an older kernel or in a sandbox. By a seccomp filter; no_new_privs is only set where the
 * caller may not do without.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

static const struct {
	const char *name;
	unsigned int nr;
} calls[] = {
	{ "openat2", SYS_openat2 },
	{ "fsconfig", SYS_fsconfig },
	{ "open_tree", SYS_open_tree },
	{ "mount_setattr", SYS_mount_setattr },
	{ "clone3", SYS_clone3 },
	{ "close_range", SYS_close_range },
	{ "pidfd_open", SYS_pidfd_open },
	{ "seccomp", SYS_seccomp },
	{ "keyctl", SYS_keyctl },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset },
	{ "memfd_create", SYS_memfd_create },
	{ "unshare", SYS_unshare },
	{ "bpf", SYS_bpf },
};

#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static int usage(const char *what)
{
	fprintf(stderr, "deny: %s\n", what);
	return 125;
}

/* One comparison and one answer for each. */
static int add(struct sock_filter *code, size_t *n, char *arg)
{
	char *equals = strchr(arg, '=');
	unsigned int error = equals && strcmp(equals, "=EPERM") == 0 ? EPERM : ENOSYS;

	if (equals)
		*equals = '\0';
	for (size_t i = 0; i < N_CALLS; i++) {
		if (strcmp(calls[i].name, arg) != 0)
			continue;
		code[(*n)++] =
		    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, 1);
		code[(*n)++] =
		    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
		return 0;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct sock_filter code[2 * N_CALLS + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .filter = code };
	size_t n = 1;
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (n > 2 * N_CALLS - 1 || add(code, &n, argv[i]) < 0)
			return usage(argv[i]);
	if (i + 1 >= argc)
		return usage("no command");
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0))
		return usage(strerror(errno));
	execvp(argv[i + 1], argv + i + 1);
	return usage(strerror(errno));
}
