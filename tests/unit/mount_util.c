/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the mount tests, see the header. */
#include "mount_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strv.h"

const struct mount_row template_rows[] = {
	{ "/proc", "proc", "proc", NULL },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
};
const size_t n_template_rows = ARRAY_SIZE(template_rows);

struct spec *spec_by_hand(const char *root, const struct mount_row *rows, size_t n)
{
	struct spec *spec = xcalloc(1, sizeof(*spec));

	spec->root.path = xstrdup(root);
	spec->linux_.namespaces[NS_MOUNT].wanted = true;
	spec->mounts = xcalloc(n + 1, sizeof(*spec->mounts));
	spec->n_mounts = n;
	for (size_t i = 0; i < n; i++) {
		struct spec_mount *m = &spec->mounts[i];
		const char *p = rows[i].options ? rows[i].options : "";

		m->destination = xstrdup(rows[i].destination);
		m->type = xstrdup(rows[i].type);
		m->source = xstrdup(rows[i].source);
		while (*p) {
			size_t len = strcspn(p, ",");
			char *option = xstrndup(p, len);

			strv_add(&m->options, option);
			free(option);
			p += len + (p[len] == ',');
		}
	}
	return spec;
}

void spec_by_hand_free(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		free(spec->mounts[i].destination);
		free(spec->mounts[i].type);
		free(spec->mounts[i].source);
		strv_free(spec->mounts[i].options);
	}
	free(spec->mounts);
	free(spec->root.path);
	strv_free(spec->linux_.masked_paths);
	strv_free(spec->linux_.readonly_paths);
	free(spec);
}

char *scratch_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/berth-mount-XXXXXX", tmp ? tmp : "/tmp");

	if (!mkdtemp(dir))
		abort();
	return dir;
}

void scratch_remove(char *dir)
{
	if (file_remove_tree_at(AT_FDCWD, dir) < 0)
		abort();
	free(dir);
}

void scratch_file(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	free(path);
}

static bool write_map(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static bool enter(unsigned int flags)
{
	int wanted = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
	             (flags & IN_HOST_NET ? 0 : CLONE_NEWNET) |
	             (flags & IN_CGROUPNS ? CLONE_NEWCGROUP : 0);
	char uid[64], gid[64];

	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (!(flags & IN_USERNS))
		return unshare(wanted) == 0;
	return unshare(wanted | CLONE_NEWUSER) == 0 && write_map("/proc/self/setgroups", "deny") &&
	       write_map("/proc/self/uid_map", uid) && write_map("/proc/self/gid_map", gid) &&
	       setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0;
}

static int wait_exit(pid_t pid)
{
	int status;

	return pid > 0 && proc_waitpid(pid, &status) == 0 ? proc_exit_code(status) : -1;
}

int in_namespaces(unsigned int flags, void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (!enter(flags))
			_exit(CHILD_SKIPPED);
		pid = fork();
		if (pid == 0) {
			fn(arg);
			_exit(0);
		}
		_exit(wait_exit(pid));
	}
	return wait_exit(pid);
}

int in_host(unsigned int flags, void (*before)(void *arg), void (*fn)(void *arg),
            void (*after)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		int r;

		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
			_exit(CHILD_SKIPPED);
		if (before)
			before(arg);
		r = in_namespaces(flags, fn, arg);
		if (after && r == 0)
			after(arg);
		_exit(r);
	}
	return wait_exit(pid);
}

/* ---- boxes */

char *in_dir(const struct box *box, const char *name)
{
	return xasprintf("%s/%s", box->dir, name);
}

bool readonly(const char *path)
{
	struct statvfs s;

	CHECK(statvfs(path, &s) == 0);
	return s.f_flag & ST_RDONLY;
}

bool is_char(const char *path, unsigned int ma, unsigned int mi)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(ma, mi);
}

unsigned long flags_of(const char *path)
{
	struct statvfs s;

	CHECK(statvfs(path, &s) == 0);
	return s.f_flag;
}

