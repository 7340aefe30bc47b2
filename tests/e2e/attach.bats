#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shim's clients: pipes, standard input, slow ones, many at a time, and the Varlink interface.

load helpers

attach() { "$BERTH" --root "$STATE" attach "$@"; }
clients() { [ "$(call io.berth.Shim.State | jq -r '.parameters.clients // 0')" -eq "$1" ]; }

@test "attach to pipes: both streams apart, standard input, and the exit code" {
	bundle sh -c 'while read line; do echo "out $line"; echo "err $line" >&2; [ "$line" != end ] || exit 9; done'
	berth run -d "$ID"
	local rc=0
	printf 'one\nend\n' | attach "$ID" >"$T/o" 2>"$T/e" || rc=$?
	is $rc 9
	is "$(tr '\n' ' ' <"$T/o")" "out one out end "
	is "$(tr '\n' ' ' <"$T/e")" "err one err end "
	remove
}

@test "attach --no-stdin takes no input" {
	bundle sh -c 'read line; echo "got $line"'
	berth run -d "$ID"
	echo wrong | attach --no-stdin "$ID" >"$T/o1" 2>&1 &
	local looker=$!
	wait_until 5 clients 1
	echo right | attach "$ID" >"$T/o2" 2>&1
	wait $looker
	is "$(cat "$T/o1")" "got right"
	is "$(cat "$T/o2")" "got right"
	remove
}

@test "attach after the end: the replay and the code" {
	bundle sh -c 'echo last words; exit 6'
	berth run -d "$ID"
	berth wait "$ID"
	local rc=0
	timeout 10 "$BERTH" --root "$STATE" attach "$ID" >"$T/o" </dev/null 2>&1 || rc=$?
	is $rc 6
	has "$(cat "$T/o")" "last words"
	remove
}

@test "sixty-four clients at once" {
	bundle sh -c 'read x </fifo; workload last 2000; exit 3'
	mkfifo "$BUNDLE/rootfs/fifo"
	berth run -d "$ID"
	local i pids=() rc
	for i in $(seq 64); do
		"$BERTH" --root "$STATE" attach --no-stdin "$ID" >"$T/o.$i" 2>&1 </dev/null &
		pids+=($!)
	done
	wait_until 20 clients 64
	echo go >"$BUNDLE/rootfs/fifo"
	for i in "${pids[@]}"; do
		rc=0
		wait "$i" || rc=$?
		is $rc 3
	done
	is "$(cat "$T"/o.* | wc -c)" $((64 * 2000))
	remove
}

@test "a slow client gets a gap and slows nobody" {
	# With rests, in which a client that reads has read what is kept, on any machine.
	bundle sh -c 'read x </fifo; workload spew 20000000 10; echo done; sleep 100'
	mkfifo "$BUNDLE/rootfs/fifo"
	berth run -d "$ID"
	# The slow one reads nothing until told so; its runtime blocks on this pipe.
	{ attach --no-stdin "$ID" </dev/null 2>"$T/slow.err"; } | {
		for ((i = 0; i < 1000; i++)); do [ ! -e "$T/read-now" ] || break; sleep 0.05; done
		cat >"$T/slow"
	} &
	local slow=$!
	attach --no-stdin "$ID" </dev/null 2>/dev/null | head -c 20000000 | workload check 20000000 >"$T/check" &
	local quick=$!
	wait_until 5 clients 2
	echo go >"$BUNDLE/rootfs/fifo"
	wait_until 30 log_has "$ID" '^done$'
	# What the quick one has got is the whole of it, though the slow one has read nothing.
	wait_until 30 test -s "$T/check"
	is "$(cat "$T/check")" same
	: >"$T/read-now"
	berth kill "$ID" KILL
	wait $quick || true
	wait $slow || true
	local got
	got=$(wc -c <"$T/slow")
	[ "$got" -gt 0 ] && [ "$got" -lt 19000000 ] || fail "the slow client got $got bytes"
	grep -Eqi 'gap|lost|skipped|missed|dropped' "$T/slow.err" || fail "no word of a gap: $(cat "$T/slow.err")"
	remove
}

