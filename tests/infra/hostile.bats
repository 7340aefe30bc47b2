#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tests/security/hostile: a program that does wrong is found out, in each way that there is.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	fake=$BATS_TEST_TMPDIR/fake
}

# hostile ONLY: run the cases of that name against the fake, whose text is on standard input. {} is the berth it hides.
hostile() {
	{ echo '#!/bin/sh' && sed 's,{},/tmp/w/bin/berth,g'; } >"$fake"
	chmod 755 "$fake"
	run env BERTH_BUILD="${BERTH_BUILD:-$top/build}" "$top/tests/security/hostile" --berth "$fake" --timeout 5 --tap "$BATS_TEST_TMPDIR/tap" --only "$1"
}

finds() {
	[ "$status" -eq 1 ] || { echo "status $status: $output" && return 1; }
	for what; do [[ "$output" == *"$what"* ]] || { echo "not said: $what; but: $output" && return 1; }; done
}

@test "a program that does it right passes" {
	hostile '^version: .(99|1\.9\.9|v1)' <<'X'
exec {} "$@"
X
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	[[ "$output" == *"2 passed, 0 failed"* ]]
}

@test "one that accepts everything fails" {
	hostile '^version: .99' <<'X'
exit 0
X
	finds "not ok 1 version: '99.0.0'" "accepted" "0 passed, 1 failed"
}

@test "one that refuses everything fails" {
	hostile '^version: 1\.9\.9' <<'X'
echo "berth: no" >&2
exit 1
X
	finds "status 1: refused" "0 passed, 1 failed"
}

@test "two lines, other words, another status, words on standard output" {
	hostile '^version: .99' <<'X'
{} "$@"
rc=$?
echo "and more" >&2
exit $rc
X
	finds "2 lines on standard error"
	hostile '^version: .99' <<'X'
{} "$@" 2>/dev/null && exit
echo "something is wrong" >&2
exit 1
X
	finds "the message does not match /ociVersion/"
	hostile '^version: .99' <<'X'
{} "$@" || exit 2
X
	finds "status 2 instead of 1"
	hostile '^version: .99' <<'X'
echo hello
exec {} "$@"
X
	finds "words on standard output"
}

@test "a crash and a hang" {
	hostile '^version: .99' <<'X'
kill -SEGV $$
X
	finds "crashed: status -11"
	hostile '^version: .99' <<'X'
exec sleep 100
X
	finds "did not end within"
}

@test "what is left behind: a file, a process, a mount, a cgroup, a changed file of the host" {
	hostile '^version: .99' <<'X'
mkdir /tmp/w/s/left
exec {} "$@"
X
	finds "left behind: new: file /tmp/w/s/left"
	hostile '^version: .99' <<'X'
sleep 50 >/dev/null 2>&1 &
exec {} "$@"
X
	finds "left behind: new: process" " sleep "
	hostile '^version: .99' <<'X'
mount -t tmpfs none /tmp/w/x
exec {} "$@"
X
	finds "left behind: new: mount"
	hostile '^version: .99' <<'X'
for id; do :; done
d=/sys/fs/cgroup
[ -e $d/cgroup.controllers ] || d=$d/unified
[ -e $d/cgroup.procs ] || d=/sys/fs/cgroup/memory
mkdir $d/$id
exec {} "$@"
X
	finds "left behind: new: cgroup"
	hostile '^version: .99' <<'X'
echo x >>/tmp/w/canary/secret
exec {} "$@"
X
	finds "left behind: new: canary"
}

@test "another runtime is counted, not judged" {
	{ echo '#!/bin/sh' && echo 'exit 0'; } >"$fake"
	chmod 755 "$fake"
	run env BERTH_BUILD="${BERTH_BUILD:-$top/build}" "$top/tests/security/hostile" --runtime "$fake" --only "^version: ."
	[ "$status" -eq 0 ]
	[[ "$output" == *"31 cases that must be refused: 31 accepted"* ]] || { echo "$output" && return 1; }
}
