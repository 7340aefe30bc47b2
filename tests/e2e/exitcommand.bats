#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --exit-command: what it is told, when it runs, what it may do, and that it does not outlive its time.

load helpers

# command_in TEXT...: $T/command, a shell script, run on the host.
command_in() {
	{
		echo '#!/bin/sh'
		echo "T=$T"
		printf '%s\n' "$@"
	} >"$T/command"
	chmod 755 "$T/command"
}
tell='env | grep ^BERTH_ | sort >$T/env.new; echo "$@" >$T/args; cp "$BERTH_ROOT/$BERTH_ID/exit.json" $T/record; mv $T/env.new $T/env'
value() { sed -n "s/^$1=//p" "$T/env"; }
parked() { pgrep -x berth-exit >/dev/null; }

@test "the exit command is told who, how and when, after the record is on disk" {
	command_in "$tell"
	bundle sh -c 'exit 42'
	berth run -d --exit-command "$T/command" --exit-command-arg one --exit-command-arg 'two words' "$ID"
	wait_until 10 test -e "$T/env"
	is "$(cat "$T/args")" "one two words"
	is "$(value BERTH_ID) $(value BERTH_NAME) $(value BERTH_ROOT)" "$ID  $STATE"
	is "$(value BERTH_EXIT_KNOWN) $(value BERTH_EXIT_CODE) $(value BERTH_EXIT_SIGNAL) $(value BERTH_EXIT_OOM)" "1 42 0 0"
	is "$(value BERTH_STARTED_AT) $(value BERTH_EXITED_AT)" "$(jq -r '.started_at + " " + .exited_at' "$STATE/$ID/exit.json")"
	jq -e '.known and .code == 42' "$T/record"
	wait_until 5 jq -e '.known and .code == 0' "$STATE/$ID/exit-command.json"
	is "$(stat -c %a "$STATE/$ID/exit-command")" 600
	berth delete "$ID"
}

@test "a signal, create and start, an argument that is an option" {
	command_in "$tell"
	bundle sleep 100
	PROOF=kept berth create --shim=always --exit-command="$T/command" --exit-command-arg=--x=y --exit-command-timeout 1h "$ID"
	berth start "$ID"
	parked
	[ ! -e "$T/env" ] || fail "before the exit"
	berth kill "$ID" KILL
	wait_until 10 test -e "$T/env"
	is "$(value BERTH_EXIT_CODE) $(value BERTH_EXIT_SIGNAL)" "137 9"
	is "$(cat "$T/args")" "--x=y"
	wait_until 5 not parked
	berth delete "$ID"
}

@test "it has the rights and the environment of the caller, no descriptor, and its output goes nowhere" {
	command_in 'echo out; echo err >&2; ls -l /proc/self/fd >$T/fds; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status >$T/status; cat /proc/self/oom_score_adj >$T/oom' 'echo "$PROOF" >$T/done'
	bundle true
	PROOF=kept "$BERTH" --root "$STATE" run -d --exit-command "$T/command" "$ID" >"$T/o" 2>&1 </dev/null
	wait_until 10 test -s "$T/done"
	is "$(cat "$T/done")" kept
	is "$(cat "$T/o")" ""
	# 0, 1, 2, and the directory that ls reads.
	is "$(grep -c -- '->' "$T/fds")" 4
	is "$(grep -c '/dev/null' "$T/fds")" 2
	is "$(cat "$T/status")" "$(grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status)"
	is "$(cat "$T/oom")" "$(cat /proc/self/oom_score_adj)"
	berth delete "$ID"
}

@test "at its time-out it is killed with its process group" {
	command_in 'sleep 1000 & echo $! $$ >$T/pids.new; mv $T/pids.new $T/pids; wait'
	bundle true
	berth run -d --exit-command "$T/command" --exit-command-timeout 300ms "$ID"
	wait_until 10 test -e "$T/pids"
	local pids
	read -ra pids <"$T/pids"
	wait_until 10 gone "${pids[0]}"
	wait_until 10 gone "${pids[1]}"
	wait_until 5 jq -e '.known and .signal == 9' "$STATE/$ID/exit-command.json"
	berth delete "$ID"
}

@test "delete waits for it, and wait does not" {
	local shim deleter
	mkfifo "$T/fifo"
	command_in 'read x <$T/fifo; echo x >$T/done'
	bundle true
	berth run -d --exit-command "$T/command" "$ID"
	shim=$(shim_pid)
	berth wait "$ID"
	"$BERTH" --root "$STATE" delete "$ID" </dev/null &
	deleter=$!
	wait_until 10 gone "$shim"
	is "$(state_of)" stopped
	echo go >"$T/fifo"
	wait $deleter
	[ -e "$T/done" ] || fail "the command was cut off"
	refused 1 'does not exist' state "$ID"
}

