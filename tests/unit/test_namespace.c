/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: plans, checks of paths, the clone with its fall-backs, joining in the right order. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "namespace/internal.h"
#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "deny_call.h"
#include "kernel/syscalls.h"
#include "mount_util.h"
#include "namespace/namespace.h"

static int in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(proc_waitpid(pid, &status), 0);
	return proc_exit_code(status);
}

/* --- plans --- */

static void test_from_spec(void **state)
{
	static char path[] = "/proc/1/ns/net";
	struct spec spec = { 0 };
	struct ns_plan plan;

	(void)state;
	ns_plan_from_spec(&spec, &plan);
	assert_int_equal(plan.new_flags, 0);
	assert_false(plan.needs_joiner || plan.new_user);
	for (int t = 0; t < NS_TYPES; t++) {
		assert_false(plan.has[t] || plan.join[t]);
		assert_int_equal(plan.fd[t], FD_INVALID);
	}

	spec.linux_.namespaces[NS_PID].wanted = true;
	spec.linux_.namespaces[NS_USER].wanted = true;
	spec.linux_.namespaces[NS_TIME].wanted = true;
	spec.linux_.namespaces[NS_NET].wanted = true;
	spec.linux_.namespaces[NS_NET].path = path;
	ns_plan_from_spec(&spec, &plan);
	assert_int_equal(plan.new_flags, CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME);
	assert_true(plan.needs_joiner && plan.new_user);
	assert_true(plan.has[NS_NET] && plan.join[NS_NET]);
	assert_true(plan.has[NS_PID] && !plan.join[NS_PID]);
	assert_false(plan.has[NS_MOUNT]);
	ns_plan_done(&plan);
}

/* Open the plan of one namespace by path. */
static int open_one(enum spec_ns_type type, char *path, struct ns_plan *plan, struct err *err)
{
	struct spec spec = { 0 };

	spec.linux_.namespaces[type].wanted = true;
	spec.linux_.namespaces[type].path = path;
	ns_plan_from_spec(&spec, plan);
	return ns_plan_open(plan, &spec, err);
}

static void test_open(void **state)
{
	static char uts[] = "/proc/self/ns/uts", user[] = "/proc/self/ns/user";
	struct ns_plan plan;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(open_one(NS_UTS, uts, &plan, &err), 0);
	assert_true(plan.fd[NS_UTS] >= 0);
	assert_int_equal(fcntl(plan.fd[NS_UTS], F_GETFD), FD_CLOEXEC);
	assert_true(plan.join[NS_UTS] && plan.has[NS_UTS] && plan.needs_joiner);
	assert_true(ns_is_own(plan.fd[NS_UTS], NS_UTS));
	assert_false(ns_is_own(plan.fd[NS_UTS], NS_NET));
	ns_plan_done(&plan);
	assert_int_equal(plan.fd[NS_UTS], FD_INVALID);

	/* Joining the user namespace that we are in is nothing to do, and setns refuses it. */
	assert_int_equal(open_one(NS_USER, user, &plan, &err), 0);
	assert_false(plan.join[NS_USER] || plan.has[NS_USER] || plan.needs_joiner);
	ns_plan_done(&plan);
}

