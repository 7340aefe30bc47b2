#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Detached and reattached: an interactive shell that outlives every terminal that looked at it.

load helpers

KEYS=(--detach-keys 'ctrl-]')
LEAVE='send:\x1d'

# term STEP... -- ARG...: berth ARG... on a terminal that plays the steps; what it showed is in $T/screen.
term() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	status=0
	ptydrive -t 15 "${steps[@]}" -- "$BERTH" --root "$STATE" "$@" >"$T/screen" || status=$?
	printf -- '--- terminal of: %s (status %s)\n' "$*" "$status"
	cat -v "$T/screen"
	printf -- '\n---\n'
	return $status
}

interactive() {
	bundle sh
	config_edit '.process.terminal = true | .process.env += ["PS1=ready> ", "HISTFILE="]'
}

@test "run -d of a shell: the runtime is gone, the shim holds the terminal" {
	interactive
	berth run -d "$ID"
	is "$(state_of)" running
	is "$(state_of "$ID" .shim.pid)" "$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of)/status")"
	not pgrep -x berth
	remove
}

@test "attach: type, leave with the keys, attach again and see the replay" {
	interactive
	berth run -d "$ID"
	term 'expect:ready> ' 'send:echo fir""st\r' 'expect:first' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	is "$(state_of)" running
	term 'expect:first' 'expect:ready> ' 'send:echo sec""ond\r' 'expect:second' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	term 'expect:second' 'send:exit 42\r' -- attach "${KEYS[@]}" "$ID" || true
	is "$status" 42
	berth wait "$ID"
	is "$out" 42
	berth delete "$ID"
}

@test "two terminals at a time: both see everything, both may type" {
	interactive
	berth run -d "$ID"
	mkfifo "$T/sync"
	ptydrive -t 15 'expect:ready> ' "run:echo >$T/sync" 'expect:from-second' 'send:echo from-fi""rst\r' 'expect:from-first' "$LEAVE" -- \
		"$BERTH" --root "$STATE" attach "${KEYS[@]}" "$ID" >"$T/screen1" &
	local first=$!
	term 'expect:ready> ' "run:cat <$T/sync" 'send:echo from-sec""ond\r' 'expect:from-first' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	wait $first
	remove
}

@test "resize: the size of the terminal reaches the shell, at attach and later" {
	interactive
	berth run -d "$ID"
	term 'expect:ready> ' 'send:stty size\r' 'expect:24 80' 'resize:50x132' 'run:sleep 0.3' 'send:stty size\r' 'expect:50 132' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	term 'expect:50 132' 'run:sleep 0.3' 'send:clear; stty size\r' 'expect:24 80' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	remove
}

@test "consoleSize is there before anybody attaches" {
	bundle stty size
	config_edit '.process.terminal = true | .process.consoleSize = {height: 33, width: 99}'
	berth run -d "$ID"
	berth wait "$ID"
	berth logs "$ID"
	has "$out" "33 99"
	remove
}

@test "kill -9 of the attaching runtime: the container goes on" {
	interactive
	berth run -d "$ID"
	ptydrive -t 15 -p "$T/pid" 'expect:ready> ' 'send:echo al""ive\r' 'expect:alive' "run:kill -9 \$(cat $T/pid)" -- \
		"$BERTH" --root "$STATE" attach "${KEYS[@]}" "$ID" >"$T/screen" || true
	is "$(state_of)" running
	term 'expect:alive' 'send:echo st""ill\r' 'expect:still' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	remove
}

@test "a terminal that is closed: the container goes on" {
	interactive
	berth run -d "$ID"
	ptydrive -t 15 'expect:ready> ' 'send:echo al""ive\r' 'expect:alive' hangup -- \
		"$BERTH" --root "$STATE" attach "${KEYS[@]}" "$ID" >"$T/screen" || true
	is "$(state_of)" running
	term 'expect:alive' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	remove
}

@test "the terminal is as before after leaving, and after the end" {
	interactive
	berth run -d "$ID"
	printf '#!/bin/sh\nstty -a >%s/before\n"$@"\nstty -a >%s/after\n' "$T" "$T" >"$T/wrap"
	chmod 755 "$T/wrap"
	ptydrive -t 15 'expect:ready> ' "$LEAVE" -- "$T/wrap" "$BERTH" --root "$STATE" attach "${KEYS[@]}" "$ID" >"$T/screen"
	cmp "$T/before" "$T/after"
	ptydrive -t 15 'expect:ready> ' 'send:exit\r' -- "$T/wrap" "$BERTH" --root "$STATE" attach "${KEYS[@]}" "$ID" >"$T/screen"
	cmp "$T/before" "$T/after"
	berth delete "$ID"
}

@test "run in the foreground: the keys leave it running, as after run -d" {
	interactive
	term 'expect:ready> ' 'send:echo he""re\r' 'expect:here' "$LEAVE" -- run "${KEYS[@]}" "$ID"
	is "$(state_of)" running
	term 'expect:here' 'send:exit 5\r' -- attach "$ID" || true
	is "$status" 5
	berth wait "$ID"
	is "$out" 5
	berth delete "$ID"
}

