#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Properties of linux.resources that only cgroup v1 has.
# worlds: v1 hybrid

load helpers

# bats test_tags=compat
@test "memory: the OOM killer switched off" {
	bundle sleep 1000
	config_edit '.linux.resources.memory = {limit: 67108864, disableOOMKiller: true}'
	berth create "$ID"
	grep -qx 'oom_kill_disable 1' "$(cgroup_of "$(pid_of)" memory)/memory.oom_control"
	remove
}

@test "memory: kernelTCP" {
	bundle sleep 1000
	config_edit '.linux.resources.memory = {kernelTCP: 4194304}'
	berth create "$ID"
	is "$(cat "$(cgroup_of "$(pid_of)" memory)/memory.kmem.tcp.limit_in_bytes")" 4194304
	remove
}

# legacy CONTROLLER: mount its hierarchy where nobody else sees it; most machines have none.
legacy() {
	mkdir "$T/$1"
	mount -t cgroup -o "$1" "$1" "$T/$1" 2>/dev/null || skip "no $1 controller in this world"
}

@test "network: classID" {
	legacy net_cls
	bundle sleep 1000
	config_edit '.linux.resources.network = {classID: 1048577}'
	berth create "$ID"
	local dir
	dir=$T/net_cls$(awk -F: '$2 == "net_cls" { print $3 }' "/proc/$(pid_of)/cgroup")
	[ "$dir" != "$T/net_cls/" ]
	is "$(cat "$dir/net_cls.classid")" 1048577
	remove
	[ ! -e "$dir" ]
	umount "$T/net_cls"
}

@test "network: priorities" {
	legacy net_prio
	bundle sleep 1000
	config_edit '.linux.resources.network = {priorities: [{name: "lo", priority: 5}]}'
	berth create "$ID"
	grep -qx 'lo 5' "$T/net_prio$(awk -F: '$2 == "net_prio" { print $3 }' "/proc/$(pid_of)/cgroup")/net_prio.ifpriomap"
	remove
	config_edit '.linux.resources.network = {priorities: [{name: "no/such name", priority: 5}]}'
	refused 1 'linux.resources.network.priorities\[0\].name' create "$ID"
	umount "$T/net_prio"
}

@test "network: refused by name where there is no such controller" {
	grep -Eq ' - cgroup .*net_cls' /proc/self/mountinfo && skip "this world has the controller"
	bundle sleep 1000
	config_edit '.linux.resources.network = {classID: 1048577}'
	refused 1 'network class.*net_cls' create "$ID"
}

@test "cpu: real-time runtime and period" {
	local try=/sys/fs/cgroup/cpu/$TAG-try
	mkdir "$try"
	echo 10000 2>/dev/null >"$try/cpu.rt_runtime_us" || {
		rmdir "$try"
		skip "no real-time groups, or no budget left for another"
	}
	rmdir "$try"
	bundle sleep 1000
	# Below the root, which has the whole budget; groups below others have what these were given.
	config_edit --arg p "/$TAG" '.linux.cgroupsPath = $p | .linux.resources.cpu = {realtimeRuntime: 10000, realtimePeriod: 500000}'
	berth create "$ID"
	local dir
	dir=$(cgroup_of "$(pid_of)" cpu)
	is "$(cat "$dir/cpu.rt_runtime_us")" 10000
	is "$(cat "$dir/cpu.rt_period_us")" 500000
	remove
}
