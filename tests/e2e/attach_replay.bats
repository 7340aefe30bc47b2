#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where an attached client begins, what one that only looks may do, whose size the terminal has, and who closes stdin: the
# protocol, against a shim without a container.

load helpers
load shim_alone

# what NAME [STREAM]: the payload of the data frames in a client's output, in a file of that name.
payload() { python3 - "$T/$1.out" "${2:-1}" >"$T/$1" <<'PY'
import struct, sys
data = open(sys.argv[1], "rb").read()
data = data[data.index(b"\0") + 1:]
while len(data) >= 8:
    kind, stream, _, length = struct.unpack_from(">BBHI", data)
    if kind == 1 and stream == int(sys.argv[2]):
        sys.stdout.buffer.write(data[8:8 + length])
    elif kind == 2:
        sys.exit("a gap of %d bytes" % struct.unpack_from(">Q", data, 8))
    data = data[8 + length:]
PY
}

# replayed NAME PARAMETERS: attach after the end; sets $first, and the replay of stdout is in the file NAME.
replayed() {
	attach_raw "$2" </dev/null >"$T/$1.out"
	first=$(answered "$1" .stdout.first)
	payload "$1"
}

@test "replay: the last lines, the last bytes, both, and none" {
	keep -- sh -c 'printf "one\ntwo\n\nfour\nfi"; printf "e1\ne2\n" >&2'
	ask Wait
	local case want
	# parameters|first|stdout
	for case in '{}|0|one two  four fi' '{"replay_lines":1}|14|fi' '{"replay_lines":2}|9|four fi' '{"replay_lines":3}|8| four fi' \
		'{"replay_lines":5}|0|one two  four fi' '{"replay_lines":99}|0|one two  four fi' '{"replay_lines":0}|16|' '{"replay_bytes":0}|16|' \
		'{"replay_bytes":3}|13| fi' '{"replay_bytes":16}|0|one two  four fi' '{"replay_bytes":9223372036854775807}|0|one two  four fi' \
		'{"replay_bytes":3,"replay_lines":1}|14|fi' '{"replay_bytes":1,"replay_lines":2}|15|i' '{"replay":"none","replay_lines":2}|16|' \
		'{"stdout_from":6,"replay_lines":1}|6|o  four fi' '{"stdout_from":16}|16|'; do
		IFS='|' read -r parameters at want <<<"$case"
		replayed c "$parameters"
		is "$first" "$at"
		is "$(tr '\n' ' ' <"$T/c")" "$want"
		# Each stream by itself.
		[ "$parameters" != '{"replay_lines":1}' ] || { payload c 2 && is "$(cat "$T/c")" e2; }
	done
	local bad
	for bad in '"replay_lines":-1' '"replay_bytes":"x"' '"stdout_from":17' '"stderr_from":7' '"replay":"some"' '"replay_line":1'; do
		varlink "$S/shim.sock" "{\"method\":\"io.berth.Shim.Attach\",\"upgrade\":true,\"parameters\":{$bad}}" |
			jq -e ".error == \"org.varlink.service.InvalidParameter\" and .parameters.parameter == \"$(cut -d'"' -f2 <<<"$bad")\""
	done
	end
}

@test "replay: at the edges of what is kept" {
	# Lines of 100 bytes, and far more than are kept.
	keep -- sh -c 'yes 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 | head -n 3000'
	ask Wait
	is "$(parameter .stdout.next)" 300000
	local kept tail
	tail=$(parameter .stdout.first)
	kept=$((300000 - tail))
	is "$kept" 131072
	replayed c '{}' && is "$first $(wc -c <"$T/c")" "$tail $kept"
	replayed c "{\"replay_bytes\":$kept}" && is "$first" "$tail"
	replayed c "{\"replay_bytes\":$((kept + 1))}" && is "$first" "$tail"
	replayed c "{\"replay_bytes\":$((kept - 1))}" && is "$first $(wc -c <"$T/c")" "$((tail + 1)) $((kept - 1))"
	replayed c '{"replay_lines":1310}' && is "$first $(head -n 1 "$T/c" | wc -c)" "169000 100"
	# One more than is kept whole: what there is of it.
	replayed c '{"replay_lines":1311}' && is "$first $(head -n 1 "$T/c" | wc -c)" "$tail 72"
	replayed c '{"replay_lines":1312}' && is "$first" "$tail"
	replayed c "{\"stdout_from\":$tail}" && is "$first $(wc -c <"$T/c")" "$tail $kept"
	replayed c '{"stdout_from":299999}' && is "$(wc -c <"$T/c")" 1
	# What is no longer there is a gap.
	yes 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 | head -n 3000 >"$T/all"
	attach_raw "{\"stdout_from\":$((tail - 1))}" </dev/null | frames "$T/all" >"$T/frames"
	is "$(cat "$T/frames")" "$kept 1 1 1"
	attach_raw '{"stdout_from":0}' </dev/null | frames "$T/all" >"$T/frames"
	is "$(cat "$T/frames")" "$kept $tail 1 1"
	end
}

