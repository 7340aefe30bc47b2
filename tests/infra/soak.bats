#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tests/soak/soak in small, and one that can't be done in its time. make soak is the whole.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	small=(--containers 6 --cycles 20 --clients 4 --writers 2 --mb 2 --runtime-kills 6 --shim-kills 2)
}

nothing_left() {
	run find /sys/fs/cgroup /run -maxdepth 4 -name '*soak[0-9]*'
	[ -z "$output" ] || { echo "left: $output" && return 1; }
}

@test "a small soak loses nothing, and leaves nothing" {
	run "$top/tests/soak/soak" "${small[@]}" --minutes 5
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"4 clients"* && "$output" == *"2 readers have seen all"* && "$output" == *"nothing was lost"* ]]
	nothing_left
}

@test "a soak without time says so, and leaves nothing" {
	run "$top/tests/soak/soak" "${small[@]}" --minutes 0.01
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not done in 0.01 minutes"* ]]
	nothing_left
}
