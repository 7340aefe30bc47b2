#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The properties of linux.resources, read back from the files of the cgroup.
# worlds: v1 hybrid v2

load helpers

# in_cgroup CONTROLLER V1-FILE V2-FILE: the value for the running container.
in_cgroup() {
	local dir
	dir=$(cgroup_of "$(pid_of)" "$1")
	if on_v2; then cat "$dir/$3"; else cat "$dir/$2"; fi
}

up() {
	command_is sleep 1000
	berth create "$ID"
}

# bats test_tags=compat
@test "memory: limit, reservation, swap and swappiness" {
	bundle
	config_edit '.linux.resources.memory = {limit: 67108864, reservation: 33554432, swap: 100663296, swappiness: 17}'
	up
	is "$(in_cgroup memory memory.limit_in_bytes memory.max)" 67108864
	is "$(in_cgroup memory memory.soft_limit_in_bytes memory.low)" 33554432
	if on_v2; then
		is "$(in_cgroup memory - memory.swap.max)" 33554432
	else
		is "$(in_cgroup memory memory.memsw.limit_in_bytes -)" 100663296
		is "$(in_cgroup memory memory.swappiness -)" 17
	fi
	remove
}

# bats test_tags=compat
@test "cpu: shares, quota, period and burst" {
	bundle
	config_edit '.linux.resources.cpu = {shares: 512, quota: 40000, period: 80000, burst: 20000}'
	up
	if on_v2; then
		is "$(in_cgroup cpu - cpu.weight)" 59
		is "$(in_cgroup cpu - cpu.max)" "40000 80000"
		is "$(in_cgroup cpu - cpu.max.burst)" 20000
	else
		is "$(in_cgroup cpu cpu.shares -)" 512
		is "$(in_cgroup cpu cpu.cfs_quota_us -)" 40000
		is "$(in_cgroup cpu cpu.cfs_period_us -)" 80000
		is "$(in_cgroup cpu cpu.cfs_burst_us -)" 20000
	fi
	remove
}

# bats test_tags=compat
@test "cpu: idle" {
	bundle
	config_edit '.linux.resources.cpu = {idle: 1}'
	up
	is "$(in_cgroup cpu cpu.idle cpu.idle)" 1
	remove
}

@test "blockIO: each kind of throttling" {
	local dev kind
	dev=$(lsblk -dnro MAJ:MIN,TYPE 2>/dev/null | awk '$2 == "disk" { print $1; exit }')
	[ -e "/sys/dev/block/$dev" ] || skip "no block device in this world"
	bundle
	config_edit --argjson M "${dev%:*}" --argjson m "${dev#*:}" 'def at(r): [{major: $M, minor: $m, rate: r}]; .linux.resources.blockIO =
		{throttleReadBpsDevice: at(1048576), throttleWriteBpsDevice: at(2097152), throttleReadIOPSDevice: at(300), throttleWriteIOPSDevice: at(400)}'
	up
	if on_v2; then
		is "$(in_cgroup io - io.max)" "$dev rbps=1048576 wbps=2097152 riops=300 wiops=400"
	else
		is "$(in_cgroup blkio blkio.throttle.read_bps_device -)" "$dev 1048576"
		is "$(in_cgroup blkio blkio.throttle.write_bps_device -)" "$dev 2097152"
		is "$(in_cgroup blkio blkio.throttle.read_iops_device -)" "$dev 300"
		is "$(in_cgroup blkio blkio.throttle.write_iops_device -)" "$dev 400"
	fi
	remove
}

# A machine with one node cannot show a difference, but that the kernel was asked.
@test "cpuset: memory nodes" {
	local last
	last=$(sed 's/.*[-,]//' /sys/devices/system/node/possible)
	[ -n "$last" ] || skip "a kernel without memory nodes"
	bundle
	config_edit --arg m "$last" '.linux.resources.cpu = {mems: $m}'
	if [ -e "/sys/devices/system/node/node$last" ]; then
		up
		is "$(in_cgroup cpuset cpuset.mems cpuset.mems)" "$last"
		remove
	fi
	config_edit --arg m "$((last + 1))" '.linux.resources.cpu = {mems: $m}'
	refused 1 'cpuset' create "$ID"
}

# The directory of a new cgroup of the I/O controller, as long as it takes to look at.
io_files() {
	local dir=/sys/fs/cgroup/blkio/$TAG-try
	! on_v2 || dir=/sys/fs/cgroup/$TAG-try
	mkdir "$dir"
	ls "$dir"
	rmdir "$dir"
}

@test "blockIO: weight" {
	need_controller "$(on_v2 && echo io || echo blkio)"
	io_files | grep -Eqx '(blkio|io)(\.bfq)?\.weight' || skip "no scheduler with weights in this world"
	bundle
	config_edit '.linux.resources.blockIO = {weight: 250}'
	up
	local dir file
	dir=$(cgroup_of "$(pid_of)" blkio)
	for file in blkio.weight blkio.bfq.weight io.bfq.weight; do
		[ ! -e "$dir/$file" ] || break
	done
	if [ -e "$dir/$file" ]; then
		is "$(sed -n '1s/^default //p; 1p' "$dir/$file" | head -n 1)" 250
	else
		is "$(cat "$dir/io.weight")" "default 2425"
	fi
	remove
}

# A device of our own whose I/O is scheduled by BFQ, the one scheduler with weights for devices: in $loop.
bfq_device() {
	truncate -s 1M "$T/disk"
	loop=$(losetup -f --show "$T/disk" 2>/dev/null) || skip "no loop device in this world"
	loop=${loop##*/}
	scheduler=$(sed 's/.*\[\(.*\)\].*/\1/' "/sys/block/$loop/queue/scheduler")
	echo bfq >"/sys/block/$loop/queue/scheduler" || skip "no scheduler with weights in this world"
}
teardown() {
	if [ -n "${loop:-}" ]; then
		echo "$scheduler" >"/sys/block/$loop/queue/scheduler"
		losetup -d "/dev/$loop"
	fi
	e2e_teardown
}

@test "blockIO: weightDevice" {
	need_controller "$(on_v2 && echo io || echo blkio)"
	bfq_device
	io_files | grep -Eqx 'blkio(\.bfq)?\.weight_device|io\.bfq\.weight' || skip "no scheduler with weights in this world"
	local dev dir file
	dev=$(cat "/sys/block/$loop/dev")
	bundle
	config_edit --argjson M "${dev%:*}" --argjson m "${dev#*:}" '.linux.resources.blockIO = {weightDevice: [{major: $M, minor: $m, weight: 321}]}'
	up
	dir=$(cgroup_of "$(pid_of)" blkio)
	for file in blkio.weight_device blkio.bfq.weight_device io.bfq.weight; do
		[ ! -e "$dir/$file" ] || grep -qx "$dev 321" "$dir/$file"
	done
	remove
}