@test "a client that sends garbage is dropped, and the shim goes on" {
	bundle sleep 100
	berth run -d "$ID"
	local address
	address=$(shim_addr)
	head -c 100000 /dev/urandom | timeout 5 socat -u - "UNIX-CONNECT:$address" || true
	printf '{"method":' | timeout 5 socat -u - "UNIX-CONNECT:$address" || true
	head -c 3000000 /dev/zero | tr '\0' '[' | timeout 5 socat -u - "UNIX-CONNECT:$address" || true
	printf '{"method":7}\0' | timeout 5 socat -t1 - "UNIX-CONNECT:$address" >/dev/null || true
	call io.berth.Shim.State | jq -e '.parameters'
	is "$(state_of)" running
	remove
}

@test "Varlink: the standard service describes the interface" {
	bundle sleep 100
	berth run -d "$ID"
	call org.varlink.service.GetInfo >"$T/info"
	jq -e '.parameters.interfaces | index("io.berth.Shim") and index("org.varlink.service")' "$T/info"
	jq -e '.parameters | .vendor and .product and .version and .url' "$T/info"
	call org.varlink.service.GetInterfaceDescription '{"interface":"io.berth.Shim"}' | jq -r .parameters.description >"$T/idl"
	local method
	for method in State Wait Monitor Attach Resize Signal CloseStdin Shutdown; do
		grep -q "^method $method" "$T/idl" || fail "$method is not described"
	done
	call no.such.Interface.Method | jq -e '.error | test("org.varlink.service.(InterfaceNotFound|MethodNotFound)")'
	call io.berth.Shim.NoSuchMethod | jq -e '.error == "org.varlink.service.MethodNotFound"'
	call io.berth.Shim.Signal '{"signal":"x"}' | jq -e '.error == "org.varlink.service.InvalidParameter"'
	remove
}

@test "Varlink: several calls on one connection are answered in order" {
	bundle sleep 100
	berth run -d "$ID"
	varlink "$(shim_addr)" '{"method":"org.varlink.service.GetInfo"}' '{"method":"io.berth.Shim.State"}' '{"method":"io.berth.Shim.Nope"}' >"$T/replies"
	is "$(jq -r 'if .error then "error" elif .parameters.vendor then "info" else "state" end' "$T/replies" | tr '\n' ' ')" "info state error "
	remove
}

@test "Varlink: State tells pid, times and clients" {
	bundle sleep 100
	berth run -d "$ID"
	call io.berth.Shim.State >"$T/state"
	is "$(jq .parameters.pid "$T/state")" "$(pid_of)"
	jq -e '.parameters | .id and (.exited == false or .status == "running")' "$T/state"
	remove
}

@test "Varlink: Wait with more, Signal, and Wait again" {
	bundle workload catch
	berth run -d "$ID"
	wait_until 5 log_has "$ID" ready
	varlink -t 10 -n 2 "$(shim_addr)" '{"method":"io.berth.Shim.Wait","more":true}' >"$T/wait" &
	local waiter=$!
	wait_until 10 test -s "$T/wait"
	call io.berth.Shim.Signal '{"signal":10}' | jq -e '.error == null'
	wait_until 5 log_has "$ID" 'got 10'
	call io.berth.Shim.Signal '{"signal":15}' | jq -e '.error == null'
	wait $waiter
	tail -n 1 "$T/wait" | jq -e '.parameters | .exited and .code == 43 and .signal == 0 and .known'
	call io.berth.Shim.Wait | jq -e '.parameters.code == 43'
	call io.berth.Shim.Signal '{"signal":9}' | jq -e '.error != null'
	remove
}

@test "Varlink: Monitor tells of start and exit" {
	bundle sh -c 'exit 8'
	berth create --shim=always "$ID"
	varlink -t 10 -n 4 "$(shim_addr)" '{"method":"io.berth.Shim.Monitor","more":true}' >"$T/events" &
	local monitor=$!
	wait_until 5 eval 'call io.berth.Shim.State'
	berth start "$ID"
	wait $monitor || true
	is "$(jq -r .parameters.event "$T/events" | tr '\n' ' ')" "state started exited ended "
	jq -s -e '.[2].parameters.exit | .known and .code == 8' "$T/events"
	remove
}

@test "Varlink: CloseStdin is the end of input" {
	bundle sh -c 'cat; exit 12'
	berth run -d "$ID"
	call io.berth.Shim.CloseStdin | jq -e '.error == null'
	berth wait "$ID"
	is "$out" 12
	remove
}

