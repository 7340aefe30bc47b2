#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kept execs, ID/NAME: names, list, state, kill, delete, how long their records stay, and many of them.

load helpers

up() {
	bundle sleep 1000
	berth run -d "$ID"
}
kept() { find "$STATE/$ID/exec" -mindepth 1 -maxdepth 1 -not -name '.*' -printf '%f\n' | sort -V | tr '\n' ' '; }
is_kept() { [ "$(kept)" = "$1" ]; }
of() { "$BERTH" --root "$STATE" state "$ID/$1" | jq -r "$2"; }
is_of() { [ "$(of "$1" "$2")" = "$3" ]; }
ended() { is_of "$1" .shim.status ended; }

@test "automatic names: in order, no number twice, past those that were chosen" {
	up
	local n
	for n in 1 2; do
		berth exec -d --print-name "$ID" true
		is "$out" "$ID/exec-$n"
	done
	berth wait "$ID/exec-1" "$ID/exec-2"
	berth delete "$ID/exec-2"
	berth exec -d --name exec-3 "$ID" true
	berth exec -d --print-name "$ID" true
	is "$out" "$ID/exec-4"
	# A record of the last number that nobody can read.
	echo rubbish >"$STATE/$ID/exec/.last"
	berth exec -d --print-name "$ID" true
	is "$out" "$ID/exec-2" # that one has been deleted
	berth exec -d --print-name --name mine "$ID" true
	is "$out" "$ID/mine"
	berth list --exec -q
	is "$(tr '\n' ' ' <"$T/out")" "$ID/exec-1 $ID/exec-2 $ID/exec-3 $ID/exec-4 $ID/mine "
	remove
}

@test "names are told to people and to who asks, not to callers of other runtimes" {
	up
	berth exec -d "$ID" true
	is "$out" ""
	berth exec -d --name job "$ID" true
	is "$out" ""
	ptydrive -t 15 "expect:$ID/exec-2" 'eof' -- "$BERTH" --root "$STATE" exec -d "$ID" true >"$T/screen" || cat "$T/screen"
	has "$(cat "$T/screen")" "$ID/exec-2"
	refused 255 'print-name needs --detach' exec --print-name "$ID" true
	refused 255 'ttl is for kept processes' exec -d --shim=never --ttl 1s "$ID" true
	refused 255 'print-name is for kept processes' exec -d --shim=never --print-name "$ID" true
	refused 255 'ttl: "soon" is neither' exec -d --ttl soon "$ID" true
	remove
}

@test "list --exec: what runs, what has ended and how, as a table, JSON and names" {
	up
	berth list --exec
	is "$(wc -l <"$T/out")" 1
	berth list --exec --format json
	is "$out" "[]"
	berth exec -d --name one "$ID" sh -c 'exit 7'
	berth exec -d --name two --pid-file "$T/pid" "$ID" sh -c $'echo \e[31m; exec sleep 1000'
	berth wait "$ID/one"
	berth list --exec
	has "$(sed -n 1p "$T/out")" "ID"
	is "$(awk -v id="$ID/one" '$1 == id { print $2, $3, $4, $6, $7, $8, $9, $10 }' "$T/out")" "0 stopped 7 sh -c exit 7 "
	is "$(awk -v id="$ID/two" '$1 == id { print $2, $3 }' "$T/out")" "$(cat "$T/pid") running"
	not grep -q $'\e' "$T/out"
	berth list --exec --format json "$ID"
	is "$(jq -c 'map([.id, .container, .name, .status, .known, .code, .command[-1]])' "$T/out")" \
		"[[\"$ID/one\",\"$ID\",\"one\",\"stopped\",true,7,\"exit 7\"],[\"$ID/two\",\"$ID\",\"two\",\"running\",null,null,\"echo \\u001b[31m; exec sleep 1000\"]]"
	# The times are those of the record.
	is "$(jq -r '.[0] | .started_at + .exited_at' "$T/out")" "$(jq -r '.started_at + .exited_at' "$STATE/$ID/exec/one/exit.json")"
	berth list --exec --quiet "$ID"
	is "$(tr '\n' ' ' <"$T/out")" "$ID/one $ID/two "
	refused 1 'does not exist' list --exec "$ID" none
	refused 1 'with --exec only' list "$ID"
	# Containers are listed as ever.
	berth list -q
	is "$out" "$ID"
	remove
}

