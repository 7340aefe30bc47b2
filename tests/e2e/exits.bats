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

# three [-]: containers $ID-1 to $ID-3; 2 has ended with 7, the others wait for their fifo and end with 1 and 3.
three() {
	local i
	bundle
	mkfifo "$BUNDLE/rootfs/fifo1" "$BUNDLE/rootfs/fifo3"
	for i in 1 3; do
		command_is sh -c "read x </fifo$i; exit $i"
		berth run -d "$ID-$i"
	done
	command_is sh -c 'exit 7'
	berth run -d "$ID-2"
	berth wait "$ID-2"
	is "$out" 7
}

@test "wait --any: the first that has ended, by its name" {
	three
	berth wait --any "$ID-1" "$ID-2" "$ID-3"
	is "$out" "$ID-2 7"
	"$BERTH" --root "$STATE" wait --any "$ID-1" "$ID-3" >"$T/w" 2>&1 </dev/null &
	local waiter=$!
	echo go >"$BUNDLE/rootfs/fifo3"
	wait $waiter
	is "$(cat "$T/w")" "$ID-3 3"
	is "$(state_of "$ID-1")" running
	berth wait --any --format json "$ID-1" "$ID-3"
	is "$(wc -l <"$T/out")" 1
	jq -e --arg id "$ID-3" '.id == $id and .code == 3' "$T/out"
	remove "$ID-1" "$ID-2" "$ID-3"
}

@test "wait --timeout: what has ended is printed, the rest still runs, status 124" {
	three
	refused 124 'timed out: 2 of 3 still run' wait --timeout 0 "$ID-1" "$ID-2" "$ID-3"
	is "$(tr '\n' ' ' <"$T/out")" "running 7 running "
	refused 124 'timed out: 1 of 1 still run' wait --timeout 50ms "$ID-3"
	refused 124 'timed out: 2 of 2 still run' wait --timeout 0.05 --any "$ID-1" "$ID-3"
	is "$out" ""
	berth wait --timeout 0 "$ID-2"
	is "$out" 7
	# In time: the time-out does not hold anything up, and changes nothing.
	echo go >"$BUNDLE/rootfs/fifo1"
	berth wait --timeout 25s "$ID-1" "$ID-2"
	is "$(tr '\n' ' ' <"$T/out")" "1 7 "
	refused 124 'timed out: 1 of 2 still run' wait --timeout 0 --format json "$ID-3" "$ID-1"
	jq -s -e --arg id "$ID" '.[0] == {id: ($id + "-3"), exited: false, known: false} and .[1].code == 1' "$T/out"
	remove "$ID-1" "$ID-2" "$ID-3"
}

@test "wait --format json: all that is known, the same from the shim and from the record" {
	local shim
	bundle workload raise 11
	berth run -d "$ID"
	berth wait --format=json "$ID"
	jq -e --arg id "$ID" '.id == $id and .exited and .known and .code == 139 and .signal == 11 and .oom == false and (.core | type) == "boolean" and .started_at <= .exited_at' "$T/out"
	cp "$T/out" "$T/live"
	shim=$(shim_pid)
	kill -KILL "$shim"
	wait_until 5 gone "$shim"
	berth wait --format=json "$ID"
	cmp "$T/out" "$T/live"
	refused 1 'invalid format option' wait --format xml "$ID"
	berth delete "$ID"
	# Without a shim: the record of a run in the foreground.
	command_is sh -c 'exit 5'
	berth run --keep "$ID" || true
	berth wait --format=json "$ID"
	jq -e '.code == 5 and .signal == 0 and .started_at <= .exited_at' "$T/out"
	berth delete "$ID"
}

@test "wait: a shim that dies first leaves the kernel's word, or unknown; for kept execs too" {
	local shim pids=() i
	bundle sh -c 'read x </fifo; exit 42'
	mkfifo "$BUNDLE/rootfs/fifo" "$BUNDLE/rootfs/fifo2"
	berth run -d "$ID"
	berth exec -d --name one "$ID" sh -c 'read x </fifo2; exit 41'
	for i in "$ID" "$ID/one"; do
		"$BERTH" --root "$STATE" wait --format json "$i" >"$T/w.${i##*/}" 2>&1 </dev/null &
		pids+=($!)
	done
	wait_until 5 eval '[ "$(jq -r .shim.pid "$STATE/$ID/exec/one/session.json")" -gt 0 ]'
	for shim in "$(shim_pid)" "$(jq -r .shim.pid "$STATE/$ID/exec/one/session.json")"; do
		kill -KILL "$shim"
		wait_until 5 gone "$shim"
	done
	echo go >"$BUNDLE/rootfs/fifo2"
	wait "${pids[1]}" || true
	echo go >"$BUNDLE/rootfs/fifo"
	wait "${pids[0]}" || true
	cat "$T"/w.*
	head -n 1 "$T/w.$ID" | jq -e '.exited and (if .known then .code == 42 and (.exited_at | length > 0) else .code == null end)'
	head -n 1 "$T/w.one" | jq -e '.exited and (if .known then .code == 41 else .code == null end)'
	remove
}

@test "wait: more at once than a shim has connections for, and than a process has descriptors by default" {
	bundle sh -c 'exit 3'
	berth run -d "$ID"
	berth wait "$ID"
	local i ids=()
	for i in $(seq 500); do ids+=("$ID"); done
	berth wait "${ids[@]}"
	is "$(sort "$T/out" | uniq -c | tr -s ' ')" " 500 3"
	remove
}
