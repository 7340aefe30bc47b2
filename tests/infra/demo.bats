#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The demo, as a new user runs it: it shows each of its steps and leaves nothing.

@test "the demo shows the whole job and leaves nothing behind" {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	run "$top/scripts/demo"
	echo "$output"
	[ "$status" -eq 0 ]
	for line in "# berth run -d" "running" "answer=42" "    42" "# berth logs demo" "That was all."; do
		[[ "$output" == *"$line"* ]] || { echo "no \"$line\"" && return 1; }
	done
	# The second attach has seen what was typed in the first: command and answer are there three times, with the log.
	[ "$(grep -c 'answer=42$' <<<"$output")" -eq 3 ]
	[ -z "$(ls -A "$TMPDIR")" ]
	run grep -ls "$TMPDIR" /proc/[0-9]*/mountinfo /proc/self/mounts
	[ -z "$output" ]
	run find /sys/fs/cgroup -type d -name '*demo*'
	[ -z "$output" ]
}

@test "without root the demo says so at once" {
	[ "$(id -u)" -eq 0 ]
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	# A copy, since the tree may be closed to others.
	mkdir -p "$BATS_TEST_TMPDIR/tree"
	cp -r "$top/scripts" "$BATS_TEST_TMPDIR/tree"
	chmod -R a+rX "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/tree/scripts/demo"
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "demo: run it as root: sudo scripts/demo" ]
}