@test "delete --force of a running container: the command runs, and no longer than it may" {
	command_in "$tell" 'echo $$ >$T/pid; sleep 1000'
	bundle sleep 100
	berth run -d --exit-command "$T/command" --exit-command-timeout 1s "$ID"
	berth delete --force "$ID"
	is "$(value BERTH_EXIT_CODE)" 137
	gone "$(cat "$T/pid")"
	not parked
}

@test "it may delete the container itself: nothing is left" {
	command_in 'exec "$0.delete" --root "$BERTH_ROOT" delete "$BERTH_ID"'
	ln -s "$BERTH" "$T/command.delete"
	bundle sleep 100
	berth run -d --exit-command "$T/command" "$ID"
	berth kill "$ID" KILL
	wait_until 10 not test -e "$STATE/$ID"
	wait_until 5 not parked
	# While somebody else does.
	berth run -d --exit-command "$T/command" "$ID"
	berth delete --force "$ID"
	not test -e "$STATE/$ID"
	wait_until 5 not parked
}

@test "exec -d: its own command, also when the container is deleted" {
	command_in "$tell"
	bundle sleep 100
	berth run -d "$ID"
	berth exec -d --name one --exit-command "$T/command" "$ID" sh -c 'exit 7'
	wait_until 10 test -e "$T/env"
	is "$(value BERTH_ID)/$(value BERTH_NAME) $(value BERTH_EXIT_CODE)" "$ID/one 7"
	rm "$T/env"
	berth exec -d --name two --exit-command "$T/command" "$ID" sleep 100
	remove
	is "$(value BERTH_NAME) $(value BERTH_EXIT_CODE)" "two 137"
}

@test "a shim that was killed has no record to tell: the helper goes without running it" {
	command_in 'echo x >$T/done'
	bundle sleep 100
	berth run -d --exit-command "$T/command" "$ID"
	parked
	kill -KILL "$(shim_pid)"
	wait_until 5 not parked
	[ ! -e "$T/done" ] || fail "it ran without an exit"
	remove
}

@test "what can't be is refused before anything is made" {
	bundle true
	refused 1 'there is no program "/no/such"' run -d --exit-command /no/such "$ID"
	refused 1 'there is no program "berth-no-such"' run -d --exit-command berth-no-such "$ID"
	refused 1 'needs a shim' run -d --shim=never --exit-command true "$ID"
	refused 1 'exit-command-arg needs --exit-command' run -d --exit-command-arg x "$ID"
	refused 1 'exit-command-timeout needs --exit-command' run -d --exit-command-timeout 1s "$ID"
	refused 1 'does not exist' state "$ID"
	# By PATH; and a command that is gone when it is due harms nobody.
	cp /bin/true "$T/soon-gone"
	PATH=$T:$PATH berth create --shim=always --exit-command soon-gone "$ID"
	rm "$T/soon-gone"
	berth start "$ID"
	berth wait "$ID"
	is "$out" 0
	wait_until 5 jq -e '.code == 127' "$STATE/$ID/exit-command.json"
	berth delete "$ID"
}

@test "an upgrade beside the exit command: one that waits is told by the new shim, one that runs is left alone" {
	command_in 'echo "$BERTH_EXIT_CODE" >>$T/ran; until [ -e $T/go ]; do sleep 0.05; done; echo done >>$T/ran'
	bundle sleep 100
	berth run -d --exit-command "$T/command" "$ID"
	local helper
	helper=$(pgrep -x berth-exit)
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/next berth upgrade "$ID"
	is "$(pgrep -x berth-exit)" "$helper"
	[ ! -e "$T/ran" ] || fail "before the exit"
	berth kill "$ID" KILL
	wait_until 10 file_has "$T/ran" 137
	BERTH_SHIM_PATH=$BERTH_BUILD/tests/shims/after-next berth upgrade "$ID"
	is "$(pgrep -x berth-exit)" "$helper"
	: >"$T/go"
	wait_until 10 jq -e '.known and .code == 0' "$STATE/$ID/exit-command.json"
	is "$(cat "$T/ran")" $'137\ndone'
	berth wait "$ID"
	is "$out" 137
	wait_until 5 not parked
	berth delete "$ID"
}
