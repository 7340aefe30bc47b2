/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and configurations that mean harm: links where directories belong, mounts onto procfs or
 * the root, options nobody knows. Each must be refused with its reason and leave the host's side of
 * the scratch directory as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "mount/internal.h"
#include "mount_util.h"

/* ---- hostile images and configurations */

struct hostile {
	const char *name;
	struct mount_row mounts[3];
	struct {
		const char *path, *target; /* a link in the rootfs; target NULL: a file, "" a dir */
	} plant[3];
	const char *masked;
	int want;
	const char *text;
};

static const struct hostile *hostile_now;

static void prepare_hostile(struct box *box)
{
	host_sources(box);
	for (size_t i = 0; i < ARRAY_SIZE(hostile_now->plant); i++) {
		const char *target = hostile_now->plant[i].target;
		char *path =
		    xasprintf("%s/root%s", box->dir,
		              hostile_now->plant[i].path ? hostile_now->plant[i].path : "");

		if (!hostile_now->plant[i].path) {
			free(path);
			break;
		}
		if (!target) {
			int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

			assert_true(fd >= 0);
			close(fd);
		} else if (*target == '\0') {
			assert_int_equal(mkdir(path, 0755), 0);
		} else {
			char *real = strncmp(target, "HOST", 4) == 0
			                 ? xasprintf("%s/host%s", box->dir, target + 4)
			                 : xstrdup(target);

			assert_int_equal(symlink(real, path), 0);
			free(real);
		}
		free(path);
	}
	if (hostile_now->masked)
		strv_add(&box->spec->linux_.masked_paths, hostile_now->masked);
}

static void look_nothing(struct box *box, struct mnt_ctx *ctx)
{
	(void)box;
	(void)ctx;
}

#define PROC                                  \
	{                                     \
		"/proc", "proc", "proc", NULL \
	}
#define ORDINARY "must be mounted on ordinary directory"

static const struct hostile hostile_table[] = {
	{ "proc is a link",
	  { PROC },
	  { { "/proc", "/tmp" }, { "/tmp", "" } },
	  NULL,
	  -ELOOP,
	  ORDINARY },
	{ "proc is a link out", { PROC }, { { "/proc", "HOST" } }, NULL, -ELOOP, ORDINARY },
	{ "proc is a relative link", { PROC }, { { "/proc", "../host" } }, NULL, -ELOOP, ORDINARY },
	{ "proc dangles", { PROC }, { { "/proc", "none" } }, NULL, -ELOOP, ORDINARY },
	{ "proc is a file", { PROC }, { { "/proc", NULL } }, NULL, -ENOTDIR, ORDINARY },
	{ "proc through a link",
	  { { "/l/proc", "proc", "proc", NULL } },
	  { { "/l", "HOST" } },
	  NULL,
	  -ELOOP,
	  ORDINARY },
	{ "sys is a link",
	  { { "/sys", "sysfs", "sysfs", "ro" } },
	  { { "/sys", "HOST" } },
	  NULL,
	  -ELOOP,
	  ORDINARY },
	{ "bound sys is a link",
	  { { "/sys", NULL, "/sys", "rbind,ro" } },
	  { { "/sys", "HOST" } },
	  NULL,
	  -ELOOP,
	  ORDINARY },
	{ "a directory as proc",
	  { { "/proc", NULL, "HOST", "bind" } },
	  { { NULL, NULL } },
	  NULL,
	  -EPERM,
	  "not of type proc" },
	{ "a part of procfs as proc",
	  { { "/proc", NULL, "/proc/sys", "bind" } },
	  { { NULL, NULL } },
	  NULL,
	  -EPERM,
	  "not of type proc" },
	{ "into proc by a link",
	  { PROC, { "/p/sys", "tmpfs", "tmpfs", NULL } },
	  { { "/p", "/proc" } },
	  NULL,
	  -EPERM,
	  "leads into procfs" },
	{ "onto proc by a link",
	  { PROC, { "/p", NULL, "HOST", "bind" } },
	  { { "/p", "proc" } },
	  NULL,
	  -EPERM,
	  "leads into procfs" },
	{ "onto the root by a link",
	  { { "/x", "tmpfs", "tmpfs", NULL } },
	  { { "/x", "/" } },
	  NULL,
	  -EINVAL,
	  "is the root of the container" },
	{ "onto the root by dots",
	  { { "/x", NULL, "HOST", "bind" } },
	  { { "/x", "../../.." } },
	  NULL,
	  -EINVAL,
	  "is the root of the container" },
	{ "a directory on a file",
	  { { "/f", NULL, "HOST", "bind" } },
	  { { "/f", NULL } },
	  NULL,
	  -ENOTDIR,
	  "mount point" },
	{ "a file on a directory",
	  { { "/d", NULL, "HOST/secret", "bind" } },
	  { { "/d", "" } },
	  NULL,
	  -EISDIR,
	  "mount point" },
	{ "a source that is missing",
	  { { "/d", NULL, "HOST/none", "bind" } },
	  { { NULL, NULL } },
	  NULL,
	  -ENOENT,
	  "bind source" },
	{ "an unknown file system",
	  { { "/d", "nosuchfs", "none", NULL } },
	  { { NULL, NULL } },
	  NULL,
	  -ENODEV,
	  "nosuchfs" },
	{ "the type bind without the option",
	  { { "/d", "bind", "HOST", NULL } },
	  { { NULL, NULL } },
	  NULL,
	  -ENODEV,
	  "bind" },
	{ "an unknown option",
	  { { "/d", "tmpfs", "none", "nosuchoption=1" } },
	  { { NULL, NULL } },
	  NULL,
	  -EINVAL,
	  "nosuchoption" },
	{ "an option within an option",
	  { { "/d", "tmpfs", "none", "size=1k\tmode=777" } },
	  { { NULL, NULL } },
	  NULL,
	  -EINVAL,
	  "size=1k" },
	{ "a link loop",
	  { { "/a/x", "tmpfs", "none", NULL } },
	  { { "/a", "b" }, { "/b", "a" } },
	  NULL,
	  -ELOOP,
	  "mount point" },
	{ "dev is a link", { PROC }, { { "/dev", "HOST" } }, NULL, -ELOOP, "ordinary directory" },
	{ "dev is a relative link",
	  { PROC },
	  { { "/dev", "d2" }, { "/d2", "HOST" } },
	  NULL,
	  -ELOOP,
	  "ordinary directory" },
	{ "null is a link",
	  { PROC },
	  { { "/dev", "" }, { "/dev/null", "HOST/secret" } },
	  NULL,
	  -EEXIST,
	  "/dev/null" },
	{ "null is a directory",
	  { PROC },
	  { { "/dev", "" }, { "/dev/null", "" } },
	  NULL,
	  -EEXIST,
	  "/dev/null" },
	{ "the root as a mask",
	  { PROC },
	  { { NULL, NULL } },
	  "/",
	  -EINVAL,
	  "root of the container" },
	{ "a magic link in a mask",
	  { PROC },
	  { { NULL, NULL } },
	  "/proc/self/root/proc",
	  -ELOOP,
	  "maskedPaths" },
};

