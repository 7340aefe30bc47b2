#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Cgroups: where a container is, limits read back from the kernel, devices, freezing, and what goes away with it.

load helpers

# in_cgroup CONTROLLER V1-FILE V2-FILE: the value for the running container.
in_cgroup() {
	local dir
	dir=$(cgroup_of "$(pid_of)" "$1")
	if on_v2; then cat "$dir/$3"; else cat "$dir/$2"; fi
}

up() {
	[ -e config.json ] || bundle
	command_is sleep 1000
	berth create "$ID"
}

# bats test_tags=compat
@test "the default cgroup carries the id, in every hierarchy, and goes with the container" {
	up
	grep -q "$ID" "/proc/$(pid_of)/cgroup"
	[ -n "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
	remove
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
}

# bats test_tags=compat
@test "cgroupsPath: absolute, with levels that are made and taken away again" {
	bundle
	config_edit --arg p "/$TAG-top/middle/leaf" '.linux.cgroupsPath = $p'
	up
	grep -q "/$TAG-top/middle/leaf" "/proc/$(pid_of)/cgroup"
	berth start "$ID"
	remove
}

@test "cgroupsPath: levels that were there before stay" {
	local dirs d
	if on_v2; then dirs=(/sys/fs/cgroup); else dirs=(/sys/fs/cgroup/*/); fi
	for d in "${dirs[@]}"; do mkdir "$d/$TAG-top"; done
	if ! on_v2; then
		cat /sys/fs/cgroup/cpuset/cpuset.cpus >"/sys/fs/cgroup/cpuset/$TAG-top/cpuset.cpus"
		cat /sys/fs/cgroup/cpuset/cpuset.mems >"/sys/fs/cgroup/cpuset/$TAG-top/cpuset.mems"
	fi
	bundle
	config_edit --arg p "/$TAG-top/leaf" '.linux.cgroupsPath = $p'
	up
	remove
	for d in "${dirs[@]}"; do rmdir "$d/$TAG-top"; done
}

# bats test_tags=compat
@test "two containers below one parent: the first delete leaves the second alone" {
	bundle
	config_edit --arg p "/$TAG-top/one" '.linux.cgroupsPath = $p'
	up
	config_edit --arg p "/$TAG-top/two" '.linux.cgroupsPath = $p'
	berth create "$ID-2"
	remove
	is "$(state_of "$ID-2")" created
	berth start "$ID-2"
	remove "$ID-2"
	# Made by the first, in use by the second: left to whoever named it.
	find /sys/fs/cgroup -depth -type d -name "$TAG-top" -exec rmdir {} +
}

# bats test_tags=compat
@test "a cgroup with processes in it is refused" {
	bundle
	config_edit --arg p "/$TAG-same" '.linux.cgroupsPath = $p'
	up
	refused 1 "container's cgroup is not empty" create "$ID-2"
	is "$(state_of)" created
	berth start "$ID"
	remove
}

@test "nobody but the container is in its cgroup: the shim and the caller are elsewhere" {
	bundle sleep 1000
	berth run -d "$ID"
	local shim dir
	shim=$(shim_pid)
	dir=$(cgroup_of "$(pid_of)" freezer)
	is "$(cat "$dir/cgroup.procs")" "$(pid_of)"
	[ "$(sort "/proc/$shim/cgroup")" != "$(sort "/proc/$(pid_of)/cgroup")" ]
	[ "$(sort "/proc/$shim/cgroup")" != "$(sort /proc/self/cgroup)" ] || fail "the shim is in the caller's cgroup"
	remove
}

# bats test_tags=compat
@test "memory: limit, reservation and swap" {
	need_controller memory
	bundle
	config_edit '.linux.resources.memory = {limit: 67108864, reservation: 33554432}'
	up
	is "$(in_cgroup memory memory.limit_in_bytes memory.max)" 67108864
	is "$(in_cgroup memory memory.soft_limit_in_bytes memory.low)" 33554432
	remove
	config_edit '.linux.resources.memory = {limit: -1}'
	up
	[[ $(in_cgroup memory memory.limit_in_bytes memory.max) == max || $(in_cgroup memory memory.limit_in_bytes memory.max) -gt 1000000000000 ]]
	remove
}

@test "memory: combinations that make no sense" {
	need_controller memory
	bundle true
	config_edit '.linux.resources.memory = {limit: 67108864, swap: 1048576}'
	refused 1 'memory\+swap limit should be >= memory limit' create "$ID"
	config_edit '.linux.resources.memory = {swap: 67108864}'
	refused 1 'unable to set swap limit without memory limit' create "$ID"
}

# bats test_tags=compat
@test "memory: the limit is seen and felt from inside" {
	need_controller memory
	bundle workload hog 128
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run "$ID" || true
	is "$status" 137
	hasnt "$out" survived
}

@test "memory: a hog is killed, and the end is reported as out of memory" {
	need_controller memory
	bundle workload hog 128
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run -d "$ID"
	berth wait "$ID"
	is "$out" 137
	jq -e '.oom == true and .code == 137 and .signal == 9' "$STATE/$ID/exit.json"
	berth delete "$ID"
}

# bats test_tags=compat
@test "pids: limit, and unlimited" {
	need_controller pids
	bundle
	config_edit '.linux.resources.pids = {limit: 42}'
	up
	is "$(in_cgroup pids pids.max pids.max)" 42
	remove
	config_edit '.linux.resources.pids = {limit: -1}'
	up
	is "$(in_cgroup pids pids.max pids.max)" max
	remove
}

# bats test_tags=compat
@test "pids: a fork bomb is contained" {
	need_controller pids
	bundle sh -c 'i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; echo all'
	config_edit '.linux.resources.pids = {limit: 20}'
	berth run "$ID" || true
	hasnt "$out" all
	has "${err,,}" fork
}

# bats test_tags=compat
@test "cpu: quota and period" {
	need_controller cpu
	bundle
	config_edit '.linux.resources.cpu = {quota: 40000, period: 80000}'
	up
	if on_v2; then
		is "$(in_cgroup cpu - cpu.max)" "40000 80000"
	else
		is "$(in_cgroup cpu cpu.cfs_quota_us -)" 40000
		is "$(in_cgroup cpu cpu.cfs_period_us -)" 80000
	fi
	remove
	config_edit '.linux.resources.cpu = {quota: -1}'
	up
	if on_v2; then is "$(in_cgroup cpu - cpu.max)" "max 100000"; else is "$(in_cgroup cpu cpu.cfs_quota_us -)" -1; fi
	remove
}

# bats test_tags=compat
@test "cpu: shares" {
	need_controller cpu
	bundle
	config_edit '.linux.resources.cpu = {shares: 1024}'
	up
	if [ "${BERTH##*/}" = berth ]; then is "$(in_cgroup cpu cpu.shares cpu.weight)" "$(on_v2 && echo 100 || echo 1024)"; fi
	remove
	config_edit '.linux.resources.cpu = {shares: 512}'
	up
	if [ "${BERTH##*/}" = berth ]; then is "$(in_cgroup cpu cpu.shares cpu.weight)" "$(on_v2 && echo 59 || echo 512)"; fi
	remove
}

# bats test_tags=compat
@test "cpuset: cpus and mems" {
	need_controller cpuset
	bundle
	config_edit '.linux.resources.cpu = {cpus: "0", mems: "0"}'
	up
	is "$(in_cgroup cpuset cpuset.cpus cpuset.cpus)" 0
	is "$(in_cgroup cpuset cpuset.mems cpuset.mems)" 0
	is "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of)/status")" 0
	remove
}

