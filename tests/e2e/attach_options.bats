#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The options of attach, and what run, create and exec share with it: signals, detach keys, stdin.

load helpers

attach() { "$BERTH" --root "$STATE" attach "$@"; }
clients() { [ "$(call io.berth.Shim.State | jq -r '.parameters.clients // 0')" -eq "$1" ]; }
stdin_mode() { call io.berth.Shim.State | jq -r '.parameters.stdin_mode'; }

@test "attach: the last lines or bytes, or from an offset" {
	bundle sh -c 'seq 1 1000; echo error >&2; exit 3'
	berth run -d "$ID"
	berth wait "$ID"
	local case want
	for case in '--tail 2|999 1000 ' '-n 1|1000 ' '--tail 0|' '--tail-bytes 4|000 ' '--no-replay|' '--stdout-from 3889|000 ' '--stdout-from=3893|' '--tail 2 --tail-bytes 6| 1000 '; do
		want=${case#*|}
		status=0
		# shellcheck disable=SC2086
		attach ${case%|*} "$ID" >"$T/o" 2>"$T/e" </dev/null || status=$?
		is "$status" 3
		is "$(tail -n 3 "$T/o" | tail -c 9 | tr '\n' ' ')" "$want" || fail "$case"
	done
	is "$(attach --tail=all "$ID" 2>&1 </dev/null | wc -l)" 1001
	is "$(attach --stderr-from 3 "$ID" 2>&1 >/dev/null </dev/null)" or
	refused 1 'option --tail: "x" is not a number, nor all' attach --tail x "$ID"
	refused 1 'option --tail-bytes: "-1" is not a number' attach --tail-bytes=-1 "$ID"
	refused 1 'stdout_from' attach --stdout-from 3894 "$ID"
	refused 1 'exclude each other' attach --no-stdin --close-stdin "$ID"
	remove
}

@test "what a program asked its terminal long ago, nobody is asked again; what it asks now, whoever looks" {
	bundle
	writable
	config_edit '.process.terminal = true'
	# Colour, cursor, device, terminfo: asked before anybody is there, but for the last.
	shell 'printf "\033[1mbegin\033[6n\033[c\033[>0q\033]11;?\007\033P+q544e\033\134end\033[0m\033[6"; until [ -e /go ]; do usleep 10000; done; printf "nlive\033[6n\005"; echo "|"; exec sleep 1000'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" end
	term expect:end "run:: >'$BUNDLE/rootfs/go'" 'expect:|' 'send:\x1d' -- attach "$ID" || true
	grep -qaF $'\e[1mbeginend\e[0m\e[6nlive\e[6n\x05|' "$T/screen"
	# All of it is replay now, also for one that only looks.
	term 'expect:|' "run:kill -TERM \$(cat $T/pid)" -- attach --no-stdin "$ID" || true
	grep -qaF $'\e[1mbeginend\e[0mlive|' "$T/screen"
	# A file answers nothing: it has all.
	attach --no-stdin "$ID" >"$T/o" 2>&1 </dev/null &
	wait_until 5 file_has "$T/o" '|'
	kill -TERM $!
	wait $! || true
	grep -qaF $'\e[1mbegin\e[6n\e[c\e[>0q\e]11;?\a\eP+q544e\e\\end\e[0m\e[6nlive\e[6n\x05|' "$T/o"
	remove
}

@test "signals go to a process without a terminal, unless told otherwise; HUP never" {
	bundle workload catch
	berth run -d "$ID"
	wait_until 10 log_has "$ID" ready
	"$BERTH" --root "$STATE" attach "$ID" >"$T/o" 2>&1 </dev/null &
	local client=$! rc
	wait_until 10 file_has "$T/o" ready
	kill -USR1 $client
	wait_until 10 file_has "$T/o" 'got 10'
	kill -INT $client
	wait_until 10 file_has "$T/o" 'got 2'
	kill -HUP $client
	rc=0 && wait $client || rc=$?
	is $rc 129
	not log_has "$ID" 'got 1$'
	# Who only looks, or says so, leaves.
	local option
	for option in --no-stdin --sig-proxy=false; do
		: >"$T/o"
		"$BERTH" --root "$STATE" attach $option "$ID" >"$T/o" 2>&1 </dev/null &
		client=$!
		wait_until 10 file_has "$T/o" ready
		kill -TERM $client
		rc=0 && wait $client || rc=$?
		is $rc 143
		is "$(state_of)" running
	done
	"$BERTH" --root "$STATE" attach --no-stdin --sig-proxy "$ID" >"$T/o2" 2>&1 </dev/null &
	client=$!
	wait_until 10 file_has "$T/o2" ready
	kill -TERM $client
	rc=0 && wait $client || rc=$?
	is $rc 43
	grep -q 'got 15' "$T/o2"
	berth delete "$ID"
	# The same in the foreground, where a shim is asked for.
	"$BERTH" --root "$STATE" run --shim=always "$ID" >"$T/o3" 2>&1 </dev/null &
	client=$!
	wait_until 10 file_has "$T/o3" ready
	kill -TERM $client
	rc=0 && wait $client || rc=$?
	is $rc 43
	refused 1 'sig-proxy=false needs a shim' run --shim=never --sig-proxy=false "$ID"
}

@test "with a terminal signals are for the client, unless told otherwise" {
	bundle workload catch
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	wait_until 10 log_has "$ID" ready
	term expect:ready "run:kill -TERM \$(cat $T/pid)" -- attach "$ID" || true
	is "$status" 143
	is "$(state_of)" running
	term expect:ready "run:kill -USR1 \$(cat $T/pid)" 'expect:got 10' "run:kill -TERM \$(cat $T/pid)" -- attach --sig-proxy "$ID" || true
	is "$status" 43
	berth delete "$ID"
}

@test "detach keys: typed one by one; half of them goes on after half a second, while output comes too" {
	bundle sh -c 'stty -echo; while :; do echo tick; usleep 20000; done & while read l; do echo "got <$l>"; done'
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	# The first half is input when the time is over; what is typed behind it at once takes it along.
	term expect:tick 'send:p' 'run:sleep 0.7' 'send:\r' 'expect:got <p>' 'send:pa\r' 'expect:got <pa>' 'send:pq' -- attach --detach-keys p,q "$ID" || true
	is "$status" 0
	is "$(state_of)" running
	local i
	# In two pieces. The two may be apart for longer than that on a machine that is busy: then it is input.
	for i in 1 2 3 4 5 6; do
		term expect:tick 'send:p' 'run:sleep 0.1' 'send:q' 'run:sleep 1' "run:kill -TERM \$(cat $T/pid) || true" -- attach --detach-keys p,q "$ID" || true
		[ "$status" -ne 0 ] || break
	done
	is "$status" 0
	# None at all, and one that is in the middle of other input.
	term expect:tick 'send:\x1d\x10\x11pq\r' 'expect:got <' "run:kill -TERM \$(cat $T/pid)" -- attach --detach-keys '' "$ID" || true
	is "$status" 143
	term expect:tick 'send:abc\x1ddef' -- attach "$ID" || true
	is "$status" 0
	is "$(state_of)" running
	remove
}

@test "a key that is held back is passed on by the time alone" {
	bundle workload box
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	term 'expect:[' 'send:x' 'expect:> x' 'send:p' 'expect:> xp' 'send:pq' -- attach --detach-keys p,q "$ID" || true
	is "$status" 0
	is "$(state_of)" running
	remove
}

@test "run and exec have the keys too" {
	bundle workload box
	config_edit '.process.terminal = true'
	term 'expect:[' 'send:x' 'expect:> x' 'send:py' 'expect:> xpy' 'send:pq' -- run --detach-keys p,q "$ID" || true
	is "$status" 0
	is "$(state_of)" running
	term 'expect:[' 'send:pq' -- exec -t --name box --detach-keys p,q "$ID" workload box || true
	is "$status" 0
	# What was left is there, by its name.
	term 'expect:[' 'send:typed' 'expect:> typed' 'send:\x1d' -- attach "$ID/box" || true
	is "$status" 0
	term 'expect:> typed' 'send:q' -- attach "$ID/box" || true
	is "$status" 7
	term 'expect:> xpy' 'send:q' -- attach "$ID" || true
	is "$status" 7
	berth delete "$ID"
}

@test "--stdin: keep, once and never, for containers" {
	bundle sh -c 'cat; exit 9'
	berth run -d "$ID"
	is "$(stdin_mode)" keep
	printf 'one\n' | attach "$ID" >"$T/o" &
	local client=$!
	wait_until 10 file_has "$T/o" one
	is "$(state_of)" running
	printf 'two\n' | { attach --close-stdin "$ID" || echo "status $?"; } >"$T/o2"
	is "$(tr '\n' ' ' <"$T/o2")" 'one two status 9 '
	wait $client || true
	is "$(tr '\n' ' ' <"$T/o")" 'one two '
	berth delete "$ID"

	berth create --shim=always --stdin=once "$ID"
	berth start "$ID"
	is "$(stdin_mode)" once
	attach --no-stdin "$ID" </dev/null >"$T/o" &
	client=$!
	wait_until 10 clients 1
	printf 'three\n' | attach "$ID" >"$T/o2" || status=$?
	is "$status" 9
	is "$(cat "$T/o2")" three
	wait $client || true
	is "$(cat "$T/o")" three
	berth delete "$ID"

	berth run -d --stdin=never "$ID"
	is "$(stdin_mode)" never
	berth wait "$ID"
	is "$out" 9
	berth delete "$ID"

	# In the foreground the end of our input is its end, as without a shim.
	printf 'four\n' | "$BERTH" --root "$STATE" run --shim=always "$ID" >"$T/o" || status=$?
	is "$status" 9
	is "$(cat "$T/o")" four

	refused 1 'option --stdin: "x" is none of never, once, keep' run -d --stdin=x "$ID"
	refused 1 'option --stdin needs a shim and --stdio=keep' run -d --shim=never --stdin=once "$ID"
	refused 1 'option --stdin needs a shim and --stdio=keep' run -d --stdio=null --stdin=once "$ID"
}

@test "--stdin for exec, and attach to what it keeps" {
	bundle sleep 1000
	berth run -d "$ID"
	berth exec -d --name keep "$ID" sh -c 'cat; exit 4'
	berth exec -d --name once --stdin=once "$ID" sh -c 'cat; echo bad >&2; exit 5'
	berth exec -d --name never --stdin=never "$ID" sh -c 'cat; exit 6'
	berth wait "$ID/never"
	is "$out" 6
	local rc=0
	printf 'text\n' | attach "$ID/once" >"$T/o" 2>"$T/e" || rc=$?
	is "$rc $(cat "$T/o" "$T/e" | tr '\n' ' ')" '5 text bad '
	rc=0
	printf 'text\n' | attach --close-stdin "$ID/keep" >"$T/o" 2>&1 || rc=$?
	is "$rc $(cat "$T/o")" '4 text'
	# Left in the foreground with pipes: its input ends with ours.
	rc=0
	printf 'here\n' | "$BERTH" --root "$STATE" exec --shim=always "$ID" sh -c 'cat; exit 8' >"$T/o" || rc=$?
	is "$rc $(cat "$T/o")" '8 here'
	refused 255 'option --stdin needs a shim' exec --stdin=once "$ID" true
	remove
}
