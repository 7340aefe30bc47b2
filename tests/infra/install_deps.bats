#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# install-deps against stub package managers: which one is chosen, what it is asked for, and that nothing is asked for
# when nothing is missing. No real package manager runs.

bats_require_minimum_version 1.5.0

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	stub=$BATS_TEST_TMPDIR/bin
	mkdir -p "$stub"
	calls=$BATS_TEST_TMPDIR/calls
	: >"$calls"
	# Only these tools, so that the package manager of this machine is out of reach.
	for tool in bash awk grep dirname id cat mktemp rm; do ln -s "$(type -P $tool)" "$stub/$tool"; done
	unset BERTH_PM
}

# stub NAME SCRIPT
stub() {
	printf '#!/bin/bash\necho "%s $*" >>"%s"\n%s\n' "$1" "$calls" "$2" >"$stub/$1"
	chmod +x "$stub/$1"
}

deps() {
	PATH=$stub run bash "$top/scripts/install-deps" "$@"
}

@test "every row of the package table has a purpose and four columns" {
	run awk '/^#/ || NF == 0 { next } NF != 5 { print NR ": " $0; bad = 1 } { n++ } END { exit bad || n < 20 }' \
		"$top/scripts/packages"
	[ "$status" -eq 0 ]
}

@test "apt is asked for the missing packages only" {
	stub apt-get 'exit 0'
	stub dpkg-query 'case "${*: -1}" in gcc | make) echo installed ;; *) exit 1 ;; esac'
	deps build
	[ "$status" -eq 0 ]
	run grep -c '^apt-get install' "$calls"
	[ "$output" = 1 ]
	run grep '^apt-get install -y --no-install-recommends .*libseccomp-dev.*libev-dev' "$calls"
	[ "$status" -eq 0 ]
	run ! grep -E '^apt-get install.* (gcc|make)( |$)' "$calls"
}

@test "apt: a failed install is tried again after an update" {
	stub apt-get '[ "$1" = update ] && echo > "'"$BATS_TEST_TMPDIR"'/updated"; [ -e "'"$BATS_TEST_TMPDIR"'/updated" ]'
	rm -f "$BATS_TEST_TMPDIR/updated"
	stub dpkg-query 'exit 1'
	deps build
	[ "$status" -eq 0 ]
	run grep -c '^apt-get update' "$calls"
	[ "$output" = 1 ]
}

@test "an install that fails for good is an error that names the packages" {
	stub apt-get 'exit 1'
	stub dpkg-query 'exit 1'
	deps demo
	[ "$status" -eq 1 ]
	[[ "$output" == *"apt could not install: busybox-static bsdutils"* ]]
}

@test "nothing is asked for when nothing is missing" {
	stub apt-get 'exit 1'
	stub dpkg-query 'echo installed'
	deps build demo test bench
	[ "$status" -eq 0 ]
	run ! grep -q apt-get "$calls"
}

@test "dnf: its names, its command" {
	stub dnf 'exit 0'
	stub rpm 'exit 1'
	deps build
	[ "$status" -eq 0 ]
	grep -q '^dnf install -y .*glibc-devel .*libseccomp-devel .*cjson-devel' "$calls"
	run ! grep -q -- '-dev ' "$calls"
}

@test "apk: its names, its command" {
	stub apk '[ "$1" = add ]'
	deps build test
	[ "$status" -eq 0 ]
	grep -q '^apk add .*musl-dev .*libseccomp-dev .*clang-extra-tools' "$calls"
	# One package for two rows is asked for once.
	run grep -o 'clang-extra-tools' <(grep '^apk add' "$calls")
	[ "${#lines[@]}" -eq 1 ]
}

@test "pacman: its names, its command" {
	stub pacman '[ "$1" = -S ]'
	deps build
	[ "$status" -eq 0 ]
	grep -q '^pacman -S --needed --noconfirm .*libseccomp .*cjson' "$calls"
}

@test "BERTH_PM overrides the choice, and -n only prints" {
	stub apt-get 'exit 0'
	stub apk 'exit 1'
	PATH=$stub BERTH_PM=apk run bash "$top/scripts/install-deps" -n demo
	[ "$status" -eq 0 ]
	[ "$output" = "apk add busybox-static util-linux-misc" ]
	run ! grep -q 'add' "$calls"
}

@test "no known package manager, and an unknown purpose, are said so" {
	deps build
	[ "$status" -eq 1 ]
	[[ "$output" == *"no package manager that is known here"* ]]
	stub apt-get 'exit 0'
	deps nonsense
	[ "$status" -eq 1 ]
	[ "$output" = "install-deps: no such purpose: nonsense" ]
}
