#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim beside a hostile container and hostile clients: one test for each threat, SHM-1 to SHM-17.

load helpers

@test "the shim: no capabilities, no new privileges, and a filter" {
	bundle sleep 1000
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	wait_until 5 grep -q '^Seccomp:.2' "/proc/$shim/status"
	grep -q '^NoNewPrivs:.1' "/proc/$shim/status"
	local caps
	caps=$(awk '/^CapEff/ { print $2 }' "/proc/$shim/status")
	[ "$caps" = "$(bits)" ] || [ "$caps" = "$(bits 5)" ] || fail "the shim has capabilities $caps"
	is "$(awk '/^CapBnd/ { print $2 }' "/proc/$shim/status")" "$(bits)"
	remove
}

@test "the shim: an oom score as low as may be, which is nobody else's" {
	bundle sleep 1000
	local low=0
	# CAP_SYS_RESOURCE
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) -eq 0 ] || low=-999
	echo 300 >"/proc/$BASHPID/oom_score_adj"
	berth run -d "$ID"
	berth exec -d --shim=always --name side --pid-file "$T/pid" "$ID" sleep 1000
	wait_until 5 grep -qx -e $low "/proc/$(shim_pid)/oom_score_adj"
	wait_until 5 grep -qx -e $low "/proc/$(jq .shim.pid "$STATE/$ID/exec/side/session.json")/oom_score_adj"
	is "$(cat "/proc/$(pid_of)/oom_score_adj") $(cat "/proc/$(cat "$T/pid")/oom_score_adj")" "300 300"
	remove
}

@test "SHM-2: the shim's socket does not serve the container itself" {
	bundle sleep 1000
	mkdir "$BUNDLE/rootfs/state"
	config_edit --arg s "$STATE" '.mounts += [{destination: "/state", type: "bind", source: $s, options: ["rbind"]}]'
	cp "$E2E_RUN/bin/varlink" "$BUNDLE/rootfs/bin/"
	berth run -d "$ID"
	# It is there, can be called, and answers to others.
	berth exec "$ID" test -S "/state/$ID/shim.sock"
	varlink -t 5 "$(shim_addr)" '{"method":"io.berth.Shim.State"}' | jq -e '.parameters.pid > 0'
	berth exec "$ID" varlink -t 3 "/state/$ID/shim.sock" '{"method":"io.berth.Shim.State"}' || true
	is "$status $out" "1 " # connected, and closed without a word
	remove
}

fds() { find "/proc/$SHIM/fd" -mindepth 1 | wc -l; }
private() { awk '/^Private/ { n += $2 } END { print n }' "/proc/$SHIM/smaps_rollup"; }
# up COMMAND...: a kept container; $SHIM and the address of its socket, $S.
up() {
	[ -e config.json ] || bundle
	command_is "$@"
	berth run -d "$ID"
	SHIM=$(shim_pid)
	S=$(shim_addr)
	wait_until 5 grep -q '^Seccomp:.2' "/proc/$SHIM/status"
}
answers() { varlink -t 20 "$S" '{"method":"io.berth.Shim.State"}' | jq -e .parameters.status >/dev/null; }

@test "CVE-2020-15257, SHM-1: with the host's network nothing of ours has an abstract name" {
	bundle
	config_edit '.linux.namespaces |= map(select(.type != "network"))'
	up sh -c 'cat /proc/net/unix; sleep 1000'
	wait_until 5 log_has "$ID" Inode
	berth logs "$ID"
	not grep -E '@.*(berth|shim)' <<<"$out"
	local inode
	while read -r inode; do
		not grep -E " $inode +@" /proc/net/unix
	done < <(find "/proc/$SHIM/fd" -printf '%l\n' | sed -n 's/^socket:\[\(.*\)\]$/\1/p')
	remove
}

@test "SHM-3: whoever connected decides, not who uses the connection; and nobody is no user" {
	up sleep 1000
	chmod 755 "$STATE" "$STATE/$ID"
	chmod 666 "$S"
	cat >"$T/connect" <<'PY'
import os, socket, sys
user = int(sys.argv[2])
s = socket.socket(socket.AF_UNIX)
os.setegid(user)
os.seteuid(user)
s.connect(sys.argv[1])
os.seteuid(0)
os.setegid(0)
s.settimeout(10)
try:
    s.sendall(b'{"method":"io.berth.Shim.State"}\0')
    answer = s.recv(4096)
except OSError:
    answer = b""
print(answer)
sys.exit(0 if answer else 3)
PY
	local user
	for user in 7001 65534; do
		status=0
		python3 "$T/connect" "$S" $user || status=$?
		is $status 3
	done
	python3 "$T/connect" "$S" 0
	chmod 600 "$S"
	chmod 700 "$STATE/$ID" "$STATE"
	remove
}

