#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How a process runs: scheduler, I/O priority, CPUs, personality, memory policy, clocks; for run and for exec.

load helpers

p() { jq -r "$1" <<<"$out"; }
sched() { p '.scheduler | [.policy, .nice, .priority, .flags] | map(tostring) | join(" ")'; }

up() {
	command_is sleep 1000
	berth create "$ID"
	berth start "$ID"
}

# process_json EXPRESSION: a process of the container's config, changed, for exec.
process_json() { jq ".process | .args = [\"probe\"] | $1" config.json >"$T/process.json"; }

numa() { grep -q . /proc/self/numa_maps 2>/dev/null || skip "a kernel without NUMA"; }

@test "scheduler: nice, batch, idle, flags" {
	bundle
	config_edit '.process.scheduler = {policy: "SCHED_OTHER", nice: 7}'
	probe_run
	is "$(sched)" "0 7 0 0"
	config_edit '.process.scheduler = {policy: "SCHED_BATCH", nice: 3}'
	probe_run
	is "$(sched)" "3 3 0 0"
	config_edit '.process.scheduler = {policy: "SCHED_IDLE"}'
	probe_run
	is "$(p .scheduler.policy)" 5
	config_edit '.process.scheduler = {policy: "SCHED_OTHER", nice: 1, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	probe_run
	is "$(sched)" "0 1 0 1"
}

@test "scheduler: real time, with its priority" {
	chrt -f 1 true 2>/dev/null || skip "no real time here"
	bundle
	local policy
	for policy in FIFO:1 RR:2; do
		config_edit --arg p "SCHED_${policy%:*}" '.process.scheduler = {policy: $p, priority: 12}'
		berth create "$ID" 2>/dev/null || { grep -q 'process.scheduler: set SCHED_' "$T/err" && skip "no real time in cgroups here"; }
		remove
		probe_run
		is "$(p '[.scheduler.policy, .scheduler.priority] | map(tostring) | join(" ")')" "${policy#*:} 12"
	done
}

@test "scheduler: a deadline" {
	chrt -d -T 1000000 -D 5000000 -P 10000000 0 true 2>/dev/null || skip "no deadlines here"
	bundle
	config_edit '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 5000000, period: 10000000}'
	probe_run
	is "$(p '.scheduler | [.policy, .runtime, .deadline, .period] | map(tostring) | join(" ")')" "6 1000000 5000000 10000000"
}

@test "scheduler: what the kernel does not know is an error by name, and nothing is left" {
	bundle true
	config_edit '.process.scheduler = {policy: "SCHED_ISO"}'
	refused 1 'process.scheduler: set SCHED_ISO: Invalid argument' create "$ID"
	refused 1 'does not exist' state "$ID"
}

@test "scheduler, ioPriority: exec has its own, or those of the container" {
	bundle
	config_edit '.process.scheduler = {policy: "SCHED_OTHER", nice: 4} | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	up
	berth exec "$ID" probe
	is "$(p .scheduler.nice)" 4
	is "$(p .ioprio)" $((2 << 13 | 6))
	process_json '.scheduler = {policy: "SCHED_BATCH", nice: 9} | .ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	berth exec --process "$T/process.json" "$ID"
	is "$(p '[.scheduler.policy, .scheduler.nice] | map(tostring) | join(" ")')" "3 9"
	is "$(p .ioprio)" $((3 << 13))
	process_json 'del(.scheduler, .ioPriority)'
	berth exec --process "$T/process.json" "$ID"
	is "$(p .scheduler.nice)" 4
	is "$(p .ioprio)" $((2 << 13 | 6))
	remove
}

@test "ioPriority: class and priority" {
	bundle
	config_edit '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 2}'
	probe_run
	is "$(p .ioprio)" $((2 << 13 | 2))
	config_edit '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	probe_run
	is "$(p .ioprio)" $((3 << 13))
	config_edit '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 5}'
	if ionice -c 1 -n 5 true 2>/dev/null; then
		probe_run
		is "$(p .ioprio)" $((1 << 13 | 5))
	else
		refused 1 'process.ioPriority: set IOPRIO_CLASS_RT:5' create "$ID"
	fi
}

@test "CPUs: the caller's do not come along" {
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	bundle
	local all first
	probe_run
	all=$(p '.cpus | tostring')
	first=$(p '.cpus[0]')
	taskset -cp "$first" $BASHPID >/dev/null
	probe_run
	is "$(p '.cpus | tostring')" "$all"
	up
	berth exec "$ID" probe
	is "$(p '.cpus | tostring')" "$all"
	remove
}

