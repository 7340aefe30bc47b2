#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Detached and reattached: an interactive shell that outlives every terminal that looked at it.

load helpers

KEYS=(--detach-keys 'ctrl-]')
LEAVE='send:\x1d'

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
	refused 1 'option --shim-cgroup: .+ is neither auto nor caller' run -d --shim=always --shim-cgroup=/a/../b "$ID"
	refused 1 'option --shim-cgroup: there is no cgroup .+x' run -d --shim=always --shim-cgroup="/$TAG/x" "$ID"
	refused 1 'option --shim-cgroup: control character' run -d --shim=always --shim-cgroup="/a"$'\n'"b" "$ID"
	GLOBAL=(--systemd-cgroup)
	refused 1 'option --shim-cgroup: .+ the name of a slice' run -d --shim=always --shim-cgroup=/a "$ID"
	GLOBAL=()
}

# v2_top: where cgroup2 is mounted in this world
v2_top() { if on_v2; then echo /sys/fs/cgroup; else echo /sys/fs/cgroup/unified; fi; }

@test "--shim-cgroup=PATH: below a cgroup that is there, which stays when the shim's own goes" {
	local top
	top=$(v2_top)
	[ "$(stat -fc %T "$top" 2>/dev/null)" = cgroup2fs ] || top=/sys/fs/cgroup/systemd
	bundle sleep 1000
	mkdir "$top/$TAG-place"
	berth run -d --shim=always --shim-cgroup="/$TAG-place" "$ID"
	grep -q ":/$TAG-place/$ID\$" "/proc/$(shim_pid)/cgroup"
	# A kept exec's shim is beside it, or where the caller is.
	berth exec -d --shim=always --name one "$ID" sleep 1000
	berth exec -d --shim=always --shim-cgroup=caller --name two "$ID" sleep 1000
	is "$(sort "$top/$TAG-place/$ID/cgroup.procs")" "$(printf '%s\n' "$(shim_pid)" "$(jq .shim.pid "$STATE/$ID/exec/one/session.json")" | sort)"
	is "$(cat "/proc/$(jq .shim.pid "$STATE/$ID/exec/two/session.json")/cgroup")" "$(cat /proc/self/cgroup)"
	refused 255 'option --shim-cgroup: .+ is neither auto nor caller' exec -d --shim=always --shim-cgroup="/$TAG-place" "$ID" true
	# Somebody else may live there too.
	berth run -d --shim=always --shim-cgroup="/$TAG-place" "$ID-2"
	remove "$ID"
	[ ! -e "$top/$TAG-place/$ID" ]
	is "$(state_of "$ID-2")" running
	remove "$ID-2"
	rmdir "$top/$TAG-place"
}

exec_shim() { jq .shim.pid "$STATE/$ID/exec/$1/session.json"; }

@test "--shim-cgroup of exec -d where the container has no shim: a cgroup of its own, which goes with the container" {
	bundle sleep 1000
	berth run -d --shim=never --stdio=null "$ID"
	berth exec -d --shim=always --shim-cgroup=caller --name stays "$ID" sleep 1000
	is "$(cat "/proc/$(exec_shim stays)/cgroup")" "$(cat /proc/self/cgroup)"
	berth exec -d --shim=always --name one "$ID" sleep 1000
	berth exec -d --shim=always --name two "$ID" sleep 1000
	local place
	place=$(cat "/proc/$(exec_shim one)/cgroup")
	has "$place" "/berth.shim/$ID"
	is "$(cat "/proc/$(exec_shim two)/cgroup")" "$place"
	# A new shim goes there, too.
	kill -KILL "$(exec_shim one)"
	berth recover "$ID/one"
	is "$(cat "/proc/$(exec_shim one)/cgroup")" "$place"
	remove
	is "$(find /sys/fs/cgroup -type d -path "*/berth.shim/$ID")" ""
	# Who has left the container's shim where it was has decided for these as well.
	berth run -d --shim=always --shim-cgroup=caller "$ID"
	berth exec -d --shim=always --name one "$ID" sleep 1000
	is "$(cat "/proc/$(exec_shim one)/cgroup")" "$(cat /proc/self/cgroup)"
	remove
}

