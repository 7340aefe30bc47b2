/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own binary, out of the container's reach (CVE-2019-5736).
 *
 * A process of the container can open /proc/PID/exe of init or of an exec that has not called
 * execve(2) yet, and keep that handle until nothing executes the file any more. So the runtime does
 * not run from the file but from a handle that can't be written whoever holds it: a detached clone
 * of its mount that is read-only, or a sealed memory file. The first costs nothing; who holds
 * CAP_SYS_ADMIN could make a writable mount of it again, hence the second.
 *
 * No loop: a re-executed program knows that it is one (the kernel names it /dev/fd/N in AT_EXECFN,
 * and its exe link is that of a bare mount or a memory file) and fails instead of trying again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/fs.h>

#include "base/fd.h"
#include "base/knockout.h"
#include "base/path.h"
#include "berth/log.h"
#include "kernel/syscalls.h"
#include "security/security.h"

#define EXE       "/proc/self/exe"
#define MEMFD     "berth"
#define ADMIN_BIT (1ULL << CAP_SYS_ADMIN)

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* 6.3 */
#endif
#define SEALS_NEEDED (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* --- decision --- */

/* Can ids of the maps own the file? Who owns it can give himself write permission. */
static bool maps_reach(const struct spec *spec, uid_t owner)
{
	const struct spec_linux *lin = &spec->linux_;

	if (lin->namespaces[NS_USER].path)
		return true; /* joined: what it maps is not for the configuration to say */
	for (size_t i = 0; i < lin->n_uid_maps; i++)
		if (owner >= lin->uid_maps[i].host_id &&
		    owner - lin->uid_maps[i].host_id < lin->uid_maps[i].size)
			return true;
	return false;
}

static bool may_have_admin(const struct spec_process *process)
{
	const struct spec_caps *caps = &process->caps;

	return caps->present && (caps->bounding | caps->permitted | caps->effective |
	                         caps->inheritable | caps->ambient) &
	                            ADMIN_BIT;
}

enum selfexe_need selfexe_decide(const struct spec *spec, const struct spec_process *process,
                                 uid_t exe_owner, bool exe_on_readonly)
{
	bool readonly_is_enough = true;

	if (spec->linux_.namespaces[NS_USER].wanted) {
		if (!maps_reach(spec, exe_owner))
			return SELFEXE_NONE;
	} else {
		/* Any process of the container may be the attacker, not only the new one. A plain
		 * user counts too: images have setuid programs. */
		readonly_is_enough = !may_have_admin(process) && !may_have_admin(&spec->process);
	}
	if (!readonly_is_enough)
		return SELFEXE_SEALED;
	return exe_on_readonly ? SELFEXE_NONE : SELFEXE_READONLY;
}

/* --- state --- */

static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS_NEEDED) == SEALS_NEEDED;
}

/* fs-verity can't be taken off a file; the immutable flag only by CAP_LINUX_IMMUTABLE. */
static bool is_protected(int exe, enum selfexe_need need)
{
	struct statvfs fs;
	int flags = 0;

	if (is_sealed(exe))
		return true;
	if (ioctl(exe, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_VERITY_FL)
		return true;
	return need == SELFEXE_READONLY &&
	       ((fstatvfs(exe, &fs) == 0 && fs.f_flag & ST_RDONLY) || flags & FS_IMMUTABLE_FL);
}

static bool is_reexecuted(void)
{
	const char *name =
	    (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
	char link[64];
	ssize_t n = readlink(EXE, link, sizeof(link) - 1);

	if (!name || strncmp(name, "/dev/fd/", 8) != 0 || n <= 0)
		return false;
	link[n] = '\0';
	/* The root of a mount that is one file; a memory file. */
	return strcmp(link, "/") == 0 || strncmp(link, "/memfd:", 7) == 0;
}

/* --- ways --- */

/* Needs CAP_SYS_ADMIN over our mount namespace. Returns only on failure. */
static int run_readonly(char *const argv[])
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int exe = open(EXE, O_PATH | O_CLOEXEC);
	_cleanup_close_ int tree = FD_INVALID;
	int r;

	if (exe < 0)
		return -errno;
	tree = k_open_tree(exe, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	if (tree < 0)
		return tree;
	r = k_mount_setattr(tree, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? r : k_execveat(tree, "", argv, environ, AT_EMPTY_PATH);
}

int selfexe_seal(int exe, const char *name)
{
	_cleanup_close_ int fd = k_memfd_create(name, MFD_ALLOW_SEALING | MFD_EXEC);
	struct stat st;

	if (fd == -EINVAL) /* before 6.3 all are executable */
		fd = k_memfd_create(name, MFD_ALLOW_SEALING);
	if (fd < 0)
		return take_fd(&fd);
	if (fstat(exe, &st) < 0)
		return -errno;
	for (off_t done = 0; done < st.st_size;) {
		ssize_t n = sendfile(fd, exe, NULL, (size_t)(st.st_size - done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS_NEEDED | F_SEAL_EXEC) < 0 &&
	    (errno != EINVAL || fcntl(fd, F_ADD_SEALS, SEALS_NEEDED) < 0))
		return -errno;
	return take_fd(&fd);
}

/* Returns only on failure. */
static int run_sealed(int exe, char *const argv[])
{
	_cleanup_close_ int fd = selfexe_seal(exe, MEMFD);

	return fd < 0 ? fd : k_execveat(fd, "", argv, environ, AT_EMPTY_PATH);
}

int selfexe_protect(enum selfexe_need need, char *const argv[], struct err *err)
{
	_cleanup_close_ int exe = FD_INVALID;
	bool again = is_reexecuted();
	int r;

	/* The kernel has named us after the descriptor. */
	if (again && argv && argv[0])
		prctl(PR_SET_NAME, path_base(argv[0]));
	if (need == SELFEXE_NONE || knocked_out("protected-exe"))
		return 0;
	exe = open(EXE, O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return err_set(err, -errno, "protect our own binary from the container: open " EXE);
	if (is_protected(exe, need))
		return 0;
	if (again)
		return err_text(err, -EPERM,
		                "protect our own binary from the container: it can still be "
		                "written after a re-execution");
	if (need == SELFEXE_READONLY) {
		r = run_readonly(argv);
		log_debug("no read-only clone of our binary (error %d), copying it", -r);
	}
	r = run_sealed(exe, argv);
	return err_set(err, r,
	               "protect our own binary from the container: neither a read-only clone of "
	               "its mount nor a sealed copy can be executed");
}
