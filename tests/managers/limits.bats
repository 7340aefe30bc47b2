#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cgroup v2 with every controller: what was asked for as the container itself sees it, and as it feels it.

load ../e2e/helpers
load vm

disk() {
	awk '$5 == "/" { print $3 }' /proc/self/mountinfo
}

# inside FILE...: the files of its cgroup as the container reads them, one line each.
inside() {
	command_is sh -c 'cd /sys/fs/cgroup; for f; do echo "$f: $(cat $f)"; done' sh "$@"
	berth run "$ID"
}

@test "limits read back from inside: memory, pids, cpu, cpuset" {
	bundle
	config_edit '.linux.resources.memory = {limit: 67108864, reservation: 33554432, swap: 100663296}
		| .linux.resources.pids = {limit: 77}
		| .linux.resources.cpu = {quota: 40000, period: 80000, shares: 512, cpus: "0", mems: "0"}'
	inside memory.max memory.low memory.swap.max pids.max cpu.max cpu.weight cpuset.cpus.effective cpuset.mems.effective
	has "$out" "memory.max: 67108864"
	has "$out" "memory.low: 33554432"
	has "$out" "memory.swap.max: 33554432"
	has "$out" "pids.max: 77"
	has "$out" "cpu.max: 40000 80000"
	has "$out" "cpu.weight: 59"
	has "$out" "cpuset.cpus.effective: 0"
	has "$out" "cpuset.mems.effective: 0"
}

@test "limits read back from inside: io of the root disk" {
	local dev
	dev=$(disk)
	dev=${dev%:*}:0
	[ -e "/sys/dev/block/$dev" ] || dev=$(disk)
	bundle
	config_edit --argjson M "${dev%:*}" --argjson m "${dev#*:}" '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: $M, minor: $m, rate: 1048576}],
		throttleWriteIOPSDevice: [{major: $M, minor: $m, rate: 100}]}'
	inside io.max
	has "$out" "io.max: $dev rbps=1048576 wbps=max riops=max wiops=100"
}

@test "limits read back from inside: hugetlb and unified" {
	bundle
	config_edit '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}] | .linux.resources.unified = {"memory.high": "50331648"}'
	inside hugetlb.2MB.max memory.high
	has "$out" "hugetlb.2MB.max: 4194304"
	has "$out" "memory.high: 50331648"
}

# A hog is killed, and everybody says so.
@test "a memory hog: oom in wait, in the exit record, and at a client that monitors" {
	need_berth
	bundle sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exec workload hog 128'
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run -d "$ID"
	varlink -t 60 -n 2 "$(shim_addr)" '{"method":"io.berth.Shim.Wait","more":true}' >"$T/wait" 2>&1 &
	local client=$!
	wait_until "$CMD_TIMEOUT" test -s "$T/wait"
	let_go
	berth wait "$ID"
	is "$out" 137
	jq -e '.oom == true and .code == 137 and .signal == 9' "$STATE/$ID/exit.json"
	call io.berth.Shim.State
	berth state "$ID"
	wait $client
	cat "$T/wait"
	grep -q '"oom": *true' "$T/wait"
	berth delete "$ID"
}

@test "a memory hog in the foreground: 137, and the rest of the container goes too" {
	bundle sh -c 'sleep 1000 & exec workload hog 128'
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run "$ID" || true
	is "$status" 137
	hasnt "$out" survived
}

@test "a hog that is not init: the container goes on, and its own exit is no oom of init" {
	need_berth
	bundle sh -c 'workload hog 128; echo "hog ended with $?"; exit 5'
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run -d "$ID"
	berth wait "$ID"
	is "$out" 5
	berth logs "$ID"
	has "$out" "hog ended with 137"
	cat "$STATE/$ID/exit.json"
	berth delete "$ID"
}

@test "devices: a node may be made, opening a denied one is EPERM" {
	bundle sh -c 'mknod /dev/one c 1 3 && : >/dev/one && echo null works; cat /dev/memory; mknod /dev/memory c 1 1; cat /dev/memory;'
	writable
	config_edit '(.process.capabilities | (.bounding, .effective, .permitted)) += ["CAP_MKNOD", "CAP_SYS_RAWIO"]
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", access: "m"}]'
	berth run "$ID" || true
	has "$out" "null works"
	has "$err" "can't open '/dev/memory': Operation not permitted"
}

@test "limits without a shim, of a service that is in a cgroup of its own" {
	bundle
	config_edit '.linux.resources.memory = {limit: 67108864} | .linux.resources.pids = {limit: 77}'
	command_is sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max'
	systemd-run --quiet --pipe --wait --collect --working-directory="$BUNDLE" "$BERTH" --root "$STATE" run "$ID" >"$T/out" 2>"$T/err" || { cat "$T/err" && fail "no run in a service"; }
	is "$(tr '\n' ' ' <"$T/out")" "67108864 77 "
}

@test "the cgroup is a name space: the container sees itself at the top, and no more" {
	bundle sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup | grep -c cgroup.procs; mkdir /sys/fs/cgroup/x'
	berth run "$ID" || true
	has "$out" "0::/"
	hasnt "$out" "$ID"
	has "$err" "Read-only file system"
}
