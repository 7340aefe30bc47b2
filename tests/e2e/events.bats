#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# berth events: statistics once and as a stream, out of memory, and the end.

load helpers

# follow [OPTION...]: the stream goes to $T/events.
follow() {
	"$BERTH" --root "$STATE" events "$@" "$ID" >"$T/events" 2>"$T/events.err" </dev/null &
	FOLLOWER=$!
}
lines() { [ "$(grep -c "\"type\":\"$1\"" "$T/events")" -ge "$2" ]; }

# bats test_tags=compat
@test "--stats: one object, with the members that readers know" {
	bundle sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exec sleep 1000'
	config_edit '.linux.resources.pids = {limit: 9}' || true
	has_controller pids || config_edit 'del(.linux.resources.pids)'
	berth run -d "$ID"
	wait_until 10 eval 'tr "\0" " " <"/proc/$(pid_of)/cmdline" | grep -q "^sleep"'
	berth events --stats "$ID"
	is "$(wc -l <"$T/out")" 1
	[[ $out == "{\"type\":\"stats\",\"id\":\"$ID\",\"data\":{\"cpu\":"* ]]
	jq -e '.data | [.cpu.usage.kernel, .cpuset.cpu_exclusive, .memory.usage.limit, .memory.swap.limit, .memory.kernel.failcnt] | all(type == "number")' "$T/out"
	is "$(jq -r '.data | keys_unsorted | join(" ")' "$T/out")" "cpu cpuset memory pids blkio hugetlb intel_rdt network_interfaces"
	is "$(jq -c '.data.network_interfaces, .data.intel_rdt' "$T/out" | tr '\n' ' ')" "null {} "
	if has_controller pids; then is "$(jq -c .data.pids "$T/out")" '{"current":1,"limit":9}'; fi
	if on_v2 || has_controller cpuacct; then jq -e '.data.cpu.usage.total > 1000000' "$T/out"; fi
	remove
}

@test "--stats: the values are the kernel's" {
	need_controller memory
	bundle sleep 1000
	config_edit '.linux.resources.memory = {limit: 67108864, swap: 67108864} | .linux.resources.cpu = {quota: 50000, period: 100000}'
	berth run -d "$ID"
	berth events --stats "$ID"
	is "$(jq -r '.data.memory.usage.limit, .data.memory.swap.limit' "$T/out" | tr '\n' ' ')" "67108864 67108864 "
	jq -e '.data.memory | .usage.usage > 0 and (.raw | length > 10)' "$T/out"
	jq -e --arg keys "$(cut -d' ' -f1 "$(cgroup_of "$(pid_of)" memory)/memory.stat" | sort | tr '\n' ' ')" '.data.memory.raw | (keys_unsorted | join(" ")) + " " == $keys' "$T/out"
	berth update --memory 32M --memory-swap 32M "$ID"
	berth events --stats "$ID"
	is "$(jq -r .data.memory.usage.limit "$T/out")" 33554432
	remove
}

@test "a stream: one line an interval, and an end with the container's" {
	bundle sleep 1000
	berth run -d "$ID"
	follow --interval 100ms
	wait_until 10 lines stats 3
	berth kill "$ID" KILL
	wait $FOLLOWER
	not grep -v '^{"type":"stats",' "$T/events"
	berth delete "$ID"
}

@test "a stream lives through pause, update and exec" {
	bundle sleep 1000
	berth run -d "$ID"
	follow --interval 50ms
	wait_until 10 lines stats 1
	berth pause "$ID"
	wait_until 10 lines stats 4
	berth resume "$ID"
	berth exec "$ID" true
	remove
	wait $FOLLOWER
	is "$(cat "$T/events.err")" ""
}

@test "out of memory is an event" {
	need_controller memory
	bundle sleep 1000
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	berth run -d "$ID"
	follow --interval 1h
	# Until it watches: it opens the file of the controller.
	wait_until 10 eval 'ls -l /proc/$FOLLOWER/fd | grep -q -e eventfd -e memory.events'
	berth exec "$ID" workload hog 128 || is "$status" 137
	wait_until 10 lines oom 1
	is "$(sed -n 1p "$T/events")" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	is "$(state_of)" running
	remove
	wait $FOLLOWER
	not grep -q stats "$T/events"
}

@test "what can't be is refused" {
	refused 1 'does not exist' events "$ID"
	bundle true
	berth create "$ID"
	berth events --stats "$ID"
	refused 1 'duration interval must be greater than 0' events --interval 0 "$ID"
	refused 1 'duration interval must be greater than 0|invalid value' events --interval=-1s "$ID"
	berth start "$ID"
	wait_until 10 is_state "$ID" stopped
	refused 1 "container with id $ID is not running" events "$ID"
	refused 1 "container with id $ID is not running" events --stats "$ID"
	berth delete "$ID"
}
