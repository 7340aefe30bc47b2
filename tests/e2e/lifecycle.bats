#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# create, start, state, list, kill, stop, delete, pause, resume, ps: the life of one container.

load helpers

# bats test_tags=compat
@test "create, start, kill and delete, with the state at each step" {
	bundle sleep 100
	berth create "$ID"
	is "$(state_of)" created
	local pid
	pid=$(pid_of)
	[ "$pid" -gt 1 ] && [ -d "/proc/$pid" ]
	berth start "$ID"
	is "$(state_of)" running
	is "$(pid_of)" "$pid"
	is "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 100 "
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
	refused 1 'does not exist' state "$ID"
}

# bats test_tags=compat
@test "the bundle is read at create: edits before start change nothing" {
	bundle sleep 100
	berth create "$ID"
	command_is sleep 200
	berth start "$ID"
	is "$(tr '\0' ' ' <"/proc/$(pid_of)/cmdline")" "sleep 100 "
	remove
}

# bats test_tags=compat
@test "--bundle names a bundle elsewhere, also relative, and the pid file goes where the caller is" {
	bundle sleep 100
	mkdir "$T/here" && cd "$T/here"
	berth create --bundle ../b --pid-file pid "$ID"
	is "$(cat "$T/here/pid")" "$(pid_of)"
	is "$(tail -c1 "$T/here/pid" | tr -d '0-9')" ""
	is "$(state_of "$ID" .bundle)" "$BUNDLE"
	berth delete --force "$ID"
}

# bats test_tags=compat
@test "run in the foreground waits, passes output on and leaves nothing" {
	bundle sh -c 'echo to-out; echo to-err >&2'
	berth run "$ID"
	is "$out" to-out
	is "$err" to-err
	refused 1 'does not exist' state "$ID"
}

# bats test_tags=compat
@test "run in the foreground passes standard input on" {
	bundle sh -c 'read line; echo "got $line"'
	echo hello | berth run "$ID" | grep -x 'got hello'
	bundle_input=$(head -c 300000 /dev/zero | tr '\0' x)
	command_is sha256sum
	printf %s "$bundle_input" >"$T/in"
	berth run "$ID" <"$T/in"
	is "${out%% *}" "$(sha256sum <"$T/in" | cut -d' ' -f1)"
}

# bats test_tags=compat
@test "run --keep leaves a stopped container" {
	[ "$("$BERTH" run --help | grep -c -- --keep)" -gt 0 ] || { [ "${BERTH##*/}" != berth ] && skip "another runtime"; }
	bundle true
	berth run --keep "$ID"
	is "$(state_of)" stopped
	berth delete "$ID"
}

# bats test_tags=compat
@test "a container that has ended is stopped until it is deleted" {
	bundle true
	berth create "$ID"
	berth start "$ID"
	wait_until 5 is_state "$ID" stopped
	is "$(pid_of)" 0
	refused 1 'cannot start a container that has stopped' start "$ID"
	refused 1 'container not running' kill "$ID" TERM
	berth delete "$ID"
}

# bats test_tags=compat
@test "a second start of a running container is refused" {
	bundle sleep 100
	berth create "$ID"
	berth start "$ID"
	refused 1 'cannot start an already running container' start "$ID"
	is "$(state_of)" running
	remove
}

# bats test_tags=compat
@test "delete refuses a running container and --force ends it" {
	bundle workload ignore
	berth create "$ID"
	berth start "$ID"
	local pid
	pid=$(pid_of)
	refused 1 "cannot delete container $ID that is not stopped: running" delete "$ID"
	berth delete --force "$ID"
	gone "$pid"
}

# bats test_tags=compat
@test "delete ends a container that was never started" {
	bundle sleep 100
	berth create "$ID"
	local pid
	pid=$(pid_of)
	berth delete "$ID"
	gone "$pid"
}

# bats test_tags=compat
@test "delete --force of what does not exist is a success, delete is not" {
	berth delete --force "$ID"
	refused 1 'does not exist' delete "$ID"
}

# bats test_tags=compat
@test "delete --force ends everything in the container's cgroup" {
	bundle sh -c 'for i in 1 2 3; do (trap "" TERM HUP; sleep 300) & done; wait'
	berth create "$ID"
	berth start "$ID"
	berth delete --force "$ID"
}

