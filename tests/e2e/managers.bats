#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Container managers: whoever is the reaper of our orphans inherits init and its true exit status, and finds no shim.

load helpers

# bats test_tags=compat
@test "a subreaper that calls create and start reaps the true exit status" {
	local code
	for code in 0 1 42 137; do
		[ -e config.json ] || bundle
		command_is sh -c "exit $code"
		subreaper "$T/pid" "$BERTH" --root "$STATE" create --pid-file "$T/pid" "$ID" -- "$BERTH" --root "$STATE" start "$ID" >"$T/report" </dev/null
		cat "$T/report"
		grep -qx "init exited $code" "$T/report"
		# Processes on their way out may still be there at first; at the end nobody is.
		not grep -E '^child .* berth-shim' "$T/report"
		not grep '^left' "$T/report"
		[ "${BERTH##*/}" != berth ] || is "$(shim_pid)" ""
		berth delete "$ID"
		rm -f "$T/pid"
	done
}

# bats test_tags=compat
@test "a subreaper reaps the signal that killed init" {
	bundle workload raise 11
	subreaper "$T/pid" "$BERTH" --root "$STATE" create --pid-file "$T/pid" "$ID" -- "$BERTH" --root "$STATE" start "$ID" >"$T/report" </dev/null
	grep -qx "init killed 11" "$T/report"
	berth delete "$ID"
}

@test "a subreaper: run -d gets no shim either" {
	bundle sh -c 'exit 42'
	subreaper "$T/pid" "$BERTH" --root "$STATE" run -d --pid-file "$T/pid" "$ID" >"$T/report" </dev/null
	grep -qx "init exited 42" "$T/report"
	berth delete "$ID"
}

@test "a subreaper: exec -d is its own, too" {
	bundle sleep 1000
	berth run -d "$ID"
	subreaper "$T/pid" "$BERTH" --root "$STATE" exec -d --pid-file "$T/pid" "$ID" sh -c 'exit 43' >"$T/report" </dev/null
	cat "$T/report"
	grep -qx "init exited 43" "$T/report"
	remove
}

@test "a subreaper with a shell in between is not seen: a shim, unless told" {
	bundle sh -c 'exit 42'
	subreaper "$T/pid" sh -c '"$@"; exit $?' sh "$BERTH" --root "$STATE" run -d --shim=never --pid-file "$T/pid" "$ID" >"$T/report" </dev/null
	grep -qx "init exited 42" "$T/report"
	berth delete "$ID"
	BERTH_SHIM=never subreaper "$T/pid" sh -c '"$@"; exit $?' sh "$BERTH" --root "$STATE" run -d --pid-file "$T/pid" "$ID" >"$T/report" </dev/null
	grep -qx "init exited 42" "$T/report"
	berth delete "$ID"
}

@test "--shim=always under a subreaper: the shim keeps it" {
	bundle sh -c 'exit 42'
	subreaper "$T/pid" "$BERTH" --root "$STATE" run -d --shim=always --pid-file "$T/pid" "$ID" >"$T/report" </dev/null || true
	berth wait "$ID"
	is "$out" 42
	remove
}

@test "BERTH_SHIM and --shim: which one wins" {
	bundle sleep 1000
	BERTH_SHIM=never berth run -d "$ID"
	is "$(shim_pid)" ""
	remove
	BERTH_SHIM=never berth run -d --shim=always "$ID"
	[ -n "$(shim_pid)" ]
	remove
	BERTH_SHIM=always berth create --shim=never "$ID"
	is "$(shim_pid)" ""
	remove
	refused 1 'shim' create --shim=sometimes "$ID"
}

# conmon OPTION...: the real one, on this container.
monitor() {
	mkdir -p "$T/exits" "$T/persist" "$T/socks"
	timeout 20 conmon -c "$ID" -u "$ID" -n "$ID" -r "$BERTH" --runtime-arg "--root=$STATE" -b "$BUNDLE" -p "$T/pid" -P "$T/conmon.pid" \
		--exit-dir "$T/exits" --persist-dir "$T/persist" --socket-dir-path "$T/socks" -l "k8s-file:$T/conmon.log" "$@" </dev/null >"$T/out" 2>"$T/err"
	wait_until 5 is_state "$ID" created
}

# bats test_tags=compat
@test "the real conmon: exit code, output, no shim" {
	command -v conmon >/dev/null || skip "no conmon here"
	bundle sh -c 'echo text of the container; exit 42'
	monitor
	[ "${BERTH##*/}" != berth ] || is "$(shim_pid)" ""
	berth start "$ID"
	wait_until 10 test -s "$T/exits/$ID"
	is "$(cat "$T/exits/$ID")" 42
	grep -q 'stdout F text of the container' "$T/conmon.log"
	berth delete "$ID"
}