static void test_open_refuses(void **state)
{
	static char uts[] = "/proc/self/ns/uts", file[] = "/proc/self/status";
	char *dir = scratch_make();
	_cleanup_free_ char *fifo = path_join(dir, "fifo");
	_cleanup_free_ char *none = path_join(dir, "none");
	struct ns_plan plan;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(open_one(NS_NET, uts, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "type uts, not network"));
	ns_plan_done(&plan);
	assert_int_equal(open_one(NS_NET, file, &plan, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not a namespace file"));
	assert_non_null(strstr(err.msg, file));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(open_one(NS_NET, fifo, &plan, &err), -EINVAL);
	assert_int_equal(open_one(NS_NET, none, &plan, &err), -ENOENT);
	assert_non_null(strstr(err.msg, none));
	scratch_remove(dir);
}

/* --- clone --- */

static int exit_code_of(pid_t pid)
{
	int status;

	return proc_waitpid(pid, &status) == 0 ? proc_exit_code(status) : -1;
}

static void check_clone(void)
{
	int pidfd = FD_INVALID;
	bool into = true;
	pid_t pid = ns_clone(0, FD_INVALID, false, &pidfd, &into, NULL);

	if (pid == 0)
		_exit(7);
	CHECK(pid > 0 && pidfd >= 0 && !into);
	CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
	CHECK(proc_pidfd_pid(pidfd) == pid || proc_pidfd_exited(pidfd));
	CHECK(exit_code_of(pid) == 7);
	close(pidfd);
}

/* The child of the child is ours: only we can wait for it. */
static void check_clone_parent(void)
{
	int fds[2];
	pid_t joiner, pid;

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	joiner = ns_clone(0, FD_INVALID, false, NULL, NULL, NULL);
	if (joiner == 0) {
		pid = ns_clone(0, FD_INVALID, true, NULL, NULL, NULL);
		if (pid == 0)
			_exit(9);
		CHECK(pid > 0);
		CHECK(waitpid(pid, NULL, 0) < 0 && errno == ECHILD);
		CHECK(write(fds[1], &pid, sizeof(pid)) == sizeof(pid));
		_exit(0);
	}
	CHECK(joiner > 0);
	CHECK(exit_code_of(joiner) == 0);
	CHECK(read(fds[0], &pid, sizeof(pid)) == sizeof(pid));
	CHECK(exit_code_of(pid) == 9);
	close(fds[0]);
	close(fds[1]);
}

static void clones(void *arg)
{
	(void)arg;
	check_clone();
	check_clone_parent();
}

static void test_clone(void **state)
{
	(void)state;
	assert_int_equal(in_child(clones, NULL), 0);
}

/* As sandboxes do it. */
static void without_clone3(void)
{
	CHECK(deny_call(SYS_clone3, ENOSYS) == 0);
	CHECK(k_clone3(&(struct clone_args){ 0 }, sizeof(struct clone_args)) == -ENOSYS);
}

static void old_clones(void *arg)
{
	struct err err = { 0 };
	int pidfd;

	(void)arg;
	without_clone3();
	check_clone();
	check_clone_parent();
	CHECK(ns_clone(CLONE_NEWTIME, FD_INVALID, false, &pidfd, NULL, &err) == -ENOSYS);
	CHECK(strstr(err.msg, "time namespace"));
}

static void test_clone_old(void **state)
{
	(void)state;
	assert_int_equal(in_child(old_clones, NULL), 0);
}

static void no_cgroup(void *arg)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool into = true;
	pid_t pid;

	(void)arg;
	CHECK(root >= 0);
	pid = ns_clone(0, root, false, NULL, &into, NULL);
	if (pid == 0)
		_exit(5);
	CHECK(pid > 0 && !into);
	CHECK(exit_code_of(pid) == 5);
}

/* What can't take the process is reported, not fatal: the caller attaches it himself. */
static void test_clone_no_cgroup(void **state)
{
	(void)state;
	assert_int_equal(in_child(no_cgroup, NULL), 0);
}

static void refused_flags(void *arg)
{
	struct err err = { 0 };

	(void)arg;
	if (geteuid() == 0)
		CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(ns_clone(CLONE_NEWNET, FD_INVALID, false, NULL, NULL, &err) == -EPERM);
	CHECK(strstr(err.msg, "CAP_SYS_ADMIN"));
}

static void test_clone_refused(void **state)
{
	(void)state;
	assert_int_equal(in_child(refused_flags, NULL), 0);
}

/* --- joining --- */

struct other {
	pid_t pid;
	int pidfd;
};

static struct spec_id_map own_uid, own_gid;

static void own_maps(struct spec *spec)
{
	own_uid = (struct spec_id_map){ 0, geteuid(), 1 };
	own_gid = (struct spec_id_map){ 0, getegid(), 1 };
	spec->linux_.uid_maps = &own_uid;
	spec->linux_.gid_maps = &own_gid;
	spec->linux_.n_uid_maps = spec->linux_.n_gid_maps = 1;
}

static _Noreturn void wait_to_be_killed(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing */
	for (;;)
		pause();
}

/* A process in new namespaces that waits to be killed. */
static void other_make(struct other *o, uint64_t flags)
{
	struct spec spec = { 0 };
	struct err err = { 0 };

	o->pid = ns_clone(flags, FD_INVALID, false, &o->pidfd, NULL, &err);
	if (o->pid == 0)
		wait_to_be_killed();
	if (o->pid < 0)
		_exit(CHILD_SKIPPED);
	own_maps(&spec);
	if (flags & CLONE_NEWUSER)
		CHECK(ns_write_maps(o->pid, &spec, &err) == 0);
}

static void other_done(struct other *o)
{
	kill(o->pid, SIGKILL);
	CHECK(exit_code_of(o->pid) == 128 + SIGKILL);
	close(o->pidfd);
}

static bool same_namespaces(pid_t pid, const struct ns_plan *plan)
{
	_cleanup_close_ int dir = FD_INVALID;
	char path[32];

	/* In the process's own pid namespace and mounts /proc may be anything: by descriptors. */
	snprintf(path, sizeof(path), "/proc/%d/ns", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir >= 0);
	for (int t = 0; t < NS_TYPES; t++) {
		static const char *const names[NS_TYPES] = { "user", "mnt", "pid",    "net",
			                                     "ipc",  "uts", "cgroup", "time" };
		struct stat a, b;

		if (!plan->join[t])
			continue;
		CHECK(fstat(plan->fd[t], &a) == 0);
		CHECK(fstatat(dir, names[t], &b, 0) == 0);
		if (a.st_ino != b.st_ino)
			return false;
	}
	return true;
}

/* Join all that o has, in a joiner, and look at the process that it makes. */
static void check_join(const struct other *o, unsigned int n_joined)
{
	struct ns_plan plan;
	struct err err = { 0 };
	unsigned int n = 0;
	pid_t joiner, pid;

	CHECK(ns_plan_from_pid(o->pid, o->pidfd, &plan, &err) == 0);
	CHECK(plan.needs_joiner && plan.new_flags == 0 && !plan.new_user);
	for (int t = 0; t < NS_TYPES; t++) {
		n += plan.join[t];
		CHECK(plan.join[t] == plan.has[t] && plan.join[t] == (plan.fd[t] >= 0));
	}
	CHECK(n == n_joined);
	joiner = ns_clone(0, FD_INVALID, false, NULL, NULL, NULL);
	if (joiner == 0) {
		if (ns_join_all(&plan, &err) < 0) {
			fprintf(stderr, "%s\n", err.msg);
			_exit(1);
		}
		CHECK(prctl(PR_GET_DUMPABLE) == 0);
		pid = ns_clone(0, FD_INVALID, true, NULL, NULL, NULL);
		if (pid == 0)
			wait_to_be_killed();
		CHECK(pid > 0);
		_exit(0);
	}
	CHECK(exit_code_of(joiner) == 0);
	/* The pid was told in the namespace that was joined; here it is our only other child. */
	{
		_cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", getpid());
		FILE *f = fopen(path, "re");
		pid_t found[2] = { 0 };

		CHECK(f && fscanf(f, "%d %d", &found[0], &found[1]) == 2);
		fclose(f);
		pid = found[0] == o->pid ? found[1] : found[0];
	}
	CHECK(pid != o->pid && kill(pid, 0) == 0);
	if (geteuid() == 0) /* an ordinary user may not look at what is not dumpable */
		CHECK(same_namespaces(pid, &plan));
	kill(pid, SIGKILL);
	CHECK(exit_code_of(pid) == 128 + SIGKILL);
	ns_plan_done(&plan);
}

#define ALL_BUT_USER                                                               \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)

static void join_userns(void *arg)
{
	struct other o;

	/* As ourselves, and as somebody without any privilege. */
	if (*(bool *)arg && geteuid() == 0) {
		CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
		      setresuid(65534, 65534, 65534) == 0);
	}
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	other_make(&o, CLONE_NEWUSER | ALL_BUT_USER);
	check_join(&o, 8);
	other_done(&o);
}

