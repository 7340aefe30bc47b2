#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exit codes reach whoever asks: the caller of a foreground run or exec, wait before and after the exit, the record.

load helpers

# bats test_tags=compat
@test "run in the foreground ends with the code of the process" {
	local code
	bundle true
	for code in 0 1 2 42 125 126 127 128 255; do
		command_is sh -c "exit $code"
		berth run "$ID" || true
		is "$status" "$code"
	done
}

# bats test_tags=compat
@test "run in the foreground: a signal is 128 and its number" {
	bundle workload raise 11
	berth run "$ID" || true
	is "$status" 139
	command_is workload raise 4
	berth run "$ID" || true
	is "$status" 132
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	local sig
	for sig in 9 15 2 10 34; do
		command_is workload raise $sig
		berth run "$ID" || true
		is "$status" $((128 + sig))
	done
}

# bats test_tags=compat
@test "run in the foreground: killed from outside" {
	bundle sleep 100
	"$BERTH" --root "$STATE" run "$ID" >"$T/o" 2>&1 </dev/null &
	local runner=$! rc=0
	wait_until 5 is_state "$ID" running
	berth kill "$ID" KILL
	wait $runner || rc=$?
	is $rc 137
}

# bats test_tags=compat
@test "run in the foreground passes signals on" {
	local sig runner rc
	bundle workload catch
	# A file for each: the old one would say "ready" until the next runner has emptied it.
	for sig in USR1 HUP INT USR2; do
		"$BERTH" --root "$STATE" run "$ID" >"$T/o.$sig" 2>&1 </dev/null &
		runner=$! rc=0
		wait_until 5 file_has "$T/o.$sig" ready
		# The test's own shell has INT ignored in the background; the signal itself is what counts.
		kill -$sig $runner
		[ $sig = INT ] || wait_until 5 file_has "$T/o.$sig" "got $(kill -l $sig)"
		kill -TERM $runner
		wait $runner || rc=$?
		is $rc 43
	done
}

@test "wait prints the code, before and after the exit, until delete" {
	local code
	for code in 0 1 42 126 127 255; do
		bundle_once sh -c "read x </fifo; exit $code"
		mkfifo "$BUNDLE/rootfs/fifo"
		berth run -d "$ID"
		"$BERTH" --root "$STATE" wait "$ID" >"$T/w1" 2>&1 </dev/null &
		local w1=$!
		"$BERTH" --root "$STATE" wait "$ID" >"$T/w2" 2>&1 </dev/null &
		local w2=$!
		echo go >"$BUNDLE/rootfs/fifo"
		wait $w1
		wait $w2
		is "$(cat "$T/w1" "$T/w2" | tr '\n' ' ')" "$code $code "
		berth wait "$ID"
		is "$out" "$code"
		berth wait "$ID"
		is "$out" "$code"
		berth delete "$ID"
		refused 1 'does not exist' wait "$ID"
		rm "$BUNDLE/rootfs/fifo"
	done
}

bundle_once() {
	[ -e config.json ] || bundle
	command_is "$@"
}

@test "wait: signals are 128 and their number" {
	bundle workload raise 11
	berth run -d "$ID"
	berth wait "$ID"
	is "$out" 139
	berth delete "$ID"
	command_is sleep 100
	berth run -d "$ID"
	berth kill "$ID" KILL
	berth wait "$ID"
	is "$out" 137
	is "$(jq -c '[.code, .signal]' "$STATE/$ID/exit.json")" '[137,9]'
	berth delete "$ID"
}

@test "wait for several containers, in the order asked for" {
	bundle true
	local i
	for i in 3 1 2; do
		command_is sh -c "exit $i"
		berth run -d "$ID-$i"
	done
	berth wait "$ID-1" "$ID-2" "$ID-3"
	is "$(tr '\n' ' ' <"$T/out")" "1 2 3 "
	remove "$ID-1" "$ID-2" "$ID-3"
}