@test "block io: throttling of a device" {
	need_controller "$(on_v2 && echo io || echo blkio)"
	local dev
	dev=$(lsblk -dnro MAJ:MIN,TYPE 2>/dev/null | awk '$2 == "disk" { print $1; exit }')
	[ -n "$dev" ] || dev=$(awk '$5 == "/" { print $3 }' /proc/self/mountinfo)
	[ -e "/sys/dev/block/$dev" ] || skip "no block device in this world"
	bundle
	config_edit --argjson M "${dev%:*}" --argjson m "${dev#*:}" '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $M, minor: $m, rate: 1048576}], throttleWriteIOPSDevice: [{major: $M, minor: $m, rate: 100}]}'
	up
	if on_v2; then
		has "$(in_cgroup io - io.max)" "$dev rbps=1048576"
	else
		is "$(in_cgroup blkio blkio.throttle.read_bps_device -)" "$dev 1048576"
		is "$(in_cgroup blkio blkio.throttle.write_iops_device -)" "$dev 100"
	fi
	remove
}

@test "hugetlb: a limit" {
	need_controller hugetlb
	bundle
	config_edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	up
	is "$(in_cgroup hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
	remove
}

@test "unified: written as it is on v2, refused on v1" {
	bundle
	if on_v2; then
		need_controller memory
		config_edit '.linux.resources.unified = {"memory.high": "50331648", "memory.max": "67108864"}'
		up
		is "$(in_cgroup memory - memory.high)" 50331648
		remove
		config_edit '.linux.resources.unified = {"nodot": "1"}'
		refused 1 'must be in the form CONTROLLER.PARAMETER' create "$ID"
		config_edit '.linux.resources.unified = {"nosuch.max": "1"}'
		refused 1 'controller .nosuch. not available' create "$ID"
	else
		config_edit '.linux.resources.unified = {"memory.high": "50331648"}'
		refused 1 'unified' create "$ID"
	fi
}

