#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runner of the end-to-end tests, cut off in the middle: no process and no cgroup of its tests stays.

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	before=$(cgroups)
}

cgroups() { find /sys/fs/cgroup -type d \( -name 'f[0-9]*-*' -o -name 'e[0-9a-f]*' -o -name 'berth*' \) | sort; }
sweeps() { find /sys/fs/cgroup -type d -path '*/berth/f[0-9]*-*' | grep -q .; }

@test "a file that takes too long leaves nothing" {
	run env E2E_TIMEOUT=6 "$TOP/tests/e2e/run" -f 'create killed' native -- faults.bats
	[ "$status" -ne 0 ]
	[[ $output == *"status 124"* ]]
	[ "$(cgroups)" = "$before" ]
}

@test "a runner that is stopped leaves nothing" {
	"$TOP/tests/e2e/run" -f 'create killed' native -- faults.bats >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local runner=$! i
	for ((i = 0; i < 300; i++)); do
		! sweeps || break
		sleep 0.1
	done
	sweeps
	kill -TERM $runner
	wait $runner || true
	grep -q interrupted "$BATS_TEST_TMPDIR/out"
	[ "$(cgroups)" = "$before" ]
}