static void test_join_userns(void **state)
{
	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		bool arg = plain;
		int r = in_child(join_userns, &arg);

		if (r == CHILD_SKIPPED)
			skip();
		assert_int_equal(r, 0);
	}
}

static void join_privileged(void *arg)
{
	struct other o;

	(void)arg;
	other_make(&o, ALL_BUT_USER);
	check_join(&o, 7);
	other_done(&o);
}

static void test_join_privileged(void **state)
{
	int r;

	(void)state;
	if (geteuid() != 0)
		skip();
	r = in_child(join_privileged, NULL);
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

/* A network namespace of the host and a user namespace: the first must be entered first. */
static void join_host_net(void *arg)
{
	struct other net, user;
	struct ns_plan a, b;
	struct err err = { 0 };
	pid_t pid;

	(void)arg;
	other_make(&net, CLONE_NEWNET);
	other_make(&user, CLONE_NEWUSER);
	CHECK(ns_plan_from_pid(net.pid, net.pidfd, &a, &err) == 0);
	CHECK(ns_plan_from_pid(user.pid, user.pidfd, &b, &err) == 0);
	CHECK(a.join[NS_NET] && b.join[NS_USER] && !b.join[NS_NET]);
	b.join[NS_NET] = b.has[NS_NET] = true;
	b.fd[NS_NET] = take_fd(&a.fd[NS_NET]);
	pid = ns_clone(0, FD_INVALID, false, NULL, NULL, NULL);
	if (pid == 0) {
		CHECK(ns_join_all(&b, &err) == 0);
		CHECK(ns_is_own(b.fd[NS_NET], NS_NET) && ns_is_own(b.fd[NS_USER], NS_USER));
		CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0);
		_exit(0);
	}
	CHECK(exit_code_of(pid) == 0);
	/* And for somebody who owns neither it is an error that names the type. */
	pid = ns_clone(0, FD_INVALID, false, NULL, NULL, NULL);
	if (pid == 0) {
		b.join[NS_USER] = false;
		CHECK(setresuid(65534, 65534, 65534) == 0);
		CHECK(ns_join_all(&b, &err) == -EPERM);
		CHECK(strstr(err.msg, "network namespace"));
		_exit(0);
	}
	CHECK(exit_code_of(pid) == 0);
	ns_plan_done(&a);
	ns_plan_done(&b);
	other_done(&net);
	other_done(&user);
}

