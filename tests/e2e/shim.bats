#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# berth-shim alone: a small keeper makes the streams and the hand-over, and there is no container. What can only be
# provoked here is here; what users see is in attach.bats, detach.bats and output.bats.

load helpers
load shim_alone

@test "a frame by hand: input arrives, output, ends and exit come as documented" {
	keep -- sh -c 'read x; echo "got $x"; echo bad >&2; exit 42'
	printf '\1\0\0\0\0\0\0\4abc\n' | attach_raw >"$T/raw"
	# The answer up to its NUL, then frames; the time of the exit is not known here. Streams may come in either order.
	tail -z -n +2 "$T/raw" >/dev/null
	head -z -n 1 "$T/raw" | tr -d '\0' | jq -e '.parameters | .stdin and (.terminal | not) and .stdout.first == 0'
	LC_ALL=C grep -qaP '\x01\x01\x00\x00\x00\x00\x00\x08got abc' "$T/raw"
	LC_ALL=C grep -qaP '\x01\x02\x00\x00\x00\x00\x00\x04bad' "$T/raw"
	LC_ALL=C grep -qaP '\x03\x01\x00\x00\x00\x00\x00\x00' "$T/raw"
	LC_ALL=C grep -qaP '\x03\x02\x00\x00\x00\x00\x00\x00' "$T/raw"
	LC_ALL=C grep -qaP '\x06\x00\x00\x00\x00\x00\x00\x10\x01\x00\x00\x00\x00\x00\x00\x2a' "$T/raw"
	end
}

@test "wrong frames close that client alone" {
	keep -- sleep 100
	local frame n=0
	for frame in '\0\0\0\0\0\0\0\0' '\1\1\0\0\0\0\0\1x' '\1\0\0\0\0\1\0\0' '\1\0\0\0\377\377\377\377' '\4\0\0\0\0\0\0\1x' '\3\1\0\0\0\0\0\0' '\1\0\1\0\0\0\0\1x' '\2\1\0\0\0\0\0\10xxxxxxxx'; do
		n=$((n + 1))
		# The one who sends stays until told to go: it is the shim that ends the connection.
		{
			printf '{"method":"io.berth.Shim.Attach","upgrade":true}\0'
			# shellcheck disable=SC2059
			printf "$frame"
			until [ -e "$T/enough.$n" ]; do sleep 0.05; done
		} | {
			timeout 8 socat -t 0.2 - "UNIX-CONNECT:$S/shim.sock" >/dev/null
			echo "status $?" >"$T/status.$n"
		} &
		wait_until 9 file_has "$T/status.$n" status
		: >"$T/enough.$n"
		is "$(cat "$T/status.$n")" "status 0"
		wait
		is "$(parameter .status)" running
	done
	finish
}

@test "random bytes do it no harm" {
	keep -- sleep 100
	local i fds
	fds=$(find "/proc/$SHIM/fd" -mindepth 1 | wc -l)
	for i in $(seq 60); do
		head -c $((8 + RANDOM % 3000)) /dev/urandom | attach_raw >/dev/null &
		head -c $((RANDOM % 3000)) /dev/urandom | timeout 5 socat -u - "UNIX-CONNECT:$S/shim.sock" 2>/dev/null &
		[ $((i % 15)) -ne 0 ] || wait
	done
	wait
	wait_until 5 is_parameter .clients 0
	# Not more than before: the count before may still hold the connection that asked for the status.
	wait_until 5 eval '[ "$(find "/proc/$SHIM/fd" -mindepth 1 | wc -l)" -le '"$fds"' ]'
	finish
}

@test "replay from an offset, and an offset beyond the end" {
	keep -- sh -c 'printf 0123456789; exit 0'
	ask Wait
	attach_raw '{"stdout_from":4}' </dev/null | tr '\0' '\n' >"$T/raw"
	grep -qa '456789' "$T/raw"
	hasnt "$(cat -v "$T/raw")" 3456789
	attach_raw '{"replay":"none"}' </dev/null | tr '\0' '\n' >"$T/raw"
	hasnt "$(cat -v "$T/raw")" 789
	varlink "$S/shim.sock" '{"method":"io.berth.Shim.Attach","upgrade":true,"parameters":{"stdout_from":11}}' |
		jq -e '.parameters.parameter == "stdout_from"'
	end
}

