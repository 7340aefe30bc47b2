#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The counting of results: nothing that failed, crashed or never ran may look like success.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/build"
}

# program NAME SCRIPT: a stand-in for a unit test program.
program() {
	printf '#!/bin/bash\n%s\n' "$2" >"$dir/$1"
	chmod +x "$dir/$1"
}

@test "tap-count knows the skips of cmocka and of bats" {
	printf '%s\n' 1..5 'ok 1 - a' 'not ok 2 # SKIP b' 'not ok 3 - c' 'ok 4 d # skip no such thing' 'ok 5 - e' \
		'# ok - group' '1..1' 'ok 1 - f' >"$dir/tap"
	run "$top/scripts/tap-count" "$dir/tap"
	[ "$output" = "3 1 2 6" ]
}

@test "run-unit: success, and the TAP is kept" {
	program test_a 'echo 1..2; echo "ok 1 - x"; echo "ok 2 - y"'
	run "$top/scripts/run-unit" "$dir/build" "$dir/test_a"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = "unit: 2 passed, 0 failed, 0 skipped" ]
	grep -qx '# file test_a' "$dir/build/tests/unit.tap"
	grep -qx 'ok 2 - y' "$dir/build/tests/unit.tap"
}

@test "run-unit: a failed test fails the run but not the tests after it" {
	program test_a 'echo 1..1; echo "not ok 1 - x"; exit 1'
	program test_b 'echo 1..1; echo "ok 1 - y"'
	run "$top/scripts/run-unit" "$dir/build" "$dir/test_a" "$dir/test_b"
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "unit: 1 passed, 1 failed, 0 skipped" ]
}

@test "run-unit: a crash in the middle is a failure" {
	program test_a 'echo 1..3; echo "ok 1 - x"; kill -SEGV $$'
	run "$top/scripts/run-unit" "$dir/build" "$dir/test_a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"stopped after 1 of 3 tests (exit status 139)"* ]]
}

@test "run-unit: an exit status that no failed test explains is a failure" {
	program test_a 'echo 1..1; echo "ok 1 - x"; exit 23'
	run "$top/scripts/run-unit" "$dir/build" "$dir/test_a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"exit status 23"* ]]
}

@test "run-unit: a program without tests is a failure, and so is one that hangs" {
	program test_a 'exit 0'
	run "$top/scripts/run-unit" "$dir/build" "$dir/test_a"
	[ "$status" -eq 1 ]
	program test_a 'echo 1..1; exec tail -f /dev/null'
	UNIT_TIMEOUT=1 run "$top/scripts/run-unit" "$dir/build" "$dir/test_a"
	[ "$status" -eq 1 ]
	[[ "$output" == *"exit status 124"* ]]
}

@test "run-bats: counts, and notices a file that cannot run" {
	# Made at run time: bats would take the lines for tests of this file.
	printf '@%s "good" {\n\ttrue\n}\n@%s "bad" {\n\tfalse\n}\n@%s "later" {\n\tskip "no reason"\n}\n' test test test \
		>"$dir/a.bats"
	run "$top/scripts/run-bats" "$dir/build" sample "$dir/a.bats"
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "sample: 1 passed, 1 failed, 1 skipped" ]
	printf '@%s "broken" {\n' test >"$dir/a.bats"
	run "$top/scripts/run-bats" "$dir/build" sample "$dir/a.bats"
	[ "$status" -eq 1 ]
}
