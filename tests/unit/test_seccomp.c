/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters are judged by what they do: each is loaded in a child, which makes raw system calls and
 * leaves the answers in shared memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/file.h"
#include "security/security.h"

#define EPERM_ACTION  SCMP_ACT_ERRNO(EPERM)
#define EACCES_ACTION SCMP_ACT_ERRNO(EACCES)
#define NAMES(...)    ((char **)(const char *[]){ __VA_ARGS__, NULL })

struct call {
	long nr;
	unsigned long a, b;
	int want; /* 0: succeeds, else the errno */
};

/* Load in a child, call, compare. Returns the child's wait status. */
static int try_calls(const struct seccomp_filter *filter, const struct call *calls, size_t n)
{
	int *got = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	assert_true(got != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		got[i] = -1;
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_filter_load(filter, NULL) < 0)
			_exit(99);
		for (size_t i = 0; i < n; i++) {
			long r = syscall(calls[i].nr, calls[i].a, calls[i].b, 0, 0, 0, 0);

			got[i] = r < 0 ? errno : 0;
		}
		syscall(SYS_exit_group, 0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		for (size_t i = 0; i < n; i++)
			if (got[i] != calls[i].want)
				fail_msg("call %zu (nr %ld): errno %d, not %d", i, calls[i].nr,
				         got[i], calls[i].want);
	}
	munmap(got, 4096);
	return status;
}

static struct seccomp_filter compile(const struct spec_seccomp *spec)
{
	struct seccomp_filter f;
	struct err err = { 0 };

	if (seccomp_compile(spec, &f, &err) < 0)
		fail_msg("%s", err.msg);
	return f;
}

static void expect(const struct spec_seccomp *spec, const struct call *calls, size_t n)
{
	struct seccomp_filter f = compile(spec);

	assert_true(WIFEXITED(try_calls(&f, calls, n)));
	seccomp_filter_done(&f);
}

static void test_empty(void **state)
{
	struct spec_seccomp spec = { .present = true, .default_action = SCMP_ACT_ALLOW };
	struct spec_seccomp_rule same = { NAMES("getppid"), SCMP_ACT_ALLOW, NULL, 0 };
	int before = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
	struct seccomp_filter f = compile(&spec);

	(void)state;
	assert_int_equal(f.n, 0);
	assert_int_equal(seccomp_filter_load(&f, NULL), 0); /* nothing to load, nothing loaded */
	assert_int_equal(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), before);
	seccomp_filter_done(&f);
	spec.rules = &same;
	spec.n_rules = 1;
	f = compile(&spec);
	assert_int_equal(f.n, 0);
	seccomp_filter_done(&f);
}

static void test_deny_some(void **state)
{
	struct spec_seccomp_rule rules[] = {
		{ NAMES("getppid", "no_such_call_at_all"), EACCES_ACTION, NULL, 0 },
		{ NAMES("getppid"), EACCES_ACTION, NULL, 0 }, /* said twice */
	};
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = rules, .n_rules = 2
	};
	const struct call calls[] = { { SYS_getppid, 0, 0, EACCES },
		                      { SYS_getpid, 0, 0, 0 },
		                      { 1000, 0, 0, ENOSYS } };

	(void)state;
	expect(&spec, calls, 3);
}

static void test_newer_than_the_profile(void **state)
{
	struct spec_seccomp_rule rules[] = {
		{ NAMES("exit_group", "getpid", "clone3"), SCMP_ACT_ALLOW, NULL, 0 },
	};
	struct spec_seccomp spec = {
		.present = true, .default_action = EPERM_ACTION, .rules = rules, .n_rules = 1
	};
	const struct call calls[] = {
		{ SYS_getpid, 0, 0, 0 },
		{ SYS_getppid, 0, 0, EPERM },      /* known and not listed */
		{ SYS_pidfd_open, 0, 0, EPERM },   /* 434, before clone3 */
		{ SYS_close_range, 7, 3, ENOSYS }, /* 436, the first one after it */
		{ 1000, 0, 0, ENOSYS },
	};
	struct spec_seccomp_rule denied = { NAMES("clone3"), EPERM_ACTION, NULL, 0 };

	(void)state;
	expect(&spec, calls, 5);
	/* A rule that is left out, for saying what the default says, still names a call. */
	rules[0].names = NAMES("exit_group", "getpid");
	spec.rules = (struct spec_seccomp_rule[]){ rules[0], denied };
	spec.n_rules = 2;
	expect(&spec, calls, 5);
	/* Where the default lets calls through the kernel answers. */
	spec.default_action = SCMP_ACT_LOG;
	expect(&spec, (struct call[]){ { SYS_close_range, 7, 3, EINVAL } }, 1);
}