@test "stdin once: closed when its first writer leaves; keep: by CloseStdin alone" {
	keep -s once -- sh -c 'cat; exit 3'
	attach_raw '{"stdin":false}' </dev/null >/dev/null & # may not write: its leaving is nothing
	wait_until 5 is_parameter .clients 1
	printf '\1\0\0\0\0\0\0\3hi\n\3\0\0\0\0\0\0\0' | attach_raw >"$T/raw"
	wait
	ask Wait | jq -e '.parameters.code == 3'
	grep -qa hi "$T/raw"
	end

	keep -s keep -- sh -c 'cat; exit 4'
	printf '\1\0\0\0\0\0\0\3hi\n\3\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0' | attach_raw >/dev/null
	wait_until 5 is_parameter .clients 0
	is "$(parameter .stdin)" true
	ask CloseStdin | jq -e '.error == null'
	ask CloseStdin | jq -e '.error == "io.berth.Shim.NoStdin"'
	ask Wait | jq -e '.parameters.code == 4'
	end

	keep -s never -- cat
	ask Wait | jq -e '.parameters.code == 0'
	end
}

@test "input for a process that does not read holds nobody up" {
	keep -- sleep 100
	# Far more than pipe and buffers take.
	{ for _ in $(seq 60); do printf '\1\0\0\0\0\0\100\0' && head -c 16384 /dev/zero; done; } | attach_raw >/dev/null &
	wait_until 5 is_parameter .clients 1
	is "$(parameter .status)" running
	printf '\1\0\0\0\0\0\0\1x\5\0\0\0\0\0\0\0' | attach_raw >/dev/null &
	wait_until 5 is_parameter .clients 2
	kill -KILL "$PID"
	ask Wait | jq -e '.parameters.code == 137 and .parameters.signal == 9'
	wait
	end
}

# As getty does: vhangup(2) makes the master report a hang-up, without end, until somebody opens a slave.
@test "a terminal that hangs itself up goes on" {
	keep -t -- "$BERTH_BUILD/tests/helpers/shim-keeper" --hangup
	wait_until 5 grep -q 'F one' "$S/log"
	printf '\1\0\0\0\0\0\0\1\n\5\0\0\0\0\0\0\0' | attach_raw >/dev/null
	wait_until 5 grep -q 'F two' "$S/log"
	attach_raw '{"stdin":false}' </dev/null >"$T/raw" &
	wait_until 5 grep -qa two "$T/raw"
	finish
}

@test "the log: a full file system, then space again; the process is not held up" {
	mkdir "$T/small"
	mount -t tmpfs -o size=64k small "$T/small"
	keep -l "$T/small/log" -m 10000000 -- sh -c 'head -c 300000 /dev/zero | tr "\0" "x" | fold -w 99; echo; read x; echo back; exit 0'
	wait_until 5 eval '[ "$(parameter .log.lost)" -gt 200000 ]'
	has "$(parameter .log.error)" "No space left"
	mount -o remount,size=1m "$T/small"
	printf '\1\0\0\0\0\0\0\1\n' | attach_raw >/dev/null
	ask Wait | jq -e '.parameters.code == 0'
	grep -q 'stdout F:lost berth: [0-9]* bytes of output lost' "$T/small/log"
	tail -n 1 "$T/small/log" | grep -q 'stdout F back$'
	# Every byte is in the log or counted.
	is $(($(parameter .log.written) + $(parameter .log.lost))) "$(parameter .stdout.next)"
	not grep -qv '^[^ ]* stdout F\(:lost\)\? ' "$T/small/log"
	end
	umount "$T/small"
}

