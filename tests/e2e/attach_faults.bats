#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attached clients that come and go, read too little, send too much or end in the middle: none of it costs the shim anything
# that stays, or anybody else a byte.

load helpers
load shim_alone

CYCLES=${E2E_CYCLES:-1000}

fds() { find "/proc/$SHIM/fd" -mindepth 1 | wc -l; }
private() { awk '/^Private/ { n += $2 } END { print n }' "/proc/$SHIM/smaps_rollup"; }
# raw ARG...: a client in Python on standard input, with the socket in argv[1].
raw() { PYTHONPATH=$E2E_TOP/tests/clients python3 - "$S/shim.sock" "$@"; }

@test "a thousand clients come and go: descriptors and memory stay" {
	keep -s keep -- sh -c 'head -c 300000 /dev/zero | tr "\0" "x"; cat'
	wait_until 10 eval '[ "$(parameter .stdout.next)" = 300000 ]'
	cat >"$T/cycles" <<'PY'
import struct, sys
from berth_client import Shim
for i in range(int(sys.argv[2])):
    shim = Shim(sys.argv[1])
    answer = next(shim.call("Attach", {"replay": "all" if i % 10 == 0 else "none", "stdin": i % 3 > 0}, upgrade=True))
    assert answer["stdout"]["next"] >= 300000
    if i % 4 == 1:
        shim.socket.sendall(struct.pack(">BBHI", 1, 0, 0, 1) + b"\n")
    if i % 4 == 2:  # half a frame
        shim.socket.sendall(struct.pack(">BBHI", 1, 0, 0, 100) + b"half")
    if i % 2:
        shim.socket.sendall(struct.pack(">BBHI", 5, 0, 0, 0))
        while shim.socket.recv(65536):
            pass
    shim.socket.close()
PY
	raw 40 <"$T/cycles"
	wait_until 10 is_parameter .clients 0
	local before_fds before
	before_fds=$(fds) before=$(private)
	raw "$CYCLES" <"$T/cycles"
	wait_until 10 is_parameter .clients 0
	# The count before may still hold the connection that asked for the number of clients.
	wait_until 10 eval '[ "$(fds)" -le '"$before_fds"' ]'
	# A client costs some kilobytes while it is there: one that stayed in a hundred would be seen.
	local most=64
	! grep -q __asan_init "/proc/$SHIM/exe" || most=8192 # what is freed is kept back for a while
	wait_until 10 eval '[ "$(private)" -le '"$((before + most))"' ]' || fail "private memory: $before KiB before, $(private) after"
	# What whole frames had, and nothing of the half ones.
	[ "$(parameter .stdout.next)" -gt 300000 ]
	attach_raw "{\"stdout_from\":300000,\"stdin\":false}" < <(printf '%b' "$(frame_resize 0 0)") | head -c 300 >"$T/o" &
	finish
	wait
	not grep -qa half "$T/o"
}

@test "one never reads, one reads a byte now and then, one is cut off in the middle of a frame: a fourth has every byte" {
	workload spew 20000000 >"$T/all"
	keep -m 1000000 -- sh -c 'read x; workload spew 20000000 10; exit 3'
	raw "$T" >"$T/slow" <<'PY' &
import struct, sys, time
from berth_client import Shim

def attach(**parameters):
    shim = Shim(sys.argv[1])
    next(shim.call("Attach", parameters, upgrade=True))
    return shim

never, drip, cut = attach(stdin=False), attach(stdin=False), attach()
cut.socket.sendall(struct.pack(">BBHI", 1, 0, 0, 9) + b"never ")  # the rest does not come
open(sys.argv[2] + "/there", "w").close()
dripped = 0
while len(cut.buffer) < 30011:  # not a whole number of frames
    cut.receive()
cut.socket.close()
while True:
    byte = drip.socket.recv(1)
    dripped += len(byte)
    if next(Shim(sys.argv[1]).call("State"))["status"] == "exited":
        break
    time.sleep(0.1)
print("dripped", dripped > 0)
PY
	local slow=$!
	wait_until 20 test -e "$T/there"
	attach_raw </dev/null >"$T/quick.out" &
	local quick=$!
	wait_until 10 is_parameter .clients 4
	printf '%b' "$(frame_line go)$FRAME_DETACH" | attach_raw '{"replay":"none"}' >/dev/null
	ask Wait '' | jq -e '.parameters.code == 3'
	wait $quick $slow
	is "$(cat "$T/slow")" "dripped True"
	local data gaps eof exit
	read -r data gaps eof exit <<<"$(frames "$T/all" <"$T/quick.out")"
	is "$((data + gaps)) $eof $exit" "20000000 1 1"
	# The machine may keep the quick one from running; but not for most of it.
	[ "$gaps" -lt 10000000 ] || fail "$gaps bytes were skipped"
	end
}

@test "a frame that never becomes whole: nothing of it reaches the process, and others go on" {
	keep -- sh -c 'while read l; do echo "got <$l>"; done; exit 2'
	client half
	printf '\1\0\0\0\0\0\0\11bad' >&"$INPUT"
	kill -KILL "$CLIENT"
	client whole
	to "$INPUT" "$(frame_line good)"
	wait_until 10 grep -qa 'got <good>' "$T/whole.out"
	# One that says nothing more is closed after its ten seconds, even without an end.
	client late
	printf '\1\0\0\0\0\0' >&"$INPUT"
	wait_until 5 is_parameter .clients 2
	wait_until 20 is_parameter .clients 1
	ask CloseStdin >/dev/null
	ask Wait | jq -e '.parameters.code == 2'
	wait
	hasnt "$(cat "$S/log")" bad
	end
}

@test "a client that has shut down its writing side still gets everything" {
	keep -- sh -c 'sleep 1; echo late; exit 4'
	attach_raw </dev/null >"$T/o"
	grep -qa late "$T/o"
	LC_ALL=C grep -qaP '\x06\x00\x00\x00\x00\x00\x00\x10\x01\x00\x00\x00\x00\x00\x00\x04' "$T/o"
	end
}

@test "sixty-four clients are served, one more is told so, and there is room again when one leaves" {
	keep -- sleep 100
	raw <<'PY'
import struct, sys
from berth_client import Shim

def attach():
    shim = Shim(sys.argv[1])
    next(shim.call("Attach", {}, upgrade=True))
    return shim

clients = [attach() for _ in range(64)]
for _ in range(3):
    try:
        attach()
    except RuntimeError as error:
        assert error.args[0] == "io.berth.Shim.TooManyClients", error
    else:
        sys.exit("one too many")
clients.pop().socket.sendall(struct.pack(">BBHI", 5, 0, 0, 0))
clients.pop(0).socket.close()
clients += [attach(), attach()]
assert next(Shim(sys.argv[1]).call("State"))["clients"] == 64
PY
	wait_until 10 is_parameter .clients 0
	finish
}
