#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The systemd cgroup driver: a scope for each container, which systemd knows of, limits and forgets.

load ../e2e/helpers
load vm

setup() {
	vm_setup
	GLOBAL=(--systemd-cgroup)
	SCOPE=berth-$ID.scope
}

no_unit() { [ -z "$(systemctl list-units --all --no-legend "*$TAG*")" ]; }

# The flag is for create and run alone: the rest has to know by itself.
without_flag() { GLOBAL=(); }

@test "run: a scope with the limits as properties and in the files, and nothing afterwards" {
	bundle sleep 1000
	config_edit 'del(.linux.cgroupsPath) | .linux.resources.memory = {limit: 67108864, reservation: 33554432, swap: 100663296}
		| .linux.resources.pids = {limit: 77} | .linux.resources.cpu = {quota: 12345, period: 100000, shares: 512, cpus: "0", mems: "0"}'
	berth run -d "$ID"
	property_is "$SCOPE" ControlGroup "/system.slice/$SCOPE"
	property_is "$SCOPE" Delegate yes
	property_is "$SCOPE" MemoryMax 67108864
	property_is "$SCOPE" MemoryLow 33554432
	property_is "$SCOPE" MemorySwapMax 33554432
	property_is "$SCOPE" TasksMax 77
	property_is "$SCOPE" CPUWeight 59
	property_is "$SCOPE" CPUQuotaPerSecUSec 130ms
	property_is "$SCOPE" AllowedCPUs 0
	property_is "$SCOPE" DevicePolicy strict
	without_flag
	berth exec "$ID" sh -c 'cd /sys/fs/cgroup; cat memory.max memory.low memory.swap.max pids.max cpu.weight cpu.max cpuset.cpus'
	is "$(tr '\n' ' ' <<<"$out")" "67108864 33554432 33554432 77 59 12345 100000 0 "
	berth delete --force "$ID"
	no_unit
}

@test "the whole life, the flag given once" {
	bundle sleep 1000
	config_edit '.linux.cgroupsPath = "machine.slice:x:'"$ID"'"'
	SCOPE=x-$ID.scope
	berth create "$ID"
	property_is "$SCOPE" ControlGroup "/machine.slice/$SCOPE"
	without_flag
	berth start "$ID"
	berth exec -d --pid-file "$T/pid" "$ID" sleep 1000
	is "$(cat "/proc/$(cat "$T/pid")/cgroup")" "0::/machine.slice/$SCOPE"
	berth ps -f json "$ID"
	is "$(jq length "$T/out")" 2
	berth pause "$ID"
	berth list
	has "$out" paused
	berth resume "$ID"
	berth kill "$ID" KILL
	stopped() { berth state "$ID" && [ "$(jq -r .status "$T/out")" = stopped ]; }
	wait_until 20 stopped
	berth delete "$ID"
	no_unit
}