@test "a full state directory: the exit record is there all the same" {
	mkdir "$T/full"
	mount -t tmpfs -o size=32k full "$T/full"
	"$BERTH_BUILD/tests/helpers/shim-keeper" "$BERTH_BUILD/berth-shim" "$T/full" sh -c 'read x; exit 9' >"$T/pids"
	read -r SHIM PID <"$T/pids"
	S=$T/full
	head -c 100000 /dev/zero >"$T/full/fill" 2>/dev/null || true
	ask CloseStdin >/dev/null
	ask Wait | jq -e '.parameters.code == 9'
	jq -e '.known and .code == 9' "$T/full/exit.json"
	end
	umount "$T/full"
}

@test "the shim holds no capability but CAP_KILL, a filter, and no descriptor it does not need" {
	keep -- sleep 100
	local status=/proc/$SHIM/status
	is "$(awk '/^CapEff/ { print $2 }' "$status")" 0000000000000020
	is "$(awk '/^CapPrm/ { print $2 }' "$status")" 0000000000000020
	is "$(awk '/^CapBnd/ { print $2 }' "$status")" 0000000000000000
	is "$(awk '/^NoNewPrivs/ { print $2 }' "$status")" 1
	is "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2
	is "$(readlink "/proc/$SHIM/cwd")" /
	# dir, pidfd, socket, stdin, stdout, stderr, log, its directory, epoll, timerfd, inotify, fdinfo
	wait_until 5 eval '[ "$(find "/proc/$SHIM/fd" -mindepth 1 -not -lname /dev/null | wc -l)" -eq 12 ]'
	finish
}

@test "a peer inside a pid name space of its own, though root, is turned away" {
	keep -- sleep 100
	is "$(parameter .status)" running
	is "$(unshare --pid --fork varlink -t 5 "$S/shim.sock" '{"method":"io.berth.Shim.State"}' 2>/dev/null || echo closed)" closed
	is "$(parameter .status)" running
	finish
}

@test "a shim that can not begin leaves no process behind, but a record" {
	S=$(mktemp -d "$T/shim.XXXX")
	not "$BERTH_BUILD/tests/helpers/shim-keeper" -l "$T/none/log" "$BERTH_BUILD/berth-shim" "$S" sleep 100
	wait_until 5 file_has "$S/exit.json" '"code":137'
	is "$(pgrep -c -x sleep)" 0
}

@test "stray signals do not end it" {
	keep -- sleep 100
	local sig
	for sig in HUP INT QUIT TERM PIPE USR1 USR2 ALRM WINCH; do
		[ $sig = ALRM ] || kill -s $sig "$SHIM"
	done
	is "$(parameter .status)" running
	finish
}

@test "its directory goes: it ends with the process, not before" {
	keep -- sleep 100
	mv "$S/shim.sock" "$T/moved"
	S2=$S S=$T
	not gone "$SHIM"
	kill -KILL "$PID"
	wait_until 20 gone "$SHIM"
	jq -e '.code == 137' "$S2/exit.json"
}

@test "many connections: the oldest idle one makes room" {
	keep -- sleep 100
	local i
	# Idle ones, more than there are slots.
	for i in $(seq 210); do
		sleep 100 | socat - "UNIX-CONNECT:$S/shim.sock" >/dev/null 2>&1 &
	done
	wait_until 10 eval '[ "$(find "/proc/$SHIM/fd" -mindepth 1 | wc -l)" -gt 180 ]'
	is "$(parameter .status)" running
	pkill -f '^sleep 100$' || true
	wait
	rm -f "$T/none"
	wait_until 5 eval '[ "$(find "/proc/$SHIM/fd" -mindepth 1 | wc -l)" -lt 30 ]'
	ask Wait | jq -e '.parameters.signal == 15'
	end
}

