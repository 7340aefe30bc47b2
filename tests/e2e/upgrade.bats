#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Shims replaced by other builds under running processes: shims/next and after-next write and read later versions of the
# hand-over and have structures of another layout; shims/must has state that no other knows.

load helpers

S=io.berth.Shim

# to BUILD [ARG...]: upgrade to a shim that is called so; without arguments the container's.
to() {
	local shim=$1
	shift
	case $shim in
	now) shim=$E2E_RUN/bin/berth-shim ;;
	*/*) ;;
	*) shim=$BERTH_BUILD/tests/shims/$shim ;;
	esac
	[ $# -gt 0 ] || set -- "$ID"
	BERTH_SHIM_PATH=$shim berth upgrade "$@"
}

# Which hand-overs the running shim writes: "1 1" is what is installed, "1 2" next, "2 3" after-next.
versions() { call $S.Upgrade '{"oldest":0,"newest":0}' | jq -r '.parameters | "\(.oldest) \(.newest)"'; }
shim_field() { call $S.State | jq -r ".parameters$1"; }
shim_field_is() { [ "$(shim_field "$1")" = "$2" ]; }
fds() { find "/proc/$1/fd" -mindepth 1 -not -lname /dev/null | wc -l; }

# attach_raw NAME [PARAMETERS]: a client whose input is the FIFO NAME.in, and what it gets the file NAME.out.
attach_raw() {
	mkfifo "$T/$1.in"
	{
		printf '{"method":"%s.Attach","upgrade":true,"parameters":%s}\0' $S "${2:-{\}}"
		cat "$T/$1.in"
	} | socat -t 30 - "UNIX-CONNECT:$(shim_addr)" >"$T/$1.out" 2>/dev/null &
	CLIENT=$!
	exec {INPUT}>"$T/$1.in"
	wait_until 5 test -s "$T/$1.out"
}

# A line of input as a frame.
say() { printf "\\1\\0\\0\\0\\0\\0\\0\\$(printf %o $((${#1} + 1)))%s\\n" "$1" >&"$INPUT"; }

# What must be as in a shim that was never replaced.
locked_down() {
	local status=/proc/$1/status
	is "$(awk '/^CapEff/ { print $2 }' "$status")" "${2:-0000000000000020}"
	is "$(awk '/^CapPrm/ { print $2 }' "$status")" "${2:-0000000000000020}"
	is "$(awk '/^CapBnd/ { print $2 }' "$status")" 0000000000000000
	is "$(awk '/^NoNewPrivs/ { print $2 }' "$status")" 1
	is "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2
	is "$(awk '/^Seccomp_filters:/ { print $2 }' "$status")" "$FILTERS"
	is "$(cat "/proc/$1/comm")" berth-shim
	is "$(tr '\0' ' ' <"/proc/$1/cmdline" | cut -d' ' -f1)" berth-shim
}

@test "to the next release and the one after: streams, input, waiters, monitors and log go on" {
	bundle
	shell 'echo begin; while read l; do echo "out $l"; echo "err $l" >&2; done; exit 7'
	berth run -d "$ID"
	local shim init before build
	shim=$(shim_pid) init=$(pid_of)
	FILTERS=$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$shim/status")
	before=$(fds "$shim")
	attach_raw c
	call $S.Wait '' -t 60 >"$T/wait" &
	varlink -t 60 -n 4 "$(shim_addr)" "{\"method\":\"$S.Monitor\",\"more\":true}" >"$T/monitor" &
	wait_until 5 test -s "$T/monitor"
	say now
	wait_until 5 file_has "$T/c.out" 'out now'
	wait_until 5 eval '[ "$(fds '"$shim"')" -eq '$((before + 3))' ]' # three clients
	is "$(versions)" "1 1"
	for build in next after-next; do
		to $build
		has "$out" "$ID: berth-shim"
		is "$(shim_pid)" "$shim"
		is "$(pid_of)" "$init"
		is "$(state_of "$ID" .shim.status)" running
		is "$(shim_field .status)" running
		say "in $build"
		wait_until 5 file_has "$T/c.out" "err in $build"
		wait_until 5 log_has "$ID" "out in $build"
		locked_down "$shim"
		wait_until 5 eval '[ "$(fds '"$shim"')" -eq '$((before + 3))' ]'
	done
	is "$(versions)" "2 3"
	not test -s "$T/wait"
	call $S.CloseStdin | jq -e '.error == null'
	berth wait "$ID"
	is "$out" 7
	exec {INPUT}>&-
	wait
	jq -e '.parameters | .exited and .code == 7' "$T/wait"
	jq -e -s 'map(.parameters.event) == ["state", "started", "exited", "ended"]' "$T/monitor"
	jq -e -s 'map(.parameters.sequence) | .[1:] == [.[1], .[1] + 1, .[1] + 2]' "$T/monitor"
	printf 'begin\nout now\nout in next\nout in after-next\n' >"$T/expect"
	is "$(frames "$T/expect" <"$T/c.out")" "$(wc -c <"$T/expect") 0 1 1"
	sed -n 's/^out/err/p' "$T/expect" >"$T/expect2"
	is "$(frames -s 2 "$T/expect2" <"$T/c.out")" "$(wc -c <"$T/expect2") 0 1 1"
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs" 2>"$T/logs2"
	cmp "$T/expect" "$T/logs"
	cmp "$T/expect2" "$T/logs2"
	remove
	gone "$shim"
}

# numbers N: lines that are all different, 8 bytes each.
numbers() { seq -f %07.0f "$1"; }

@test "in the middle of a flood, many times: no byte is lost or doubled, in the client or the log" {
	bundle
	writable
	numbers 100000 >"$BUNDLE/rootfs/numbers"
	# It flows until there have been enough upgrades, however long one takes here.
	shell 'until [ -e /go ]; do usleep 10000; done; n=0
		until [ -e /stop ]; do cat /numbers; n=$((n + 1)); usleep 20000; done; echo $n >/rounds; read x; exit 3'
	berth run -d --container-log-max 1g "$ID"
	timeout 100 "$BERTH" --root "$STATE" attach --no-stdin "$ID" >"$T/client" 2>"$T/client.err" </dev/null &
	local n at=0 rounds
	wait_until 5 shim_field_is .clients 1
	: >"$BUNDLE/rootfs/go"
	for n in 1 2 3 4 5 6 7 8; do
		to next
		to now
		[ "$(shim_field .stdout.next)" -gt "$at" ]
		at=$(shim_field .stdout.next)
	done
	: >"$BUNDLE/rootfs/stop"
	wait_until 30 test -s "$BUNDLE/rootfs/rounds"
	rounds=$(cat "$BUNDLE/rootfs/rounds")
	wait_until 30 shim_field_is .stdout.next $((rounds * 800000))
	call $S.CloseStdin >/dev/null
	berth wait "$ID"
	is "$out" 3
	wait
	is "$(cat "$T/client.err")" ""
	for ((n = 0; n < rounds; n++)); do cat "$BUNDLE/rootfs/numbers"; done >"$T/all"
	cmp "$T/all" "$T/client"
	"$BERTH" --root "$STATE" logs "$ID" | cmp "$T/all"
	call $S.State | jq -e ".parameters.log | .lost == 0 and .written == $((rounds * 800000))"
	remove
}

@test "in the middle of a record, and of a frame that its reader has half" {
	bundle
	writable
	numbers 200000 >"$BUNDLE/rootfs/numbers"
	# An unfinished line that grows all the time, then more than sockets take from a client that does not read.
	shell 'i=0; while [ ! -e /go ]; do printf x; i=$((i + 1)); usleep 20000; done; echo; echo $i >/length; cat /numbers; read x; exit 4'
	berth run -d --container-log-max 64m "$ID"
	wait_until 5 eval '[ "$(shim_field .stdout.next)" -gt 5 ]'
	to next
	mkfifo "$T/slow"
	{
		printf '{"method":"%s.Attach","upgrade":true}\0' $S
		sleep 100
	} | socat -t 30 - "UNIX-CONNECT:$(shim_addr)" >"$T/slow" 2>/dev/null &
	exec {SLOW}<"$T/slow"
	wait_until 5 shim_field_is .clients 1
	: >"$BUNDLE/rootfs/go"
	# Not a whole number of frames.
	head -c 30011 <&$SLOW >"$T/first"
	is "$(wc -c <"$T/first")" 30011
	wait_until 20 eval '[ "$(shim_field .stdout.next)" -ge 1600000 ]'
	to after-next
	to next
	call $S.CloseStdin >/dev/null
	cat <&$SLOW >>"$T/first"
	exec {SLOW}<&-
	{ printf "%*s\n" "$(cat "$BUNDLE/rootfs/length")" '' | tr ' ' x && cat "$BUNDLE/rootfs/numbers"; } >"$T/expect"
	read -r data gaps eof exit <<<"$(frames "$T/expect" <"$T/first")"
	is "$((data + gaps)) $eof $exit" "$(wc -c <"$T/expect") 1 1"
	berth wait "$ID"
	is "$out" 4
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs"
	cmp "$T/expect" "$T/logs"
	pkill -x sleep || true
	wait
	remove
}

@test "half a message, and half a frame of input" {
	bundle
	shell 'read a; echo "got $a"; read x'
	berth run -d "$ID"
	attach_raw c
	printf '\1\0\0\0\0\0\0\13hello' >&"$INPUT" # 11 bytes are announced
	{
		printf '{"method":"%s.Sta' $S
		wait_until 20 test -e "$T/upgraded"
		printf 'te"}\0'
	} | socat -t 10 - "UNIX-CONNECT:$(shim_addr)" >"$T/answer" &
	wait_until 5 shim_field_is .clients 1
	to next
	to after-next
	: >"$T/upgraded"
	wait_until 5 file_has "$T/answer" '"status":"running"'
	printf 'world\n' >&"$INPUT"
	wait_until 5 file_has "$T/c.out" 'got helloworld'
	exec {INPUT}>&-
	remove
	wait
}

@test "in the middle of a flood of calls: each has its answer" {
	bundle sleep 1000
	berth run -d "$ID"
	awk 'BEGIN { for (i = 0; i < 4000; i++) printf "{\"method\":\"io.berth.Shim.State\"}%c", 0 }' |
		socat -t 60 - "UNIX-CONNECT:$(shim_addr)" >"$T/flood" 2>/dev/null &
	wait_until 10 eval '[ "$(tr -dc "\0" <"$T/flood" | wc -c)" -ge 600 ]'
	to next
	to after-next
	[ "$(tr -dc '\0' <"$T/flood" | wc -c)" -lt 4000 ] || fail "that came too late"
	wait
	is "$(tr -dc '\0' <"$T/flood" | wc -c)" 4000
	remove
}

@test "a terminal: its shell, its size and who sits at it stay" {
	bundle sh
	config_edit '.process.terminal = true | .process.env += ["PS1=ready> ", "HISTFILE="]'
	berth run -d "$ID"
	local shims=$BERTH_BUILD/tests/shims upgrade="$BERTH --root $STATE upgrade $ID"
	status=0
	# shellcheck disable=SC2016 # for the other shell
	ptydrive -t 30 -s 33x99 'expect:ready>' 'send:X=kept\r' 'expect:ready>' "run:BERTH_SHIM_PATH=$shims/next $upgrade" \
		'send:echo $X-$(stty size)\r' 'expect:kept-33 99' 'resize:20x70' "run:BERTH_SHIM_PATH=$shims/after-next $upgrade" \
		'send:echo $X now $(stty size)\r' 'expect:kept now 20 70' 'send:exit 5\r' -- \
		"$BERTH" --root "$STATE" attach "$ID" >"$T/screen" || status=$?
	cat -v "$T/screen"
	is $status 5
	berth wait "$ID"
	is "$out" 5
	remove
}

@test "a terminal: who may type, who only looks, and whose size it has" {
	bundle workload winsize
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	local a b look
	attach_raw a '{"rows":30,"cols":100}' && a=$INPUT
	attach_raw look '{"stdin":false}' && look=$INPUT
	attach_raw b '{"rows":31,"cols":101}' && b=$INPUT
	attach_raw c '{"rows":31,"cols":101,"redraw":true}'
	to next
	is "$(shim_field .rows)x$(shim_field .cols)" 31x101
	# It ends as large as it was, wherever the redraw was interrupted.
	wait_until 5 eval 'berth logs --tail 1 "$ID" && [ "${out%$'"'\\r'"'}" = "size 31x101" ]'
	printf '\4\0\0\0\0\0\0\4\0\5\0\5\1\0\0\0\0\0\0\2q\n' >&"$look"
	printf '\4\0\0\0\0\0\0\4\0\50\0\156' >&"$a"
	to after-next
	printf '\4\0\0\0\0\0\0\4\0\51\0\157' >&"$b"
	is "$(shim_field .rows)x$(shim_field .cols)" 31x101
	printf '\5\0\0\0\0\0\0\0' >&"$INPUT"
	wait_until 5 shim_field_is .rows 41
	to next
	printf '\5\0\0\0\0\0\0\0' >&"$b"
	wait_until 5 shim_field_is .rows 40
	is "$(shim_field .cols)" 110
	is "$(shim_field .status)" running
	# Who could type still can.
	printf '\1\0\0\0\0\0\0\2q\n' >&"$a"
	berth wait "$ID"
	is "$out" 0
	exec {a}>&- {b}>&- {look}>&- {INPUT}>&-
	wait
	remove
}

@test "the end comes while shims come and go, and after it they still can" {
	bundle
	shell 'read x; exit 5'
	local i
	for i in 1 2 3 4 5; do
		berth run -d "$ID"
		berth upgrade "$ID"
		call $S.Wait '' -t 20 >"$T/wait" &
		(sleep 0.0$i; exec varlink "$(shim_addr)" "{\"method\":\"$S.CloseStdin\"}") >/dev/null &
		to next
		to now
		to next
		wait
		jq -e '.parameters | .known and .code == 5' "$T/wait"
		to after-next
		is "$(versions)" "2 3"
		call $S.Wait | jq -e '.parameters | .known and .code == 5'
		call $S.State | jq -e '.parameters | .status == "exited" and .exit.code == 5'
		berth wait "$ID"
		is "$out" 5
		remove
	done
}

@test "too old and too new: one line, and the old shim serves on" {
	bundle
	shell 'while read l; do echo "got $l"; done'
	berth run -d "$ID"
	attach_raw c
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/after-next refused 1 'too new: it reads hand-overs of version 2 to 3, and the running one writes 1 to 1' upgrade "$ID"
	is "$(versions)" "1 1"
	to next
	to after-next
	BERTH_SHIM_PATH=$E2E_RUN/bin/berth-shim refused 1 'too old: it reads hand-overs of version 1 to 1, and the running one writes 2 to 3' upgrade "$ID"
	is "$(versions)" "2 3"
	# And back by the way it came.
	to next
	to now
	is "$(versions)" "1 1"
	say still
	wait_until 5 file_has "$T/c.out" 'got still'
	exec {INPUT}>&-
	remove
	wait
}

@test "state that the other would lose: refused by its name" {
	bundle sleep 100
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/must berth run -d "$ID"
	refused 1 'must-test is not known to this shim' upgrade "$ID"
	is "$(shim_field .status)" running
	# A shim that knows it takes it.
	to must
	refused 1 'must-test is not known to this shim' upgrade "$ID"
	remove
}

@test "what is no shim is refused before anything is touched" {
	bundle sleep 100
	berth run -d "$ID"
	local shim start broken
	shim=$(shim_pid)
	start=$(awk '{ print $22 }' "/proc/$shim/stat")
	mkdir "$T/broken"
	echo 'no program' >"$T/broken/text"
	printf '#!/bin/sh\necho 1 1\n' >"$T/broken/script"
	: >"$T/broken/empty"
	head -c 3000 "$E2E_RUN/bin/berth-shim" >"$T/broken/short"
	head -c 50000 "$E2E_RUN/bin/berth-shim" >"$T/broken/half" # of what is loaded
	cp "$(type -P true)" "$T/broken/true"
	cp "$E2E_RUN/bin/probe" "$T/broken/other"
	chmod 755 "$T"/broken/*
	for broken in "$T"/broken/*; do
		BERTH_SHIM_PATH=$broken refused 1 'shim is unusable' upgrade "$ID"
	done
	BERTH_SHIM_PATH=$T/broken/none refused 1 'open the shim' upgrade "$ID"
	is "$(shim_field .shim_pid)" "$shim"
	is "$(awk '{ print $22 }' "/proc/$shim/stat")" "$start"
	is "$(readlink "/proc/$shim/exe" | sed 's/.*[/]//')" berth-shim
	remove
}

@test "by hand: what must come with the call, and a program that can not be executed" {
	bundle sleep 100
	berth run -d "$ID"
	local addr before
	addr=$(shim_addr)
	before=$(fds "$(shim_pid)")
	echo 'no program' >"$T/text"
	bad() { varlink "$@" | jq -e '.error == "org.varlink.service.InvalidParameter" and .parameters.parameter == "descriptors"'; }
	bad "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1}}"
	bad "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1,\"check\":true}}"
	bad -m 1 "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1,\"check\":true}}"
	bad -m 2 "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1}}"
	bad -x "$T/text" "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1}}"
	# Descriptors are for the call that they came with, and for no other.
	varlink -m 2 -n 2 "$addr" "{\"method\":\"$S.Wait\",\"oneway\":true}" "{\"method\":\"$S.State\"}" \
		"{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1,\"check\":true}}" | tail -n 1 |
		jq -e '.parameters.parameter == "descriptors"'
	varlink -m 2 "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":9,\"check\":true}}" | jq -e '.parameters.handover == 1'
	varlink -m 2 -x "$T/text" "$addr" "{\"method\":\"$S.Upgrade\",\"parameters\":{\"oldest\":1,\"newest\":1}}" |
		jq -e ".error == \"$S.SystemError\" and .parameters.errno == 8"
	# Nobody has lost a descriptor, and none would be inherited.
	wait_until 5 eval '[ "$(fds "$(shim_pid)")" -eq '"$before"' ]'
	to next
	wait_until 5 eval '[ "$(fds "$(shim_pid)")" -eq '"$before"' ]'
	remove
}

@test "fifty upgrades: descriptors, memory and filters do not add up" {
	bundle
	shell 'while read l; do echo "got $l"; done; exit 6'
	berth run -d "$ID"
	local shim i before private
	shim=$(shim_pid)
	attach_raw c
	private() { awk '/^Private/ { n += $2 } END { print n }' "/proc/$shim/smaps_rollup"; }
	for i in 1 2 3; do to now >/dev/null; done
	before=$(fds "$shim") private=$(private)
	FILTERS=$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$shim/status")
	for i in $(seq 25); do
		to next >/dev/null
		to now >/dev/null
	done
	locked_down "$shim"
	# Not more than before: the count before may still hold the connection that asked for the last upgrade.
	wait_until 5 eval '[ "$(fds "$(shim_pid)")" -le '"$before"' ]'
	# A kernel that takes idle pages away makes the first figure small; 6 KiB lost per upgrade would be seen.
	wait_until 5 eval '[ "$(private)" -le '$((private + 256))' ]' || fail "private memory: $private KiB before, $(private) after"
	say still
	wait_until 5 file_has "$T/c.out" 'got still'
	exec {INPUT}>&-
	call $S.CloseStdin >/dev/null
	berth wait "$ID"
	is "$out" 6
	wait
	remove
}

@test "the log: accounts, limits and files go on" {
	bundle
	writable
	shell 'while read l; do echo "$l"; done'
	berth run -d --container-log-max 4096 "$ID"
	attach_raw c
	local i written
	for i in $(seq 50); do say "line $i 123456789012345678901234567890123456789012345678901234567890"; done
	wait_until 5 log_has "$ID" 'line 50'
	written=$(shim_field .log.written)
	[ -e "$STATE/$ID/log.1" ]
	to next
	is "$(shim_field .log.written)" "$written"
	for i in $(seq 51 100); do say "line $i 123456789012345678901234567890123456789012345678901234567890"; done
	wait_until 5 log_has "$ID" 'line 100'
	to after-next
	[ "$(stat -c %s "$STATE/$ID/log")" -le 4096 ]
	is "$(find "$STATE/$ID" -name 'log*' | wc -l)" 2
	is "$(shim_field .log.lost)" 0
	exec {INPUT}>&-
	remove
	wait
}

@test "all of them, kept execs too; what has ended or has no shim does not matter" {
	bundle sleep 100
	local id
	for id in "$ID-1" "$ID-2"; do berth run -d "$id"; done
	berth exec -d --name side "$ID-1" sleep 100
	berth run -d --shim=never "$ID-3"
	berth upgrade --all
	is "$out" "$(printf '%s: berth-shim 0.1.0-dev\n' "$ID-1" "$ID-1/side" "$ID-2")"
	berth upgrade "$ID-1/side" "$ID-2"
	refused 1 'has no shim' upgrade "$ID-3"
	refused 1 'does not exist' upgrade "$ID-none"
	refused 1 'name containers, or use --all' upgrade
	refused 1 'name containers, or use --all' upgrade --all "$ID-1"
	# One that refuses does not keep the others from it.
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/next berth upgrade "$ID-1"
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/after-next berth upgrade --all && fail "this should have failed"
	has "$err" '2 of 3 shims are not upgraded'
	is "$out" "$ID-1: berth-shim 0.1.0-dev"
	ID=$ID-1
	is "$(versions)" "2 3"
	remove "$ID" "${ID%-1}-2" "${ID%-1}-3"
}

@test "without memfd_create nothing happens; without Landlock it works" {
	bundle sleep 100
	local prefix
	berth run -d "$ID"
	status=0
	deny memfd_create -- "$BERTH" --root "$STATE" upgrade "$ID" 2>"$T/err" || status=$?
	is $status 1
	grep -q 'copy the installed shim into memory' "$T/err"
	is "$(shim_field .status)" running
	remove
	deny landlock_create_ruleset -- "$BERTH" --root "$STATE" run -d "$ID"
	to next
	is "$(versions)" "1 2"
	remove
}
