#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# scripts/check-reliability: a test that does not exist is named.

setup() { top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd); }

# check TABLE-ROW...
check() {
	{ printf '| what | test |\n|---|---|\n' && printf '| %s |\n' "$@"; } >"$BATS_TEST_TMPDIR/doc"
	RELIABILITY_MD=$BATS_TEST_TMPDIR/doc run "$top/scripts/check-reliability"
}

@test "what is there is found, in each kind of file" {
	check 'a | state.bats: delete --force twice at once' 'b | test_rate.c: test_flood<br>managers/docker.bats: docker build: RUN goes through the default runtime'
	[ "$status" -eq 0 ] && [[ "$output" == *"3 tests named, 0 wrong" ]]
}

@test "what is not there is named; no test at all is wrong" {
	check 'a | state.bats: delete --force thrice at once' 'b | test_rate.c: test_none<br>nothing'
	[ "$status" -eq 1 ]
	for what in 'no test "delete --force thrice at once"' 'no test test_none' '"nothing" is not FILE: TEST' '3 tests named, 3 wrong'; do
		[[ "$output" == *"$what"* ]] || { echo "not said: $what; but: $output" && return 1; }
	done
	RELIABILITY_MD=/dev/null run "$top/scripts/check-reliability"
	[ "$status" -eq 1 ]
}