static void test_join_order(void **state)
{
	int r;

	(void)state;
	if (geteuid() != 0)
		skip();
	r = in_child(join_host_net, NULL);
	if (r == CHILD_SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void join_own(void *arg)
{
	static char net[] = "/proc/self/ns/net";
	struct ns_plan plan;
	struct err err = { 0 };

	(void)arg;
	if (geteuid() == 0)
		CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(open_one(NS_NET, net, &plan, &err) == 0 || errno == EACCES);
	/* One's own asks for no privilege. */
	CHECK(plan.fd[NS_NET] >= 0 && ns_join_all(&plan, &err) == 0);
}

static void test_join_own(void **state)
{
	(void)state;
	assert_int_equal(in_child(join_own, NULL), 0);
}

static void exited(void *arg)
{
	struct ns_plan plan;
	struct err err = { 0 };
	int pidfd;
	pid_t pid = ns_clone(0, FD_INVALID, false, &pidfd, NULL, NULL);

	(void)arg;
	if (pid == 0)
		_exit(0);
	CHECK(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0);
	CHECK(ns_plan_from_pid(pid, pidfd, &plan, &err) < 0);
	CHECK(exit_code_of(pid) == 0);
	CHECK(ns_plan_from_pid(pid, pidfd, &plan, &err) == -ESRCH);
	/* A pid that now is somebody else's: the descriptor decides. */
	CHECK(ns_plan_from_pid(getpid(), pidfd, &plan, &err) == -ESRCH);
	for (int t = 0; t < NS_TYPES; t++)
		CHECK(plan.fd[t] == FD_INVALID);
}

static void test_exited(void **state)
{
	(void)state;
	assert_int_equal(in_child(exited, NULL), 0);
}

static void test_time_offsets(void **state)
{
	const struct spec_time_offsets both = { true,
		                                { true, -7200, 1 },
		                                { true, 1000000, 999999999 } };
	const struct spec_time_offsets one = { true, { false, 0, 0 }, { true, 5, 0 } };
	char text[128];

	(void)state;
	ns_time_text(&both, text, sizeof(text));
	assert_string_equal(text, "monotonic -7200 1\nboottime 1000000 999999999\n");
	ns_time_text(&one, text, sizeof(text));
	assert_string_equal(text, "boottime 5 0\n");
	assert_true(ns_time_equals(
	    "monotonic      -7200         1\nboottime     1000000 999999999\n", &both));
	assert_false(ns_time_equals(
	    "monotonic      -7200         1\nboottime     1000000 999999998\n", &both));
	assert_false(ns_time_equals(
	    "monotonic      -7201         1\nboottime     1000000 999999999\n", &both));
	assert_true(ns_time_equals("monotonic 0 0\nboottime 5 0\n", &one));
	assert_false(ns_time_equals("monotonic 1 0\nboottime 5 0\n", &one));
	assert_false(ns_time_equals("boottime 5 0\n", &one));
	assert_false(ns_time_equals("", &one));
}

/* Offsets are set by a joiner, which makes the namespace; the clone then must not. */
static void test_time_plan(void **state)
{
	struct spec spec = { 0 };
	struct ns_plan plan;

	(void)state;
	spec.linux_.namespaces[NS_TIME].wanted = true;
	spec.linux_.namespaces[NS_USER].wanted = true;
	ns_plan_from_spec(&spec, &plan);
	assert_true(plan.new_flags & CLONE_NEWTIME);
	assert_false(plan.needs_joiner);
	assert_null(plan.time_offsets);
	spec.linux_.time_offsets.present = true;
	ns_plan_from_spec(&spec, &plan);
	assert_false(plan.new_flags & CLONE_NEWTIME);
	assert_true(plan.needs_joiner && plan.has[NS_TIME] && plan.new_user);
	assert_ptr_equal(plan.time_offsets, &spec.linux_.time_offsets);
	assert_int_equal(ns_plan_open(&plan, &spec, NULL), 0);
	assert_true(plan.needs_joiner);
	/* Without the user namespace an ordinary user could make no other. */
	assert_int_equal(plan.user_first, geteuid() != 0);
	ns_plan_done(&plan);
}

/* What somebody has sent: only namespaces, each type once, and what is ours needs no joining. */
static void test_from_descriptors(void **state)
{
	struct ns_plan plan;
	struct err err = { 0 };
	int fds[3];

	(void)state;
	fds[0] = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	fds[1] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	assert_int_equal(ns_plan_from_fds(fds, 2, &plan, &err), 0);
	assert_false(plan.needs_joiner);
	for (int t = 0; t < NS_TYPES; t++)
		assert_true(!plan.has[t] && !plan.join[t] && plan.fd[t] < 0);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* taken over */
	fds[0] = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fds[2] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ns_plan_from_fds(fds, 3, &plan, &err), -EPROTO);
	assert_string_equal(err.msg, "not the namespaces of a process");
	for (int i = 0; i < 3; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_descriptors),
		cmocka_unit_test(test_time_offsets),
		cmocka_unit_test(test_time_plan),
		cmocka_unit_test(test_from_spec),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_clone),
		cmocka_unit_test(test_clone_old),
		cmocka_unit_test(test_clone_no_cgroup),
		cmocka_unit_test(test_clone_refused),
		cmocka_unit_test(test_join_userns),
		cmocka_unit_test(test_join_privileged),
		cmocka_unit_test(test_join_order),
		cmocka_unit_test(test_join_own),
		cmocka_unit_test(test_exited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
