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
	bundle sh -c 'i=0; exec 3<>/go; while read n <&3; do while [ $i -lt $n ]; do i=$((i + 1)); echo line number $i of a certain length, to fill files; done; [ $i -lt 20000 ] || exit 0; done'
	mkfifo "$BUNDLE/rootfs/go"
	berth run -d --container-log-max 64k "$ID"
	follow
	local n
	# Never more than two files at once, which is what is kept: so nothing may be missing, however busy the machine is.
	for n in $(seq 800 800 20000); do
		timeout 20 sh -c "echo $n >'$BUNDLE/rootfs/go'"
		wait_until 20 eval "tail -1 '$T/follow' | grep -q '^line number $n '"
	done
	wait $follower
	is "$(cat "$T/follow.err")" ""
	is "$(wc -l <"$T/follow")" 20000
	is "$(awk '$3 != NR' "$T/follow" | wc -l)" 0
	[ "$(cat "$STATE/$ID"/log* | wc -l)" -lt 3000 ] # it was rotated
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

@test "json-file: what others read, and what we read back" {
	bundle sh -c 'echo out; echo err >&2; printf "a\"b\\\\c\t\303\251\001\n"; head -c 20000 /dev/zero | tr "\0" x; echo'
	berth run -d --container-log-format json-file "$ID"
	berth wait "$ID"
	local log
	log=$(state_of "$ID" .shim.log)
	jq -e 'has("log") and (.stream == "stdout" or .stream == "stderr")' "$log"
	jq -r .time "$log" | date -f - >/dev/null
	is "$(jq -rj 'select(.stream == "stderr") | .log' "$log")" err
	# A line in parts: no newline but in the last of them, and said so.
	jq -se 'map(select(.partial)) | length >= 1 and all(.log | endswith("\n") | not)' "$log"
	jq -se 'map(select(.partial | not)) | all(.log | endswith("\n"))' "$log"
	jq -rj 'select(.stream == "stdout") | .log' "$log" >"$T/jq"
	berth logs --stream stdout "$ID"
	cmp "$T/jq" "$T/out"
	is "$(sed -n 2p "$T/out")" $'a"b\\c\t\303\251\001'
	berth logs --tail 1 -t "$ID"
	is "$(tail -c 20001 "$T/out" | tr -d x)" ""
	is "$(call io.berth.Shim.State | jq -r .parameters.log.format)" json-file
	berth delete "$ID"
}

@test "so many files are kept, in either format" {
	local format log
	bundle sh -c 'for i in $(seq 600); do echo line number $i of some length; done'
	for format in cri json-file; do
		berth run -d --container-log-format $format --container-log-max 8k --container-log-files 4 "$ID"
		berth wait "$ID"
		log=$(state_of "$ID" .shim.log)
		is "$(printf '%s ' "$log"*)" "$log $log.1 $log.2 $log.3 "
		berth logs "$ID"
		is "$(tail -1 "$T/out")" "line number 600 of some length"
		is "$(awk '$3 != n + 1 && NR > 1 { bad++ } { n = $3 } END { print bad + 0 }' "$T/out")" 0
		[ "$(stat -c %s "$log.3")" -le 8192 ]
		berth delete "$ID"
	done
	berth run -d --container-log-max 8k --container-log-files 1 "$ID"
	berth wait "$ID"
	[ ! -e "$log.1" ]
	berth logs --tail 1 "$ID"
	is "$out" "line number 600 of some length"
	berth delete "$ID"
}

@test "options of the log that make no sense are refused by name" {
	bundle true
	local v
	for v in 0 -1 1001 x ''; do refused 1 'container-log-files' run -d --container-log-files="$v" "$ID"; done
	for v in xml '' CRI; do refused 1 'container-log-format' run -d --container-log-format="$v" "$ID"; done
	refused 1 'container-log: .*journal' run -d --container-log-format journald --container-log "$T/log" "$ID"
	refused 1 'container-log-max: .*journal' run -d --container-log-format journald --container-log-max 1m "$ID"
	refused 1 'container-log-files: .*journal' run -d --container-log-format journald --container-log-files 3 "$ID"
}

# As logrotate does: rename, make a new file, tell.
@test "a log that was renamed is left when that is asked for, and followers go along" {
	steps 'echo 1; read x </go; echo 2; read x </go2; echo 3'
	mkfifo "$BUNDLE/rootfs/go2"
	berth run -d --container-log "$T/log" "$ID"
	wait_until 5 log_has "$ID" 1
	follow
	wait_until 5 file_has "$T/follow" 1
	mv "$T/log" "$T/log-20260102"
	: >"$T/log"
	go
	wait_until 5 file_has "$T/log-20260102" ' F 2'
	[ ! -s "$T/log" ]
	berth logs --reopen "$ID"
	is "$out$err" ""
	echo go >"$BUNDLE/rootfs/go2"
	wait $follower
	is "$(cut -d' ' -f4 "$T/log-20260102" | tr '\n' ' ')" "1 2 "
	is "$(cut -d' ' -f4 "$T/log" | tr '\n' ' ')" "3 "
	is "$(followed)" "1 2 3 "
	# When all has been written there is nothing to be done.
	berth logs --reopen "$ID"
	remove
	rm "$T/log" "$T/log-20260102"
}