static void test_all_denied(void **state)
{
	struct spec_seccomp spec = { .present = true, .default_action = SCMP_ACT_KILL_PROCESS };
	struct seccomp_filter f = compile(&spec);
	const struct call calls[] = { { SYS_getpid, 0, 0, 0 } };
	int status;

	(void)state;
	assert_true(f.n > 0);
	status = try_calls(&f, calls, 1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	seccomp_filter_done(&f);
}

static void test_arguments(void **state)
{
	struct spec_seccomp_arg both[] = { { 0, 0, 0, SCMP_CMP_EQ }, { 1, 0, 0, SCMP_CMP_EQ } };
	struct spec_seccomp_arg either[] = { { 0, 0, 0, SCMP_CMP_EQ },
		                             { 0, 0xffffffff, 0, SCMP_CMP_EQ } };
	/* As soon as one argument is there twice, each condition stands alone. */
	struct spec_seccomp_arg each[] = { { 0, 7, 0, SCMP_CMP_EQ },
		                           { 1, 5, 0, SCMP_CMP_EQ },
		                           { 1, 6, 0, SCMP_CMP_EQ } };
	struct spec_seccomp_arg masked = { 0, 0xff00, 0x1200, SCMP_CMP_MASKED_EQ };
	struct spec_seccomp_rule rules[] = {
		{ NAMES("getpriority"), EACCES_ACTION, both, 2 },
		{ NAMES("personality"), EACCES_ACTION, either, 2 },
		{ NAMES("getpgid"), EACCES_ACTION, &masked, 1 },
		{ NAMES("kill"), EACCES_ACTION, each, 3 },
	};
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = rules, .n_rules = 4
	};
	const struct call calls[] = {
		{ SYS_getpriority, 0, 0, EACCES },
		{ SYS_getpriority, 0, 1, 0 }, /* and */
		{ SYS_getpriority, 1, 0, 0 },
		{ SYS_personality, 0, 0, EACCES }, /* or */
		{ SYS_personality, 0xffffffff, 0, EACCES },
		{ SYS_personality, 8, 0, 0 },
		{ SYS_getpgid, 0x7f1234, 0, EACCES },
		{ SYS_getpgid, 0, 0, 0 },
		{ SYS_kill, 7, 0, EACCES },
		{ SYS_kill, 0, 5, EACCES },
		{ SYS_kill, 0, 6, EACCES },
		{ SYS_kill, 0, 0, 0 },
	};

	(void)state;
	expect(&spec, calls, 12);
}

/* Why a rule has to be split: "you can only compare each argument once in a single rule"
 * (seccomp_rule_add(3)). */
static void test_library_takes_an_argument_once(void **state)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp twice[] = { SCMP_A0(SCMP_CMP_EQ, 1), SCMP_A0(SCMP_CMP_EQ, 2) };
	const struct scmp_arg_cmp once[] = { SCMP_A0(SCMP_CMP_EQ, 1), SCMP_A1(SCMP_CMP_EQ, 2) };

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(seccomp_rule_add_array(ctx, EACCES_ACTION, SYS_kill, 2, twice), -EINVAL);
	assert_int_equal(seccomp_rule_add_array(ctx, EACCES_ACTION, SYS_kill, 2, once), 0);
	seccomp_release(ctx);
}