# bats test_tags=compat
@test "without a pid name space the processes of a container still die with it" {
	bundle sh -c 'sleep 301 & sleep 302 & wait'
	config_edit '.linux.namespaces |= map(select(.type != "pid"))'
	berth create "$ID"
	berth start "$ID"
	wait_until 5 running 2 '^sleep 30[12]'
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	wait_until 5 running 0 '^sleep 30[12]'
	berth delete "$ID"
}

# bats test_tags=compat
@test "kill takes signals by number and by name in any case" {
	bundle workload catch
	berth create "$ID" >"$T/log"
	remove
	local sig n=0
	bundle_out=$T/sigs
	mkfifo "$T/fifo"
	cat "$T/fifo" >"$bundle_out" &
	local cat=$!
	timeout 20 "$BERTH" --root "$STATE" run "$ID" >"$T/fifo" 2>&1 </dev/null &
	local runner=$!
	wait_until 5 file_has "$bundle_out" ready
	for sig in 10 USR1 SIGUSR1 sigusr2 usr2 12; do
		berth kill "$ID" "$sig"
		n=$((n + 1))
		wait_until 5 eval "[ \$(grep -c got '$bundle_out') -ge $n ]"
	done
	is "$(grep -c 'got 10' "$bundle_out")" 3
	is "$(grep -c 'got 12' "$bundle_out")" 3
	refused 1 'signal.*NOPE' kill "$ID" NOPE
	refused 1 'signal' kill "$ID" 4096
	berth kill "$ID"
	local rc=0
	wait $runner || rc=$?
	is $rc 43
	wait $cat
}

# bats test_tags=compat
@test "kill --all before the id is accepted, and a stopped container is no error for it" {
	bundle sleep 100
	berth create "$ID"
	berth start "$ID"
	berth kill --all "$ID" 9
	wait_until 5 is_state "$ID" stopped
	berth kill --all "$ID" 9
	berth delete "$ID"
}

# bats test_tags=compat
@test "kill ends a container that is created" {
	bundle sleep 100
	berth create "$ID"
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	refused 1 'stopped' start "$ID"
	berth delete "$ID"
}

@test "stop sends TERM and is done when the container ends by it" {
	bundle workload catch
	berth run -d "$ID"
	wait_until 5 log_has "$ID" ready
	berth stop --timeout 20 "$ID"
	is "$(state_of)" stopped
	berth wait "$ID"
	is "$out" 43
	berth delete "$ID"
}

@test "stop sends KILL after its timeout" {
	bundle workload ignore
	berth run -d "$ID"
	wait_until 5 log_has "$ID" ready
	berth stop --timeout 1 "$ID"
	is "$(state_of)" stopped
	berth wait "$ID"
	is "$out" 137
	berth stop "$ID"
	berth delete "$ID"
}

# bats test_tags=compat
@test "pause and resume" {
	on_v2 || need_controller freezer
	bundle sh -c 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; usleep 10000; done'
	config_edit '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
	berth create "$ID"
	refused 1 'container not paused' resume "$ID"
	berth start "$ID"
	berth pause "$ID"
	is "$(state_of)" paused
	local n=/proc/$(pid_of)/root/tmp/n a b
	a=$(cat "$n")
	sleep 0.3
	b=$(cat "$n")
	is "$a" "$b"
	refused 1 'paused' start "$ID"
	refused 255 'paused' exec "$ID" true
	berth resume "$ID"
	is "$(state_of)" running
	wait_until 5 eval "[ \$(cat $n) != $a ]"
	remove
}

# bats test_tags=compat
@test "a paused container can be killed and deleted" {
	bundle sleep 100
	berth create "$ID"
	berth start "$ID"
	berth pause "$ID"
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
	berth create "$ID"
	berth start "$ID"
	berth pause "$ID"
	berth delete --force "$ID"
}

# bats test_tags=compat
@test "pause of a stopped container is refused" {
	bundle true
	berth create "$ID"
	berth start "$ID"
	wait_until 5 is_state "$ID" stopped
	refused 1 'not running' pause "$ID"
	refused 1 'not paused' resume "$ID"
	berth delete "$ID"
}

