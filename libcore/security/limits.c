/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits and the OOM score of a process.
 *
 * Both are set from outside, by the creator: prlimit(2) reaches into init after it has entered its
 * user namespace (where it could no longer raise a hard limit), and /proc/PID/oom_score_adj is
 * written while init is still dumpable. Neither is touched when the configuration does not name it.
 */
#include "security/security.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/names.h"
#include "berth/log.h"
#include "tables/rlimits.h"

int limits_apply(pid_t pid, const struct spec_process *process, struct err *err)
{
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct spec_rlimit *want = &process->rlimits[i];
		const struct rlimit64 limit = { .rlim_cur = want->soft, .rlim_max = want->hard };
		const char *name = names_name(rlimits_table, want->resource);

		if (prlimit64(pid, (__rlimit_resource_t)want->resource, &limit, NULL) < 0)
			return err_set(err, -errno, "set %s to %llu:%llu", name ? name : "rlimit",
			               (unsigned long long)want->soft,
			               (unsigned long long)want->hard);
	}
	return 0;
}

int oom_score_adj_set(int proc_fd_or_minus1, pid_t pid, const struct spec_process *process,
                      bool rootless, struct err *err)
{
	_cleanup_close_ int proc = FD_INVALID;
	_cleanup_close_ int fd = FD_INVALID;
	char path[64], value[16];
	int r, n;

	if (!process->oom_score_adj.set)
		return 0;
	if (proc_fd_or_minus1 < 0) {
		proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			return err_set(err, -errno, "open /proc");
		proc_fd_or_minus1 = proc;
	}
	if (pid)
		snprintf(path, sizeof(path), "%d/oom_score_adj", (int)pid);
	else
		snprintf(path, sizeof(path), "self/oom_score_adj");
	n = snprintf(value, sizeof(value), "%lld", (long long)process->oom_score_adj.v);

	fd = openat(proc_fd_or_minus1, path, O_WRONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : fd_write_all(fd, value, (size_t)n);
	/* Lowering the score takes CAP_SYS_RESOURCE, which a rootless caller never has: such
	 * bundles are written for root, and a higher score only makes this container die first. */
	if (rootless && (r == -EACCES || r == -EPERM)) {
		log_debug("oom_score_adj %s of pid %d: not permitted, left as it is", value,
		          (int)pid);
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "write \"%s\" to /proc/%s", value, path);
	return 0;
}