@test "execCPUAffinity: initial, final" {
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	bundle
	probe_run
	local first last
	first=$(p '.cpus[0]') last=$(p '.cpus[-1]')
	config_edit --arg f "$last" '.process.execCPUAffinity = {final: $f}'
	up
	# Not the container's own processes.
	is "$(taskset -cp "$(pid_of)" | sed 's/.*: //')" "$(taskset -cp $$ | sed 's/.*: //')"
	berth exec "$ID" probe
	is "$(p '.cpus | tostring')" "[$last]"
	process_json ".execCPUAffinity = {initial: \"$first\"}"
	berth exec --process "$T/process.json" "$ID"
	is "$(p '.cpus | tostring')" "[$first]"
	process_json ".execCPUAffinity = {initial: \"$first\", final: \"$first-$last\"}"
	berth exec --process "$T/process.json" "$ID"
	is "$(p '.cpus | length > 1')" true
	process_json '.execCPUAffinity = {initial: "8000"}'
	refused 255 'process.execCPUAffinity.initial: bind to CPUs' exec --process "$T/process.json" "$ID"
	process_json '.execCPUAffinity = {final: "1-0"}'
	refused 255 'process.execCPUAffinity.final: invalid CPU list' exec --process "$T/process.json" "$ID"
	remove
}

@test "personality: for run and for exec, as root and as an ordinary user" {
	bundle
	config_edit '.linux.personality = {domain: "LINUX32"}'
	probe_run
	is "$(p .personality)" 8
	[ "$(uname -m)" != x86_64 ] || is "$(p .machine)" i686
	config_edit '.process.user = {uid: 1000, gid: 1000}'
	probe_run
	is "$(p .personality)" 8
	up
	berth exec "$ID" probe
	is "$(p .personality)" 8
	remove
	config_edit '.linux.personality.domain = "LINUX"'
	probe_run
	is "$(p .personality)" 0
	config_edit '.linux.personality.flags = ["SOME_FLAG"]'
	command_is true
	berth run "$ID"
	has "$err" "linux.personality.flags: ignored"
}

@test "memoryPolicy: mode, nodes and flags, for run and for exec" {
	numa
	bundle
	config_edit '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	probe_run
	is "$(p '.mempolicy | tostring')" "[$((2 | 1 << 15)),1]"
	up
	berth exec "$ID" probe
	is "$(p '.mempolicy | tostring')" "[$((2 | 1 << 15)),1]"
	remove
	config_edit '.linux.memoryPolicy = {mode: "MPOL_PREFERRED", nodes: "0"}'
	probe_run
	is "$(p '.mempolicy | tostring')" '[1,1]'
	config_edit '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	probe_run
	is "$(p '.mempolicy[0]')" 4
	config_edit '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "1023"}'
	refused 1 'linux.memoryPolicy: set MPOL_INTERLEAVE for nodes .1023.' create "$ID"
}

@test "timeOffsets: both clocks, whole seconds and parts, for run and for exec" {
	[ -e /proc/self/ns/time ] || skip "no time name spaces"
	bundle
	config_edit '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 7200, nanosecs: 1}, boottime: {secs: 1000000, nanosecs: 500000000}}'
	up
	is "$(awk '{ print $1, $2, $3 }' "/proc/$(pid_of)/timens_offsets" | tr '\n' ';')" "monotonic 7200 1;boottime 1000000 500000000;"
	berth exec "$ID" probe
	is "$(p '.clocks | .boottime - .monotonic > 990000')" true
	is "$(p .ns.time)" "$(readlink "/proc/$(pid_of)/ns/time")"
	remove
	probe_run
	is "$(p '.clocks.boottime > 1000000')" true
	config_edit '.linux.timeOffsets = {boottime: {secs: 3000000}}'
	probe_run
	is "$(p '.clocks.boottime > 3000000')" true
	is "$(p '.clocks.monotonic < 3000000')" true
}

@test "timeOffsets: with a user name space, a joined one and hooks" {
	[ -e /proc/self/ns/time ] || skip "no time name spaces"
	bundle
	ip netns add "$TAG"
	config_edit --arg n "/run/netns/$TAG" '.linux.namespaces |= map(if .type == "network" then .path = $n else . end) | .linux.namespaces += [{type: "time"}]
		| .linux.timeOffsets = {monotonic: {secs: 500000, nanosecs: 0}}'
	up
	is "$(awk '{ print $1, $2, $3 }' "/proc/$(pid_of)/timens_offsets" | tr '\n' ';')" "monotonic 500000 0;boottime 0 0;"
	remove
	config_edit '.linux.namespaces |= map(if .type == "network" then del(.path) else . end) | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	probe_run
	is "$(p '.clocks.monotonic > 500000')" true
	ip netns del "$TAG"
}

@test "timeOffsets: what can't be is refused by name" {
	bundle true
	config_edit '.linux.timeOffsets = {monotonic: {secs: 5}}'
	refused 1 "linux.timeOffsets: .*time namespace isn't enabled" create "$ID"
	config_edit '.linux.namespaces += [{type: "time", path: "/proc/self/ns/time"}]'
	refused 1 'linux.timeOffsets: .*only provide one' create "$ID"
	config_edit '.linux.namespaces |= map(if .type == "time" then del(.path) else . end) | .linux.timeOffsets = {realtime: {secs: 1}}'
	refused 1 'linux.timeOffsets.realtime: unknown clock' create "$ID"
	config_edit '.linux.timeOffsets = {monotonic: {nanosecs: 1000000000}}'
	refused 1 'linux.timeOffsets.monotonic.nanosecs: out of range' create "$ID"
	config_edit '.linux.timeOffsets = {monotonic: {secs: -1000000000}}'
	refused 1 'linux.timeOffsets: set the offsets .*before its start' create "$ID"
}