@test "a long command line is cut in the list, not in the process" {
	up
	local long
	long=$(printf 'x%.0s' {1..6000})
	berth exec -d --name long "$ID" sh -c 'exit $((${#1} == 6000 ? 5 : 6))' sh "$long" more
	berth wait "$ID/long"
	is "$out" 5
	is "$(of long '.command_cut, (.command | length), (.command | map(length) | add < 4100)' | tr '\n' ' ')" "true 5 true "
	berth list --exec
	has "$out" "xxx..."
	[ "$(sed -n 2p "$T/out" | wc -c)" -lt 200 ]
	remove
}

@test "state of a kept exec: running, paused, stopped, and with a shim that was killed" {
	up
	berth exec -d --name job --pid-file "$T/pid" "$ID" sleep 1000
	is "$(of job '.id, .pid, .status, .shim.status' | tr '\n' ' ')" "$ID/job $(cat "$T/pid") running running "
	is "$(of job .shim.address)" "$STATE/$ID/exec/job/shim.sock"
	if berth pause "$ID"; then
		is "$(of job .status)" paused
		berth resume "$ID"
	fi
	kill -KILL "$(of job .shim.pid)"
	wait_until 5 is_of job .shim.status lost
	is "$(of job .status)" running
	berth list --exec
	has "$err" "its shim (pid"
	has "$err" "berth recover $ID/job"
	kill -KILL "$(cat "$T/pid")"
	wait_until 5 is_of job .status stopped
	is "$(of job '.pid, .known, .shim.status' | tr '\n' ' ')" "0 false lost "
	# Nobody knows when it ended: it stays.
	berth gc
	is_kept "job "
	refused 1 'no kept process "none"' state "$ID/none"
	refused 1 'does not exist' state none/job
	remove
}

@test "kill ID/NAME: that process alone, by its own signal" {
	up
	berth exec -d --name one "$ID" sh -c 'trap "exit 33" USR1; while :; do sleep 0.1; done'
	berth exec -d --name two "$ID" sleep 1000
	refused 1 'is one process' kill --all "$ID/two"
	berth kill "$ID/two"
	berth wait "$ID/two"
	is "$out" 143
	wait_until 5 eval 'berth kill "$ID/one" USR1; berth wait --timeout 0.2 "$ID/one"; [ "$out" = 33 ]'
	refused 1 "process \"$ID/two\" is not running" kill "$ID/two" KILL
	refused 1 'no kept process' kill "$ID/none"
	refused 1 'unknown signal' kill "$ID/one" NONE
	is "$(state_of)" running
	remove
}

@test "delete ID/NAME: the record, and with --force the process" {
	up
	berth exec -d --name one "$ID" sh -c 'exit 3'
	berth exec -d --name two --pid-file "$T/pid" "$ID" sleep 1000
	berth wait "$ID/one"
	local shim
	shim=$(of two .shim.pid)
	berth delete "$ID/one"
	is_kept "two "
	refused 1 'that is not stopped' delete "$ID/two"
	berth delete --force "$ID/two"
	is_kept ""
	gone "$(cat "$T/pid")"
	wait_until 5 gone "$shim"
	refused 1 'no kept process' delete "$ID/two"
	berth delete --force "$ID/two"
	berth delete --force none/two
	# The name is free again.
	berth exec -d --name one "$ID" true
	is "$(state_of)" running
	remove
}

@test "delete --force ID/NAME waits for its exit command, which may delete it itself" {
	up
	cat >"$T/command" <<-EOF
		#!/bin/sh
		sleep 0.3
		echo "\$BERTH_NAME \$BERTH_EXIT_CODE" >>$T/told
		[ "\$BERTH_NAME" = one ] || "$BERTH" --root "\$BERTH_ROOT" delete "\$BERTH_ID/\$BERTH_NAME"
	EOF
	chmod 755 "$T/command"
	berth exec -d --name one --exit-command "$T/command" "$ID" sleep 1000
	berth delete --force "$ID/one"
	is "$(cat "$T/told")" "one 137"
	berth exec -d --name two --exit-command "$T/command" "$ID" sh -c 'exit 4'
	wait_until 10 is_kept ""
	is "$(tail -n 1 "$T/told")" "two 4"
	remove
}