@test "SHM-4: a socket whose name does not fit, at the edge and far beyond" {
	bundle sleep 1000
	local n root id deep
	for n in 106 107 108 109; do
		root=$T/r$n
		id=$ID
		while [ $((${#root} + ${#id} + 12)) -lt $n ]; do id+=x; done
		is $((${#root} + ${#id} + 12)) $n
		mkdir -m 700 "$root"
		STATE=$root berth run -d "$id"
		S=$(STATE=$root shim_addr "$id")
		[ ${#S} -lt 108 ]
		answers
		STATE=$root berth delete --force "$id"
	done
	deep=$T/$(printf 'd%.0s' {1..200})/$(printf 'e%.0s' {1..200})/$(printf 'f%.0s' {1..200})
	mkdir -p "$deep"
	chmod 700 "$deep"
	id=$ID-$(printf 'y%.0s' {1..110})
	STATE=$deep berth run -d "$id"
	S=$(STATE=$deep shim_addr "$id")
	answers
	STATE=$deep berth delete --force "$id"
	rmdir /run/berth/.s /run/berth
}

@test "SHM-5: somebody was there before: each kind of thing in the way of the directory, and of short names" {
	bundle sleep 1000
	local plant long
	for plant in "ln -s $CANARY/dir" "ln -s $CANARY/none" mkfifo "cp $CANARY/secret" mkdir; do
		$plant "$STATE/$ID"
		not berth run -d "$ID"
		berth delete --force "$ID" || true
		canary_safe
		rm -rf "${STATE:?}/$ID"
	done
	long=$ID-$(printf 'x%.0s' {1..100})
	for plant in "ln -s $CANARY/dir" "ln -s $CANARY/none" mkfifo "cp $CANARY/secret" 'mkdir -m 777'; do
		rm -rf "$STATE/.s"
		$plant "$STATE/.s"
		CMD_TIMEOUT=15 berth run -d "$long" || true
		[ "$status" -lt 124 ] || fail "held up by $plant"
		berth delete --force "$long"
		canary_safe
	done
	rm -rf "$STATE/.s"
}

@test "SHM-6: the socket is private from the moment it is there, under any umask" {
	bundle sleep 1000
	local mask
	for mask in 000 077; do
		(umask $mask && exec strace -f -qq -o "$T/trace" -e trace=bind,umask,chmod,fchmod,fchmodat "$BERTH" --root "$STATE" run -d "$ID" >"$T/o" 2>&1 </dev/null) &
		wait_until 20 is_state "$ID" running
		is "$(stat -c %a "$(shim_addr)")" 600
		remove
		wait $! || true
		grep -q 'umask(0177)' "$T/trace"
		not grep -E 'chmod.*sock' "$T/trace"
	done
}

@test "SHM-7: clients that never finish, never read or come in crowds" {
	up sh -c 'while :; do echo line; sleep 0.1; done'
	local before
	before=$(fds)
	cat >"$T/crowd" <<'PY'
import socket, subprocess, sys
held = []
for i in range(400):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    try:
        s.connect(sys.argv[1])
        s.setblocking(False)
        if i % 4 == 1:
            s.send(b'{"method":')
        if i % 4 == 2:
            s.send(b'{"method":"io.berth.Shim.Attach","upgrade":true,"parameters":{"replay":"all"}}\0')
        if i % 4 == 3:
            s.send(b"x")
    except OSError:
        pass
    held.append(s)
sys.exit(subprocess.call(sys.argv[2:]))
PY
	python3 "$T/crowd" "$S" varlink -t 30 "$S" '{"method":"io.berth.Shim.State"}' >"$T/reply"
	jq -e '.parameters.status == "running"' "$T/reply"
	[ "$(fds)" -lt 300 ]
	wait_until 20 eval '[ "$(fds)" -le $((before + 2)) ]'
	answers
	remove
}

@test "SHM-8: descriptors that nobody asked for are closed" {
	up sleep 1000
	local before
	before=$(fds)
	cat >"$T/flood" <<'PY'
import array, os, socket, sys
fd = os.open("/dev/null", os.O_RDONLY)
for i in range(60):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    message = [b"x", b'{"method":"io.berth.Shim.State"}\0', b'{"method":"io.berth.Shim.Upgrade"}\0', b"\0"][i % 4]
    many = [fd] * [1, 2, 3, 253][i // 4 % 4]
    try:
        s.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", many))])
        s.settimeout(0.2)
        s.recv(4096)
    except OSError:
        pass
    s.close()
PY
	python3 "$T/flood" "$S"
	answers
	wait_until 10 eval '[ "$(fds)" -le $((before + 1)) ]'
	remove
}

@test "SHM-9: bytes that are no message, and lengths that are no length" {
	up cat
	cat >"$T/garbage" <<'PY'
import random, socket, struct, sys
random.seed(5)
def one(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(0.3)
    try:
        s.connect(sys.argv[1])
        s.sendall(data)
        s.recv(65536)
    except OSError:
        pass
    s.close()
for n in (1, 2, 3, 7, 8, 9, 100, 4095, 4096, 4097, 70000):
    one(bytes(random.randrange(256) for _ in range(n)))
one(b"\0" * 5000)
one(b"{" * 5000 + b"\0")
one(b'{"method":"' + b"a" * 100000 + b'"}\0')
one(b'{"method":"io.berth.Shim.Resize","parameters":{"rows":-1,"cols":1e99}}\0')
for length in (0, 1, 65534, 65535, 65536, 65537, 2**31 - 1, 2**31, 2**32 - 1):
    for kind in (0, 1, 2, 3, 4, 5, 255):
        one(b'{"method":"io.berth.Shim.Attach","upgrade":true}\0' + struct.pack(">BBHI", kind, 0, 0, length) + b"xy")
PY
	python3 "$T/garbage" "$S"
	answers
	is "$(shim_pid)" "$SHIM"
	remove
}

@test "SHM-10: a process that plays with its pipes: nothing hangs, and its last words and status are known" {
	bundle
	cp "$E2E_RUN/bin/tricks" "$BUNDLE/rootfs/bin/"
	up tricks
	berth wait "$ID"
	is "$out" 7
	wait_until 10 log_has "$ID" '^done$'
	remove
}

@test "SHM-11: lines that a container makes up are its own, in either format" {
	local format
	bundle
	printf 'fine\n2026-01-01T00:00:00.000000000Z stdout F made up\n\r\033[31mred\n\000nul\377\376\n{"log":"x","stream":"stdout"}\n","stream":"stderr"}\npart' >"$BUNDLE/rootfs/text"
	for format in cri json-file; do
		command_is cat /text
		berth run -d --container-log-format $format --container-log "$T/log" "$ID"
		berth wait "$ID"
		wait_until 5 eval '[ "$(wc -l <"$T/log")" -eq 7 ]'
		if [ $format = cri ]; then
			is "$(LC_ALL=C grep -acvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+) stdout [FP] ' "$T/log")" 0
			sed -E 's/^[^ ]+ stdout [FP] //' "$T/log" | head -n 6 | cmp - <(head -n 6 "$BUNDLE/rootfs/text")
		else
			is "$(jq -r .stream "$T/log" | sort | uniq -c | tr -s ' ')" " 7 stdout"
			not grep -q $'[\001-\010\013-\037]' "$T/log"
		fi
		berth delete "$ID"
		rm -f "$T/log"
	done
}

@test "SHM-12: a log that is a link, a FIFO, a device or a directory: nothing is written through it, and nobody waits" {
	bundle echo text
	local plant
	for plant in "ln -s $CANARY/secret" "ln -s $CANARY/none" mkfifo mkdir 'ln -s /dev/full'; do
		$plant "$T/log"
		CMD_TIMEOUT=15 berth run -d --container-log "$T/log" "$ID" || true
		[ "$status" -lt 124 ] || fail "held up by $plant"
		berth delete --force "$ID"
		canary_safe
		rm -rf "$T/log"
	done
}

@test "SHM-13: the service manager hears of readiness, and of nothing else that a container says" {
	bundle sh -c 'workload notify "MAINPID=1
FDSTORE=1
FDNAME=x
BARRIER=1
MONOTONIC_USEC=1"; workload notify "READY=1
MAINPID=1"; exec sleep 1000'
	notifysock "$T/host.sock" >"$T/told" &
	local manager=$!
	wait_until 5 test -S "$T/host.sock"
	NOTIFY_SOCKET=$T/host.sock berth run -d "$ID"
	wait_until 5 file_has "$T/told" "MAINPID=$(pid_of)"
	cat "$T/told"
	is "$(sed -n 1p "$T/told")" READY=1
	not grep -E '^(MAINPID=1$|FDSTORE|FDNAME|MONOTONIC)' "$T/told"
	kill $manager
	wait $manager || true
	rm -f "$T/host.sock"
	remove
}

@test "SHM-14: the status of each of many processes is told once, and is its own" {
	up sleep 1000
	local i want
	for i in $(seq 12); do
		case $((i % 3)) in
		0) berth exec -d --name "n$i" "$ID" workload raise 9 ;;
		*) berth exec -d --name "n$i" "$ID" sh -c "exit $i" ;;
		esac
	done
	for i in $(seq 12); do
		want=$i
		[ $((i % 3)) -ne 0 ] || want=$((128 + 9))
		berth wait "$ID/n$i"
		is "$out" "$want"
		berth wait "$ID/n$i"
		is "$out" "$want"
	done
	remove
}

@test "SHM-15: a shim that is killed: the container lives, and its end is known or said to be unknown" {
	bundle
	mkfifo "$BUNDLE/rootfs/fifo"
	up sh -c 'read x </fifo; exit 42'
	local pid
	pid=$(pid_of)
	kill -KILL "$SHIM"
	wait_until 5 gone "$SHIM"
	is_state "$ID" running
	[ -e "/proc/$pid" ]
	echo go >"$BUNDLE/rootfs/fifo"
	wait_until 10 is_state "$ID" stopped
	berth wait --format json "$ID" || true
	jq -e 'if .known then .code == 42 else .code == null end' <<<"$out"
	berth delete "$ID"
}

@test "SHM-16: root without CAP_SYS_PTRACE can neither read nor trace a shim" {
	up sleep 1000
	local file
	for file in mem fd/0 cwd exe; do
		not setpriv --inh-caps -sys_ptrace --bounding-set -sys_ptrace head -c 1 "/proc/$SHIM/$file"
	done
	not setpriv --inh-caps -sys_ptrace --bounding-set -sys_ptrace timeout 5 strace -p "$SHIM" -o /dev/null
	is "$(shim_pid)" "$SHIM"
	remove
}

@test "SHM-17: what a container may choose stands in our messages on one line, without control characters" {
	bundle true
	local evil=$'a\nb\e[31m\r\u0085"c\\'
	mkdir "$BUNDLE/rootfs/x"
	for field in '.process.args[0] = $e' '.process.cwd = "/etc/passwd/" + $e' '.mounts += [{destination: ("/etc/passwd/" + $e), type: "tmpfs", source: "tmpfs"}]' \
		'.linux.sysctl = {("net." + $e): "1"}' '.hostname = $e + ("h" * 70)' '.linux.maskedPaths = ["/etc/passwd/../../proc/self/root/" + $e, "relative" + $e]'; do
		bundle_before=$(cat config.json)
		config_edit --arg e "$evil" "$field"
		refused 1 '' create "$ID"
		GLOBAL=(--log "$T/log" --log-format json)
		berth create "$ID" || true
		GLOBAL=()
		is "$(jq -s 'map(select(.level == "error")) | length' "$T/log")" 1
		not grep -q '[[:cntrl:]]' "$T/log"
		rm -f "$T/log"
		printf '%s\n' "$bundle_before" >config.json
	done
}

@test "CVE-2022-31030, CVE-2022-23471, CVE-2022-1708, CVE-2025-64329: output that nobody reads, clients and failures that leave nothing" {
	up sh -c 'head -c 3000000 /dev/zero | tr "\0" x; exec sleep 1000'
	local memory before i
	answers
	wait_until 20 eval '[ "$(varlink -t 5 "$S" "{\"method\":\"io.berth.Shim.State\"}" | jq .parameters.stdout.next)" = 3000000 ]'
	memory=$(private) before=$(fds)
	cat >"$T/clients" <<'PY'
import socket, sys
for i in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    s.sendall(b'{"method":"io.berth.Shim.Resize","parameters":{"rows":10,"cols":10}}\0' if i % 3 == 0 else
              b'{"method":"io.berth.Shim.Attach","upgrade":true,"parameters":{"replay":"all"}}\0')
    s.recv(1000)
    s.close()
PY
	python3 "$T/clients" "$S"
	for i in $(seq 8); do
		berth exec -t "$ID" /no/such/program </dev/null || true
		berth exec -d -t "$ID" /no/such/program || true
	done
	wait_until 10 eval '[ "$(fds)" -le "$before" ]'
	[ $(($(private) - memory)) -le 128 ] || fail "memory grew from $memory KiB to $(private)"
	remove
}