void host_sources(struct box *box)
{
	for (size_t i = 0; i < box->spec->n_mounts; i++) {
		struct spec_mount *m = &box->spec->mounts[i];

		if (m->source && strncmp(m->source, "HOST", 4) == 0) {
			char *s = xasprintf("%s/host%s", box->dir, m->source + 4);

			free(m->source);
			m->source = s;
		}
	}
}

static bool expected_failure(struct box *box, int r, struct err *err)
{
	if (r < 0 && box->may_fail)
		_exit(CHILD_REFUSED);
	if (r >= 0 || box->want == 0)
		return false;
	if (r != box->want || !strstr(err->msg, box->want_text)) {
		fprintf(stderr, "got %d %s, expected %d ...%s...\n", r, err->msg, box->want,
		        box->want_text);
		_exit(1);
	}
	return true;
}

/* What the creator does. */
static void make_plan(struct box *box)
{
	static struct spec_id_map map = { 0, 0, 1 };
	struct spec_linux *l = &box->spec->linux_;

	if (box->flags & IN_USERNS) {
		l->namespaces[NS_USER].wanted = true;
		l->uid_maps = l->gid_maps = &map;
		l->n_uid_maps = l->n_gid_maps = 1;
	}
	box->plan_result = mnt_check_rootfs(box->spec, &box->err);
	if (box->plan_result == 0)
		box->plan_result = mnt_plan_build(box->spec, &box->plan, &box->err);
	if (box->plan_result == 0)
		box->plan_result = mnt_plan_open_sources(box->plan, &box->err);
}

/* What init does. */
static void child(void *arg)
{
	struct box *box = arg;
	struct mnt_ctx ctx = MNT_CTX_INIT;
	struct err err = { 0 };
	int r;

	if (expected_failure(box, box->plan_result, &box->err))
		_exit(0);
	CHECK_OK(box->plan_result, &box->err);
	CHECK_OK(mnt_prepare_root(&ctx, box->plan, &err), &err);
	r = mnt_mount_all(&ctx, box->plan, box->view, &err);
	if (r == 0)
		r = mnt_make_devices(&ctx, box->plan, &err);
	if (expected_failure(box, r, &err))
		_exit(0);
	CHECK_OK(r, &err);
	CHECK_OK(mnt_change_root(&ctx, box->plan, box->no_pivot, &err), &err);
	CHECK_OK(mnt_finish_root(&ctx, box->plan, &err), &err);
	r = mnt_mask_paths(&ctx, box->plan, &err);
	if (expected_failure(box, r, &err))
		_exit(0);
	CHECK_OK(r, &err);
	CHECK(box->want == 0);
	box->look(box, &ctx);
	mnt_ctx_done(&ctx);
	_exit(0);
}

void box_run(struct box *box, const struct mount_row *rows, size_t n)
{
	char *root, *host, *secret;
	char text[16] = "";
	int r, fd;

	box->dir = scratch_make();
	root = in_dir(box, "root");
	host = in_dir(box, "host");
	secret = in_dir(box, "host/secret");
	assert_int_equal(mkdir(root, 0755), 0);
	assert_int_equal(mkdir(host, 0755), 0);
	scratch_file(host, "secret", "untouched");
	box->spec = spec_by_hand(root, rows, n);
	if (box->prepare)
		box->prepare(box);
	make_plan(box);
	if (box->before || box->after)
		r = in_host(box->flags, box->before, child, box->after, box);
	else
		r = in_namespaces(box->flags, child, box);
	if (box->end)
		box->end(box);
	fd = open(secret, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 9);
	close(fd);
	assert_string_equal(text, "untouched");
	assert_int_equal(unlink(secret), 0);
	assert_int_equal(rmdir(host), 0); /* nothing else is in it */
	mnt_plan_free(box->plan);
	spec_by_hand_free(box->spec);
	scratch_remove(box->dir);
	free(root);
	free(host);
	free(secret);
	if (r == CHILD_SKIPPED)
		skip();
	box->refused = box->may_fail && r == CHILD_REFUSED;
	if (box->refused)
		return;
	assert_int_equal(r, 0);
}