@test "a limit that no controller can keep is an error, not a warning" {
	has_controller memory && skip "this world has every controller"
	bundle true
	config_edit '.linux.resources.memory = {limit: 67108864}'
	refused 1 'memory' create "$ID"
}

# bats test_tags=compat
@test "devices: only those allowed can be opened" {
	on_v2 || need_controller devices
	bundle sh -c 'for d in null zero tty9 mem; do if (: <"/dev/$d") 2>/dev/null; then echo "$d open"; else echo "$d closed"; fi; done'
	config_edit '.linux.devices = [{path: "/dev/tty9", type: "c", major: 1, minor: 5}, {path: "/dev/mem", type: "c", major: 1, minor: 1}] | (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_MKNOD", "CAP_SYS_RAWIO"]'
	berth run "$ID"
	has "$out" "null open"
	has "$out" "zero open"
	has "$out" "mem closed"
}

# bats test_tags=compat
@test "devices: a rule that allows one more" {
	on_v2 || need_controller devices
	bundle sh -c 'if (: <"/dev/x") 2>/dev/null; then echo open; else echo closed; fi'
	# The kernel's own log device: harmless to open.
	config_edit '.linux.devices = [{path: "/dev/x", type: "c", major: 1, minor: 11}]'
	berth run "$ID"
	is "$out" closed
	config_edit '.linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 11, access: "r"}] | (.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_SYSLOG"]'
	berth run "$ID"
	is "$out" open
}

v1_frozen() {
	[ "$(in_cgroup freezer freezer.state -)" = FROZEN ] || grep -q 'frozen 1' "/sys/fs/cgroup/unified$(sed -n 's/^0:://p' "/proc/$(pid_of)/cgroup")/cgroup.events"
}

# bats test_tags=compat
@test "the frozen state is the kernel's" {
	bundle
	up
	berth start "$ID"
	berth pause "$ID"
	if on_v2; then has "$(in_cgroup - - cgroup.events)" "frozen 1"; else v1_frozen; fi
	berth resume "$ID"
	if on_v2; then has "$(in_cgroup - - cgroup.events)" "frozen 0"; else not v1_frozen; fi
	remove
}

# bats test_tags=compat
@test "cgroups that the container makes below its own go with it" {
	up
	berth start "$ID"
	local dir
	dir=$(cgroup_of "$(pid_of)" freezer)
	mkdir -p "$dir/sub/deeper"
	berth exec -d "$ID" sleep 1000
	local pid
	pid=$(pgrep -f '^sleep 1000' | tail -n 1)
	echo "$pid" >"$dir/sub/deeper/cgroup.procs"
	remove
	gone "$pid"
}

# bats test_tags=compat
@test "exec goes into the container's cgroup" {
	up
	berth start "$ID"
	berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(sort "/proc/$(cat "$T/pid")/cgroup")" "$(sort "/proc/$(pid_of)/cgroup")"
	remove
}

@test "no usable cgroup at all works where no limit was asked for" {
	bundle echo works
	config_edit 'del(.linux.resources) | .mounts |= map(select(.type != "cgroup"))'
	unshare -m sh -c 'while umount -R /sys/fs/cgroup 2>/dev/null; do :; done; exec "$@"' sh "$BERTH" --root "$STATE" run "$ID" >"$T/out" 2>"$T/err" </dev/null
	is "$(cat "$T/out")" works
	config_edit '.linux.resources.pids = {limit: 10}'
	local rc=0
	unshare -m sh -c 'while umount -R /sys/fs/cgroup 2>/dev/null; do :; done; exec "$@"' sh "$BERTH" --root "$STATE" run "$ID" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	is $rc 1
	grep -qi cgroup "$T/err"
}
