#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Shims that were killed: the process goes on, and berth recover gives it another shim.

load helpers

S=io.berth.Shim

# lose [ID[/NAME]]: kill its shim.
lose() {
	local shim
	if [[ ${1:-} == */* ]]; then
		shim=$(jq .shim.pid "$STATE/${1%%/*}/exec/${1#*/}/session.json")
	else
		shim=$(shim_pid "${1:-$ID}")
	fi
	kill -KILL "$shim"
	wait_until 5 gone "$shim"
}

shim_field() { call $S.State | jq -r ".parameters$1"; }
shim_field_is() { [ "$(shim_field "$1")" = "$2" ]; }
pipe_of() { readlink "/proc/$1/fd/$2"; }
# blocked PID: it, or a child of it, waits for room in a pipe.
blocked() {
	local p
	for p in "$1" $(pgrep -P "$1"); do ! grep -q -e pipe_w "/proc/$p/wchan" || return 0; done
	return 1
}
# How a process that nobody reaped ended: from 6.15 on the kernel tells.
tells() { [ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -1)" = 6.15 ]; }

@test "a writer goes on without a shim until the pipe is full; then no byte of it is missing in the log" {
	bundle
	writable
	seq -f %07.0f 1000000 >"$BUNDLE/rootfs/numbers"
	shell 'echo begin; until [ -e /go ]; do usleep 10000; done; cat /numbers; read x; exit 7'
	berth run -d --container-log-max 64m "$ID"
	wait_until 5 log_has "$ID" begin
	local init before
	init=$(pid_of) before=$(pipe_of "$init" 1)
	lose
	: >"$BUNDLE/rootfs/go"
	# Blocked in the middle of it.
	wait_until 10 blocked "$init"
	is "$(state_of)" running
	berth recover "$ID"
	has "$out" "$ID: has a new shim (pid $(shim_pid))"
	is "$(pid_of)" "$init"
	is "$(pipe_of "$init" 1)" "$before"
	is "$(state_of "$ID" .shim.status)" running
	wait_until 30 log_has "$ID" 1000000
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs"
	{ echo begin; seq -f %07.0f 1000000; } | cmp - "$T/logs"
	shim_field '' | jq -e '.recovered and (.terminal_lost | not) and .status == "running" and .stdin and .log.lost == 0 and .log.written == 8000000'
	berth attach --no-replay "$ID" <<<"" || true
	is "$status" 7
	berth wait "$ID"
	is "$out" 7
	remove
}

@test "standard input: what is sent after the recovery arrives, and CloseStdin is its end" {
	bundle
	# It goes on at the end-of-file that the kill has made.
	shell 'n=0; while [ $n -lt 3 ]; do if read l; then echo "got $l"; n=$((n + 1)); else usleep 10000; fi; done; cat; exit 5'
	berth run -d "$ID"
	local init
	init=$(pid_of)
	lose
	berth recover "$ID"
	berth attach "$ID" <<<$'one\ntwo' &
	wait_until 5 log_has "$ID" 'got two'
	kill $!
	wait
	lose
	berth recover "$ID"
	is "$(pid_of)" "$init"
	"$BERTH" --root "$STATE" attach "$ID" <<<$'three\nrest' >"$T/attached" 2>&1 &
	wait_until 5 log_has "$ID" rest
	call $S.CloseStdin | jq -e '.error == null'
	wait
	berth wait "$ID"
	is "$out" 5
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs"
	printf 'got %s\n' one two three >"$T/expect"
	echo rest >>"$T/expect"
	cmp "$T/expect" "$T/logs"
	remove
}

@test "what says that a shim is lost: state, list, attach, logs, wait name the remedy" {
	bundle sh -c 'echo hello; exec sleep 1000'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" hello
	berth state "$ID"
	jq -e '.shim | .status == "running" and (has("remedy") | not)' "$T/out"
	lose
	berth state "$ID"
	jq -e --arg r "berth recover $ID" '.status == "running" and .shim.status == "lost" and .shim.remedy == $r' "$T/out"
	berth list
	has "$err" "berth recover $ID"
	berth list -f json
	jq -e '.[0].shim.status == "lost"' "$T/out"
	refused 1 "lost.*berth recover $ID" attach "$ID"
	berth logs "$ID"
	is "$out" hello
	has "$err" "berth recover $ID"
	berth wait --timeout 0 "$ID" || true
	is "$status" 124
	has "$err" "berth recover $ID"
	berth recover "$ID"
	berth list
	is "$err" ""
	berth state "$ID"
	jq -e '.shim | .status == "running" and (has("remedy") | not)' "$T/out"
	berth logs "$ID"
	is "$err" ""
	remove
}

@test "a shim that lives is left alone; who has none is told so; --all skips both; unknown names" {
	bundle sleep 1000
	berth run -d "$ID"
	berth run -d --shim=never --stdio=null "$ID-n"
	local shim
	shim=$(shim_pid)
	berth recover "$ID"
	is "$out" "$ID: its shim lives (pid $shim)"
	is "$(shim_pid)" "$shim"
	refused 1 "$ID-n.*no shim" recover "$ID-n"
	berth recover --all
	is "$out$err" ""
	refused 1 'does not exist' recover nobody
	refused 1 "no kept process" recover "$ID/nobody"
	refused 1 '--all' recover
	refused 1 '--all' recover --all "$ID"
	remove "$ID" "$ID-n"
}

@test "the end after the recovery: code and signal as the kernel tells them, never 0 for unknown" {
	tells || skip "the kernel does not tell how others' children ended"
	local i=0 end want
	bundle
	writable
	for end in 'exit 0:0' 'exit 42:42' 'exec sleep 1000:137'; do
		i=$((i + 1)) want=${end##*:}
		rm -f "$BUNDLE/rootfs/go"
		shell "echo up; until [ -e /go ]; do usleep 10000; done; echo last; ${end%:*}"
		berth run -d "$ID-$i"
		wait_until 5 log_has "$ID-$i" up
		lose "$ID-$i"
		berth recover "$ID-$i"
		: >"$BUNDLE/rootfs/go"
		wait_until 5 log_has "$ID-$i" last
		[ "$want" -lt 128 ] || berth kill "$ID-$i" KILL
		berth wait --format json "$ID-$i"
		jq -e --argjson c "$want" '.known and .code == $c and .exited_at > .started_at' "$T/out"
		jq -e --argjson c "$want" '.known and .code == $c' "$STATE/$ID-$i/exit.json"
		is_state "$ID-$i" stopped
		berth delete "$ID-$i"
	done
}

@test "the end before the recovery: it is unknown, and so it is said; delete works" {
	bundle
	writable
	shell 'until [ -e /go ]; do usleep 10000; done; exit 0'
	berth run -d "$ID"
	lose
	: >"$BUNDLE/rootfs/go"
	wait_until 5 is_state "$ID" stopped
	is "$(tr -d ' \n' <"$STATE/$ID/exit.json")" ""
	berth recover "$ID"
	is "$out" "$ID: has ended: exit status unknown"
	jq -e '.known == false and .code == -1 and .started_at != ""' "$STATE/$ID/exit.json"
	refused 1 unknown wait "$ID"
	is "$out" unknown
	# A second time there is nothing to do.
	berth recover "$ID"
	is "$out" "$ID: has ended: exit status unknown"
	berth recover --all
	is "$out" ""
	berth delete "$ID"
}

@test "an end that was recorded before the shim was killed stays as it is" {
	bundle sh -c 'exit 3'
	berth run -d "$ID"
	berth wait "$ID"
	lose
	cp "$STATE/$ID/exit.json" "$T/exit.json"
	berth recover "$ID"
	is "$out" "$ID: has ended: exit status 3"
	cmp "$T/exit.json" "$STATE/$ID/exit.json"
	berth delete "$ID"
}

@test "a terminal is lost for good: who survives that has a shim for its end alone" {
	bundle
	writable
	config_edit '.process.terminal = true'
	shell 'trap "" HUP; echo up; until [ -e /go ]; do usleep 10000; done; exit 6'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	lose
	is "$(state_of)" running
	berth recover "$ID"
	has "$out" "its terminal is lost"
	shim_field '' | jq -e '.recovered and .terminal_lost and (.terminal | not) and (.stdin | not) and (has("stdout") | not)'
	refused 1 'lost its terminal' attach "$ID"
	: >"$BUNDLE/rootfs/go"
	if tells; then
		berth wait "$ID"
		is "$out" 6
	else
		refused 1 unknown wait "$ID"
	fi
	berth delete "$ID"
	# Who does not survive: the kernel says SIGHUP.
	shell 'trap "echo hup >/hup; exit 5" HUP; echo up; while :; do usleep 10000; done'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	lose
	wait_until 5 is_state "$ID" stopped
	is "$(cat "$BUNDLE/rootfs/hup")" hup
	berth recover "$ID"
	has "$out" "exit status unknown"
	remove
}

@test "a kept exec: streams, input and end; the container's shim is another matter" {
	bundle sleep 1000
	berth run -d "$ID"
	berth exec -d --shim=always --name x "$ID" sh -c 'echo up; echo err >&2; while ! read l; do usleep 10000; done; echo "got $l"; exit 8'
	wait_until 5 log_has "$ID/x" up
	local main
	main=$(shim_pid)
	lose "$ID/x"
	refused 1 "berth recover $ID/x" attach "$ID/x"
	berth recover "$ID/x"
	has "$out" "$ID/x: has a new shim"
	is "$(shim_pid)" "$main"
	berth recover "$ID/x"
	has "$out" "its shim lives"
	berth attach "$ID/x" <<<hello || true
	if tells; then is "$status" 8; fi
	has "$out" "got hello"
	log_has "$ID/x" 'got hello'
	remove
}

@test "--all: containers and execs, the good ones in spite of a bad one" {
	bundle sleep 1000
	berth run -d "$ID-1"
	berth run -d "$ID-2"
	berth run -d "$ID-3"
	berth exec -d --shim=always --name x "$ID-1" sleep 1000
	lose "$ID-1/x"
	lose "$ID-1"
	lose "$ID-2"
	lose "$ID-3"
	echo '{' >"$STATE/$ID-2/keep.json"
	refused_all
	for i in 1 3; do is "$(state_of "$ID-$i" .shim.status)" running; done
	is "$(state_of "$ID-2" .shim.status)" lost
	berth recover "$ID-1/x"
	has "$out" lives
	remove "$ID-1" "$ID-2" "$ID-3"
}

refused_all() {
	berth recover --all || true
	is "$status" 1
	has "$err" "$ID-2"
	has "$err" keep.json
	has "$err" "1 of 4"
	has "$out" "$ID-1: has a new shim"
	has "$out" "$ID-1/x: has a new shim"
	has "$out" "$ID-3: has a new shim"
}

@test "a shim that was killed and is not gone yet is waited for, but not for ever" {
	bundle sh -c 'echo up; exec sleep 1000'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	local shim recover
	shim=$(shim_pid)
	mkfifo "$T/hold"
	holdexit "$shim" <"$T/hold" >"$T/held" &
	exec {hold}>"$T/hold"
	wait_until 5 file_has "$T/held" ready
	kill -KILL "$shim"
	wait_until 5 file_has "$T/held" held
	refused 1 "shim \(pid $shim\).*does not end" recover "$ID"
	"$BERTH" --root "$STATE" recover "$ID" >"$T/recovered" 2>&1 </dev/null {hold}>&- &
	recover=$!
	# Not before it has looked.
	wait_until 5 eval '! [ -e /proc/$recover ] || grep -q poll /proc/$recover/wchan'
	exec {hold}>&-
	wait "$recover"
	has "$(cat "$T/recovered")" "$ID: has a new shim (pid $(shim_pid))"
	not [ "$(shim_pid)" = "$shim" ]
	is "$(state_of "$ID" .shim.status)" running
	wait
	remove
}

@test "several at once: one wins, all are content" {
	bundle sh -c 'echo up; exec sleep 1000'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	lose
	local i jobs=()
	for i in 1 2 3 4; do
		"$BERTH" --root "$STATE" recover "$ID" >"$T/r$i" 2>&1 </dev/null &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	is "$(cat "$T"/r? | grep -c 'has a new shim')" 1
	is "$(cat "$T"/r? | grep -c 'its shim lives')" 3
	is "$(pgrep -c -x berth-shim)" 1
	remove
}

@test "killed again and recovered again, then upgraded: sequence and offsets only grow, and old ones are refused" {
	bundle
	writable
	shell 'n=0; while [ ! -e /go ]; do echo $n; n=$((n + 1)); usleep 20000; done; exit 9'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" 3
	local last=0 next=0 i seq first
	next=$(shim_field .stdout.next)
	last=$(call $S.Monitor '' -t 2 -n 2 2>/dev/null | jq -s 'map(.parameters.sequence) | max' || echo 1)
	last=1
	for i in 1 2 3; do
		lose
		berth recover "$ID"
		varlink -t 10 -n 2 "$(shim_addr)" "{\"method\":\"$S.Monitor\",\"more\":true,\"parameters\":{\"after\":$last}}" >"$T/monitor"
		jq -e -s '.[0].parameters.event == "state" and .[0].parameters.missed and .[1].parameters.event == "started"' "$T/monitor"
		seq=$(jq -s '.[1].parameters.sequence' "$T/monitor")
		[ "$seq" -gt "$last" ]
		first=$(shim_field .stdout.first)
		[ "$first" -gt "$next" ]
		varlink -t 10 "$(shim_addr)" "{\"method\":\"$S.Attach\",\"upgrade\":true,\"parameters\":{\"stdout_from\":$next}}" |
			jq -e '.error == "org.varlink.service.InvalidParameter" and .parameters.parameter == "stdout_from"'
		last=$seq next=$(shim_field .stdout.next)
	done
	wait_until 5 eval "[ \"\$(shim_field .stdout.next)\" -gt $next ]"
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/next berth upgrade "$ID"
	berth upgrade "$ID"
	is "$(shim_field .stdout.first)" "$first"
	shim_field '' | jq -e '.recovered'
	lose
	berth recover "$ID"
	: >"$BUNDLE/rootfs/go"
	if tells; then
		berth wait "$ID"
		is "$out" 9
	fi
	# Nothing was waiting to be logged at any of the kills but, perhaps, one line each.
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs"
	awk '$1 != n { missing += $1 - n; n = $1 } { n++ } END { exit missing > 4 }' "$T/logs"
	remove
}

@test "an exit command: run once, when the end is known or known to be unknown" {
	bundle
	writable
	cat >"$T/command" <<-E
		#!/bin/sh
		echo "\$BERTH_ID \$BERTH_EXIT_KNOWN \$BERTH_EXIT_CODE" >>$T/ran
	E
	chmod 755 "$T/command"
	shell 'until [ -e /go ]; do usleep 10000; done; exit 4'
	berth run -d --exit-command "$T/command" "$ID"
	lose
	berth recover "$ID"
	: >"$BUNDLE/rootfs/go"
	berth wait "$ID" || true
	berth delete "$ID"
	if tells; then is "$(cat "$T/ran")" "$ID 1 4"; else is "$(cat "$T/ran")" "$ID 0 unknown"; fi
	# The end came first: the recovery has it run.
	rm "$BUNDLE/rootfs/go" "$T/ran"
	berth run -d --exit-command "$T/command" "$ID"
	lose
	: >"$BUNDLE/rootfs/go"
	wait_until 5 is_state "$ID" stopped
	not test -e "$T/ran"
	berth recover "$ID"
	berth recover "$ID"
	berth delete "$ID"
	is "$(cat "$T/ran")" "$ID 0 unknown"
}

@test "created and not started: recovered, then started" {
	bundle sh -c 'echo up; exit 2'
	berth create "$ID"
	lose
	berth recover "$ID"
	is "$(shim_field .status)" created
	is "$(shim_field .started_at)" null
	berth start "$ID"
	berth wait "$ID" || true
	if tells; then is "$out" 2; fi
	log_has "$ID" up
	remove
}

@test "pipes are found wherever the container has put them, and what it has closed has ended" {
	bundle
	writable
	# The first process has none of them; a child writes, from other numbers.
	shell '(exec 7>&1 >/dev/null 2>&1 </dev/null; echo up >&7; until [ -e /go ]; do usleep 10000; done; echo "from 7" >&7) & exec >/dev/null 2>&1 </dev/null; wait; exit 11'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	lose
	berth recover "$ID"
	shim_field '' | jq -e '.stdout.ended == false and (has("stderr") | not) and (.stdin | not)'
	: >"$BUNDLE/rootfs/go"
	if tells; then
		berth wait "$ID"
		is "$out" 11
	else
		wait_until 5 is_state "$ID" stopped
	fi
	log_has "$ID" 'from 7'
	remove
}

@test "a parent that does not reap: the end is said to be unknown in time, and never 0" {
	bundle
	writable
	shell 'until [ -e /go ]; do usleep 10000; done; exit 0'
	# The subreaper inherits init when the shim is killed, and is stopped then.
	subreaper "$T/pid" sh -c '"$@"; sleep 1000' sh "$BERTH" --root "$STATE" run -d --shim=always --pid-file "$T/pid" "$ID" >"$T/report" 2>&1 </dev/null &
	local reaper=$!
	wait_until 10 is_state "$ID" running
	kill -STOP "$reaper"
	kill -KILL "$(shim_pid)"
	wait_until 5 eval '[ "$(awk "{ print \$3 }" /proc/$(shim_pid)/stat)" = Z ]'
	berth recover "$ID"
	: >"$BUNDLE/rootfs/go"
	refused 1 unknown wait "$ID"
	is "$out" unknown
	jq -e '.known == false and .exited_at != ""' "$STATE/$ID/exit.json"
	kill -CONT "$reaper"
	kill "$(pgrep -f -x 'sleep 1000')" || true
	wait "$reaper" || true
	remove
}

@test "without streams: --stdio=null and inherit" {
	bundle sleep 1000
	local mode
	for mode in null inherit; do
		berth run -d --stdio=$mode "$ID"
		lose
		berth recover "$ID"
		shim_field '' | jq -e '(.stdin | not) and (has("stdout") | not) and (has("log") | not)'
		berth kill "$ID" KILL
		if tells; then
			berth wait "$ID"
			is "$out" 137
		fi
		remove
	done
}

@test "delete --force of a container whose shim is lost, and of one whose new shim is" {
	bundle sleep 1000
	berth run -d "$ID"
	lose
	remove
	berth run -d "$ID"
	lose
	berth recover "$ID"
	lose
	remove
	not pgrep -x berth-shim
}

@test "out of memory while there was no shim is told all the same" {
	need_controller memory
	bundle
	writable
	config_edit '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	shell 'echo up; until [ -e /go ]; do usleep 10000; done; (exec workload hog 64) ; until [ -e /end ]; do usleep 10000; done; exit 0'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" up
	lose
	: >"$BUNDLE/rootfs/go"
	wait_until 20 eval 'grep -qs "^oom_kill [1-9]" '"$(cgroup_of "$(pid_of)" memory)"'/memory.events '"$(cgroup_of "$(pid_of)" memory)"'/memory.oom_control'
	berth recover "$ID"
	shim_field '' | jq -e '.oom'
	: >"$BUNDLE/rootfs/end"
	berth wait --format json "$ID" || true
	jq -e '.oom' "$T/out"
	remove
}

@test "killed in the middle of a record: the half of it is taken back, whatever the format" {
	bundle
	writable
	shell 'echo one; until [ -e /go ]; do usleep 10000; done; echo two; exec sleep 1000'
	local format
	for format in cri json-file; do
		rm -f "$BUNDLE/rootfs/go"
		berth run -d --container-log-format $format "$ID"
		wait_until 5 log_has "$ID" one
		lose
		head -c 30 "$STATE/$ID/log" >"$T/half"
		cat "$T/half" >>"$STATE/$ID/log"
		berth recover "$ID"
		: >"$BUNDLE/rootfs/go"
		wait_until 5 log_has "$ID" two
		berth logs "$ID"
		is "$out" $'one\ntwo'
		is "$err" ""
		is "$(wc -l <"$STATE/$ID/log")" 2
		remove
	done
}

@test "what the new shim cannot do is said: a log whose place is gone; the process goes on" {
	bundle sleep 1000
	mkdir "$T/logs"
	berth run -d --container-log "$T/logs/log" "$ID"
	lose
	rm -r "$T/logs"
	refused 1 "$T/logs/log" recover "$ID"
	is "$(state_of)" running
	mkdir "$T/logs"
	berth recover "$ID"
	is "$(state_of "$ID" .shim.status)" running
	remove
}

@test "the units: what they say is accepted, and what they run does it" {
	local unit run
	mkdir "$T/units"
	for unit in service timer; do
		sed "s|/usr/local/bin/berth|$BERTH|" "$E2E_TOP/docs/managers/berth-recover@.$unit" >"$T/units/berth-recover@.$unit"
	done
	if command -v systemd-analyze >/dev/null; then
		cp "$T/units/berth-recover@.service" "$T/units/berth-recover@run-berth.service"
		cp "$T/units/berth-recover@.timer" "$T/units/berth-recover@run-berth.timer"
		SYSTEMD_UNIT_PATH=$T/units: systemd-analyze --man=no verify "$T/units/berth-recover@run-berth.service" "$T/units/berth-recover@run-berth.timer" 2>"$T/verify" || { cat "$T/verify"; fail "not accepted"; }
		not grep berth-recover "$T/verify"
		rm -rf /run/systemd # the /run of this test
	fi
	bundle sleep 1000
	berth run -d "$ID"
	lose
	run=$(sed -n 's/^ExecStart=//p' "$T/units/berth-recover@.service")
	# shellcheck disable=SC2086 # as systemd splits it
	${run//%f/$STATE} >"$T/out"
	has "$(cat "$T/out")" "$ID: has a new shim"
	is "$(state_of "$ID" .shim.status)" running
	remove
}
