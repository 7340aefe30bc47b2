#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whom the container's own cgroup belongs to: its user, where he may write there at all.
# worlds: cgroup2 v2

load helpers

owner() { stat -c %u "$(cgroup_of "$(pid_of)")/${1:-}"; }
rw='.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
mapped='.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'

@test "with a user name space: root of the container owns the directory and what is delegated, and no limit" {
	bundle sleep 1000
	writable
	chown -R 200000:200000 "$BUNDLE/rootfs"
	config_edit "$rw | $mapped"
	berth run -d "$ID"
	is "$(owner)" 200000
	is "$(owner cgroup.procs)" 200000
	is "$(owner cgroup.subtree_control)" 200000
	is "$(owner cgroup.threads)" 200000
	is "$(owner cgroup.max.depth)" 0
	is "$(stat -c %g "$(cgroup_of "$(pid_of)")")" 0
	berth exec "$ID" sh -c 'stat -c %u /sys/fs/cgroup && mkdir /sys/fs/cgroup/sub && echo 0 >/sys/fs/cgroup/sub/cgroup.procs && grep ^0:: /proc/self/cgroup'
	is "$out" "0
0::/sub"
	berth delete --force "$ID"
}

@test "without one: the user of the process" {
	bundle sleep 1000
	config_edit "$rw | .process.user = {uid: 1234, gid: 1234}"
	berth run -d "$ID"
	is "$(owner)" 1234
	is "$(owner cgroup.procs)" 1234
	berth delete --force "$ID"
}

@test "it stays the host's: mounted read-only, no cgroup name space, not mounted" {
	local edit
	bundle sleep 1000
	writable
	chown -R 200000:200000 "$BUNDLE/rootfs"
	cp "$BUNDLE/config.json" "$T/config.json"
	for edit in "$mapped" "$rw | $mapped | .linux.namespaces |= map(select(.type != \"cgroup\"))" "$mapped | .mounts |= map(select(.type != \"cgroup\"))"; do
		cp "$T/config.json" "$BUNDLE/config.json"
		config_edit "$edit"
		berth run -d "$ID"
		is "$(owner)" 0
		is "$(owner cgroup.procs)" 0
		berth delete --force "$ID"
	done
}