@test "run in the foreground: kill -9 of the runtime leaves the container running" {
	interactive
	ptydrive -t 15 -p "$T/pid" 'expect:ready> ' "run:kill -9 \$(cat $T/pid)" -- "$BERTH" --root "$STATE" run "$ID" >"$T/screen" || true
	is "$(state_of)" running
	term 'expect:ready> ' "$LEAVE" -- attach "${KEYS[@]}" "$ID"
	remove
}

@test "run in the foreground to its end: the code, and nothing left" {
	interactive
	term 'expect:ready> ' 'send:exit 42\r' -- run "$ID" || true
	is "$status" 42
	refused 1 'does not exist' state "$ID"
}

@test "--shim=never in the foreground: the runtime relays the terminal itself" {
	interactive
	term 'expect:ready> ' 'resize:44x111' 'run:sleep 0.3' 'send:stty size\r' 'expect:44 111' 'send:exit 42\r' -- run --shim=never "$ID" || true
	is "$status" 42
	refused 1 'does not exist' state "$ID"
}

@test "detach keys: a sequence, another key in between, and none" {
	interactive
	berth run -d "$ID"
	term 'expect:ready> ' 'send:\x10x\x10\x11' -- attach --detach-keys 'ctrl-p,ctrl-q' "$ID"
	is "$(state_of)" running
	term 'expect:ready> ' 'send:\r' 'expect:ready> ' 'send:qq' -- attach --detach-keys 'q,q' "$ID"
	is "$(state_of)" running
	term 'expect:ready> ' 'send:\x03\r' 'expect:ready> ' 'send:\x1d\x10\x11\x03' 'send:\recho st""ays\r' 'expect:stays' 'send:exit 3\r' -- attach --detach-keys '' "$ID" || true
	is "$status" 3
	refused 1 'detach' attach --detach-keys 'ctrl-' "$ID"
	berth delete "$ID"
}

@test "the default detach keys are those that --help names" {
	interactive
	berth run -d "$ID"
	berth attach --help
	local keys send=''
	keys=$(sed -n 's/.*--detach-keys.*default: \(.*\)).*/\1/p' "$T/out")
	case $keys in
	'ctrl-]') send='\x1d' ;;
	ctrl-p,ctrl-q) send='\x10\x11' ;;
	*) fail "--help names no default keys: $keys" ;;
	esac
	term 'expect:ready> ' "send:$send" -- attach "$ID"
	is "$(state_of)" running
	remove
}

@test "wait prints 42 from several waiters, before and after, when the shell exits 42" {
	interactive
	berth run -d "$ID"
	local i pids=()
	for i in 1 2 3; do
		"$BERTH" --root "$STATE" wait "$ID" >"$T/w.$i" 2>&1 </dev/null &
		pids+=($!)
	done
	term 'expect:ready> ' 'send:exit 42\r' -- attach "$ID" || true
	is "$status" 42
	wait "${pids[@]}"
	is "$(cat "$T"/w.* | tr '\n' ' ')" "42 42 42 "
	berth wait "$ID"
	is "$out" 42
	berth delete "$ID"
}

@test "a client with nothing but a unix socket and JSON gets the exit code" {
	interactive
	berth run -d "$ID"
	local address
	address=$(shim_addr)
	# socat and jq: no code of berth's.
	mkfifo "$T/fifo"
	socat -t 20 - "UNIX-CONNECT:$address" <"$T/fifo" | head -z -n 1 | tr -d '\0' >"$T/reply" &
	local client=$!
	exec 9>"$T/fifo"
	printf '{"method":"io.berth.Shim.Wait","parameters":{}}\0' >&9
	term 'expect:ready> ' 'send:exit 42\r' -- attach "$ID" || true
	wait_until 5 file_has "$T/reply" code
	exec 9>&-
	wait $client
	is "$(jq -c '.parameters | [.exited, .code, .signal, .oom, .known]' "$T/reply")" '[true,42,0,false,true]'
	# and after the exit
	varlink "$address" '{"method":"io.berth.Shim.Wait"}' | jq -e '.parameters.code == 42'
	berth delete "$ID"
}

@test "--shim-cgroup: a cgroup of its own, or the caller's" {
	bundle sleep 1000
	berth run -d --shim=always "$ID"
	berth state "$ID"
	has "$(cat "/proc/$(jq -r .shim.pid "$T/out")/cgroup")" "$ID"
	berth delete --force "$ID"
	berth run -d --shim=always --shim-cgroup=caller "$ID"
	berth state "$ID"
	is "$(cat "/proc/$(jq -r .shim.pid "$T/out")/cgroup")" "$(cat /proc/self/cgroup)"
	berth delete --force "$ID"
	refused 1 'option --shim-cgroup: .+ is neither auto nor caller' run -d --shim=always --shim-cgroup=x "$ID"
}
