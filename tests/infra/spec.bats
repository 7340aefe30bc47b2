#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docs/SPEC.md: scripts/check-spec sees what is missing or wrong in it, scripts/knockouts sees a test that proves nothing.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	T=$BATS_TEST_TMPDIR
	cp "$top/docs/SPEC.md" "$T/SPEC.md"
	# A build whose tables know what the document says they know.
	mkdir -p "$T/build/tests/spec" "$T/build/tests/unit"
	awk -F'|' '/^\| `/ { gsub(/[` ]/, "", $2); if ($5 ~ /not yet|ignored/) next; print $2, "known" ($5 ~ /required/ ? " required" : "") }' \
		"$T/SPEC.md" >"$T/paths"
	printf '#!/bin/sh\ncat %s/paths\n' "$T" >"$T/build/tests/spec/paths"
	chmod 755 "$T/build/tests/spec/paths"
	export SPEC_MD=$T/SPEC.md SECURITY_MD=/dev/null
}

check_spec() { run "$top/scripts/check-spec" "$T/build"; }

says() {
	check_spec
	[ "$status" -eq 1 ] || { echo "accepted" && return 1; }
	[[ "$output" == *"$1"* ]] || { echo "not said: $1; but: $output" && return 1; }
	[[ "$output" == *" 1 wrong"* ]]
}

# row PROPERTY FUNCTION TEST NOTE: replace its row.
row() {
	awk -F'|' -v p="\`$1\`" -v r="| \`$1\` | \`$2\` | $3 | $4 |" '{ f = $2; gsub(/ /, "", f); print f == p ? r : $0 }' "$T/SPEC.md" >"$T/new"
	mv "$T/new" "$T/SPEC.md"
}

@test "check-spec: the document as it is" {
	check_spec
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *" 0 wrong"* ]]
}

@test "check-spec: a property of the tables, and one of the specification, without a row" {
	echo 'process.brandNew known' >>"$T/paths"
	says 'process.brandNew: in the field tables, not here'
	sed -i '$d' "$T/paths"
	sed -i '/^| `linux.intelRdt.closID`/d' "$T/SPEC.md"
	sed -i '/^linux.intelRdt.closID /d' "$T/paths"
	says 'linux.intelRdt.closID: in the runtime-spec, not here'
}

@test "check-spec: a row of nothing, and one twice" {
	printf '| `%s` | %s | %s | %s |\n' process.nothing '' '' 'not yet' >>"$T/SPEC.md"
	says 'process.nothing: neither in the field tables nor in the runtime-spec'
	cp "$top/docs/SPEC.md" "$T/SPEC.md"
	grep -m 1 '^| `hostname`' "$top/docs/SPEC.md" >>"$T/SPEC.md"
	says 'hostname: two rows'
}

@test "check-spec: files, functions and tests that do not exist" {
	row hostname container/init.c:step_nothing 'namespaces.bats: domainname' ''
	says 'hostname: libcore/container/init.c has no step_nothing'
	row hostname container/nothing.c:f 'namespaces.bats: domainname' ''
	says 'hostname: there is no container/nothing.c'
	row hostname container/init.c:step_names 'namespaces.bats: no such test' ''
	says 'tests/e2e/namespaces.bats has no test "no such test"'
	row hostname container/init.c:step_names 'test_fd.c: test_nothing' ''
	says 'tests/unit/test_fd.c has no test test_nothing'
}

@test "check-spec: notes that are not true" {
	row hostname container/init.c:step_names 'namespaces.bats: domainname' required
	says 'hostname: is not required'
	row hostname container/init.c:step_names 'namespaces.bats: domainname' 'some day'
	says 'hostname: there is no note "some day"'
	sed -i 's/^| `hostname` .*/| `hostname` | | | not yet |/' "$T/SPEC.md"
	says 'hostname: is in the field tables, so it is not "not yet"'
	sed -i 's/^hostname known/hostname refused/' "$T/paths"
	check_spec
	[ "$status" -eq 0 ]
}

# A unit test of the name test_a, that fails with the properties $1 left out.
unit_test() {
	printf '#!/bin/sh\necho 1..1\ncase " %s " in *" $BERTH_KNOCKOUT "*) echo "not ok 1 - test_a"; echo "# why" ;; *) echo "ok 1 - test_a" ;; esac\n' "$1" \
		>"$T/build/tests/unit/test_x"
	chmod 755 "$T/build/tests/unit/test_x"
}

@test "knockouts: a test that fails without its property, and one that does not" {
	printf '| `a.b` | `f:g` | test_x.c: test_a | |\n| `c[].d` | `f:g` | test_x.c: test_a | required |\n| `e` | | | not yet |\n' >"$T/SPEC.md"
	unit_test 'a.b c[].d'
	run "$top/scripts/knockouts" "$T/build"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"knockouts: 2 rows, 2 proven (1 of them"*" 0 not"* ]]
	unit_test 'a.b'
	run "$top/scripts/knockouts" "$T/build"
	[ "$status" -eq 1 ]
	[[ "$output" == *"NOT "*'c[].d'*"the test passes without it"* ]]
	[[ "$output" == *" 1 proven"* && "$output" == *" 1 not"* ]]
	run "$top/scripts/knockouts" "$T/build" a.b
	[ "$status" -eq 0 ]
	run "$top/scripts/knockouts" "$T/build" e
	[ "$status" -eq 1 ]
}

@test "knockouts: a test that fails anyway, or is not there, proves nothing" {
	printf '| `a.b` | `f:g` | test_x.c: test_a | |\n' >"$T/SPEC.md"
	unit_test ' '
	BERTH_KNOCKOUT=x run "$top/scripts/knockouts" "$T/build"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the test does not pass as it is"* ]]
	printf '| `a.b` | `f:g` | test_x.c: test_b | |\n' >"$T/SPEC.md"
	run "$top/scripts/knockouts" "$T/build"
	[ "$status" -eq 1 ]
	[[ "$output" == *"did not run"* ]]
}

@test "knockouts: what was shown is not run again, until the test changes" {
	printf '| `a.b` | `f:g` | test_x.c: test_a | |\n' >"$T/SPEC.md"
	unit_test a.b
	sed -i "1a echo run >>$T/count" "$T/build/tests/unit/test_x"
	"$top/scripts/knockouts" "$T/build"
	[ "$(wc -l <"$T/count")" -eq 2 ]
	"$top/scripts/knockouts" "$T/build"
	[ "$(wc -l <"$T/count")" -eq 2 ]
	echo '# changed' >>"$T/build/tests/unit/test_x"
	"$top/scripts/knockouts" "$T/build"
	[ "$(wc -l <"$T/count")" -eq 4 ]
}

@test "the programs that are installed know nothing of knockouts" {
	local program
	for program in berth berth-shim; do
		[ -x "$BERTH_BUILD/$program" ] || { echo "no $program in $BERTH_BUILD" && return 1; }
		! strings -a "$BERTH_BUILD/$program" | grep -iq knock || { echo "$program does" && return 1; }
	done
}
