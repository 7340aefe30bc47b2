#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# No byte is lost: what is written in the last moment, what heirs of init write, and a hundred megabytes.

load helpers

ROUNDS=${E2E_ROUNDS:-$([ "${BERTH_WORLD:-}" = cgroup2 ] && echo 100 || echo 1000)}

# last_words LANES EXPECT: in each lane, rounds of: run detached, wait, compare the log, delete.
last_words() {
	local lanes=$1 expect=$2 lane pids=()
	printf %s "$expect" >"$T/expect"
	for lane in $(seq "$lanes"); do
		one_lane "$lane" $((ROUNDS / lanes)) >"$T/lane.$lane" 2>&1 </dev/null &
		pids+=($!)
	done
	for lane in "${pids[@]}"; do wait "$lane" || fail "$(cat "$T"/lane.*)"; done
}

one_lane() {
	local i id
	for i in $(seq "$2"); do
		id=$ID-$1-$i
		"$BERTH" --root "$STATE" run -d "$id" || return 1
		"$BERTH" --root "$STATE" wait "$id" >"$T/wait.$1" || return 1
		"$BERTH" --root "$STATE" logs "$id" >"$T/log.$1" || return 1
		tr -d '\r' <"$T/log.$1" >"$T/text.$1"
		if ! cmp -s "$T/expect" "$T/text.$1"; then
			echo "round $i: $(wc -c <"$T/text.$1") bytes of $(wc -c <"$T/expect"), exit $(cat "$T/wait.$1")"
			return 1
		fi
		"$BERTH" --root "$STATE" delete "$id" || return 1
	done
}

digits() {
	head -c $(($1 - 1)) < <(yes 0123456789 | tr -d '\n')
	echo .
}

@test "the last words of a detached container, through pipes, many times" {
	bundle workload last 3000
	last_words 2 "$(digits 3000 | tr -d .)
"
}

@test "the last words of a detached container, through a terminal, many times" {
	bundle workload last 3000
	config_edit '.process.terminal = true'
	last_words 2 "$(digits 3000 | tr -d .)
"
}

@test "what heirs write after the end of init is in the log, through pipes" {
	bundle workload orphans 3 100
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	local i
	for i in $(seq $((ROUNDS / 50))); do
		berth run -d "$ID"
		berth wait "$ID"
		is "$out" 7
		wait_until 5 log_lines 3
		berth delete "$ID"
	done
}

log_lines() { [ "$("$BERTH" --root "$STATE" logs "$ID" | grep -c '^heir [0-9]')" -eq "$1" ]; }

@test "what the children of init write while it waits, through a terminal" {
	bundle workload heirs 5 20
	config_edit '.process.terminal = true'
	local i
	for i in $(seq $((ROUNDS / 50))); do
		berth run -d "$ID"
		berth wait "$ID"
		log_lines 5
		berth delete "$ID"
	done
}

@test "the exit is reported at once, though an heir still holds the pipe" {
	bundle sh -c 'sleep 300 & exit 5'
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	berth run -d "$ID"
	CMD_TIMEOUT=10 berth wait "$ID"
	is "$out" 5
	is "$(state_of)" stopped
	berth delete --force "$ID"
}

# bats test_tags=compat
@test "foreground: last words arrive, through a pipe" {
	bundle workload last 30000
	local i
	for i in $(seq $((ROUNDS / 20))); do
		"$BERTH" --root "$STATE" run "$ID" </dev/null | cat >"$T/got"
		is "$(wc -c <"$T/got")" 30000
	done
}

@test "foreground: last words arrive, through a terminal" {
	bundle workload last 3000
	config_edit '.process.terminal = true'
	local i
	for i in $(seq $((ROUNDS / 20))); do
		ptydrive -- "$BERTH" --root "$STATE" run "$ID" >"$T/got"
		is "$(tr -d '\r' <"$T/got" | wc -c)" 3000
	done
}

# bats test_tags=compat
@test "foreground: a hundred megabytes through a pipe" {
	bundle workload spew 100000000
	"$BERTH" --root "$STATE" run "$ID" </dev/null | workload check 100000000
}

# One round of a hundred megabytes to the log and to a client. The log is exact; the client too, unless it was told of a gap.
hundred_megabytes() {
	bundle sh -c 'read x </fifo; exec workload spew 100000000'
	[ -p "$BUNDLE/rootfs/fifo" ] || mkfifo "$BUNDLE/rootfs/fifo"
	berth run -d --container-log "$T/log" --container-log-max 300m "$ID"
	"$BERTH" --root "$STATE" attach --no-stdin "$ID" </dev/null 2>"$T/attach.err" | workload check 100000000 >"$T/check" &
	local client=$!
	wait_until 5 clients 1
	echo go >"$BUNDLE/rootfs/fifo"
	CMD_TIMEOUT=120 berth wait "$ID"
	is "$out" 0
	wait $client || true # says in its output what differs
	is "$(workload unlog stdout <"$T/log" | workload check 100000000)" same
	berth delete "$ID"
	rm "$T/log"
	[ "$(cat "$T/check")" = same ] || grep -q 'bytes of output were skipped' "$T/attach.err" ||
		fail "the client was told of no gap, but: $(cat "$T/check" "$T/attach.err")"
}