@test "a time to live: the shim goes, the record a while later, with whoever comes by" {
	up
	berth exec -d --name life --ttl container "$ID" sh -c 'exit 8'
	berth exec -d --name day --ttl 24h "$ID" true
	berth exec -d --name runs --ttl 0 "$ID" sleep 1000
	berth exec -d --name short --ttl 100ms "$ID" sh -c 'echo hello; exit 9'
	is "$(of short .ttl_ms) $(of life .ttl_ms) $(of day .ttl_ms)" "100 null 86400000"
	wait_until 10 ended short
	# Everything is still known: who asks, asks the disk.
	berth wait "$ID/short" "$ID/life"
	is "$(tr '\n' ' ' <"$T/out")" "9 8 "
	berth logs "$ID/short"
	is "$out" hello
	refused 1 'has ended, and its shim has gone' attach "$ID/short"
	wait_until 5 eval 'berth gc --dry-run; [ "$out" = "$ID/short" ]'
	is_kept "day life runs short "
	berth gc
	is "$out" "$ID/short"
	is_kept "day life runs "
	berth gc
	is "$out" ""
	# An exec takes away what is due, too.
	berth kill "$ID/runs" KILL
	wait_until 10 ended runs
	berth exec -d --name next "$ID" true
	is_kept "day life next "
	refused 1 'no kept process "runs"' wait "$ID/runs"
	remove
}

@test "a record that somebody uses is not collected" {
	up
	berth exec -d --name job --ttl 0 "$ID" sh -c 'sleep 0.5; exit 6'
	# One that waits, and is held up between the end and its look at the record.
	"$BERTH" --root "$STATE" wait "$ID/job" >"$T/waited" 2>&1 &
	local waiter=$!
	wait_until 5 test "$(readlink -f "/proc/$waiter/exe")" != /bin/bash
	wait_until 5 eval 'ls -l /proc/$waiter/fd | grep -q "exec/job"'
	wait_until 5 eval '! flock -n -x "$STATE/$ID/exec/job" true'
	kill -STOP $waiter
	kill -KILL "$(of job .shim.pid)" # so that it has nobody else to ask
	wait_until 10 is_of job .status stopped
	echo '{"known":true,"code":6,"signal":0,"started_ns":1795300000000000000,"exited_ns":1795300001000000000}' >"$STATE/$ID/exec/job/exit.json"
	berth gc
	is "$out" ""
	kill -CONT $waiter
	wait $waiter
	is "$(cat "$T/waited")" 6
	berth gc
	is "$out" "$ID/job"
	remove
}

@test "output that a child still writes is not cut by the time to live" {
	up
	berth exec -d --name job --ttl 0 "$ID" sh -c '(sleep 1.5; echo late; exec sleep 1000) & exit 2'
	berth wait "$ID/job"
	is "$out" 2
	wait_until 10 log_has "$ID/job" late
	berth gc
	is "$out" ""
	is "$(of job .shim.status)" running
	remove
}

@test "the making of a kept exec that was cut off leaves nothing that stays" {
	up
	# As between two steps of it.
	mkdir "$STATE/$ID/exec" "$STATE/$ID/exec/half"
	berth list --exec
	has "$out" creating
	refused 1 'is not running' kill "$ID/half"
	berth gc
	is "$out" "$ID/half"
	is_kept ""
	remove
}

@test "a shim that is upgraded while it lingers still goes" {
	up
	berth exec -d --name job --ttl 1500ms "$ID" sh -c 'exit 3'
	berth wait "$ID/job"
	berth upgrade "$ID" || true
	wait_until 10 ended job
	berth wait "$ID/job"
	is "$out" 3
	remove
}

@test "with a client a shim stays, and goes when that has left" {
	up
	berth exec -d --name job --ttl 200ms "$ID" sleep 1000
	varlink -t 60 -n 99 "$(of job .shim.address)" '{"method":"io.berth.Shim.Monitor","more":true}' >"$T/events" 2>&1 &
	local client=$!
	wait_until 10 grep -q started "$T/events"
	berth kill "$ID/job"
	wait_until 10 grep -q ended "$T/events"
	# Longer than the time that it would have without one.
	sleep 0.6
	is "$(of job .shim.status)" running
	kill $client
	wait $client || true
	wait_until 10 ended job
	remove
}