static void test_bad_argument(void **state)
{
	struct spec_seccomp_arg arg = { 6, 0, 0, SCMP_CMP_EQ };
	struct spec_seccomp_rule rule = { NAMES("getppid"), EACCES_ACTION, &arg, 1 };
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};
	struct seccomp_filter f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(seccomp_compile(&spec, &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "argument index 6"));
	assert_null(f.insns);
	spec.n_rules = 0;
	spec.default_action = 0x12345678;
	assert_int_equal(seccomp_compile(&spec, &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "default action"));
}

static void test_flags(void **state)
{
	struct spec_seccomp spec = { .present = true, .default_action = EPERM_ACTION };
	struct seccomp_filter f = compile(&spec);

	(void)state;
	assert_int_equal(f.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	seccomp_filter_done(&f);
	spec.flags_present = true;
	f = compile(&spec);
	assert_int_equal(f.flags, 0);
	seccomp_filter_done(&f);
	spec.flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG;
	f = compile(&spec);
	assert_int_equal(f.flags, SECCOMP_FILTER_FLAG_LOG);
	seccomp_filter_done(&f);
}

/* Every call that libseccomp knows, in the tree form, with other ABIs of the machine. */
static char **all_calls(void)
{
	char **names = calloc(2000, sizeof(*names));
	size_t n = 0;

	for (int nr = 0; nr < 1000; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

		if (name && strcmp(name, "getppid") != 0 && strcmp(name, "personality") != 0)
			names[n++] = name;
		else
			free(name);
	}
	assert_true(n > 200);
	return names;
}

static void free_calls(char **names)
{
	for (char **p = names; *p; p++)
		free(*p);
	free(names);
}

static void test_big_profile(void **state)
{
	char **names = all_calls();
	struct spec_seccomp_arg arg = { 0, 8, 0, SCMP_CMP_EQ };
	struct spec_seccomp_rule rules[] = { { names, SCMP_ACT_ALLOW, NULL, 0 },
		                             { NAMES("personality"), SCMP_ACT_ALLOW, &arg, 1 } };
	uint32_t arches[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 };
	struct spec_seccomp spec = { .present = true,
		                     .default_action = EPERM_ACTION,
		                     .architectures = arches,
		                     .n_architectures =
		                         seccomp_arch_native() == SCMP_ARCH_X86_64 ? 3 : 0,
		                     .rules = rules,
		                     .n_rules = 2 };
	const struct call calls[] = {
		{ SYS_getppid, 0, 0, EPERM },      { SYS_getpid, 0, 0, 0 },
		{ SYS_personality, 8, 0, 0 },      { SYS_personality, 0, 0, EPERM },
		{ SYS_close_range, 7, 3, EINVAL }, { 1000, 0, 0, ENOSYS }
	};

	(void)state;
	expect(&spec, calls, 6);
	free_calls(names);
}

/* ---- the cache */

static char dir[] = "/tmp/berth-seccomp-XXXXXX";
static int dirfd_cache = -1;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_cache = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_cache < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(dirfd_cache);
	return file_remove_tree_at(AT_FDCWD, dir);
}

static size_t entries(char *ret_name)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	size_t n = 0;

	assert_non_null(d);
	while ((de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		n++;
		if (ret_name)
			strcpy(ret_name, de->d_name);
	}
	closedir(d);
	return n;
}