@test "replay and follow: clients that come in the middle of a flood have every byte from where they begin" {
	workload spew 60000000 >"$T/all"
	keep -m 1000000 -- workload spew 60000000 1
	local i=0 parameters first next n
	# Each begins somewhere else, and reads on to the end.
	for parameters in '{}' '{"replay":"none"}' '{"replay_lines":1}' '{"replay_lines":100}' '{"replay_bytes":1}' '{"replay_bytes":70000}' \
		'{"replay_lines":3,"stdin":false}' '{"stdout_from":0}'; do
		i=$((i + 1))
		attach_raw "$parameters" </dev/null >"$T/c$i.out" &
		wait_until 10 test -s "$T/c$i.out"
	done
	ask Wait | jq -e '.parameters.code == 0'
	wait
	for i in 1 2 3 4 5 6 7 8; do
		first=$(answered c$i .stdout.first) next=$(answered c$i .stdout.next)
		read -r data gaps eof exit <<<"$(frames "$T/all" <"$T/c$i.out")"
		is "$((first + data + gaps)) $eof $exit" "60000000 1 1"
		# Replayed was what had been asked for, at the moment of the answer. A line that is not finished counts.
		n=$(tail -c +$((first + 1)) "$T/all" | head -c $((next - first)) | tee "$T/replay" | wc -l)
		case $i in
		1) is $((next - first)) $((next < 131072 ? next : 131072)) ;;
		2) is "$first" "$next" ;;
		3 | 4 | 7)
			[ "$(tail -c 1 "$T/replay" | wc -l)" -eq 1 ] || n=$((n + 1))
			is "$n" "$([ $i = 4 ] && echo 100 || { [ $i = 3 ] && echo 1 || echo 3; })"
			is "$(tail -c "+$first" "$T/all" | head -c 1 | wc -l)" 1 # a line ends before it
			;;
		5) is $((next - first)) 1 ;;
		6) is $((next - first)) 70000 ;;
		8) is "$first" 0 ;;
		esac
	done
	end
}

@test "a lost connection: from the offset to which the client had counted, no byte is missing or doubled" {
	workload spew 120000 >"$T/all" # all of it is kept
	keep -- sh -c 'workload spew 60000; sleep 1; workload spew 120000 | tail -c 60000; read x'
	# Connections that are cut anywhere, in the middle of frames too.
	PYTHONPATH=$E2E_TOP/tests/clients python3 - "$S/shim.sock" >"$T/got" <<'PY'
import random, struct, sys
from berth_client import Shim
got = b""
while len(got) < 120000:
    shim = Shim(sys.argv[1])
    answer = next(shim.call("Attach", {"stdout_from": len(got), "stdin": False}, upgrade=True))
    assert answer["stdout"]["first"] == len(got)
    part, before = random.randint(1, 20000), len(got)
    data = shim.buffer
    while len(data) < part and before + len(data) < 120000:
        data += shim.socket.recv(part)
    shim.socket.close()
    while len(data) > 8:
        kind, stream, _, length = struct.unpack_from(">BBHI", data)
        assert (kind, stream) == (1, 1)
        got += data[8:8 + length]
        data = data[8 + length:]
sys.stdout.buffer.write(got)
PY
	workload spew 60000 | cmp - <(head -c 60000 "$T/got")
	tail -c 60000 "$T/all" | cmp - <(tail -c 60000 "$T/got")
	finish
}

@test "one that only looks: what it sends is ignored, and harms nobody" {
	keep -s once -- sh -c 'while read l; do echo "got $l"; done; exit 5'
	local look
	client look '{"stdin":false,"rows":9,"cols":9,"redraw":true}' && look=$INPUT
	is "$(answered look .stdin)" false
	client type && is "$(answered type .stdin)" true
	to "$look" "$(frame_line wrong)" "$FRAME_EOF" "$(frame_resize 5 5)" "$(frame_line wrong)"
	to "$INPUT" "$(frame_line right)"
	wait_until 5 grep -qa 'got right' "$T/look.out"
	# Far more than any buffer: it is read all the same.
	for _ in $(seq 200); do printf '\1\0\0\0\0\0\100\0' && head -c 16384 /dev/zero; done >&"$look"
	is "$(parameter .clients)" 2
	is "$(parameter .stdin)" true
	to "$INPUT" "$(frame_line last)" "$FRAME_EOF"
	ask Wait | jq -e '.parameters.code == 5'
	wait
	payload look
	is "$(tr '\n' ' ' <"$T/look")" "got right got last "
	end
}

size_is() { is_parameter '.rows' "$1" && is_parameter '.cols' "$2"; }

