#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Logs in places that may not answer: a remote file system (here one of our own that can stop), and the journal
# (here a socket of our own).

load helpers

teardown() {
	[ -z "${server:-}" ] || kill -9 "$server" 2>/dev/null || true
	[ -z "${server:-}" ] || wait "$server" 2>/dev/null || true
	umount -l "$T/mnt" 2>/dev/null || true
	e2e_teardown
}

# A file system at $T/mnt whose files are in $T/files.
stalling() {
	[ -c /dev/fuse ] || skip "no /dev/fuse here"
	mkdir "$T/mnt" "$T/files"
	fuse_stall "$T/files" "$T/mnt" >"$T/fuse" 2>&1 &
	server=$!
	wait_until 5 file_has "$T/fuse" ready || skip "no FUSE here"
}
stall() { kill -USR1 "$server"; }
go_on() { kill -USR2 "$server"; }

journal() {
	journal_sink "$T/journal" >"$T/records" &
	server=$!
	wait_until 5 test -S "$T/journal"
	export BERTH_JOURNAL_SOCKET=$T/journal
}

log_state() { call io.berth.Shim.State | jq -r ".parameters.log | $1"; }
log_is() { [ "$(log_state "$1")" = "$2" ]; }
helpers() { pgrep -c berth-shim-log; }
no_helper() { ! pgrep berth-shim-log; }
steps() {
	bundle sh -c "$1"
	mkfifo "$BUNDLE/rootfs/go" "$BUNDLE/rootfs/go2"
}
go() { timeout 20 sh -c "echo go >'$BUNDLE/rootfs/${1:-go}'"; }

@test "a log on a remote file system is written by a helper, rotated, reopened" {
	stalling
	steps 'for i in $(seq 300); do echo line number $i of some length; done; read x </go; echo more'
	local format
	for format in cri json-file; do
		berth run -d --container-log-format $format --container-log-max 8k --container-log-files 3 --container-log "$T/mnt/log" "$ID"
		wait_until 10 log_is '.written + .lost' "$(for i in $(seq 300); do echo "line number $i of some length"; done | wc -c)"
		is "$(helpers)" 1
		wait_until 5 log_is .pending 0
		log_is .lost 0
		[ "$(stat -c %s "$T/files/log.1")" -le 8192 ]
		mv "$T/mnt/log" "$T/mnt/old"
		berth logs --reopen "$ID"
		wait_until 5 test -e "$T/files/log"
		go
		CMD_TIMEOUT=10 berth wait "$ID"
		wait_until 5 log_is .pending 0
		berth logs --tail 1 "$ID"
		is "$out" more
		is "$(wc -l <"$T/files/log")" 1
		wait_until 5 no_helper
		berth delete "$ID"
		rm "$T/files/"*
	done
}

@test "a file system that stops answering: the container goes on, and the log after it" {
	stalling
	steps 'echo one; read x </go; head -c 3000000 /dev/zero | tr "\0" x | fold -w 99; echo; read x </go2; echo last'
	berth run -d --container-log "$T/mnt/log" --container-log-max 10m "$ID"
	wait_until 5 file_has "$T/files/log" one
	stall
	go
	# It gets to its next read, though none of this can be written.
	go go2
	CMD_TIMEOUT=20 berth wait "$ID"
	is "$out" 0
	[ "$(log_state .lost)" -gt 1000000 ]
	[ "$(log_state .pending)" -gt 0 ]
	go_on
	wait_until 10 log_is .pending 0
	is "$(log_state '.written + .lost')" 3030313
	# What is missing is said where it is missing; nothing is torn.
	grep -q " F:lost berth: [0-9]* bytes of output lost: " "$T/files/log"
	is "$(sed -n 's/.* F:lost berth: \([0-9]*\) .*/\1/p' "$T/files/log" | awk '{ n += $1 } END { print n }')" "$(log_state .lost)"
	is "$(tail -1 "$T/files/log" | cut -d' ' -f3-)" "F last"
	wait_until 5 no_helper
	berth delete "$ID"
}

dead_from_the_start() {
	stalling
	kill "-$1" "$server"
	bundle sh -c 'echo text; exit 3'
	CMD_TIMEOUT=20 berth run -d --container-log "$T/mnt/log" "$ID"
	CMD_TIMEOUT=20 berth wait "$ID"
	is "$out" 3
	berth attach --no-stdin "$ID" || true
	is "$out" text
	CMD_TIMEOUT=20 berth delete "$ID"
}

