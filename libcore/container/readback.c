/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of a process, in the terms in which /proc reports it: host ids, possible
 * capabilities, filter or not.
 */
#include "container/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/knockout.h"
#include "base/mem.h"

bool setgroups_is_denied(int proc_fd, const char *pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%s/setgroups", pid);
	return file_read_at(proc_fd, path, 16, &text, NULL) == 0 && strncmp(text, "deny", 4) == 0;
}

int process_read_back(int proc_fd, pid_t pid, const struct readback_args *args, struct err *err)
{
	const struct spec_user *user = &args->process->user;
	_cleanup_free_ uint32_t *groups = xcalloc(user->n_additional_gids + 1, sizeof(*groups));
	struct sec_expect want = {
		.process = args->process,
		.host_uid = ns_host_id(args->uid_maps, args->n_uid_maps, user->uid),
		.host_gid = ns_host_id(args->gid_maps, args->n_gid_maps, user->gid),
		.host_groups = groups,
		.n_groups = user->n_additional_gids,
		.seccomp = args->filter && args->filter->n > 0,
		.caps_possible = caps_available(),
	};
	char name[16];

	if (knocked_out("read-back"))
		return 0;
	snprintf(name, sizeof(name), "%d", pid);
	want.groups_unchecked = setgroups_is_denied(proc_fd, name);
	/* A user namespace that was joined has maps that the spec need not repeat. */
	want.ids_unchecked = args->ids_unchecked;
	if (args->userns)
		want.caps_possible = ~(uint64_t)0;
	for (size_t i = 0; i < user->n_additional_gids; i++)
		groups[i] = ns_host_id(args->gid_maps, args->n_gid_maps, user->additional_gids[i]);
	return sec_read_back(proc_fd, pid, &want, err);
}
