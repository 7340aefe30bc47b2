#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# scripts/check-reliability: a test that does not exist is named.

setup() { top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd); }

# check TABLE-ROW...
check() {
	{ printf '| what | test |\n|---|---|\n' && printf '| %s |\n' "$@"; } >"$BATS_TEST_TMPDIR/doc"
	RELIABILITY_MD=$BATS_TEST_TMPDIR/doc SECURITY_MD='' run "$top/scripts/check-reliability"
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
	RELIABILITY_MD=/dev/null SECURITY_MD='' run "$top/scripts/check-reliability"
	[ "$status" -eq 1 ]
}

# record ROW...: the table of docs/SECURITY.md with these rows instead of its own.
record() {
	{ printf '| entry | rule | test |\n|---|---|---|\n' && printf '| %s |\n' "$@"; } >"$BATS_TEST_TMPDIR/record"
	SECURITY_MD=$BATS_TEST_TMPDIR/record run "$top/scripts/check-reliability"
}

@test "the record: each number is that of a test, and each numbered test has a row" {
	local rows=()
	while IFS= read -r row; do rows+=("$row"); done < <(sed -nE 's/^\| ((CVE|GHSA|SHM)-.*) \|$/\1/p' "$top/docs/SECURITY.md")
	[ ${#rows[@]} -gt 15 ]
	record "${rows[@]}"
	[ "$status" -eq 0 ]
	record "${rows[@]}" 'CVE-1999-0001 | `x` | state.bats: delete --force twice at once'
	[ "$status" -eq 1 ] && [[ "$output" == *"CVE-1999-0001: none of its tests has that number"* ]]
	record "${rows[@]:1}"
	[ "$status" -eq 1 ] && [[ "$output" == *"no row for CVE-"* ]]
}
