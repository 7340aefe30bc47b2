#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `berth logs` shows of a log: which part of it, across files, and while it is written.

load helpers

# Lines of a container that is told by a FIFO when to go on.
steps() {
	bundle sh -c "$1"
	mkfifo "$BUNDLE/rootfs/go"
}
go() { echo go >"$BUNDLE/rootfs/go"; }

# follow [OPTION...]: in the background, to $T/follow and $T/follow.err; its pid in $follower.
follow() {
	"$BERTH" --root "$STATE" logs -f "$@" "$ID" >"$T/follow" 2>"$T/follow.err" </dev/null &
	follower=$!
}
followed() { tr '\n' ' ' <"$T/follow"; }

@test "the last lines, a time, a stream" {
	bundle sh -c 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; sleep 0.05; done'
	berth run -d "$ID"
	berth wait "$ID"
	berth logs --stream stdout --tail 2 "$ID"
	is "$out" "out 4
out 5"
	is "$err" ""
	berth logs --stream=stderr -n 1 "$ID"
	is "$out/$err" "/err 5"
	berth logs --tail 0 "$ID"
	is "$out$err" ""
	berth logs --tail all --stream all "$ID"
	is "$(wc -l <"$T/out")/$(wc -l <"$T/err")" 5/5

	# Each line with its time, as the log has it; and by those times, both ends included.
	berth logs -t --stream stdout "$ID"
	local log third
	log=$(state_of "$ID" .shim.log)
	sed -n 's/ stdout F / /p' "$log" | cmp - "$T/out"
	third=$(sed -n 's/ out 3$//p' "$T/out")
	berth logs --stream stdout --since "$third" "$ID"
	is "$out" "out 3
out 4
out 5"
	berth logs --stream stdout --until "$third" --tail 2 "$ID"
	is "$out" "out 2
out 3"
	berth logs --since "$(date -d "$third" +%s.%N)" --until "$third" --stream stdout "$ID"
	is "$out" "out 3"
	berth logs --stream stdout --since 1h "$ID"
	is "$(wc -l <"$T/out")" 5
	berth logs --since "$(date -d '+1 hour' +%s)" "$ID"
	is "$out$err" ""
	berth logs --until 1h "$ID"
	is "$out$err" ""
	berth delete "$ID"
}

@test "options that say nothing are refused by name" {
	bundle true
	berth run -d "$ID"
	local t
	for t in yesterday -10m 2026-13-01T00:00:00Z 1x ''; do
		refused 1 'since' logs --since="$t" "$ID"
		refused 1 'until' logs --until="$t" "$ID"
	done
	for t in x -2 1.5 ''; do refused 1 'tail' logs --tail="$t" "$ID"; done
	refused 1 'stream' logs --stream=stdin "$ID"
	berth wait "$ID"
	berth delete "$ID"
}

@test "a line in many parts is one line" {
	bundle sh -c 'echo first; head -c 50000 /dev/zero | tr "\0" x; echo; echo last'
	berth run -d "$ID"
	berth wait "$ID"
	[ "$(grep -c ' stdout P ' "$(state_of "$ID" .shim.log)")" -ge 3 ]
	berth logs --tail 2 -t "$ID"
	is "$(wc -l <"$T/out")" 2
	is "$(head -1 "$T/out" | cut -d' ' -f2- | tr -d x | wc -c)" 1
	is "$(head -1 "$T/out" | tr -cd x | wc -c)" 50000
	berth delete "$ID"
}

@test "the last lines come out of several files" {
	bundle sh -c 'for i in $(seq 200); do echo line number $i of some length; done'
	berth run -d --container-log-max 4k "$ID"
	berth wait "$ID"
	local log
	log=$(state_of "$ID" .shim.log)
	[ "$(wc -l <"$log")" -lt 70 ]
	berth logs --tail 70 "$ID"
	is "$(wc -l <"$T/out")" 70
	is "$(head -1 "$T/out")" "line number 131 of some length"
	is "$(tail -1 "$T/out")" "line number 200 of some length"
	berth delete "$ID"
}

@test "following begins with the last lines and goes on without a gap" {
	steps 'echo 1; echo 2; echo 3; read x </go; echo 4'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" 3
	follow --tail 2
	wait_until 5 file_has "$T/follow" 3
	go
	wait $follower
	is "$(followed)" "2 3 4 "
	remove
}

@test "following until a time ends then, though the container goes on" {
	steps 'echo 1; read x </go'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" 1
	follow --until "$(date -d '+2 seconds' +%s)"
	CMD_TIMEOUT=20 wait $follower
	is "$(followed)" "1 "
	is_state "$ID" running
	remove
}

@test "a follower loses nothing when the log is rotated" {
	bundle sh -c 'read x </go; for i in $(seq 20000); do echo line number $i of a certain length, to fill files; done'
	mkfifo "$BUNDLE/rootfs/go"
	berth run -d --container-log-max 64k "$ID"
	follow
	go
	wait $follower
	# A machine that is busy elsewhere may keep the follower from running for two files' time; then it says so.
	if ! grep -q 'some is missing' "$T/follow.err"; then
		is "$(wc -l <"$T/follow")" 20000
		is "$(awk '$3 != NR' "$T/follow" | wc -l)" 0
	fi
	is "$(tail -1 "$T/follow" | cut -d' ' -f3)" 20000
	remove
}

@test "a follower waits without polling" {
	steps 'echo 1; read x </go'
	berth run -d "$ID"
	follow
	wait_until 5 file_has "$T/follow" 1
	local before after
	sleep 0.2
	before=$(switches $follower)
	sleep 1
	after=$(switches $follower)
	is "$after" "$before"
	go
	wait $follower
	remove
}

switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"; }