@test "detached: a hundred megabytes, whole in the log and at a client that keeps up" {
	local round
	# On a machine that is busy elsewhere the client may be kept from running for longer than the shim waits for it.
	for round in 1 2 3 4; do
		hundred_megabytes
		[ "$(cat "$T/check")" != same ] || return 0
	done
	fail "in $round rounds no client got all: $(cat "$T/check" "$T/attach.err")"
}

clients() { [ "$(call io.berth.Shim.State | jq -r '.parameters.clients // 0')" -eq "$1" ]; }

@test "the log is bounded by default, and rotated without a torn line" {
	bundle workload spew 8000000
	berth run -d "$ID"
	CMD_TIMEOUT=60 berth wait "$ID"
	local log
	log=$(state_of "$ID" .shim.log)
	local size
	size=$(cat "$log"* | wc -c)
	[ "$size" -le $((2 * 1024 * 1024 + 65536)) ] || fail "the log has $size bytes"
	[ "$size" -ge 1000000 ] || fail "only $size bytes were kept"
	local f
	for f in "$log"*; do workload unlog stdout <"$f" >/dev/null; done
	# What is kept is the end of the stream.
	workload spew 8000000 | tail -c 100000 >"$T/tail"
	berth logs "$ID"
	tail -c 100000 "$T/out" | cmp - "$T/tail"
	berth delete "$ID"
}

@test "log lines: format, streams, partial lines and text that looks like a log" {
	bundle sh -c 'echo out; echo err >&2; printf "no newline"; sleep 0.1; printf " more\n"; printf "2026-01-01T00:00:00Z stdout F forged\n"; printf "a\rb\033[1m\001\377\n"; printf "end"'
	berth run -d "$ID"
	berth wait "$ID"
	local log
	log=$(state_of "$ID" .shim.log)
	LC_ALL=C grep -avE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}(Z|[+-][0-9:]{5}) (stdout|stderr) [FP] ' "$log" && fail "a line has no head"
	LC_ALL=C grep -qa ' stdout F out$' "$log"
	LC_ALL=C grep -qa ' stderr F err$' "$log"
	LC_ALL=C grep -qa ' stdout F 2026-01-01T00:00:00Z stdout F forged$' "$log"
	workload unlog stdout <"$log" >"$T/payload"
	printf 'out\nno newline more\n2026-01-01T00:00:00Z stdout F forged\na\rb\033[1m\001\377\nend\n' | cmp - "$T/payload"
	berth logs "$ID"
	grep -q '^out$' "$T/out"
	grep -q '^err$' "$T/err"
	berth delete "$ID"
}

@test "logs -f follows until the end" {
	bundle sh -c 'echo one; read x </first; echo two; read x </second; echo three'
	# Two, since the end of the first writer must not be the end of what the second read finds.
	mkfifo "$BUNDLE/rootfs/first" "$BUNDLE/rootfs/second"
	berth run -d "$ID"
	"$BERTH" --root "$STATE" logs -f "$ID" >"$T/follow" 2>&1 </dev/null &
	local follower=$!
	wait_until 5 file_has "$T/follow" one
	echo go >"$BUNDLE/rootfs/first"
	wait_until 5 file_has "$T/follow" two
	echo go >"$BUNDLE/rootfs/second"
	wait $follower
	is "$(tr '\n' ' ' <"$T/follow")" "one two three "
	remove
}

@test "--container-log: an absolute and a relative path, outside the state root" {
	bundle sh -c 'echo text'
	berth run -d --container-log my.log "$ID"
	berth wait "$ID"
	grep -q ' stdout F text$' "$BUNDLE/my.log"
	is "$(state_of "$ID" .shim.log)" "$BUNDLE/my.log"
	berth delete "$ID"
	[ -e "$BUNDLE/my.log" ]
	rm my.log
	ln -s "$T/elsewhere" my.log
	berth run -d --container-log "$BUNDLE/my.log" "$ID" || true
	[ ! -e "$T/elsewhere" ] || fail "the log followed a symlink"
	berth delete --force "$ID"
}

@test "--stdio=null and --stdio=inherit" {
	bundle sh -c 'echo text; exit 4'
	berth run -d --stdio=null "$ID"
	is "$out" ""
	berth wait "$ID"
	is "$out" 4
	berth delete "$ID"
	berth run -d --stdio=inherit "$ID"
	wait_until 5 file_has "$T/out" text
	"$BERTH" --root "$STATE" wait "$ID" >"$T/w" 2>&1 </dev/null
	is "$(cat "$T/w")" 4
	remove
}

@test "a detached container does not hold the caller's pipe" {
	bundle sleep 100
	"$BERTH" --root "$STATE" run -d "$ID" </dev/null 2>&1 | timeout 10 cat >"$T/o"
	is "${PIPESTATUS[1]}" 0
	remove
}

@test "--container-log-max: a size, and nothing else" {
	bundle sh -c 'head -c 100000 /dev/zero | tr "\0" "x" | fold -w 99'
	berth run -d --container-log-max 8k "$ID"
	berth wait "$ID"
	local log
	log=$(state_of "$ID" .shim.log)
	[ "$(cat "$log"* | wc -c)" -le $((2 * 8192 + 1024)) ]
	berth delete "$ID"
	local size
	for size in 0 -1 100 x 1y; do refused 1 'container-log-max' run -d --container-log-max="$size" "$ID"; done
}