# answers FILE: how many have come
answers() { tr -dc '\0' <"$1" | wc -c; }
calls() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "{\"method\":\"io.berth.Shim.State\"}%c", 0 }'; }
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# 500 at once and 1000 a second: what is faster is no limit, what is slower only a slow machine.
@test "a flood of calls: answered at a bounded rate, all of them, and nobody else waits behind it" {
	keep -- sleep 100
	local begun flood
	begun=$(now_ms)
	# It shuts down its writing side at once, and gets its answers all the same.
	calls 4500 | socat -t 60 - "UNIX-CONNECT:$S/shim.sock" >"$T/flood" 2>/dev/null &
	flood=$!
	wait_until 10 eval '[ "$(answers "$T/flood")" -ge 300 ]'
	is "$(parameter .status)" running
	[ "$(answers "$T/flood")" -lt 4500 ] || fail "others were served after it"
	wait "$flood"
	is "$(answers "$T/flood")" 4500
	[ $(($(now_ms) - begun)) -ge 3500 ] || fail "faster than the limit"
	finish
}

@test "forty floods at once: all are served, in turn, and so is who calls now and then" {
	keep -- sleep 100
	local begun i
	begun=$(now_ms)
	for i in $(seq 40); do
		calls 100 | socat -t 60 - "UNIX-CONNECT:$S/shim.sock" >"$T/flood.$i" 2>/dev/null &
	done
	for i in 1 2 3 4 5; do is "$(parameter .status)" running; done
	for i in $(seq 40); do wait_until 30 eval '[ "$(answers "$T/flood.$i")" -eq 100 ]'; done
	[ $(($(now_ms) - begun)) -ge 3000 ] || fail "faster than the limit"
	wait
	finish
}

@test "connections without end: taken at a bounded rate; who is attached notices nothing" {
	keep -- sh -c 'while read -r line; do echo "$line"; done'
	local begun i
	mkfifo "$T/in"
	attach_raw <"$T/in" >"$T/raw" &
	exec 9>"$T/in"
	wait_until 5 is_parameter .clients 1
	begun=$(now_ms)
	for i in 1 2 3 4; do
		(for _ in $(seq 250); do printf 'x' | socat -u - "UNIX-CONNECT:$S/shim.sock" 2>/dev/null; done) &
	done
	for i in 1 2 3; do
		printf '\1\0\0\0\0\0\0\6line %s' "$i" >&9
		printf '\1\0\0\0\0\0\0\1\n' >&9
		wait_until 5 grep -qa "line $i" "$T/raw"
	done
	exec 9>&-
	wait
	[ $(($(now_ms) - begun)) -ge 2900 ] || fail "faster than the limit"
	is "$(parameter .status)" running
	finish
}

@test "a storm of resizes: the last one holds, others are served meanwhile" {
	keep -t -- sh -c 'until [ -e '"$T"'/go ]; do sleep 0.05; done; stty size; sleep 100'
	local storm
	{
		LC_ALL=C awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%c%c%c%c%c%c%c%c%c%c%c%c", 4, 0, 0, 0, 0, 0, 0, 4, 0, 24, 0, 1 + i % 100 }'
		printf '\4\0\0\0\0\0\0\4\0\41\0\123\5\0\0\0\0\0\0\0'
	} >"$T/storm"
	attach_raw <"$T/storm" >/dev/null &
	storm=$!
	is "$(parameter .status)" running
	wait "$storm"
	: >"$T/go"
	wait_until 10 grep -q 'F 33 83' "$S/log"
	finish
}

shim_fds() { find "/proc/$SHIM/fd" -mindepth 1 -not -lname /dev/null 2>/dev/null | wc -l; }

@test "three hundred clients come and go: descriptors and memory are as before" {
	keep -- sh -c 'while read -r line; do echo "$line"; done'
	local i before
	cycle() { printf '\1\0\0\0\0\0\0\2x\n\5\0\0\0\0\0\0\0' | attach_raw >/dev/null; }
	for i in 1 2 3; do cycle; done
	before=$(shim_fds)
	memory() { awk '/^Private_Dirty/ { print $2 }' "/proc/$SHIM/smaps_rollup"; }
	wait_until 5 is_parameter .clients 0
	local kib
	kib=$(memory)
	for i in $(seq 300); do
		cycle &
		[ $((i % 10)) -ne 0 ] || wait
	done
	wait
	wait_until 10 is_parameter .clients 0
	wait_until 10 eval '[ "$(shim_fds)" -le '"$before"' ]'
	# Pages of the ring that were not written before; a sanitizer's own memory is not ours to count.
	grep -q __asan_init "/proc/$SHIM/exe" || [ "$(memory)" -le $((kib + 64)) ] || fail "$(memory) KiB after $kib"
	finish
}