@test "the size: of the newest that may write; it goes back when that leaves" {
	keep -t -- workload winsize
	local a b c look
	client a '{"rows":30,"cols":100}' && a=$INPUT
	is "$(parameter .rows)x$(parameter .cols)" 30x100
	client b '{"rows":31,"cols":101}' && b=$INPUT
	is "$(parameter .rows)x$(parameter .cols)" 31x101
	# One that only looks has no say, now or later; nor has one that has said nothing.
	client look '{"stdin":false,"rows":7,"cols":7}' && look=$INPUT
	client mute
	to "$look" "$(frame_resize 8 8)"
	is "$(parameter .rows)x$(parameter .cols)" 31x101
	# What others than the owner say is remembered.
	to "$a" "$(frame_resize 40 110)"
	client c '{"rows":32,"cols":102}' && c=$INPUT
	to "$b" "$(frame_resize 41 111)"
	to "$c" "$(frame_resize 33 103)"
	wait_until 5 size_is 33 103
	# Somebody who is not the owner leaves.
	client d '{"rows":20,"cols":80}'
	to "$INPUT" "$(frame_resize 0 0)" # and has nothing to say any more
	wait_until 5 size_is 33 103
	ask Resize '{"rows":50,"cols":150}'
	to "$INPUT" "$FRAME_DETACH"
	to "$a" "$(frame_resize 39 109)"
	wait_until 5 is_parameter .clients 5
	is "$(parameter .rows)x$(parameter .cols)" 50x150
	# The owner goes, by a word or without.
	to "$c" "$FRAME_DETACH"
	wait_until 5 size_is 41 111
	to "$a" "$(frame_resize 38 108)"
	is "$(parameter .rows)" 41
	client late '{"rows":22,"cols":90}'
	wait_until 5 size_is 22 90
	kill -KILL "$CLIENT"
	wait_until 5 size_is 41 111
	# The program has seen them, in this order and no others.
	wait_until 5 grep -q 'size 41x111.*' "$S/log"
	sed -n 's/.*size \([0-9x]*\).*/\1/p' "$S/log" | tr '\n' ' ' >"$T/sizes"
	is "$(cat "$T/sizes")" "24x80 30x100 31x101 32x102 33x103 20x80 33x103 50x150 41x111 22x90 41x111 "
	finish
	wait
}

@test "a redraw: a change of size even when it is the same, seen by a program that looks before it draws" {
	keep -t -- workload box
	wait_until 5 grep -q '24x80' "$S/log"
	client a '{"rows":24,"cols":80,"redraw":true}'
	# It is another size for a moment, and then that again.
	wait_until 5 eval '[ "$(grep -ao "\[[0-9]*x[0-9]*\]" "$T/a.out" | tail -n 1)" = "[24x80]" ] && grep -qa "\[23x80\]" "$T/a.out"'
	is "$(parameter .rows)x$(parameter .cols)" 24x80
	# Another size: no detour.
	client b '{"rows":30,"cols":90,"redraw":true}'
	wait_until 5 grep -qa '\[30x90\]' "$T/b.out"
	not grep -qa '\[29x90\]' "$T/b.out"
	# Without, or from one that only looks: nothing.
	client c '{"rows":30,"cols":90,"replay":"none"}'
	client d '{"rows":30,"cols":90,"redraw":true,"stdin":false,"replay":"none"}'
	to "$INPUT" "$FRAME_DETACH"
	ask Resize '{"rows":31,"cols":90}'
	wait_until 5 grep -qa '\[31x90\]' "$T/c.out"
	not grep -qa '\[29x90\]\|\[30x90\]' "$T/c.out"
	finish
	wait
}

@test "close_stdin: the end of one client's input, behind all of its data, is the process's in mode keep" {
	keep -s keep -- sh -c 'sleep 1; wc -c; exit 6'
	# More than the pipe takes at once, so that the end is not there before the data.
	{ for _ in $(seq 20); do printf '\1\0\0\0\0\0\100\0' && head -c 16384 /dev/zero; done && printf '%b' "$FRAME_EOF"; } |
		attach_raw '{"close_stdin":true}' >"$T/c.out"
	ask Wait | jq -e '.parameters.code == 6'
	payload c
	is "$(tr -d ' \n' <"$T/c")" $((20 * 16384))
	end
	# Leaving is not the end; nor may one that only looks say so.
	keep -s keep -- sh -c 'cat; exit 7'
	printf '%b' "$FRAME_DETACH" | attach_raw '{"close_stdin":true}' >/dev/null
	printf '%b' "$FRAME_EOF$FRAME_DETACH" | attach_raw '{"close_stdin":true,"stdin":false}' >/dev/null
	is "$(parameter .stdin)" true
	ask CloseStdin | jq -e '.error == null'
	ask Wait | jq -e '.parameters.code == 7'
	end
}