# bats test_tags=compat
@test "the real conmon with a terminal: the console socket" {
	command -v conmon >/dev/null || skip "no conmon here"
	bundle sh -c 'tty; stty size; exit 41'
	config_edit '.process.terminal = true'
	monitor -t
	berth start "$ID"
	wait_until 10 test -s "$T/exits/$ID"
	is "$(cat "$T/exits/$ID")" 41
	grep -q '/dev/pts/0' "$T/conmon.log"
	berth delete "$ID"
}

# bats test_tags=compat
@test "the real conmon: an exec, and a create that fails" {
	command -v conmon >/dev/null || skip "no conmon here"
	bundle sleep 1000
	monitor
	berth start "$ID"
	jq '.process | .args = ["sh", "-c", "echo from exec; exit 40"]' config.json >"$T/process.json"
	mkdir "$T/exec" "$T/exec/exits"
	timeout 20 conmon -c "$ID" -u "$ID-exec" -n "$ID" -r "$BERTH" --runtime-arg "--root=$STATE" -b "$T/exec" -p "$T/exec/pid" -e --exec-process-spec "$T/process.json" \
		--exit-dir "$T/exec/exits" --socket-dir-path "$T/socks" -l "k8s-file:$T/exec.log" </dev/null >"$T/out" 2>"$T/err"
	wait_until 10 file_has "$T/exec.log" 'from exec'
	wait_until 10 test -s "$T/exec/exits/$ID"
	is "$(cat "$T/exec/exits/$ID")" 40
	remove
	wait_until 10 gone "$(cat "$T/conmon.pid")"
	command_is no-such-command
	timeout 20 conmon -c "$ID-2" -u "$ID-2" -n "$ID-2" -r "$BERTH" --runtime-arg "--root=$STATE" -b "$BUNDLE" -p "$T/pid2" --exit-dir "$T/exits" \
		--socket-dir-path "$T/socks" -l "k8s-file:$T/conmon2.log" --log-level error </dev/null >"$T/out" 2>"$T/err" || true
	# conmon goes on in the background; when it has ended the create has failed and is undone.
	wait_until 10 eval '! pgrep -f -- "conmon -c $ID-2" >/dev/null'
	refused 1 'does not exist' state "$ID-2"
	[ ! -e "$T/pid2" ]
}

never() { [ "${BERTH##*/}" != berth ] || echo --shim=never; }

# bats test_tags=compat
@test "a console socket gets the name of the terminal and its master" {
	bundle sh -c 'read line; tty; echo in-container; echo "got $line"; exit 7'
	config_edit '.process.terminal = true'
	consolesock "$T/console" "$(printf 'typed\r')" >"$T/message" &
	local listener=$!
	wait_until 5 test -S "$T/console"
	# shellcheck disable=SC2046
	berth create $(never) --console-socket "$T/console" "$ID"
	berth start "$ID"
	wait $listener
	sed -n 1p "$T/message" | grep -qE '^name /dev/pt(s/0|mx)'
	grep -q in-container "$T/message"
	grep -q "got typed" "$T/message"
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
}

# bats test_tags=compat
@test "exec with a console socket" {
	bundle sleep 1000
	berth create "$ID"
	berth start "$ID"
	consolesock "$T/console" >"$T/message" &
	local listener=$!
	wait_until 5 test -S "$T/console"
	# shellcheck disable=SC2046
	berth exec -d -t $(never) --console-socket "$T/console" "$ID" sh -c 'tty; echo in-exec'
	wait $listener
	sed -n 1p "$T/message" | grep -qE '^name /dev/pt(s/[0-9]|mx)'
	grep -q in-exec "$T/message"
	remove
}

@test "what a manager of containerd's kind runs" {
	bundle sh -c 'exit 42'
	GLOBAL=(--log "$T/log.json" --log-format json --systemd-cgroup=false)
	subreaper "$T/pid" "$BERTH" --root "$STATE" "${GLOBAL[@]}" create --bundle "$BUNDLE" --pid-file "$T/pid" --no-new-keyring "$ID" -- \
		"$BERTH" --root "$STATE" "${GLOBAL[@]}" start "$ID" >"$T/report" </dev/null
	grep -qx "init exited 42" "$T/report"
	not berth kill --all "$ID" 9 || true
	berth delete "$ID"
	[ ! -s "$T/log.json" ] || fail "the log of a success is not empty: $(cat "$T/log.json")"
	not berth delete "$ID"
	has "$(jq -r .msg "$T/log.json")" "does not exist"
}
