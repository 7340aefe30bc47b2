/* SPDX-License-Identifier: Apache-2.0 */
/* devprogs CGROUP-DIRECTORY: the device programs attached there, "ID NAME" on a line each. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static void print_program(uint32_t id)
{
	struct bpf_prog_info info;
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uint64_t)(uintptr_t)&info;
	if (fd < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		printf("%u ?\n", id);
	else
		printf("%u %.*s\n", id, (int)sizeof(info.name), info.name);
	if (fd >= 0)
		close((int)fd);
}

int main(int argc, char **argv)
{
	uint32_t ids[64];
	union bpf_attr attr;
	int dir = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = sizeof(ids) / sizeof(ids[0]);
	if (dir < 0 || bpf(BPF_PROG_QUERY, &attr) < 0) {
		fprintf(stderr, "devprogs: %s\n", strerror(errno));
		return 1;
	}
	for (uint32_t i = 0; i < attr.query.prog_cnt; i++)
		print_program(ids[i]);
	return 0;
}