@test "the log of a kept exec is found where it is, its shim or none" {
	bundle sleep 100
	berth run -d "$ID"
	berth exec -d --name job --container-log "$T/elsewhere" "$ID" echo from exec
	berth wait "$ID/job"
	berth logs "$ID/job"
	is "$out" "from exec"
	kill -9 "$(jq -r .shim.pid "$STATE/$ID/exec/job/session.json")"
	wait_until 5 gone "$(jq -r .shim.pid "$STATE/$ID/exec/job/session.json")"
	berth logs "$ID/job"
	is "$out" "from exec"
	remove
	rm "$T/elsewhere"
}

@test "reopening where there is no log, no shim or no way is refused" {
	steps 'read x </go'
	berth run -d --stdio null "$ID"
	refused 1 'not kept' logs --reopen "$ID"
	remove
	berth run -d --container-log "$T/log" "$ID"
	# The shim makes it, who may not be that far yet.
	wait_until 10 test -e "$T/log"
	rm "$T/log"
	mkdir "$T/log"
	refused 1 'reopen the log of' logs --reopen "$ID"
	rmdir "$T/log"
	kill -9 "$(shim_pid)"
	wait_until 5 gone "$(shim_pid)"
	refused 1 'shim' logs --reopen "$ID"
	remove
	rm -f "$T/log"
}

# What waits in the container until it is told, and what State says then.
lost() { call io.berth.Shim.State | jq -r .parameters.log.lost; }
lost_is() { [ "$(lost)" -eq "$1" ]; }

@test "a full place for the log: the container goes on, and what is missing is counted and said" {
	local format
	bundle sh -c 'read x </go; head -c 200000 /dev/zero | tr "\0" x | fold -w 99; read x </go2; echo; echo again; read x </go3'
	mkfifo "$BUNDLE/rootfs/go" "$BUNDLE/rootfs/go2" "$BUNDLE/rootfs/go3"
	mkdir "$T/small"
	mount -t tmpfs -o size=32k small "$T/small"
	for format in cri json-file; do
		berth run -d --container-log-format $format --container-log "$T/small/log" "$ID"
		go
		# All is taken from it, whatever becomes of it.
		echo go >"$BUNDLE/rootfs/go2"
		wait_until 10 some_lost
		call io.berth.Shim.State | jq -e '.parameters.log.error | test("No space")'
		echo go >"$BUNDLE/rootfs/go3" &
		CMD_TIMEOUT=20 berth wait "$ID"
		is "$out" 0
		wait $!
		is "$(call io.berth.Shim.State | jq -r '.parameters.log | .written + .lost')" 202027
		remove
		rm "$T/small"/*
	done
	umount "$T/small"
}
some_lost() { [ "$(lost)" -gt 0 ]; }

@test "a full place that has room again: the log goes on behind a marker" {
	bundle sh -c 'read x </go; head -c 100000 /dev/zero | tr "\0" x | fold -w 99; echo; read x </go2; echo again'
	mkfifo "$BUNDLE/rootfs/go" "$BUNDLE/rootfs/go2"
	mkdir "$T/small"
	local format
	for format in cri json-file; do
		mount -t tmpfs -o size=32k small "$T/small"
		berth run -d --container-log-format $format --container-log "$T/small/log" "$ID"
		go
		wait_until 10 accounted 101011
		mount -o remount,size=1m "$T/small"
		echo go >"$BUNDLE/rootfs/go2"
		berth wait "$ID"
		berth logs "$ID"
		is "$(tail -1 "$T/out")" again
		is "$(cat "$T/err")" "berth: $(lost) bytes of output lost: No space left on device"
		is "$(tr -cd x <"$T/out" | wc -c | awk '{ print $1 % 99 }')" 0
		remove
		umount "$T/small"
	done
}
accounted() { [ "$(call io.berth.Shim.State | jq -r '.parameters.log | .written + .lost')" -eq "$1" ]; }

@test "a place for the log that becomes read-only, or vanishes" {
	bundle sh -c 'echo 1; read x </go; echo 2; read x </go2; echo 3; read x </go3; echo 4'
	mkfifo "$BUNDLE/rootfs/go" "$BUNDLE/rootfs/go2" "$BUNDLE/rootfs/go3"
	mkdir "$T/place"
	berth run -d --container-log "$T/place/log" "$ID"
	wait_until 5 log_has "$ID" 1
	rm -r "$T/place"
	go
	wait_until 5 lost_is 2
	echo go >"$BUNDLE/rootfs/go2"
	wait_until 5 lost_is 4
	echo go >"$BUNDLE/rootfs/go3"
	CMD_TIMEOUT=10 berth wait "$ID"
	is "$out" 0
	remove
}
