/* SPDX-License-Identifier: Apache-2.0 */
/* Namespace types: spec name, file below /proc/PID/ns, clone flag (config-linux.md, "Namespaces").
 */
#include "tables/namespaces.h"

#include "berth/spec.h"
#include "kernel/syscalls.h"

const struct ns_row ns_table[NS_TYPES] = {
	[NS_USER] = { "user", "user", CLONE_NEWUSER },
	[NS_MOUNT] = { "mount", "mnt", CLONE_NEWNS },
	[NS_PID] = { "pid", "pid", CLONE_NEWPID },
	[NS_NET] = { "network", "net", CLONE_NEWNET },
	[NS_IPC] = { "ipc", "ipc", CLONE_NEWIPC },
	[NS_UTS] = { "uts", "uts", CLONE_NEWUTS },
	[NS_CGROUP] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NS_TIME] = { "time", "time", CLONE_NEWTIME },
};