@test "out of descriptors: it waits without spinning, and takes the connections when there are some again" {
	keep -- sleep 100
	local clients=() i spent
	is "$(parameter .status)" running
	prlimit --pid "$SHIM" --nofile=$((64 > $(shim_fds) + 6 ? $(shim_fds) + 6 : 64)):4096
	for i in $(seq 30); do
		sleep 100 | socat - "UNIX-CONNECT:$S/shim.sock" >/dev/null 2>&1 &
		clients+=($!)
	done
	call_in_vain() { varlink -t 1 "$S/shim.sock" '{"method":"io.berth.Shim.State"}' >"$T/answer"; [ ! -s "$T/answer" ]; }
	wait_until 10 call_in_vain
	switches() { awk '/^voluntary_ctxt/ { print $2 }' "/proc/$SHIM/status"; }
	spent=$(switches)
	sleep 2
	# Once a second, and a few for those that still came.
	[ $(($(switches) - spent)) -lt 50 ] || fail "$(($(switches) - spent)) wake-ups"
	prlimit --pid "$SHIM" --nofile=4096:4096
	wait_until 10 is_parameter .status running
	pkill -f '^sleep 100$' || true
	wait "${clients[@]}" || true
	ask Wait >/dev/null
	end
}

@test "stopped and continued: nothing is lost, and the end is told" {
	keep -m 10000000 -- sh -c 'read x; seq 100000; exit 6'
	kill -STOP "$SHIM"
	printf '\1\0\0\0\0\0\0\1\n\5\0\0\0\0\0\0\0' | attach_raw >/dev/null &
	ask Wait >"$T/told" &
	sleep 0.3
	kill -CONT "$SHIM"
	wait
	jq -e '.parameters.code == 6' "$T/told"
	is "$(parameter .stdout.next)" "$(seq 100000 | wc -c)"
	is "$(cut -d' ' -f4- "$S/log" | cksum)" "$(seq 100000 | cksum)"
	end
}

@test "a process that closes its streams goes on, and its end is told" {
	keep -- sh -c 'echo last; exec >&- 2>&- <&-; until [ -e '"$T"'/go ]; do sleep 0.05; done; exit 8'
	wait_until 5 is_parameter .stdout.ended true
	is_parameter .stderr.ended true
	is "$(parameter .status)" running
	switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$SHIM/status"; }
	still() { local n; n=$(switches) && sleep 0.5 && [ "$(switches)" = "$n" ]; }
	wait_until 10 still
	: >"$T/go"
	ask Wait | jq -e '.parameters.code == 8'
	log_is 'stdout F last'
	end
}

@test "lines of every length at the edges, without an end, with NUL and with bytes that are no UTF-8: the log has each byte" {
	local n
	for n in 1 8191 8192 8193 16383 16384 16385 65536 1000000; do
		head -c "$n" /dev/zero | tr '\0' x
		echo
	done >"$T/lines"
	printf 'nul \0 and \377\376 and \033[31mred\n' >>"$T/lines"
	printf 'no newline' >>"$T/lines"
	keep -m 100000000 -- cat "$T/lines"
	ask Wait | jq -e '.parameters.code == 0'
	wait_until 5 grep -qa 'no newline' "$S/log"
	# F ends a line, P does not: the text as it was, but for the last newline.
	LC_ALL=C awk '{ tag = substr($0, 39, 1); printf "%s%s", substr($0, 41), (tag == "F" ? "\n" : "") }' "$S/log" >"$T/text"
	head -n 1 "$S/log" | grep -qx '.\{30\} stdout F x'
	{ cat "$T/lines" && echo; } | cmp - "$T/text"
	end
}