static void same_as_compiled(const struct spec_seccomp *spec)
{
	struct seccomp_filter a = compile(spec), b;
	struct err err = { 0 };

	assert_int_equal(seccomp_compile_cached(dirfd_cache, spec, &b, &err), 0);
	assert_int_equal(a.n, b.n);
	assert_int_equal(a.flags, b.flags);
	if (a.n)
		assert_memory_equal(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_filter_done(&a);
	seccomp_filter_done(&b);
}

static void test_cache(void **state)
{
	struct spec_seccomp_arg arg = { 0, 8, 0, SCMP_CMP_EQ };
	struct spec_seccomp_rule rules[] = { { NAMES("getppid", "getpid"), EACCES_ACTION, NULL, 0 },
		                             { NAMES("personality"), EACCES_ACTION, &arg, 1 } };
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = rules, .n_rules = 2
	};
	struct seccomp_filter f;
	struct stat before, after;
	char name[256], path[512];

	(void)state;
	same_as_compiled(&spec);
	assert_int_equal(entries(name), 1);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	same_as_compiled(&spec); /* from the file, which stays */
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);

	/* Each part of the input is part of the key. */
	arg.value = 9;
	same_as_compiled(&spec);
	arg.index = 1;
	same_as_compiled(&spec);
	arg.op = SCMP_CMP_NE;
	same_as_compiled(&spec);
	rules[0].names = NAMES("getppid");
	same_as_compiled(&spec);
	rules[0].names = NAMES("getppidgetpid");
	same_as_compiled(&spec);
	rules[0].action = EPERM_ACTION;
	same_as_compiled(&spec);
	spec.default_action = SCMP_ACT_LOG;
	same_as_compiled(&spec);
	spec.flags_present = true;
	same_as_compiled(&spec);
	spec.flags = SECCOMP_FILTER_FLAG_LOG;
	same_as_compiled(&spec);
	spec.n_rules = 0;
	same_as_compiled(&spec);
	assert_int_equal(entries(NULL), 11);

	/* No cache, no difference. */
	assert_int_equal(seccomp_compile_cached(-EBADF, &spec, &f, NULL), 0);
	seccomp_filter_done(&f);
}

/* The hit is believed: that is how it is known to be one. Everything else must not be. */
static void test_damaged_entries(void **state)
{
	struct spec_seccomp_rule rule = { NAMES("getppid"), SCMP_ACT_ERRNO(ENOTTY), NULL, 0 };
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};
	char name[256], *good, path[512];
	size_t len;

	(void)state;
	assert_int_equal(file_remove_tree_at(AT_FDCWD, dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	close(dirfd_cache);
	dirfd_cache = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	same_as_compiled(&spec);
	assert_int_equal(entries(name), 1);
	assert_int_equal(file_read_at(dirfd_cache, name, 1 << 20, &good, &len), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, name);

	for (size_t at = 0; at <= len; at++) {
		char *bad = malloc(len + 1);
		char *again;
		size_t n;

		memcpy(bad, good, len);
		bad[at] = at < len ? (char)(bad[at] ^ 0x10) : 'x';
		/* changed, cut off, and too long */
		n = at % 3 == 0 && at < len ? at : at == len ? len + 1 : len;
		assert_int_equal(file_replace_at(dirfd_cache, name, bad, n, 0600, false), 0);
		same_as_compiled(&spec);
		assert_int_equal(file_read_at(dirfd_cache, name, 1 << 20, &again, &n), 0);
		assert_int_equal(n, len);
		assert_memory_equal(again, good, len);
		free(again);
		free(bad);
	}
	/* Somebody else could have written it. */
	assert_int_equal(chmod(path, 0666), 0);
	same_as_compiled(&spec);
	{
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(chmod(dir, 0777), 0);
		assert_int_equal(unlink(path), 0);
		same_as_compiled(&spec);
		assert_int_equal(entries(NULL), 0); /* nor is anything left for others there */
		assert_int_equal(chmod(dir, 0700), 0);
	}
	assert_int_equal(symlink("/dev/zero", path), 0);
	same_as_compiled(&spec);
	free(good);
}

static void test_cache_is_bounded(void **state)
{
	struct spec_seccomp_arg arg = { 0, 0, 0, SCMP_CMP_EQ };
	struct spec_seccomp_rule rule = { NAMES("personality"), EACCES_ACTION, &arg, 1 };
	struct spec_seccomp spec = {
		.present = true, .default_action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1
	};

	(void)state;
	for (arg.value = 0; arg.value < 80; arg.value++) {
		struct seccomp_filter f;

		assert_int_equal(seccomp_compile_cached(dirfd_cache, &spec, &f, NULL), 0);
		seccomp_filter_done(&f);
	}
	assert_int_equal(entries(NULL), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_deny_some),
		cmocka_unit_test(test_newer_than_the_profile),
		cmocka_unit_test(test_all_denied),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_library_takes_an_argument_once),
		cmocka_unit_test(test_bad_argument),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_big_profile),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_damaged_entries),
		cmocka_unit_test(test_cache_is_bounded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
