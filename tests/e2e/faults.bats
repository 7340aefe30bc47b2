# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2030,SC2031 # dollars of inner shells; run sets its variables in each test
# Kill -9, errors, stops and signals at system calls of the commands, in short form: tests/faults/sweep without --shots is
# the long one. Each runs in the cgroup world that it finds. The first tests show that the tools can see a
# failure at all.

bats_require_minimum_version 1.5.0

setup() {
	top=${BERTH_TOP:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	build=${BERTH_BUILD:-$top/build}
	faultat=$build/tests/faults/faultat
	sweep=$top/tests/faults/sweep
}

@test "faultat kills in front of the call that it is told" {
	local marks=("$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two")
	run -0 "$faultat" --count -- touch "${marks[@]}"
	read -r role path points _ <<<"$output"
	[ "$role $path" = "runtime 0" ]
	[ "$points" -gt 10 ]
	rm "${marks[@]}"

	run -0 "$faultat" --at 0:1 -- touch "${marks[@]}"
	[ ! -e "${marks[0]}" ]
	# The last point is exit_group: everything has happened.
	run -0 "$faultat" --at "0:$points" -- touch "${marks[@]}"
	[ -e "${marks[1]}" ]
	rm "${marks[@]}"
	# Somewhere between lies a point with the first file and without the second.
	local at half=0
	for ((at = points; at > 1; at--)); do
		rm -f "${marks[@]}"
		run -0 "$faultat" --at "0:$at" -- touch "${marks[@]}"
		if [ -e "${marks[0]}" ] && [ ! -e "${marks[1]}" ]; then
			half=1
			break
		fi
	done
	[ "$half" = 1 ]
	run -3 "$faultat" --at 0:100000 -- true
}

@test "faultat lets the others go on" {
	run -0 "$faultat" --count -- sh -c '(sleep 0.2; echo alive >"$1") & wait' sh "$BATS_TEST_TMPDIR/mark"
	[[ $output == *"helper 0.0 "* ]]
	rm "$BATS_TEST_TMPDIR/mark"
	points=$(sed -n 's/^runtime 0 \([0-9]*\) .*/\1/p' <<<"$output")
	run -0 "$faultat" --at "0:$((points - 2))" -- \
		sh -c '(sleep 0.2; echo alive >"$1") & wait' sh "$BATS_TEST_TMPDIR/mark"
	local deadline=$((SECONDS + 10))
	until [ -s "$BATS_TEST_TMPDIR/mark" ]; do
		[ $SECONDS -lt $deadline ]
		sleep 0.02
	done
}

@test "faultat makes a call fail as it is told, and only that one" {
	local mark=$BATS_TEST_TMPDIR/mark report=$BATS_TEST_TMPDIR/report points at refused=0
	run -0 "$faultat" --count -- touch "$mark"
	read -r _ _ points _ <<<"$output"
	for ((at = points; at > points - 40; at--)); do
		rm -f "$mark"
		run "$faultat" --report "$report" --at "0:$at" --fault ENOSPC -- touch "$mark"
		[[ $output != *"cannot touch"*"No space left on device"* ]] || { refused=1 && break; }
	done
	[ "$refused" = 1 ]
	[ "$status" = 0 ]
	grep -q "^status 1$" "$report"
	[ ! -e "$mark" ]
	# There is no answer to exit_group.
	run -5 "$faultat" --at "0:$points" --fault ENOSPC -- touch "$mark"
	[ -e "$mark" ]
}

@test "faultat stops a process for a moment, signals it, and names who crashes" {
	local report=$BATS_TEST_TMPDIR/report
	run -0 "$faultat" --report "$report" --at 0:20 --fault stop -- sh -c 'echo went on'
	[ "$output" = "went on" ]
	run -0 "$faultat" --report "$report" --at 0:20 --fault SIGTERM -- sh -c 'echo no'
	[ "$output" = "" ]
	grep -q "^status 143$" "$report"
	# One of the first calls looks for /etc/ld.so.preload, and may fail. libc's very first may not.
	local at crashed=0
	for at in 3 4 5 6; do
		run "$faultat" --report "$report" --at "0:$at" --fault EIO -- sh -c 'sleep 0.1; kill -SEGV $$'
		! grep -q "^crash 0 11$" "$report" || crashed=$((crashed + 1))
	done
	[ "$crashed" -gt 0 ]
	run -5 "$faultat" --at 0:1 --fault EIO -- true
}

@test "the sweep sees what a careless runtime leaves" {
	cat >"$BATS_TEST_TMPDIR/careless" <<-'EOT'
	#!/bin/sh
	# careless --root DIR COMMAND... ID
	root=$2 command=$3
	for id; do :; done
	case $command in
	create) mkdir -p "$root/$id" "/sys/fs/cgroup/$id" && : >"$root/$id/state" ;;
	delete) if [ -e "$root/$id/state" ]; then rmdir "/sys/fs/cgroup/$id"; fi; rm -rf "$root/$id" ;;
	esac
	exit 0
	EOT
	chmod +x "$BATS_TEST_TMPDIR/careless"
	run -1 "$sweep" --runtime "$BATS_TEST_TMPDIR/careless" --world v2 --command create --step 4
	[[ $output == *"left: cgroup /sys/fs/cgroup/"* ]]
	[[ $output =~ total:\ shots=([0-9]+)\ missed=0\ failures=([0-9]+) ]]
	[ "${BASH_REMATCH[2]}" -lt "${BASH_REMATCH[1]}" ]
}

short() {
	run "$sweep" --world native --shots 4 "$@"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output =~ total:\ shots=([0-9]+) ]]
	# At least two processes have been shot at.
	[ "${BASH_REMATCH[1]}" -gt 4 ]
}

@test "create killed anywhere leaves nothing behind one delete" {
	short --command create --variant always --variant never
}

@test "create killed anywhere: user namespace, joined namespace, nested cgroup" {
	short --command create --variant userns --variant netns --variant nested
}

@test "create and delete killed anywhere: mounts on the host, without a mount namespace" {
	short --command create --command delete --variant hostmnt
	short --gc --command create --variant hostmnt
}

@test "start killed anywhere can be repeated, and leaves nothing behind one delete" {
	short --command start --variant always
}

@test "any call of create, start, exec and delete fails: no crash, no hang, a word, and nothing left" {
	local command
	for command in create start exec delete; do
		short --shots 2 --fault EIO --fault ENOMEM --command $command --variant always
	done
}

@test "any call of kill, pause, resume and update fails: the same" {
	local command
	for command in kill pause resume update; do
		short --shots 2 --fault EIO --fault EAGAIN --command $command --variant always
	done
}

@test "stopped for a moment, or told to end, at any call: nothing left behind one delete" {
	short --shots 2 --fault stop --fault SIGTERM --command create --command delete --variant always
}

@test "delete killed anywhere can be repeated" {
	short --command delete --variant always --variant nested
}

@test "gc clears what a killed create or delete has left" {
	short --gc --command create --command delete --variant always
}

@test "exec -d killed anywhere leaves nothing behind one delete" {
	short --command exec --variant always
}

@test "commands that race for one container have an outcome that some order explains" {
	run -0 "$top/tests/faults/races" --world native --rounds 5
	[[ $output == *"total: failures=0" ]]
}

@test "kill -9 in berth recover: a second one does it, and delete --force leaves nothing" {
	run -0 "$sweep" --world native --command recover --variant always --shots 8
	[[ $output =~ total:\ shots=([0-9]+)\ missed=([0-9]+)\ failures=0 ]]
	[ "${BASH_REMATCH[1]}" -ge 10 ]
}