@test "Varlink: Resize" {
	bundle workload winsize
	config_edit '.process.terminal = true'
	berth run -d "$ID"
	wait_until 5 log_has "$ID" 'size '
	call io.berth.Shim.Resize '{"rows":61,"cols":171}' | jq -e '.error == null'
	wait_until 5 log_has "$ID" 'size 61x171'
	call io.berth.Shim.Resize '{"rows":-1,"cols":100000}' | jq -e '.error != null'
	remove
}

@test "Varlink: Shutdown behind a Wait ends the shim" {
	bundle true
	berth run -d "$ID"
	berth wait "$ID"
	local shim in
	shim=$(shim_pid)
	# Nothing comes after the two, not even the end of the connection.
	exec {in}> >(socat - "UNIX-CONNECT:$(shim_addr)" >/dev/null)
	printf '%s\0%s\0' '{"method":"io.berth.Shim.Wait"}' '{"method":"io.berth.Shim.Shutdown"}' >&"$in"
	wait_until 20 eval "! kill -0 $shim"
	exec {in}>&-
	remove
}

@test "Varlink: Shutdown is refused while the process runs, and ends the shim after it" {
	bundle sleep 100
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	call io.berth.Shim.Shutdown | jq -e '.error != null'
	berth kill "$ID" KILL
	berth wait "$ID"
	call io.berth.Shim.Shutdown | jq -e '.error == null'
	wait_until 5 gone "$shim"
	berth wait "$ID"
	is "$out" 137
	berth delete "$ID"
}

@test "the socket is private, and other users are turned away" {
	bundle sleep 100
	berth run -d "$ID"
	local address
	address=$(shim_addr)
	is "$(stat -c %a "$address")" 600
	is "$(stat -c %a "$STATE/$ID")" 700
	# Even with the directories open, the shim looks at who is there.
	chmod 755 "$STATE" "$STATE/$ID"
	chmod 666 "$address"
	setpriv --reuid=7001 --regid=7001 --clear-groups "$E2E_RUN/bin/varlink" -t 3 "$address" '{"method":"io.berth.Shim.State"}' >"$T/reply" 2>&1 || true
	not grep -q '"pid"' "$T/reply"
	chmod 600 "$address"
	chmod 700 "$STATE/$ID" "$STATE"
	remove
}

@test "an id so long that the path of its socket does not fit: state tells the address" {
	bundle sleep 100
	ID=$ID-$(printf 'x%.0s' {1..90})
	berth run -d "$ID"
	local address
	address=$(shim_addr)
	[ ${#address} -lt 108 ] || fail "too long: $address"
	varlink "$address" '{"method":"io.berth.Shim.State"}' | jq -e .parameters
	berth kill "$ID" KILL
	berth wait "$ID"
	is "$out" 137
	berth delete "$ID"
	[ ! -e "$address" ]
}

@test "the shim is idle: no wake-ups, small, every descriptor accounted for" {
	bundle sleep 100
	# A second one, so that what the program's file holds belongs to nobody alone.
	berth run -d "$ID-other"
	berth run -d "$ID"
	local shim
	shim=$(shim_pid)
	wait_until 5 eval "[ \"\$(readlink /proc/$shim/exe | sed 's/.*[/]//')\" = berth-shim ]"
	# Until it has started: no wake-up in half a second. From then on there is none at all.
	switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$shim/status"; }
	still() { local n; n=$(switches) && sleep "$1" && [ "$(switches)" = "$n" ]; }
	wait_until 10 still 0.5
	still 2 || fail "the shim does not sleep"
	[ "$(find "/proc/$shim/fd" -mindepth 1 | wc -l)" -le 24 ]
	is "$(readlink "/proc/$shim/cwd")" /
	is "$(find "/proc/$shim/fd" -mindepth 1 -printf '%l\n' | grep -c "$BUNDLE")" 0
	local private private_max
	# A sanitizer's own memory is not ours to count.
	grep -q __asan_init "/proc/$shim/exe" && private_max=65536 || private_max=300
	private=$(awk '/^Private_(Clean|Dirty)/ { n += $2 } END { print n }' "/proc/$shim/smaps_rollup")
	[ "$private" -le "$private_max" ] || fail "the shim has $private KiB for itself"
	remove "$ID" "$ID-other"
}