@test "init ends while fifty execs run: every exit status is known" {
	up
	local i
	for i in $(seq 25); do
		berth exec -d --name "runs-$i" "$ID" sleep 1000
		berth exec -d --name "ends-$i" "$ID" sh -c "exit $((i + 50))"
	done >/dev/null
	berth kill "$ID" KILL
	berth wait "$ID" "$ID"/runs-{1..25} "$ID"/ends-{1..25}
	# Whether one that ends by itself came to that before init ended: 137 is as true.
	is "$(sed -n 1,26p "$T/out" | sort -u)" 137
	for i in $(seq 25); do
		case $(sed -n "$((26 + i))p" "$T/out") in $((i + 50)) | 137) ;; *) fail "ends-$i: $(sed -n "$((26 + i))p" "$T/out")" ;; esac
	done
	is "$(jq -s 'map(.known) | all' "$STATE/$ID"/exec/*/exit.json)" true
	berth delete "$ID"
}

@test "init ends while execs are being made: each has failed, or has an exit status that is not 0" {
	up
	local i pids=()
	for i in $(seq 30); do
		{
			status=0
			"$BERTH" --root "$STATE" exec -d --name "job-$i" "$ID" sleep 1000 >"$T/o.$i" 2>&1 </dev/null || status=$?
			echo $status >"$T/rc.$i"
		} &
		pids+=($!)
	done
	wait_until 30 eval 'grep -qx 0 "$T"/rc.*'
	berth kill "$ID" KILL
	wait "${pids[@]}"
	for i in $(seq 30); do
		case $(cat "$T/rc.$i") in
		0)
			berth wait "$ID/job-$i"
			is "$out" 137
			;;
		255) not test -e "$STATE/$ID/exec/job-$i" ;;
		*) fail "exec $i: $(cat "$T/rc.$i" "$T/o.$i")" ;;
		esac
	done
	berth delete "$ID"
}

@test "a hundred execs at once, half of them kept: none hangs, none is mixed up" {
	up
	local i pids=()
	for i in $(seq 50); do
		"$BERTH" --root "$STATE" exec -d --name "job-$i" "$ID" sh -c "echo out $i; exit $i" >"$T/d.$i" 2>&1 </dev/null &
		pids+=($!)
		"$BERTH" --root "$STATE" exec "$ID" sh -c "echo here $i" >"$T/o.$i" 2>&1 </dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	CMD_TIMEOUT=60 berth wait "$ID"/job-{1..50}
	is "$(tr '\n' ' ' <"$T/out")" "$(seq -s ' ' 50) "
	for i in $(seq 50); do
		is "$(cat "$T/o.$i")" "here $i"
		is "$(cat "$T/d.$i")" ""
		is "$("$BERTH" --root "$STATE" logs "$ID/job-$i")" "out $i"
	done
	remove
}

@test "many execs leave no record, process, descriptor or cgroup" {
	up
	local shim fds cgroups i
	shim=$(shim_pid)
	berth exec -d --ttl 0 "$ID" true
	fds=$(find "/proc/$shim/fd" -mindepth 1 | wc -l)
	cgroups=$(find /sys/fs/cgroup -type d -path "*$TAG*" | wc -l)
	for i in $(seq "${E2E_EXECS:-60}"); do
		"$BERTH" --root "$STATE" exec -d --ttl 0 "$ID" sh -c "exit $i" </dev/null
	done
	wait_until 20 eval '"$BERTH" --root "$STATE" gc >/dev/null; is_kept ""'
	is "$(find "/proc/$shim/fd" -mindepth 1 | wc -l)" "$fds"
	is "$(find /sys/fs/cgroup -type d -path "*$TAG*" | wc -l)" "$cgroups"
	is "$(pgrep -xc berth-shim)" 1
	# What came by in between has taken away most of them already, and the numbers went on.
	berth exec -d --print-name "$ID" true
	is "$out" "$ID/exec-$((${E2E_EXECS:-60} + 2))"
	remove
}