@test "a file system that does not answer at all: created, run, ended, deleted all the same" {
	dead_from_the_start USR1
	wait_until 10 no_helper
}

@test "a file system that takes a request and never answers: the same, but a helper that nothing can end" {
	dead_from_the_start HUP
	kill -9 "$server"
	wait_until 10 no_helper
}

@test "following a log on a slow file system does not end before it is written" {
	stalling
	steps 'echo one; read x </go; echo two'
	berth run -d --container-log "$T/mnt/log" "$ID"
	wait_until 5 file_has "$T/files/log" one
	"$BERTH" --root "$STATE" logs -f "$ID" >"$T/follow" 2>&1 </dev/null &
	local follower=$!
	wait_until 5 file_has "$T/follow" one
	go
	wait $follower
	is "$(cat "$T/follow")" "one
two"
	remove
}

@test "a helper that is killed costs the log, and nothing else" {
	stalling
	steps 'echo one; read x </go; echo two; read x </go2; echo three'
	berth run -d --container-log "$T/mnt/log" "$ID"
	wait_until 5 file_has "$T/files/log" one
	kill -9 "$(pgrep berth-shim-log)"
	wait_until 5 no_helper
	go
	go go2
	CMD_TIMEOUT=20 berth wait "$ID"
	is "$out" 0
	is "$(log_state '"\(.written) \(.lost)"')" "4 10"
	berth delete "$ID"
}

@test "the journal: fields of a record" {
	journal
	bundle sh -c 'echo out; sleep 0.3; echo err >&2; printf "a\"b\001\n"; printf part; sleep 0.5; echo; head -c 20000 /dev/zero | tr "\0" x; echo'
	berth run -d --container-log-format journald "$ID"
	berth wait "$ID"
	wait_until 5 log_is .written 20019
	is "$(log_state '"\(.format) \(.path) \(.lost)"')" "journald null 0"
	is "$(sed -n 1,8p "$T/records")" "SYSLOG_IDENTIFIER=$ID
CONTAINER_ID=${ID:0:12}
CONTAINER_ID_FULL=$ID
CONTAINER_NAME=$ID
PRIORITY=6
CONTAINER_STREAM=stdout
MESSAGE=out"
	grep -A1 '^CONTAINER_STREAM=stderr$' "$T/records" | grep -q '^MESSAGE=err$'
	grep -qF 'MESSAGE=a"b\x01' "$T/records"
	is "$(grep -c '^CONTAINER_PARTIAL_MESSAGE=true$' "$T/records")" 2
	is "$(sed -n 's/^MESSAGE=//p' "$T/records" | tr -cd x | wc -c)" 20001
	not grep -q BROKEN "$T/records"
	refused 1 'journalctl SYSLOG_IDENTIFIER' logs "$ID"
	berth delete "$ID"
}

@test "the journal: an exec session has its own name there" {
	journal
	bundle sleep 100
	berth run -d "$ID"
	berth exec -d --shim always --name job --container-log-format journald "$ID" sh -c 'echo from exec'
	wait_until 5 file_has "$T/records" 'MESSAGE=from exec'
	grep -q "^SYSLOG_IDENTIFIER=$ID/job$" "$T/records"
	grep -q "^CONTAINER_EXEC=job$" "$T/records"
	remove
}

@test "no journal: the container goes on, and the log when there is one" {
	steps 'echo one; read x </go; echo two; read x </go2'
	export BERTH_JOURNAL_SOCKET=$T/journal
	berth run -d --container-log-format journald "$ID"
	wait_until 5 log_is .lost 4
	is "$(log_state .error)" "No such file or directory"
	journal
	go
	wait_until 5 file_has "$T/records" 'MESSAGE=two'
	grep -q '^CONTAINER_LOST_BYTES=4$' "$T/records"
	grep -q '^PRIORITY=4$' "$T/records"
	log_is .written 4
	go go2
	berth wait "$ID"
	berth delete "$ID"
}

