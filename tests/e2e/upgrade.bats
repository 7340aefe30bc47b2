#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Shims replaced by other builds under running processes: shims/next and after-next write and read later versions of the
# hand-over and have structures of another layout; shims/must has state that no other knows.

load helpers

S=io.berth.Shim

# to BUILD [ARG...]: upgrade to a shim that is called so; without arguments the container's.
to() {
	local shim=$1
	shift
	case $shim in
	now) shim=$E2E_RUN/bin/berth-shim ;;
	*/*) ;;
	*) shim=$BERTH_BUILD/tests/shims/$shim ;;
	esac
	[ $# -gt 0 ] || set -- "$ID"
	BERTH_SHIM_PATH=$shim berth upgrade "$@"
}

# Which hand-overs the running shim writes: "1 1" is what is installed, "1 2" next, "2 3" after-next.
versions() { call $S.Upgrade '{"oldest":0,"newest":0}' | jq -r '.parameters | "\(.oldest) \(.newest)"'; }
shim_field() { call $S.State | jq -r ".parameters$1"; }
shim_field_is() { [ "$(shim_field "$1")" = "$2" ]; }
fds() { find "/proc/$1/fd" -mindepth 1 -not -lname /dev/null | wc -l; }

# attach_raw NAME [PARAMETERS]: a client whose input is the FIFO NAME.in, and what it gets the file NAME.out.
attach_raw() {
	mkfifo "$T/$1.in"
	{
		printf '{"method":"%s.Attach","upgrade":true,"parameters":%s}\0' $S "${2:-{\}}"
		cat "$T/$1.in"
	} | socat -t 30 - "UNIX-CONNECT:$(shim_addr)" >"$T/$1.out" 2>/dev/null &
	CLIENT=$!
	exec {INPUT}>"$T/$1.in"
	wait_until 5 test -s "$T/$1.out"
}

# A line of input as a frame.
say() { printf '\1\0\0\0\0\0\0\'"$(printf %o $((${#1} + 1)))%s\n" "$1" >&"$INPUT"; }

# What must be as in a shim that was never replaced.
locked_down() {
	local status=/proc/$1/status
	is "$(awk '/^CapEff/ { print $2 }' "$status")" "${2:-0000000000000020}"
	is "$(awk '/^CapPrm/ { print $2 }' "$status")" "${2:-0000000000000020}"
	is "$(awk '/^CapBnd/ { print $2 }' "$status")" 0000000000000000
	is "$(awk '/^NoNewPrivs/ { print $2 }' "$status")" 1
	is "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2
	is "$(awk '/^Seccomp_filters:/ { print $2 }' "$status")" "$FILTERS"
	is "$(cat "/proc/$1/comm")" berth-shim
	is "$(tr '\0' ' ' <"/proc/$1/cmdline" | cut -d' ' -f1)" berth-shim
}

@test "to the next release and the one after: streams, input, waiters, monitors and log go on" {
	bundle
	shell 'echo begin; while read l; do echo "out $l"; echo "err $l" >&2; done; exit 7'
	berth run -d "$ID"
	local shim init before build
	shim=$(shim_pid) init=$(pid_of)
	FILTERS=$(awk '/^Seccomp_filters:/ { print $2 }' "/proc/$shim/status")
	before=$(fds "$shim")
	attach_raw c
	call $S.Wait '' -t 60 >"$T/wait" &
	varlink -t 60 -n 4 "$(shim_addr)" "{\"method\":\"$S.Monitor\",\"more\":true}" >"$T/monitor" &
	wait_until 5 test -s "$T/monitor"
	say now
	wait_until 5 file_has "$T/c.out" 'out now'
	wait_until 5 eval '[ "$(fds '"$shim"')" -eq '$((before + 3))' ]' # three clients
	is "$(versions)" "1 1"
	for build in next after-next; do
		to $build
		has "$out" "$ID: berth-shim"
		is "$(shim_pid)" "$shim"
		is "$(pid_of)" "$init"
		is "$(state_of "$ID" .shim.status)" running
		is "$(shim_field .status)" running
		say "in $build"
		wait_until 5 file_has "$T/c.out" "err in $build"
		wait_until 5 log_has "$ID" "out in $build"
		locked_down "$shim"
		wait_until 5 eval '[ "$(fds '"$shim"')" -eq '$((before + 3))' ]'
	done
	is "$(versions)" "2 3"
	not test -s "$T/wait"
	call $S.CloseStdin | jq -e '.error == null'
	berth wait "$ID"
	is "$out" 7
	exec {INPUT}>&-
	wait
	jq -e '.parameters | .exited and .code == 7' "$T/wait"
	jq -e -s 'map(.parameters.event) == ["state", "started", "exited", "ended"]' "$T/monitor"
	jq -e -s 'map(.parameters.sequence) | .[1:] == [.[1], .[1] + 1, .[1] + 2]' "$T/monitor"
	printf 'begin\nout now\nout in next\nout in after-next\n' >"$T/expect"
	is "$(frames "$T/expect" <"$T/c.out")" "$(wc -c <"$T/expect") 0 1 1"
	sed -n 's/^out/err/p' "$T/expect" >"$T/expect2"
	is "$(frames -s 2 "$T/expect2" <"$T/c.out")" "$(wc -c <"$T/expect2") 0 1 1"
	"$BERTH" --root "$STATE" logs "$ID" >"$T/logs" 2>"$T/logs2"
	cmp "$T/expect" "$T/logs"
	cmp "$T/expect2" "$T/logs2"
	remove
	gone "$shim"
}