@test "the last shim takes the cgroup of all shims along" {
	local top
	top=$(v2_top)
	[ "$(stat -fc %T "$top" 2>/dev/null)" = cgroup2fs ] || skip "no cgroup v2 in this world"
	bundle sleep 1000
	mkdir "$top/$TAG-world"
	# A tree of our own: others' shims live in the common one.
	cat >"$T/inside" <<-'EOF'
		set -eu
		echo $$ >"$1/cgroup.procs"
		exec unshare --mount --cgroup sh -euc '
			mount -t tmpfs none /sys/fs/cgroup # or the kernel refuses to mount the same on the same
			mount -t cgroup2 none /sys/fs/cgroup
			mkdir /sys/fs/cgroup/own
			echo $$ >/sys/fs/cgroup/own/cgroup.procs
			"$BERTH" --root "$2" run -d --shim=always --bundle "$3" one
			"$BERTH" --root "$2" run -d --shim=always --bundle "$3" two
			ls -d /sys/fs/cgroup/berth*
			"$BERTH" --root "$2" delete --force one
			ls -d /sys/fs/cgroup/berth*
			"$BERTH" --root "$2" delete --force two
			ls -d /sys/fs/cgroup/berth* 2>/dev/null || echo none
		' sh "$@"
	EOF
	sh "$T/inside" "$top/$TAG-world" "$STATE" "$BUNDLE" >"$T/seen"
	is "$(sed 's|.*/||' "$T/seen" | tr '\n' ' ')" "berth berth.shim berth berth.shim none "
	wait_until 5 rmdir "$top/$TAG-world/own"
	rmdir "$top/$TAG-world"
}

@test "a shim that has to stay in a unit of the service manager says so" {
	local top user=(setpriv --reuid=7002 --regid=7002 --clear-groups --inh-caps=-all)
	top=$(v2_top)
	[ "$(stat -fc %T "$top" 2>/dev/null)" = cgroup2fs ] || top=/sys/fs/cgroup/systemd
	mkdir "$top/$TAG.service"
	cp -a "$E2E_RUN/rootfs" "$BUNDLE/rootfs"
	chown 7002:7002 "$BUNDLE"
	(cd "$BUNDLE" && "${user[@]}" "$BERTH" spec --rootless)
	config_edit '.process.terminal = false | .process.args = ["sleep", "1000"]'
	chown -R 7002:7002 "$BUNDLE"
	mkdir -m 700 "$T/user"
	chown 7002:7002 "$T/user"
	# shellcheck disable=SC2016 # expanded there
	sh -euc 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$top/$TAG.service" "${user[@]}" \
		"$BERTH" --root "$T/user" run -d --shim=always --bundle "$BUNDLE" "$ID" 2>"$T/said" || fail "$(cat "$T/said")"
	is "$(wc -l <"$T/said")" 1
	has "$(cat "$T/said")" "the shim stays in the caller's cgroup, and ends with it"
	"${user[@]}" "$BERTH" --root "$T/user" delete --force "$ID"
	# Nor to who waits at the terminal, which is the container's then.
	config_edit '.process.terminal = true | .process.args = ["echo", "alone"]'
	# shellcheck disable=SC2016 # expanded there
	sh -euc 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$top/$TAG.service" "${user[@]}" \
		script -qefc "$BERTH --root $T/user run --shim=always --bundle $BUNDLE $ID-t" /dev/null </dev/null >"$T/said" 2>&1 || fail "$(cat "$T/said")"
	# The end of script's input may be echoed, if it comes before the program.
	is "$(tr -d '\r' <"$T/said" | sed 's/\^[@D]//g' | head -1)" alone
	config_edit '.process.terminal = false | .process.args = ["sleep", "1000"]'
	# Elsewhere nobody ends it: no word.
	"${user[@]}" "$BERTH" --root "$T/user" run -d --shim=always --bundle "$BUNDLE" "$ID" 2>"$T/said"
	is "$(cat "$T/said")" ""
	"${user[@]}" "$BERTH" --root "$T/user" delete --force "$ID"
	wait_until 5 rmdir "$top/$TAG.service"
}
