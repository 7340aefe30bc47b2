# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What demo and check share. Sourced from the top of the tree.

# Under sudo the tree belongs to the caller: build as the caller, so that the next make without sudo still works.
as_caller() {
	if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ] && [ "$SUDO_UID" -ne 0 ]; then
		setpriv --reuid "$SUDO_UID" --regid "${SUDO_GID:-$SUDO_UID}" --init-groups -- "$@"
	else
		"$@"
	fi
}

# The cgroup world of this machine: v1, hybrid (v1 controllers, v2 beside them), v2.
native_world() {
	if [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; then
		echo v2
	elif [ -f /sys/fs/cgroup/unified/cgroup.procs ]; then
		echo hybrid
	else
		echo v1
	fi
}