@test "a journal that does not read: the container goes on" {
	journal
	steps 'read x </go; head -c 1000000 /dev/zero | tr "\0" x | fold -w 99; echo; read x </go2; echo last'
	berth run -d --container-log-format journald "$ID"
	kill -USR1 "$server"
	go
	go go2
	CMD_TIMEOUT=20 berth wait "$ID"
	is "$out" 0
	[ "$(log_state .lost)" -gt 100000 ]
	kill -USR2 "$server"
	wait_until 20 log_is '.written + .lost' 1010107
	wait_until 5 file_has "$T/records" 'MESSAGE=last'
	is "$(sed -n 's/^CONTAINER_LOST_BYTES=//p' "$T/records" | awk '{ n += $1 } END { print n }')" "$(log_state .lost)"
	berth delete "$ID"
}

@test "a journal that is only slow gets all" {
	journal
	bundle sh -c 'head -c 300000 /dev/zero | tr "\0" x | fold -w 99'
	kill -USR1 "$server"
	berth run -d --container-log-format journald "$ID"
	kill -USR2 "$server"
	CMD_TIMEOUT=20 berth wait "$ID"
	wait_until 20 log_is .written 303030
	log_is .lost 0
	is "$(sed -n 's/^MESSAGE=//p' "$T/records" | tr -cd x | wc -c)" 300000
	berth delete "$ID"
}

@test "an upgrade while the helper hangs: it goes on with the new shim, and no byte is lost" {
	stalling
	steps 'echo one; read x </go; seq 1000; read x </go2; echo last; read x </go'
	berth run -d --container-log "$T/mnt/log" "$ID"
	wait_until 5 file_has "$T/files/log" one
	local helper
	helper=$(pgrep berth-shim-log)
	stall
	go
	wait_until 10 log_is '.written + .pending' 3897
	[ "$(log_state .pending)" -gt 0 ]
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/next berth upgrade "$ID"
	is "$(pgrep berth-shim-log)" "$helper"
	is "$(log_state '.written + .pending')" 3897
	go go2
	wait_until 10 log_is '.written + .pending' 3902
	go_on
	wait_until 10 log_is .pending 0
	is "$(log_state '"\(.written) \(.lost)"')" "3902 0"
	is "$(cut -d' ' -f4- "$T/files/log" | cksum)" "$({ echo one; seq 1000; echo last; } | cksum)"
	# Its end is the new shim's to see as well.
	go
	berth wait "$ID"
	wait_until 5 no_helper
	berth delete "$ID"
}

@test "a recovery with the log in the journal: it goes on there, and without a journal all the same" {
	journal
	steps 'echo one; read x </go; echo two; read x </go2; echo three; read x </go'
	berth run -d --container-log-format journald "$ID"
	wait_until 5 file_has "$T/records" MESSAGE=one
	# The place is on record.
	unset BERTH_JOURNAL_SOCKET
	kill -KILL "$(shim_pid)"
	berth recover "$ID"
	has "$out" 'has a new shim'
	go
	wait_until 5 file_has "$T/records" MESSAGE=two
	is "$(log_state '"\(.format) \(.lost)"')" "journald 0"
	is "$(grep -c "^CONTAINER_NAME=$ID\$" "$T/records")" 2
	kill -9 "$server"
	wait "$server" || true
	kill -KILL "$(shim_pid)"
	berth recover "$ID"
	go go2
	wait_until 5 log_is .lost 6
	go
	berth wait "$ID" || true
	berth delete "$ID"
}

@test "a recovery while the log's file system hangs: the container goes on, and the log after it" {
	stalling
	steps 'echo one; read x </go; echo two; read x </go2; echo three; read x </go'
	berth run -d --container-log "$T/mnt/log" "$ID"
	wait_until 5 file_has "$T/files/log" one
	stall
	kill -KILL "$(shim_pid)"
	CMD_TIMEOUT=20 berth recover "$ID"
	has "$out" 'has a new shim'
	go
	wait_until 10 log_is .pending 4
	go go2
	wait_until 10 log_is .pending 10
	go_on
	wait_until 10 log_is .pending 0
	is "$(log_state .lost)" 0
	is "$(cut -d' ' -f4- "$T/files/log" | tr '\n' ' ')" "one two three "
	go
	berth wait "$ID" || true
	wait_until 5 no_helper
	berth delete "$ID"
}