static void hostile_case(const struct hostile *h, unsigned int flags)
{
	struct box box = { .look = look_nothing,
		           .prepare = prepare_hostile,
		           .flags = flags,
		           .want = h->want,
		           .want_text = h->text };
	size_t n = 0;

	while (n < ARRAY_SIZE(h->mounts) && h->mounts[n].destination)
		n++;
	hostile_now = h;
	/* There the node is bound, and what is in the way is looked at in another order. */
	if (flags & IN_USERNS && h->want == -EEXIST)
		box.want = strstr(h->name, "link") ? -ELOOP : -EISDIR;
	print_message("# %s\n", h->name);
	box_run(&box, h->mounts, n);
}

static void test_hostile(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(hostile_table); i++)
		hostile_case(&hostile_table[i], 0);
}

static void test_hostile_userns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile_table); i++)
		hostile_case(&hostile_table[i], IN_USERNS);
}

/* ---- somebody else changes the volume meanwhile (CVE-2021-30465, CVE-2024-45310) */

static pid_t racer;

/* root/v/l1 is by turns a directory and a link to the host's directory. */
static void prepare_race(struct box *box)
{
	_cleanup_free_ char *v = in_dir(box, "root/v"), *host = in_dir(box, "host");
	int fd;

	assert_int_equal(mkdir(v, 0777), 0);
	fd = open(v, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "l1", 0777), 0);
	assert_int_equal(symlinkat(host, fd, "l2"), 0);
	racer = fork();
	if (racer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			renameat2(fd, "l1", fd, "l2", RENAME_EXCHANGE);
	}
	close(fd);
	assert_true(racer > 0);
}

static void end_race(struct box *box)
{
	(void)box;
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
}

static void look_race(struct box *box, struct mnt_ctx *ctx)
{
	_cleanup_free_ char *text = NULL;

	(void)box;
	(void)ctx;
	/* What had been mounted outside would have gone with the old root. */
	CHECK(file_read_at(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, NULL) == 0);
	CHECK(strstr(text, " - tmpfs race1 ") && strstr(text, " - tmpfs race2 "));
}

static void test_race(void **state)
{
	static const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", NULL },
		{ "/v/l1/deep/er", "tmpfs", "race1", NULL },
		{ "/v/l1", "tmpfs", "race2", NULL },
	};

	int mounted = 0;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct box box = { .look = look_race,
			           .prepare = prepare_race,
			           .end = end_race,
			           .flags = IN_USERNS,
			           .may_fail = true };

		box_run(&box, rows, ARRAY_SIZE(rows));
		mounted += !box.refused;
	}
	assert_true(mounted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_userns),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