@test "many waiters of one container all get the code" {
	bundle sh -c 'read x </fifo; exit 42'
	mkfifo "$BUNDLE/rootfs/fifo"
	berth run -d "$ID"
	local i pids=()
	for i in $(seq 32); do
		"$BERTH" --root "$STATE" wait "$ID" >"$T/w.$i" 2>&1 </dev/null &
		pids+=($!)
	done
	echo go >"$BUNDLE/rootfs/fifo"
	wait "${pids[@]}"
	is "$(cat "$T"/w.* | sort | uniq -c | tr -s ' ')" " 32 42"
	remove
}

@test "create and start with a shim: wait has the code" {
	bundle sh -c 'exit 42'
	berth create --shim=always "$ID"
	"$BERTH" --root "$STATE" wait "$ID" >"$T/w" 2>&1 </dev/null &
	local waiter=$!
	berth start "$ID"
	wait $waiter
	is "$(cat "$T/w")" 42
	remove
}

@test "a container killed before start: wait says 137" {
	bundle true
	berth create --shim=always "$ID"
	berth kill "$ID" KILL
	berth wait "$ID"
	is "$out" 137
	berth delete "$ID"
}

# bats test_tags=compat
@test "exec in the foreground ends with the code of the process, or 255 when there was none" {
	bundle sleep 100
	berth create "$ID"
	berth start "$ID"
	local code sig
	for code in 0 1 42 126 127; do
		berth exec "$ID" sh -c "exit $code" || true
		is "$status" "$code"
	done
	for sig in 9 11 15; do
		berth exec "$ID" workload raise $sig || true
		is "$status" $((128 + sig))
	done
	refused 255 'exec failed: .*executable file not found in \$PATH' exec "$ID" no-such-command
	refused 255 'exec failed: .*no such file or directory' exec "$ID" /no/such/command
	remove
}

@test "exec -d: wait has the code of each, before and after" {
	bundle sleep 100
	berth run -d "$ID"
	berth exec -d --name one "$ID" sh -c 'exit 41'
	berth exec -d --name two "$ID" sh -c 'sleep 0.3; exit 42'
	berth wait "$ID/one" "$ID/two"
	is "$(tr '\n' ' ' <"$T/out")" "41 42 "
	berth wait "$ID/one"
	is "$out" 41
	remove
}

@test "a foreground run leaves no record, run --keep leaves its code" {
	bundle sh -c 'exit 42'
	berth run --keep "$ID" || true
	is "$status" 42
	is "$(jq .code "$STATE/$ID/exit.json")" 42
	berth wait "$ID"
	is "$out" 42
	berth delete "$ID"
}

@test "an end that nobody saw is unknown, never 0" {
	bundle sleep 100
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	kill -KILL "$shim"
	wait_until 5 gone "$shim"
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	berth wait "$ID" || true
	[ "$out" != 0 ] || fail "an unknown end was reported as 0"
	[ "$status" != 0 ] || [ "$out" = 137 ]
	berth delete "$ID"
}

@test "a shim that can not be executed: create, run and exec say so, and leave nothing" {
	bundle sleep 1000
	: >"$T/no-program"
	local command
	for command in create "run -d"; do
		# shellcheck disable=SC2086
		BERTH_SHIM_PATH=$T/no-program not berth $command --shim=always "$ID"
		[[ $err == "berth ${command% *} failed: the shim (pid "*") ended before it served" ]]
		not berth state "$ID"
		is "$(ls -A "$STATE")" ""
	done
	berth run -d "$ID"
	BERTH_SHIM_PATH=$T/no-program not berth exec -d --shim=always "$ID" sleep 1234
	[[ $err == "berth exec failed: the shim (pid "*") ended before it served" ]]
	is "$(pgrep -c -f -x "sleep 1234")" 0
	berth list --exec
	[[ $out != *exec-1* ]]
	berth delete --force "$ID"
}
