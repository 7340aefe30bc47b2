/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading device programs and attaching them to a v2 cgroup: bpf(2) with BPF_CGROUP_DEVICE.
 *
 * Programs are attached with BPF_F_ALLOW_MULTI, since a service manager may have one on the same
 * cgroup: access needs the consent of all. Ours are known by their name; a new one takes the place
 * of the old in one step (BPF_F_REPLACE, 5.6), so that there is no moment without a filter and no
 * pile of them (64 fit).
 */
#include "cgroup/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "kernel/syscalls.h"

#define PROG_NAME    "berth_device"
#define PROGRAMS_MAX 64
#define LOG_SIZE     (64u << 10)

static uint64_t ptr(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static int load_log(const struct bpf_insn *insns, size_t n, char *log, size_t size)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)n,
		.insns = ptr(insns),
		.license = ptr("Apache-2.0"),
		.log_buf = ptr(log),
		.log_size = (uint32_t)size,
		.log_level = log ? 1 : 0,
	};

	memcpy(attr.prog_name, PROG_NAME, sizeof(PROG_NAME));
	return k_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int load(const struct bpf_insn *insns, size_t n, struct err *err)
{
	_cleanup_free_ char *log = NULL;
	int fd = load_log(insns, n, NULL, 0);

	if (fd >= 0)
		return fd;
	if (fd != -EINVAL && fd != -EACCES)
		return err_set(err, fd, "device rules: load eBPF program");
	/* The verifier's words are worth having, but only then: they cost time. */
	log = xcalloc(1, LOG_SIZE);
	(void)load_log(insns, n, log, LOG_SIZE);
	return err_set(err, fd, "device rules: load eBPF program (%.200s)", log);
}

static bool is_ours(int prog)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = {
		.info = { .bpf_fd = (uint32_t)prog, .info_len = sizeof(info), .info = ptr(&info) },
	};

	return k_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) >= 0 &&
	       strncmp(info.name, PROG_NAME, sizeof(info.name)) == 0;
}

/* Our programs on this directory (normally none or one), as descriptors in fds. */
static int find_ours(int dirfd, int *fds, size_t max)
{
	uint32_t ids[PROGRAMS_MAX];
	union bpf_attr query = {
		.query = { .target_fd = (uint32_t)dirfd,
		           .attach_type = BPF_CGROUP_DEVICE,
		           .prog_ids = ptr(ids),
		           .prog_cnt = PROGRAMS_MAX },
	};
	size_t n = 0;
	int r = k_bpf(BPF_PROG_QUERY, &query, sizeof(query));

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < query.query.prog_cnt && n < max; i++) {
		union bpf_attr attr = { .prog_id = ids[i] };
		int fd = k_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

		if (fd < 0)
			continue;
		if (is_ours(fd))
			fds[n++] = fd;
		else
			fd_close(fd);
	}
	return (int)n;
}

static int attach(int dirfd, int prog, int replaced)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)dirfd,
		.attach_bpf_fd = (uint32_t)prog,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI | (replaced >= 0 ? BPF_F_REPLACE : 0u),
		.replace_bpf_fd = replaced >= 0 ? (uint32_t)replaced : 0,
	};

	return k_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
}

static int detach(int dirfd, int prog)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)dirfd,
		.attach_bpf_fd = (uint32_t)prog,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	return k_bpf(BPF_PROG_DETACH, &attr, sizeof(attr));
}

int cg_bpf_set(int dirfd, const struct bpf_insn *insns, size_t n, struct err *err)
{
	_cleanup_close_ int prog = FD_INVALID;
	int old[PROGRAMS_MAX], r = 0, n_old;

	/* Nothing to set and no right to look: nothing of ours can be there either. */
	n_old = find_ours(dirfd, old, PROGRAMS_MAX);
	if (n_old < 0) {
		if (!insns)
			return 0;
		n_old = 0;
	}
	if (insns) {
		prog = load(insns, n, err);
		r = prog < 0 ? prog : attach(dirfd, prog, n_old > 0 ? old[0] : -1);
		if (prog >= 0 && r < 0)
			err_set(err, r, "device rules: attach eBPF program to the cgroup");
	}
	for (int i = 0; i < n_old; i++) {
		if (r == 0 && !(insns && i == 0)) {
			r = detach(dirfd, old[i]);
			if (r < 0)
				err_set(err, r, "device rules: detach the previous eBPF program");
		}
		fd_close(old[i]);
	}
	return r < 0 ? r : 0;
}