# bats test_tags=compat
@test "ps lists the host's pids of all processes in the container" {
	bundle sh -c 'sleep 100 & sleep 100 & wait'
	berth create "$ID"
	berth start "$ID"
	wait_until 5 eval 'berth ps --format json "$ID" && [ "$(jq length <<<"$out")" -eq 3 ]'
	has " $(jq -r 'map(tostring) | join(" ")' <<<"$out") " " $(pid_of) "
	berth ps "$ID"
	has "${out%%$'\n'*}" PID
	is "$(grep -c sleep <<<"$out")" 3
	berth ps "$ID" -o pid,args
	has "$out" "sleep 100"
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	berth ps --format json "$ID"
	[[ $out == null || $out == "[]" ]]
	berth delete "$ID"
}

# bats test_tags=compat
@test "twenty containers at once, each its own" {
	local i
	bundle sleep 100
	for i in $(seq 20); do "$BERTH" --root "$STATE" create "$ID-$i" >"$T/o.$i" 2>&1 </dev/null & done
	wait
	is "$(berth list -q >/dev/null && wc -l <"$T/out")" 20
	for i in $(seq 20); do is "$(state_of "$ID-$i")" created; done
	for i in $(seq 20); do "$BERTH" --root "$STATE" delete --force "$ID-$i" >"$T/o.$i" 2>&1 </dev/null & done
	wait
}

# bats test_tags=compat
@test "many creates of one id: one wins, and the others leave no trace" {
	local i won=0
	bundle sleep 100
	for i in $(seq 8); do
		{
			rc=0
			"$BERTH" --root "$STATE" create "$ID" >"$T/o.$i" 2>&1 </dev/null || rc=$?
			echo $rc >"$T/rc.$i"
		} &
	done
	wait
	for i in $(seq 8); do [ "$(cat "$T/rc.$i")" != 0 ] || won=$((won + 1)); done
	is $won 1
	berth start "$ID"
	is "$(state_of)" running
	remove
}

@test "wait, logs and attach say so when there is no shim" {
	bundle sleep 100
	berth run -d --shim=never "$ID"
	refused 1 'shim' attach "$ID"
	refused 1 'shim' logs "$ID"
	berth kill "$ID" KILL
	wait_until 5 is_state "$ID" stopped
	berth delete "$ID"
}

@test "run -d --rm deletes the container when it ends" {
	bundle sh -c 'sleep 0.2; exit 3'
	berth run -d --rm "$ID"
	wait_until 5 eval '! berth state "$ID"'
}

@test "installed, berth finds its shim in libexec" {
	bundle sh -c 'exit 5'
	mount -t tmpfs -o mode=755 installed /usr/local
	mkdir -p /usr/local/bin /usr/local/libexec/berth
	cp "$BERTH" /usr/local/bin/berth
	cp "$(dirname "$BERTH")/berth-shim" /usr/local/libexec/berth/
	BERTH=/usr/local/bin/berth
	berth run -d "$ID"
	berth wait "$ID"
	is "$out" 5
	berth delete "$ID"
	wait_until 5 umount /usr/local
}

@test "a signal while run is still creating undoes the creation, with and without a terminal's shim" {
	bundle touch /dev/shm/ran
	printf '#!/bin/sh\ntouch %s/hooked\nsleep 2\n' "$T" >"$T/hook"
	chmod +x "$T/hook"
	config_edit --arg h "$T/hook" '.hooks = {createRuntime: [{path: $h}]}'
	local shim sig code
	for shim in never always; do
		for sig in TERM INT; do
			rm -f "$T/hooked"
			env --default-signal=INT "$BERTH" --root "$STATE" run --shim=$shim "$ID" >"$T/o" 2>"$T/e" </dev/null &
			wait_until 10 test -e "$T/hooked"
			kill -$sig $!
			code=0
			wait $! || code=$?
			is $code "$([ $sig = TERM ] && echo 143 || echo 130)"
			has "$(cat "$T/e")" undone
			[ ! -e "$STATE/$ID" ]
		done
	done
}
