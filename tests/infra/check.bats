#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# scripts/check in a copy of the tree where `make`, bats and the worlds are stand-ins: the sum, the closing line, the exit
# status, and what becomes of skips.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/tests" "$tree/bin"
	cp -r "$top/scripts" "$tree/scripts"
	script scripts/fuzz 'exit 0'
	: >"$tree/tests/allowed-skips"
	script scripts/deps-check 'exit 0'
	mkdir -p "$tree/tests/e2e"
	script tests/e2e/run 'mkdir -p build/tests; cp tap.e2e build/tests/e2e-$1.tap; ! grep -q "^not ok" tap.e2e'
	script bin/make '
case ${*: -1} in
check-unit)
	b=build
	case $* in *build-san*) b=build-san ;; esac
	mkdir -p $b/tests; cp tap.unit $b/tests/unit.tap; ! grep -q "^not ok [0-9]* -" tap.unit ;;
check-e2e-sanitized) cp tap.sanitized build-san/tests/e2e-v2.tap ;;
check-infra) cp tap.unit build/tests/infra.tap ;;
check-hostile) cp tap.unit build/tests/hostile.tap ;;
*) [ "${*: -1}" != "${FAILING:-}" ] ;;
esac'
	printf '%s\n' '# file test_a' 1..2 'ok 1 - a' 'ok 2 - b' >"$tree/tap.unit"
	printf '%s\n' '# file tests/e2e/x.bats' 1..2 'ok 1 one' 'ok 2 two' >"$tree/tap.e2e"
	cp "$tree/tap.e2e" "$tree/tap.sanitized"
	# One world, whatever this machine has.
	printf 'native_world() {\n\techo v2\n}\nas_caller() {\n\t"$@"\n}\n' >"$tree/scripts/common.bash"
	script bin/id 'echo 0'
}

# sum PASSED-LESS-ALL FAILED SKIPPED: 12 steps, 6 suites of 2
sum() { [ "${lines[-1]}" = "$((12 + 6 * 2 + $1)) passed, $2 failed, $3 skipped" ]; }

script() {
	printf '#!/bin/bash\n%s\n' "$2" >"$tree/$1"
	chmod +x "$tree/$1"
}

check() {
	PATH=$tree/bin:$PATH run "$tree/scripts/check" --no-install
}

@test "everything passes" {
	check
	[ "$status" -eq 0 ]
	sum 0 0 0
}

@test "only the closing line has the form that sums are read from" {
	check
	run grep -cE '^([^ ]+: )?[0-9]+ passed, [0-9]+ failed' <<<"$output"
	[ "$output" = 1 ]
}

@test "a failed step and a failed test fail the run" {
	FAILING=check-layers check
	[ "$status" -eq 1 ]
	sum -1 1 0
	printf '%s\n' '# file tests/e2e/x.bats' 1..2 'ok 1 one' 'not ok 2 two' '# why' >"$tree/tap.e2e"
	check
	[ "$status" -eq 1 ]
	sum -1 1 0
	[[ "$output" == *"not ok 2 two"*"# why"* ]]
	[[ "$output" != *"ok 1 one"* ]]
}

@test "a build that fails ends the run with a failure" {
	FAILING=tests check
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
}

@test "a skip that is not on the list is a failure and is named" {
	printf '%s\n' '# file tests/e2e/x.bats' 1..2 'ok 1 one' 'ok 2 two # skip no controllers' >"$tree/tap.e2e"
	check
	[ "$status" -eq 1 ]
	sum -1 1 0
	[[ "$output" == *"skipped in world v2 without leave (tests/allowed-skips): tests/e2e/x.bats: two"* ]]
}

@test "a skip on the list of its world is only counted" {
	printf '%s\n' '# file tests/e2e/x.bats' 1..2 'ok 1 one' 'ok 2 two # skip no controllers' >"$tree/tap.e2e"
	printf '%s\n' '# why' 'hybrid tests/e2e/x.bats: two' >"$tree/tests/allowed-skips"
	check
	[ "$status" -eq 1 ]
	printf '%s\n' 'v2  tests/e2e/x.bats: t*' >"$tree/tests/allowed-skips"
	check
	[ "$status" -eq 0 ]
	sum -1 0 1
}

@test "the skips of cmocka are held to the list too" {
	printf '%s\n' '# file test_a' 1..2 'ok 1 - a' 'not ok 2 # SKIP b' >"$tree/tap.unit"
	check
	[ "$status" -eq 1 ]
	printf '%s\n' '* test_a: b' >"$tree/tests/allowed-skips"
	check
	[ "$status" -eq 0 ]
	sum -4 0 4
}

@test "a suite that ran no test has failed" {
	: >"$tree/tap.e2e"
	check
	[ "$status" -eq 1 ]
	sum -2 1 0
}
