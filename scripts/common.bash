# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What demo and check share. Sourced from the top of the tree.

# Under sudo the tree belongs to the caller: build as the caller, so that the next make without sudo still works.
as_caller() {
	if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ] && [ "$SUDO_UID" -ne 0 ]; then
		# git refuses to work with the home directory of somebody else.
		setpriv --reuid "$SUDO_UID" --regid "${SUDO_GID:-$SUDO_UID}" --init-groups -- \
			env HOME="$(getent passwd "$SUDO_UID" | cut -d: -f6)" USER="${SUDO_USER:-}" "$@"
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
