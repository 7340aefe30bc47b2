#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The end of a process, and what leads there, for those who ask from outside: events with numbers, the client of
# tests/clients, which knows nothing but docs/PROTOCOL.md.

load helpers

# client COMMAND [ARG...]: on the shim of $ID.
client() { timeout -k 5 30 "$E2E_TOP/tests/clients/berth_client.py" "$(shim_addr "$ID")" "$@"; }
events_of() { jq -r .event "$1" | tr '\n' ' '; }
has_events() { [ "$(wc -l <"$1")" -ge "$2" ]; }

@test "the client attaches: input, output, both streams, the exit code" {
	bundle sh -c 'read x; echo "got $x"; echo bad >&2; exit 42'
	berth run -d "$ID"
	local rc=0
	echo hello | client attach >"$T/o" 2>"$T/e" || rc=$?
	is $rc 42
	is "$(cat "$T/o")" "got hello"
	is "$(cat "$T/e")" bad
	client wait | jq -e '.exited and .known and .code == 42 and .signal == 0 and (.started_at < .exited_at)'
	# Attached after the end: from an offset.
	client attach '{"stdout_from":4}' </dev/null >"$T/o" 2>/dev/null || rc=$?
	is "$(cat "$T/o")" hello
	berth delete "$ID"
}

@test "the client resizes a terminal" {
	bundle workload winsize
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" 'size '
	client resize 61 171
	wait_until 5 log_has "$ID" 'size 61x171'
	not client resize 0 0 2>"$T/e"
	has "$(cat "$T/e")" InvalidParameter
	remove
}

@test "Monitor: events in the order in which they happened, numbered; paused and resumed among them" {
	bundle workload catch
	berth create --shim=always "$ID"
	client monitor >"$T/live" &
	local monitor=$!
	wait_until 10 has_events "$T/live" 1
	berth start "$ID"
	wait_until 5 log_has "$ID" ready
	berth pause "$ID"
	call io.berth.Shim.State | jq -e '.parameters.paused and .parameters.status == "running"'
	berth resume "$ID"
	berth kill "$ID" TERM
	wait $monitor
	is "$(events_of "$T/live")" "state started paused resumed exited ended "
	is "$(jq -r .sequence "$T/live" | tr '\n' ' ')" "0 1 2 3 4 5 "
	jq -s -e '[.[1:][].at] | . == sort and length == 5' "$T/live"
	jq -s -e '.[2].paused and (.[3].paused | not) and .[4].exit.code == 43' "$T/live"

	# A client that comes back misses nothing, and hears nothing twice.
	client monitor 2 >"$T/again"
	is "$(events_of "$T/again")" "state resumed exited ended "
	is "$(jq -r .sequence "$T/again" | tr '\n' ' ')" "2 3 4 5 "
	client monitor 5 >"$T/again"
	is "$(events_of "$T/again")" "state "
	# All of it, as it was told live.
	client monitor >"$T/late"
	is "$(events_of "$T/late")" "state started paused resumed exited ended "
	is "$(jq -r '.at // empty' "$T/late" | tr '\n' ' ')" "$(jq -r '.at // empty' "$T/live" | tr '\n' ' ')"
	not client monitor 6 2>"$T/e"
	has "$(cat "$T/e")" InvalidParameter
	remove
}

@test "Monitor: frozen by somebody else, where the kernel says so" {
	bundle sleep 100
	berth run -d "$ID"
	local cg
	cg=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid_of)/cgroup")
	[ -e "$cg/cgroup.freeze" ] || cg=/sys/fs/cgroup/unified${cg#/sys/fs/cgroup}
	[ -e "$cg/cgroup.freeze" ] || skip "no cgroup v2 here"
	client monitor >"$T/live" &
	local monitor=$!
	echo 1 >"$cg/cgroup.freeze"
	wait_until 5 file_has "$T/live" '"paused"'
	wait_until 5 eval 'events_of "$T/live" | grep -q "state started paused "'
	echo 0 >"$cg/cgroup.freeze"
	wait_until 5 eval 'events_of "$T/live" | grep -q "state started paused resumed "'
	berth kill "$ID" KILL
	wait $monitor
	is "$(events_of "$T/live")" "state started paused resumed exited ended "
	remove
}

@test "Monitor: only the last of many are kept, and who is too late is told that some are missing" {
	bundle sleep 100
	berth run -d "$ID"
	local i
	for i in $(seq 33); do
		"$BERTH" --root "$STATE" pause "$ID" </dev/null
		"$BERTH" --root "$STATE" resume "$ID" </dev/null
	done
	berth kill "$ID" KILL
	client wait >"$T/wait"
	client monitor 1 >"$T/late"
	# started, 33 times two, exited, ended: 69 in all, of which 64 are kept.
	is "$(wc -l <"$T/late")" 65
	jq -s -e '.[0].missed and .[0].sequence == 5 and .[1].sequence == 6 and .[-1].sequence == 69' "$T/late"
	client monitor 5 | jq -s -e '.[0].missed == null'
	client monitor | jq -s -e '.[0].missed == null and .[0].sequence == 5'
	remove
}

@test "started is never told after the end, and not at all of what was never started" {
	local i
	bundle sh -c 'kill -9 $$'
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	for i in 1 2 3 4 5 6; do
		berth run -d "$ID"
		client monitor >"$T/events"
		is "$(events_of "$T/events")" "state started exited ended "
		jq -e '.started_at <= .exited_at and .started_ns > 0' "$STATE/$ID/exit.json"
		berth delete "$ID"
	done
	berth create --shim=always "$ID"
	kill -KILL "$(pid_of)"
	client monitor >"$T/events"
	is "$(events_of "$T/events")" "state exited ended "
	jq -e '.started_at == "" and .started_ns == 0 and .signal == 9' "$STATE/$ID/exit.json"
	berth delete "$ID"
}
